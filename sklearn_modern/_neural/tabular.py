"""Estimators over tables, and those of them whose network is a multilayer perceptron."""

from collections.abc import Sequence
from dataclasses import KW_ONLY
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._neural.estimator import NeuralEstimator
from sklearn_modern._neural.inputs import TableInputs
from sklearn_modern._neural.predictor import NeuralPredictor
from sklearn_modern._neural.settings import BATCHES
from sklearn_modern.networks.activations import ACTIVATIONS
from sklearn_modern.networks.layers import NORMALIZATIONS
from sklearn_modern.networks.mlp import MLP

__all__ = ["PerceptronEstimator", "TableEstimator", "TableSettings", "widths"]


@estimator
class TableSettings(NeuralEstimator):
    """A network that takes tables of numbers and categories, whatever it makes of them.

    Parameters
    ----------
    categorical_features : "from_dtype", array-like or None, default="from_dtype"
        Which columns are categories: those of a DataFrame with categories, strings or booleans; a
        mask, positions or names; or none. Small ones become indicators, large ones learned vectors.
        A category that the fit did not see is treated as "none of the known ones".

    Attributes
    ----------
    input_scaling_ : str or None
        What ``input_scaling`` was.
    """

    _: KW_ONLY
    categorical_features: Any = shapes(default="from_dtype", differs=False)

    _parameter_constraints = {
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
    }

    @property
    def categories(self) -> list[np.ndarray]:
        """The known values of each categorical column, in the order of their codes."""
        check_is_fitted(self, "net_")
        return self._inputs.columns.categories

    @property
    def input_scaling_(self) -> str | None:
        """What ``input_scaling`` was."""
        check_is_fitted(self, "net_")
        return self._inputs.scaler.kind

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


@estimator
class TableEstimator(TableSettings, NeuralPredictor):
    """An estimator whose network predicts from tables of numbers and categories.

    Parameters
    ----------
    input_scaling : {"auto", "robust", "standard"} or None, default="auto"
        Scaling of numbers: median and quartiles with smooth clipping of outliers; mean 0 and
        variance 1; or none. "auto" is "robust", but None for sparse matrices, whose numbers have
        one scale as a rule, which tells rare words from frequent ones. ``input_scaling_`` shows
        it. Missing numbers become the median or the mean, with an indicator.
    """

    _: KW_ONLY
    input_scaling: str | None = shapes(default="auto", differs=False)

    _parameter_constraints = {
        "input_scaling": [StrOptions({"auto", "standard", "robust"}), None],
    }

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
        return self._inputs.export(self.net_.module_, self._dtype)

    def _make_inputs(self):
        return TableInputs(self.categorical_features, self.input_scaling, *self._bins())

    def _bins(self) -> tuple[int | None, bool]:
        """Return the number of bins per column, if any, and whether only where they pay."""
        return None, False

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@estimator
class PerceptronEstimator(TableEstimator):
    """An estimator whose network is a multilayer perceptron over numbers and categories.

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
    numerical_embedding : {"auto", "periodic", "piecewise_linear"} or None, default=None
        What numbers are turned into before the first layer: learned periodic features; the numbers
        beside their piecewise-linear encoding by quantiles, whose weights start at zero; or nothing
        but scaled numbers. "auto" is "piecewise_linear" for fewer than 50 columns of numbers that
        are not sparse, with so many bins that there are four rows for each bin of the table; it is
        None otherwise, and where that leaves less than two bins a column.
        ``numerical_embedding_`` shows it.
    n_bins : int, default=16
        Most bins of a column in the piecewise-linear encoding; fewer where it has fewer values.
    members : {"independent", "shared"}, default="independent"
        What several members have in common. "independent": nothing but the inputs; each is stopped
        by rows of its own, from which the others learn. "shared": the weights of the hidden layers,
        to which each adds scales, biases and an output layer of its own (TabM); they are one
        network, which is stopped as a whole. With ``n_members=1`` there is no difference.

    Attributes
    ----------
    numerical_embedding_ : str or None
        What ``numerical_embedding`` was.
    """

    hidden_layer_sizes: int | tuple[int, ...] = shapes(default=(128, 128), differs=False)
    _: KW_ONLY
    activation: str = shapes(default="relu", differs=False)
    dropout: float = shapes(default=0.1, differs=True, needs=BATCHES)
    normalization: str | None = shapes(default=None, differs=False)
    numerical_embedding: str | None = shapes(default=None, differs=False)
    n_bins: int = shapes(
        default=16, differs=False, needs=("numerical_embedding", ("auto", "piecewise_linear"))
    )
    members: str = shapes(default="independent", differs=False)

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "normalization": [StrOptions(set(NORMALIZATIONS)), None],
        "numerical_embedding": [StrOptions({"auto", "periodic", "piecewise_linear"}), None],
        "n_bins": [Interval(Integral, 1, None, closed="left")],
        "members": [StrOptions({"shared", "independent"})],
    }

    def _bins(self):
        is_binned = self.numerical_embedding in ("auto", "piecewise_linear")
        return self.n_bins if is_binned else None, self.numerical_embedding == "auto"

    def _team(self):
        return self._n_networks() if self.members == "shared" else 1

    def _make_body(self, random):
        self.numerical_embedding_ = self.numerical_embedding
        if self.numerical_embedding == "auto":
            binned = bool(self._inputs.edges)
            self.numerical_embedding_ = "piecewise_linear" if binned else None
        return MLP(
            self._inputs.scaler.n_features_out,
            self._inputs.cardinalities.tolist(),
            widths(self.hidden_layer_sizes),
            random,
            activation=self.activation,
            dropout=self.dropout,
            normalization=self.normalization,
            numerical_embedding=self.numerical_embedding_,
            bin_edges=self._inputs.edges,
        )


def widths(hidden_layer_sizes: int | Sequence[int]) -> list[int]:
    """Return the units of each hidden layer."""
    found = list(np.atleast_1d(np.asarray(hidden_layer_sizes, dtype=object)))
    if not all(isinstance(width, Integral) and width > 0 for width in found):
        raise ValueError(
            f"hidden_layer_sizes={hidden_layer_sizes!r} must be positive whole numbers."
        )
    return [int(width) for width in found]
