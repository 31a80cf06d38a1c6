"""Networks that say what a flow does to its columns."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from sklearn_modern.networks.activations import ACTIVATIONS
from sklearn_modern.networks.dropout import Dropout
from sklearn_modern.networks.layers import Linear, NarrowLinear
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import product

__all__ = ["Conditioner", "MaskedLinear", "MaskedNarrowLinear", "autoregressive_masks"]

# How large the weights of the last layer start, as a share of what is usual.
_START = 0.1


class MaskedLinear(Linear):
    """A :class:`Linear` of which some weights are zero for ever.

    Parameters
    ----------
    mask : Tensor of shape (n_in, n_out)
        Ones, and zeros where there is no weight.
    random : MemberRandom
        Where the initial weights come from.
    gain : float, default=1.0
        As for :class:`Linear`.
    """

    def __init__(self, mask: Tensor, random: MemberRandom, gain: float = 1.0) -> None:
        super().__init__(*mask.shape, random, gain)
        self.register_buffer("mask", mask, persistent=False)

    def weight_of_members(self) -> Tensor:
        """Return the weights of all members (members, n_in, n_out)."""
        return self.weight * self.mask


class MaskedNarrowLinear(NarrowLinear):
    """A :class:`NarrowLinear` of which some weights are zero for ever.

    Parameters
    ----------
    mask, random
        As for :class:`MaskedLinear`.
    """

    def __init__(self, mask: Tensor, random: MemberRandom) -> None:
        super().__init__(*mask.shape, random)
        self.register_buffer("mask", mask.t().contiguous(), persistent=False)

    def weight_of_members(self) -> Tensor:
        """Return the weights of all members (members, n_out, n_in)."""
        return self.weight * self.mask


class Conditioner(nn.Module):
    """A multilayer perceptron that gives parameters to columns.

    Inputs are (members, n_in, rows), and outputs (members, n_parameters, n_columns, rows).

    Parameters
    ----------
    n_in : int
        How many numbers it sees.
    n_parameters, n_columns : int
        How many parameters each of how many columns gets.
    hidden_layer_sizes : sequence of int
        Hidden units.
    random : MemberRandom
        Where initial weights and dropout masks come from; its length is the number of members.
    dropout : float, default=0.0
        Probability with which a hidden unit is dropped while training.
    masks : sequence of Tensor, optional
        Those of all linear maps, such as :func:`autoregressive_masks` gives; without, outputs may
        depend on all inputs.
    """

    def __init__(
        self,
        n_in: int,
        n_parameters: int,
        n_columns: int,
        hidden_layer_sizes: Sequence[int],
        random: MemberRandom,
        *,
        dropout: float = 0.0,
        masks: Sequence[Tensor] = (),
    ) -> None:
        super().__init__()
        self.shape = n_parameters, n_columns
        gain = ACTIVATIONS["relu"].gain
        if masks:
            hidden = [MaskedLinear(mask, random, gain) for mask in masks[:-1]]
            last = MaskedNarrowLinear(masks[-1], random)
        else:
            widths = [n_in, *hidden_layer_sizes]
            hidden = [Linear(*sizes, random, gain) for sizes in pairwise(widths)]
            last = NarrowLinear(widths[-1], n_parameters * n_columns, random)
        self.hidden, self.dropout, self.last = nn.ModuleList(hidden), Dropout(dropout, random), last
        with torch.no_grad():  # so that a flow starts near the identity
            last.weight *= _START

    def forward(self, x: Tensor) -> Tensor:
        """Return the parameters of all columns."""
        parameters = self.last(self._features(x)).transpose(1, 2).to(x.dtype)
        return parameters.contiguous().unflatten(1, self.shape)

    def of_column(self, x: Tensor, column: int) -> Tensor:
        """Return the parameters of one column (members, n_parameters, 1, rows)."""
        weight = self.last.weight_of_members().unflatten(1, self.shape)[:, :, column]
        bias = self.last.bias.unflatten(1, self.shape)[:, :, column]
        parameters = product(self._features(x), weight.transpose(1, 2), bias.transpose(1, 2))
        return parameters.transpose(1, 2).unsqueeze(2)

    def _features(self, x):
        x = x.transpose(1, 2)
        for linear in self.hidden:
            x = self.dropout.rectified(linear(x))
        return x


def autoregressive_masks(
    n_columns: int, n_context: int, n_parameters: int, hidden_layer_sizes: Sequence[int]
) -> list[Tensor]:
    """Return masks that let a column's parameters depend on the columns before it only.

    Each unit has a degree: the last column that it may depend on. It sees units of its own degree
    and below. The context has degree -1, below that of the first column.

    Parameters
    ----------
    n_columns, n_context : int
        How many columns, and how many numbers of a context after them, the network sees.
    n_parameters : int
        How many parameters each column gets.
    hidden_layer_sizes : sequence of int
        Hidden units.

    Returns
    -------
    list of Tensor of shape (n_in, n_out)
        The mask of each linear map.
    """
    columns = torch.arange(n_columns)
    # Without a context, a unit of degree -1 would be a constant.
    lowest = -1 if n_context or n_columns == 1 else 0
    n_degrees = n_columns - 1 - lowest
    degrees = [
        torch.cat([columns, torch.full((n_context,), -1)]),
        *(torch.arange(n_units) * n_degrees // n_units + lowest for n_units in hidden_layer_sizes),
        (columns - 1).repeat(n_parameters),
    ]
    return [(of_in.unsqueeze(1) <= of_out).float() for of_in, of_out in pairwise(degrees)]
