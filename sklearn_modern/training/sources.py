"""Data sets that give batches: rows are on the device once, or go there when they are taken."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import scipy.sparse as sp
import torch
from torch import Tensor

from sklearn_modern.networks.given import NOTHING, Given

__all__ = ["Arrays", "Batch", "Part", "Source", "SparseRows"]


@dataclass(slots=True)
class Batch:
    """Some rows, with a leading axis of members (of length 1 where all members see the same).

    Attributes
    ----------
    x : Tensor or tuple of Tensor
        Inputs of a body: (members, rows, ...).
    y : Tensor or None
        Targets: (members, rows) or (members, rows, ...).
    index : Tensor
        Which rows of the source these are: (members, rows).
    given : Given, default=NOTHING
        What else is known of the rows: weights, and which places exist.
    continues, followed : bool, default=False
        Whether these are pieces of rows whose steps before were in the batch before, which had at
        least these rows, in their order; and whether the steps after are in the next batch.
    n_begun : int or None, default=None
        How many rows the batch of the first pieces had; None if these are whole rows. The gradient
        is shared among so many, so that the last steps of long rows weigh as much as others.
    """

    x: Any
    y: Tensor | None
    index: Tensor
    given: Given = NOTHING
    continues: bool = False
    followed: bool = False
    n_begun: int | None = None

    def __len__(self) -> int:
        """Return the number of rows per member."""
        return self.index.shape[1]

    def mapped(self, function: Callable[[Tensor], Tensor]) -> "Batch":
        """Return a batch without targets, whose inputs a function has changed."""
        x = tuple(map(function, self.x)) if isinstance(self.x, tuple) else function(self.x)
        return Batch(x, None, self.index, self.given.mapped(function))

    @property
    def weight(self) -> Tensor | None:
        """Sample weights (members, rows); None is one for every row."""
        return self.given.weight


class Source(ABC):
    """Rows of a data set, which are taken batch by batch.

    A subclass implements ``take`` and ``__len__``. How it keeps the rows is private.

    Parameters
    ----------
    y : Tensor, optional
        Targets, on the device.
    weight : Tensor, optional
        Sample weights, on the device.
    rows_together : int, default=8192
        How many rows are evaluated together.
    """

    def __init__(
        self, y: Tensor | None = None, weight: Tensor | None = None, rows_together: int = 8192
    ) -> None:
        self._y, self._weight, self._rows_together = y, weight, rows_together

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of rows."""

    @abstractmethod
    def take(self, index: Tensor) -> Batch:
        """Take rows by their indices (members, rows)."""

    def whole(self) -> Batch:
        """Take all rows, the same for all members."""
        return self.take(torch.arange(len(self)).unsqueeze(0))

    def targets(self, index: Tensor) -> Tensor | None:
        """Return the targets of rows (members, rows)."""
        return None if self._y is None else select(self._y, index)

    def weights(self, index: Tensor) -> Tensor | None:
        """Return the weights of rows (members, rows); None is one for each."""
        return None if self._weight is None else select(self._weight, index)

    def arranged(self, index: Tensor) -> Tensor:
        """Return rows (rows,) or (members, rows) in the order in which they cost least to evaluate.

        By default that is the order that they have.
        """
        return index

    def split(self, index: Tensor) -> Sequence[Tensor]:
        """Cut arranged rows (members, rows) into those that are evaluated together."""
        return index.split(self._rows_together, dim=1)

    def cut(self, order: Tensor, batch_size: int) -> Iterable[Tensor]:
        """Cut an order of rows (members, rows) into batches.

        Every row occurs once, and there are as few batches as ``batch_size`` allows. Rows that
        differ in length may be rearranged, so that those of a batch are of about the same length.
        """
        return order.split(batch_size, dim=1)

    @property
    def is_weighted(self) -> bool:
        """Whether rows have weights."""
        return self._weight is not None

    @property
    def stands_beside(self) -> bool:
        """Whether there is a :meth:`beside`."""
        return False

    def beside(self, others: Sequence["Source"]) -> "Source":
        """Return a source of members, each of which takes its rows from a source of its own."""
        raise NotImplementedError(f"{type(self).__name__} stands alone.")


