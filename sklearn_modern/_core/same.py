"""One notion of what is the same: equal content, exactly, of values as they were given.

Numbers of other types differ, and so do 0.0 and -0.0; NaN is the same as NaN. Arrays are compared
by type, shape and values, however they lie in memory; frames by column; functions and classes by
identity; other objects by class and by what a pickle would keep of them. Three questions are asked:

- May two fits share their work? They may if their :func:`key` is equal. What cannot be compared is
  equal to nothing.
- Is a parameter what it was? It is if its :func:`setting` is equal, for which ``[8]``, ``(8,)`` and
  ``np.array([8])`` are the same, and an object is the same as itself.
- Is this the work of an earlier process? It is if its :func:`fingerprint` is equal. What cannot be
  compared is refused.
"""

import pickle
import sys
from collections.abc import Hashable, Iterator
from copyreg import dispatch_table
from hashlib import blake2b
from types import FunctionType
from typing import Any

import numpy as np
from scipy.sparse import issparse

__all__ = ["Itself", "fingerprint", "key", "setting"]

# Their ``repr`` says all, and is that of no other.
_ATOMS = frozenset(map(type, (None, True, 1, 1.0, 1j, "", b"", ..., NotImplemented)))
# Types of arrays whose values Python has, too; times would become numbers.
_SPELLED_BY_PYTHON = "?bhilqBHILQefdFDUSO"
# Parts of circles are read once a way that leads to them, of which there may be very many.
_MOST_IN_CIRCLES = 1_000


def key(value: Any) -> Hashable:
    """Return what is equal for values with which fits do the same; it keeps the content."""
    reader = _Reader()
    content = reader.content(value)
    return (content, *map(Itself, reader.named)) if reader.error is None else object()


def setting(value: Any) -> Hashable:
    """Return what is equal where a parameter is what it was.

    It does not matter whether a list, a tuple or an array holds the values. An object that is no
    container is the same as itself, even if it has changed since, for example by counting its
    calls, and the same as any of equal content. What is returned can be pickled where the value
    can, together with the value.
    """
    try:
        return _spelled(value)
    except (RecursionError, ValueError):  # it is inside of itself, or an endless number
        return _ItselfOrAlike(value)


def fingerprint(*things: Any) -> str:
    """Return a text that is equal, in this process and others, where all of the things are.

    Raises
    ------
    ValueError
        If something cannot be pickled, and so cannot be compared either.
    """
    reader = _StableReader()
    content = reader.content(things)
    if reader.error is not None:
        raise ValueError(
            f"A checkpoint needs data and settings that can be pickled, but: {reader.error}"
        ) from reader.error
    return content


