"""What every head promises."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.layers import NarrowLinear
from sklearn_modern.networks.random import MemberRandom

__all__ = ["Head"]

# What every module keeps, weights and submodules among it.
_MODULE = frozenset(vars(nn.Module()))


class Head(nn.Module, ABC):
    """The last layer of a network, its loss, and what its outputs mean.

    A head acts on the last axis. Between rows and features there may be axes of places, such as the
    pixels of an image of which each gets a label.

    Parameters
    ----------
    n_features : int
        Width of the body's features.
    n_outputs : int
        Number of scores per row.
    random : MemberRandom
        Where the initial weights come from.
    bias : bool, default=True
        Whether the last layer has a bias.

    Attributes
    ----------
    n_classes : int or None
        Number of classes whose probabilities ``decode`` returns, in the order of their codes; None
        if it returns others.
    """

    n_classes: int | None = None

    # Attributes on which the loss does not depend, only what is made of the scores afterwards.
    _of_decoding: ClassVar[frozenset[str]] = frozenset()

    def __init__(
        self, n_features: int, n_outputs: int, random: MemberRandom, *, bias: bool = True
    ) -> None:
        super().__init__()
        self.linear = self._make_linear(n_features, n_outputs, random, bias)

    def _make_linear(
        self, n_features: int, n_outputs: int, random: MemberRandom, bias: bool
    ) -> nn.Module:
        return NarrowLinear(n_features, n_outputs, random, bias=bias)

    @property
    def rates(self) -> dict[nn.Module, float]:
        """Parts whose learning rate is a multiple of the others', and that multiple."""
        return {}

    def forward(self, features: Tensor) -> Tensor:
        """Map features (members, rows, *places, n_features) to scores (..., n_outputs)."""
        return self.linear(features)

    @abstractmethod
    def loss(self, scores: Tensor, y: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the loss of each row, unreduced: (members, rows).

        ``y`` is (members, rows), (members, rows, targets) or (members, rows, *places).
        """

    @abstractmethod
    def decode(self, scores: Tensor) -> Tensor:
        """Turn scores into the prediction of all members together, such as probabilities."""

    @abstractmethod
    def decide(self, decoded: Tensor) -> Tensor:
        """Turn what ``decode`` gives into one decision per row, such as the likeliest class."""

    def loss_settings(self) -> dict[str, str]:
        """Return what the loss depends on besides scores, targets and what is given of rows.

        Members whose heads agree in it can have their loss computed by one head.
        """
        own = {name: value for name, value in vars(self).items() if name not in _MODULE}
        own |= dict(self.named_buffers())
        return {name: _text(own[name]) for name in own.keys() - self._of_decoding}

    def in_units(self, y: Tensor) -> Tensor:
        """Return targets in the units of ``decode``, where ``loss`` takes scaled ones."""
        return y


def _text(value):
    """Return a text that shows all digits: an array's own rounds numbers and leaves some out."""
    return repr((value.shape, value.tolist()) if hasattr(value, "tolist") else value)
