"""Cross-products of the columns of a fold, computed when they are needed."""

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np

__all__ = ["CrossProducts"]

# Standardised data of up to this many elements are kept; larger ones are recomputed for each use.
_KEPT = 2**19
# Limit on the elements of rows that are used at once.
_SLAB = 2**18
# With up to this many columns all products are computed at once if the data are not kept.
_TOGETHER = 2**9


class CrossProducts:
    """Products of standardised columns, P_jk = sum_i w_i (x_ij - o_j) (x_ik - o_k) / (s_j s_k).

    There may be thousands of columns, but few of them ever become part of a reference; so each row
    of P is computed when it is first needed.

    Parameters
    ----------
    matrix : callable
        Returns the data x, of shape (n_rows, n_features).
    offset : ndarray of shape (n_features,)
        The offsets o of the columns.
    scale : ndarray of shape (n_features,)
        The scales s of the columns.
    root : ndarray of shape (n_rows,) or None, default=None
        Square roots of the row weights w; None means that all are one.
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
        """Products of the columns with themselves, P_jj."""
        return sum(np.einsum("ij,ij->i", slab, slab) for _, slab in self.slabs())

    def slabs(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield slices of rows, and the standardised data of these rows, transposed."""
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
        """Return rows of P for some columns; P_jj is up to the caller, who may set ``diagonal``."""
        new = features[self._place[features] < 0]
        if len(new) and self._kept is None and len(self._place) <= _TOGETHER:
            new = np.flatnonzero(self._place < 0)
        if len(new):
            self._place[new] = len(self._rows) + np.arange(len(new))
            rows = sum(slab[new] @ slab.T for _, slab in self.slabs())
            self._rows = np.concatenate([self._rows, rows])
        return self._rows[self._place[features]]

    def blocks(self, features: np.ndarray) -> np.ndarray:
        """Return the blocks of P for many tuples of columns.

        Parameters
        ----------
        features : ndarray of int of shape (n_tuples, size)
            The columns.

        Returns
        -------
        blocks : ndarray of shape (n_tuples, size, size)
            The products of the columns of each tuple.
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
