"""Searches whose scores are looked up in a table, so that every path through it can be had."""

from itertools import combinations

import numpy as np
from sklearn.base import BaseEstimator


class Idle(BaseEstimator):
    """Learns nothing: its scorer knows the scores."""

    def fit(self, X, y=None):
        return self


class Lookup:
    """Scores a subset by a table, from its columns' positions to the score of each split.

    Parameters
    ----------
    table : dict of tuple of int to float or sequence of float
        One score, or one for each split.
    """

    def __init__(self, table):
        self.table = table
        self.asked = []

    def __call__(self, estimator, X, y):
        subset = tuple(X[0].astype(int).tolist())
        self.asked.append(subset)
        return np.atleast_1d(self.table[subset])[int(y[0])]


def labelled_columns(n_features, n_splits=1):
    """X whose columns tell their positions, y that tells the split, and the splits."""
    X = np.tile(np.arange(float(n_features)), (2 * n_splits, 1))
    y = np.repeat(np.arange(float(n_splits)), 2)
    splits = [(np.arange(2), np.flatnonzero(y == split)) for split in range(n_splits)]
    return X, y, splits


def random_table(seed, n_features, *, levels=None, share_missing=0.0, n_splits=1):
    """A score for each subset, of few values if there are levels, NaN for a share of them."""
    rng = np.random.RandomState(seed)
    table = {}
    for size in range(1, n_features + 1):
        for subset in combinations(range(n_features), size):
            scores = rng.uniform(size=n_splits) if levels is None else rng.randint(levels) / levels
            scores = np.nan if rng.uniform() < share_missing else scores
            table[subset] = scores if n_splits > 1 else float(np.ravel(scores)[0])
    return table
