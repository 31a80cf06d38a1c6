"""Scores of two models on the same splits, given or computed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils.metadata_routing import MetadataRouter

from sklearn_modern._core.warning import warn_user
from sklearn_modern._fits.problem import Candidate, Problem
from sklearn_modern._fits.queue import evaluate_each
from sklearn_modern._fits.routing import problem_of, router_of
from sklearn_modern.model_selection._significance import check_aligned, check_numbers

__all__ = ["differences_of", "fold_scores", "given_scores", "problem_on", "scores_on", "t_ratio"]

Splits = list[tuple[np.ndarray, np.ndarray]]


def given_scores(
    model1: Any, model2: Any, data: Mapping[str, Any], *, ndim: int = 1
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the scores of two models if these were given, None if they are two estimators.

    Parameters
    ----------
    model1, model2 : array-like or estimator
        Scores on the same splits, or estimators.
    data : mapping of str to object
        Arguments that only estimators need, by name.
    ndim : int, default=1
        Number of axes of the scores.
    """
    are_models = [hasattr(model, "fit") for model in (model1, model2)]
    if all(are_models):
        if missing := [name for name in ("X", "y") if data[name] is None]:
            raise ValueError(f"Estimators are scored on data: pass {' and '.join(missing)}, too.")
        if data["scoring"] is None and is_classifier(model1) != is_classifier(model2):
            raise ValueError(
                "One of model1 and model2 is a classifier, the other is not: their own scores "
                "measure different things. Choose one by scoring=..."
            )
        return None
    if any(are_models):
        raise TypeError(
            f"model1 is of type {type(model1).__name__} and model2 of type "
            f"{type(model2).__name__}; pass two estimators, or the scores of two."
        )
    if unused := [name for name, value in data.items() if value is not None]:
        raise ValueError(
            f"{', '.join(unused)} would not be used, as model1 and model2 are scores already."
        )
    scores1, scores2 = (
        check_numbers(model, name, ndim=ndim)
        for model, name in ((model1, "model1"), (model2, "model2"))
    )
    if scores1.shape != scores2.shape:
        raise ValueError(
            f"model1 has scores of the shape {scores1.shape}, model2 of {scores2.shape}; both need "
            "one score for each of the same splits."
        )
    check_aligned(model1, model2, ("model1", "model2"))
    return scores1, scores2


def fold_scores(
    model1: BaseEstimator,
    model2: BaseEstimator,
    splits: Splits,
    data: Mapping[str, Any],
    n_jobs: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Fit and score clones of two estimators on the same splits.

    Parameters
    ----------
    model1, model2 : estimator
        What is compared.
    splits : list of (ndarray, ndarray)
        Training and test rows.
    data : mapping
        The arguments X, y, scoring (one scorer, or None for the estimators' own ``score``) and
        params (more for ``fit``, or for whoever requests it if metadata routing is enabled).
    n_jobs : int or None
        Number of fits that run at the same time.
    """
    X, y, scoring, params = (data[name] for name in ("X", "y", "scoring", "params"))
    first, second = (
        scores_on(problem_on(model, X, y, splits, scoring, params), name, n_jobs)
        for model, name in ((model1, "model1"), (model2, "model2"))
    )
    return first, second


def scores_on(problem: Problem, name: str, n_jobs: int | None) -> np.ndarray:
    """Return the score of an estimator on each split; a failure is raised."""
    tasks = [(Candidate(), split) for split in range(len(problem.splits))]
    scores = np.empty(len(tasks))
    for split, found in enumerate(evaluate_each(problem, tasks, n_jobs)):
        if found.error is not None:
            raise ValueError(f"{name} has no score on split {split}: {found.error}")
        (scores[split],) = found.scores
    return check_numbers(scores, f"The score of {name}", at_least=1)


def problem_on(
    estimator: BaseEstimator,
    X: Any,
    y: Any,
    splits: Splits,
    scoring: Any,
    params: Mapping[str, Any] | None,
) -> Problem:
    """Return the fits of an estimator on given splits, with one scorer."""
    if isinstance(scoring, (list, tuple, set, dict)):
        raise ValueError(f"scoring={scoring!r} must be one scorer; test one metric at a time.")
    if "groups" in (params or {}) and not get_config()["enable_metadata_routing"]:
        raise ValueError("params has groups, which no fit takes; pass them as groups=....")
    return problem_of(_Scored(estimator, splits, scoring), X, y, dict(params or {}))


def differences_of(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return differences of scores; those that are nothing but rounding are zero."""
    differences = first - second
    largest = np.maximum(np.abs(first), np.abs(second))
    return np.where(np.abs(differences) <= 8 * np.finfo(float).eps * largest, 0.0, differences)


def t_ratio(mean: float, error: float) -> float:
    """Return a t statistic, which is infinite if differences do not vary but are not zero.

    It is NaN if a score is missing.
    """
    if np.isnan(mean) or np.isnan(error):
        return np.nan
    if error > 0:
        return float(mean / error)
    if mean == 0:
        return 0.0
    warn_user(
        f"The differences in score, {mean:g} on average, have no variance, which no test can "
        "judge. The p-value of 0 only says that they do not vary."
    )
    return float(np.copysign(np.inf, mean))


class _Scored(BaseEstimator):
    """What the routing of metadata asks of a meta-estimator."""

    def __init__(self, estimator: BaseEstimator, cv: Sequence, scoring: Any) -> None:
        self.estimator, self.cv, self.scoring = estimator, cv, scoring

    def get_metadata_routing(self) -> MetadataRouter:
        return router_of(self, ())
