"""Rows of a data set, on the device once, taken batch by batch."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import scipy.sparse as sp
import torch
from torch import Tensor

from sklearn_modern.networks.random import MemberRandom

__all__ = ["Arrays", "Batch", "EvaluationBatches", "Rows", "SparseRows", "TrainingBatches"]


@dataclass(slots=True)
class Batch:
    """Some rows, with a leading axis of members (of length 1 where all members see the same).

    Attributes
    ----------
    x : Tensor or tuple of Tensor
        Inputs of a body: (members, rows, ...).
    y : Tensor or None
        Targets: (members, rows) or (members, rows, targets).
    weight : Tensor or None
        Sample weights: (members, rows); None is one for every row.
    index : Tensor
        Which rows of the source these are: (members, rows).
    """

    x: Any
    y: Tensor | None
    weight: Tensor | None
    index: Tensor

    def __len__(self) -> int:
        """Return the number of rows a member."""
        return self.index.shape[1]


class SparseRows:
    """A sparse matrix whose rows become dense on the device when they are taken."""

    def __init__(self, matrix: sp.csr_matrix, device: str) -> None:
        self.matrix = matrix
        self.device = device

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.matrix.shape[0]

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """Return dense rows; named after, and called like, the method of a Tensor."""
        return self._dense(self.matrix[index.cpu().numpy()])

    def unsqueeze(self, dim: int) -> Tensor:
        """Return all rows, dense, with a member axis before them; named after the Tensor's."""
        return self._dense(self.matrix).unsqueeze(dim)

    def _dense(self, rows):
        return torch.from_numpy(rows.toarray()).to(self.device)


class Arrays:
    """The source of batches for data of fixed shape: inputs, targets and weights of every row.

    A source is anything with ``take`` and ``__len__``.

    Parameters
    ----------
    x : Tensor, SparseRows, or tuple of these
        Inputs, each with one entry a row.
    y : Tensor, optional
        Targets.
    weight : Tensor, optional
        Sample weights.
    """

    def __init__(self, x: Any, y: Tensor | None = None, weight: Tensor | None = None) -> None:
        self.x, self.y, self.weight = x, y, weight

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.x[0] if isinstance(self.x, tuple) else self.x)

    def take(self, index: Tensor) -> Batch:
        """Take rows by their numbers (members, rows)."""
        flat = index.reshape(-1)

        def rows(values):
            taken = values.index_select(0, flat)
            return taken.view(*index.shape, *taken.shape[1:])

        x = tuple(rows(part) for part in self.x) if isinstance(self.x, tuple) else rows(self.x)
        y = None if self.y is None else rows(self.y)
        weight = None if self.weight is None else rows(self.weight)
        return Batch(x, y, weight, index)


@dataclass
class Rows:
    """Some rows of a source, such as those of the training part; ``index`` is on the device."""

    source: Any
    index: Tensor

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.index)

    def targets(self) -> tuple[Tensor | None, Tensor | None]:
        """Return the targets and weights of all rows, the same for all members."""
        parts = (self.source.y, self.source.weight)
        return tuple(p if p is None else p.index_select(0, self.index)[None] for p in parts)

    def total_weight(self) -> float:
        """Return the sum of the rows' weights."""
        weight = self.source.weight
        return len(self) if weight is None else weight.index_select(0, self.index).sum().item()


class TrainingBatches:
    """Every row once an iteration, in an order that each member shuffles for itself."""

    def __init__(self, rows: Rows, batch_size: int, random: MemberRandom) -> None:
        self.rows, self.batch_size, self.random = rows, batch_size, random

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        index = self.rows.index
        order = index[self.random.permutations(len(index)).to(index.device)]
        for batch in order.split(self.batch_size, dim=1):
            yield self.rows.source.take(batch)

    def __len__(self) -> int:
        """Return the number of batches."""
        return math.ceil(len(self.rows) / self.batch_size)


class EvaluationBatches:
    """Every row once, in order, the same for all members."""

    def __init__(self, rows: Rows, batch_size: int) -> None:
        self.rows, self.batch_size = rows, batch_size

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches."""
        for index in self.rows.index.split(self.batch_size):
            yield self.rows.source.take(index.unsqueeze(0))

    def __len__(self) -> int:
        """Return the number of batches."""
        return math.ceil(len(self.rows) / self.batch_size)
