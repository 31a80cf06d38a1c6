"""Read sequences of any length: texts, lists of tokens, recordings, tables of equal steps."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array

from sklearn_modern._inputs.cells import (
    as_floats,
    is_missing,
    lossless,
    refuse_text,
    refuse_unreadable,
)
from sklearn_modern._inputs.columns import read_numbers
from sklearn_modern._inputs.ragged import Ragged
from sklearn_modern._inputs.text import Analyzer, count_tokens

__all__ = ["SequenceReader"]

_ROWS_SHOWN = 5
_CONTAINERS = (list, tuple, np.ndarray)

_KINDS = {"text": "texts", "tokens": "lists of tokens", "numbers": "sequences of numbers"}


class SequenceReader:
    """Turn what users call sequences into rows of different lengths.

    Parameters
    ----------
    analyzer : Analyzer
        Cuts texts.
    channels : {"first", "last"}, default="last"
        Whether a sequence of numbers is (channels, length) or (length, channels).
    max_length : int or None, default=None
        Later steps are left out.
    dtype : numpy.float32, numpy.float64 or None, default=numpy.float32
        Of numbers. None is float32 where that holds X exactly, else float64.

    Attributes
    ----------
    kind : {"text", "tokens", "numbers"}
        What the sequences of the fit were.
    n_channels : int or None
        Numbers of a step; None for texts and tokens.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator
    >>> from sklearn_modern._inputs.sequences import SequenceReader
    >>> from sklearn_modern._inputs.text import Analyzer
    >>> reader = SequenceReader(Analyzer("auto", r"\\w+", "auto"))
    >>> rows = reader.fit_transform(BaseEstimator(), [np.zeros((3, 2)), np.ones((5, 2))])
    >>> rows.lengths.tolist(), rows.values.shape
    ([3, 5], (8, 2))
    """

    def __init__(
        self,
        analyzer: Analyzer,
        channels: str = "last",
        max_length: int | None = None,
        dtype: Any = np.float32,
    ) -> None:
        self.analyzer, self.channels = analyzer, channels
        self.max_length, self.dtype = max_length, dtype

    def fit_transform(self, estimator: Any, X: Any) -> Ragged:
        """Learn what kind of sequences they are, and read them.

        Sets ``n_features_in_`` of the ``estimator``: the columns of a table, else the channels; and
        its ``feature_names_in_``, if X is a table with names.
        """
        rows, self.kind = self._read_anew(estimator, X)
        self.n_channels = rows.values.shape[1] if self.kind == "numbers" else None
        return rows

    def refit_transform(self, estimator: Any, X: Any) -> Ragged:
        """Read sequences for another fit, which must be of the kind of the first."""
        if self.kind == "text":
            self.analyzer.analyzer = self.analyzer.kind
        return self._alike(*self._read_anew(estimator, X))

    def transform(self, estimator: Any, X: Any) -> Ragged:
        """Read sequences of the kind of the fit, of any length."""
        return self._alike(*self._read(estimator, X, reset=False))

    def _read_anew(self, estimator, X):
        self.is_table = False
        for name in ("n_features_in_", "feature_names_in_"):
            vars(estimator).pop(name, None)
        rows, kind = self._read(estimator, X, reset=True)
        if kind == "numbers" and not self.is_table:
            estimator.n_features_in_ = rows.values.shape[1]
        return rows, kind

    def _alike(self, rows, kind):
        if kind != self.kind:
            raise ValueError(f"X holds {_KINDS[kind]}, but {_KINDS[self.kind]} in fit.")
        if kind == "numbers" and rows.values.shape[1] != self.n_channels:
            raise ValueError(
                f"X has {rows.values.shape[1]} channel(s), but {self.n_channels} in fit."
            )
        return rows

    def _read(self, estimator, X, *, reset):
        refuse_unreadable(X, "X")
        _refuse_strangers(X)
        if not hasattr(X, "shape") and hasattr(X, "__array__"):
            X = np.asarray(X)
        if isinstance(X, (list, tuple)) and not len(X):
            raise ValueError("Found 0 sample(s) in X, while a minimum of 1 is required.")
        entries = _entries(X)
        if entries is None:
            return self._numbers(estimator, X, reset), "numbers"
        kind = _kind_of(entries)
        if kind is None:  # all rows are empty lists
            kind = "tokens" if not reset and self.kind == "tokens" else "numbers"
        if kind == "text":
            if reset:
                self.analyzer.decide(entries)
            elif self.kind != "text":  # they cannot be cut
                return Ragged(np.empty(0), np.empty(0)), "text"
            return count_tokens(self.analyzer.tokens(entries), self.max_length), kind
        if kind == "tokens":
            return count_tokens(entries, self.max_length), kind
        if _is_list_of_rows(entries):
            return self._numbers(estimator, entries, reset), kind
        return self._ended(self._of_rows(entries)), kind

    def _numbers(self, estimator, X, reset):
        """Read a table, or an array of sequences of equal length."""
        n_axes = len(X.shape) if hasattr(X, "shape") else np.ndim(X)
        _refuse_column_of_texts(X)
        if n_axes == 3:
            array = check_array(
                X, dtype=None, allow_nd=True, ensure_all_finite=False, input_name="X"
            )
            _refuse_empty(array)
            array = self._floats(array)
            if self.channels == "first":
                array = array.swapaxes(1, 2)
        elif n_axes > 3:
            raise ValueError(
                f"X has {n_axes} axes, but should have 3 (n_samples, length, channels), or 2 for "
                "sequences of one channel."
            )
        elif reset or self.is_table:
            array = read_numbers(estimator, X, reset=reset, dtype=self.dtype)
            if sp.issparse(array):
                raise _sparse_error("X is a sparse table")
            self.is_table = True
            array = array[:, :, np.newaxis]
        else:
            array = self._floats(check_array(X, dtype=None, ensure_all_finite=False))
            array = array[:, :, np.newaxis]
        n_rows, length, channels = array.shape
        values = np.ascontiguousarray(array).reshape(-1, channels)
        return self._ended(Ragged(values, np.full(n_rows, length)))

    def _of_rows(self, entries):
        """Read sequences one by one."""
        rows = [_array(row, place) for place, row in enumerate(entries)]
        axes = np.array([row.ndim for row in rows])
        if not ((axes == axes[0]) & np.isin(axes, (1, 2))).all():
            wrong = axes[0] if axes[0] not in (1, 2) else next(n for n in axes if n != axes[0])
            place = int((axes == wrong).argmax())
            raise ValueError(
                f"Row {place} of X has {wrong} axes, but all rows must be (length, channels), or "
                "all must be (length,)."
            )
        if axes[0] == 1:
            rows = [row[:, np.newaxis] for row in rows]
        else:
            rows = self._oriented(rows)
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        if not lengths.all():
            raise _without_steps(np.flatnonzero(lengths == 0))
        return Ragged(self._floats(np.concatenate(rows)), lengths)

    def _oriented(self, rows):
        """Bring the channels last, and check that all rows have the same."""
        shapes = np.array([row.shape for row in rows])
        axis = 0 if self.channels == "first" else 1
        if (shapes[:, axis] == shapes[0, axis]).all():
            return [row.T for row in rows] if self.channels == "first" else rows
        if (shapes[:, 1 - axis] == shapes[0, 1 - axis]).all():
            other = "last" if self.channels == "first" else "first"
            raise ValueError(
                f"The rows of X all have {shapes[0, 1 - axis]} entries along their "
                f"{('first', 'second')[1 - axis]} axis, and differ along the other, as with "
                f'channels="{other}"; but channels="{self.channels}".'
            )
        found, first = np.unique(shapes[:, axis], return_index=True)
        shown = ", ".join(
            f"{n} in row {row}" for row, n in sorted(zip(first, found, strict=True))[:_ROWS_SHOWN]
        )
        raise ValueError(
            f"The rows of X have different numbers of channels: {shown}; all must have the same."
        )

    def _floats(self, values):
        refuse_text(values, "X", "steps must be")
        dtype = lossless(values.dtype) if self.dtype is None else self.dtype
        with np.errstate(over="ignore"):  # it becomes infinite, which is reported
            return as_floats(values, dtype)

    def _ended(self, rows):
        """Leave out what comes after the last step that is there, and refuse infinities."""
        if np.isinf(rows.values).any():
            wrong = np.unique(rows.row_of_each()[np.isinf(rows.values).any(1)])
            raise ValueError(
                f"Input X contains infinity or a value too large for {rows.values.dtype} in "
                f"{len(wrong)} of {len(rows)} rows{_places(wrong)}. Drop such rows, or mark the "
                "values as missing (NaN)."
            )
        if self.max_length is not None:
            rows = rows.shortened(np.minimum(rows.lengths, self.max_length))
        missing = np.isnan(rows.values).all(axis=1)
        if not missing.any():
            return rows
        place = np.where(missing, -1, np.arange(len(missing)))
        lengths = np.maximum.reduceat(place, rows.starts) + 1 - rows.starts
        if (lengths <= 0).any():
            raise _without_steps(np.flatnonzero(lengths <= 0))
        return rows.shortened(lengths)


def _refuse_strangers(X):
    """Refuse what is no collection of sequences."""
    if isinstance(X, (str, bytes)):
        raise TypeError(f"X is one text, {X[:20]!r}; pass a list of texts.")
    if sp.issparse(X):
        raise _sparse_error("X is a sparse matrix")
    if isinstance(X, (Set, Mapping)):
        raise TypeError(
            f"X is a {type(X).__name__}, but rows need places, as y has them; pass a list of them."
        )
    if getattr(getattr(X, "index", None), "nlevels", 1) > 1 and len(X.shape) == 2:
        raise ValueError(
            "X is a DataFrame with a MultiIndex, whose rows are steps. "
            "sklearn_modern.utils.sequences_from_frame(X, by) makes sequences of it, one for each "
            "value of an index level or column."
        )


def _sparse_error(found):
    return TypeError(f"{found}, but sequences are dense; use .toarray() for a table of steps.")


def _refuse_column_of_texts(X):
    """Refuse a table whose only column holds texts."""
    shape = getattr(X, "shape", ())
    if len(shape) == 2 and shape[0] and shape[1] == 1 and isinstance(np.asarray(X)[0, 0], str):
        column = f"X[{X.columns[0]!r}]" if hasattr(X, "columns") else "X[:, 0]"
        raise ValueError(f"X is a table with one column of texts; pass that column, {column}.")


def _refuse_empty(array):
    if 0 in array.shape:
        raise ValueError(
            f"X has shape {array.shape}, but axis {array.shape.index(0)} must not have length 0."
        )


def _entries(X):
    """Return what X holds, one entry a row; None if it is an array of several axes."""
    shape = getattr(X, "shape", None)
    if shape is None:
        if not isinstance(X, Iterable) or not len(X):
            return None
    elif len(shape) != 1 or not shape[0]:
        return None
    else:
        dtype = X.dtype
        if (isinstance(dtype, np.dtype) and dtype.kind not in "OUST") or _is_numeric(dtype):
            return None
    return [_plain(entry, place) for place, entry in enumerate(X)]


def _plain(entry, place):
    """Make an array of a row that is one in another library's type, such as a DataFrame."""
    if isinstance(entry, (str, list, tuple)) or not hasattr(entry, "__array__"):
        if sp.issparse(entry):
            raise _sparse_error(f"Row {place} of X is a sparse matrix")
        return entry
    refuse_unreadable(entry, f"X[{place}]")
    array = np.asarray(entry)
    return array if array.ndim else array[()]


