"""What boosted trees of classes share, be the classes ordered or not."""

from dataclasses import KW_ONLY
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.scikit_learn import StrOptions
from sklearn_modern._fits.stand_in import StandIn
from sklearn_modern._inputs.validation import class_weights
from sklearn_modern.ensemble._base import GradientBoosting
from sklearn_modern.ensemble._trees import lazy_for_collections

__all__ = ["BoostedClassifier"]


@estimator
class BoostedClassifier(ClassifierMixin, GradientBoosting):
    """Boosted trees that predict classes.

    Parameters
    ----------
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, which multiply the sample weights; "balanced" is inversely
        proportional to their frequencies. Weights of classes that y lacks are ignored.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels.
    """

    _: KW_ONLY
    class_weight: Any = None

    _target = "classes"

    _parameter_constraints = {"class_weight": [dict, StrOptions({"balanced"}), None]}

    @lazy_for_collections
    def predict(self, X):
        """Predict classes.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples,)
            The likeliest classes; of ordered levels the one that ``decision`` says.
        """
        check_is_fitted(self, "_engine")
        return self._decided(self._engine.predict(self._matrix(X, reset=False)))

    @lazy_for_collections
    def predict_proba(self, X):
        """Return probabilities.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        check_is_fitted(self, "_engine")
        return self._probabilities(self._engine.predict(self._matrix(X, reset=False)))

    def staged_predict_proba(self, X):
        """Yield probabilities after each iteration.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows to predict.

        Yields
        ------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        check_is_fitted(self, "_engine")
        yield from map(self._probabilities, self._engine.staged(self._matrix(X, reset=False)))

    def staged_predict(self, X):
        """Yield predicted classes after each iteration.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows to predict.

        Yields
        ------
        ndarray of shape (n_samples,)
            The likeliest classes.
        """
        check_is_fitted(self, "_engine")
        yield from map(self._decided, self._engine.staged(self._matrix(X, reset=False)))

    @property
    def _labels(self) -> np.ndarray:
        """The label of each code of y."""
        return self.classes_

    def _weighted(self, y, weight):
        return weight * class_weights(self.class_weight, y, weight, self._labels)

    def _decided(self, predicted):
        """Return the labels that an engine's predictions come to."""
        return self._labels[_both(predicted).argmax(axis=1)]

    def _probabilities(self, predicted):
        """Return an engine's predictions with a column for each of ``classes_``."""
        return _both(predicted)

    def _stand_in(self, predicted):
        """Return what a scorer sees in the place of this estimator, of which these are answers."""
        answers = {
            "predict": self._decided(predicted),
            "predict_proba": self._probabilities(predicted),
        }
        return StandIn(answers, self.classes_)


def _both(probabilities):
    """Give the first of two classes a column, too."""
    if probabilities.ndim == 2:
        return probabilities
    return np.column_stack([1 - probabilities, probabilities])
