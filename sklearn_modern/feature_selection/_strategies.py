"""Strategies to score subsets: by exact arithmetic, by fits that share work, by separate fits."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from time import perf_counter
from typing import ClassVar

import numpy as np

from sklearn_modern._fits.problem import Candidate, Problem
from sklearn_modern._fits.queue import evaluate_each, evaluate_separately, evaluate_together
from sklearn_modern.feature_selection._scored import Scores
from sklearn_modern.feature_selection.subset_scoring.base import FoldScorer, Subset
from sklearn_modern.feature_selection.subset_scoring.changes import Batch
from sklearn_modern.feature_selection.subset_scoring.choice import (
    NotExact,
    converged,
    exact_scorers,
)
from sklearn_modern.feature_selection.subset_scoring.metrics import Metric

__all__ = ["Strategy", "strategy_of"]

# Networks that train together differ from separate ones by the rounding of float32.
_SHARED_TOLERANCE = 1e-4


class Strategy(ABC):
    """How subsets are scored.

    Attributes
    ----------
    name : {"exact", "shared", "separate"}
        Which strategy it is.
    reason : str
        Why this strategy scores and no faster one.
    """

    name: str
    reason: str

    @abstractmethod
    def __call__(self, subsets: Sequence[Subset]) -> Iterator[Scores]:
        """Yield the scores of subsets in their order, in batches of any size."""


def strategy_of(problem: Problem, fast: str | bool, n_jobs: int | None) -> Strategy:
    """Return the fastest strategy for a problem.

    Parameters
    ----------
    problem : Problem
        What the subsets are scored on.
    fast : {"auto", "check"} or False
        False permits separate fits only; "check" compares the fastest strategy with them.
    n_jobs : int or None
        Number of fits that run at the same time.
    """
    if not fast:
        return SeparateFits(problem, n_jobs, "fast=False")
    try:
        scorers, metrics, problem = exact_scorers(problem)
    except NotExact as obstacle:
        reason = f"No exact arithmetic: {obstacle}."
        separate = SeparateFits(problem, n_jobs, reason)
        if not hasattr(problem.estimator, "fit_many"):
            return separate
        shared = SharedFits(problem, n_jobs, reason)
        return shared if fast == "auto" else Checked(shared, separate, _SHARED_TOLERANCE)
    if fast == "auto":
        return Exact(scorers, metrics, problem, n_jobs)
    # Subsets that are left to fits are compared with fits that converge just as far.
    problem = converged(problem, scorers[0])
    exact = Exact(scorers, metrics, problem, n_jobs)
    return Checked(exact, SeparateFits(problem, n_jobs), scorers[0].tolerance)


class _Fits(Strategy):
    """A fit of each subset on each split."""

    _evaluate: ClassVar[Callable]

    def __init__(self, problem: Problem, n_jobs: int | None, reason: str = "") -> None:
        self._problem, self._n_jobs, self.reason = problem, n_jobs, reason

    def __call__(self, subsets: Sequence[Subset]) -> Iterator[Scores]:
        """Yield the scores of subsets."""
        candidates = [Candidate(columns=subset) for subset in subsets]
        return map(_joined, self._evaluate(self._problem, candidates, self._n_jobs))


class SeparateFits(_Fits):
    """Each fit by itself, all in one queue."""

    name = "separate"
    _evaluate = staticmethod(evaluate_separately)


class SharedFits(_Fits):
    """The fits of a split together, by an estimator that has ``fit_many``."""

    name = "shared"
    _evaluate = staticmethod(evaluate_together)


class Exact(Strategy):
    """Arithmetic in the place of fits; separate fits where rounding could change a score."""

    name = "exact"

    def __init__(
        self,
        scorers: Sequence[FoldScorer],
        metrics: Sequence[Metric],
        problem: Problem,
        n_jobs: int | None,
    ) -> None:
        self._scorers, self._metrics = scorers, metrics
        self._problem, self._n_jobs = problem, n_jobs
        self._n_fitted = self._n_scored = 0

    @property
    def reason(self) -> str:
        """How many scores the arithmetic was left out of."""
        kind = type(self._scorers[0].estimator).__name__
        text = f"{kind} has exact arithmetic"
        if self._n_fitted:
            text += (
                f", but {self._n_fitted} of {self._n_scored} fits were made, as rounding could "
                "have changed their scores"
            )
        return f"{text}."

    def __call__(self, subsets: Sequence[Subset]) -> Iterator[Scores]:
        """Yield the scores of subsets."""
        start = perf_counter()
        batch = Batch(subsets)
        found = [scorer.scores(batch, self._metrics) for scorer in self._scorers]
        scores = np.stack([scores for scores, _ in found], axis=1)
        sure = np.stack([sure for _, sure in found], axis=1)
        seconds = np.full(len(subsets), (perf_counter() - start) / len(subsets))
        errors = [None] * len(subsets)
        unsure = np.argwhere(~sure).tolist()
        self._n_fitted, self._n_scored = self._n_fitted + len(unsure), self._n_scored + sure.size
        tasks = [(Candidate(columns=subsets[position]), split) for position, split in unsure]
        fitted = evaluate_each(self._problem, tasks, self._n_jobs)
        for (position, split), one in zip(unsure, fitted, strict=True):
            scores[position, split] = one.scores
            seconds[position] += one.seconds
            errors[position] = errors[position] or one.error
        yield Scores(scores, seconds, errors)


class Checked(Strategy):
    """A fast strategy whose scores have to agree with those of separate fits."""

    def __init__(self, strategy: Strategy, reference: Strategy, tolerance: float) -> None:
        self._strategy, self._reference, self._tolerance = strategy, reference, tolerance
        self.name = strategy.name

    @property
    def reason(self) -> str:
        """Why the fast strategy scores, and that it was compared."""
        return f"{self._strategy.reason} All scores were compared with separate fits."

    def __call__(self, subsets: Sequence[Subset]) -> Iterator[Scores]:
        """Yield the scores of subsets, in one batch."""
        found = _concatenated(self._strategy(subsets))
        others = _concatenated(self._reference(subsets)).scores
        near = {"rtol": self._tolerance, "atol": self._tolerance, "equal_nan": True}
        agree = np.isclose(found.scores, others, **near).all(axis=(1, 2))
        if not agree.all():
            first = int(np.argmin(agree))
            raise RuntimeError(
                f"The fast scores of the features {subsets[first]} are "
                f"{found.scores[first].tolist()}, those of ordinary fits "
                f"{others[first].tolist()}. A metric of ranks may differ where rounding breaks "
                "ties; in all other cases please report it, and use fast=False."
            )
        yield found


def _concatenated(batches):
    """Make one batch of several."""
    scores, seconds, errors = zip(*batches, strict=True)
    return Scores(np.concatenate(scores), np.concatenate(seconds), list(chain(*errors)))


def _joined(block):
    """Put the scores of candidates on all splits into arrays."""
    return Scores(
        np.array([[one.scores for one in by_split] for by_split in block]),
        np.array([sum(one.seconds for one in by_split) for by_split in block]),
        [next((one.error for one in by_split if one.error), None) for by_split in block],
    )
