"""Transformers over sequences, with attention to all steps or to those nearby."""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sklearn_modern.networks.attention import POOLINGS, TransformerBlock, full_attention
from sklearn_modern.networks.given import Given
from sklearn_modern.networks.layers import Layer, LayerNorm, Linear
from sklearn_modern.networks.positions import with_positions
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.sequences import SequenceBody
from sklearn_modern.networks.stages import Layers
from sklearn_modern.networks.windowed_attention import Nearby

__all__ = ["ATTENTIONS", "POSITIONS", "Transformer"]

# How many steps a dilated layer sees on each side.
_DILATED = 3

ATTENTIONS: dict[str, Callable[[int, int], Nearby | None]] = {
    "full": lambda layer, window: None,
    "cascade": lambda layer, window: Nearby(window * 2**layer),
    "dilated": lambda layer, window: Nearby(_DILATED, 2**layer),
}
"""Whom the steps of a layer see, made by ``(layer, window)``; None is all steps of the row."""


class SinusoidalPositions(nn.Module):
    """Add to each step waves of its place.

    Parameters
    ----------
    n_steps : int
        Length of the longest row of the fit; not needed here.
    width : int
        Width of a step; not needed.
    random : MemberRandom
        Not needed either.
    """

    def __init__(self, n_steps: int, width: int, random: MemberRandom) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """Map (members, rows, steps, width) to the same shape."""
        return with_positions(x)


class LearnedPositions(Layer):
    """Add to each step a learned vector of its place.

    Steps beyond the longest row of the fit get the last vector.

    Parameters
    ----------
    n_steps : int
        Length of the longest row of the fit.
    width : int
        Width of a step.
    random : MemberRandom
        Where the initial vectors come from: normal with standard deviation 0.02.
    """

    def __init__(self, n_steps: int, width: int, random: MemberRandom) -> None:
        super().__init__()
        self.vectors = nn.Parameter(random.normal(1, n_steps, width, std=0.02))

    def forward(self, x: Tensor) -> Tensor:
        """Map (members, rows, steps, width) to the same shape."""
        n_more = x.shape[2] - self.vectors.shape[2]
        vectors = self.vectors[:, :, : x.shape[2]]
        if n_more > 0:
            vectors = torch.cat([vectors, vectors[:, :, -1:].expand(-1, -1, n_more, -1)], dim=2)
        return x + vectors


POSITIONS: dict[str, type[nn.Module]] = {
    "sinusoidal": SinusoidalPositions,
    "learned": LearnedPositions,
}
"""What tells steps from each other, by name; all are made by ``(n_steps, width, random)``."""


class Transformer(SequenceBody):
    """Transformer blocks over the steps of a row, and a mean over its steps.

    Parameters
    ----------
    random : MemberRandom
        Where weights and dropout masks come from.
    width : int
        Width of a step in the blocks.
    depth : int
        Number of blocks.
    n_heads : int
        Number of attention heads, which divides the width.
    feedforward_factor : int
        How many times wider the hidden layer of a block is.
    attention : {"full", "cascade", "dilated"}
        A key of ``ATTENTIONS``.
    window : int
        How many steps the first layer sees on each side, if the attention is "cascade".
    positions : {"sinusoidal", "learned"}
        A key of ``POSITIONS``.
    longest : int
        Length of the longest row of the fit.
    pooling : {"mean", "attention"}
        A key of :data:`sklearn_modern.networks.attention.POOLINGS`.
    dropout : float
        Probability with which a feature, or a number that a block adds, is dropped while training.
    **inputs
        As for :class:`SequenceBody`.

    References
    ----------
    Vaswani et al. (2017), "Attention Is All You Need", NeurIPS.

    Wang, Ye, Zhang, Zhang, Smola (2020), "Transformer on a Diet", arXiv:2002.06170.
    """

    attentions: ClassVar[dict[str, Callable[[int, int], Any]]] = ATTENTIONS

    def __init__(
        self,
        random: MemberRandom,
        *,
        width: int,
        depth: int,
        n_heads: int,
        feedforward_factor: int,
        attention: str,
        window: int,
        positions: str,
        longest: int,
        pooling: str,
        dropout: float,
        **inputs: Any,
    ) -> None:
        super().__init__(random, dropout=dropout, **inputs)
        self.enter = nn.Sequential(
            Linear(self.n_in, width, random), POSITIONS[positions](longest, width, random)
        )
        nearby = [self.attentions[attention](layer, window) for layer in range(depth)]
        self.blocks = Layers(
            TransformerBlock(
                width,
                n_heads,
                random,
                dropout=dropout,
                feedforward_factor=feedforward_factor,
                attend=near or full_attention,
            )
            for near in nearby
        )
        self.pooling = Layers([LayerNorm(width, random), POOLINGS[pooling](width, random)])
        self.n_features_out = self.n_step_features = width
        self._widest = max(self.n_in, feedforward_factor * width)
        seen = (self.n_steps if near is None else near.n_seen for near in nearby)
        # Each step multiplies all that it sees twice: by its query, and by its weights.
        self._products_of_pairs = 2 * width * sum(min(n, self.n_steps) for n in seen)

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of a row of mean length, or about as many."""
        return super().products + round(self._products_of_pairs * self.n_steps)

    @property
    def widest(self) -> int:
        """Numbers that the hidden layer of a block has for a step."""
        return self._widest

    def features(self, x: Tensor, given: Given) -> Tensor:
        """Let steps look at each other, and take the mean over them."""
        given = given.mapped(lambda known: known.unsqueeze(0))
        return self.pooling(self._attended(x, given), given).squeeze(0)

    def steps(self, x: Tensor, given: Given) -> Tensor:
        """Let steps look at each other."""
        norm, _ = self.pooling
        return norm(self._attended(x, given.mapped(lambda known: known.unsqueeze(0)))).squeeze(0)

    def _attended(self, x, given):
        return self.blocks(self.enter(x.unsqueeze(0)), given)

    def parts(self) -> list[nn.Module]:
        """Return what makes vectors of steps, the blocks, and the pooling with its norm."""
        first = [] if self.embedding is None else [self.embedding]
        return [*first, self.enter, *self.blocks, self.pooling]
