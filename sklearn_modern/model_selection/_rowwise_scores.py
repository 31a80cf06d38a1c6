"""Scores of chosen rows, from what an estimator answers once for all of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.metrics import accuracy_score, mean_absolute_error, mean_squared_error
from sklearn.pipeline import Pipeline
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.scikit_learn import PassthroughScorer, Scorer, safe_indexing
from sklearn_modern._fits.scorers import scorers_of
from sklearn_modern._fits.stand_in import StandIn
from sklearn_modern._inputs.validation import check_labels
from sklearn_modern.metrics._scorers import get_scorer

__all__ = ["score_function", "usual_scorer"]

Rows = np.ndarray
_MEANS: dict[Callable, Callable] = {
    accuracy_score: lambda true, predicted: true == predicted,
    mean_absolute_error: lambda true, predicted: np.abs(true - predicted),
    mean_squared_error: lambda true, predicted: (true - predicted) ** 2,
}


def score_function(
    estimator: BaseEstimator | None, X: Any, y: Any, scoring: str | Callable | None
) -> Callable[..., float]:
    """Return a function from rows to a score.

    Parameters
    ----------
    estimator : fitted estimator or None
        What is scored; None if X are predictions.
    X, y : array-like
        The data.
    scoring : str, callable or None
        One scorer; None is the estimator's own ``score``.

    Returns
    -------
    callable
        From the rows of X to a score, and from rows of X and rows of y, if these are paired with
        others than their own.
    """
    if estimator is None:
        answers, classes = _given_answers(X, y)
        scoring = ("r2" if classes is None else "accuracy") if scoring is None else scoring
        return _of_answers(get_scorer(scoring), answers, classes, y)
    if isinstance(scoring, (list, tuple, set, dict)):
        raise ValueError(f"scoring={scoring!r} must be one scorer.")
    check_is_fitted(estimator)
    (scorer,) = scorers_of(estimator, scoring).values()
    if isinstance(scorer, PassthroughScorer):
        scorer = usual_scorer(estimator) or scorer
    if type(scorer) is Scorer:
        methods = scorer._response_method
        methods = [methods] if isinstance(methods, str) else list(methods)
        method = next(name for name in methods if hasattr(estimator, name))
        classes = estimator.classes_ if is_classifier(estimator) else None
        answers = {method: np.asarray(getattr(estimator, method)(X))}
        return _of_answers(scorer, answers, classes, y)

    def score(rows: Rows, targets: Rows | None = None) -> float:
        true = safe_indexing(y, rows if targets is None else targets)
        return float(scorer(estimator, safe_indexing(X, rows), true))

    return score


def _of_answers(scorer, answers, classes, y):
    y = np.asarray(y)
    by_row = _MEANS.get(scorer._score_func) if type(scorer) is Scorer else None
    predicted = answers.get("predict")
    if by_row is not None and not scorer._kwargs and y.ndim == 1 and predicted is not None:
        # A mean of rows is taken at once, as thousands of resamples are scored.
        return lambda rows, targets=None: float(
            scorer._sign * by_row(y[rows if targets is None else targets], predicted[rows]).mean()
        )

    def score(rows: Rows, targets: Rows | None = None) -> float:
        model = StandIn({name: values[rows] for name, values in answers.items()}, classes)
        true = y[rows if targets is None else targets]
        return float(scorer(model, np.empty((len(rows), 1)), true))

    return score


def usual_scorer(estimator: Any) -> Any:
    """Return the scorer that an estimator's own ``score`` is, None if it has another."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    own = getattr(type(estimator), "score", None)
    usual = {ClassifierMixin.score: "accuracy", RegressorMixin.score: "r2"}
    return get_scorer(usual[own]) if own in usual else None


def _given_answers(X, y):
    """Return predictions by the methods of an estimator that give such, and its classes."""
    predicted = np.asarray(X)
    if predicted.dtype.kind in "OUS" or type_of_target(y) in ("binary", "multiclass"):
        classes = check_labels(y, at_least=1)[0]
    else:
        return {"predict": predicted}, None
    if predicted.ndim == 2 and predicted.shape[1] > 1:
        if predicted.shape[1] != len(classes):
            raise ValueError(
                f"X has {predicted.shape[1]} columns of predictions, but y has {len(classes)} "
                f"classes, {classes.tolist()[:10]}; expected a probability for each of these."
            )
        return _of_probabilities(predicted, classes), classes
    predicted = predicted.ravel()
    if set(np.unique(predicted).tolist()) <= set(classes.tolist()):
        return {"predict": predicted}, classes
    if len(classes) == 2 and predicted.dtype.kind == "f":
        if predicted.min() >= 0 and predicted.max() <= 1:
            return _of_probabilities(np.column_stack([1 - predicted, predicted]), classes), classes
        return {"decision_function": predicted, "predict": classes[(predicted > 0) * 1]}, classes
    unknown = sorted(set(np.unique(predicted).tolist()) - set(classes.tolist()), key=str)
    if predicted.dtype.kind == "f" and (predicted != np.floor(predicted)).any():
        # Whole numbers in y may be counts, which a regression predicts as fractions.
        return {"predict": predicted}, None
    if not len(unknown) < len(np.unique(predicted)):
        raise ValueError(
            f"X predicts {unknown[:5]}, none of which are in y; y has {classes.tolist()[:5]}."
        )
    return {"predict": predicted}, np.union1d(classes, predicted)


def _of_probabilities(probabilities, classes):
    answers = {"predict_proba": probabilities, "predict": classes[probabilities.argmax(axis=1)]}
    if len(classes) == 2:
        answers["decision_function"] = probabilities[:, 1]
    return answers
