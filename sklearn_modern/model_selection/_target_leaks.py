"""Columns that were computed from y: its values of other rows, and its means of groups."""

from typing import Any

import numpy as np

from sklearn_modern.model_selection._single_columns import ColumnPower

__all__ = ["is_mean_of_target", "nearly_determines", "shift_of_target"]

# Of the error that is made without any column, so little may be left with a single one.
_LABELS_DETERMINED, _NUMBERS_DETERMINED = 0.98, 0.99
# So few rows of a copy of the labels may be changed; with two rare labels most errors are these.
_FEW_CHANGED, _MOST_EXPLAINED = 0.015, 0.9
_FEWEST_ROWS = 20
# A mean of y is met to the digits that a file may have, in units of the spread of the means.
_ROUNDED = 3e-3


def nearly_determines(share: float, error: float, *, numeric: bool) -> bool:
    """Tell whether a column that alone explains a share of the error determines y.

    Parameters
    ----------
    share : float
        The share.
    error : float
        Share of the rows whose label is not met without a column; not used for numbers.
    numeric : bool
        Whether y are numbers.
    """
    if numeric:
        return share >= _NUMBERS_DETERMINED
    changed = (1 - share) * error
    return share >= _LABELS_DETERMINED or (changed <= _FEW_CHANGED and share >= _MOST_EXPLAINED)


def shift_of_target(values: np.ndarray, y: np.ndarray, *, numeric: bool, categorical: bool) -> int:
    """Return by how many rows a column is ahead of y (1), or behind it (-1); 0 if it is neither.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Numbers, or codes of categories.
    y : ndarray of shape (n_samples,)
        Numbers or labels, in the order of the rows.
    numeric : bool
        Whether y are numbers.
    categorical : bool
        Whether values are codes.
    """
    for shift in (1, -1):
        of_column, of_target = (values[:-1], y[1:]) if shift == 1 else (values[1:], y[:-1])
        if _may_determine(of_column, of_target, numeric and not categorical):
            power = ColumnPower(of_target, None, numeric=numeric)
            if not power.can_tell:
                continue
            share = power.of(of_column, categorical=categorical)
            if nearly_determines(share, power.error, numeric=numeric):
                return shift
    return 0


def is_mean_of_target(values: np.ndarray, y: np.ndarray, *, numeric: bool) -> bool:
    """Tell whether a column has the mean of y over the rows that have the same value of it.

    Such is the mean of y of each group, if it was taken over all rows; of labels, the share of one
    of them. It takes groups of two rows at least on average, and three different means.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Numbers.
    y : ndarray of shape (n_samples,)
        Numbers or labels.
    numeric : bool
        Whether y are numbers.
    """
    known = ~np.isnan(values)
    means, groups, counts = np.unique(values[known], return_inverse=True, return_counts=True)
    if not 3 <= len(means) <= known.sum() / 2 or known.sum() < _FEWEST_ROWS:
        return False
    spread = np.sqrt(np.average((means - values[known].mean()) ** 2, weights=counts))
    y = y[known]
    targets = [y.astype(float)] if numeric else [(y == label) for label in np.unique(y)]
    if not numeric and y.dtype.kind in "iufb":
        targets.append(y.astype(float))
    for target in targets:
        found = np.bincount(groups, target) / counts
        error = np.sqrt(np.average((found - means) ** 2, weights=counts))
        # Far closer than chance would let a good prediction be to the means of so few rows.
        chance = np.sqrt(np.mean((target - found[groups]) ** 2) * len(means) / known.sum())
        if error <= _ROUNDED * spread and error <= chance / 10:
            return True
    return False


def _may_determine(values: Any, y: np.ndarray, both_numbers: bool) -> bool:
    """Tell whether it is worth while to look closer: numbers that are copies rise together."""
    if len(y) < _FEWEST_ROWS:
        return False
    if not both_numbers:
        return True
    known = ~np.isnan(values)
    if known.sum() < _FEWEST_ROWS:
        return False
    values, y = values[known], y[known].astype(float)
    if values.std() == 0 or y.std() == 0:
        return False
    return bool(abs(np.corrcoef(values, y)[0, 1]) > 0.9)
