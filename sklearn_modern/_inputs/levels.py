"""The order of an ordinal target's levels."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from sklearn_modern._inputs.validation import check_labels

__all__ = ["common_levels", "is_ordered", "ordered_categories", "rank_order", "ranks_of"]

# Up to so many labels are written out in an error.
_SHOWN = 20


def rank_order(y: Any, class_order: str | Sequence | None) -> np.ndarray:
    """Find the levels of an ordinal target, the lowest first.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels.
    class_order : None, "sorted" or sequence
        None takes the order of numbers, or that of an ordered pandas Categorical; "sorted" sorts
        labels of any type; a sequence lists the levels themselves, and may include some that y
        lacks.

    Returns
    -------
    ndarray of shape (n_levels,)
        The levels, at least two.
    """
    if isinstance(class_order, str):
        if class_order != "sorted":
            raise ValueError(
                f"class_order={class_order!r} must be None, 'sorted' or the levels, lowest first."
            )
        return check_labels(y)[0]
    if class_order is not None:
        return _given(class_order, "class_order", at_least=2)
    categories = ordered_categories(y)
    if categories is not None:
        return check_labels(categories)[0] if len(categories) < 2 else categories
    levels = check_labels(y)[0]
    _refuse_unordered(levels, "class_order", " (or 'sorted' if this is it)")
    return levels


def common_levels(labels: Any, *ys: Any) -> np.ndarray:
    """Return ``labels``; if None, the categories or the numbers of all the ``ys``, in order."""
    if labels is not None:
        return _given(labels, "labels", at_least=1)
    categories = [found for y in ys if (found := ordered_categories(y)) is not None]
    if categories:
        if not all(np.array_equal(categories[0], others) for others in categories):
            orders = [found.tolist() for found in categories]
            raise ValueError(f"The Categoricals have different levels: {orders}. Pass labels.")
        return categories[0]
    found = check_labels(np.concatenate([np.ravel(y) for y in ys]), at_least=1)[0]
    _refuse_unordered(found, "labels", "")
    return found


def ranks_of(y: Any, levels: np.ndarray, *, name: str = "y") -> np.ndarray:
    """Return the position among the levels of each label."""
    try:
        return check_labels(y, classes=levels, at_least=1)[1]
    except ValueError as error:
        hint = ""
        if levels.dtype.kind in "OU" and np.asarray(y).dtype.kind in "iu":
            hint = (
                " Has a tool coded the labels as numbers, in sorted order? Then let the levels be "
                "0, 1, 2, ... from the start."
            )
        whose = "" if name == "y" else f"{name}: "
        raise ValueError(f"{whose}{error}{hint}") from None


def is_ordered(labels: np.ndarray) -> bool:
    """Tell whether labels have a natural order: numbers, truth values and dates."""
    return labels.dtype.kind in "biufmM" or all(isinstance(label, Real) for label in labels)


def ordered_categories(y: Any) -> np.ndarray | None:
    """Return the categories of an ordered pandas Categorical, None of anything else."""
    if getattr(y, "ndim", 1) == 2 and hasattr(y, "iloc") and y.shape[1] == 1:
        y = y.iloc[:, 0]
    dtype = getattr(y, "dtype", None)
    return np.asarray(dtype.categories) if getattr(dtype, "ordered", False) else None


def _refuse_unordered(labels, parameter, alternative):
    if is_ordered(labels):
        return
    shown = ", ".join(map(repr, labels.tolist()[:_SHOWN]))
    shown = f"[{shown}{', ...' if len(labels) > _SHOWN else ''}]"
    raise ValueError(
        f"The labels {shown} have an order that cannot be known, and alphabetical is seldom right. "
        f"Pass {parameter}={shown} with the labels moved into their order, the lowest first"
        f"{alternative}, or y as an ordered pandas Categorical."
    )


def _given(levels, parameter, *, at_least):
    array = np.asarray(levels)
    if array.ndim == 1 and array.dtype.kind == "U" and not all(isinstance(v, str) for v in levels):
        raise ValueError(f"{parameter}={levels!r} has labels of several types.")
    try:
        found = check_labels(array, at_least=1)[0]
    except ValueError as error:
        raise ValueError(
            f"{parameter}={levels!r} must have the levels, lowest first, but it"
            f"{str(error).removeprefix('Input ').removeprefix('y')}"
        ) from None
    if len(found) < at_least:
        raise ValueError(f"{parameter}={array.tolist()} must have at least two levels.")
    if len(found) < len(array):
        raise ValueError(f"{parameter}={array.tolist()} has a level twice.")
    return array.ravel()
