"""Which rows validate."""

from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length

from sklearn_modern._core.scikit_learn import is_pandas_na
from sklearn_modern._fits.splitting import validation_split
from sklearn_modern.ensemble.engines.base import Rows

__all__ = ["check_groups", "in_units", "split", "weighted"]

_NOTHING = 1e-30  # beside 1, as a weight


def check_groups(groups: Any, X: Any) -> np.ndarray | None:
    """Check that groups are a column of values that can be told apart, one per row of X."""
    if groups is None:
        return None
    check_consistent_length(X, groups)
    groups = np.asarray(groups)
    if groups.ndim != 1:
        raise ValueError(f"groups has the shape {groups.shape}; give one group a row.")
    missing = np.array([_is_missing(group) for group in groups], dtype=bool)
    if missing.any():
        raise ValueError(
            f"groups is missing in {missing.sum()} of {len(groups)} rows, the first of which is "
            f"row {missing.argmax()}; give every row a group."
        )
    try:
        np.unique(groups)
    except TypeError:
        kinds = sorted({type(group).__name__ for group in groups.tolist()})
        raise ValueError(
            f"groups has values of types that cannot be ordered: {kinds}; make all of them "
            "numbers, or all of them strings."
        ) from None
    return groups


def weighted(X: Any, y: np.ndarray, weight: np.ndarray) -> Rows:
    """Put rows together, with weights of which only the ratios are left.

    Limits and penalties are relative to the mean, but the libraries have more thresholds, which are
    not, and compute in float32. So the least weight becomes 1, and multiples of it are exact: a
    row of weight 2 is two rows. A power of 1024, which rounds nothing, then brings a large mean
    near 1. A weight that is next to nothing beside others does not count as the least.
    """
    most = weight.max()
    if weight.min() == most:
        return Rows(X, y, None)
    least = weight[weight > most * _NOTHING].min()
    return Rows(X, y, in_units(weight, least, (weight / least).mean()))


def in_units(weight: np.ndarray, least: float, mean: float) -> np.ndarray:
    """Scale weights by the least one and a power of 1024, as :func:`weighted` says.

    ``mean`` is that of all weights, in units of the least.
    """
    exponent = np.frexp(mean)[1]
    return np.ldexp(weight / least, -10 * round(exponent / 10))


def split(
    rows: Rows, fraction: float, random_state: np.random.RandomState, groups: np.ndarray | None
) -> tuple[Rows, Rows]:
    """Split rows into training and validation rows: stratified by y, or whole groups."""
    if groups is None:
        training, validation = validation_split(rows.y, fraction, random_state)
    else:
        training, validation = _split_groups(rows.y, groups, fraction, random_state)
    return _take(rows, training), _take(rows, validation)


def _is_missing(group):
    return group is None or is_pandas_na(group) or group != group


def _take(rows, part):
    if rows.weight is None:
        return Rows(rows.X[part], rows.y[part], None)
    return weighted(rows.X[part], rows.y[part], rows.weight[part])


def _split_groups(y, groups, fraction, random_state):
    """Set whole groups aside, none of which has all rows of a class."""
    _, codes = np.unique(groups, return_inverse=True)
    classes = y if y.dtype.kind == "i" else np.zeros(len(y), dtype=np.int64)
    counts = np.zeros((codes.max() + 1, classes.max() + 1), dtype=np.int64)
    np.add.at(counts, (codes, classes), 1)
    n_validation, left, chosen = max(round(len(counts) * fraction), 1), counts.sum(axis=0), []
    for group in random_state.permutation(len(counts)):
        if len(chosen) < n_validation and ((left > counts[group]) | (left == 0)).all():
            chosen.append(group)
            left = left - counts[group]
    if not chosen:
        raise ValueError(
            "No group can be set aside for validation: each has all rows, or all rows of a class."
        )
    held_out = np.isin(codes, chosen)
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
