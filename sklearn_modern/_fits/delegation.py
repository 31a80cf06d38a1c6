"""What a selector can do because the estimator that it fitted last can."""

from collections import Counter
from typing import Any

import numpy as np
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_modern._core.scikit_learn import safe_indexing

__all__ = ["DELEGATED", "FittedToSelection"]

# What the estimator does in the place of the selector.
DELEGATED = ("decision_function", "predict", "predict_log_proba", "predict_proba", "score")


def _inner_has(method):
    def check(self):
        if not self.refit:
            raise AttributeError(f"{method} needs the estimator to be fitted: refit=True.")
        getattr(getattr(self, "estimator_", self.estimator), method)
        return True

    return available_if(check)


class FittedToSelection:
    """Hands the selected features to ``estimator_``."""

    @_inner_has("predict")
    def predict(self, X, **params):
        """Predict with the estimator that was fitted to the selected features.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows, with all features.
        **params : dict
            More for the estimator's method.

        Returns
        -------
        ndarray
            What the estimator returns.
        """
        return self._inner("predict", X, **params)

    @_inner_has("predict_proba")
    def predict_proba(self, X, **params):
        """Return probabilities of the estimator that was fitted to the selected features.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows, with all features.
        **params : dict
            More for the estimator's method.

        Returns
        -------
        ndarray
            What the estimator returns.
        """
        return self._inner("predict_proba", X, **params)

    @_inner_has("predict_log_proba")
    def predict_log_proba(self, X, **params):
        """Return logarithms of the probabilities.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows, with all features.
        **params : dict
            More for the estimator's method.

        Returns
        -------
        ndarray
            What the estimator returns.
        """
        return self._inner("predict_log_proba", X, **params)

    @_inner_has("decision_function")
    def decision_function(self, X, **params):
        """Return decisions of the estimator that was fitted to the selected features.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows, with all features.
        **params : dict
            More for the estimator's method.

        Returns
        -------
        ndarray
            What the estimator returns.
        """
        return self._inner("decision_function", X, **params)

    @_inner_has("score")
    def score(self, X, y=None, **params):
        """Score the estimator that was fitted to the selected features, by its own ``score``.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows, with all features.
        y : array-like of shape (n_samples,), default=None
            Targets.
        **params : dict
            More for the estimator's method.

        Returns
        -------
        float
            What the estimator returns.
        """
        return self._inner("score", X, *(() if y is None else (y,)), **params)

    @property
    def classes_(self) -> np.ndarray:
        """Labels, of a classifier."""
        return self.estimator_.classes_

    def _inner(self, method, X, *args, **params):
        check_is_fitted(self)
        selected = self._selected(self._table(X, reset=False))
        return getattr(self.estimator_, method)(selected, *args, **params)

    def _selected(self, X):
        return safe_indexing(X, np.flatnonzero(self.support_), axis=1)

    def _table(self, X: Any, *, reset: bool) -> Any:
        """Check X; frames stay frames, so that the estimator sees names and types of columns."""
        least = 2 if reset else 1
        if hasattr(X, "columns") and hasattr(X, "dtypes"):
            names = list(X.columns)
            if twice := [str(name) for name, times in Counter(names).items() if times > 1]:
                raise ValueError(f"X has several columns of the name {', '.join(twice)}.")
            validate_data(self, X, reset=reset, skip_check_array=True)
            if len(names) < least:
                raise ValueError(f"X has {len(names)} feature(s), of which none can be left out.")
            return X
        return validate_data(
            self,
            X,
            reset=reset,
            accept_sparse=["csr", "csc"],
            ensure_all_finite=not get_tags(self).input_tags.allow_nan,
            ensure_min_features=least,
        )
