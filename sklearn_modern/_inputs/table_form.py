"""Write rows in the form that a table had: its kind, names and types of columns."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from sklearn_modern._inputs.columns import frame_library

__all__ = ["TableForm"]


class TableForm:
    """The form of a table.

    It is kept as plain names, so that a pickle of it needs no library of DataFrames.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The table, after it was checked.
    whole_columns : sequence of int, default=()
        Columns of numbers that are whole, whatever their type is.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn_modern._inputs.table_form import TableForm
    >>> form = TableForm(pd.DataFrame({"size": [1, 2], "colour": ["red", "blue"]}))
    >>> form.restore([np.array([1.7]), np.array(["red"])], whole=True)
       size colour
    0     2    red
    """

    def __init__(self, X: Any, whole_columns: Sequence[int] = ()) -> None:
        self.whole_columns = set(whole_columns)
        self.library = frame_library(X)
        if self.library is None:
            array = X if hasattr(X, "dtype") else np.asarray(X)
            # Lists with texts hold objects; numpy would make texts of their numbers.
            self.dtype = np.dtype(object) if array.dtype.kind in "US" else array.dtype
            return
        self.names = list(X.columns)
        self.level_names = list(getattr(X.columns, "names", ()))
        kinds = X.dtypes if self.library == "polars" else X.dtypes.tolist()
        self.kinds = [_kind(kind) for kind in kinds]

    def restore(self, columns: Sequence[np.ndarray], *, whole: bool) -> Any:
        """Make a table of columns.

        Parameters
        ----------
        columns : sequence of ndarray of shape (n_samples,)
            One for each column: floats, NaN where missing, or values, None where missing.
        whole : bool
            Whether numbers are whole where the table had whole ones only, by the type of a column
            or by its values. Otherwise they are floats there.

        Returns
        -------
        ndarray or DataFrame of shape (n_samples, n_features)
            A DataFrame has a new index.
        """
        if whole:
            columns = [self._rounded(*pair) for pair in enumerate(columns)]
        if self.library is None:
            return self._array(columns, whole)
        library = import_module(self.library)
        make = _pandas_column if self.library == "pandas" else _polars_column
        pairs = zip(columns, self.kinds, strict=True)
        made = [make(library, column, *kind, whole) for column, kind in pairs]
        if self.library == "polars":
            return library.DataFrame(dict(zip(self.names, made, strict=True)))
        frame = library.DataFrame(dict(enumerate(made)))
        frame.columns = self.names
        if len(self.level_names) > 1:
            frame.columns = library.MultiIndex.from_tuples(self.names, names=self.level_names)
        return frame

    def _rounded(self, index, column):
        if index not in self.whole_columns:
            return column
        column = np.rint(column)
        kind = self.dtype.name if self.library is None else self.kinds[index][0]
        if kind != "object":
            return column
        return np.array([n if np.isnan(n) else int(n) for n in column.tolist()], dtype=object)

    def _array(self, columns, whole):
        if self.dtype.kind in "biu":
            table = np.column_stack(columns)
            return _as_whole(table, self.dtype) if whole else table.astype(np.float64)
        table = np.empty((len(columns[0]), len(columns)), dtype=self.dtype)
        for index, column in enumerate(columns):
            table[:, index] = column
        return table


def _kind(dtype):
    """Return the name of a column's type, and what else it takes to make it."""
    name = type(dtype).__name__
    if name not in ("CategoricalDtype", "Enum"):
        return str(dtype), None
    return name, (np.asarray(dtype.categories), getattr(dtype, "ordered", True))


def _as_whole(values, dtype):
    values = np.asarray(values, dtype=np.float64)
    if dtype.kind == "b":
        return values > 0.5
    limits, values = np.iinfo(dtype), np.rint(values)
    # As a float, the largest number may be one more, which would wrap around.
    is_large = values >= float(limits.max)
    whole = np.where(is_large, 0, np.maximum(values, limits.min)).astype(dtype)
    whole[is_large] = limits.max
    return whole


def _pandas_column(pd, values, name, levels, whole):
    if levels is not None:
        categories, ordered = levels
        return pd.Series(pd.Categorical(values, categories=categories, ordered=ordered))
    dtype = pd.api.types.pandas_dtype(name)
    if dtype.kind in "iu":
        if not whole:
            return pd.Series(values, dtype="float64" if isinstance(dtype, np.dtype) else "Float64")
        plain = dtype if isinstance(dtype, np.dtype) else dtype.numpy_dtype
        series = pd.Series(_as_whole(np.nan_to_num(values), plain), dtype=dtype)
        missing = np.isnan(values)
        return series.mask(missing) if missing.any() else series
    return pd.Series(values, dtype=dtype)


def _polars_column(pl, values, name, levels, whole):
    if levels is not None:
        return pl.Series(values.tolist(), dtype=pl.Enum(levels[0].tolist()))
    dtype = getattr(pl, name)
    if not dtype.is_numeric():
        return pl.Series(values.tolist(), dtype=dtype)
    numbers = pl.Series(np.asarray(values, dtype=np.float64), nan_to_null=True)
    if not dtype.is_integer():
        return numbers.cast(dtype)
    return numbers.round(0).cast(dtype) if whole else numbers
