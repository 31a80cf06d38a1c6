"""Find what makes a cross-validation too optimistic, before any model is fitted."""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import check_cv

from sklearn_modern._core.scikit_learn import num_samples
from sklearn_modern._inputs.cells import refuse_missing
from sklearn_modern._inputs.columns import ColumnCoder, Table
from sklearn_modern._inputs.validation import check_any_targets, check_lengths
from sklearn_modern.model_selection._row_codes import (
    equal_rows,
    row_codes,
    table_columns,
)
from sklearn_modern.model_selection._single_columns import ColumnPower, is_numeric_target
from sklearn_modern.model_selection._target_leaks import (
    is_mean_of_target,
    nearly_determines,
    shift_of_target,
)

__all__ = ["Leak", "find_leaks", "leaks_of_splits"]

_ORDER = [
    *("predicts y", "mean of y", "shifted y", "torn groups", "equal rows", "time"),
    *("identifier", "constant"),
]
_FEWEST_ROWS = 20
_SHOWN = 10
_MIXED_TIMES = 0.5
_TIME_NAME = re.compile(
    r"(^|[\W_])(date|datetime|day|month|time|timestamp|week|year)$", re.IGNORECASE
)
_ID_NAME = re.compile(r"(^|[\W_])(id|ids|uuid|guid|key|index|idx|number|no|nr)$", re.IGNORECASE)


@dataclass(frozen=True)
class Leak:
    """Something that may make scores too good.

    Parameters
    ----------
    kind : str
        What it is: "predicts y", "mean of y", "shifted y", "torn groups", "equal rows", "time",
        "identifier" or "constant".
    columns : tuple
        The columns that it is about: names of a DataFrame, else positions.
    rows : tuple of int
        The rows that it is about, by position.
    evidence : str
        What was found.
    advice : str
        What to do.
    """

    kind: str
    columns: tuple
    rows: tuple[int, ...]
    evidence: str
    advice: str

    def __str__(self) -> str:
        names = ", ".join(map(repr, self.columns[:_SHOWN]))
        more = ", ..." if len(self.columns) > _SHOWN else ""
        where = f" {names}{more}" if self.columns else ""
        return f"{self.kind}{where}: {self.evidence} {self.advice}"


def find_leaks(X: Any, y: Any, *, cv: Any = None, groups: Any = None) -> list[Leak]:
    """Look for leaks: what lets a model know in a cross-validation what it will not know later.

    - "predicts y": a column that alone nearly determines y, often because it was recorded after y,
      or computed from it. It is judged on rows other than those that it is learned from, by a small
      tree or by its categories. Of 10,000 rows or more a sample is taken.
    - "mean of y": a column that has the mean of y over the rows of the same value, as a group's
      mean has that was taken over all rows.
    - "shifted y": a column that nearly determines the y of the row before or after.
    - "equal rows": rows that are equal in all columns and stand on both sides of a split of ``cv``;
      without ``cv``, all rows that have an equal one. Rows that are equal by chance, as columns
      have few values, are left out.
    - "torn groups": groups with rows on both sides of a split.
    - "time": a column of dates, or of numbers that is called so and rises or falls from row to row,
      with splits that train on later rows than they test.
    - "identifier": a column of names or numbers of rows.
    - "constant": a column that has one value.

    Parameters
    ----------
    X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
        Numbers, categories, text and dates, with missing values.
    y : array-like of shape (n_samples,)
        Labels or numbers. More than 30 different numbers are taken for a regression.
    cv : int, splitter or iterable, default=None
        The splits that are to be used, as in scikit-learn.
    groups : array-like of shape (n_samples,), default=None
        Rows of one group belong together, such as those of one patient.

    Returns
    -------
    list of Leak
        What was found, which may be nothing; that is no proof that there is no leak.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_modern.model_selection import find_leaks
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(100, 3)), rng.integers(0, 2, size=100)
    >>> X[:, 1] = 5 * y + rng.normal(size=100) / 10
    >>> for leak in find_leaks(X, y):
    ...     print(leak.kind, leak.columns)
    predicts y (1,)
    """
    check_lengths(X, y)
    y = check_any_targets(y, numbers=False)
    y = np.asarray(y)
    if y.ndim != 1:
        raise ValueError(f"y has the shape {y.shape}; pass one column of y at a time.")
    groups = _checked_groups(groups, len(y))
    table, coder, names = _read(X)
    splits = None if cv is None else _splits(X, y, cv, groups)
    found = [
        *_of_target(table, coder, names, y, groups),
        *_between_rows(X, y, table, splits, groups),
        *_of_time(X, table, coder, names, splits),
        *_identifiers(table, coder, names),
        *_constants(table, coder, names),
    ]
    return sorted(found, key=lambda leak: _ORDER.index(leak.kind))