def _is_numeric(dtype):
    return getattr(dtype, "_is_numeric", False)


def _kind_of(entries):
    """Tell texts, lists of tokens and numbers apart; None if all rows are empty lists."""
    is_text = [isinstance(entry, str) for entry in entries]
    if all(is_text):
        return "text"
    if any(is_text):
        place = is_text.index(False)
        what = type(entries[place]).__name__
        if is_missing(entries[place]):
            wrong = [row for row, entry in enumerate(entries) if not isinstance(entry, str)]
            raise ValueError(
                f"X has texts, but {what} in {len(wrong)} rows{_places(wrong)}. Fill them in with "
                '"", or drop them.'
            )
        raise ValueError(
            f"X has a text in row {is_text.index(True)}, but {what} in row {place}; all rows must "
            "be of one kind."
        )
    if any(isinstance(entry, bytes) for entry in entries):
        raise ValueError("X has bytes; decode them first, as in text.decode('utf-8').")
    wrong = [row for row, entry in enumerate(entries) if is_missing(entry)]
    if wrong and (len(wrong) == len(entries) or any(isinstance(e, _CONTAINERS) for e in entries)):
        raise ValueError(
            f"X has {type(entries[wrong[0]]).__name__} in place of {len(wrong)} rows"
            f"{_places(wrong)}. Drop them."
        )
    holds_text = [_holds_text(entry) for entry in entries]
    if True not in holds_text:
        return "numbers" if False in holds_text else None
    if False in holds_text:
        raise ValueError(
            f"Row {holds_text.index(True)} of X holds tokens, but row {holds_text.index(False)} "
            "does not; all rows must be of one kind."
        )
    for place, entry in enumerate(entries):
        wrong = [token for token in entry if not isinstance(token, str) or not token]
        if wrong:
            raise ValueError(
                f"Row {place} of X is a list with {wrong[0]!r}, but tokens must be strings that "
                "are not empty."
            )
    return "tokens"


