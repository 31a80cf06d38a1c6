"""Rows that are made of noise by one of several members each."""

from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["drawn_by_members", "given_to_members"]

# Rows of noise that a member turns into rows of data at once.
_ROWS_TOGETHER = 1024


def drawn_by_members(
    n_members: int,
    n_rows: int,
    shape: Sequence[int],
    random: np.random.RandomState,
    draw: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> np.ndarray:
    """Let one of the members, by chance, make each row of normal noise.

    Parameters
    ----------
    n_members : int
        How many members there are.
    n_rows : int
        How many rows to make.
    shape : sequence of int
        Shape of a row of noise.
    random : RandomState
        Where noise and choices come from.
    draw : callable
        From the places of rows (members, n) and their noise (members, n, *shape) to what each
        member makes of them (members, n, ...).

    Returns
    -------
    ndarray of shape (n_rows, ...)
        What was made.
    """
    members = random.randint(n_members, size=n_rows)
    noise = random.standard_normal((n_rows, *shape))
    parts, together = [], _ROWS_TOGETHER * n_members
    for start in range(0, n_rows, together):
        part = slice(start, start + together)
        rows = np.arange(n_rows)[part]
        parts.append(given_to_members(n_members, rows, members[part], noise[part], draw))
    return np.concatenate(parts)


def given_to_members(
    n_members: int,
    rows: np.ndarray,
    members: np.ndarray,
    noise: np.ndarray,
    draw: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> np.ndarray:
    """Let each row of noise become a row of data by the member that is named for it.

    Parameters
    ----------
    n_members, draw
        As for :func:`drawn_by_members`.
    rows, members : ndarray of int of shape (n,)
        The places of the rows, and who makes them.
    noise : ndarray of shape (n, ...)
        Of what.

    Returns
    -------
    ndarray of shape (n, ...)
        What was made.
    """
    order = members.argsort(kind="stable")
    counts = np.bincount(members, minlength=n_members)
    own = members[order], np.arange(len(rows)) - np.repeat(counts.cumsum() - counts, counts)
    # Members with fewer rows get some more, which nobody takes.
    index = np.zeros((n_members, counts.max()), dtype=np.int64)
    by_member = np.zeros((*index.shape, *noise.shape[1:]))
    index[own], by_member[own] = rows[order], noise[order]
    found = draw(index, by_member)[own]
    made = np.empty(found.shape)
    made[order] = found
    return made
