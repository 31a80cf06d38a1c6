"""Read a table of mixed columns as numbers and category codes, for networks and boosters.

Which columns are categories is decided in the fit and kept. Afterwards columns are matched by name
and position, and categories by value, so that neither another order of levels nor another dtype
changes what a value means.
"""

from datetime import date, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.utils import assert_all_finite, check_array
from sklearn.utils.validation import validate_data

from sklearn_modern._inputs.cells import as_floats, is_missing, lossless, refuse_unreadable
from sklearn_modern._inputs.features import feature_positions
from sklearn_modern._inputs.text_columns import warn_unless_categories

__all__ = ["MISSING", "UNSEEN", "ColumnCoder", "Table", "frame_library", "read_numbers"]

MISSING = -1  # the code of None, NaN and pandas.NA
UNSEEN = -2  # the code of a value that the fit did not see


class Table(NamedTuple):
    """What a table holds.

    Attributes
    ----------
    numbers : ndarray or CSR matrix of shape (n_samples, n_numbers)
        C-contiguous floats, finite, or NaN where missing. It may be the caller's own array.
    codes : ndarray of int64 of shape (n_samples, n_categorical) or None
        0, 1, ... for known categories, `MISSING` and `UNSEEN`; None without categorical columns.
    """

    numbers: np.ndarray | sp.csr_matrix
    codes: np.ndarray | None


class ColumnCoder:
    """Tell numbers from categories, and code the categories as integers.

    Parameters
    ----------
    categorical_features : "from_dtype", None, or array-like of bool, int or str
        - "from_dtype": the columns of a pandas or polars DataFrame, or of an array of Python
          objects, that hold categories, strings or booleans; a column of objects counts as what all
          its values are. Any other array has none.
        - None: no column.
        - A mask, positions, or names of columns.
    dtype : numpy.float32, numpy.float64 or None, default=numpy.float32
        Of the numbers. None is float32 where that holds the input's type exactly, else float64.

    Attributes
    ----------
    categories : list of ndarray
        A categorical column's values seen in the fit: sorted, or in the order of its categorical
        dtype. A code is a position in it.
    numerical_indices, categorical_indices : ndarray of int64
        The positions of the columns in X.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.base import BaseEstimator
    >>> from sklearn_modern._inputs.columns import ColumnCoder
    >>> X = pd.DataFrame({"size": [1.5, None], "colour": ["red", "blue"]})
    >>> estimator, coder = BaseEstimator(), ColumnCoder()
    >>> coder.fit_transform(estimator, X).codes.ravel()
    array([1, 0])
    >>> coder.transform(estimator, X.replace("red", "green")).codes.ravel()
    array([-2,  0])
    """

    def __init__(self, categorical_features: Any = "from_dtype", dtype: Any = np.float32) -> None:
        self.categorical_features = categorical_features
        self.dtype = dtype

    def fit_transform(self, estimator: Any, X: Any) -> Table:
        """Decide which columns are categories, learn their values, and read the table.

        Sets ``n_features_in_`` and ``feature_names_in_`` of the ``estimator``.
        """
        asked = self.categorical_features
        split = asked is not None and not isinstance(asked, str)
        columns, names = _open(estimator, X, reset=True, split=split)
        kinds = _kinds(columns, names)
        self.categorical_indices = self._choose(columns, kinds, names)
        every = np.arange(len(kinds))
        self.numerical_indices = np.setdiff1d(every, self.categorical_indices)
        factors = self._factorize(columns)
        self.categories = [_seen(*factor) for factor in factors]
        if isinstance(asked, str):
            self._warn(kinds, names, factors)
        return self._table(columns, kinds, names, factors)

    def transform(self, estimator: Any, X: Any) -> Table:
        """Read a table that has the columns of the fit, else raise scikit-learn's error."""
        split = len(self.categorical_indices) > 0
        columns, names = _open(estimator, X, reset=False, split=split)
        kinds = _kinds(columns, names)
        return self._table(columns, kinds, names, self._factorize(columns))

    def _choose(self, columns, kinds, names):
        asked = self.categorical_features
        if isinstance(asked, str) and asked == "from_dtype":
            # Meta-estimators hand on an array of objects in the place of a mixed DataFrame.
            typed = isinstance(columns, list) or columns.dtype.kind == "O"
            asked = [typed and kind != "number" for kind in kinds]
        elif asked is None:
            asked = []
        return np.unique(
            feature_positions(
                asked, len(kinds), names, "categorical_features", others='"from_dtype", None, '
            )
        )

    def _warn(self, kinds, names, factors):
        for index, (codes, values, _) in zip(self.categorical_indices, factors, strict=True):
            if kinds[index] == "text":
                n_rows = np.count_nonzero(codes != MISSING)
                warn_unless_categories(values, n_rows, _label(names, index))

    def _factorize(self, columns):
        if sp.issparse(columns) and len(self.categorical_indices):
            raise ValueError(
                f"X is sparse, but {len(self.categorical_indices)} of its columns are "
                "categorical_features; pass a DataFrame or a dense array."
            )
        return [_factorize(_column(columns, index)) for index in self.categorical_indices]

    def _table(self, columns, kinds, names, factors):
        advice = "Encode it as numbers, or name it in categorical_features."
        numbers = _numbers(columns, kinds, names, self.numerical_indices, self.dtype, advice)
        if not factors:
            return Table(numbers, None)
        codes = np.empty((numbers.shape[0], len(factors)), dtype=np.int64)
        for position, (found, values, _) in enumerate(factors):
            label = _label(names, self.categorical_indices[position])
            codes[:, position] = _match(found, values, self.categories[position], label)
        return Table(numbers, codes)


