"""A source of rows of different lengths, which are padded batch by batch."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sklearn_modern.networks.given import Given
from sklearn_modern.training.sources import Batch, Source

__all__ = ["RaggedRows", "ends_by_steps"]

# Batches whose rows are sorted together by length: more would only make their order less random.
_POOL = 32


class RaggedRows(Source):
    """Rows that have a number of steps each, on the device one after the other.

    A batch is as long as its longest row; shorter ones are filled up with zeros, and the mask of
    the batch tells which steps exist. Where all have one length there is no mask.

    Parameters
    ----------
    values : Tensor of shape (n_steps, ...)
        The steps of all rows, one after the other.
    lengths : Tensor of int64 of shape (n_rows,)
        How many steps each row has.
    y, weight
        As for :class:`Source`.
    rows_together : int, default=8192
        How many rows of one step are evaluated together; of longer rows so many fewer.
    """

    def __init__(
        self,
        values: Tensor,
        lengths: Tensor,
        y: Tensor | None = None,
        weight: Tensor | None = None,
        rows_together: int = 8192,
    ) -> None:
        super().__init__(y, weight, rows_together)
        self._values, self._lengths = values, lengths
        self._starts = lengths.cumsum(0) - lengths

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._lengths)

    def take(self, index: Tensor) -> Batch:
        """Take rows by their indices (members, rows), and fill them up to the longest of them."""
        index = index.to(self._lengths.device)
        return self._filled(index, self._starts[index], self._lengths[index])

    def piece(self, index: Tensor, start: int, n_steps: int) -> Batch:
        """Take so many steps of rows from ``start`` on, or as many as they have."""
        index = index.to(self._lengths.device)
        lengths = (self._lengths[index] - start).clamp(0, n_steps)
        return self._filled(index, self._starts[index] + start, lengths)

    def lengths(self, index: Tensor) -> Tensor:
        """Return how many steps rows have."""
        return self._lengths[index]

    def _filled(self, index, starts, lengths):
        lengths = lengths.unsqueeze(-1)
        shortest, longest = torch.stack(lengths.aminmax()).tolist()
        places = torch.arange(longest, device=lengths.device)
        steps = starts.unsqueeze(-1) + places
        mask = None
        if shortest < longest:
            mask = places < lengths
            steps = steps.where(mask, 0)
        x = self._values.index_select(0, steps.view(-1)).view(*steps.shape, *self._values.shape[1:])
        if mask is not None:
            x.masked_fill_(~mask.view(*mask.shape, *[1] * (x.ndim - mask.ndim)), 0)
        return Batch(x, self.targets(index), index, Given(self.weights(index), mask))

    def cut(self, order: Tensor, batch_size: int) -> Sequence[Tensor]:
        """Cut an order of rows (members, rows) into batches of rows of about one length.

        Some batches together are sorted by length, cut, and put into an order that is as random as
        that of the rows. The last rows of the order, which do not fill a batch, are the last batch.
        """
        n_full = order.shape[1] // batch_size * batch_size
        full, rest = order[:, :n_full], order[:, n_full:]
        batches: list[Tensor] = []
        for pool in full.split(_POOL * batch_size, dim=1) if n_full else ():
            place = self._lengths[pool].argsort(dim=1, stable=True)
            place = place.unflatten(1, (-1, batch_size))
            # Not by places, of which those of rows of equal length come in their order.
            turn = pool[:, : place.shape[1]].argsort(dim=1)
            place = place.gather(1, turn.unsqueeze(-1).expand_as(place))
            batches += pool.gather(1, place.flatten(1)).split(batch_size, dim=1)
        return [*batches, rest] if rest.shape[1] else batches

    def arranged(self, index: Tensor) -> Tensor:
        """Return rows (rows,) or (members, rows), the shortest first."""
        return index.gather(-1, self._lengths[index].argsort(dim=-1, stable=True))

    def split(self, index: Tensor) -> Sequence[Tensor]:
        """Cut arranged rows (members, rows) so that each part has about as many steps."""
        longest = self._lengths[index].amax(0).tolist()
        ends = ends_by_steps(longest, self._rows_together)
        return index.tensor_split(ends[:-1], dim=1)


def ends_by_steps(lengths: Sequence[int], n_steps: int) -> list[int]:
    """Cut rows, the shortest first, into parts that have at most so many steps when filled up.

    A part has at least one row.

    Parameters
    ----------
    lengths : sequence of int
        Length of each row, ascending.
    n_steps : int
        Most steps of a part.

    Returns
    -------
    list of int
        Where each part ends.
    """
    ends, start = [], 0
    for place, length in enumerate(lengths):
        if place > start and (place - start + 1) * length > n_steps:
            ends.append(place)
            start = place
    return [*ends, len(lengths)]
