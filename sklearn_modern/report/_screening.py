"""Which columns tell most of the target, each taken alone."""

from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from sklearn_modern._core.optional import import_optional
from sklearn_modern.report._tables import is_category

__all__ = ["most_telling"]

_MOST_ROWS = 2000
_LEAVES = 4


def most_telling(X: Any, y: Any, classes: list[Any] | None, n_columns: int) -> np.ndarray:
    """Return the positions of the columns that tell most of y, in the order of the table.

    A column tells as much as a tree of it alone, with 4 leaves, explains of the ranks of y, or of
    its labels. It learns from half of at most 2000 rows, and is judged by the other half, in
    turns. Of rows with labels, about as many of each are taken, as far as there are so many.

    Parameters
    ----------
    X : ndarray or DataFrame of shape (n_samples, n_features)
        The table.
    y : array-like of shape (n_samples,)
        The target.
    classes : list or None
        Labels in order; None of numbers.
    n_columns : int
        How many columns to return, if there are so many.
    """
    pandas = import_optional("pandas", extra="report", feature="A report")
    rows, y = np.random.default_rng(0).permutation(len(y)), np.asarray(y)
    if classes is not None:
        before = pandas.Series(y[rows]).groupby(y[rows]).cumcount().to_numpy()
        rows = rows[before < _MOST_ROWS // len(classes)]
    rows = rows[:_MOST_ROWS]
    table, y = pandas.DataFrame(X).iloc[rows], y[rows]
    if classes is None:
        told = pandas.Series(y).rank().to_numpy()[:, None]
    else:
        told = (y[:, None] == np.asarray(classes)).astype(float)
    shares = [_share(_as_numbers(table.iloc[:, column]), told) for column in range(table.shape[1])]
    return np.sort(np.argsort(-np.asarray(shares), kind="stable")[:n_columns])


def _as_numbers(column):
    """Return ranks of numbers or codes of categories, where -1 is a missing value."""
    if is_category(column):
        return column.astype("category").cat.codes.to_numpy(dtype=float)
    return column.rank().fillna(-1.0).to_numpy(dtype=float)


def _share(values, told):
    """Return the share of the variance of what there is to tell that a column explains."""
    error = usual = 0.0
    first = np.arange(len(values)) < len(values) // 2
    for learned, judged in ((first, ~first), (~first, first)):
        tree = DecisionTreeRegressor(max_leaf_nodes=_LEAVES, random_state=0)
        tree.fit(values[learned, None], told[learned])
        predicted = tree.predict(values[judged, None]).reshape(told[judged].shape)
        error += ((told[judged] - predicted) ** 2).sum()
        usual += ((told[judged] - told[learned].mean(axis=0)) ** 2).sum()
    return 1 - error / usual if usual > 0 else 0.0