def read_numbers(estimator: Any, X: Any, *, reset: bool, dtype: Any) -> np.ndarray | sp.csr_matrix:
    """Read a table without categories as numbers; see :class:`Table` and :class:`ColumnCoder`."""
    columns, names = _open(estimator, X, reset=reset, split=False)
    kinds = _kinds(columns, names)
    return _numbers(columns, kinds, names, np.arange(len(kinds)), dtype, "Encode it as numbers.")


def _open(estimator, X, *, reset, split):
    """Check shape and names; give a 2-D array, a CSR matrix or a list of columns, and the names.

    ``split`` keeps the columns of a DataFrame apart even if all are numbers.
    """
    if not reset and _is_plain_array(X, estimator):  # scikit-learn's checks take longer than a row
        return X, None
    refuse_unreadable(X, "X")
    library = frame_library(X)
    if library is None or _is_sparse_frame(X):
        if isinstance(X, (list, tuple)):
            X = _array_of_lists(X)
        checked = validate_data(
            estimator, X, reset=reset, dtype=None, accept_sparse="csr", ensure_all_finite=False
        )
        return checked, None if library is None else list(X.columns)
    names = list(X.columns)
    if len(set(names)) < len(names):
        repeated = sorted({str(name) for name in names if names.count(name) > 1})
        raise ValueError(f"X has duplicate column names: {repeated}. Names must be unique.")
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    if 0 in X.shape:
        check_array(np.empty(X.shape), estimator=estimator)  # raises scikit-learn's message
    if library == "polars":
        return [series.to_numpy() for series in X.get_columns()], names
    if not split and all(_is_plain_number(dtype) for dtype in X.dtypes):
        return X.to_numpy(), names
    return [X.iloc[:, index] for index in range(len(names))], names


def _is_plain_array(X, estimator):
    """Tell whether X is an array of numbers that has the shape of the fit, and needs no names."""
    return (
        type(X) is np.ndarray
        and X.dtype.kind in "iuf"
        and X.ndim == 2
        and len(X) > 0
        and X.shape[1] == estimator.n_features_in_
        and not hasattr(estimator, "feature_names_in_")
    )


def frame_library(X: Any) -> str | None:
    """Return "pandas" or "polars" for a DataFrame of these, else None."""
    for base in type(X).__mro__:  # recognised by name: neither library needs to be there
        library = base.__module__.partition(".")[0]
        if base.__name__ == "DataFrame" and library in ("pandas", "polars"):
            return library
    return None


def _is_sparse_frame(X):
    return X.shape[1] and all(getattr(dtype, "fill_value", None) == 0 for dtype in X.dtypes)


def _array_of_lists(X):
    array = np.asarray(X)
    # Beside text numpy would turn numbers into text, too.
    return np.array(X, dtype=object) if array.dtype.kind in "US" else array


def _is_plain_number(dtype):
    return isinstance(dtype, np.dtype) and dtype.kind in "iuf"


def _column(columns, index):
    return columns[index] if isinstance(columns, list) else columns[:, index]


def _label(names, index):
    return int(index) if names is None else repr(names[index])


def _kinds(columns, names):
    """Tell what each column holds: "number", "bool", "text" or "category"."""
    if not isinstance(columns, list) and columns.dtype.kind != "O":
        return [_kind(columns, _label(names, 0))] * columns.shape[1]
    width = len(columns) if isinstance(columns, list) else columns.shape[1]
    return [_kind(_column(columns, index), _label(names, index)) for index in range(width)]


def _kind(column, label):
    letter = column.dtype.kind
    if letter in "iufb":
        return "bool" if letter == "b" else "number"
    if hasattr(column.dtype, "categories"):
        return "category"
    if letter in "UST" or column.dtype.type is str:
        return "text"
    if letter == "c":
        raise ValueError(
            f"Complex data not supported: column {label} of X has dtype {column.dtype}. "
            "Pass the real and the imaginary part as two columns."
        )
    if letter in "Mm":
        raise _date_error(label, f"dtype {column.dtype}")
    return _kind_of_objects(np.asarray(column, dtype=object), label)