class Arrays(Source):
    """Inputs of one shape, on the device.

    Parameters
    ----------
    x : Tensor or tuple of Tensor
        Inputs, each with one entry per row.
    y, weight, rows_together
        As for :class:`Source`.
    """

    def __init__(
        self,
        x: Tensor | tuple[Tensor, ...],
        y: Tensor | None = None,
        weight: Tensor | None = None,
        rows_together: int = 8192,
    ) -> None:
        super().__init__(y, weight, rows_together)
        self._x = x

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._x[0] if isinstance(self._x, tuple) else self._x)

    def take(self, index: Tensor) -> Batch:
        """Take rows by their indices (members, rows)."""
        if isinstance(self._x, tuple):
            x = tuple(select(part, index) for part in self._x)
        else:
            x = select(self._x, index)
        given = NOTHING if self._weight is None else Given(select(self._weight, index))
        return Batch(x, self.targets(index), index, given)

    def whole(self) -> Batch:
        """Take all rows as they lie, without a copy."""
        parts = self._x if isinstance(self._x, tuple) else (self._x,)
        x = tuple(part.unsqueeze(0) for part in parts)
        index = torch.arange(len(self), device=parts[0].device).unsqueeze(0)
        given = NOTHING if self._weight is None else Given(self.weights(index))
        return Batch(x if len(x) > 1 else x[0], self.targets(index), index, given)

    @property
    def stands_beside(self) -> bool:
        """Whether there is a :meth:`beside`; a subclass, which may take rows otherwise, says so."""
        return type(self) is Arrays

    def beside(self, others: Sequence["Arrays"]) -> Source:
        """Return a source of members, each of which takes its rows from arrays of its own."""
        return _ArraysOfMembers([self, *others])

    def relabelled(self, **labels: Any) -> "Arrays":
        """Return the same inputs with other targets and weights; see :class:`Source`."""
        return Arrays(self._x, **labels)

    def joined(self, part: Tensor) -> "Arrays":
        """Return the same rows with one more input."""
        x = (*self._parts(), part)
        return Arrays(x, self._y, self._weight, self._rows_together)

    def share(self, known: list[Tensor]) -> None:
        """Let go of tensors that are equal to known ones, and add the others to these."""
        x = tuple(_known(part, known) for part in self._parts())
        self._x = x if isinstance(self._x, tuple) else x[0]
        self._y = None if self._y is None else _known(self._y, known)
        self._weight = None if self._weight is None else _known(self._weight, known)

    def _parts(self):
        return self._x if isinstance(self._x, tuple) else (self._x,)

    def _weight_of_each(self):
        if self._weight is not None:
            return self._weight
        numbers = self._parts()[0]
        return torch.ones(len(self), dtype=numbers.dtype, device=numbers.device)


class _ArraysOfMembers(Source):
    """The arrays of several members, each of which takes rows of its own."""

    def __init__(self, sources: Sequence[Arrays]) -> None:
        super().__init__(rows_together=sources[0]._rows_together)
        self._n_rows = min(map(len, sources))
        self._is_tuple = isinstance(sources[0]._x, tuple)
        self._inputs = [_Stack(parts) for parts in zip(*(s._parts() for s in sources), strict=True)]
        self._targets = None if sources[0]._y is None else _Stack([s._y for s in sources])
        self._of_weights = None
        if any(s.is_weighted for s in sources):
            self._of_weights = _Stack([s._weight_of_each() for s in sources])

    def __len__(self) -> int:
        """Return the number of rows that all members have."""
        return self._n_rows

    def take(self, index: Tensor) -> Batch:
        """Take each member's rows by their indices in its own source (members, rows)."""
        x = tuple(stack.select(index) for stack in self._inputs)
        given = Given(self.weights(index)) if self.is_weighted else NOTHING
        return Batch(x if self._is_tuple else x[0], self.targets(index), index, given)

    def targets(self, index: Tensor) -> Tensor | None:
        """Return the targets of rows (members, rows)."""
        return None if self._targets is None else self._targets.select(index)

    def weights(self, index: Tensor) -> Tensor | None:
        """Return the weights of rows (members, rows)."""
        return None if self._of_weights is None else self._of_weights.select(index)

    @property
    def is_weighted(self) -> bool:
        """Whether rows of any member have weights."""
        return self._of_weights is not None


