"""Which rows of a table are equal."""

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp

from sklearn_modern._inputs.columns import Table

__all__ = ["equal_rows", "row_codes", "table_columns"]

# Columns are seldom independent, so that more rows are equal by chance than if they were.
_CLEARLY_MORE = 3
_HARDLY_ANY = 0.1
_NEGLIGIBLE = 1e-9


def row_codes(table: Table) -> np.ndarray:
    """Give each row of a table a number that only equal rows have.

    Rows are compared by a hash of 64 bits. Two different rows of a million share one by chance in
    one of 30 million tables.

    Parameters
    ----------
    table : Table
        Numbers and categories.

    Returns
    -------
    ndarray of int64 of shape (n_samples,)
        The numbers, from 0.
    """
    numbers, categories = table
    hashes = _of_sparse(numbers) if sp.issparse(numbers) else _of_columns(numbers.T, 0)
    if categories is not None:
        hashes = hashes + _of_columns(categories.T, numbers.shape[1])
    return np.unique(hashes, return_inverse=True)[1].astype(np.int64, copy=False)


def equal_rows(table: Table, codes: np.ndarray) -> np.ndarray:
    """Tell which rows have an equal one that chance does not explain.

    By chance, a row has as many equal ones as if its values were drawn independently, each with
    its frequency in the column. Rows for which that is hardly any are reported, if there are
    clearly more of them than that.

    Parameters
    ----------
    table : Table
        Numbers and categories.
    codes : ndarray of int64 of shape (n_samples,)
        The numbers of the rows.

    Returns
    -------
    ndarray of bool of shape (n_samples,)
        The rows.
    """
    others = np.bincount(codes)[codes] - 1
    if not others.any():
        return others > 0
    expected = np.full(len(codes), float(len(codes)))
    for values in table_columns(table):
        _, places, counts = np.unique(_bits(values), return_inverse=True, return_counts=True)
        expected *= counts[places] / len(codes)
        if expected.max() < _NEGLIGIBLE:
            break
    rare = expected < _HARDLY_ANY
    clearly = others[rare].sum() > _CLEARLY_MORE * expected[rare].sum()
    return rare & (others > 0) & clearly


def table_columns(table: Table) -> Iterator[np.ndarray]:
    """Yield each column of numbers, then of codes."""
    numbers = table.numbers.tocsc() if sp.issparse(table.numbers) else table.numbers
    for place in range(numbers.shape[1]):
        column = numbers[:, [place]]
        yield column.toarray().ravel() if sp.issparse(column) else column.ravel()
    yield from () if table.codes is None else table.codes.T


def _of_columns(columns, first):
    """Add up the hashes of the cells, which depend on the value and the column."""
    total = np.zeros(columns.shape[1], dtype=np.uint64)
    for index, values in enumerate(columns, start=first):
        total += _mixed(_bits(values) + _salt(index))
    return total


def _of_sparse(matrix):
    """Hash the cells that are stored, other than zeros."""
    csr = sp.csr_matrix(matrix, copy=True)
    csr.eliminate_zeros()
    hashed = _mixed(_bits(csr.data) + _salt(csr.indices))
    ends = np.append(np.zeros(1, np.uint64), np.cumsum(hashed, dtype=np.uint64))
    return ends[csr.indptr[1:]] - ends[csr.indptr[:-1]]


def _bits(values):
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), np.nan, values + 0.0)  # one NaN, and no minus zero
    return np.ascontiguousarray(values).view(np.uint64)


def _salt(index):
    return _mixed(np.atleast_1d(np.asarray(index, dtype=np.uint64)) + np.uint64(1))


def _mixed(bits):
    """Mix bits so that sums of them are as good as random (splitmix64)."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
