"""Scorers for model selection, which know the order of an estimator's levels."""

from copy import deepcopy

import numpy as np
from sklearn.metrics import get_scorer as _get_scorer_of_sklearn
from sklearn.pipeline import Pipeline

from sklearn_modern._core.scikit_learn import Scorer
from sklearn_modern._inputs.levels import is_ordered, ordered_categories
from sklearn_modern.metrics._ordinal import (
    average_mean_absolute_error,
    maximum_mean_absolute_error,
    mean_absolute_rank_error,
    quadratic_weighted_kappa,
    rank_inconsistency_count,
    ranked_probability_score,
    root_mean_squared_rank_error,
)
from sklearn_modern.metrics._tokens import token_error_rate

__all__ = ["SCORERS", "get_scorer"]


class _OrdinalScorer(Scorer):
    """A scorer whose metric gets the estimator's rank order as ``labels``."""

    def _score(self, method_caller, estimator, X, y_true, **kwargs):
        kwargs.setdefault("labels", _levels(estimator, y_true))
        return super()._score(method_caller, estimator, X, y_true, **kwargs)


class _ProbabilityScorer(Scorer):
    """A scorer of ``predict_proba``, which is zero for levels that the estimator has not seen."""

    def _score(self, method_caller, estimator, X, y_true, **kwargs):
        labels = kwargs.setdefault("labels", _levels(estimator, y_true))
        y_pred = estimator.predict_proba(X)
        if labels is not None:
            seen = np.isin(np.sort(labels), estimator.classes_)
            columns = np.zeros((len(y_pred), len(labels)))
            columns[:, seen] = y_pred
            y_pred = columns
        return self._sign * self._score_func(y_true, y_pred, **kwargs)


class _InconsistencyScorer(Scorer):
    """A scorer of ``predict_cumulative(X, repair=False)``."""

    def _score(self, method_caller, estimator, X, y_true, **kwargs):
        while (inner := _inside(estimator)) is not None:
            X = estimator[:-1].transform(X) if _transforms(estimator) else X
            estimator = inner
        y_pred = estimator.predict_cumulative(X, repair=False)
        return self._sign * self._score_func(y_true, y_pred, **kwargs)


def _inside(estimator):
    """Return what a Pipeline or a search has fitted last, None of anything else."""
    if isinstance(estimator, Pipeline):
        return estimator[-1]
    return getattr(estimator, "best_estimator_", None)


def _transforms(estimator):
    return isinstance(estimator, Pipeline) and len(estimator) > 1


def _levels(estimator, y_true):
    """Return the levels, lowest first, or None if they are unknown.

    Where levels are numbers, those that occur only in y are levels, too.
    """
    levels = _known_order(estimator)
    if levels is None:
        levels = ordered_categories(y_true)
    if levels is None:
        levels = getattr(estimator, "classes_", None)
        levels = levels if isinstance(levels, np.ndarray) and is_ordered(levels) else None
    if levels is None or not is_ordered(levels) or (np.sort(levels) != levels).any():
        return levels
    return np.union1d(levels, y_true)


def _known_order(estimator):
    """Return the ``class_order_`` of an estimator, or of what it has fitted."""
    while estimator is not None:
        if hasattr(estimator, "class_order_"):
            return estimator.class_order_
        inner = _inside(estimator)
        if inner is None and hasattr(estimator, "calibrated_classifiers_"):
            inner = estimator.calibrated_classifiers_[0].estimator
        estimator = getattr(estimator, "estimator_", None) if inner is None else inner
    return None


SCORERS = {
    "quadratic_weighted_kappa": _OrdinalScorer(quadratic_weighted_kappa, 1, {}, "predict"),
} | {
    f"neg_{metric.__name__}": kind(metric, -1, {}, response)
    for metric, kind, response in [
        (mean_absolute_rank_error, _OrdinalScorer, "predict"),
        (root_mean_squared_rank_error, _OrdinalScorer, "predict"),
        (average_mean_absolute_error, _OrdinalScorer, "predict"),
        (maximum_mean_absolute_error, _OrdinalScorer, "predict"),
        (ranked_probability_score, _ProbabilityScorer, "predict_proba"),
        # Scikit-learn looks for the method on the outermost estimator, which may be a Pipeline.
        (rank_inconsistency_count, _InconsistencyScorer, "predict"),
        (token_error_rate, Scorer, "predict"),
    ]
}


def get_scorer(scoring):
    """Get a scorer by its name.

    Parameters ``scoring`` of this package take these names as they are. Functions and searches of
    scikit-learn know their own only, and need the scorer itself.

    Parameters
    ----------
    scoring : str or callable
        A name in :data:`SCORERS` or one of scikit-learn's; a callable comes back as it is.

    Returns
    -------
    callable
        ``scorer(estimator, X, y)``, for which greater is better. Ours take the order of the levels
        from ``class_order_`` of the estimator, of the last step of a Pipeline or of a search's best
        estimator, else from numeric ``classes_``.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_modern.metrics import get_scorer
    >>> clf = LogisticRegression().fit([[0.0], [1.0], [2.0]], [1, 2, 3])
    >>> get_scorer("neg_mean_absolute_rank_error")(clf, [[0.0], [2.0]], [1, 3])
    -0.0
    """
    if isinstance(scoring, str) and scoring in SCORERS:
        return deepcopy(SCORERS[scoring])  # set_score_request changes a scorer
    try:
        return _get_scorer_of_sklearn(scoring)
    except ValueError as error:
        raise ValueError(f"{error} Ours are {sorted(SCORERS)}.") from None