def leaks_of_splits(X: Any, y: Any, splits: list, groups: Any) -> list[Leak]:
    """Look for equal rows and torn groups only; data that are no table have none of them.

    Parameters
    ----------
    X, y : array-like
        The data; y may be None.
    splits : list of tuple of ndarray
        Training rows and test rows.
    groups : array-like or None
        Groups of rows.
    """
    n_rows = num_samples(X)
    groups = _checked_groups(groups, n_rows)
    torn = [] if groups is None else [*_torn(splits, groups)]
    try:
        table, *_ = _read(X)
    except (TypeError, ValueError):  # images, text, or what the models will refuse
        return torn
    y = np.zeros(n_rows) if y is None or np.ndim(y) != 1 else np.asarray(y)
    return [*torn, *_between_rows(X, y, table, splits, None)]


def _checked_groups(groups, n_rows):
    if groups is None:
        return None
    groups = np.asarray(groups)
    if groups.shape != (n_rows,):
        raise ValueError(
            f"groups has the shape {groups.shape}; expected ({n_rows},), one group for each row."
        )
    refuse_missing(groups, "groups")
    return np.unique(groups, return_inverse=True)[1]


def _read(X):
    """Read numbers and categories; text that is hardly categories is what is looked for here."""
    coder, estimator = ColumnCoder(dtype=np.float64), BaseEstimator()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        table = coder.fit_transform(estimator, _dates_as_numbers(X))
    return table, coder, list(X.columns) if hasattr(X, "columns") else None


def _dates_as_numbers(X):
    """Replace the columns of dates and durations of a pandas DataFrame by numbers."""
    if not hasattr(X, "iloc"):
        return X
    for index, dtype in enumerate(X.dtypes):
        if getattr(dtype, "kind", "") in ("M", "m"):
            dates = X.iloc[:, index].to_numpy(dtype=f"{dtype.kind}8[ns]")
            numbers = np.where(np.isnat(dates), np.nan, dates.astype(np.int64).astype(float))
            X = X.copy(deep=False)
            X.isetitem(index, numbers)
    return X


def _columns(table: Table, coder: ColumnCoder, names: list | None) -> Iterator[tuple]:
    """Yield the label of each column, its values, and its categories, which are None of numbers."""
    indices = [*coder.numerical_indices.tolist(), *coder.categorical_indices.tolist()]
    categories = [None] * len(coder.numerical_indices) + coder.categories
    for index, values, known in zip(indices, table_columns(table), categories, strict=True):
        yield index if names is None else names[index], values, known


def _of_target(table, coder, names, y, groups):
    """Yield what is computed from y, one leak a column."""
    numeric = is_numeric_target(y)
    power = ColumnPower(y, groups, numeric=numeric)
    for label, values, categories in _columns(table, coder, names):
        categorical = categories is not None
        share = power.of(values, categorical=categorical) if power.can_tell else 0.0
        if not nearly_determines(share, power.error, numeric=numeric):
            yield from _of_other_rows(label, values, y, numeric, categorical)
            continue
        what = "of the variance of the ranks of y" if numeric else "of the errors made without it"
        yield Leak(
            "predicts y",
            (label,),
            (),
            f"alone it explains {100 * share:.1f} % {what}, on rows that it was not learned from.",
            "Is it known before y is, and not computed from y? If not, drop it. If it names what "
            "rows belong to, such as a patient, pass it as groups.",
        )


def _of_other_rows(label, values, y, numeric, categorical):
    if not categorical and is_mean_of_target(values, y, numeric=numeric):
        yield Leak(
            "mean of y",
            (label,),
            (),
            "it is the mean of y over the rows that have the same value of it.",
            "Rows that are tested have told it their y. Compute it of training rows only, by a "
            "step of a Pipeline such as TargetEncoder.",
        )
    elif shift := shift_of_target(values, y, numeric=numeric, categorical=categorical):
        yield Leak(
            "shifted y",
            (label,),
            (),
            f"it nearly determines y of the {'next row' if shift == 1 else 'row before'}.",
            "If rows are in the order of time and it is known before y is, split by "
            "TimeSeriesSplit, as rows of the training data would tell y of those that are tested; "
            "if not, drop it.",
        )


def _of_time(X, table, coder, names, splits):
    """Yield columns that tell the time, of which splits train on what is later."""
    if not splits:
        return
    dates = [getattr(dtype, "kind", "") == "M" for dtype in getattr(X, "dtypes", [])]
    columns = list(_columns(table, coder, names))
    indices = [*coder.numerical_indices.tolist(), *coder.categorical_indices.tolist()]
    for index, (label, values, categories) in zip(indices, columns, strict=True):
        is_date = bool(dates) and dates[index]
        if categories is not None or not (is_date or _is_called_time(label, values)):
            continue
        known = np.isfinite(values)
        shares = [
            float((values[train][known[train]].max() > values[test][known[test]]).mean())
            for train, test in splits
            if known[train].any() and known[test].any()
        ]
        if not shares or max(shares) < _MIXED_TIMES:
            continue
        yield Leak(
            "time",
            (label,),
            (),
            f"up to {100 * max(shares):.0f} % of the rows of a test set are older than a row of "
            "their training set.",
            "If later rows are to be predicted, sort the rows by time and take TimeSeriesSplit; "
            "if not, leave the column out.",
        )


