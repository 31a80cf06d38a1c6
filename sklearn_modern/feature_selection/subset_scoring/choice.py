"""Which exact scorer covers an estimator, its metrics and its data, or why none does."""

import reprlib
from dataclasses import replace

import numpy as np
from scipy.sparse import issparse
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

__all__ = ["NotExact", "converged", "exact_scorers"]

_SCORERS: tuple[type[FoldScorer], ...] = (Discriminant, Linear, Logistic, NaiveBayes, Neighbors)
# Steps of a Pipeline that act on each column by itself, so that they are fitted to all at once.
_BY_COLUMN = (MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler)


class NotExact(Exception):
    """Says what rules out exact arithmetic."""


def exact_scorers(problem: Problem) -> tuple[list[FoldScorer], list[Metric], Problem]:
    """Return a scorer for each split, the metrics, and the problem whose fits they replace.

    Numbers in float32 are computed in float64. The scores are then those of fits to the same
    numbers in float64, which are in the problem that is returned; fits in float32 differ by their
    rounding.

    Parameters
    ----------
    problem : Problem
        What the subsets are scored on.

    Raises
    ------
    NotExact
        If the estimator, the metrics or the data rule out exact arithmetic.
    """
    prefix, last = _divided(problem.estimator)
    scorer = _scorer_of(last)
    for name in problem.fit_params:
        if name != "sample_weight":
            raise NotExact(f"fit gets {name}")
        if prefix:
            raise NotExact("sample_weight goes to a Pipeline, whose steps may use it in other ways")
    metrics = [_metric_of(*named, last) for named in problem.scorers.items()]
    problem = _in_float64(problem)
    X, y = _numbers(problem.X), _targets(problem.y, is_classifier(last))
    weight = problem.fit_params.get("sample_weight")
    if weight is not None:
        weight = np.asarray(weight)
        _check_plain(weight, "sample_weight", 1)
    folds = [_fold(problem, split, prefix, X, y, weight) for split in problem.splits]
    return [scorer(last, fold) for fold in folds], metrics, problem


def converged(problem: Problem, scorer: FoldScorer) -> Problem:
    """Return the problem with an estimator whose fits give exactly what a scorer computes."""
    estimator = clone(problem.estimator)
    if isinstance(estimator, Pipeline):
        estimator.steps[-1] = (estimator.steps[-1][0], scorer.exactly(estimator.steps[-1][1]))
    else:
        estimator = scorer.exactly(estimator)
    return replace(problem, estimator=estimator)


def _divided(estimator):
    """Return the steps of a Pipeline before the last, and the last step."""
    if type(estimator) is not Pipeline:
        return [], estimator
    *before, (_, last) = estimator.steps
    prefix = [(name, step) for name, step in before if step not in (None, "passthrough")]
    for _, step in prefix:
        if type(step) not in _BY_COLUMN:
            raise NotExact(f"the step {type(step).__name__} of the Pipeline may mix columns")
    return prefix, last


def _scorer_of(estimator):
    kind = type(estimator).__name__
    scorer = next((scorer for scorer in _SCORERS if type(estimator) in scorer.kinds), None)
    if scorer is None:
        raise NotExact(f"{kind} has no exact scorer")
    params = estimator.get_params(deep=False)
    try:
        validate_parameter_constraints(estimator._parameter_constraints, params, kind)
    except InvalidParameterError as error:
        raise NotExact(str(error).rstrip(".")) from error
    if uncovered := scorer.uncovered(estimator):
        value = reprlib.repr(params[uncovered])
        raise NotExact(f"the scorer of {kind} does not cover {uncovered}={value}")
    return scorer


def _metric_of(name, scorer, estimator):
    metric = metric_of(name, scorer, estimator)
    if metric is None:
        raise NotExact(f"the scorer {name!r} may look at more than predictions")
    return metric


def _in_float64(problem):
    """Return the problem with all of float32 in float64."""
    fit_params = {name: _widened(values) for name, values in problem.fit_params.items()}
    return replace(problem, X=_widened(problem.X), y=_widened(problem.y), fit_params=fit_params)


def _widened(values):
    if hasattr(values, "columns") and hasattr(values, "dtypes"):
        dtypes = zip(values.columns, values.dtypes, strict=True)
        narrow = {name: np.float64 for name, dtype in dtypes if dtype == np.float32}
        return values.astype(narrow) if narrow else values
    narrow = getattr(values, "dtype", None) == np.float32
    return values.astype(np.float64) if narrow else values


def _numbers(X):
    """Return X as an array of finite float64."""
    if hasattr(X, "dtypes") and hasattr(X, "columns"):
        for name, dtype in zip(X.columns, X.dtypes, strict=True):
            if not isinstance(dtype, np.dtype) or not _is_exact(dtype):
                raise NotExact(f"column {name!r} is of type {dtype}")
        X = X.to_numpy(dtype=np.float64)
    if issparse(X):
        raise NotExact("X is sparse")
    _check_plain(X, "X", 2)
    return X.astype(np.float64, copy=False)


def _targets(y, classifies):
    """Return y as an array of labels or of finite float64."""
    if y is None:
        raise NotExact("y is missing")
    y = np.asarray(y)
    if not classifies:
        _check_plain(y, "y", 1)
        return y.astype(np.float64)
    labels = y.dtype.kind != "O" or all(isinstance(label, str) for label in y.flat)
    if y.ndim != 1 or not labels or type_of_target(y) not in ("binary", "multiclass"):
        raise NotExact("y has other targets than one column of labels")
    return y


def _check_plain(array, name, ndim):
    if array.ndim != ndim:
        raise NotExact(f"{name} has {array.ndim} dimensions")
    if not _is_exact(array.dtype):
        raise NotExact(f"{name} is of type {array.dtype}")
    if not np.isfinite(array).all():
        raise NotExact(f"{name} has missing or infinite values")


def _is_exact(dtype):
    return dtype.kind in "biu" or dtype == np.float64


def _fold(problem, split, prefix, X, y, weight):
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
