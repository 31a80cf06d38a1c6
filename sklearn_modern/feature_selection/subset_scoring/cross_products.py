"""Cross-products of the rows of a fold, computed as they are needed."""

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np

__all__ = ["CrossProducts"]

# Standardised rows are kept up to this many numbers, and made anew for each use beyond.
_KEPT = 2**19
# Numbers that rows which are used at once may take.
_SLAB = 2**18
# Products of up to this many columns are computed together if rows have to be made anew.
_TOGETHER = 2**9


class CrossProducts:
    """Products of standardised columns with each other.

    There may be thousands of columns, of which few ever become part of a reference; so a row of the
    matrix of all products is computed when it is asked for first.

    Parameters
    ----------
    matrix : callable
        Returns the rows of the data, of shape (n_rows, n_features).
    offset : ndarray of shape (n_features,)
        Is subtracted from each row.
    scale : ndarray of shape (n_features,)
        The columns are divided by it.
    root : ndarray of shape (n_rows,) or None, default=None
        Square roots of the rows' weights.
    """

    def __init__(
        self,
        matrix: Callable[[], np.ndarray],
        offset: np.ndarray,
        scale: np.ndarray,
        root: np.ndarray | None = None,
    ) -> None:
        self._matrix, self._offset, self._scale, self._root = matrix, offset, scale, root
        self._kept: np.ndarray | None = None
        n_features = len(offset)
        self._place = np.full(n_features, -1)
        self._rows = np.empty((0, n_features))

    @cached_property
    def diagonal(self) -> np.ndarray:
        """Squares of the columns."""
        return sum(np.einsum("ij,ij->i", slab, slab) for _, slab in self.slabs())

    def slabs(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield standardised rows, transposed, and where they stand."""
        if self._kept is not None:
            yield slice(None), self._kept
            return
        matrix = self._matrix()
        step = max(1, len(matrix) if matrix.size <= _KEPT else _SLAB // matrix.shape[1])
        for start in range(0, len(matrix), step):
            part = slice(start, start + step)
            slab = np.subtract(matrix[part].T, self._offset[:, None], order="C")
            slab /= self._scale[:, None]
            if self._root is not None:
                slab *= self._root[part]
            if step >= len(matrix):
                self._kept = slab
            yield part, slab

    def with_targets(self, targets: np.ndarray) -> np.ndarray:
        """Return the products of all columns with targets of shape (n_rows, n_targets)."""
        return sum(slab @ targets[part] for part, slab in self.slabs())

    def rows(self, features: np.ndarray) -> np.ndarray:
        """Return the products of some columns with all columns, but for the diagonal's."""
        new = features[self._place[features] < 0]
        if len(new) and self._kept is None and len(self._place) <= _TOGETHER:
            new = np.flatnonzero(self._place < 0)
        if len(new):
            self._place[new] = len(self._rows) + np.arange(len(new))
            rows = sum(slab[new] @ slab.T for _, slab in self.slabs())
            self._rows = np.concatenate([self._rows, rows])
        return self._rows[self._place[features]]

    def blocks(self, features: np.ndarray) -> np.ndarray:
        """Return the products among the columns of each of many tuples.

        Parameters
        ----------
        features : ndarray of int of shape (n_tuples, size)
            The columns.

        Returns
        -------
        blocks : ndarray of shape (n_tuples, size, size)
            Their products.
        """
        n_tuples, size = features.shape
        if size < 2:
            return self.diagonal[features][:, :, None][:, :, :size]
        distinct = np.unique(features)
        if features.size > 2 * len(distinct):
            self.rows(distinct)
            blocks = self._rows[self._place[features][:, :, None], features[:, None, :]]
        else:
            blocks = np.zeros((n_tuples, size, size))
            for _, slab in self.slabs():
                step = max(1, _SLAB // (size * slab.shape[1]))
                for start in range(0, n_tuples, step):
                    columns = slab[features[start : start + step]]
                    blocks[start : start + step] += columns @ columns.transpose(0, 2, 1)
        inner = np.arange(size)
        blocks[:, inner, inner] = self.diagonal[features]
        return blocks
