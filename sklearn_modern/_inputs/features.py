"""Features, by position, name or mask."""

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["feature_positions"]


def feature_positions(
    asked: Any, width: int, names: Sequence[str] | None, parameter: str, others: str = ""
) -> np.ndarray:
    """Return the positions of features.

    Parameters
    ----------
    asked : array-like
        A boolean mask, positions, or names.
    width : int
        Number of features.
    names : sequence of str or None
        Their names, if they have any.
    parameter : str
        The parameter that lists them, for messages.
    others : str, default=""
        What else the parameter may be, for messages.

    Returns
    -------
    ndarray of int
        Positions, in the order of ``asked``.
    """
    asked = np.asarray(asked)
    if asked.ndim == 1 and asked.size == 0:
        return asked.astype(np.int64)
    if asked.ndim == 1 and asked.dtype.kind == "b":
        if len(asked) != width:
            raise ValueError(
                f"{parameter} is a mask of {len(asked)} values, but X has {width} features."
            )
        return np.flatnonzero(asked)
    if asked.ndim == 1 and asked.dtype.kind in "iu":
        if wrong := [int(index) for index in asked if not 0 <= index < width]:
            raise ValueError(
                f"{parameter} has positions {wrong}, but the {width} features of X have "
                f"positions 0 to {width - 1}."
            )
        return asked
    if asked.ndim == 1 and all(isinstance(name, str) for name in asked.tolist()):
        positions = {} if names is None else {name: i for i, name in enumerate(names)}
        if unknown := [name for name in asked.tolist() if name not in positions]:
            known = (
                "X has no column names" if names is None else f"the columns of X are {list(names)}"
            )
            raise ValueError(f"{parameter} has names {unknown}, but {known}.")
        return np.array([positions[name] for name in asked])
    raise ValueError(
        f"{parameter}={asked.tolist()!r} is not understood; it is {others}a boolean mask, or a "
        "list of positions or of column names."
    )
