"""Two plain estimators that show that the machinery works for any method, not only for nets."""

from dataclasses import KW_ONLY

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator
from sklearn_modern._inputs.validation import (
    check_labels,
    check_lengths,
    check_targets,
    check_weights,
    check_X,
)


@estimator
class PlainEstimator(BaseEstimator):
    """Common to both.

    Parameters
    ----------
    shrinkage : float, default=1.0
        Ridge penalty, or how far the class means move towards the grand mean.

    Attributes
    ----------
    n_features_in_ : int
        Number of features of the fit.
    """

    _: KW_ONLY
    shrinkage: float = 1.0

    def _check(self, X, y, sample_weight):
        numbers = check_X(self, X, reset=True, dtype=np.float64)
        check_lengths(X, y)
        return numbers, check_weights(sample_weight, len(numbers), dtype=np.float64)


@estimator
class PlainRidge(RegressorMixin, PlainEstimator):
    """Ridge regression in closed form.

    Parameters
    ----------
    fit_intercept : bool, default=True
        Whether the line may miss the origin.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Slopes.
    """

    fit_intercept: bool = True

    def fit(self, X, y, sample_weight=None):
        X, weights = self._check(X, y, sample_weight)
        y = check_targets(y, dtype=np.float64, multi_output=False)
        x_mean = np.average(X, axis=0, weights=weights) * self.fit_intercept
        y_mean = np.average(y, weights=weights) * self.fit_intercept
        centred = X - x_mean
        gram = centred.T * weights @ centred + self.shrinkage * np.eye(X.shape[1])
        self.coef_ = np.linalg.solve(gram, centred.T @ (weights * (y - y_mean)))
        self.intercept_ = y_mean - x_mean @ self.coef_
        return self

    def predict(self, X):
        check_is_fitted(self)
        return check_X(self, X, reset=False, dtype=np.float64) @ self.coef_ + self.intercept_


@estimator
class PlainCentroid(ClassifierMixin, PlainEstimator):
    """Nearest shrunken class mean."""

    def fit(self, X, y, sample_weight=None):
        X, weights = self._check(X, y, sample_weight)
        self.classes_, codes = check_labels(y)
        keep = self.shrinkage / (1.0 + self.shrinkage)
        grand = np.average(X, axis=0, weights=weights)
        means = [
            np.average(X[codes == k], axis=0, weights=weights[codes == k] + 1e-300)
            for k in range(len(self.classes_))
        ]
        self.centroids_ = grand + keep * (np.array(means) - grand)
        return self

    def predict(self, X):
        check_is_fitted(self)
        X = check_X(self, X, reset=False, dtype=np.float64)
        distances = ((X[:, None, :] - self.centroids_) ** 2).sum(axis=2)
        return self.classes_[distances.argmin(axis=1)]
