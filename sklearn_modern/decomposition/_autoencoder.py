"""Autoencoders of tables."""

from dataclasses import KW_ONLY
from numbers import Integral

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._neural.autoencoding import AutoencoderEstimator
from sklearn_modern._neural.reversible import ReversibleTable
from sklearn_modern._neural.tabular import TableSettings, widths
from sklearn_modern.heads.cells import Cells
from sklearn_modern.networks.activations import ACTIVATIONS
from sklearn_modern.networks.corruption import Corruption
from sklearn_modern.networks.mlp import MLP
from sklearn_modern.training.reconstruction import Autoencoder as Network

__all__ = ["Autoencoder"]

# n_components=None: a third of the encoded columns, but at most so many.
_SHARE, _MOST = 3, 8


@estimator
class Autoencoder(AutoencoderEstimator, TableSettings):
    """Squeeze rows of a table into codes of a few numbers, and make rows of codes.

    Where PCA draws a plane through the rows, an autoencoder bends it [1]_. Columns may be numbers
    and categories, with missing cells: these have no part in the loss, and :meth:`reconstruct`
    fills them.

    Parameters
    ----------
    n_components : int or None, default=None
        Width of a code. None is a third of the columns after categories are encoded, but at most 8.
    hidden_layer_sizes : int or tuple of int, default=(128, 64)
        Units of the encoder's hidden layers; the decoder has them the other way round. An empty
        tuple gives linear maps, which find the plane of PCA.
    activation : str, default="gelu"
        Activation function of the hidden units, one of those of
        :class:`~sklearn_modern.neural_network.MLPClassifier`.
    input_scaling : {"standard", "robust", "quantile"} or None, default="standard"
        Scaling of numbers: mean 0 and variance 1; median and quartiles with smooth clipping; normal
        scores, of which none lies beyond the training rows; or none.

    References
    ----------
    .. [1] Hinton, Salakhutdinov (2006). Reducing the dimensionality of data with neural networks.
       Science 313.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_modern.decomposition import Autoencoder
    >>> angle = np.linspace(0, 3, 200)
    >>> X = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> autoencoder = Autoencoder(n_components=1, device="cpu", random_state=0).fit(X)
    >>> bool(np.abs(autoencoder.reconstruct(X) - X).max() < 0.2)
    True
    """

    n_components: int | None = shapes(default=None, differs=False)
    _: KW_ONLY
    hidden_layer_sizes: int | tuple[int, ...] = shapes(default=(128, 64), differs=False)
    activation: str = shapes(default="gelu", differs=False)
    input_scaling: str | None = shapes(default="standard", differs=False)

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "input_scaling": [StrOptions({"standard", "robust", "quantile"}), None],
    }

    def _make_inputs(self):
        return ReversibleTable(self.categorical_features, self.input_scaling)

    def _make_network(self, random):
        inputs, sizes = self._inputs, widths(self.hidden_layer_sizes)
        layers = {"activation": self.activation, "dropout": self.dropout}
        cardinalities, n_numbers = inputs.cardinalities.tolist(), len(inputs.scaler.center)
        encoder = MLP(inputs.scaler.n_features_out, cardinalities, sizes, random, **layers)
        n_codes = self.n_components or max(1, min(_MOST, encoder.n_embedded // _SHARE))
        decoder = MLP(n_codes, [], sizes[::-1], random, **layers)
        known = inputs.n_known.tolist()
        return Network(
            Corruption(self.noise, self.masking, random, self._cells_of(encoder), n_numbers),
            encoder,
            n_codes,
            decoder,
            Cells(decoder.n_features_out, n_numbers, known, random),
            random,
        )

    def _cells_of(self, encoder):
        """Return the column that each entry of an embedded row is made of."""
        scaler = self._inputs.scaler
        n_numbers = len(scaler.center)
        categories = [] if encoder.categories is None else encoder.categories.sources
        return [
            *range(n_numbers),
            *scaler.missing_columns.tolist(),
            *(n_numbers + column for column in categories),
        ]
