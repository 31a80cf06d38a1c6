"""Batches of long rows in pieces that follow one another."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.batches import TrainingBatches
from sklearn_modern.training.ragged import RaggedRows
from sklearn_modern.training.sources import Batch, Part

__all__ = ["PieceBatches", "pieces_of"]


def pieces_of(lengths: Tensor, n_steps: int) -> Tensor:
    """Return in how many pieces of so many steps rows of these lengths are cut."""
    return (lengths + n_steps - 1) // n_steps


@dataclass
class _Pieces(Part):
    """Rows that count once for each of their pieces."""

    pieces_of: Callable[[Tensor], Tensor]

    def total_weight(self) -> float | Tensor:
        """Return the sum of the weights of all pieces."""
        source: RaggedRows = self.source
        weight, n_pieces = source.weights(self.rows), self.pieces_of(source.lengths(self.rows))
        total = (n_pieces if weight is None else n_pieces * weight).sum(1).cpu()
        return total.item() if len(total) == 1 else total


class PieceBatches(TrainingBatches):
    """Every row once per iteration, in pieces of at most so many steps.

    The pieces of a row follow one another, each in a batch of its own. A batch has the same pieces
    of several rows, which have about one length, the longest first, so that those that go on are
    the first ones of the batch before. The order of the rows is random among those that have
    equally many pieces, and so is the order of the batches.

    Parameters
    ----------
    rows : Part
        Rows of :class:`sklearn_modern.training.ragged.RaggedRows`.
    batch_size : int
        How many rows a batch has at most.
    random : MemberRandom
        Shuffles the rows.
    n_steps : int
        Most steps of a piece.
    """

    def __init__(self, rows: Part, batch_size: int, random: MemberRandom, n_steps: int) -> None:
        super().__init__(rows, batch_size, random)
        self.n_steps = n_steps
        if self._is_cut():
            self.rows = _Pieces(rows.source, rows.index, self.pieces_of)

    def pieces_of(self, lengths: Tensor) -> Tensor:
        """Return in how many pieces rows of these lengths are cut."""
        return pieces_of(lengths, self.n_steps)

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        if not self._is_cut():
            yield from super().__iter__()
            return
        source: RaggedRows = self.rows.source
        order = self.rows.shuffled(self.random.permutations(len(self.rows)))
        order = order.gather(1, self._pieces(order).argsort(dim=1, stable=True))
        short = self._n_short()
        groups = [*source.cut(order[:, :short], self.batch_size)] if short else []
        groups += order[:, short:].split(self.batch_size, dim=1)
        turn = torch.randperm(len(groups), generator=self.random.generators()[0])
        for place in turn.tolist():
            yield from self._in_pieces(groups[place])

    def __len__(self) -> int:
        """Return the number of batches."""
        if not self._is_cut():
            return super().__len__()
        ordered, short = self._pieces(self.rows.rows).sort(dim=1).values.amax(0), self._n_short()
        n_short = -(-short // self.batch_size)
        return n_short + sum(int(group.max()) for group in ordered[short:].split(self.batch_size))

    def _in_pieces(self, group):
        """Yield the pieces of some rows (members, rows), the longest row first."""
        n_pieces = self._pieces(group)
        group = group.gather(1, n_pieces.argsort(dim=1, descending=True, stable=True))
        n_pieces = n_pieces.sort(dim=1, descending=True).values.amax(0).tolist()
        cut = self._cutter(group)
        for piece in range(n_pieces[0]):
            batch = cut(sum(n > piece for n in n_pieces), piece * self.n_steps)
            batch.continues, batch.followed = piece > 0, piece + 1 < n_pieces[0]
            batch.n_begun = len(n_pieces)
            yield batch

    def _cutter(self, group):
        """Return what takes a piece of the first rows of a group, from a step on."""
        source: RaggedRows = self.rows.source
        return lambda n_rows, start: source.piece(group[:, :n_rows], start, self.n_steps)

    def _pieces(self, index):
        return self.pieces_of(self.rows.source.lengths(index))

    def _is_cut(self):
        return bool((self._pieces(self.rows.rows) > 1).any())

    def _n_short(self):
        """Return how many rows every member has that are one piece."""
        return int((self._pieces(self.rows.rows) == 1).sum(1).min())
