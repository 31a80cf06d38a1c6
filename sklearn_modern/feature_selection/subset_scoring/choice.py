"""Which fast scorer knows an estimator, its data and its metrics."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils.multiclass import type_of_target

from sklearn_modern._core.scikit_learn import (
    InvalidParameterError,
    check_method_params,
    validate_parameter_constraints,
)
from sklearn_modern._fits.problem import Problem
from sklearn_modern.feature_selection.subset_scoring.base import FoldScorer
from sklearn_modern.feature_selection.subset_scoring.discriminant import Discriminant
from sklearn_modern.feature_selection.subset_scoring.fold import Fold
from sklearn_modern.feature_selection.subset_scoring.linear import Linear
from sklearn_modern.feature_selection.subset_scoring.logistic import Logistic
from sklearn_modern.feature_selection.subset_scoring.metrics import Metric, metric_of
from sklearn_modern.feature_selection.subset_scoring.naive_bayes import NaiveBayes
from sklearn_modern.feature_selection.subset_scoring.neighbors import Neighbors

__all__ = ["converged", "fast_scorers"]

_SCORERS: tuple[type[FoldScorer], ...] = (Discriminant, Linear, Logistic, NaiveBayes, Neighbors)
# They act column by column, so that they can be fitted to all columns at once.
_BY_COLUMN = (MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler)


def fast_scorers(problem: Problem) -> tuple[list[FoldScorer], list[Metric]] | None:
    """Return a scorer for each split, and the metrics; None if there is no fast way.

    Parameters
    ----------
    problem : Problem
        What subsets are scored on.
    """
    prefix, last = _divided(problem.estimator)
    known = _scorer_of(last)
    # A Pipeline may hand weights to any of its steps.
    understood = set() if prefix else {"sample_weight"}
    if known is None or not set(problem.fit_params) <= understood:
        return None
    metrics = [metric_of(name, scorer, last) for name, scorer in problem.scorers.items()]
    if None in metrics:
        return None
    X, y = _numbers(problem.X), _targets(problem.y, is_classifier(last))
    weight = problem.fit_params.get("sample_weight")
    weight = None if weight is None else np.asarray(weight)
    if X is None or y is None or (weight is not None and not _is_plain(weight, 1)):
        return None
    folds = [_fold(problem, split, prefix, X, y, weight) for split in problem.splits]
    return [known(last, fold) for fold in folds], metrics


def converged(problem: Problem, scorer: FoldScorer) -> Problem:
    """Return the problem with an estimator that gives exactly what a scorer computes."""
    estimator = clone(problem.estimator)
    if isinstance(estimator, Pipeline):
        estimator.steps[-1] = (estimator.steps[-1][0], scorer.exactly(estimator.steps[-1][1]))
    else:
        estimator = scorer.exactly(estimator)
    return replace(problem, estimator=estimator)


def _divided(estimator):
    """Return the steps of a Pipeline that act by column, and the last step; None if they do not."""
    if type(estimator) is not Pipeline:
        return [], estimator
    *before, (_, last) = estimator.steps
    prefix = [(name, step) for name, step in before if step not in (None, "passthrough")]
    by_column = all(type(step) in _BY_COLUMN for _, step in prefix)
    return (prefix, last) if by_column else ([], None)


def _scorer_of(estimator):
    """Return who knows the estimator; None also if an ordinary fit refuses its parameters."""
    constraints = getattr(estimator, "_parameter_constraints", None)
    if constraints is None:
        return None
    params = estimator.get_params(deep=False)
    try:
        validate_parameter_constraints(constraints, params, type(estimator).__name__)
    except InvalidParameterError:
        return None
    return next((scorer for scorer in _SCORERS if scorer.recognises(estimator)), None)


def _numbers(X):
    """Return finite numbers, None of anything else, or of what is computed in float32."""
    if hasattr(X, "dtypes") and hasattr(X, "columns"):
        plain = all(isinstance(dtype, np.dtype) and _holds(dtype) for dtype in X.dtypes)
        X = X.to_numpy(dtype=np.float64) if plain else None
    if not isinstance(X, np.ndarray) or not _is_plain(X, 2):
        return None
    return X.astype(np.float64, copy=False)


def _targets(y, classifies):
    """Return labels or numbers, None of anything else."""
    y = np.asarray(y)
    if not classifies:
        return y.astype(np.float64) if _is_plain(y, 1) else None
    if y.ndim != 1 or (y.dtype.kind == "O" and not all(isinstance(label, str) for label in y)):
        return None
    return y if type_of_target(y) in ("binary", "multiclass") else None


def _is_plain(array, ndim):
    return array.ndim == ndim and _holds(array.dtype) and bool(np.isfinite(array).all())


def _holds(dtype):
    return dtype.kind in "biu" or dtype == np.float64


def _fold(problem: Problem, split: Any, prefix: list, X: np.ndarray, y: np.ndarray, weight: Any):
    train, test = split
    fitted = Pipeline([(name, clone(step)) for name, step in prefix]) if prefix else None
    return Fold(
        X,
        y,
        train,
        test,
        weight=None if weight is None else weight[train].astype(np.float64),
        prefix=None if fitted is None else fitted.fit(X[train]),
        classifies=is_classifier(problem.estimator),
        score_params={
            name: check_method_params(problem.X, params, indices=test)
            for name, params in problem.score_params.items()
        },
    )