def _holds_text(entry):
    """Tell whether a row is a list of strings; None if it is empty, and may be one or not."""
    if not isinstance(entry, _CONTAINERS):
        return False
    if len(entry) == 0:
        return False if isinstance(entry, np.ndarray) and entry.dtype.kind not in "OUT" else None
    return isinstance(entry[0], str)


def _is_list_of_rows(entries: Sequence[Any]) -> bool:
    """Tell whether lists of numbers make a table or a stack: they have one length each."""
    if not all(isinstance(entry, (list, tuple)) for entry in entries):
        return not any(isinstance(entry, _CONTAINERS) for entry in entries)
    try:
        cells = np.asarray(entries, dtype=object)
    except ValueError:  # their parts have different lengths
        return False
    return cells.ndim > 1 and not any(
        issubclass(kind, _CONTAINERS) for kind in set(map(type, cells.flat))
    )


def _array(row, place):
    """Make an array of a row."""
    try:
        array = np.asarray(row)
        if array.dtype == object and any(isinstance(part, _CONTAINERS) for part in array.flat):
            array = np.asarray(array.tolist())  # arrays in an array, as files of columns give them
    except ValueError:
        raise ValueError(
            f"Row {place} of X has steps with different numbers of channels."
        ) from None
    return array


def _without_steps(rows):
    return ValueError(
        f"X has {len(rows)} rows without a step{_places(rows)}; each needs at least one that is "
        "not missing."
    )


def _places(rows):
    shown = ", ".join(str(row) for row in rows[:_ROWS_SHOWN])
    return f", at the positions {shown}" + (", ..." if len(rows) > _ROWS_SHOWN else "")
