"""The table that models are fitted to."""

import re
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse as sp

from sklearn_modern._core.optional import import_optional
from sklearn_modern._inputs.text_columns import warn_unless_categories

__all__ = ["is_category", "objects_as_numbers", "plain_categories", "read_table"]

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_NUMBER_OF_MONTH = r"(?:0?[1-9]|1[0-2])"
_YEAR = r"(?:\d{4}|'?\d{2})"
_SEPARATOR = r"[-/. ]"
# Day and month may stand in either order. Versions such as 1.2.3 are no dates: a year has two
# digits at least.
_DATE = re.compile(
    rf"\s*(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?(?:"
    rf"\d{{4}}({_SEPARATOR}){_NUMBER_OF_MONTH}\1{_DAY}"
    rf"|{_DAY}({_SEPARATOR}){_NUMBER_OF_MONTH}\2{_YEAR}"
    rf"|{_NUMBER_OF_MONTH}({_SEPARATOR}){_DAY}\3{_YEAR}"
    rf"|(?:19|20)\d{{2}}[-/](?:0[1-9]|1[0-2])"
    rf"|(?:0?[1-9]|1[0-2])[-/](?:19|20)\d{{2}}"
    rf"|(?:{_DAY}(?:st|nd|rd|th)?\.?[-/ ]*)?{_MONTH}[-/, ]*{_YEAR}"
    rf"|{_MONTH}[-/ ]*{_DAY}(?:st|nd|rd|th)?[-/, ]+{_YEAR}"
    rf"|\d{{4}}[-/ ]*{_MONTH}(?:[-/ ]*{_DAY})?"
    rf")(?:,?[T ].*)?\s*",
    re.IGNORECASE,
)
_LOOKED_AT = 200


def read_table(X: Any, *, settle: bool = True) -> Any:
    """Return X as a DataFrame whose columns the models can take, or as an array of numbers.

    What a column is must not depend on the rows of a split: text and booleans with gaps become
    categories, and objects that are numbers, and pandas' nullable numbers, those of numpy.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        The data.
    settle : bool, default=True
        Whether columns get such dtypes. Models that were fitted before must see those of their fit.
    """
    pandas = import_optional("pandas", extra="report", feature="A report")
    if sp.issparse(X):
        raise ValueError("X is sparse, but a report is of a table; pass X.toarray().")
    if not hasattr(X, "iloc"):
        if hasattr(X, "to_pandas"):
            X = X.to_pandas()
        else:
            X = np.asarray(X)
            if X.ndim != 2:
                raise ValueError(f"X has the shape {X.shape}; expected a table, rows by columns.")
            if X.dtype.kind in "biuf":
                _check(pandas, pandas.DataFrame(X))
                _check_finite(pandas.DataFrame(X))
                return X
            X = pandas.DataFrame(X).infer_objects()
    X = X.reset_index(drop=True)
    # Names that are all numbers are none to scikit-learn, neither here nor in later tables.
    if not all(isinstance(name, Integral) for name in X.columns):
        X.columns = [str(name) for name in X.columns]
    if X.shape[1] == 0:
        raise ValueError("The table has no column besides the target.")
    twice = X.columns[X.columns.duplicated()].unique().tolist()
    if twice:
        raise ValueError(
            f"Several columns are called {_named(twice)}; give each column a name of its own."
        )
    _check(pandas, X)
    for position in range(X.shape[1]) if settle else ():
        X.isetitem(position, _settled(pandas, X.iloc[:, position]))
    _check_finite(X)
    return X


def is_category(column: Any) -> bool:
    """Tell whether a column of a DataFrame has categories: text, booleans, or so declared."""
    pandas = import_optional("pandas", extra="report", feature="A report")
    types = pandas.api.types
    return types.is_bool_dtype(column.dtype) or not types.is_numeric_dtype(column.dtype)


