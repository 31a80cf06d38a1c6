"""What may stand in the cells of X, y and weights, and what is refused before anything reads it."""

from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

__all__ = [
    "as_floats",
    "is_missing",
    "lossless",
    "refuse_containers",
    "refuse_missing",
    "refuse_text",
    "refuse_unreadable",
]

_CONTAINERS = (dict, frozenset, list, np.ndarray, set, tuple)
_DATES = (date, time, timedelta, np.datetime64, np.timedelta64)
_ROWS_SHOWN = 5


def refuse_unreadable(values: Any, name: str) -> None:
    """Refuse what numpy would read without a part that matters, or could not read.

    These are hidden values of masked arrays, the gradients of tensors, and records.

    Parameters
    ----------
    values : object
        What the user passed.
    name : str
        Its name, for messages.
    """
    for part in (values, *(values if isinstance(values, (list, tuple)) else ())):
        if np.ma.is_masked(part):
            raise ValueError(
                f"{name} is a masked array with {np.ma.count_masked(part)} hidden values. Drop "
                f"their rows, or fill them in: {name}.filled(numpy.nan) marks them as missing."
            )
        if getattr(part, "requires_grad", False):
            raise ValueError(
                f"{name} is a tensor that requires a gradient, which cannot be followed here; pass "
                f"{name}.detach()."
            )
        if getattr(getattr(part, "dtype", None), "names", None):
            raise ValueError(
                f"{name} is an array of records, with the fields {list(part.dtype.names)}; pass a "
                "plain array, or a DataFrame."
            )


def refuse_containers(values: np.ndarray, name: str) -> None:
    """Refuse lists, tuples and the like in the cells of an array."""
    kinds = set(map(type, values.flat)) if values.dtype == object else ()
    if wrong := sorted(kind.__name__ for kind in kinds if issubclass(kind, _CONTAINERS)):
        raise ValueError(
            f"{name} holds values of type {', '.join(wrong)}; each must be one label or number."
        )


def refuse_missing(values: np.ndarray, name: str) -> None:
    """Refuse NaN, NaT, None and pandas.NA, and say in which rows they are."""
    if values.dtype.kind in "mM":
        missing = np.isnat(values)
    elif values.dtype.kind == "O":
        missing = np.frompyfunc(is_missing, 1, 1)(values).astype(bool)
    else:
        missing = values != values
    rows = np.flatnonzero(missing.reshape(len(values), -1).any(axis=1)) if missing.any() else ()
    if len(rows):
        shown = ", ".join(map(str, rows[:_ROWS_SHOWN].tolist()))
        more = ", ..." if len(rows) > _ROWS_SHOWN else ""
        kinds = ", ".join(sorted({type(value).__name__ for value in values[missing].flat}))
        raise ValueError(
            f"Input {name} contains NaN or other missing values ({kinds}) in {len(rows)} of "
            f"{len(values)} rows, at the positions {shown}{more}. Drop these rows."
        )


def refuse_text(values: np.ndarray, name: str, needs: str) -> None:
    """Refuse text, dates and complex numbers, which a conversion to float would let through.

    Parameters
    ----------
    values : ndarray
        An array of any type.
    name : str
        Its name, for messages.
    needs : str
        What needs numbers, for messages.
    """
    if values.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: {name} has dtype {values.dtype}.")
    found = f"dtype {values.dtype}" if values.dtype.kind in "SUTVmM" else ""
    if values.dtype.kind == "O":
        kinds = sorted(kind.__name__ for kind in set(map(type, values.flat)) if _is_text(kind))
        found = f"values of type {', '.join(kinds)}" if kinds else ""
    if found:
        raise ValueError(f"{name} has {found} and is not numeric; {needs} numbers.")


def as_floats(values: Any, dtype: Any) -> np.ndarray:
    """Convert an array or a column; a whole number beyond any float becomes infinite."""
    try:
        return np.asarray(values, dtype=dtype, order="C")
    except (OverflowError, TypeError):  # numpy reads None as NaN, but not pandas' NA
        found = np.frompyfunc(_float, 1, 1)(np.asarray(values))
        return np.asarray(found, dtype=dtype, order="C")


def lossless(*dtypes: Any) -> type:
    """Return float32 if that holds numbers of all these types exactly, else float64."""
    exact = [d if isinstance(d, np.dtype) and d.kind in "iufb" else np.float64 for d in dtypes]
    return np.float32 if np.result_type(np.float32, *exact) == np.float32 else np.float64


def is_missing(value: Any) -> bool:
    """Tell whether a value is None, NaN, NaT or pandas.NA."""
    if isinstance(value, (float, np.floating, Decimal)):
        return value != value
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _is_text(kind):
    """Tell whether values of a type are text or dates, rather than numbers."""
    return issubclass(kind, (str, bytes, *_DATES))


def _float(value):
    try:
        return np.nan if is_missing(value) else float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf
