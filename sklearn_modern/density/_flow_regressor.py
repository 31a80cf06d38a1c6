"""Densities of targets given X, by normalising flows."""

from dataclasses import KW_ONLY
from typing import Any

import numpy as np
from scipy.special import ndtri
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import StrOptions, fit_context, num_samples
from sklearn_modern._inputs.validation import check_count, check_lengths, check_levels
from sklearn_modern._neural.flow_inputs import DensityTargets
from sklearn_modern._neural.flows import FlowEstimator
from sklearn_modern._neural.inputs import TableInputs
from sklearn_modern._neural.tabular import TableSettings
from sklearn_modern.networks.mlp import MLP

__all__ = ["FlowRegressor"]

# How many evenly spread values of a row's target each member gives for means and quantiles.
_SPREAD = 128

# Rows whose targets are computed at once.
_ROWS_TOGETHER = 32


@estimator
class FlowRegressor(MultiOutputMixin, RegressorMixin, FlowEstimator, TableSettings):
    r"""Density of one target or several given X, by normalising flows.

    An invertible map, which depends on X, turns the targets into standard normal noise; so the
    density of y given X is known exactly, whatever its shape: skewed, with several modes, wider for
    some X than for others, and with several targets that depend on each other. It is fitted by
    maximum likelihood. Several flows are a mixture of equal weights.

    Targets are continuous numbers; if there are more than 200 rows, targets of few values are
    refused. Densities and predictions are in the units of y.

    Parameters
    ----------
    bounds : (low, high) or None, default=None
        Between which bounds targets lie, as pairs of numbers for all targets, or of sequences with
        one number for each; None or infinite where there is no bound. No sample leaves them.
    input_scaling : {"standard", "robust", "quantile"} or None, default="robust"
        Scaling of the numbers of X: mean 0 and variance 1; median and quartiles with smooth
        clipping of outliers; normal scores of the ranks; or none. Missing numbers become the mean
        or the median, with an indicator.

    See Also
    --------
    sklearn_modern.neural_network.MLPRegressor : Quantiles, or a normal distribution, in less time.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_modern.density import FlowRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(size=(300, 1))
    >>> y = 10 * X[:, 0] + rng.exponential(size=300)
    >>> reg = FlowRegressor(2, n_members=1, max_iter=20, device="cpu", random_state=0).fit(X, y)
    >>> reg.predict_quantiles([[0.5]]).shape
    (1, 3)
    >>> reg.log_prob([[0.5], [0.5]], [6.0, 20.0]) > -5.0
    array([ True, False])
    """

    _: KW_ONLY
    bounds: Any = shapes(default=None, differs=False)
    input_scaling: str | None = shapes(default="robust", differs=False)

    _parameter_constraints = {
        "bounds": [None, tuple, list, np.ndarray],
        "input_scaling": [StrOptions({"standard", "robust", "quantile"}), None],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, X_val=None, y_val=None):
        """Learn the density of y given X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            A table, of which columns may be categories, and numbers may be missing.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets; a single column is read as (n_samples,).
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights; a row of weight 2 counts as two rows, one of weight 0 as none.
        X_val, y_val : array-like, default=None
            Validation data, instead of setting a share of X aside. Their scores are recorded, and
            with ``early_stopping`` they decide when to stop.

        Returns
        -------
        self : estimator
            The fitted estimator.
        """
        return super().fit(X, y, sample_weight, X_val, y_val)

    def predict(self, X):
        """Predict the mean of y given X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Means of 128 evenly spread values of each member.
        """
        return self._shaped(self._decode(X))

    def predict_quantiles(self, X, quantiles=(0.05, 0.5, 0.95)):
        """Predict quantiles of y given X, of each target by itself.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        quantiles : sequence of float, default=(0.05, 0.5, 0.95)
            Levels between 0 and 1.

        Returns
        -------
        ndarray of shape (n_samples, n_quantiles) or (n_samples, n_quantiles, n_outputs)
            Those of 128 evenly spread values of each member.
        """
        levels = check_levels(quantiles, "quantiles")
        found = np.quantile(self._spread(X), levels, axis=1)
        return self._shaped(np.moveaxis(found, 0, 1))

    def log_prob(self, X, y):
        """Return the log-density of y given X, in the units of y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.

        Returns
        -------
        ndarray of float64 of shape (n_samples,)
            Natural logarithms, minus infinity on bounds and beyond.
        """
        check_is_fitted(self, "net_")
        check_lengths(X, y)
        numbers = self._targets.check(y, reset=False)
        return self._log_density(X, numbers, self._targets.scaled(numbers))

    def sample(self, X, n_samples=1, random_state=None):
        """Draw targets from their density given X.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows.
        n_samples : int, default=1
            How many for each row.
        random_state : int, RandomState instance or None, default=None
            Determines the samples.

        Returns
        -------
        ndarray of shape (n_rows, n_samples) or (n_rows, n_samples, n_outputs)
            The samples of each row.
        """
        check_is_fitted(self, "net_")
        check_count(n_samples, "n_samples")
        self._net_on_device()
        checked = self._inputs.check(self, X, reset=False)
        rows = np.arange(num_samples(X)).repeat(n_samples)
        cells = self._draw(self._source(checked, slice(None)), rows, random_state)
        drawn = self._scaler.inverse(cells)
        return self._shaped(drawn.reshape(-1, n_samples, drawn.shape[1]))

    # The parts of a fit.

    def _make_inputs(self):
        return TableInputs(self.categorical_features, self.input_scaling)

    def _make_targets(self, y):
        return DensityTargets(self.bounds)

    def _check(self, X, y, sample_weight, *, reset, **how):
        checked, numbers, weight = super()._check(X, y, sample_weight, reset=reset, **how)
        self._targets.refuse_discrete(numbers)
        self._refuse_impossible(numbers, "y")
        return checked, numbers, weight

    def _given_part(self, X_val, y_val, training, readings):
        part = super()._given_part(X_val, y_val, training, readings)
        self._refuse_impossible(self._targets.check(y_val, reset=False), "y_val")
        return part

    def _refuse_impossible(self, numbers, what):
        """Refuse checked targets that no fit gives a density."""
        self._targets.refuse_outside(numbers, what)

    def _make_body(self, random):
        numbers, inputs = self._inputs.scaler.n_features_out, self._inputs
        return MLP(numbers, inputs.cardinalities.tolist(), (), random)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @property
    def _scaler(self):
        return self._targets.scaler

    # Predictions.

    def _decode(self, X):
        return self._spread(X).mean(axis=1)

    def _spread(self, X):
        """Return evenly spread targets of each row (n_samples, n_values, n_outputs)."""
        check_is_fitted(self, "net_")
        self._net_on_device()
        checked, n_rows = self._inputs.check(self, X, reset=False), num_samples(X)
        source, n_members = self._source(checked, slice(None)), len(self.net_.random)
        # The same for all rows, so that a row's prediction does not depend on the others.
        noise = np.tile(_even_noise(len(self._scaler.center)), (n_members, 1))
        members = np.arange(n_members).repeat(_SPREAD)
        spread = np.empty((n_rows, *noise.shape))
        for start in range(0, n_rows, _ROWS_TOGETHER):
            rows = np.arange(start, min(start + _ROWS_TOGETHER, n_rows))
            cells = self._of_noise(
                source,
                rows.repeat(len(noise)),
                np.tile(members, len(rows)),
                np.tile(noise, (len(rows), 1)),
            )
            spread[rows] = self._scaler.inverse(cells).reshape(len(rows), *noise.shape)
        return spread

    def _shaped(self, values):
        """Leave the last axis, that of targets, out if y had none."""
        return values if self._targets.shape else values[..., 0]


def _even_noise(n_columns):
    """Return normal noise (_SPREAD, n_columns) that is spread evenly.

    The first column has quantiles, the others multiples of powers of the root of x^n = x + 1,
    which for two columns is the golden ratio.
    """
    number = np.arange(_SPREAD)
    root = 1.5
    for _ in range(50):
        root = (1.0 + root) ** (1.0 / n_columns)
    shares = [(number + 0.5) / _SPREAD]
    shares += [(0.5 + number * root**-k) % 1.0 for k in range(1, n_columns)]
    return ndtri(np.column_stack(shares))
