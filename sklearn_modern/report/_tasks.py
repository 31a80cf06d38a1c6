"""What there is to predict: classes, numbers, or levels with an order."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from sklearn_modern._core.optional import import_optional
from sklearn_modern._inputs.levels import ordered_categories, rank_order
from sklearn_modern.report._tables import objects_as_numbers

__all__ = ["TASKS", "Task", "check_rows", "check_target", "read_target", "settle_task"]

TASKS = ("auto", "classification", "regression", "ordinal")
# So many different whole numbers are taken for classes.
_MOST_CLASSES = 10
_MOST_LABELS = 200


@dataclass(frozen=True)
class Task:
    """What there is to predict.

    Parameters
    ----------
    kind : {"classification", "regression", "ordinal"}
        What it is.
    reason : str
        Why it is taken for that.
    overrule : str
        How to have it otherwise.
    target : str
        The name of y.
    classes : list or None
        Labels in order; None for numbers.
    """

    kind: str
    reason: str
    overrule: str
    target: str
    classes: list[Any] | None


def read_target(y: Any) -> tuple[Any, str]:
    """Return y as an array, or as a Series of ordered categories, and its name.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels or numbers.
    """
    pandas = import_optional("pandas", extra="report", feature="A report")
    name = getattr(y, "name", None)
    name = "y" if name is None else str(name)
    shape = np.shape(y)
    if len(shape) == 2 and shape[1] == 1:
        y = y.iloc[:, 0] if hasattr(y, "iloc") else np.asarray(y)[:, 0]
    elif len(shape) != 1:
        raise ValueError(f"The target has the shape {shape}; pass one column of it at a time.")
    series = objects_as_numbers(pandas.Series(y).reset_index(drop=True))
    missing = int(series.isna().sum())
    if missing:
        raise ValueError(
            f"The target {name!r} is missing in {missing} of {len(series)} rows; remove these rows."
        )
    if isinstance(series.dtype, pandas.CategoricalDtype):
        if series.dtype.ordered:
            return series.cat.remove_unused_categories(), name
        series = objects_as_numbers(series.astype(series.cat.categories.dtype))
    if pandas.api.types.is_datetime64_any_dtype(series.dtype):
        raise ValueError(f"The target {name!r} has dates; pass what is to be predicted as numbers.")
    if pandas.api.types.is_bool_dtype(series.dtype):
        return series.to_numpy(dtype=bool), name
    if pandas.api.types.is_numeric_dtype(series.dtype):
        plain = isinstance(series.dtype, np.dtype)
        return _whole_if_possible(series.to_numpy(None if plain else float)), name
    values = series.to_numpy(dtype=object)
    if len(kinds := {type(value).__name__ for value in values}) > 1:
        raise ValueError(
            f"The target {name!r} mixes {' and '.join(sorted(kinds))}; make all values text, or "
            "all numbers."
        )
    return values.astype(str), name


def settle_task(y: Any, task: str, target: str) -> Task:
    """Say what there is to predict, and why.

    Parameters
    ----------
    y : ndarray or Series of shape (n_samples,)
        What :func:`read_target` returns.
    task : str
        One of ``TASKS``.
    target : str
        The name of y.
    """
    if task not in TASKS:
        raise ValueError(f"task={task!r} must be one of {', '.join(map(repr, TASKS))}.")
    ordered = ordered_categories(y) is not None
    numbers = not ordered and y.dtype.kind in "iuf"
    whole = not ordered and y.dtype.kind in "iu"
    n_values = len(np.unique(np.asarray(y)))
    if n_values < 2:
        raise ValueError(
            f"The target {target!r} has one value only, {np.asarray(y)[0]!s}; there is nothing to "
            "predict. Is it the right column?"
        )
    if task != "auto":
        kind, reason = task, f"task={task!r} was given."
    elif ordered:
        kind, reason = "ordinal", f"{target} has {n_values} categories with an order."
    elif not numbers:
        kind, reason = "classification", f"{target} has {n_values} different labels."
    elif whole and n_values <= _MOST_CLASSES:
        kind = "classification"
        reason = f"{target} has {n_values} different whole numbers, few enough to be classes."
    else:
        kind = "regression"
        reason = f"{target} has {n_values} different numbers."
    if kind == "regression" and not numbers:
        raise ValueError(
            f"task='regression' predicts numbers, but the target {target!r} has labels such as "
            f"{np.asarray(y)[0]!s}."
        )
    if kind != "regression" and numbers and not whole:
        raise ValueError(_labels_are_text(np.unique(y), kind, target))
    if kind == "ordinal" and not (ordered or numbers):
        raise ValueError(
            f"task='ordinal' needs the order of the labels of {target!r}: make them numbers, or an "
            "ordered pandas Categorical (--levels on the command line names them, lowest first)."
        )
    possible = {"classification": whole or not numbers, "regression": numbers}
    possible["ordinal"] = whole or ordered
    overrule = _overrule([one for one, can in possible.items() if can and one != kind], numbers)
    classes = None
    if kind != "regression":
        classes = (rank_order(y, None) if kind == "ordinal" else np.unique(np.asarray(y))).tolist()
    return Task(kind, reason, overrule, target, classes)


def _overrule(others, numbers):
    """Say what else a target may be taken for, or be made."""
    if others:
        words = " or ".join(f'task="{one}"' for one in others)
        return f"To have it otherwise: {words}; on the command line --task."
    if numbers:
        return "If the numbers stand for classes, make them text: y.astype(str)."
    return (
        "If the labels have an order, make them an ordered pandas Categorical; on the command line "
        "--levels."
    )


def _labels_are_text(values, kind, target):
    """Say how numbers with fractions, which no classifier takes for labels, become labels."""
    unfit = values[(values != values.round()) | ~np.isfinite(values)]
    start = (
        f"task={kind!r} needs labels, but the target {target!r} has numbers that are not whole, "
        f"such as {(unfit if len(unfit) else values)[0]}: "
    )
    if kind == "classification":
        return f'{start}make them text (y.astype(str)), or take task="regression".'
    if len(values) > _MOST_CLASSES:
        return f'{start}there are {len(values)} of them; take task="regression".'
    levels = [str(value) for value in values.tolist()]
    return (
        f"{start}make them an ordered pandas Categorical of text (pandas.Categorical(y.astype(str),"
        f" {levels}, ordered=True); on the command line --levels {','.join(levels)}), or "
        'take task="regression".'
    )


def check_rows(n_rows: int, outer_cv: Any, inner_cv: Any) -> None:
    """Refuse fewer rows than the folds need.

    Parameters
    ----------
    n_rows : int
        How many there are.
    outer_cv, inner_cv : int, splitter or iterable
        The folds; only of numbers of folds it is known what they need.
    """
    n_outer, n_inner = _n_folds(outer_cv), _n_folds(inner_cv)
    if n_outer < 2 or n_inner < 2:
        raise ValueError(f"outer_cv={outer_cv} and inner_cv={inner_cv} must be 2 folds at least.")
    needed = max(2 * n_outer, n_outer + n_inner)
    if n_rows < needed:
        raise ValueError(
            f"There {'is 1 row' if n_rows == 1 else f'are {n_rows} rows'}, but {n_outer} outer and "
            f"{n_inner} inner folds need {needed} at least; bring more rows, or take fewer folds."
        )


def check_target(y: Any, task: Task, outer_cv: Any, inner_cv: Any) -> None:
    """Refuse a target that the folds cannot serve.

    Parameters
    ----------
    y : ndarray or Series of shape (n_samples,)
        The target.
    task : Task
        What there is to predict.
    outer_cv, inner_cv : int, splitter or iterable
        The folds.
    """
    n_outer, n_inner = _n_folds(outer_cv), _n_folds(inner_cv)
    if task.classes is None:
        if not np.isfinite(y).all():
            raise ValueError(f"The target {task.target!r} has infinite values; remove these rows.")
        return
    n_classes = len(task.classes)
    if n_classes > min(_MOST_LABELS, max(2, len(y) // 5)):
        numbers = '; or take task="regression"' if np.asarray(y).dtype.kind in "iuf" else ""
        raise ValueError(
            f"The target {task.target!r} has {n_classes} classes in {len(y)} rows, too many to "
            f"learn. Is it the right column? If so, merge rare classes{numbers}."
        )
    labels, counts = np.unique(np.asarray(y), return_counts=True)
    rarest = counts.argmin()
    left = counts[rarest] - -(-counts[rarest] // n_outer)
    if counts[rarest] < n_outer or left < n_inner:
        raise ValueError(
            f"The class {labels[rarest]!s} of {task.target!r} has {counts[rarest]} "
            f"{'row' if counts[rarest] == 1 else 'rows'}, too few for {n_outer} outer and "
            f"{n_inner} inner folds; merge rare classes, remove these rows, or take fewer folds."
        )


def _n_folds(cv):
    return cv if isinstance(cv, Integral) else 2


def _whole_if_possible(values):
    """Return whole numbers as such; a column of a file is read as fractions for one that is not."""
    values = np.asarray(values)
    if values.dtype.kind == "c":
        raise ValueError("The target has complex numbers; pass real ones.")
    finite = values.dtype.kind == "f" and np.isfinite(values).all() and len(values)
    if finite and (values == values.round()).all() and np.abs(values).max() < 2**53:
        return values.astype(np.int64)
    return values
