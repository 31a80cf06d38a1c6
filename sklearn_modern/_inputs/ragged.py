"""Rows of different lengths, one after the other in one array."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = ["Ragged"]


@dataclass(frozen=True)
class Ragged:
    """Rows that have a number of steps each.

    Attributes
    ----------
    values : ndarray of shape (n_steps,) or (n_steps, channels)
        The steps of all rows, one after the other: codes of tokens, or numbers.
    lengths : ndarray of int64 of shape (n_rows,)
        How many steps each row has; at least one.
    tokens : tuple of str, default=()
        What codes stand for.
    """

    values: np.ndarray
    lengths: np.ndarray
    tokens: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.lengths)

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each row starts."""
        return np.cumsum(self.lengths) - self.lengths

    def row_of_each(self) -> np.ndarray:
        """Return the row of each step."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def select(self, rows: slice | np.ndarray) -> "Ragged":
        """Return some rows, in their order."""
        if isinstance(rows, slice) and rows == slice(None):
            return self
        lengths, starts = self.lengths[rows], self.starts[rows]
        ends = np.cumsum(lengths)
        steps = np.arange(ends[-1] if len(ends) else 0)
        steps += np.repeat(starts - (ends - lengths), lengths)
        return Ragged(self.values[steps], lengths, self.tokens)

    def shortened(self, lengths: np.ndarray) -> "Ragged":
        """Return rows without their ends: of each only so many steps."""
        if (lengths == self.lengths).all():
            return self
        place = np.arange(len(self.values)) - np.repeat(self.starts, self.lengths)
        return Ragged(self.values[place < np.repeat(lengths, self.lengths)], lengths, self.tokens)