def _kind_of_objects(values, label):
    types = set(map(type, values))
    if types not in ({str}, {float}, {int}):  # else nothing can be missing, or it is a number
        types = {type(value) for value in values if not is_missing(value)}

    def all_are(*classes):
        return all(issubclass(found, classes) for found in types)

    if not types or (all_are(Real, Decimal, np.bool_) and not all_are(bool, np.bool_)):
        return "number"
    if all_are(bool, np.bool_):
        return "bool"
    if all_are(str) or all_are(bytes):
        return "text"
    listed = ", ".join(sorted(found.__name__ for found in types))
    if any(issubclass(found, (str, bytes)) for found in types):
        raise ValueError(
            f"Column {label} of X mixes text with other values, of types {listed}. "
            "Make all of them numbers, or all of them strings."
        )
    if all_are(date, timedelta, np.datetime64, np.timedelta64):
        raise _date_error(label, f"values of type {listed}")
    raise TypeError(
        f"Column {label} of X holds values of type {listed}; "
        "the argument must be a string or a number in every cell."
    )


def _date_error(label, found):
    return ValueError(
        f"Column {label} of X holds dates or durations ({found}). Turn it into numbers, such as "
        "the days since a date, or into categories, such as the month."
    )


def _numbers(columns, kinds, names, indices, dtype, advice):
    """Read the numerical columns as floats."""
    for index in indices:
        label, kind = _label(names, index), kinds[index]
        if kind == "category":
            kind = _kind(columns[index].cat.categories, label)
        if kind == "text":
            raise ValueError(f"Column {label} of X holds text, which is not numeric. {advice}")
    dtype = _lossless(columns, indices) if dtype is None else np.dtype(dtype)
    with np.errstate(over="ignore"):  # a number too large for the dtype is reported below
        numbers = _convert(columns, indices, dtype)
    try:
        assert_all_finite(numbers, allow_nan=True)
    except ValueError:
        raise _infinity_error(numbers, names, indices) from None
    return numbers


def _lossless(columns, indices):
    several = isinstance(columns, list)
    return lossless(*([columns[index].dtype for index in indices] if several else [columns.dtype]))


def _convert(columns, indices, dtype):
    if sp.issparse(columns):
        numbers = columns.astype(dtype, copy=False)
        if not numbers.has_canonical_format:
            numbers = numbers.copy()
            numbers.sum_duplicates()
        return numbers
    if not isinstance(columns, list):
        block = columns if len(indices) == columns.shape[1] else columns[:, indices]
        return _floats(block, dtype)
    numbers = np.empty((len(columns[0]), len(indices)), dtype=dtype)
    for position, index in enumerate(indices):
        numbers[:, position] = _floats(columns[index], dtype)
    return numbers


def _floats(values, dtype):
    if not isinstance(values.dtype, np.dtype) and not hasattr(values.dtype, "categories"):
        return values.to_numpy(dtype=dtype, na_value=np.nan)
    return as_floats(values, dtype)


def _infinity_error(numbers, names, indices):
    where = ""
    if not sp.issparse(numbers):
        infinite = np.isinf(numbers)
        first = int(infinite.any(axis=0).argmax())
        label = _label(names, indices[first])
        where = f" in {infinite[:, first].sum()} of {len(numbers)} rows of column {label}"
    return ValueError(
        f"Input X contains infinity or a value too large for {numbers.dtype}{where}. "
        "Drop such rows, or mark the values as missing (NaN)."
    )


def _factorize(column):
    """Code a column's values, -1 where missing, list them, and say if they are in a set order."""
    if hasattr(column.dtype, "categories"):
        return column.cat.codes.to_numpy(dtype=np.int64), _plain(column.cat.categories), True
    if hasattr(column, "iloc"):
        import pandas as pd

        codes, values = pd.factorize(column)
        return codes, _plain(values), False
    if column.dtype == object:
        return *_factorize_objects(column), False
    known = column == column  # not NaN
    codes = np.full(len(column), MISSING)
    values, codes[known] = np.unique(column[known], return_inverse=True)
    return codes, values, False


def _factorize_objects(column):
    values = [value for value in set(column) if not is_missing(value)]
    code = {value: index for index, value in enumerate(values)}
    codes = np.fromiter((code.get(value, MISSING) for value in column), np.int64, len(column))
    return codes, np.array(values, dtype=object)


def _seen(codes, values, in_order):
    known = values[np.unique(codes[codes >= 0])]
    return known if in_order else np.sort(known)


def _plain(values):
    """Make pandas' values an array that needs no pandas, where there is one for them."""
    return np.asarray(values, dtype=None if values.dtype.kind in "iufb" else object)


def _match(codes, values, known, label):
    """Turn the codes of a column's own values into positions among the known ones."""
    if len(values) and len(known) and _is_text(values) != _is_text(known):
        kinds = ("text", "no text") if _is_text(values) else ("no text", "text")
        raise ValueError(
            f"Column {label} of X holds {kinds[0]}, but it held {kinds[1]} in the fit: "
            f"{values[0]!r} now, {known[0]!r} then. Its values must be of the same type."
        )
    position = {value: index for index, value in enumerate(known.tolist())}
    # The last entry is what the code of a missing value, -1, picks.
    lookup = [position.get(value, UNSEEN) for value in values.tolist()]
    return np.array([*lookup, MISSING], dtype=np.int64)[codes]


def _is_text(values):
    return len(values) > 0 and isinstance(values[0], (str, bytes))
