"""Columns of a table as vectors that a network can learn from: numbers and categories."""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor, nn

from sklearn_modern.networks.layers import Layer
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import is_inference, product

__all__ = [
    "NUMERICAL_EMBEDDINGS",
    "CategoryEmbedding",
    "PeriodicEmbedding",
    "PiecewiseLinearEncoding",
    "join",
]

NUMERICAL_EMBEDDINGS = ("periodic", "piecewise_linear")


def join(parts: Sequence[Tensor]) -> Tensor:
    """Concatenate along the last axis; a part with one member is shared by all members."""
    if len(parts) == 1:
        return parts[0]
    members = max(part.shape[0] for part in parts)
    return torch.cat([part.expand(members, -1, -1) for part in parts], dim=-1)


class PeriodicEmbedding(Layer):
    r"""Each number beside learned waves of it (PBLD): (..., n_numbers) -> (..., n_out).

    A number :math:`x` becomes :math:`(x, W \cos(2 \pi f x + b))` with frequencies :math:`f`, phases
    :math:`b` and a small linear map :math:`W` of its own. A network then sees steep and wavy
    functions of one column as easily as flat ones. Inputs are expected to be centred and scaled.

    Gorishniy et al. proposed the waves; Holzmüller et al. found this form (one cosine with a phase
    instead of a sine and a cosine, no ReLU, the number itself kept) better than theirs, and its
    defaults are those of their RealMLP. The published constant after :math:`W` is left out, because
    the bias of the layer above already contains it.

    Parameters
    ----------
    n_numbers : int
        Number of columns.
    random : MemberRandom
        Where the initial values come from.
    n_waves : int, default=16
        Frequencies per column.
    n_outputs : int, default=4
        Outputs per column, including the number itself.
    frequency_scale : float, default=0.1
        Standard deviation of the initial frequencies.

    References
    ----------
    Gorishniy, Rubachev, Babenko (2022), "On Embeddings for Numerical Features in Tabular Deep
    Learning", NeurIPS.

    Holzmüller, Grinsztajn, Steinwart (2024), "Better by Default: Strong Pre-Tuned MLPs and Boosted
    Trees on Tabular Data", NeurIPS.
    """

    decays = ("weight",)

    def __init__(
        self,
        n_numbers: int,
        random: MemberRandom,
        n_waves: int = 16,
        n_outputs: int = 4,
        frequency_scale: float = 0.1,
    ) -> None:
        super().__init__()
        self.n_out = n_numbers * n_outputs
        self.frequency = nn.Parameter(random.normal(n_numbers, 1, n_waves, std=frequency_scale))
        self.phase = nn.Parameter(random.uniform(n_numbers, 1, n_waves, bound=math.pi))
        self.weight = nn.Parameter(
            random.uniform(n_numbers, n_waves, n_outputs - 1, bound=1 / math.sqrt(n_waves))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the numbers, followed by each column's waves."""
        columns = x.transpose(1, 2).unsqueeze(-1)
        waves = torch.cos(torch.addcmul(self.phase, columns, 2 * math.pi * self.frequency))
        if is_inference(x):
            flat = product(waves.flatten(0, 1), self.weight.flatten(0, 1))
            learned = flat.unflatten(0, waves.shape[:2])
        else:
            learned = torch.matmul(waves, self.weight)  # (members, columns, rows, outputs)
        return join([x, learned.transpose(1, 2).flatten(2)])


class PiecewiseLinearEncoding(nn.Module):
    r"""How far each number has come through each bin: (..., n_numbers) -> (..., n_out).

    A number :math:`x` in a column with edges :math:`b_0 < \dots < b_T` becomes the values
    :math:`(x - b_{t-1}) / (b_t - b_{t-1})` for :math:`t = 1, \dots, T`, cut off at 0 below a bin
    and at 1 above it. The first bin goes on below :math:`b_0` and the last one above :math:`b_T`. A
    linear map of these values is a piecewise linear function of the number, bent at the edges.

    Parameters
    ----------
    edges : sequence of array-like
        The edges of each column, ascending: (n_edges,), or (members, n_edges) where every member
        has its own. They are usually quantiles of the training rows. Equal edges make no bin, and
        so a constant column, which says nothing, gives no output.
    members : int, default=1
        Number of members.

    References
    ----------
    Gorishniy, Rubachev, Babenko (2022), "On Embeddings for Numerical Features in Tabular Deep
    Learning", NeurIPS.
    """

    def __init__(self, edges: Sequence[ArrayLike], members: int = 1) -> None:
        super().__init__()
        bins = [_bins(column, members) for column in edges]
        columns = np.repeat(np.arange(len(bins)), [b.shape[-1] for b in bins])
        left, slope, low, high = torch.from_numpy(np.concatenate(bins, axis=-1)).unsqueeze(2)
        self.n_out = len(columns)
        self.register_buffer("columns", torch.from_numpy(columns), persistent=False)
        for name, values in {"left": left, "slope": slope, "low": low, "high": high}.items():
            self.register_buffer(name, values.contiguous())

    def forward(self, x: Tensor) -> Tensor:
        """Return the values of all bins, column by column."""
        progress = (x.index_select(-1, self.columns) - self.left) * self.slope
        return torch.clamp(progress, self.low, self.high)


def _bins(edges, members):
    """Make a column's bins: left edge, slope, lowest and highest value; (4, members, bins)."""
    edges = np.atleast_2d(np.asarray(edges, dtype=np.float32))
    edges = np.broadcast_to(edges, (members, edges.shape[-1]))
    left, width = edges[:, :-1], np.diff(edges)
    exists = width > 0
    first = exists & (np.cumsum(exists, axis=1) == 1)
    last = exists & (np.cumsum(exists[:, ::-1], axis=1)[:, ::-1] == 1)
    slope = np.divide(1, width, out=np.zeros_like(width), where=exists)
    low = np.where(first, -np.inf, 0)
    high = np.where(last, np.inf, exists)
    anywhere = exists.any(axis=0)
    return np.stack([left, slope, low, high]).astype(np.float32)[..., anywhere]


class CategoryEmbedding(nn.Module):
    """Categories as numbers: codes (..., n_columns) -> (..., n_out).

    A column of at most ``one_hot_limit`` categories becomes one indicator per category; in a larger
    one each category has a learned vector. Both defaults are those of RealMLP.

    A column with K categories has the codes 0..K-1, where "missing" is a category like others if
    training rows had it. The code K is a category that was not seen in training: all outputs of the
    column are then zero, which is where learned vectors start on average.

    Parameters
    ----------
    cardinalities : sequence of int
        Number of categories of each column.
    random : MemberRandom
        Where the initial vectors come from: standard normal.
    one_hot_limit : int, default=9
        Largest number of categories that become indicators.
    n_outputs : int, default=8
        Length of a learned vector.

    Attributes
    ----------
    sources : list of int
        The column of which each output is made.

    References
    ----------
    Holzmüller, Grinsztajn, Steinwart (2024), "Better by Default: Strong Pre-Tuned MLPs and Boosted
    Trees on Tabular Data", NeurIPS.
    """

    def __init__(
        self,
        cardinalities: Sequence[int],
        random: MemberRandom,
        one_hot_limit: int = 9,
        n_outputs: int = 8,
    ) -> None:
        super().__init__()
        small = [column for column, k in enumerate(cardinalities) if k <= one_hot_limit]
        large = [column for column, k in enumerate(cardinalities) if k > one_hot_limit]
        parts = []
        if small:
            parts.append(_Indicators(small, [cardinalities[column] for column in small]))
        if large:
            sizes = [cardinalities[column] for column in large]
            parts.append(_Vectors(large, sizes, random, n_outputs))
        self.parts = nn.ModuleList(parts)
        self.n_out = sum(part.n_out for part in parts)
        self.sources = [column for part in parts for column in part.sources]

    def forward(self, codes: Tensor) -> Tensor:
        """Return the indicators of all small columns, then the vectors of all large ones."""
        return join([part(codes) for part in self.parts])


class _Indicators(nn.Module):
    """One output per category, which is one where the code is that of the category."""

    def __init__(self, columns, cardinalities):
        super().__init__()
        self.n_out = sum(cardinalities)
        column = torch.tensor(columns).repeat_interleave(torch.tensor(cardinalities))
        self.sources = column.tolist()
        self.register_buffer("column", column, persistent=False)
        # Kept as floats: they say in which precision the network works.
        category = torch.cat([torch.arange(k, dtype=torch.float32) for k in cardinalities])
        self.register_buffer("category", category, persistent=False)

    def forward(self, codes):
        return (codes.index_select(-1, self.column) == self.category).to(self.category.dtype)


class _Vectors(Layer):
    """One learned vector per category; columns and members share a table, so one look-up does."""

    def __init__(self, columns, cardinalities, random, n_outputs):
        super().__init__()
        self.n_out = len(columns) * n_outputs
        self.sources = [column for column in columns for _ in range(n_outputs)]
        self.table = nn.Parameter(random.normal(sum(cardinalities), n_outputs, std=1.0))
        sizes = torch.tensor(cardinalities)
        self.register_buffer("columns", torch.tensor(columns), persistent=False)
        self.register_buffer("sizes", sizes, persistent=False)
        self.register_buffer("first", sizes.cumsum(0) - sizes, persistent=False)

    def forward(self, codes):
        codes = codes.index_select(-1, self.columns)
        known = codes < self.sizes
        members, n_vectors, _ = self.table.shape
        row = torch.where(known, codes + self.first, 0)
        if members > 1:
            first = torch.arange(0, members * n_vectors, n_vectors, device=row.device)
            row = row + first[:, None, None]
        vectors = F.embedding(row, self.table.flatten(0, 1))
        return (vectors * known.unsqueeze(-1)).flatten(2)
