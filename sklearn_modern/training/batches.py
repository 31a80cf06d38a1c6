"""Iterations over the batches of a source."""

import math
from collections.abc import Iterator, Sequence

from torch import Tensor

from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.sources import Batch, Part

__all__ = ["EvaluationBatches", "TrainingBatches"]


class TrainingBatches:
    """Every row once per iteration, in an order that each member shuffles for itself."""

    def __init__(self, rows: Part, batch_size: int, random: MemberRandom) -> None:
        self.rows, self.batch_size, self.random = rows, batch_size, random

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        source, n_rows = self.rows.source, len(self.rows)
        order = self.rows.shuffled(self.random.permutations(n_rows))
        batches = list(source.cut(order, self.batch_size))
        if len(batches) != len(self):  # schedules of the learning rate count on them
            raise ValueError(
                f"{type(source).__name__}.cut makes {len(batches)} batches of {n_rows} rows, "
                f"but with batch_size={self.batch_size} there must be {len(self)}."
            )
        for batch in batches:
            yield self.take(batch)

    def take(self, index: Tensor) -> Batch:
        """Take the rows of a batch by their indices (members, rows)."""
        return self.rows.source.take(index)

    def __len__(self) -> int:
        """Return the number of batches."""
        return math.ceil(len(self.rows) / self.batch_size)


class EvaluationBatches:
    """Every row once, in the order that suits the source; ``rows`` has this order, too."""

    def __init__(self, rows: Part) -> None:
        self.rows = Part(rows.source, rows.source.arranged(rows.index))

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches."""
        for index in self.indices():
            yield self.rows.source.take(index)

    def indices(self) -> Sequence[Tensor]:
        """Return which rows the batches have: (members or 1, rows)."""
        return self.rows.source.split(self.rows.rows)

    def __len__(self) -> int:
        """Return the number of batches."""
        return len(self.indices())
