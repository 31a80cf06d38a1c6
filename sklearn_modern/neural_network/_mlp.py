"""Multilayer perceptrons for tables."""

from dataclasses import KW_ONLY
from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._inputs.columns import MISSING, ColumnCoder
from sklearn_modern._inputs.scaling import NumberScaler, quantile_edges
from sklearn_modern._neural.classifier import NeuralClassifier
from sklearn_modern._neural.estimator import NeuralEstimator
from sklearn_modern._neural.export import Exported, category_slots
from sklearn_modern._neural.packs import fit_many
from sklearn_modern._neural.regressor import NeuralRegressor
from sklearn_modern.networks.activations import ACTIVATIONS
from sklearn_modern.networks.layers import NORMALIZATIONS
from sklearn_modern.networks.mlp import MLP
from sklearn_modern.training.batches import SparseRows

__all__ = ["MLPClassifier", "MLPRegressor"]

# Bins of a column in the piecewise-linear encoding.
_N_BINS = 16


@estimator
class TabularNetwork(NeuralEstimator):
    """A multilayer perceptron over numbers and categories.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(128, 128)
        Units of each hidden layer; an empty tuple gives a linear model.
    activation : {"identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", \
            "silu", "mish", "maxout"}, default="relu"
        Activation function of the hidden units.
    dropout : float, default=0.1
        Probability with which a hidden unit is left out of a training step.
    normalization : {"batch", "layer"} or None, default=None
        Normalisation between a hidden layer's linear map and its activation.
    numerical_embedding : {"periodic", "piecewise_linear"} or None, default=None
        What numbers are turned into before the first layer: learned periodic features, the
        piecewise-linear encoding by quantiles, or nothing but scaled numbers.
    categorical_features : "from_dtype", array-like or None, default="from_dtype"
        Which columns are categories: those of a DataFrame with categories, strings or booleans; a
        mask, positions or names; or none. Small ones become indicators, large ones learned vectors.
        A category that the fit did not see is nothing but "not one of the known".
    input_scaling : {"robust", "standard"} or None, default="robust"
        Scaling of numbers: median and quartiles with smooth clipping of outliers; mean 0 and
        variance 1; or none. Missing numbers become the median or the mean, with an indicator.
    """

    hidden_layer_sizes: int | tuple[int, ...] = (128, 128)
    _: KW_ONLY
    activation: str = "relu"
    dropout: float = 0.1
    normalization: str | None = None
    numerical_embedding: str | None = None
    categorical_features: Any = "from_dtype"
    input_scaling: str | None = "robust"

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "normalization": [StrOptions(set(NORMALIZATIONS)), None],
        "numerical_embedding": [StrOptions({"periodic", "piecewise_linear"}), None],
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "input_scaling": [StrOptions({"standard", "robust"}), None],
    }

    def fit_many(self, fits):
        """Fit clones of this estimator, those of one shape as members of one network.

        Parameters
        ----------
        fits : sequence of sklearn_modern._fits.many.Fit
            What to fit.

        Yields
        ------
        position : int
            Which of the fits it is; they come in any order.
        fitted : estimator or Exception
            What a fit of its own would have given, but without the optimiser's state, as after a
            pickle.
        """
        yield from fit_many(self, fits)

    def to_torch(self) -> torch.nn.Module:
        """Return the fitted network as a bare module, for use outside.

        Returns
        -------
        torch.nn.Module
            In evaluation mode, on the CPU, with the scaling of numbers folded in. It maps numbers
            (rows, n_numbers), where NaN is missing, to the probabilities of a classifier or the
            values of a regressor: ``predict``'s, all trained quantiles, or mean and standard
            deviation. Where there are categorical columns it takes their codes (rows,
            n_categorical), too: positions in ``categories``, -1 for missing, -2 for unseen.
            :func:`torch.export.export` takes it.
        """
        check_is_fitted(self, "net_")
        return Exported(
            self._scaler, self._n_known, self._cardinalities, self.net_.module_, self._dtype
        )

    @property
    def categories(self) -> list[np.ndarray]:
        """The known values of each categorical column, in the order of their codes."""
        check_is_fitted(self, "net_")
        return self._columns.categories

    def _check_inputs(self, X, *, reset):
        if not reset:
            return self._columns.transform(self, X)
        self._columns = ColumnCoder(self.categorical_features, dtype=None)
        return self._columns.fit_transform(self, X)

    def _learn_inputs(self, inputs, weight, *, first):
        self._scaler = NumberScaler(self.input_scaling).fit(inputs.numbers, weight)
        if first:
            self._scaler.expect_more()
        self._n_known = np.array([len(values) for values in self._columns.categories], dtype=int)
        self._cardinalities = self._n_known
        if inputs.codes is not None:
            # Missing is a category of its own where the fit has seen it.
            self._cardinalities = self._n_known + (inputs.codes == MISSING).any(axis=0)
        self._edges = None
        if self.numerical_embedding == "piecewise_linear":
            self._edges = quantile_edges(self._scaler.transform(inputs.numbers), weight, _N_BINS)

    def _to_tensors(self, inputs, rows, device):
        dtype = np.float64 if self._dtype == torch.float64 else np.float32
        scaled = self._scaler.transform(inputs.numbers[rows], dtype)
        if sp.issparse(scaled):
            return SparseRows(scaled, device)
        numbers = torch.from_numpy(scaled).to(device)
        if inputs.codes is None:
            return numbers
        slots = category_slots(
            torch.from_numpy(inputs.codes[rows]),
            torch.from_numpy(self._n_known),
            torch.from_numpy(self._cardinalities),
        )
        return numbers, slots.to(device)

    def _make_body(self, inputs, random):
        return MLP(
            self._scaler.n_features_out,
            self._cardinalities.tolist(),
            _widths(self.hidden_layer_sizes),
            random,
            activation=self.activation,
            dropout=0.0 if self.solver == "lbfgs" else self.dropout,
            normalization=self.normalization,
            numerical_embedding=self.numerical_embedding,
            bin_edges=self._edges,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags


def _widths(hidden_layer_sizes):
    widths = list(np.atleast_1d(np.asarray(hidden_layer_sizes, dtype=object)))
    if not all(isinstance(width, Integral) and width > 0 for width in widths):
        raise ValueError(
            f"hidden_layer_sizes={hidden_layer_sizes!r} must be positive whole numbers."
        )
    return [int(width) for width in widths]


@estimator
class MLPClassifier(TabularNetwork, NeuralClassifier):
    """Multilayer perceptron for classification of tables.

    Drop-in for :class:`sklearn.neural_network.MLPClassifier`, which takes mixed DataFrames with
    missing values as they are, and trains on any device. Strong where the target depends smoothly
    on many numbers; on small tables of mixed columns compare it with gradient boosting.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_modern.neural_network import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier((32,), max_iter=100, device="cpu", random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.9
    True
    """

    _parameter_constraints = (
        NeuralClassifier._parameter_constraints | TabularNetwork._parameter_constraints
    )


@estimator
class MLPRegressor(TabularNetwork, NeuralRegressor):
    """Multilayer perceptron for regression on tables.

    Drop-in for :class:`sklearn.neural_network.MLPRegressor`, which takes mixed DataFrames with
    missing values as they are, scales the target, predicts quantiles or a standard deviation if
    asked to, and trains on any device.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_modern.neural_network import MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = MLPRegressor((32,), max_iter=30, device="cpu", random_state=0).fit(X, y)
    >>> reg.score(X, y) > 0.5
    True
    """

    _parameter_constraints = (
        NeuralRegressor._parameter_constraints | TabularNetwork._parameter_constraints
    )
