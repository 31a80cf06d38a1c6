"""Ensembles of one model for each fold."""

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import get_tags

from sklearn_modern._core.available import available_if
from sklearn_modern._core.estimator import estimator
from sklearn_modern._inputs.validation import check_labels, check_targets
from sklearn_modern.ensemble._folds import FoldEnsemble

__all__ = ["FoldEnsembleClassifier", "FoldEnsembleRegressor"]


def _has_probabilities(ensemble):
    return ensemble._estimator().predict_proba  # raises where there is none


@estimator
class FoldEnsembleClassifier(ClassifierMixin, FoldEnsemble):
    """An ensemble of one classifier for each fold, fitted on all others; they are averaged.

    Each row is held out once, so that an honest score and honest probabilities for all rows come
    with the fit, and the rows that a member does not see tell it when to stop. Members that can be
    fitted together are: networks as members of one network.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    temperature_ : float
        What logarithms of probabilities are divided by; above 1 the members were overconfident.
        Only with ``calibration``.

    References
    ----------
    Erickson et al. (2025), "TabArena: A Living Benchmark for Machine Learning on Tabular Data",
    fit all models so.

    Guo, Pleiss, Sun, Weinberger (2017), "On Calibration of Modern Neural Networks", ICML.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_modern.ensemble import FoldEnsembleClassifier
    >>> X, y = load_wine(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), LogisticRegression())
    >>> clf = FoldEnsembleClassifier(model, calibration="temperature", random_state=0).fit(X, y)
    >>> clf.oof_score_ > 0.95
    True
    >>> clf.predict_proba(X).shape
    (178, 3)
    """

    def predict(self, X):
        """Predict classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples,)
            The class with the highest mean probability, whatever rule the estimator has for that;
            or with most votes where it predicts no probabilities.
        """
        mean = self._mean_prediction(X)
        return self.classes_[mean.argmax(axis=1)]

    @available_if(_has_probabilities)
    def predict_proba(self, X):
        """Return the mean of the members' probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return self._mean_prediction(X)

    def _default(self):
        from sklearn_modern.ensemble._gradient_boosting import GradientBoostingClassifier

        return GradientBoostingClassifier()

    def _learn_targets(self, y):
        if self.calibration is not None and not hasattr(self._estimator(), "predict_proba"):
            raise ValueError(
                f"calibration={self.calibration!r} needs probabilities, but "
                f"{type(self._estimator()).__name__} has no predict_proba."
            )
        self.classes_, codes = check_labels(y)
        return codes

    def _predict_member(self, member, X):
        if hasattr(member, "predict_proba"):
            probabilities = np.asarray(member.predict_proba(X))
            if probabilities.dtype != np.float64:  # in which their sums are not one
                probabilities = probabilities.astype(np.float64)
                probabilities /= probabilities.sum(axis=1, keepdims=True)
            if np.array_equal(member.classes_, self.classes_):
                return probabilities
            # A fold may lack classes, and ordinal estimators know levels that y lacks.
            whole = np.zeros((len(probabilities), len(self.classes_)))
            known = np.isin(member.classes_, self.classes_)
            places = np.searchsorted(self.classes_, member.classes_[known])
            whole[:, places] = probabilities[:, known]
            return whole
        return (np.asarray(member.predict(X))[:, None] == self.classes_).astype(np.float64)

    def _score(self, targets, predicted, weight):
        return accuracy_score(targets, predicted.argmax(axis=1), sample_weight=weight)


@estimator
class FoldEnsembleRegressor(RegressorMixin, FoldEnsemble):
    """An ensemble of one regressor for each fold, fitted on all others; they are averaged.

    Each row is held out once, so that an honest score and honest predictions for all rows come with
    the fit, and the rows that a member does not see tell it when to stop. Members that can be
    fitted together are: networks as members of one network.

    References
    ----------
    Erickson et al. (2025), "TabArena: A Living Benchmark for Machine Learning on Tabular Data",
    fit all models so.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn_modern.ensemble import FoldEnsembleRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = FoldEnsembleRegressor(RidgeCV(), random_state=0).fit(X, y)
    >>> 0.4 < reg.oof_score_ < 0.6
    True
    """

    def predict(self, X):
        """Predict values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The mean of the members' values.
        """
        return self._mean_prediction(X)

    def _default(self):
        from sklearn_modern.ensemble._gradient_boosting import GradientBoostingRegressor

        return GradientBoostingRegressor()

    def _learn_targets(self, y):
        if self.calibration is not None:
            raise ValueError(
                f"calibration={self.calibration!r} needs probabilities, which a regressor has not."
            )
        return check_targets(y, dtype=np.float64)

    def _predict_member(self, member, X):
        return np.asarray(member.predict(X), dtype=np.float64)

    def _score(self, targets, predicted, weight):
        return r2_score(targets, predicted, sample_weight=weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = get_tags(self._estimator()).target_tags.multi_output
        return tags