def objects_as_numbers(series: Any) -> Any:
    """Return a Series of objects that all are numbers as such, and any other as it is.

    Parameters
    ----------
    series : Series
        Values, of which some may be missing.
    """
    if series.dtype != object:
        return series
    series = series.infer_objects()
    known = series.dropna()
    if series.dtype != object or known.empty:
        return series
    if any(
        isinstance(one, bool | np.bool_) or not isinstance(one, Real | Decimal) for one in known
    ):
        return series
    return known.astype(float).reindex(series.index)


def plain_categories(table: Any) -> np.ndarray:
    """Return columns of categories as objects, with NaN for whatever stands for a missing value.

    Parameters
    ----------
    table : DataFrame or ndarray
        Columns of any dtype.
    """
    pandas = import_optional("pandas", extra="report", feature="A report")
    values = np.array(table, dtype=object)
    values[pandas.isna(values)] = np.nan
    return values


def _settled(pandas, column):
    """Return a column in a dtype that its parts have, too."""
    types = pandas.api.types
    if isinstance(column.dtype, pandas.CategoricalDtype):
        return column
    column = objects_as_numbers(column)
    missing = column.isna()
    if types.is_bool_dtype(column.dtype) and not missing.any():
        return column.astype(bool)
    if types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype):
        if isinstance(column.dtype, np.dtype):
            return column
        return pandas.Series(column.to_numpy(dtype=float, na_value=np.nan), column.index)
    values = column.to_numpy(dtype=object)
    kinds = {type(value) for value in values[~missing]}
    if len(kinds) > 1 and str in kinds:
        raise ValueError(
            f"Column {column.name!r} mixes {' and '.join(sorted(kind.__name__ for kind in kinds))};"
            " make all values text, or all numbers."
        )
    if not kinds <= {str, bool, np.bool_, np.str_}:
        return column  # for the models to refuse
    settled = pandas.Series(pandas.Categorical(values), column.index)
    if kinds & {str, np.str_}:  # of declared categories the models do not warn
        known = settled.cat.categories.to_numpy(dtype=object)
        warn_unless_categories(known, int((~missing).sum()), repr(column.name))
    return settled


def _check(pandas, table):
    """Refuse columns that the models would refuse, or that tell nothing."""
    if empty := [name for name in table.columns if table[name].isna().all()]:
        raise ValueError(f"{_columns(empty)} no value in any row; drop {_it(empty)} (--drop).")
    if dates := [name for name in table.columns if _has_dates(pandas, table[name])]:
        raise ValueError(
            f"{_columns(dates)} dates, which no model takes as they are: drop {_it(dates)} "
            "(--drop), or replace them by numbers such as the year, the weekday or the days since "
            "an event. If later rows are to be predicted, sort by date and split in time "
            "(outer_cv=TimeSeriesSplit(5))."
        )


def _check_finite(table):
    numbers = table.select_dtypes("number")
    infinite = [
        name
        for name in numbers.columns
        if np.isinf(numbers[name].to_numpy(dtype=float, na_value=np.nan)).any()
    ]
    if infinite:
        raise ValueError(f"{_columns(infinite)} infinite values; make them missing, or finite.")


def _has_dates(pandas, column):
    types = pandas.api.types
    if types.is_datetime64_any_dtype(column.dtype) or isinstance(column.dtype, pandas.PeriodDtype):
        return True
    if types.is_numeric_dtype(column.dtype):
        return False
    shown = column.dropna().head(_LOOKED_AT).tolist()
    return all(isinstance(value, str) and _DATE.fullmatch(value) for value in shown) or all(
        hasattr(value, "isoformat") for value in shown
    )


def _columns(names):
    word, verb = ("Column", "has") if len(names) == 1 else ("Columns", "have")
    return f"{word} {_named(names)} {verb}"


def _named(names):
    shown = ", ".join(repr(name) for name in names[:5])
    return shown + (", ..." if len(names) > 5 else "")


def _it(names):
    return "it" if len(names) == 1 else "them"
