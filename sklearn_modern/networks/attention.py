"""Attention between the places of a row, such as the words of a sentence or patches of an image.

Places stand in one axis, (members, rows, places, width). ``Given.mask`` says which of them exist:
what stands at the others has no influence on those that do.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_modern.networks.dropout import Dropout
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.layers import LayerNorm, Linear, NarrowLinear
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import by_blocks, gelu

__all__ = [
    "POOLINGS",
    "Attention",
    "AttentionPooling",
    "MeanPooling",
    "TransformerBlock",
    "full_attention",
]


def full_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    r"""Let each place attend to all places of its row.

    .. math:: \mathrm{softmax}\left(Q K^\top / \sqrt{d}\right) V

    Parameters
    ----------
    query, key, value : Tensor of shape (rows, heads, places, size)
        Members count as rows.
    mask : Tensor of bool of shape (rows, places) or None
        Which places exist; None is all.

    Returns
    -------
    Tensor of shape (rows, heads, places, size)
        Means of the values, weighted by how much queries agree with keys.
    """
    seen = None if mask is None else mask[:, None, None, :]
    return F.scaled_dot_product_attention(query, key, value, attn_mask=seen)


class Attention(nn.Module):
    """Several heads, each of which lets places look at the other places of their row.

    Parameters
    ----------
    width : int
        Width of a place, which the heads divide among themselves.
    n_heads : int
        How many heads there are.
    random : MemberRandom
        Where the initial weights come from.
    attend : callable, default=full_attention
        Who attends to whom, called like :func:`full_attention`.

    References
    ----------
    Vaswani et al. (2017), "Attention Is All You Need", NeurIPS.
    """

    def __init__(
        self,
        width: int,
        n_heads: int,
        random: MemberRandom,
        attend: Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor] = full_attention,
    ) -> None:
        super().__init__()
        if width % n_heads:
            divisors = [str(n) for n in range(1, width + 1) if width % n == 0]
            raise ValueError(
                f"n_heads={n_heads} must divide width={width}, as {', '.join(divisors)} do."
            )
        self.n_heads = n_heads
        self.ask = Linear(width, 3 * width, random)
        self.answer = Linear(width, width, random)
        self.attend = attend

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Map (members, rows, places, width) to the same shape."""
        query, key, value = self._asked(x)
        mask = given.mask
        if mask is not None:
            members = query.shape[0] // x.shape[1]
            mask = mask.expand(members, -1, -1).flatten(0, 1)
        return self._answered(self.attend(query, key, value, mask), x)

    def advance(self, x: Tensor, memory: tuple[Tensor, Tensor], start: int) -> Tensor:
        """Map places that follow others, whose keys and values are known.

        Parameters
        ----------
        x : Tensor of shape (members, rows, places, width)
            The places from ``start`` on.
        memory : tuple of Tensor
            Keys and values (rows, heads, all places, size), of which those before ``start`` are
            known. Those of ``x`` are written behind them.
        start : int
            How many places there are before.
        """
        query, *new = self._asked(x)
        end = start + x.shape[2]
        for kept, one in zip(memory, new, strict=True):
            kept[:, :, start:end] = one
        key, value = (kept[:, :, :end] for kept in memory)
        return self._answered(self.attend(query, key, value, None), x)

    def _asked(self, x):
        """Return queries, keys and values (rows, heads, places, size)."""
        asked = self.ask(x).unflatten(-1, (3, self.n_heads, -1))
        return asked.flatten(0, 1).transpose(1, 3).unbind(2)

    def _answered(self, heads, x):
        return self.answer(heads.transpose(1, 2).flatten(2).unflatten(0, (-1, x.shape[1])))

    def extra_repr(self) -> str:
        """Show the number of heads when the network is printed."""
        return f"n_heads={self.n_heads}, attend={self.attend.__name__}"


class TransformerBlock(nn.Module):
    """Attention, then a hidden layer of GELU units for each place by itself.

    Each adds to what comes in, and normalises it before.

    Parameters
    ----------
    width, n_heads, random, attend
        As for :class:`Attention`.
    dropout : float, default=0.0
        Probability with which a number that is added is dropped while training.
    feedforward_factor : int, default=4
        How many times as wide as a place the hidden layer is.

    References
    ----------
    Xiong et al. (2020), "On Layer Normalization in the Transformer Architecture", ICML.
    """

    def __init__(
        self,
        width: int,
        n_heads: int,
        random: MemberRandom,
        *,
        dropout: float = 0.0,
        feedforward_factor: int = 4,
        attend: Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor] = full_attention,
    ) -> None:
        super().__init__()
        self.norm_before_attention = LayerNorm(width, random)
        self.attention = Attention(width, n_heads, random, attend)
        self.norm_before_feedforward = LayerNorm(width, random)
        self.widen = Linear(width, feedforward_factor * width, random)
        self.narrow = Linear(feedforward_factor * width, width, random)
        self.dropout = Dropout(dropout, random)

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Map (members, rows, places, width) to the same shape."""
        return self._fed(x, self.attention(self.norm_before_attention(x), given))

    def advance(self, x: Tensor, memory: tuple[Tensor, Tensor], start: int) -> Tensor:
        """Map places that follow others; see :meth:`Attention.advance`."""
        return self._fed(x, self.attention.advance(self.norm_before_attention(x), memory, start))

    def _fed(self, x, attended):
        """Add what the attention gives, then what the hidden layer makes of it."""
        x = x + self.dropout(attended)
        hidden = gelu(self.widen(self.norm_before_feedforward(x)))
        return x + self.dropout(self.narrow(hidden))


class MeanPooling(nn.Module):
    """The mean over the places that exist.

    Parameters
    ----------
    width : int
        Width of a place; not needed here.
    random : MemberRandom
        Not needed either.
    """

    def __init__(self, width: int, random: MemberRandom) -> None:
        super().__init__()

    def weights(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the weights (members, rows, places), which sum to 1."""
        if given.mask is None:
            return x.new_full((1, 1, x.shape[2]), 1.0 / x.shape[2])
        there = given.mask.to(x.dtype)
        return there / there.sum(-1, keepdim=True).clamp_min(1.0)

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Map (members, rows, places, width) to (members, rows, width)."""
        return _weighted_mean(x, self.weights(x, given))


class AttentionPooling(nn.Module):
    """A mean over the places, weighted by the softmax of what a linear map makes of each.

    Parameters
    ----------
    width : int
        Width of a place.
    random : MemberRandom
        Where the initial weights come from.

    References
    ----------
    Hassani, Walton, Shah, Abuduweili, Li, Shi (2021), "Escaping the Big Data Paradigm with Compact
    Transformers", arXiv:2104.05704.
    """

    def __init__(self, width: int, random: MemberRandom) -> None:
        super().__init__()
        self.score = NarrowLinear(width, 1, random, bias=False)

    def weights(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the weights (members, rows, places), which sum to 1."""
        scores = by_blocks(self.score, x).squeeze(-1)
        if given.mask is not None:
            # Not minus infinity, of which a row without any place would make NaN.
            scores = scores.masked_fill(~given.mask, torch.finfo(scores.dtype).min)
        return scores.softmax(-1)

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Map (members, rows, places, width) to (members, rows, width)."""
        return _weighted_mean(x, self.weights(x, given))


def _weighted_mean(x, weights):
    return (x * weights.unsqueeze(-1)).sum(2)


POOLINGS: dict[str, type[nn.Module]] = {"attention": AttentionPooling, "mean": MeanPooling}
"""Means over places by name; all are made by ``(width, random)`` and take ``(x, given)``."""
