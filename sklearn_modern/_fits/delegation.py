"""What a meta-estimator can do because its fitted inner estimator can."""

from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.available import available_if

__all__ = ["DELEGATED", "Delegating"]

# Methods that the inner estimator performs.
DELEGATED = ("decision_function", "predict", "predict_log_proba", "predict_proba", "score")


def _needs_refit(selector):
    if not selector.refit:
        kind = type(selector.estimator).__name__
        raise AttributeError(f"refit=True is needed, which fits the {kind} in the end.")


def _inner_has(method):
    def check(self):
        _needs_refit(self)
        getattr(getattr(self, "estimator_", self.estimator), method)

    return available_if(check)


class Delegating:
    """Has the methods and the tags of ``estimator``, and lets ``estimator_`` perform the methods.

    The meta-estimator has the parameters ``estimator`` and ``refit``. It sets ``estimator_`` in
    ``fit`` unless ``refit`` is false, and then has none of these methods. It overrides
    ``_inner_input`` if the inner estimator does not get X as it is.
    """

    @_inner_has("predict")
    def predict(self, X, **params):
        """Predict with the fitted inner estimator.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows with the features of the fit.
        **params : dict
            Further arguments of the inner estimator's method.

        Returns
        -------
        ndarray
            What the inner estimator returns.
        """
        return self._inner("predict", X, **params)

    @_inner_has("predict_proba")
    def predict_proba(self, X, **params):
        """Return the probabilities that the fitted inner estimator predicts.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows with the features of the fit.
        **params : dict
            Further arguments of the inner estimator's method.

        Returns
        -------
        ndarray
            What the inner estimator returns.
        """
        return self._inner("predict_proba", X, **params)

    @_inner_has("predict_log_proba")
    def predict_log_proba(self, X, **params):
        """Return the logarithms of the probabilities that the fitted inner estimator predicts.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows with the features of the fit.
        **params : dict
            Further arguments of the inner estimator's method.

        Returns
        -------
        ndarray
            What the inner estimator returns.
        """
        return self._inner("predict_log_proba", X, **params)

    @_inner_has("decision_function")
    def decision_function(self, X, **params):
        """Return the decision function of the fitted inner estimator.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows with the features of the fit.
        **params : dict
            Further arguments of the inner estimator's method.

        Returns
        -------
        ndarray
            What the inner estimator returns.
        """
        return self._inner("decision_function", X, **params)

    @_inner_has("score")
    def score(self, X, y=None, **params):
        """Score the fitted inner estimator by its own ``score``.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows with the features of the fit.
        y : array-like of shape (n_samples,), default=None
            Targets.
        **params : dict
            Further arguments of the inner estimator's method.

        Returns
        -------
        float
            What the inner estimator returns.
        """
        return self._inner("score", X, *(() if y is None else (y,)), **params)

    @property
    def classes_(self) -> np.ndarray:
        """Class labels, for a classifier."""
        _needs_refit(self)
        return self.estimator_.classes_

    def _inner(self, method, X, *args, **params):
        check_is_fitted(self)
        return getattr(self.estimator_, method)(self._inner_input(X), *args, **params)

    def _inner_input(self, X: Any) -> Any:
        """Check X and return what the inner estimator gets for it."""
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        if self.refit:
            tags.estimator_type = inner.estimator_type
            tags.classifier_tags = deepcopy(inner.classifier_tags)
            tags.regressor_tags = deepcopy(inner.regressor_tags)
        tags.target_tags.required = inner.target_tags.required
        tags.input_tags.sparse = inner.input_tags.sparse
        first = self.estimator
        while isinstance(first, Pipeline):  # its own tags do not tell what its first step takes
            steps = (step for _, step in first.steps if step not in (None, "passthrough"))
            first = next(steps, None)
        tags.input_tags.allow_nan = first is None or get_tags(first).input_tags.allow_nan
        return tags
