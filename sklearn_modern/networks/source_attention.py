"""How the steps of one sequence look at those of another."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_modern.networks.layers import Linear
from sklearn_modern.networks.random import MemberRandom

__all__ = ["ATTENTIONS", "SourceAttention", "of_rows"]

# Hidden units of additive attention that may be there at once.
_BLOCK = 2**23


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
        query, weight = of_rows(self.ask, states), self.score.weight[0]
        if query.numel() * keys.shape[1] > _BLOCK:
            return _BlockedScores.apply(query, keys, weight)
        return _additive(query, keys, weight)[0]


def _additive(query, keys, weight):
    """Return the scores (rows, target steps, source steps), and the hidden units."""
    hidden = (query.unsqueeze(2) + keys.unsqueeze(1)).tanh()
    return (hidden @ weight).squeeze(-1), hidden


class _BlockedScores(torch.autograd.Function):
    """Additive scores whose hidden units are never there all at once.

    There are as many of these as pairs of steps, times the width of a state: a gigabyte for 64 rows
    of 100 and 60 steps. They are computed anew for the gradient.
    """

    @staticmethod
    def forward(ctx, query, keys, weight):
        ctx.save_for_backward(query, keys, weight)
        scores = query.new_empty(*query.shape[:2], keys.shape[1])
        for rows, steps in _blocks(query, keys):
            scores[rows, steps] = _additive(query[rows, steps], keys[rows], weight)[0]
        return scores

    @staticmethod
    def backward(ctx, gradient):
        query, keys, weight = ctx.saved_tensors
        of_query, of_keys = torch.empty_like(query), torch.zeros_like(keys)
        of_weight = torch.zeros_like(weight)
        for rows, steps in _blocks(query, keys):
            own = gradient[rows, steps].unsqueeze(-1)
            hidden = _additive(query[rows, steps], keys[rows], weight)[1]
            of_weight += hidden.flatten(0, 2).T @ own.flatten(0, 2)
            slope = hidden.mul_(hidden).neg_().add_(1.0).mul_(own)
            of_query[rows, steps] = slope.sum(2)
            of_keys[rows] += slope.sum(1)
        return of_query * weight[:, 0], of_keys * weight[:, 0], of_weight


def _blocks(query, keys):
    """Yield places of rows and target steps whose hidden units fit into a block."""
    n_rows, n_steps, width = query.shape
    of_step = keys.shape[1] * width
    rows = max(1, _BLOCK // (n_steps * of_step))
    steps = max(1, _BLOCK // (rows * of_step))
    for row in range(0, n_rows, rows):
        for step in range(0, n_steps, steps):
            yield slice(row, row + rows), slice(step, step + steps)


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
