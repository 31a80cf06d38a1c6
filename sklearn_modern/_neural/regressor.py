"""Neural regressors, whatever their architecture."""

from dataclasses import KW_ONLY

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.available import available_if
from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import StrOptions, fit_context
from sklearn_modern._neural.predictor import NeuralPredictor, trains_in_parts
from sklearn_modern._neural.targets import Numbers
from sklearn_modern.heads.continuous import HEADS

__all__ = ["NeuralRegressor"]


def _predicts_quantiles(regressor):
    fitted = hasattr(regressor, "net_")
    loss = regressor._targets.loss if fitted else regressor.loss
    if loss != "quantile":
        raise AttributeError(f"it needs loss='quantile', but loss={loss!r}.")


@estimator
class NeuralRegressor(MultiOutputMixin, RegressorMixin, NeuralPredictor):
    """A network that predicts one number or several.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "poisson", "quantile", "gaussian"}, \
            default="squared_error"
        What is minimised: "squared_error" fits the mean; "absolute_error" the median; "huber" is
        quadratic up to one standard deviation of y and linear beyond; "poisson" fits the mean of
        counts and rates (y >= 0), whose logarithm the network gives, by half the Poisson deviance;
        "quantile" fits ``quantiles`` and the median, which ``predict`` gives; "gaussian" fits mean
        and variance.
    quantiles : tuple of float, default=(0.5,)
        The levels that ``predict_quantiles`` gives, each between 0 and 1.
    scale_target : bool, default=True
        Train on y with mean 0 and variance 1, or with mean 1 for "poisson". Predictions are in the
        original units.
    """

    _: KW_ONLY
    loss: str = shapes(default="squared_error", differs=False)
    quantiles: tuple[float, ...] = shapes(
        default=(0.5,), differs=True, needs=("loss", ("quantile",))
    )
    scale_target: bool = shapes(default=True, differs=False)

    _parameter_constraints = {
        "loss": [StrOptions(set(HEADS))],
        "quantiles": ["array-like"],
        "scale_target": ["boolean"],
    }

    @available_if(trains_in_parts)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, *, sample_weight=None):
        """Train for one more epoch, on these rows.

        Scales, bins, known categories and which columns have missing values are those of the first
        call.

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
        if (loss := self._targets.loss) != "gaussian":
            raise ValueError(f"return_std=True needs loss='gaussian', but loss={loss!r}.")
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

    def _make_targets(self, y):
        return Numbers(self.loss, self.quantiles, self.scale_target)
