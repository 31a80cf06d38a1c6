"""Gradient boosting for classes and for numbers."""

from dataclasses import KW_ONLY
from numbers import Real

import numpy as np
from scipy.special import log_expit, log_softmax
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._inputs.validation import (
    check_labels,
    check_targets,
    class_weights,
    is_multilabel,
)
from sklearn_modern.ensemble._base import GradientBoosting
from sklearn_modern.ensemble._classification import BoostedClassifier
from sklearn_modern.ensemble._outputs import column
from sklearn_modern.ensemble._totals import Totals
from sklearn_modern.ensemble._trees import lazy_for_collections

__all__ = ["GradientBoostingClassifier", "GradientBoostingRegressor"]

_LOSSES = ("squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma", "tweedie")
# Losses of differences, which the same constant in targets and predictions does not change.
_SHIFTABLE = ("squared_error", "absolute_error", "huber", "quantile")
# Libraries have targets in float32. So many spreads away from zero, the mean is taken off.
_FAR = 100.0
_POSITIVE = {"gamma": "positive", "poisson": "not negative", "tweedie": "not negative"}


@estimator
class GradientBoostingClassifier(BoostedClassifier):
    """Gradient boosting for classification, by XGBoost, LightGBM, CatBoost or scikit-learn's trees.

    One name for each concept, and the same behaviour whichever library runs, so that ``backend``
    itself can be searched over. Strong on tables of mixed columns, which it takes as they are.

    Parameters
    ----------
    loss : {"log_loss"}, default="log_loss"
        What is minimised.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn_modern.ensemble import GradientBoostingClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> clf = GradientBoostingClassifier(backend="hist", n_estimators=20).fit(X, y)
    >>> bool(clf.score(X, y) > 0.95)
    True
    """

    _: KW_ONLY
    loss: str = "log_loss"

    _parameter_constraints = {"loss": [StrOptions({"log_loss"})]}

    @lazy_for_collections
    def predict_log_proba(self, X):
        """Return logarithms of the probabilities.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            As ``predict_proba``.
        """
        check_is_fitted(self, "_engine")
        matrix = self._matrix(X, reset=False)
        probabilities = self._probabilities(self._engine.predict(matrix))
        rounded = probabilities == 0
        logarithms = np.log(np.where(rounded, 1.0, probabilities))
        if rounded.any():
            margins = self._engine.margins(matrix).astype(np.float64)
            logarithms[rounded] = _log_probabilities(margins)[rounded]
        return logarithms

    @lazy_for_collections
    def decision_function(self, X):
        """Return the sums over all trees, from which probabilities are computed.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Log-odds of the second of two classes, or a score for each of more classes.
        """
        check_is_fitted(self, "_engine")
        return self._engine.margins(self._matrix(X, reset=False))

    def staged_decision_function(self, X):
        """Yield the sums over the trees after each iteration.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows to predict.

        Yields
        ------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            As ``decision_function``.
        """
        check_is_fitted(self, "_engine")
        yield from self._engine.staged_margins(self._matrix(X, reset=False))

    def _check_y(self, y, *, reset):
        if is_multilabel(y):
            raise ValueError(
                f"y has {np.asarray(y).shape[1]} columns, but y should be a 1d array: "
                f"{type(self).__name__} learns one column of labels. Fit one for each, as "
                "sklearn.multioutput.MultiOutputClassifier does; GradientBoostingRegressor takes "
                "several columns of numbers."
            )
        self.classes_, codes = check_labels(y, classes=None if reset else self.classes_)
        return codes

    def _totals(self, y, weight):
        labels, codes = check_labels(y, at_least=1)
        return Totals.of_labels(labels, codes, weight)

    def _learn(self, totals):
        self.classes_, codes = check_labels(totals.labels)
        self._delta, self._offset = 1.0, 0.0
        return class_weights(self.class_weight, codes, totals.weight, self.classes_)


def _log_probabilities(margins):
    if margins.ndim == 2:
        return log_softmax(margins, axis=1)
    return np.column_stack([log_expit(-margins), log_expit(margins)])


