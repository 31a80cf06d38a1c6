"""Fits of one estimator, and what they score: candidates, splits and scorers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_modern._core.scikit_learn import check_method_params, safe_indexing
from sklearn_modern._fits.fit import Fit, outcome
from sklearn_modern._fits.many import fit_many

__all__ = ["Candidate", "FitScore", "Problem"]


@dataclass(frozen=True, eq=False)
class Candidate:
    """What distinguishes one fit from the others.

    Parameters
    ----------
    params : dict, default={}
        Parameters that are set on a clone of the estimator.
    columns : sequence of int or None, default=None
        The columns of X that the estimator sees; None means all. Candidates that hold the same
        array share the data.
    """

    params: dict[str, Any] = field(default_factory=dict)
    columns: Sequence[int] | None = None


class FitScore(NamedTuple):
    """Scores of one fit.

    Parameters
    ----------
    scores : ndarray of shape (n_metrics,)
        The scores; NaN where there is none.
    seconds : float
        How long the fit and its scores took.
    error : str or None, default=None
        What was raised, if a score is missing.
    """

    scores: np.ndarray
    seconds: float
    error: str | None = None


@dataclass(frozen=True, eq=False)
class Problem:
    """An estimator, data, splits and scorers.

    Parameters
    ----------
    estimator : estimator
        It stays as it is; clones are fitted.
    X, y : array-like
        The data; y may be None.
    splits : list of tuple of ndarray
        Training rows and test rows.
    scorers : mapping of str to callable
        Scorers by name.
    fit_params : dict
        Further arguments of the estimator's ``fit``, for all rows.
    score_params : mapping of str to dict
        Further arguments of each scorer, for all rows.
    """

    estimator: BaseEstimator
    X: Any
    y: Any
    splits: list[tuple[np.ndarray, np.ndarray]]
    scorers: Mapping[str, Callable]
    fit_params: dict[str, Any]
    score_params: Mapping[str, dict[str, Any]]

    def fits(self, candidates: Sequence[Candidate], split: int) -> list[Fit]:
        """Return the fits of candidates to the training rows of a split; they share its data."""
        train, _ = self.splits[split]
        fit_params = check_method_params(self.X, self.fit_params, indices=train)
        return [
            Fit(one.params, self.X, self.y, train, _positions(one.columns), fit_params)
            for one in candidates
        ]

    def evaluate(self, candidate: Candidate, split: int) -> FitScore:
        """Fit a candidate to the training rows of a split, and score it on the test rows."""
        start = perf_counter()
        (fit,) = self.fits([candidate], split)
        scored = self.score(outcome(self.estimator, fit), candidate, split)
        return scored._replace(seconds=perf_counter() - start)

    def evaluate_together(self, candidates: Sequence[Candidate], split: int) -> list[FitScore]:
        """Fit candidates to the training rows of a split by ``fit_many``, and score each."""
        start = perf_counter()
        scored: list[Any] = [None] * len(candidates)
        for position, fitted in fit_many(self.estimator, self.fits(candidates, split)):
            scored[position] = self.score(fitted, candidates[position], split)
        each = (perf_counter() - start) / max(1, len(candidates))
        return [one._replace(seconds=each) for one in scored]

    def score(
        self, fitted: BaseEstimator | Exception, candidate: Candidate, split: int
    ) -> FitScore:
        """Score the result of a fit on the test rows of its split."""
        scores = np.full(len(self.scorers), np.nan)
        if isinstance(fitted, Exception):
            return FitScore(scores, 0.0, f"{type(fitted).__name__}: {fitted}")
        _, test = self.splits[split]
        columns = _positions(candidate.columns)
        X = self.X if columns is None else safe_indexing(self.X, columns, axis=1)
        X = safe_indexing(X, test)
        y = () if self.y is None else (safe_indexing(self.y, test),)
        start, error = perf_counter(), None
        for position, (name, scorer) in enumerate(self.scorers.items()):
            params = check_method_params(self.X, self.score_params.get(name, {}), indices=test)
            try:
                scores[position] = scorer(fitted, X, *y, **params)
            except Exception as raised:  # a missing score is a result, and ends no other fit
                error = f"{type(raised).__name__}: {raised}"
        return FitScore(scores, perf_counter() - start, error)


def _positions(columns):
    return None if columns is None else np.asarray(columns)