def _is_called_time(label, values):
    """Tell whether numbers have the name of a time, and rise or fall from row to row."""
    if not isinstance(label, str) or not _TIME_NAME.search(label) or len(values) < _FEWEST_ROWS:
        return False
    steps = np.diff(values)
    return bool(((steps >= 0).all() or (steps <= 0).all()) and (steps != 0).any())


def _between_rows(X, y, table, splits, groups):
    codes = row_codes(table)
    if groups is not None and splits:
        yield from _torn(splits, groups)
    equal = equal_rows(table, codes)
    if splits is None:
        rows, where = np.flatnonzero(equal), "have an equal row"
    else:
        hits = [_also_in_training(codes, *split) for split in splits]
        own = [np.intersect1d(*split) for split in splits]  # a row is equal to itself
        hits = [hit[equal[hit] | np.isin(hit, same)] for hit, same in zip(hits, own, strict=True)]
        rows = np.unique(np.concatenate(hits))
        shares = [len(hit) / max(len(test), 1) for hit, (_, test) in zip(hits, splits, strict=True)]
        where = (
            "are tested by a model that was fitted to an equal row, up to "
            f"{100 * max(shares):.2g} % of a test set"
        )
    if len(rows):
        agree = _same_y(codes, y, rows)
        yield Leak(
            "equal rows",
            (),
            tuple(rows.tolist()),
            f"{len(rows)} of {len(y)} rows {where}; y is the same in "
            f"{'all' if agree == 1 else f'{100 * agree:.0f} %'} of these.",
            "If they are one observation, keep it once; if they belong together, split by groups. "
            "Rows of few or dependent columns can be equal by chance.",
        )


def _splits(X, y, cv, groups):
    splitter = check_cv(cv, y, classifier=not is_numeric_target(y))
    with warnings.catch_warnings():
        # Whether groups are kept together is what is looked at.
        warnings.filterwarnings("ignore", "The groups parameter is ignored", UserWarning)
        rows = np.arange(len(y))  # a split may be two masks
        return [(rows[train], rows[test]) for train, test in splitter.split(X, y, groups)]


def _also_in_training(codes, train, test):
    """Return the test rows whose code a training row has, too."""
    trained = np.zeros(codes.max() + 1, dtype=bool)
    trained[codes[train]] = True
    return test[trained[codes[test]]]


def _same_y(codes, y, rows):
    """Return the share of rows whose equal rows all have the same y."""
    found, places = np.unique(codes[rows], return_inverse=True)
    values = np.unique(y, return_inverse=True)[1]
    pairs = np.unique(np.column_stack([codes, values]), axis=0)
    of_code = np.bincount(pairs[:, 0], minlength=codes.max() + 1)[found]
    return float((of_code == 1)[places].mean())


def _torn(splits, groups):
    rows = np.unique(np.concatenate([_also_in_training(groups, *split) for split in splits]))
    if len(rows):
        torn, n_groups = len(np.unique(groups[rows])), groups.max() + 1
        yield Leak(
            "torn groups",
            (),
            tuple(rows.tolist()),
            f"{torn} of {n_groups} groups have rows on both sides of a split.",
            "Take a splitter that keeps them together, such as GroupKFold or StratifiedGroupKFold, "
            "and pass it the groups.",
        )


def _identifiers(table, coder, names):
    found = [
        (label, why)
        for label, values, categories in _columns(table, coder, names)
        if len(values) >= _FEWEST_ROWS and (why := _names_rows(label, values, categories))
    ]
    if found:
        yield Leak(
            "identifier",
            tuple(label for label, _ in found),
            (),
            "; ".join(f"{label!r} {why}" for label, why in found[:_SHOWN]) + ".",
            "Such a column says nothing of new rows; drop it, or pass it as groups if it names "
            "what rows belong to.",
        )


def _names_rows(label, values, categories):
    """Say why a column is taken for names of rows, nothing if it is not."""
    if categories is not None:
        known = values[values >= 0]
        text = [value for value in categories[:1000].tolist() if isinstance(value, (str, bytes))]
        if len(categories) < 0.95 * len(known) or len(known) < len(values) / 2 or not text:
            return ""
        spaces = np.median([len(value.split()) for value in text])
        return "" if spaces >= 3 else f"has {len(categories)} different texts in {len(known)} rows"
    if not np.array_equal(values, np.floor(values)):  # fractions, or something is missing
        return ""
    ordered = np.sort(values)
    if (ordered[1:] == ordered[:-1]).any():
        return ""
    steps = np.diff(values)
    if ordered[-1] - ordered[0] < 2 * len(values):
        return "has a different whole number in each row, without large gaps"
    if (steps > 0).all() or (steps < 0).all():
        return "has a different whole number in each row, in the order of the rows"
    if isinstance(label, str) and _ID_NAME.search(label):
        return "has a different whole number in each row, and is called so"
    return ""


def _constants(table, coder, names):
    labels = tuple(
        label
        for label, values, _ in _columns(table, coder, names)
        if len(values) > 1 and (np.isnan(values).all() or (values == values[0]).all())
    )
    if labels:
        yield Leak(
            "constant",
            labels,
            (),
            f"{len(labels)} {'column has' if len(labels) == 1 else 'columns have'} one value only.",
            "A constant tells nothing; drop it, or find out what was lost.",
        )
