"""What bodies over tables of numbers and categories share."""

from collections.abc import Sequence

from numpy.typing import ArrayLike
from torch import Tensor

from sklearn_modern.networks.base import Body
from sklearn_modern.networks.embeddings import (
    CategoryEmbedding,
    PeriodicEmbedding,
    PiecewiseLinearEncoding,
    join,
)
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.random import MemberRandom

__all__ = ["TableBody"]


class TableBody(Body):
    """A body that embeds numbers and categories; a subclass adds the trunk.

    The input is numbers (members or 1, rows, n_numbers); with categories it is a tuple of the
    numbers and the codes (members or 1, rows, n_categorical), see :class:`CategoryEmbedding`.

    Parameters
    ----------
    n_numbers : int
        Number of numeric columns; 0 where there are categories only.
    cardinalities : sequence of int
        Number of categories of each categorical column.
    random : MemberRandom
        Where initial weights come from; its length is the number of members.
    numerical_embedding : {"periodic", "piecewise_linear"} or None, default=None
        :class:`PeriodicEmbedding`, the numbers beside their :class:`PiecewiseLinearEncoding`, or
        the numbers as they are.
    bin_edges : sequence of array-like or None, default=None
        The edges of "piecewise_linear"; the other embeddings need none.

    Attributes
    ----------
    n_embedded : int
        Width of the embedded rows.
    silent : slice
        Those of them whose weights should start at zero: bins, which are there to refine what
        numbers say.
    """

    takes_members = True

    def __init__(
        self,
        n_numbers: int,
        cardinalities: Sequence[int],
        random: MemberRandom,
        numerical_embedding: str | None = None,
        bin_edges: Sequence[ArrayLike] | None = None,
    ) -> None:
        super().__init__()
        self.random = random
        shared = random.shared()  # members that share weights share what embeds, too
        self.numbers = _numbers(numerical_embedding, n_numbers, shared, bin_edges)
        self.categories = CategoryEmbedding(cardinalities, shared) if len(cardinalities) else None
        self.n_embedded, self.silent = n_numbers, slice(0)
        if isinstance(self.numbers, PiecewiseLinearEncoding):
            self.n_embedded += self.numbers.n_out
            self.silent = slice(n_numbers, self.n_embedded)
        elif self.numbers is not None:
            self.n_embedded = self.numbers.n_out
        if self.categories is not None:
            self.n_embedded += self.categories.n_out

    def embed(self, x: Tensor | tuple[Tensor, Tensor], given: Given = NOTHING) -> Tensor:
        """Return embedded numbers and categories side by side; plain numbers as they are."""
        if self.categories is None:
            return self._embed_numbers(x)
        numbers, codes = x
        return join([self._embed_numbers(numbers), self._of_teams(self.categories, codes)])

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row by all members."""
        return sum(p.numel() * (self.members // len(p)) for p in self.parameters())

    def _embed_numbers(self, x):
        if self.numbers is None:
            return x
        embedded = self._of_teams(self.numbers, x)
        return join([x, embedded]) if self.silent.stop else embedded

    def _of_teams(self, embedding, values):
        """Embed the rows of all members; those of members that share weights lie together."""
        team, (members, rows, _) = self.random.team, values.shape
        if team == 1 or members == 1:
            return embedding(values)
        embedded = embedding(values.reshape(members // team, team * rows, -1))
        return embedded.reshape(members, rows, -1)


def _numbers(kind, n_numbers, random, bin_edges):
    if kind is None or n_numbers == 0:
        return None
    if kind == "periodic":
        return PeriodicEmbedding(n_numbers, random)
    if kind == "piecewise_linear":
        return PiecewiseLinearEncoding(bin_edges, len(random))
    raise ValueError(
        f"numerical_embedding must be None, 'periodic' or 'piecewise_linear', got {kind!r}"
    )
