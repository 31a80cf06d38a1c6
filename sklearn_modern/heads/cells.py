"""All cells of a row at once: numbers, and categories."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_modern.heads.base import Head
from sklearn_modern.heads.categorical import full_precision
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.layers import Linear
from sklearn_modern.networks.random import MemberRandom

__all__ = ["Cells", "squared_errors"]


class Cells(Head):
    r"""The cells of a table's row: numbers by squared error, categories by cross-entropy.

    The loss is the sum over the known cells, divided by the number of columns. A cell that is
    NaN in ``y`` is unknown.

    Parameters
    ----------
    n_features : int
        Width of the body's features.
    n_numbers : int
        Number of numeric columns.
    cardinalities : sequence of int
        Number of known categories of each categorical column.
    random : MemberRandom
        Where the initial weights come from.
    """

    def __init__(
        self, n_features: int, n_numbers: int, cardinalities: Sequence[int], random: MemberRandom
    ) -> None:
        super().__init__(n_features, n_numbers + sum(cardinalities), random)
        self.n_numbers, self.cardinalities = n_numbers, list(cardinalities)

    def _make_linear(self, n_features, n_outputs, random, bias):
        # Many outputs take a fifth less time so. Weights start as those of other heads do.
        linear = Linear(n_features, n_outputs, random, math.sqrt(1 / 3), bias=bias)
        nn.init.zeros_(linear.bias)
        return linear

    def loss(self, scores: Tensor, y: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the mean loss over the columns of each row, to which unknown cells add nothing."""
        numbers, logits = self._parts(full_precision(scores))
        wanted = y[..., : self.n_numbers]
        # What is unknown is as it should be; NaN would go on to the gradient.
        wanted = wanted.where(wanted == wanted, numbers.detach())
        total = squared_errors(numbers, wanted).sum(-1)
        for unlikely in self._unlikely(logits, y):
            total = total + unlikely
        return total / y.shape[-1]

    def whole_loss(self, scores: Tensor, y: Tensor) -> Tensor:
        """Return the losses of rows of numbers, all of which are known."""
        return squared_errors(full_precision(scores), y).mean(-1)

    def judged(self, scores: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the numbers of rows, those of the scores, and how unlikely categories are.

        The last are minus the logarithms of their probabilities (members, rows, columns), 0 where a
        cell is unknown.
        """
        numbers, logits = self._parts(full_precision(scores))
        columns = [own.unsqueeze(-1) for own in self._unlikely(logits, y)]
        unlikely = torch.cat([numbers[..., :0], *columns], dim=-1)
        return y[0, :, : self.n_numbers], numbers, unlikely

    def decode(self, scores: Tensor) -> Tensor:
        """Return the members' mean numbers, and mean probabilities of categories, side by side."""
        numbers, logits = self._parts(full_precision(scores))
        return torch.cat([numbers, *(own.softmax(-1) for own in logits)], dim=-1).mean(0)

    def decide(self, decoded: Tensor) -> Tensor:
        """Return cells: numbers, and the code of the likeliest category of each column."""
        numbers, probabilities = self._parts(decoded)
        codes = [own.argmax(-1, keepdim=True).to(decoded.dtype) for own in probabilities]
        return torch.cat([numbers, *codes], dim=-1)

    def _unlikely(self, logits, y):
        codes = y[..., self.n_numbers :].unbind(-1)
        return [_cross_entropy(*pair) for pair in zip(logits, codes, strict=True)]

    def _parts(self, values):
        numbers, *logits = values.split([self.n_numbers, *self.cardinalities], dim=-1)
        return numbers, logits


def squared_errors(made: Tensor, wanted: Tensor) -> Tensor:
    """Return the square of each number's error, in two fifths of the time of two operations.

    ``wanted`` may be the same for all members.
    """
    return F.mse_loss(made, wanted.expand_as(made), reduction="none")


def _cross_entropy(logits, codes):
    unknown = codes.isnan()
    codes = codes.masked_fill(unknown, 0.0).long().expand(logits.shape[:-1])
    losses = F.cross_entropy(logits.flatten(0, -2), codes.flatten(), reduction="none")
    return losses.view(codes.shape).masked_fill(unknown, 0.0)