@estimator
class GradientBoostingRegressor(RegressorMixin, GradientBoosting):
    """Gradient boosting for regression, by XGBoost, LightGBM, CatBoost or scikit-learn's trees.

    One name for each concept, and the same behaviour whichever library runs, so that ``backend``
    itself can be searched over. Strong on tables of mixed columns, which it takes as they are.
    Several outputs have a booster each, so that predictions are those of separate fits;
    ``booster_``, ``n_estimators_``, ``train_scores_`` and ``validation_scores_`` are then lists.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma", \
            "tweedie"}, default="squared_error"
        What is minimised. "huber" turns from a square to a line at one standard deviation of y.
        "hist" has neither "huber" nor "tweedie", "catboost" has no "gamma".
    quantile : float or None, default=None
        The level of ``loss="quantile"``.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_modern.ensemble import GradientBoostingRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = GradientBoostingRegressor(backend="hist", n_estimators=20).fit(X, y)
    >>> bool(reg.score(X, y) > 0.5)
    True
    """

    _: KW_ONLY
    loss: str = "squared_error"
    quantile: float | None = None

    _parameter_constraints = GradientBoosting._parameter_constraints | {
        "loss": [StrOptions(set(_LOSSES))],
        "quantile": [None, Interval(Real, 0, 1, closed="neither")],
    }

    @lazy_for_collections
    def predict(self, X):
        """Predict values.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The values.
        """
        check_is_fitted(self, "_engine")
        return self._engine.predict(self._matrix(X, reset=False)) + self._offset

    def staged_predict(self, X):
        """Yield predicted values after each iteration.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows to predict.

        Yields
        ------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The values; an output whose training has stopped stays as it is.
        """
        check_is_fitted(self, "_engine")
        for values in self._engine.staged(self._matrix(X, reset=False)):
            yield values + self._offset

    def _check_y(self, y, *, reset):
        if (self.loss == "quantile") != (self.quantile is not None):
            raise ValueError(
                f"quantile is for loss='quantile', and needed there, but quantile={self.quantile} "
                f"and loss={self.loss!r}."
            )
        y = check_targets(y, dtype=np.float64)
        outputs = 1 if y.ndim == 1 else y.shape[1]
        known = outputs if reset else np.size(self._offset)
        if outputs != known:
            raise ValueError(f"y has {outputs} outputs, but the y of the fit has {known}.")
        lowest = y.min()
        if (lowest < 0 and self.loss in _POSITIVE) or (lowest == 0 and self.loss == "gamma"):
            raise ValueError(
                f"loss={self.loss!r} needs a y that is {_POSITIVE[self.loss]}, but its lowest "
                f"value is {lowest:g}."
            )
        most = np.abs(y).max()
        if most > np.finfo(np.float32).max:
            raise ValueError(
                f"y has values as large as {most:g}, but boosted trees compute in float32, which "
                f"ends at {np.finfo(np.float32).max:.2g}; divide y by a constant."
            )
        return y

    def _scale(self, rows):
        if rows.y.ndim == 2:
            scales = [self._scale(column(rows, i)) for i in range(rows.y.shape[1])]
            return tuple(np.array(scales).T)
        if self.loss not in _SHIFTABLE:
            return 1.0, 0.0
        mean = float(np.average(rows.y, weights=rows.weight))
        spread = float(np.sqrt(np.average((rows.y - mean) ** 2, weights=rows.weight)))
        return _scale_of(mean, spread)

    def _totals(self, y, weight):
        return Totals.of_numbers(self._check_y(y, reset=True), weight)

    def _learn(self, totals):
        shifts = self.loss in _SHIFTABLE
        self._delta, self._offset = _scale_of(totals.mean, totals.spread) if shifts else (1.0, 0.0)
        self._check_trained_on(np.broadcast_to(totals.mean, totals.n_rows))
        return 1.0

    def _check_trained_on(self, y):
        if self.loss in _POSITIVE and not y.any(axis=0).all():
            raise ValueError(
                f"loss={self.loss!r} needs a y whose sum is positive, but y is zero in all "
                f"{len(y)} rows that trees are grown on."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _scale_of(mean, spread):
    return spread or 1.0, mean if abs(mean) > _FAR * spread else 0.0
