"""Neural classifiers, whatever their architecture."""

from dataclasses import KW_ONLY
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin

from sklearn_modern._core.available import available_if
from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import Interval, StrOptions, fit_context
from sklearn_modern._inputs.validation import is_multilabel
from sklearn_modern._neural.predictor import NeuralPredictor, trains_in_parts
from sklearn_modern._neural.targets import Labels, LabelSets

__all__ = ["NeuralClassifier"]


@estimator
class NeuralClassifier(ClassifierMixin, NeuralPredictor):
    """A network that predicts classes: two, several, or any number of labels at once.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Share of each target that is spread evenly over the classes.
    class_weight : dict, "balanced", list of dict or None, default=None
        Weights of the classes, which multiply the sample weights; "balanced" is inversely
        proportional to their frequencies. A list has one entry per label of a multilabel y.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels; for a multilabel y the positions of the labels.
    """

    _: KW_ONLY
    label_smoothing: float = shapes(default=0.0, differs=True)
    class_weight: Any = steers(default=None, differs=True)

    _parameter_constraints = {
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    @available_if(trains_in_parts)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, *, classes=None, sample_weight=None):
        """Train for one more epoch, on these rows.

        Scales, bins, known categories and which columns have missing values are those of the first
        call.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Training data, as for ``fit``.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Targets.
        classes : array-like of shape (n_classes,), default=None
            All classes that will occur; needed in the first call if its y lacks some.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        self : estimator
            The trained estimator.
        """
        if classes is not None:
            classes = np.unique(classes)
            if is_multilabel(y) and classes.tolist() != list(range(np.shape(y)[1])):
                raise ValueError(
                    f"y has {np.shape(y)[1]} columns of labels, whose classes are their positions "
                    f"0, 1, ..., but classes={classes.tolist()}."
                )
            if hasattr(self, "net_") and not np.array_equal(classes, self.classes_):
                raise ValueError(
                    f"classes={classes.tolist()} are not those of the first call, "
                    f"{self.classes_.tolist()}."
                )
        return self._partial_fit(X, y, sample_weight, classes=classes)

    def predict_proba(self, X):
        """Return probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows to predict, as for ``fit``.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Of each class, in the order of ``classes_``; for a multilabel y that of each label.
        """
        return self._decode(X)

    def predict_log_proba(self, X):
        """Return logarithms of the probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows to predict, as for ``fit``.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            As ``predict_proba``, and finite.
        """
        probabilities = self._decode(X)
        return np.log(np.maximum(probabilities, np.finfo(probabilities.dtype).tiny))

    def predict(self, X):
        """Predict classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows to predict, as for ``fit``.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            The likeliest class; for a multilabel y a one for each label that is likelier than not.
        """
        return self._decide(X)

    def _make_targets(self, y, classes=None):
        kind = LabelSets if is_multilabel(y) else Labels
        return kind(self.label_smoothing, classes)

    def _row_factors(self, y, weight):
        return self._targets.factors(self.class_weight, y, weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
