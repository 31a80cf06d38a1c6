"""Cells and pixels with a distribution, of which samples can be drawn."""

import math
from abc import abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_modern.heads.base import Head
from sklearn_modern.heads.categorical import full_precision
from sklearn_modern.heads.cells import Cells
from sklearn_modern.heads.pixels import Pixels
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.layers import Layer
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import column_sums, sigmoid, softplus

__all__ = ["BinaryPixels", "LikelihoodHead", "LikelyCells", "LikelyPixels"]

# Standard deviations are in units of those of the columns. Where a decoder starts, it already says
# something of most columns; a column that is constant, or made again exactly, keeps a density.
_START, _NARROWEST = 0.5, 1e-3

# How much faster than other weights the logarithms of deviations learn: they have farther to go.
_PACE = 3.0

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


class LikelihoodHead(Head):
    """A head whose loss is minus the log-likelihood of a row.

    Attributes
    ----------
    n_draws : int
        How many random numbers it takes to draw a row.
    """

    n_draws: int = 0

    @abstractmethod
    def drawn(self, scores: Tensor, uniform: Tensor) -> Tensor:
        """Draw cells of each member's rows (members, rows, ...).

        Parameters
        ----------
        scores : Tensor of shape (members, rows, ...)
            Scores of rows.
        uniform : Tensor of shape (rows, n_draws)
            Random numbers between 0 and 1.
        """


class Scale(Layer):
    """A learned standard deviation of each of some numbers.

    Parameters
    ----------
    n_numbers : int
        How many.
    random : MemberRandom
        Gives the number of members; nothing is drawn.
    """

    def __init__(self, n_numbers: int, random: MemberRandom) -> None:
        super().__init__()
        start = math.log(_START - _NARROWEST) / _PACE
        self.log = nn.Parameter(torch.full((len(random), 1, n_numbers), start))

    def forward(self) -> Tensor:
        """Return the standard deviations (members, 1, n_numbers)."""
        return (self.log * _PACE).exp() + _NARROWEST


class LikelyCells(Cells, LikelihoodHead):
    """The cells of a table's row: normal numbers with learned deviations, and categories.

    Parameters
    ----------
    n_features, n_numbers, cardinalities, random
        As for :class:`~sklearn_modern.heads.cells.Cells`.
    """

    def __init__(
        self,
        n_features: int,
        n_numbers: int,
        cardinalities: Sequence[int],
        random: MemberRandom,
    ) -> None:
        super().__init__(n_features, n_numbers, cardinalities, random)
        self.scale = Scale(n_numbers, random)
        self.n_draws = n_numbers + len(self.cardinalities)

    def loss(self, scores: Tensor, y: Tensor, given: Given = NOTHING) -> Tensor:
        """Return minus the log-likelihood of each row's known cells."""
        numbers, logits = self._parts(full_precision(scores))
        wanted = y[..., : self.n_numbers]
        known = wanted == wanted
        # What is unknown is as it should be; NaN would go on to the gradient.
        unlikely, volume = self._of_numbers(numbers, wanted.where(known, numbers.detach()))
        total = unlikely + (volume * known).sum(-1)
        for own in self._unlikely(logits, y):
            total = total + own
        return total

    def whole_loss(self, scores: Tensor, y: Tensor) -> Tensor:
        """Return minus the log-likelihood of rows of numbers, all of which are known."""
        unlikely, volume = self._of_numbers(full_precision(scores), y)
        return unlikely + volume.sum(-1)

    def _of_numbers(self, numbers, wanted):
        """Return what the places of numbers cost, and the volumes (members, 1, n_numbers)."""
        scale = self.scale()
        apart = (numbers - wanted) / scale
        return 0.5 * column_sums(apart.square().transpose(1, 2)), scale.log() + _HALF_LOG_2PI

    def drawn(self, scores: Tensor, uniform: Tensor) -> Tensor:
        """Draw numbers and codes of categories."""
        numbers, logits = self._parts(full_precision(scores))
        tiny = torch.finfo(numbers.dtype).eps
        uniform = uniform.clamp(tiny, 1.0 - tiny)
        numbers = numbers + self.scale() * torch.special.ndtri(uniform[:, : self.n_numbers])
        codes = [
            (own.softmax(-1).cumsum(-1)[..., :-1] < level.unsqueeze(-1)).sum(-1, keepdim=True)
            for own, level in zip(logits, uniform[:, self.n_numbers :].unbind(1), strict=True)
        ]
        return torch.cat([numbers, *(own.to(numbers.dtype) for own in codes)], dim=-1)


class LikelyPixels(Pixels, LikelihoodHead):
    """Normal pixels, with one learned deviation for each channel.

    Images are drawn without the noise of their pixels, which nobody wants to see.
    """

    def __init__(self, n_features: int, n_outputs: int, random: MemberRandom) -> None:
        super().__init__(n_features, n_outputs, random)
        self.scale = Scale(n_outputs, random)

    def loss(self, scores: Tensor, y: Tensor, given: Given = NOTHING) -> Tensor:
        """Return minus the log-likelihood of each image."""
        scale = self.scale()
        squares = (full_precision(scores) - y).square().flatten(3).contiguous()
        volume = scale.log() + _HALF_LOG_2PI
        unlikely = 0.5 * squares.sum(-1) / scale.square() + squares.shape[-1] * volume
        return column_sums(unlikely.transpose(1, 2))

    def drawn(self, scores: Tensor, uniform: Tensor) -> Tensor:
        """Return the means of the pixels."""
        return full_precision(scores)


class BinaryPixels(Pixels, LikelihoodHead):
    """Pixels that are 0 or 1.

    Images are drawn as the probabilities of ones.
    """

    def loss(self, scores: Tensor, y: Tensor, given: Given = NOTHING) -> Tensor:
        """Return minus the log-probability of each image."""
        scores = full_precision(scores)
        if torch.is_inference_mode_enabled():
            unlikely = softplus(scores) - scores * y
        else:
            wanted = y.to(scores.dtype).expand(scores.shape)
            unlikely = F.binary_cross_entropy_with_logits(scores, wanted, reduction="none")
        return unlikely.flatten(2).contiguous().sum(-1)

    def decode(self, scores: Tensor) -> Tensor:
        """Return the members' mean probabilities of ones."""
        return sigmoid(full_precision(scores)).mean(0)

    def drawn(self, scores: Tensor, uniform: Tensor) -> Tensor:
        """Return the probabilities of ones."""
        return sigmoid(full_precision(scores))
