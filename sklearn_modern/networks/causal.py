"""Transformers in which a step sees no later one, so that they can be advanced step by step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.sequences import State
from sklearn_modern.networks.transformer import Transformer

__all__ = ["CausalTransformer", "Earlier"]

# How many earlier steps a dilated layer sees.
_DILATED = 6


@dataclass(frozen=True)
class Earlier:
    """Let each place attend to itself and to earlier places.

    It is called like :func:`sklearn_modern.networks.attention.full_attention`. There may be fewer
    queries than keys; they are those of the last places.

    Parameters
    ----------
    reach : int or None, default=None
        How many earlier places are seen; None is all.
    stride : int, default=1
        How far apart they are.
    """

    reach: int | None = None
    stride: int = 1

    @property
    def __name__(self) -> str:
        """What is shown where a function would show its name."""
        return repr(self)

    @property
    def n_seen(self) -> float:
        """How many places each one sees, if there are as many."""
        return float("inf") if self.reach is None else 1 + self.reach

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """Map (rows, heads, places, size) to the shape of the queries.

        ``mask`` is of no use: places that do not exist come last, and nobody sees them.
        """
        n_asking, n_asked = query.shape[2], key.shape[2]
        if self.reach is None and n_asking == n_asked:
            return F.scaled_dot_product_attention(query, key, value, is_causal=True)
        if self.reach is None and n_asking == 1:
            return F.scaled_dot_product_attention(query, key, value)
        seen = self._seen(n_asking, n_asked, query.device)
        return F.scaled_dot_product_attention(query, key, value, attn_mask=seen)

    def _seen(self, n_asking, n_asked, device):
        places = torch.arange(n_asked, device=device)
        back = places[n_asked - n_asking :].unsqueeze(1) - places
        seen = back >= 0
        if self.reach is not None:
            seen &= (back <= self.reach * self.stride) & (back % self.stride == 0)
        return seen


class CausalTransformer(Transformer):
    """Transformer blocks in which each step sees earlier steps only, within a window.

    The steps of a row are read in windows. When a window is full, the next one begins with the
    last half of it, so that a step sees half a window of the past at least. What fell out of the
    window has no say.

    Parameters
    ----------
    random : MemberRandom
        Where weights and dropout masks come from.
    context : int
        How many steps a window has, at least two.
    **settings
        As for :class:`sklearn_modern.networks.transformer.Transformer`. A row's features are those
        of its last step, whatever the pooling.
    """

    attentions: ClassVar[dict[str, Callable[[int, int], Any]]] = {
        "full": lambda layer, window: Earlier(),
        "cascade": lambda layer, window: Earlier(window * 2**layer),
        "dilated": lambda layer, window: Earlier(_DILATED, 2**layer),
    }

    def __init__(self, random: MemberRandom, *, context: int, **settings: Any) -> None:
        super().__init__(random, longest=context, pooling="mean", **settings)
        self.context = context

    def features(self, x: Tensor, given: Given) -> Tensor:
        """Return the features of each row's last step."""
        steps = self._passed(x)
        if given.mask is None:
            return steps[:, -1]
        last = (given.mask.sum(1) - 1).view(-1, 1, 1).expand(-1, -1, steps.shape[-1])
        return steps.gather(1, last)[:, 0]

    def steps(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the features of the steps of one window."""
        return super().steps(x, NOTHING)

    def begin(self, n_rows: int) -> State:
        """Return an empty window, with memory for all of its keys and values."""
        like = self.enter[0].weight
        block = self.blocks[0].attention
        size = like.shape[-1] // block.n_heads
        memory = [
            tuple(like.new_empty(n_rows, block.n_heads, self.context, size) for _ in range(2))
            for _ in self.blocks
        ]
        return [0, like.new_empty(n_rows, self.context, self.n_in), self._places(), memory]

    def advance(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Read more steps, in as many windows as they need."""
        features = []
        while x.shape[1]:
            if state[0] == self.context:
                state = self._next_window(state)
            n = min(x.shape[1], self.context - state[0])
            read, state = self._read(x[:, :n], state)
            features.append(read)
            x = x[:, n:]
        return (features[0] if len(features) == 1 else torch.cat(features, dim=1)), state

    def _passed(self, x):
        if x.shape[1] <= self.context:
            return self.steps(x)
        return self.advance(x, self.begin(len(x)))[0]

    def _places(self):
        """Return the vectors of all places of a window, wrapped so that they belong to no row."""
        add, like = self.enter[1], self.enter[0].weight
        return _Shared(add(like.new_zeros(1, 1, self.context, like.shape[-1])))

    def _next_window(self, state):
        """Read the last half of a full window again, now as the first half of the next one."""
        n, inputs, places, memory = state
        again = inputs[:, n - self.context // 2 :].clone()
        return self._read(again, [0, inputs, places, memory])[1]

    def _read(self, x, state):
        """Read steps that have room in the window."""
        start, inputs, places, memory = state
        end = start + x.shape[1]
        inputs[:, start:end] = x
        steps = self.enter[0](x.unsqueeze(0)) + places.tensor[:, :, start:end]
        for block, own in zip(self.blocks, memory, strict=True):
            steps = block.advance(steps, own, start)
        return self.pooling[0](steps)[0], [end, inputs, places, memory]


@dataclass(frozen=True)
class _Shared:
    """A tensor of a state that all rows share."""

    tensor: Tensor
