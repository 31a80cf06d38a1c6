"""Metrics of many predictions for the same rows at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn import metrics
from sklearn.base import is_classifier

from sklearn_modern._core.scikit_learn import PassthroughScorer, Scorer
from sklearn_modern._fits.stand_in import StandIn
from sklearn_modern.feature_selection.subset_scoring.fold import Fold
from sklearn_modern.feature_selection.subset_scoring.outputs import Outputs

__all__ = ["Metric", "metric_of"]


@dataclass(frozen=True, eq=False)
class Metric:
    """A scorer of scikit-learn, applied to the outputs of many estimators at once.

    Parameters
    ----------
    name : str
        Name of the metric.
    scorer : callable
        The scorer.
    function : callable
        The metric function of the scorer.
    sign : int
        -1 if less is better, else 1.
    methods : tuple of str
        Methods of an estimator in order of preference; the metric takes the outputs of the first
        that exists.
    kwargs : dict
        Further arguments of the metric function.
    """

    name: str
    scorer: Callable
    function: Callable
    sign: int
    methods: tuple[str, ...]
    kwargs: dict[str, Any]

    def __call__(self, outputs: Outputs, fold: Fold) -> np.ndarray:
        """Return a score for each subset, NaN where the metric fails."""
        method = next((name for name in self.methods if hasattr(outputs, name)), None)
        if method is None:
            return np.full(len(outputs.raw), np.nan)
        answers = getattr(outputs, method)()
        weight, holds = self.weight(fold)
        table = _OF_CLASSES if fold.classifies else _OF_NUMBERS
        many = table.get((self.function, method))
        if holds and many is not None:
            scores = many(answers, fold, weight)
            if scores is not None:
                return self.sign * scores
        return np.array([self._of_one(method, answer, fold) for answer in answers])

    def weight(self, fold: Fold) -> tuple[np.ndarray | None, bool]:
        """Return the weights of the test rows, and whether the metric has no other arguments."""
        params = fold.score_params.get(self.name, {})
        weight = params.get("sample_weight")
        holds = not self.kwargs and set(params) <= {"sample_weight"}
        return None if weight is None else np.asarray(weight, dtype=np.float64), holds

    def of_squared_errors(self, fold: Fold) -> Callable[[np.ndarray], np.ndarray] | None:
        """Return the function from mean squared errors to scores, None if they do not suffice."""
        function = _OF_SQUARED_ERRORS.get(self.function)
        weight, holds = self.weight(fold)
        if function is None or fold.classifies or weight is not None or not holds:
            return None
        scores = function(fold)
        return None if scores is None else lambda errors: self.sign * scores(errors)

    def _of_one(self, method, answer, fold):
        """Score the output of one estimator by the scorer itself."""
        classes = fold.classes
        if method == "predict" and classes is not None:
            answer = classes[answer]
        stand_in = StandIn({method: answer}, classes)
        params = fold.score_params.get(self.name, {})
        scorer = self.scorer
        if isinstance(scorer, PassthroughScorer):
            scorer = Scorer(self.function, self.sign, self.kwargs, method)
        try:
            return scorer(stand_in, np.empty((len(answer), 1)), fold.y_test, **params)
        except Exception:  # an ordinary fit will raise it again, and report it
            return np.nan


def metric_of(name: str, scorer: Callable, estimator: Any) -> Metric | None:
    """Return the metric of a scorer, None if it may look at more than an estimator's outputs."""
    if isinstance(scorer, PassthroughScorer):
        function = metrics.accuracy_score if is_classifier(estimator) else metrics.r2_score
        return Metric(name, scorer, function, 1, ("predict",), {})
    if type(scorer) is not Scorer:
        return None
    methods = scorer._response_method
    methods = (methods,) if isinstance(methods, str) else tuple(methods)
    return Metric(name, scorer, scorer._score_func, scorer._sign, methods, scorer._kwargs or {})


def _mean(values, weight):
    return values.mean(axis=1) if weight is None else values @ weight / weight.sum()


def _accuracy(codes, fold, weight):
    return _mean((codes == fold.codes_test).astype(np.float64), weight)