class Itself:
    """Is equal for one object; it keeps the object, so that no later one has its address."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Itself) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


class _ItselfOrAlike(Itself):
    """Is equal for one object, and for those that have the content that it had."""

    def __init__(self, thing):
        super().__init__(thing)
        self._content = key(thing)

    def __eq__(self, other):
        alike = isinstance(other, _ItselfOrAlike) and self._content == other._content
        return alike or super().__eq__(other)

    def __hash__(self):
        return hash(type(self.thing))


def _spelled(value):
    if isinstance(value, np.ndarray | np.generic) and value.dtype.char in _SPELLED_BY_PYTHON:
        value = value.tolist()
    if type(value) in _ATOMS:
        return type(value).__name__, repr(value)  # the type of None could not be stored by skops
    if type(value) in (list, tuple):
        return tuple(map(_spelled, value))
    if type(value) is dict:
        return "dict", *map(_spelled, value.items())
    return key(value) if isinstance(value, set | np.ndarray) else _ItselfOrAlike(value)


class _Reader:
    """Reads values into texts, which are equal for equal content.

    Attributes
    ----------
    named : list
        What is compared by identity, in the order in which it was met.
    error : Exception or None
        Why something could not be read, and the text says nothing.
    """

    def __init__(self):
        self.named, self.error = [], None
        self._names = {}
        self._open, self._outermost, self._n_in_circles = {}, 0, 0
        self._read_before = {}

    def content(self, value):
        """Return a text."""
        if id(value) in self._read_before:
            return self._read_before[id(value)][1]
        depth = len(self._open)
        if id(value) in self._open:
            self._outermost = min(self._outermost, self._open[id(value)])
            return f"what is {depth - self._open[id(value)]} levels further out"
        outermost, self._outermost = self._outermost, depth
        self._open[id(value)] = depth
        try:
            text = _digest(repr(self._read(value)).encode())
        except Exception as error:  # whatever the methods of an object raise
            self.error, text = error, ""
        del self._open[id(value)]
        if self._outermost == depth:  # it says the same wherever it stands
            self._read_before[id(value)] = value, text
        else:
            self._n_in_circles += 1
        self._outermost = min(outermost, self._outermost)
        return text

    def _read(self, value):
        """Return what is different for other values, made of texts, numbers and tuples."""
        if self.error is not None or self._n_in_circles > _MOST_IN_CIRCLES:
            raise self.error or ValueError(f"{type(value).__name__} holds too many circles.")
        kind = type(value)
        if kind in _ATOMS:
            return repr(value)
        # An object() has no content: it is there to be itself.
        if kind is object or isinstance(value, type | FunctionType):
            return self._name(value)
        if kind in (list, tuple):
            return kind.__name__, self._items(value)
        if kind is dict:
            return "dict", self._items([*value]), self._items([*value.values()])
        if kind in (set, frozenset):
            return kind.__name__, sorted(map(self.content, value))
        if kind is np.ndarray:
            return "array", self._array(value)
        if isinstance(value, np.generic):
            return "number", self._array(np.asarray(value))
        if issparse(value):
            return self._sparse(value)
        if hasattr(value, "iloc"):
            return self._pandas(value)
        if hasattr(value, "to_flat_index") and not isinstance(value.dtype, np.dtype):
            return self._name(kind), self.content([value.name, _cells(value)])
        if hasattr(value, "get_columns"):
            columns = [(one.name, repr(one.dtype), one.to_list()) for one in value.get_columns()]
            return self._name(kind), self.content(columns)
        if hasattr(value, "untyped_storage"):
            return self._tensor(value)
        return self._object(value)

    def _items(self, values):
        plain = _ATOMS.issuperset(map(type, values))
        return repr(list(values)) if plain else [*map(self.content, values)]

    def _array(self, values):
        dtype = values.dtype
        if dtype.names:  # there may be anything between the fields
            content = [self.content(values[name]) for name in dtype.names]
        elif dtype.hasobject or dtype.kind == "T":
            content = self._items(values.ravel().tolist())
        else:
            content = _digest(values.tobytes())
        return repr(dtype), values.shape, content

    def _sparse(self, matrix):
        rows = matrix.tocsr(copy=True)
        rows.sum_duplicates()
        parts = [matrix.shape, rows.indptr, rows.indices, rows.data]
        return self._name(type(matrix)), self.content(parts)

    def _pandas(self, data):
        labels = data.name if data.ndim == 1 else data.columns
        columns = [data] if data.ndim == 1 else [data.iloc[:, i] for i in range(data.shape[1])]
        parts = [labels, data.index, [*map(_cells, columns)]]
        return self._name(type(data)), self.content(parts)

    def _tensor(self, tensor):
        values = tensor.detach().cpu().reshape(-1).view(sys.modules["torch"].uint8)
        made = str(tensor.dtype), str(tensor.device), tensor.requires_grad, tuple(tensor.shape)
        return self._name(type(tensor)), made, _digest(values.numpy().tobytes())

    def _object(self, value):
        """Read what a pickle would keep: how to make the object, its state and its items."""
        reduce = dispatch_table.get(type(value))
        parts = value.__reduce_ex__(4) if reduce is None else reduce(value)
        if isinstance(parts, str):
            return self._name(value)
        function, args, state, *rest = (*parts, None)[: max(len(parts), 3)]
        if type(state) is dict:  # attributes have no order
            state = sorted(state.items(), key=lambda item: repr(item[0]))
        rest = [list(part) if isinstance(part, Iterator) else part for part in rest]
        return "object", self.content([function, args, state, rest])

    def _name(self, value):
        """Name what is not read, such as a function."""
        if id(value) not in self._names:
            self._names[id(value)] = len(self.named)
            self.named.append(value)
        return "named", self._names[id(value)]


class _StableReader(_Reader):
    """Reads texts that are the same in all processes, and for all kinds of sparse matrices."""

    def _sparse(self, matrix):
        return super()._sparse(matrix.tocsr())

    def _name(self, value):
        return "named", pickle.dumps(value, protocol=4)


def _digest(content):
    return blake2b(content, digest_size=32).hexdigest()


def _cells(column):
    plain = isinstance(column.dtype, np.dtype)
    return column.to_numpy() if plain else (column.dtype, column.to_numpy(dtype=object))
