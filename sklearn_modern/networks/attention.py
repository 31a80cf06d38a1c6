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
        asked = self.ask(x).unflatten(-1, (3, self.n_heads, -1))
        query, key, value = asked.flatten(0, 1).transpose(1, 3).unbind(2)
        mask = given.mask
        if mask is not None:
            mask = mask.expand(len(asked), -1, -1).flatten(0, 1)
        heads = self.attend(query, key, value, mask)
        return self.answer(heads.transpose(1, 2).flatten(2).unflatten(0, asked.shape[:2]))

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
        x = x + self.dropout(self.attention(self.norm_before_attention(x), given))
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
