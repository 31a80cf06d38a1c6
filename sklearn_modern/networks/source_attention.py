"""How the steps of one sequence look at those of another."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_modern.networks.layers import Linear
from sklearn_modern.networks.random import MemberRandom

__all__ = ["ATTENTIONS", "SourceAttention", "of_rows"]


class AdditiveAttention(nn.Module):
    r"""Weights by a layer of tanh units: :math:`v \cdot \tanh(W s + U m)`.

    Parameters
    ----------
    n_state, n_memory : int
        Widths of the states that ask, and of the memory.
    random : MemberRandom
        Where the initial weights come from.

    References
    ----------
    Bahdanau, Cho, Bengio (2015), "Neural Machine Translation by Jointly Learning to Align and
    Translate", ICLR.
    """

    def __init__(self, n_state: int, n_memory: int, random: MemberRandom) -> None:
        super().__init__()
        self.ask = Linear(n_state, n_state, random, bias=False)
        self.offer = Linear(n_memory, n_state, random)
        self.score = Linear(n_state, 1, random, bias=False)

    def keys(self, memory: Tensor) -> Tensor:
        """Return what states are compared with: (rows, steps, n_state)."""
        return of_rows(self.offer, memory)

    def scores(self, states: Tensor, keys: Tensor) -> Tensor:
        """Return (rows, target steps, source steps)."""
        hidden = torch.tanh(of_rows(self.ask, states).unsqueeze(2) + keys.unsqueeze(1))
        return (hidden @ self.score.weight[0]).squeeze(-1)


class DotAttention(nn.Module):
    r"""Weights by products: :math:`s^\top W m`.

    Parameters
    ----------
    n_state, n_memory, random
        As for :class:`AdditiveAttention`.

    References
    ----------
    Luong, Pham, Manning (2015), "Effective Approaches to Attention-based Neural Machine
    Translation", EMNLP.
    """

    def __init__(self, n_state: int, n_memory: int, random: MemberRandom) -> None:
        super().__init__()
        self.offer = Linear(n_memory, n_state, random, bias=False)

    def keys(self, memory: Tensor) -> Tensor:
        """Return what states are compared with: (rows, steps, n_state)."""
        return of_rows(self.offer, memory)

    def scores(self, states: Tensor, keys: Tensor) -> Tensor:
        """Return (rows, target steps, source steps)."""
        return states @ keys.transpose(1, 2)


ATTENTIONS: dict[str, Callable[[int, int, MemberRandom], nn.Module]] = {
    "additive": AdditiveAttention,
    "dot": DotAttention,
}
"""How states and memory are compared; all are made by ``(n_state, n_memory, random)``."""


class SourceAttention(nn.Module):
    """Several heads, by which the steps of one sequence look at those of another.

    Parameters
    ----------
    width, n_heads, random
        As for :class:`sklearn_modern.networks.attention.Attention`.
    """

    def __init__(self, width: int, n_heads: int, random: MemberRandom) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.ask = Linear(width, width, random)
        self.offer = Linear(width, 2 * width, random)
        self.answer = Linear(width, width, random)

    def offered(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys and values (rows, heads, steps, size) of (1, rows, steps, width)."""
        offered = self.offer(source)[0].unflatten(-1, (2, self.n_heads, -1))
        return offered.permute(2, 0, 3, 1, 4).contiguous().unbind(0)

    def forward(self, x: Tensor, source: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """Map (1, rows, steps, width) to the same shape."""
        query = self.ask(x)[0].unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
        heads = F.scaled_dot_product_attention(query, *source, attn_mask=mask[:, None, None, :])
        return self.answer(heads.transpose(1, 2).flatten(2).unsqueeze(0))


def of_rows(layer: nn.Module, x: Tensor) -> Tensor:
    """Apply a layer that has an axis of members to (rows, steps, n)."""
    return layer(x.unsqueeze(0))[0]