class _Stack:
    """Tensors one after the other, the same one only once; a member finds its own by an offset."""

    def __init__(self, parts: Sequence[Tensor]) -> None:
        begins: dict[int, int] = {}
        kept: list[Tensor] = []
        for part in parts:
            if id(part) not in begins:
                begins[id(part)] = sum(map(len, kept))
                kept.append(part)
        self._values = kept[0] if len(kept) == 1 else torch.cat(kept)
        begin = torch.tensor([begins[id(part)] for part in parts], device=kept[0].device)
        self._begins = begin.unsqueeze(1) if len(kept) > 1 else None

    def select(self, index: Tensor) -> Tensor:
        """Take each member's entries by their indices in its own tensor (members, rows)."""
        return select(self._values, index if self._begins is None else index + self._begins)


class SparseRows(Source):
    """A sparse matrix in the memory of the CPU, whose rows become dense when they are taken.

    Parameters
    ----------
    matrix : csr_matrix
        The inputs.
    device : str
        Where dense rows go.
    y, weight, rows_together
        As for :class:`Source`.
    """

    def __init__(
        self,
        matrix: sp.csr_matrix,
        device: str,
        y: Tensor | None = None,
        weight: Tensor | None = None,
        rows_together: int = 8192,
    ) -> None:
        super().__init__(y, weight, rows_together)
        self._matrix, self._device = matrix, device

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._matrix.shape[0]

    def take(self, index: Tensor) -> Batch:
        """Take rows by their indices (members, rows)."""
        rows = self._matrix[index.reshape(-1).cpu().numpy()].toarray()
        x = torch.from_numpy(rows).to(self._device).view(*index.shape, -1)
        return Batch(x, self.targets(index), index, Given(self.weights(index)))


@dataclass
class Part:
    """Some rows of a source, such as those to train on.

    Attributes
    ----------
    source : Source
        Where they are.
    index : Tensor
        Which they are, on the device: (rows,), or (members, rows) if each member has rows of its
        own, equally many.
    """

    source: Source
    index: Tensor

    def __len__(self) -> int:
        """Return the number of rows that a member sees."""
        return self.index.shape[-1]

    @property
    def rows(self) -> Tensor:
        """Which rows they are: (members, rows), with one member for all where they are the same."""
        return self.index if self.index.ndim == 2 else self.index.unsqueeze(0)

    def total_weight(self) -> float | Tensor:
        """Return the sum of the rows' weights, or that of each member's own rows."""
        weight = self.source.weights(self.rows)
        if weight is None:
            return len(self)
        return weight.sum().item() if self.index.ndim == 1 else weight.sum(1).cpu()

    def shuffled(self, permutations: Tensor) -> Tensor:
        """Return the rows in the order of each member's permutation: (members, rows)."""
        places = permutations.to(self.index.device)
        return self.index[places] if self.index.ndim == 1 else self.index.gather(1, places)


def _known(tensor, known):
    """Return a known tensor that is equal, or this one, which is known from now on."""
    for other in known:
        if other.dtype == tensor.dtype and torch.equal(other, tensor):
            return other
    known.append(tensor)
    return tensor


def select(values: Tensor, index: Tensor) -> Tensor:
    """Take entries of a tensor by their indices (members, rows)."""
    taken = values.index_select(0, index.reshape(-1))
    return taken.view(*index.shape, *taken.shape[1:])
