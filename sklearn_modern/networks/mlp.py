"""The multilayer perceptron for tables of numbers and categories."""

from collections.abc import Sequence

from numpy.typing import ArrayLike
from torch import Tensor, nn

from sklearn_modern.networks.activations import ACTIVATIONS
from sklearn_modern.networks.base import Body
from sklearn_modern.networks.embeddings import (
    CategoryEmbedding,
    PeriodicEmbedding,
    PiecewiseLinearEncoding,
    join,
)
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.layers import NORMALIZATIONS, Dropout, Linear
from sklearn_modern.networks.random import MemberRandom

__all__ = ["MLP", "HiddenLayer"]


class HiddenLayer(nn.Module):
    """A linear map, then normalisation, activation and dropout, where they are asked for.

    Parameters
    ----------
    n_in, n_out : int
        Widths.
    random : MemberRandom
        Where initial weights and dropout masks come from.
    activation : str
        A key of ``ACTIVATIONS``.
    dropout : float
        Probability with which a unit is dropped while training.
    normalization : str or None
        A key of ``NORMALIZATIONS``.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        random: MemberRandom,
        activation: str,
        dropout: float,
        normalization: str | None,
    ) -> None:
        super().__init__()
        _, gain, pieces = ACTIVATIONS[activation]
        width = n_out * pieces
        # A constant would be lost in the batch mean, and Adam would blow its rounding errors up.
        self.linear = Linear(n_in, width, random, gain, bias=normalization != "batch")
        self.normalization = NORMALIZATIONS[normalization](width, random) if normalization else None
        self.activation = activation
        self.dropout = Dropout(dropout, random) if dropout else None

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Map (members, rows, n_in) to (members, rows, n_out)."""
        x = self.linear(x)
        if self.normalization is not None:
            x = self.normalization(x, given)
        x = ACTIVATIONS[self.activation].function(x)
        return x if self.dropout is None else self.dropout(x)

    def extra_repr(self) -> str:
        """Show the activation, which is no module, when the network is printed."""
        return f"activation={self.activation!r}"


class MLP(Body):
    """Fully connected layers over numbers and embedded categories.

    The input is numbers (members or 1, rows, n_numbers); with categories it is a tuple of the
    numbers and the codes (members or 1, rows, n_categorical), see :class:`CategoryEmbedding`.

    Parameters
    ----------
    n_numbers : int
        Number of numeric columns; 0 where there are categories only.
    cardinalities : sequence of int
        Number of categories of each categorical column.
    hidden_layer_sizes : sequence of int
        Units of each hidden layer; with none, the features are the embedded inputs.
    random : MemberRandom
        Where initial weights and dropout masks come from; its length is the number of members.
    activation : str, default="relu"
        A key of ``ACTIVATIONS``.
    dropout : float, default=0.0
        Probability with which a hidden unit is dropped while training.
    normalization : {"batch", "layer"} or None, default=None
        What is done between a hidden layer's linear map and its activation.
    numerical_embedding : {"periodic", "piecewise_linear"} or None, default=None
        :class:`PeriodicEmbedding`, :class:`PiecewiseLinearEncoding`, or the numbers as they are.
    bin_edges : sequence of array-like or None, default=None
        The edges of "piecewise_linear"; the other embeddings need none.
    """

    takes_members = True

    def __init__(
        self,
        n_numbers: int,
        cardinalities: Sequence[int],
        hidden_layer_sizes: Sequence[int],
        random: MemberRandom,
        *,
        activation: str = "relu",
        dropout: float = 0.0,
        normalization: str | None = None,
        numerical_embedding: str | None = None,
        bin_edges: Sequence[ArrayLike] | None = None,
    ) -> None:
        super().__init__()
        self.random = random
        self.numbers = _numbers(numerical_embedding, n_numbers, random, bin_edges)
        self.categories = CategoryEmbedding(cardinalities, random) if len(cardinalities) else None
        width = n_numbers if self.numbers is None else self.numbers.n_out
        if self.categories is not None:
            width += self.categories.n_out
        layers = []
        for n_units in hidden_layer_sizes:
            layers.append(HiddenLayer(width, n_units, random, activation, dropout, normalization))
            width = n_units
        self.hidden = nn.ModuleList(layers)
        self.n_features_out = width

    def embed(self, x: Tensor | tuple[Tensor, Tensor], given: Given = NOTHING) -> Tensor:
        """Return embedded numbers and categories side by side; plain numbers as they are."""
        if self.categories is None:
            return x if self.numbers is None else self.numbers(x)
        numbers, codes = x
        if self.numbers is not None:
            numbers = self.numbers(numbers)
        return join([numbers, self.categories(codes)])

    def trunk(self, embedded: Tensor, given: Given = NOTHING) -> Tensor:
        """Apply the hidden layers."""
        for layer in self.hidden:
            embedded = layer(embedded, given)
        return embedded


def _numbers(kind, n_numbers, random, bin_edges):
    if kind is None or n_numbers == 0:
        return None
    if kind == "periodic":
        return PeriodicEmbedding(n_numbers, random)
    if kind == "piecewise_linear":
        return PiecewiseLinearEncoding(bin_edges, len(random))
    raise ValueError(
        f"numerical_embedding must be None, 'periodic' or 'piecewise_linear', got {kind!r}"
    )
