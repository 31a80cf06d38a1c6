"""Ordered levels: thresholds on one sum of trees, and both by maximum likelihood."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dptsv

from sklearn_modern.ensemble._links import LINKS, OUTSIDE
from sklearn_modern.ensemble.engines.base import Rows
from sklearn_modern.ensemble.engines.objective import Fitted, Objective

__all__ = ["CumulativeLink"]

# What a Newton step gains by the likelihood of the mean row, if it is so small that it is the last.
_SMALL = 1e-3
_MOST_STEPS = 100
# The least second derivative, relative to the weight of a row.
_LEAST = 1e-16
# The share of the weight with which a level is as good as absent; sums lose digits beyond it.
_NOTHING = 1e-12


class CumulativeLink(Objective):
    r"""Proportional odds and ordered probit: :math:`P(y \le k) = F(t_k - s)` [1]_.

    The score s of a row is its sum of trees. After each iteration the thresholds t go to their
    maximum of the likelihood, given the scores, by Newton steps; the next tree is grown on the
    derivatives there. A level that the rows lack, or to which they give next to no weight, has
    probability zero: its thresholds are equal, or infinite at an end.

    Parameters
    ----------
    link : {"logit", "probit"}
        The link, whose inverse F is.
    n_levels : int
        Number of levels.

    References
    ----------
    .. [1] McCullagh (1980). Regression models for ordinal data. Journal of the Royal Statistical
       Society B.
    """

    def __init__(self, link: str, n_levels: int) -> None:
        self.link = link
        self.n_levels = n_levels

    def on(self, rows: Rows) -> Callable[..., Fitted]:
        """Return what fits the thresholds to scores of the rows."""
        totals = np.bincount(rows.y, rows.weight, minlength=self.n_levels)
        present = np.flatnonzero(totals > _NOTHING * totals.sum())
        levels = rows.y
        if len(present) < self.n_levels:  # what is left of absent ones joins their neighbours
            levels = np.minimum(np.searchsorted(present, levels), len(present) - 1)
        likelihood = _Likelihood(LINKS[self.link], levels, rows.weight, totals[present])
        # Of the thresholds of all levels: from -inf below the first one that is present, to inf.
        places = np.searchsorted(present, np.arange(self.n_levels - 1), side="right")

        def fit(scores: np.ndarray, before: np.ndarray | None = None) -> Fitted:
            start = None if before is None else before[present[:-1]]
            found, *derivatives = likelihood.maximum(scores, start)
            return Fitted(_edges(found, np.inf)[places], *derivatives)

        return fit

    def predict(self, scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
        """Return the probability of each level: (rows, levels)."""
        return LINKS[self.link].between(*_around(scores, thresholds)) + 0.0  # none is -0.0

    def log_predict(self, scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
        """Return the logarithm of the probability of each level: (rows, levels)."""
        return LINKS[self.link].log_between(*_around(scores, thresholds))

    def beyond(self, scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
        """Return P(y > k), never rising along a row: (rows, levels - 1)."""
        return LINKS[self.link].inverse(scores[:, None] - thresholds)


class _Point(NamedTuple):
    """Derivatives of a likelihood at some thresholds."""

    thresholds: np.ndarray
    slope: np.ndarray  # by the thresholds
    diagonal: np.ndarray  # of minus the second derivatives, a tridiagonal matrix
    beside: np.ndarray
    gradient: np.ndarray  # by the scores, of minus the likelihood; without weights
    hessian: np.ndarray

    def newton_step(self, floor):
        """Return a step that goes up, and shortens no gap by more than nine tenths."""
        beside = self.beside if len(self.beside) else np.zeros(1)  # which LAPACK does not read
        step = dptsv(self.diagonal + floor, beside, self.slope)[2]
        shortening = (step[:-1] - step[1:]) / (self.thresholds[1:] - self.thresholds[:-1])
        return step / max(1.0, shortening.max(initial=0.0) / 0.9)


class _Likelihood:
    """The log-likelihood of rows whose levels are 0, 1, ..., all of them present.

    Inside, rows are sorted by level, so that sums over a level are sums over neighbours. Rows that
    come like this save the time to sort their scores and derivatives at each call.
    """

    def __init__(self, link, levels, weight, totals):
        self.link, self.totals = link, totals
        is_sorted = (levels[1:] >= levels[:-1]).all()
        self.order = slice(None) if is_sorted else np.argsort(levels, kind="stable")
        self.weight = None if weight is None else weight[self.order]
        self.counts = np.bincount(levels)
        self.firsts = self.counts.cumsum() - self.counts

    def maximum(self, scores, start=None):
        """Return the best thresholds, and the derivatives by the scores, of minus the likelihood.

        The likelihood is concave, and Newton steps go up. The last one is so small that the
        derivatives are returned as they were before.
        """
        scores = np.asarray(scores[self.order], dtype=np.float64)
        total = self.totals.sum()
        if start is None or not (np.isfinite(start).all() and (np.diff(start) > 0).all()):
            start = self._start(scores)
        point, found = self.at(scores, start), start
        for _ in range(_MOST_STEPS if len(found) else 0):
            step = point.newton_step(_LEAST * total)
            promised = point.slope @ step
            if not promised > _SMALL * total:
                found = found + step
                break
            point = self._moved(scores, point, step, promised)
            found = point.thresholds
        return found, self._weighted(point.gradient), self._weighted(point.hessian)

    def at(self, scores, thresholds):
        """Return the derivatives at thresholds."""
        edges = _edges(thresholds, OUTSIDE)
        a, b = np.repeat(edges[:-1], self.counts), np.repeat(edges[1:], self.counts)
        a -= scores
        b -= scores
        slopes = self.link.slopes(a, b)
        of_gap, of_gap2 = self.link.of_gaps(edges[1:] - edges[:-1])
        rise, fall = (self._by_level(v) + self.totals * of_gap for v in slopes[2:4])
        rise2, fall2, mixed = (self._by_level(v) + self.totals * of_gap2 for v in slopes[4:])
        return _Point(
            thresholds,
            rise[:-1] - fall[1:],
            rise2[:-1] + fall2[1:],
            -mixed[1:-1],
            slopes.gradient,
            np.maximum(slopes.hessian, _LEAST, out=slopes.hessian),
        )

    def _by_level(self, values):
        if values is None:
            return np.zeros(len(self.totals))
        values = values if self.weight is None else self.weight * values
        return np.add.reduceat(values, self.firsts)

    def _weighted(self, values):
        """Return derivatives of rows as libraries take them, weighted, in the order of the rows.

        They keep 20 bits of float32's 24, so that products with small whole weights are exact, and
        so are sums in float64: a row of weight 2 is two rows, and splits that are equal stay equal.
        """
        found = np.empty(len(values), dtype=np.float32)
        found[self.order] = values
        bits = found.view(np.int32)
        bits += 8
        bits &= -16
        if self.weight is not None:
            found[self.order] *= self.weight
        return found

    def _start(self, scores):
        """Return thresholds that are the best if all scores are equal."""
        below = self.totals[:-1].cumsum() / self.totals.sum()
        return self.link.link(below) + np.average(scores, weights=self.weight)

    def _moved(self, scores, point, step, promised):
        """Take as much of a step as does not lead too far down again."""
        while True:
            moved = self.at(scores, point.thresholds + step)
            if not moved.slope @ step < -promised / 2:
                return moved
            step, promised = step / 2, promised / 2


def _edges(thresholds, outside):
    """Return all ends of the levels, of which the outermost are given."""
    edges = np.empty(len(thresholds) + 2)
    edges[0], edges[1:-1], edges[-1] = -outside, thresholds, outside
    return edges


def _around(scores, thresholds):
    """Return the thresholds below and above each level, minus the scores: (rows, levels)."""
    edges = _edges(np.clip(thresholds, -OUTSIDE, OUTSIDE), OUTSIDE)
    away = edges - np.asarray(scores, dtype=np.float64)[:, None]
    return away[:, :-1], away[:, 1:]
