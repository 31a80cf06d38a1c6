"""Races: candidates that cannot win are not fitted to the splits that are left."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.stats import t as student_t
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.pipeline import Pipeline

from sklearn_modern._core.scikit_learn import BaseScorer, PassthroughScorer

__all__ = ["RACES", "AnovaRace", "ExactRace", "Race", "best_possible"]

Evaluate = Callable[[list[tuple[int, int]]], None]
"""Evaluates candidates on splits, and writes the scores into the race's table."""

# The least a mean must be behind, relative to the scores, so that rounding cannot matter.
_CLEARLY = 1e-9


class Race(ABC):
    """Decides which candidates are evaluated on which splits.

    Splits are taken in their order. Decisions depend on scores alone, never on what was finished
    first.

    Parameters
    ----------
    scores : ndarray of shape (n_candidates, n_splits)
        Where ``evaluate`` writes scores; NaN is what failed, or was not evaluated.
    burn_in : int
        How many splits all candidates are evaluated on.
    bound : float
        The best score that there can be.
    """

    def __init__(self, scores: np.ndarray, burn_in: int, bound: float) -> None:
        self.scores, self.burn_in, self.bound = scores, burn_in, bound
        self.n_candidates, self.n_splits = scores.shape
        self.n_done = np.zeros(self.n_candidates, dtype=int)
        self.running = np.ones(self.n_candidates, dtype=bool)

    def run(self, evaluate: Evaluate) -> None:
        """Evaluate candidates until those that are left are finished."""
        self._advance(evaluate, np.arange(self.n_candidates), self.burn_in)
        while True:
            self.leave()
            unfinished = np.flatnonzero(self.running & (self.n_done < self.n_splits))
            if not unfinished.size:
                return
            self.go_on(evaluate, unfinished)

    @abstractmethod
    def leave(self) -> None:
        """Let the candidates leave that cannot win, or hardly can."""

    def go_on(self, evaluate: Evaluate, unfinished: np.ndarray) -> None:
        """Evaluate unfinished candidates on the next split."""
        self._advance(evaluate, unfinished, 1)

    def means(self) -> np.ndarray:
        """Return the mean of each candidate's scores so far; NaN if a fit has failed."""
        done = np.arange(self.n_splits) < self.n_done[:, None]
        return np.where(done, self.scores, 0.0).sum(1) / self.n_done

    def _advance(self, evaluate, candidates, n_splits):
        tasks = [
            (int(candidate), int(split))
            for split in range(self.n_splits)
            for candidate in candidates
            if self.n_done[candidate] <= split < self.n_done[candidate] + n_splits
        ]
        evaluate(tasks)
        self.n_done[candidates] = np.minimum(self.n_done[candidates] + n_splits, self.n_splits)


class ExactRace(Race):
    """Finishes the leader first. Who cannot have its mean any more, leaves.

    That is who would stay behind even with the best possible score on all splits that are left. So
    the winner is that of the whole search.
    """

    def leave(self) -> None:
        """Let those leave whose best possible mean is behind the best mean of a finished one."""
        finished = self.n_done == self.n_splits
        best = np.nanmax(self.means()[finished], initial=-np.inf)
        left = self.n_splits - self.n_done
        possible = (self.means() * self.n_done + left * self.bound) / self.n_splits
        behind = possible < best - _CLEARLY * max(1.0, abs(best))
        failed = np.isnan(possible)  # its mean is, whatever follows
        self.running &= finished | ~(behind | failed)

    def go_on(self, evaluate: Evaluate, unfinished: np.ndarray) -> None:
        """Finish a new leader; if there is none, evaluate all on the next split."""
        means = self.means()
        best = np.nanmax(means[self.n_done == self.n_splits], initial=-np.inf)
        leader = unfinished[np.argmax(means[unfinished])]
        if means[leader] > best:
            self._advance(evaluate, np.array([leader]), self.n_splits)
        else:
            super().go_on(evaluate, unfinished)


