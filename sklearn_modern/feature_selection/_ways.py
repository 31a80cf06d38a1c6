"""Ways to score subsets of features: a fit of each, fits together, or exactly without fits."""

from collections.abc import Iterator, Sequence
from itertools import chain
from time import perf_counter
from typing import Protocol

import numpy as np
from joblib import effective_n_jobs

from sklearn_modern._core.parallel import results
from sklearn_modern._fits.many import fit_many
from sklearn_modern._fits.problem import FitScore, Problem
from sklearn_modern.feature_selection._steps import Scored
from sklearn_modern.feature_selection.subset_scoring.base import FoldScorer, Subset
from sklearn_modern.feature_selection.subset_scoring.changes import Batch
from sklearn_modern.feature_selection.subset_scoring.choice import converged, fast_scorers
from sklearn_modern.feature_selection.subset_scoring.metrics import Metric

__all__ = ["Way", "way_of"]

# Nets that train together are those that train apart up to the rounding of float32.
_TOGETHER_TOLERANCE = 1e-4


class Way(Protocol):
    """Yields the scores of subsets, in their order, as many at a time as there are."""

    def __call__(self, subsets: Sequence[Subset]) -> Iterator[Scored]:
        """Score subsets."""


def way_of(problem: Problem, fast: str | bool, n_jobs: int | None) -> Way:
    """Return how to score subsets.

    Parameters
    ----------
    problem : Problem
        What they are scored on.
    fast : {"auto", "check"} or False
        Whether to look for a faster way than a fit of each, and to compare.
    n_jobs : int or None
        Fits at the same time.
    """
    apart = Apart(problem, n_jobs)
    found = fast_scorers(problem) if fast else None
    if found is not None:
        scorers, metrics = found
        if fast == "auto":
            return Exact(scorers, metrics, apart)
        reference = Apart(converged(problem, scorers[0]), n_jobs)
        # What is left to fits is left to the same ones: others may end before they converge.
        exact = Exact(scorers, metrics, reference)
        return Checked(exact, reference, scorers[0].tolerance)
    if fast and hasattr(problem.estimator, "fit_many"):
        together = Together(problem, n_jobs)
        return together if fast == "auto" else Checked(together, apart, _TOGETHER_TOLERANCE)
    return apart


class Apart:
    """A fit of each subset on each split, in one queue."""

    def __init__(self, problem: Problem, n_jobs: int | None) -> None:
        self._problem, self._n_jobs = problem, n_jobs

    def __call__(self, subsets: Sequence[Subset]) -> Iterator[Scored]:
        """Score subsets."""
        n_splits = len(self._problem.splits)
        queue = self.each([(subset, split) for subset in subsets for split in range(n_splits)])
        for of_splits in zip(*[queue] * n_splits, strict=True):
            yield _joined([of_splits])

    def each(self, tasks: Sequence[tuple[Subset, int]]) -> Iterator[FitScore]:
        """Score subsets on a split each."""
        return results(self._problem.score_subset, tasks, self._n_jobs)


class Together:
    """Fits that share a split together, by an estimator that can do that."""

    def __init__(self, problem: Problem, n_jobs: int | None) -> None:
        self._problem, self._n_jobs = problem, n_jobs

    def __call__(self, subsets: Sequence[Subset]) -> Iterator[Scored]:
        """Score subsets."""
        n_splits, n_jobs = len(self._problem.splits), effective_n_jobs(self._n_jobs)
        # As few parts as keep all processes busy: the larger they are, the more is shared.
        n_parts = 1 if n_jobs == 1 else min(-(-2 * n_jobs // n_splits), len(subsets))
        places = np.array_split(np.arange(len(subsets)), n_parts)
        parts = [[subsets[place] for place in part] for part in places]
        tasks = [(part, split) for part in parts for split in range(n_splits)]
        queue = results(self._score_split, tasks, self._n_jobs)
        for by_split in zip(*[queue] * n_splits, strict=True):
            yield _joined(list(zip(*by_split, strict=True)))

    def _score_split(self, subsets, split):
        start = perf_counter()
        scored = [None] * len(subsets)
        fits = self._problem.fits(subsets, split)
        for position, fitted in fit_many(self._problem.estimator, fits):
            scored[position] = self._problem.score(fitted, subsets[position], split)
        each = (perf_counter() - start) / len(subsets)
        return [one._replace(seconds=each) for one in scored]


class Exact:
    """Arithmetic in the place of fits; fits where it does not hold."""

    def __init__(
        self, scorers: Sequence[FoldScorer], metrics: Sequence[Metric], apart: Apart
    ) -> None:
        self._scorers, self._metrics, self._apart = scorers, metrics, apart

    def __call__(self, subsets: Sequence[Subset]) -> Iterator[Scored]:
        """Score subsets."""
        start = perf_counter()
        batch = Batch(subsets)
        found = [scorer.scores(batch, self._metrics) for scorer in self._scorers]
        scores = np.stack([scores for scores, _ in found], axis=1)
        sure = np.stack([sure for _, sure in found], axis=1)
        seconds = np.full(len(subsets), (perf_counter() - start) / len(subsets))
        errors = [None] * len(subsets)
        unsure = np.argwhere(~sure).tolist()
        fitted = self._apart.each([(subsets[position], split) for position, split in unsure])
        for (position, split), one in zip(unsure, fitted, strict=True):
            scores[position, split] = one.scores
            seconds[position] += one.seconds
            errors[position] = errors[position] or one.error
        yield Scored(scores, seconds, errors)


class Checked:
    """Two ways, whose scores have to agree."""

    def __init__(self, way: Way, reference: Way, tolerance: float) -> None:
        self._way, self._reference, self._tolerance = way, reference, tolerance

    def __call__(self, subsets: Sequence[Subset]) -> Iterator[Scored]:
        """Score subsets."""
        scored = _concatenated(self._way(subsets))
        others = _concatenated(self._reference(subsets)).scores
        near = {"rtol": self._tolerance, "atol": self._tolerance, "equal_nan": True}
        agree = np.isclose(scored.scores, others, **near).all(axis=(1, 2))
        if not agree.all():
            first = int(np.argmin(agree))
            raise RuntimeError(
                f"The fast scores of the features {subsets[first]} are "
                f"{scored.scores[first].tolist()}, those of ordinary fits "
                f"{others[first].tolist()}. Unless it is a metric of ranks, which rounding of "
                "equal rows can change, please report it, and use fast=False."
            )
        yield scored


def _concatenated(batches):
    """Make one of several batches."""
    scores, seconds, errors = zip(*batches, strict=True)
    return Scored(np.concatenate(scores), np.concatenate(seconds), list(chain(*errors)))


def _joined(subsets):
    """Put together what the splits of each subset gave."""
    return Scored(
        np.array([[one.scores for one in of_splits] for of_splits in subsets]),
        np.array([sum(one.seconds for one in of_splits) for of_splits in subsets]),
        [next((one.error for one in of_splits if one.error), None) for of_splits in subsets],
    )
