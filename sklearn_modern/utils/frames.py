"""Make sequences of long tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["sequences_from_frame"]


def sequences_from_frame(frame: Any, by: Any) -> np.ndarray:
    """Make sequences of a long DataFrame, in which each row is one step.

    Parameters
    ----------
    frame : DataFrame
        The steps of each sequence in their order. All columns but those in ``by`` are channels, and
        must be numbers; leave out a column of targets.
    by : str or list of str
        The columns or index levels that tell sequences apart.

    Returns
    -------
    ndarray of object of shape (n_sequences,)
        Arrays (length, channels), in the order in which the sequences first occur. Targets that
        the table has have the same order in ``table.reset_index().drop_duplicates(by)["target"]``.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_modern.utils import sequences_from_frame
    >>> frame = pd.DataFrame({"run": [1, 1, 2], "speed": [0.5, 0.7, 0.1], "load": [1, 2, 3]})
    >>> sequences = sequences_from_frame(frame, by="run")
    >>> [sequence.shape for sequence in sequences]
    [(2, 2), (1, 2)]
    """
    if not hasattr(frame, "groupby") or not hasattr(frame, "columns"):
        kind = type(frame)
        found = f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
        raise TypeError(f"frame must be a DataFrame of pandas, not {found}.")
    if not len(frame):
        raise ValueError("frame has no row, and so no sequence.")
    several = isinstance(by, Sequence) or hasattr(by, "tolist")
    names = list(by) if several and not isinstance(by, str) else [by]
    known = [*frame.columns, *(name for name in frame.index.names if name is not None)]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ValueError(f"by={by!r} must name columns or index levels; there are {known}.")
    channels = frame.drop(columns=[name for name in names if name in frame.columns])
    texts = [
        name for name, kind in channels.dtypes.items() if getattr(kind, "kind", "O") in "OSUMmc"
    ]
    if texts or not len(channels.columns):
        found = f"the columns {texts}" if texts else "no column"
        raise ValueError(
            f"frame has {found} besides by={by!r}; channels must be numbers, at least one."
        )
    values = channels.to_numpy(dtype=np.float64, na_value=np.nan)
    # Grouped by a level of an index, some versions of pandas sort.
    levels = [name for name in names if name not in frame.columns]
    keys = frame.reset_index(level=levels) if levels else frame
    code = keys.groupby(names, sort=False, dropna=False).ngroup().to_numpy()
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(np.bincount(code))
    sequences = np.empty(len(ends), dtype=object)
    for place, rows in enumerate(np.split(order, ends[:-1])):
        sequences[place] = values[rows]
    return sequences