def _balanced_accuracy(codes, fold, weight):
    if (fold.codes_test < 0).any():
        return None  # the metric warns of a class that the fit did not see
    weight = np.ones(len(fold.codes_test)) if weight is None else weight
    members = (fold.codes_test == np.unique(fold.codes_test)[:, None]) * weight
    totals = members.sum(axis=1)
    if not totals.all():
        return None
    right = (codes == fold.codes_test).astype(np.float64)
    return (right @ members.T / totals).mean(axis=1)


def _log_loss(probabilities, fold, weight):
    if len(np.unique(fold.codes_test)) < probabilities.shape[2] or (fold.codes_test < 0).any():
        return None
    if probabilities.shape[2] == 2:
        # A scorer passes on the second class only; the probability of the first is one minus it.
        second = probabilities[:, :, 1]
        probabilities = np.stack([1 - second, second], axis=2)
    own = probabilities[:, np.arange(len(fold.codes_test)), fold.codes_test]
    tiny = np.finfo(np.float64).eps
    return _mean(-np.log(own.clip(tiny, 1 - tiny)), weight)


def _squared_error(values, fold, weight):
    return _mean((values - fold.y_test) ** 2, weight)


def _root_squared_error(values, fold, weight):
    return np.sqrt(_squared_error(values, fold, weight))


def _absolute_error(values, fold, weight):
    return _mean(np.abs(values - fold.y_test), weight)


def _explained(errors, fold, weight):
    """Return 1 - MSE / var(y), given mean squared errors."""
    spread = _spread(fold, weight)
    return None if spread is None else 1 - errors / spread


def _spread(fold, weight):
    y = fold.y_test
    spread = np.average((y - np.average(y, weights=weight)) ** 2, weights=weight)
    # scikit-learn has special rules for these cases
    return None if len(y) < 2 or spread == 0 else spread


def _r2(values, fold, weight):
    return _explained(_squared_error(values, fold, weight), fold, weight)


def _explained_variance(values, fold, weight):
    errors = values - fold.y_test
    errors = errors - _mean(errors, weight)[:, None]
    return _explained(_mean(errors**2, weight), fold, weight)


def _rank_area(scores, fold, weight):
    """Area under the ROC curve: how often a row of the second class ranks above one of the first.

    It is (R - n_2 (n_2 + 1) / 2) / (n_1 n_2), where R is the sum of the ranks of the second class,
    and n_1 and n_2 are the sizes of the classes. Ties have mean ranks, and so count half.
    """
    second = fold.codes_test == 1
    if len(fold.classes) != 2 or (fold.codes_test < 0).any() or weight is not None:
        return None
    if second.all() or not second.any():
        return None
    scores = scores[:, :, 1] if scores.ndim == 3 else scores
    ranks = rankdata(scores, axis=1)
    n_second = second.sum()
    above = ranks[:, second].sum(axis=1) - n_second * (n_second + 1) / 2
    return above / (n_second * (len(second) - n_second))


# For a metric function and a method, a function of the outputs of many estimators, the fold and
# weights. It returns None where scikit-learn's own function has to do it.
_OF_CLASSES = {
    (metrics.accuracy_score, "predict"): _accuracy,
    (metrics.balanced_accuracy_score, "predict"): _balanced_accuracy,
    (metrics.log_loss, "predict_proba"): _log_loss,
    (metrics.roc_auc_score, "decision_function"): _rank_area,
    (metrics.roc_auc_score, "predict_proba"): _rank_area,
}
_OF_NUMBERS = {
    (metrics.mean_squared_error, "predict"): _squared_error,
    (metrics.root_mean_squared_error, "predict"): _root_squared_error,
    (metrics.mean_absolute_error, "predict"): _absolute_error,
    (metrics.r2_score, "predict"): _r2,
    (metrics.explained_variance_score, "predict"): _explained_variance,
}


def _r2_of(fold):
    spread = _spread(fold, None)
    return None if spread is None else lambda errors: 1 - errors / spread


# Functions of the fold that return a function of mean squared errors, or None as above.
_OF_SQUARED_ERRORS = {
    metrics.mean_squared_error: lambda fold: np.positive,
    metrics.root_mean_squared_error: lambda fold: np.sqrt,
    metrics.r2_score: _r2_of,
}
