"""Neural regressors, whatever their architecture."""

from dataclasses import KW_ONLY

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.scikit_learn import StrOptions, fit_context
from sklearn_modern._inputs.validation import (
    check_targets,
)
from sklearn_modern._neural.predictor import NeuralPredictor
from sklearn_modern.heads.continuous import HEADS

__all__ = ["NeuralRegressor"]


def _predicts_quantiles(regressor):
    loss = getattr(regressor, "_loss", regressor.loss)
    if loss != "quantile":
        raise AttributeError(f"predict_quantiles needs loss='quantile', but loss={loss!r}.")
    return True


@estimator
class NeuralRegressor(MultiOutputMixin, RegressorMixin, NeuralPredictor):
    """A network that predicts one number or several.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "quantile", "gaussian"}, \
            default="squared_error"
        What is minimised: "squared_error" fits the mean; "absolute_error" the median; "huber" is
        quadratic up to one standard deviation of y and linear beyond; "quantile" fits ``quantiles``
        and the median, which ``predict`` gives; "gaussian" fits mean and variance.
    quantiles : tuple of float, default=(0.5,)
        The levels that ``predict_quantiles`` gives, each between 0 and 1.
    scale_target : bool, default=True
        Train on y with mean 0 and variance 1. Predictions are in the original units.
    """

    _: KW_ONLY
    loss: str = "squared_error"
    quantiles: tuple[float, ...] = (0.5,)
    scale_target: bool = True

    _parameter_constraints = NeuralPredictor._parameter_constraints | {
        "loss": [StrOptions(set(HEADS))],
        "quantiles": ["array-like"],
        "scale_target": ["boolean"],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, *, sample_weight=None):
        """Train for one more epoch, on these rows.

        Scales, known categories and which columns have missing values are those of the first call.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Training data, as for ``fit``.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        self : estimator
            The trained estimator.
        """
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X, return_std=False):
        """Predict the target.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows to predict, as for ``fit``.
        return_std : bool, default=False
            Whether to return standard deviations, too; needs ``loss="gaussian"``.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions.
        std : ndarray of the same shape
            Standard deviations, if ``return_std``.
        """
        if not return_std:
            return self._decide(X)
        check_is_fitted(self, "net_")
        if self._loss != "gaussian":
            raise ValueError(f"return_std=True needs loss='gaussian', but loss={self._loss!r}.")
        mean, std = np.moveaxis(self._decode(X), -1, 0)
        return (mean, std) if mean.shape[1] > 1 else (mean[:, 0], std[:, 0])

    @available_if(_predicts_quantiles)
    def predict_quantiles(self, X):
        """Predict the ``quantiles``.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows to predict, as for ``fit``.

        Returns
        -------
        ndarray of shape (n_samples, n_quantiles)
            In the order of ``quantiles``; they never cross.
        """
        return self._decode(X)[:, self.net_.module_.head.asked]

    def _check_y(self, y, *, reset):
        y = check_targets(y, dtype=np.float64)
        shape = y.shape[1:]
        if reset:
            self._target_shape, self._loss = shape, self.loss
            self._check_quantiles()
        elif shape != self._target_shape:
            raise ValueError(f"y has targets of shape {shape}, expected {self._target_shape}.")
        return y

    def _check_quantiles(self):
        if self.loss != "quantile":
            return
        levels = np.asarray(self.quantiles, dtype=float)
        if levels.ndim != 1 or not len(levels) or len(np.unique(levels)) < len(levels):
            raise ValueError(f"quantiles={self.quantiles!r} must be one or more different levels.")
        if not ((levels > 0) & (levels < 1)).all():
            raise ValueError(f"quantiles={self.quantiles!r} must lie between 0 and 1.")
        if self._target_shape:
            raise ValueError(
                f"loss='quantile' takes one target, but y has {self._target_shape[0]} columns."
            )

    def _learn_y(self, y, weight):
        self._target_mean, self._target_scale = np.zeros(y.shape[1:]), np.ones(y.shape[1:])
        if self.scale_target:
            mean = np.average(y, axis=0, weights=weight)
            deviation = np.sqrt(np.average((y - mean) ** 2, axis=0, weights=weight))
            # A constant target keeps its scale; so does one that varies by rounding errors only.
            varies = deviation > 10 * np.finfo(np.float64).eps * np.abs(mean)
            self._target_mean, self._target_scale = mean, np.where(varies, deviation, 1.0)

    def _scaled_y(self, y):
        return (y - self._target_mean) / self._target_scale

    def _make_head(self, n_features, random):
        units = {
            "target_mean": np.atleast_1d(self._target_mean),
            "target_scale": np.atleast_1d(self._target_scale),
        }
        if self.loss == "quantile":
            return HEADS[self.loss](n_features, self.quantiles, random, **units)
        n_targets = self._target_shape[0] if self._target_shape else 1
        return HEADS[self.loss](n_features, n_targets, random, **units)