class AnovaRace(Race):
    """Who is behind the leader by more than chance would have it, leaves.

    Scores are explained by candidate and split, as in an analysis of variance with repeated
    measures; a candidate leaves when the one-sided test of its difference to the leader has p below
    0.05. The comparisons are many, and nothing corrects for that: a race is a heuristic.

    References
    ----------
    Kuhn, M. (2014). Futility analysis in the cross-validation of machine learning models.
    arXiv:1405.6974.
    """

    def leave(self) -> None:
        """Let those leave that are significantly behind."""
        means = self.means()
        self.running &= ~np.isnan(means)
        running = np.flatnonzero(self.running)
        if len(running) < 2:
            return
        n_splits = int(self.n_done[running[0]])
        scores = self.scores[running, :n_splits]
        residuals = scores - scores.mean(1, keepdims=True) - scores.mean(0) + scores.mean()
        freedom = (len(running) - 1) * (n_splits - 1)
        error = np.sqrt(2.0 * (residuals**2).sum() / freedom / n_splits)
        behind = scores.mean(1).max() - scores.mean(1)
        limit = student_t.isf(0.05, freedom) * error
        self.running[running[behind > limit + _CLEARLY * max(1.0, abs(scores.mean()))]] = False


RACES: dict[str, type[Race]] = {"exact": ExactRace, "anova": AnovaRace}

# Greatest values of scikit-learn's metrics, where greater is better.
_AT_MOST_ONE = {
    "accuracy_score",
    "adjusted_mutual_info_score",
    "adjusted_rand_score",
    "average_precision_score",
    "balanced_accuracy_score",
    "cohen_kappa_score",
    "completeness_score",
    "d2_absolute_error_score",
    "d2_brier_score",
    "d2_log_loss_score",
    "d2_pinball_score",
    "d2_tweedie_score",
    "explained_variance_score",
    "f1_score",
    "fbeta_score",
    "fowlkes_mallows_score",
    "homogeneity_score",
    "jaccard_score",
    "matthews_corrcoef",
    "ndcg_score",
    "normalized_mutual_info_score",
    "precision_score",
    "quadratic_weighted_kappa",
    "r2_score",
    "rand_score",
    "recall_score",
    "roc_auc_score",
    "top_k_accuracy_score",
    "v_measure_score",
}
# Losses: none is below zero, so that no score is above it.
_AT_LEAST_ZERO = {
    "average_mean_absolute_error",
    "brier_score_loss",
    "hamming_loss",
    "hinge_loss",
    "log_loss",
    "max_error",
    "maximum_mean_absolute_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_absolute_rank_error",
    "mean_gamma_deviance",
    "mean_pinball_loss",
    "mean_poisson_deviance",
    "mean_squared_error",
    "mean_squared_log_error",
    "median_absolute_error",
    "negative_likelihood_ratio",
    "rank_inconsistency_count",
    "ranked_probability_score",
    "root_mean_squared_error",
    "root_mean_squared_log_error",
    "root_mean_squared_rank_error",
    "token_error_rate",
    "zero_one_loss",
}


def best_possible(scorer: Any, models: Sequence[BaseEstimator]) -> float | None:
    """Return the best score that a scorer can give to any of some models; None if not known."""
    if isinstance(scorer, PassthroughScorer):
        return 1.0 if all(map(_has_usual_score, models)) else None
    if not isinstance(scorer, BaseScorer):
        return None
    function = scorer._score_func
    library = getattr(function, "__module__", "").partition(".")[0]
    counts = scorer._kwargs.get("normalize", True) is False  # not a share, but a number of rows
    if library not in ("sklearn", "sklearn_modern") or counts:
        return None
    if function.__name__ in _AT_MOST_ONE and scorer._sign > 0:
        return 1.0
    if function.__name__ in _AT_LEAST_ZERO and scorer._sign < 0:
        return 0.0
    return None


def _has_usual_score(model):
    """Tell whether ``score`` is the accuracy or R2."""
    while isinstance(model, Pipeline):
        model = model.steps[-1][1]
    score = getattr(type(model), "score", None)
    return score in (ClassifierMixin.score, RegressorMixin.score)
