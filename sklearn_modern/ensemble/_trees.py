"""What can be asked of boosted trees, whatever they predict."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._inputs.collections import is_collection
from sklearn_modern._inputs.columns import ColumnCoder
from sklearn_modern.ensemble._defaults import MEASURED

__all__ = ["Trees", "lazy_for_collections"]


def lazy_for_collections(method: Callable) -> Callable:
    """Decorate a method of rows that gives a dask Array for a dask collection, part by part."""

    @wraps(method)
    def predict(self, X):
        if not is_collection(X):
            return method(self, X)
        from sklearn_modern.ensemble._distributed import predicted_lazily

        check_is_fitted(self, "_engine")
        return predicted_lazily(self, method.__name__, X)

    return predict


class Trees:
    """Methods of boosted trees that do not depend on what y is."""

    def apply(self, X):
        """Return the leaf that each row falls into, for each tree; not for "hist".

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of int of shape (n_samples, n_estimators), (n_samples, n_estimators, n_classes) or \
                (n_samples, n_estimators, n_outputs)
            The library's numbers of the leaves; a number for each class if there are more than two,
            which share their trees in CatBoost. Of several outputs, -1 where one has fewer
            iterations than another.
        """
        check_is_fitted(self, "_engine")
        return self._engine.leaves(self._matrix(X, reset=False))

    def predict_contributions(self, X):
        """Share out each prediction among the features, by exact TreeSHAP.

        Not for "hist", and for "catboost" with symmetric trees only.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_features + 1), (n_samples, n_classes, n_features + 1) or \
                (n_samples, n_outputs, n_features + 1)
            What each feature adds, and at the end what is expected without any. They sum to
            ``decision_function`` for classes, to the logarithm of the prediction for the losses
            "poisson", "gamma" and "tweedie", and to the prediction for other losses.
        """
        check_is_fitted(self, "_engine")
        contributions = self._engine.contributions(self._matrix(X, reset=False))
        contributions[..., -1] += self._offset
        return contributions

    def booster_input(self, X):
        """Code a table as the library's own object ``booster_`` sees it.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray, CSR matrix or DataFrame of shape (n_samples, n_features)
            Numbers; categories are codes, and NaN where missing or unknown. CatBoost takes
            categories in a DataFrame, where these are -1.
        """
        check_is_fitted(self, "_engine")
        return self._engine.input(self._matrix(X, reset=False))

    @property
    def booster_(self) -> Any:
        """The library's own object."""
        check_is_fitted(self, "_engine")
        return self._engine.native

    @property
    def n_estimators_(self) -> int | list[int]:
        """Number of iterations that were kept; of several outputs, a list."""
        check_is_fitted(self, "_engine")
        return self._engine.n_estimators

    @property
    def settings_(self) -> dict[str, Any]:
        """What was taken for the parameters that have a measured default."""
        check_is_fitted(self, "_engine")
        settings = self._engine.outputs[0].settings
        taken = {name: getattr(settings, name) for name in MEASURED}
        return taken | {"backend": self.backend_, "backend_params": dict(settings.extra)}

    @property
    def feature_importances_(self) -> np.ndarray:
        """Gain of the splits on each feature, as a share of the total."""
        check_is_fitted(self, "_engine")
        gains = self._engine.gains()
        return gains / gains.sum() if gains.any() else gains

    def _matrix(self, X, *, reset):
        """Read a table as numbers, with codes in the place of categories."""
        if is_collection(X):
            raise TypeError(
                f"X is a dask {type(X).__name__}, which only fit, predict, predict_proba, "
                "predict_log_proba and decision_function take; call others on each of its parts."
            )
        if reset:
            self._columns = ColumnCoder(self.categorical_features, dtype=None)
            table = self._columns.fit_transform(self, X)
        else:
            table = self._columns.transform(self, X)
        if table.codes is None:
            return table.numbers
        matrix = np.empty((len(table.codes), self.n_features_in_), dtype=table.numbers.dtype)
        matrix[:, self._columns.numerical_indices] = table.numbers
        matrix[:, self._columns.categorical_indices] = np.where(
            table.codes < 0, np.nan, table.codes
        )
        return matrix
