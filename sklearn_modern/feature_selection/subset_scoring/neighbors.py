"""Nearest neighbours of many subsets: powers of distances are sums over features."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from sklearn_modern.feature_selection.subset_scoring.base import FoldScorer, Subset
from sklearn_modern.feature_selection.subset_scoring.changes import Changes
from sklearn_modern.feature_selection.subset_scoring.fold import Fold
from sklearn_modern.feature_selection.subset_scoring.outputs import (
    Outputs,
    Probabilities,
    decided,
)

__all__ = ["Neighbors"]

# Limit on the distances between test and training rows that are computed at once.
_DISTANCES = 2**18
# Relative rounding error of a sum, for each of its terms.
_ROUNDING = 8 * np.finfo(np.float64).eps
# Length of a short list, relative to the length that is expected to be enough.
_LISTED = 3
# Largest relative error of distances that weight neighbours.
_EXACT = 1e-9
# Above this number of features "auto" is "brute" in scikit-learn.
_TREE_FEATURES = 15


class Neighbors(FoldScorer):
    """Adds the terms of a few features to distances over the features of a reference.

    With power p, 2 for Euclidean and 1 for Manhattan distances, a subset has the distances

        d(x, z)^p = sum_j |x_j - z_j|^p,

    so that those over a reference are computed once, and a subset adds or subtracts its changes.
    """

    kinds = (KNeighborsClassifier, KNeighborsRegressor)

    def __init__(self, estimator: Any, fold: Fold) -> None:
        super().__init__(estimator, fold)
        X = fold.X_train
        self.power = _power(estimator)
        self.n_neighbors = estimator.n_neighbors
        self.labels = fold.codes_train if fold.classifies else fold.y_train
        low = np.minimum(X.min(axis=0), fold.X_test.min(axis=0))
        high = np.maximum(X.max(axis=0), fold.X_test.max(axis=0))
        self._widest = (high - low) ** self.power
        self._holds = fold.weight is None and self.n_neighbors < len(X)

    @classmethod
    def covers(cls, estimator: Any) -> dict[str, bool]:
        """Cover Euclidean and Manhattan distances."""
        known, minkowski = _power(estimator) is not None, estimator.metric == "minkowski"
        return {
            "weights": estimator.weights in ("uniform", "distance"),
            "metric_params": estimator.metric_params is None,
            "n_neighbors": isinstance(estimator.n_neighbors, Integral),
            "p": known or not minkowski,
            "metric": known or minkowski,
        }

    def outputs(self, subsets: Sequence[Subset]) -> Outputs:
        """Return averages over the neighbours: shares of classes, or mean targets."""
        kind, targets = Outputs, self.labels
        if self.fold.classifies:
            kind = Probabilities
            targets = np.eye(len(self.fold.classes))[self.labels]
        # Outputs that are not sure are the same everywhere.
        shape = len(subsets), len(self.fold.y_test), *targets.shape[1:]
        raw = np.full(shape, 1 / shape[-1])
        sure = np.full(len(subsets), self._holds)
        if not self._holds:
            return kind(raw, sure)
        X_train, X_test = self.fold.X_train, self.fold.X_test
        base = Changes.of(subsets).reference.tolist()
        n_rows = max(1, _DISTANCES // len(X_train))
        for start in range(0, len(X_test), n_rows):
            rows = slice(start, start + n_rows)
            region = _Region(self, X_train, X_test[rows], base)
            for i in np.flatnonzero(sure):
                neighbors, reach, sure[i] = region.neighbors(subsets[i])
                if sure[i]:
                    raw[i, rows] = self._average(targets.take(neighbors, axis=0), reach)
        if self.fold.classifies and self.estimator.weights == "distance":
            sure &= decided(raw)
        return kind(raw, sure)

    def _average(self, values, reach):
        """Return the average over neighbours, weighted by 1 / d if ``weights="distance"``."""
        if self.estimator.weights == "uniform":
            return values.mean(axis=1)
        with np.errstate(divide="ignore"):
            weights = 1 / reach ** (1 / self.power)
        # Neighbours at distance zero, where there are any, are the only ones to count.
        infinite = np.isinf(weights)
        weights = np.where(infinite.any(axis=1, keepdims=True), infinite, weights)
        total = np.einsum("nk...,nk->n...", values, weights)
        return (total.T / weights.sum(axis=1)).T

    def blurred(self, subset: Subset, X_test: np.ndarray) -> np.ndarray:
        """Return the error of scikit-learn's small squared distances, for each test row."""
        estimator, n_train = self.estimator, len(self.fold.y_train)
        through_all = estimator.algorithm == "brute" or (
            estimator.algorithm == "auto"
            and (len(subset) > _TREE_FEATURES or self.n_neighbors >= n_train // 2)
        )
        if not through_all or self.power == 1:
            return np.zeros(len(X_test))
        # It expands squares to |x|^2 - 2 x.z + |z|^2, and of neighbours all terms are as large.
        return _ROUNDING * len(subset) * np.square(X_test[:, list(subset)]).sum(axis=1)

    def overlooked(self, subset: Subset) -> float:
        """Return by how much the bounds of a ball tree may exceed the distance to a row."""
        if self.estimator.algorithm != "ball_tree":
            return 0.0
        return _ROUNDING * len(subset) * self._widest[list(subset)].sum()


@dataclass(frozen=True, eq=False)
class _Shortlist:
    """Training rows near each test row, their distances, and a lower bound for all others."""

    rows: np.ndarray | None  # None means all
    distances: np.ndarray
    beyond: np.ndarray

    @classmethod
    def on_line(cls, x_train, x_test, length, power):
        """Return the short lists for a single feature: neighbours in sorted order."""
        order = x_train.argsort()
        line = np.concatenate([[-np.inf], x_train[order], [np.inf]])
        start = np.searchsorted(line[1:-1], x_test) - length // 2
        start = start.clip(0, len(x_train) - length)
        places = start[:, None] + np.arange(length)
        distances = np.abs(line[places + 1] - x_test[:, None]) ** power
        beyond = np.minimum(x_test - line[start], line[start + length + 1] - x_test) ** power
        return cls(order[places], distances, beyond)


class _Region:
    """Some test rows, and their distances to the training rows over the features of a base."""

    def __init__(self, scorer, X_train, X_test, base):
        self._scorer, self._X_train, self._X_test = scorer, X_train, X_test
        self._base = set(base)

    def neighbors(self, subset):
        """Return each row's neighbours, their distances, and whether scikit-learn agrees."""
        scorer = self._scorer
        blurred = scorer.blurred(subset, self._X_test)
        vague = blurred + scorer.overlooked(subset)
        if not self._base.issubset(subset):
            vague += _ROUNDING * len(self._base) * self._widest
        relative = _ROUNDING * len(subset)
        found = np.empty((len(vague), scorer.n_neighbors), dtype=np.intp)
        reach = np.empty(found.shape)
        left = slice(None)
        for near, added, dropped in self._shortlists(subset):
            rows = None if near.rows is None else near.rows[left]
            totals = near.distances[left]
            for change, columns in ((np.add, added), (np.subtract, dropped)):
                if columns:
                    once = rows is None and not (added and dropped)
                    out = self._scratch[: len(totals)] if once else None
                    terms = self._over(columns, left, rows, out)
                    totals = change(totals, terms, out=terms)
            found[left], reach[left], margin, clear = self._nearest(
                totals, rows, vague[left], relative
            )
            reached = reach[left].max(axis=1) + margin < near.beyond[left]
            if not clear[reached].all():
                break
            left = np.arange(len(found))[left][~reached]
            if not len(left):
                if scorer.estimator.weights == "uniform":
                    return found, reach, True
                if dropped:  # a difference of sums is not exact enough
                    reach = self._over(subset, rows=found)
                return found, reach, (blurred[:, None] <= _EXACT * reach).all()
        return found, reach, False

    def _shortlists(self, subset):
        """Yield a short list, if any, then all rows; each with the features to add and to drop."""
        added, dropped = set(subset) - self._base, self._base.difference(subset)
        length = 4 * self._scorer.n_neighbors
        if len(subset) == 1 and length < len(self._X_train):
            x_train, x_test = self._X_train[:, subset[0]], self._X_test[:, subset[0]]
            yield _Shortlist.on_line(x_train, x_test, length, self._scorer.power), (), ()
        elif not dropped and self._near_base is not None:
            yield self._near_base, added, ()
        everywhere = np.full(len(self._X_test), np.inf)
        yield _Shortlist(None, self._distances, everywhere), added, dropped

    @cached_property
    def _distances(self):
        shape = len(self._X_test), len(self._X_train)
        return self._over(self._base) if self._base else np.zeros(shape)

    @cached_property
    def _widest(self):
        return self._distances.max(axis=1)

    @cached_property
    def _near_base(self):
        """The rows among which the neighbours over one more feature are expected.

        Where n rows fill d + 1 dimensions evenly, the k neighbours lie within a share
        (k / n)^(1 / (d + 1)) of each dimension. Over d dimensions n (k / n)^(d / (d + 1)) rows lie
        as near, which is k (n / k)^(1 / (d + 1)).
        """
        n_neighbors, n_train = self._scorer.n_neighbors, len(self._X_train)
        expected = n_neighbors * (n_train / n_neighbors) ** (1 / (len(self._base) + 1))
        length = int(_LISTED * expected)
        if length > n_train // 3:
            return None
        rows = self._distances.argpartition(length, axis=1)[:, : length + 1]
        distances = _pick(self._distances, rows)
        return _Shortlist(rows[:, :-1], distances[:, :-1], distances[:, -1])

    @cached_property
    def _scratch(self):
        """Memory that is allocated once: to allocate it takes longer than to fill it."""
        return np.empty_like(self._distances)

    def _over(self, columns, left=slice(None), rows=None, out=None):
        """Return distances over some columns, of the rows left, to all rows or to listed ones."""
        columns = list(columns)
        x, power = self._X_test[left][:, columns], self._scorer.power
        if rows is None:
            metric = "sqeuclidean" if power == 2 else "cityblock"
            return cdist(x, self._X_train[:, columns], metric, out=out)
        totals = 0.0
        for place, column in enumerate(columns):
            terms = self._X_train[:, column].take(rows)
            terms -= x[:, [place]]
            totals += terms * terms if power == 2 else np.abs(terms)
        return totals

    def _nearest(self, totals, rows, vague, relative):
        """Return the nearest training rows, their distances, the margins, and which are clear."""
        n_neighbors, labels = self._scorer.n_neighbors, self._scorer.labels
        order = totals.argpartition(n_neighbors, axis=1)[:, : n_neighbors + 1]
        reach = _pick(totals, order)
        order, reach, following = order[:, :-1], reach[:, :-1], reach[:, -1]
        last = reach.max(axis=1)
        margin = 4 * (vague + relative * last)
        clear = following - last > margin
        # Ties with the last neighbour do not matter if all of them have the same label.
        close = np.flatnonzero(~clear & np.isfinite(last))
        if len(close):
            border = np.abs(totals[close] - last[close, None]) <= margin[close, None]
            labels = np.broadcast_to(labels, border.shape) if rows is None else labels[rows[close]]
            first = _pick(labels, border.argmax(axis=1)[:, None])
            clear[close] = ((labels == first) | ~border).all(axis=1)
        return order if rows is None else _pick(rows, order), reach, margin, clear


def _pick(table, places):
    """Return for each row of a table the elements at the places of that row."""
    return table[np.arange(len(table))[:, None], places]


def _power(estimator):
    """Return the power p of the distances, None if they are no sums of powers."""
    metric, p = estimator.metric, estimator.p
    if metric == "minkowski":
        return int(p) if p in (1, 2) else None
    return {"euclidean": 2, "manhattan": 1, "cityblock": 1}.get(metric)
