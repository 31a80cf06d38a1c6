"""What subsets of features are scored on, and by what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_modern._core.scikit_learn import check_method_params, safe_indexing
from sklearn_modern._fits.many import Fit, outcome

__all__ = ["FitScore", "Problem"]


class FitScore(NamedTuple):
    """Scores of one fit.

    Parameters
    ----------
    scores : ndarray of shape (n_metrics,)
        The scores.
    seconds : float
        What they took.
    error : str or None
        What was raised, if there is no score.
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
        It stays as it is.
    X, y : array-like
        The data.
    splits : list of tuple of ndarray
        Rows to train on and rows to test on.
    scorers : mapping of str to callable
        Scorers by name.
    fit_params : dict
        More for the estimator's ``fit``, of all rows.
    score_params : mapping of str to dict
        More for each scorer, of all rows.
    """

    estimator: BaseEstimator
    X: Any
    y: Any
    splits: list[tuple[np.ndarray, np.ndarray]]
    scorers: Mapping[str, Callable]
    fit_params: dict[str, Any]
    score_params: Mapping[str, dict[str, Any]]

    def fits(self, subsets: list[tuple[int, ...]], split: int) -> list[Fit]:
        """Return the fits of subsets on one split; they hold the same data."""
        train, _ = self.splits[split]
        params = check_method_params(self.X, self.fit_params, indices=train)
        return [
            Fit({}, self.X, self.y, train, np.array(subset), fit_params=params)
            for subset in subsets
        ]

    def score_subset(self, subset: tuple[int, ...], split: int) -> FitScore:
        """Fit the estimator to a subset on one split, and score it."""
        start = perf_counter()
        (fit,) = self.fits([subset], split)
        scored = self.score(outcome(self.estimator, fit), subset, split)
        return scored._replace(seconds=perf_counter() - start)

    def score(
        self, fitted: BaseEstimator | Exception, subset: tuple[int, ...], split: int
    ) -> FitScore:
        """Score what a fit gave."""
        scores = np.full(len(self.scorers), np.nan)
        if isinstance(fitted, Exception):
            return FitScore(scores, 0.0, f"{type(fitted).__name__}: {fitted}")
        _, test = self.splits[split]
        X = safe_indexing(safe_indexing(self.X, list(subset), axis=1), test)
        y = () if self.y is None else (safe_indexing(self.y, test),)
        start, error = perf_counter(), None
        for position, (name, scorer) in enumerate(self.scorers.items()):
            params = check_method_params(self.X, self.score_params.get(name, {}), indices=test)
            try:
                scores[position] = scorer(fitted, X, *y, **params)
            except Exception as raised:  # a subset without a score is not selected
                error = f"{type(raised).__name__}: {raised}"
        return FitScore(scores, perf_counter() - start, error)
