"""The multilayer perceptron for tables of numbers and categories."""

from collections.abc import Sequence

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from sklearn_modern.networks.activations import ACTIVATIONS
from sklearn_modern.networks.dropout import Dropout
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.layers import NORMALIZATIONS, AdaptedLinear, Linear
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.table import TableBody

__all__ = ["MLP", "HiddenLayer"]


class HiddenLayer(nn.Module):
    """A linear map, then optionally normalisation, activation and dropout.

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
    is_first : bool, default=False
        Whether it takes the inputs of a network, where members that share weights start to differ.
    silent : slice, default=none
        Inputs whose weights start at zero.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        random: MemberRandom,
        activation: str,
        dropout: float,
        normalization: str | None,
        *,
        is_first: bool = False,
        silent: slice = slice(0),
    ) -> None:
        super().__init__()
        _, gain, pieces = ACTIVATIONS[activation]
        width = n_out * pieces
        # A constant would be lost in the batch mean, and Adam would blow its rounding errors up.
        bias = normalization != "batch"
        if random.team == 1:
            self.linear = Linear(n_in, width, random, gain, bias=bias, silent=silent)
        else:
            self.linear = AdaptedLinear(
                n_in, width, random, gain, bias=bias, silent=silent, signs=is_first
            )
        self.normalization = NORMALIZATIONS[normalization](width, random) if normalization else None
        self.activation = activation
        self.dropout = Dropout(dropout, random) if dropout else None

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Map (members, rows, n_in) to (members, rows, n_out)."""
        x = self.linear(x)
        if self.normalization is not None:
            x = self.normalization(x, given)
        elif self.activation == "relu":  # nothing else needs what the linear map gave
            return torch.relu_(x) if self.dropout is None else self.dropout.rectified(x)
        x = ACTIVATIONS[self.activation].function(x)
        return x if self.dropout is None else self.dropout(x)

    def extra_repr(self) -> str:
        """Show the activation, which is not a module, when the network is printed."""
        return f"activation={self.activation!r}"


class MLP(TableBody):
    """Fully connected layers over numbers and embedded categories.

    Parameters
    ----------
    n_numbers, cardinalities
        As for :class:`sklearn_modern.networks.table.TableBody`.
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
    numerical_embedding, bin_edges
        As for :class:`sklearn_modern.networks.table.TableBody`.
    """

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
        super().__init__(n_numbers, cardinalities, random, numerical_embedding, bin_edges)
        width, layers, kind = self.n_embedded, [], (activation, dropout, normalization)
        first = {"is_first": True, "silent": self.silent}
        for n_units in hidden_layer_sizes:
            layers.append(HiddenLayer(width, n_units, random, *kind, **first))
            width, first = n_units, {}
        self.hidden = nn.ModuleList(layers)
        self.n_features_out = width

    def trunk(self, embedded: Tensor, given: Given = NOTHING) -> Tensor:
        """Apply the hidden layers."""
        if not self.hidden:  # rows that all members see are the features of each of them
            return embedded.expand(self.members, -1, -1)
        for layer in self.hidden:
            embedded = layer(embedded, given)
        return embedded
