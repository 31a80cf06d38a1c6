"""Estimators of codes, by what rows are: tables, or arrays with spatial axes."""

import math
from dataclasses import KW_ONLY
from numbers import Integral

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._neural.coding import CodingEstimator
from sklearn_modern._neural.convolutional import ConvolutionalSettings
from sklearn_modern._neural.reversible import ReversibleTable
from sklearn_modern._neural.tabular import TableSettings, widths
from sklearn_modern.heads.cells import Cells
from sklearn_modern.heads.likelihoods import BinaryPixels, LikelyCells, LikelyPixels
from sklearn_modern.heads.pixels import Pixels
from sklearn_modern.networks.activations import ACTIVATIONS
from sklearn_modern.networks.corruption import Corruption
from sklearn_modern.networks.mlp import MLP
from sklearn_modern.networks.squeeze import Squeeze
from sklearn_modern.networks.upsampling import Upsampling

__all__ = ["CodedImages", "CodedTable"]

# The kernels of what makes images of codes.
_KERNEL_SIZE = 3

# Units of the layer that takes features of images and labels, as a multiple of the width.
_MIXED = 8


@estimator
class CodedTable(TableSettings, CodingEstimator):
    """Codes of rows of a table of numbers and categories.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(128, 64)
        Units of the encoder's hidden layers, beside which rows go straight to codes, too; the
        decoder has them the other way round. An empty tuple gives linear maps, which find the plane
        of PCA.
    activation : str, default="gelu"
        Activation function of the hidden units, one of those of
        :class:`~sklearn_modern.neural_network.MLPClassifier`.
    input_scaling : {"standard", "robust", "quantile"} or None, default="standard"
        Scaling of numbers: mean 0 and variance 1; median and quartiles with smooth clipping; normal
        scores, of which none lies beyond the training rows; or none.
    """

    _: KW_ONLY
    hidden_layer_sizes: int | tuple[int, ...] = shapes(default=(128, 64), differs=False)
    activation: str = shapes(default="gelu", differs=False)
    input_scaling: str | None = shapes(default="standard", differs=False)

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "input_scaling": [StrOptions({"standard", "robust", "quantile"}), None],
    }

    def _make_inputs(self):
        return ReversibleTable(self.categorical_features, self.input_scaling)

    def _make_encoder(self, random):
        inputs = self._inputs
        cardinalities = inputs.cardinalities.tolist()
        return self._perceptron(inputs.scaler.n_features_out, cardinalities, 1, random)

    def _make_squeeze(self, encoder, n_features, n_outputs, random):
        n_inputs = encoder.n_embedded if widths(self.hidden_layer_sizes) else 0
        return Squeeze(n_features, n_inputs, n_outputs, random)

    def _make_decoder(self, encoder, n_codes, cardinalities, random):
        return self._perceptron(n_codes, cardinalities, -1, random)

    def _perceptron(self, n_numbers, cardinalities, order, random):
        sizes = widths(self.hidden_layer_sizes)[::order]
        return MLP(n_numbers, cardinalities, sizes, random, **self._layers)

    def _make_mixer(self, n_features, n_classes, random):
        sizes = widths(self.hidden_layer_sizes)[-1:]
        return MLP(n_features, [n_classes], sizes, random, **self._layers)

    def _make_head(self, n_features, random):
        return Cells(n_features, self._n_numbers, self._inputs.n_known.tolist(), random)

    def _make_likelihood(self, n_features, random):
        known = self._inputs.n_known.tolist()
        return LikelyCells(n_features, self._n_numbers, known, random)

    def _make_corruption(self, noise, masking, encoder, random):
        return Corruption(noise, masking, random, self._cells_of(encoder), self._n_numbers)

    def _n_embedded(self, encoder):
        return encoder.n_embedded

    @property
    def _layers(self):
        return {"activation": self.activation, "dropout": self.dropout}

    @property
    def _n_numbers(self):
        return len(self._inputs.scaler.center)

    def _cells_of(self, encoder):
        """Return the column that each entry of an embedded row is made of."""
        n_numbers = self._n_numbers
        categories = [] if encoder.categories is None else encoder.categories.sources
        return [
            *range(n_numbers),
            *self._inputs.scaler.missing_columns.tolist(),
            *(n_numbers + column for column in categories),
        ]


@estimator
class CodedImages(ConvolutionalSettings, CodingEstimator):
    """Codes of signals, images or volumes.

    Parameters
    ----------
    max_iter : int or "auto", default="auto"
        Number of epochs, or of iterations for "lbfgs". "auto" is as many as have 3000 batches, but
        20 to 100.
    """

    _: KW_ONLY
    max_iter: int | str = steers(default="auto", differs=True)

    _auto_epochs = (3000, 20, 100)

    def _make_encoder(self, random):
        return self._convolutions(random, pooled=False)

    def _make_squeeze(self, encoder, n_features, n_outputs, random):
        return Squeeze(n_features, 0, n_outputs, random)

    def _make_decoder(self, encoder, n_codes, cardinalities, random):
        size = self.kernel_size or _KERNEL_SIZE
        return Upsampling(n_codes, cardinalities, encoder.levels, random, kernel_size=size)

    def _make_mixer(self, n_features, n_classes, random):
        return MLP(n_features, [n_classes], (_MIXED * self.width,), random)

    def _make_head(self, n_features, random):
        return Pixels(n_features, self._inputs.shape[0], random)

    def _make_likelihood(self, n_features, random):
        kind = BinaryPixels if self._inputs.is_binary else LikelyPixels
        return kind(n_features, self._inputs.shape[0], random)

    def _make_corruption(self, noise, masking, encoder, random):
        return Corruption(noise, masking, random)

    def _n_embedded(self, encoder):
        return math.prod(self._inputs.shape)
