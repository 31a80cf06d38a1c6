"""Scale numbers for a network: weighted statistics, missing values, little extra memory.

Everything is computed in float64 on chunks of rows, so that a column such as 1e9 plus small noise
keeps its noise, and nothing as large as the input is made except the output itself.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

__all__ = ["NumberScaler", "quantile_edges", "weighted_quantiles"]

# Values in a chunk: as float64, with its masks and temporaries, it stays in a core's cache.
CHUNK_VALUES = 1 << 15

# Share of the total weight that is taken for rounding. Weights multiplied by a constant give the
# same quantiles, although their cumulative sums round differently.
WEIGHT_TOLERANCE = 1e-9

# The largest scaled number of "robust" that is undone, as a share of its end; float32 has it.
_ROBUST_END = 1 - 1e-6


class NumberScaler:
    """Centre and scale columns, and fill in what is missing.

    A number x becomes ``z = (x - center) / scale``, and for "robust" ``z / sqrt(1 + (z / 3)**2)``;
    a missing one becomes ``fill``. A column with missing values in the fit gets an indicator, 1.0
    where the value is missing, after all the numbers.

    Parameters
    ----------
    kind : {"standard", "robust"} or None, default="standard"
        - "standard": weighted mean and (biased) standard deviation. A constant column has scale 1.
        - "robust": median and interquartile range with smooth clipping to (-3, 3) [1]_. Where the
          quartiles are equal the scale is half the range; a constant column has an infinite scale,
          so that it is 0 whatever comes later.
        - None: numbers stay as they are, and missing ones become the mean.

    Attributes
    ----------
    center, scale, fill : ndarray of float64 of shape (n_features,)
        What defines the transform.
    missing_columns : ndarray of int64
        The columns that have an indicator.
    n_features_out : int
        Columns and indicators.
    sparse : bool
        Whether the fit was on a sparse matrix. Such columns are divided by ``scale`` but not
        centred (``center`` is 0), so that zeros stay zeros; ``scale`` is that of a dense matrix.

    Notes
    -----
    A weight of 2 equals the row twice, and a weight of 0 equals leaving it out.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn, Steinwart: "Better by Default: Strong Pre-Tuned MLPs and Boosted
       Trees on Tabular Data", NeurIPS 2024. Quartiles here are those of `weighted_quantiles`,
       without interpolation.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_modern._inputs.scaling import NumberScaler
    >>> numbers = np.array([[1.0, 5.0], [3.0, np.nan]])
    >>> NumberScaler("standard").fit(numbers).transform(numbers)
    array([[-1.,  0.,  0.],
           [ 1.,  0.,  1.]], dtype=float32)
    """

    def __init__(self, kind: str | None = "standard") -> None:
        if kind not in ("standard", "robust", None):
            raise ValueError(
                f'input scaling {kind!r} is unknown; it is "standard", "robust" or None.'
            )
        self.kind = kind

    @property
    def n_features_out(self) -> int:
        """Number of columns that `transform` returns."""
        return len(self.center) + len(self.missing_columns)

    def fit(self, numbers: Any, weights: Any = None) -> "NumberScaler":
        """Learn the columns' statistics.

        Parameters
        ----------
        numbers : ndarray or CSR matrix of shape (n_samples, n_features)
            Finite, or NaN (in an array only) where missing.
        weights : array-like of shape (n_samples,), optional
            Not negative.
        """
        self.sparse = sp.issparse(numbers)
        if self.sparse:
            _refuse_missing(numbers)
        weights = None if weights is None else np.asarray(weights, dtype=np.float64)
        statistics = _quartiles if self.kind == "robust" else _moments
        center, scale, missing = statistics(numbers, weights)
        self.missing_columns = np.flatnonzero(missing)
        zero = np.zeros_like(center)
        if self.kind is None:
            self.center, self.scale, self.fill = zero, np.ones_like(scale), center
        else:
            self.center, self.scale = (zero if self.sparse else center), scale
            self.fill = self._clip(center / scale) if self.sparse else zero
        return self

    def expect_more(self) -> None:
        """Let columns that are constant so far count once they vary, in data still to come."""
        self.scale = np.where(np.isinf(self.scale), 1.0, self.scale)

    def transform(
        self, numbers: Any, dtype: Any = np.float32, out: np.ndarray | None = None
    ) -> np.ndarray | sp.csr_matrix:
        """Scale numbers.

        Parameters
        ----------
        numbers : ndarray or CSR matrix of shape (n_samples, n_features)
            Not changed.
        dtype : dtype, default=numpy.float32
            Of the result.
        out : ndarray of shape (n_samples, n_features_out), optional
            Where to write the result, instead of a new array of ``dtype``.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_features_out)
            ``out`` or a C-contiguous array. Sparse if ``numbers`` and what was fitted are; it then
            shares the index arrays of ``numbers``.
        """
        if sp.issparse(numbers) and self.sparse:
            _refuse_missing(numbers)
            data = self._clip(numbers.data / self.scale[numbers.indices]).astype(dtype, copy=False)
            return type(numbers)((data, numbers.indices, numbers.indptr), shape=numbers.shape)
        if out is None:
            out = np.empty((numbers.shape[0], self.n_features_out), dtype=dtype)
        n_numbers = len(self.center)
        for rows in _row_chunks(numbers.shape):
            with np.errstate(over="ignore"):  # what is too large for the type becomes infinite
                block = self._scaled(_dense(numbers[rows]))
                missing = np.isnan(block)
                if missing.any():
                    np.copyto(block, self.fill, where=missing)
                out[rows, :n_numbers] = block
            out[rows, n_numbers:] = missing[:, self.missing_columns]
        return out

    def inverse(self, scaled: np.ndarray) -> np.ndarray:
        """Return numbers in their own units.

        Parameters
        ----------
        scaled : ndarray of shape (n_samples, n_features) or (n_samples, n_features_out)
            Scaled numbers; indicators of missing ones are left out.

        Returns
        -------
        ndarray of float64 of shape (n_samples, n_features)
            What :meth:`transform` would scale so, up to rounding. The ends of "robust", (-3, 3),
            have no number; what lies there or beyond becomes a large one.
        """
        scaled = np.array(scaled[:, : len(self.center)], dtype=np.float64)
        return self._unscaled(scaled)

    def log_slope(self, numbers: np.ndarray) -> np.ndarray:
        """Return the logarithm of the slope of a linear scaling, summed over known numbers.

        Parameters
        ----------
        numbers : ndarray of shape (n_samples, n_features)
            Numbers in their own units, NaN where missing.

        Returns
        -------
        ndarray of float64 of shape (n_samples,)
            For "standard" and None, of which the slopes are the same everywhere.
        """
        return ~np.isnan(numbers) @ -np.log(self.scale)

    def _scaled(self, block):
        block -= self.center
        block /= self.scale
        return self._clip(block)

    def _unscaled(self, block):
        if self.kind == "robust":
            np.clip(block / 3, -_ROBUST_END, _ROBUST_END, out=block)
            block *= 3 / np.sqrt(1 - block**2)
        # The numbers of a column without a scale are all one.
        block *= np.where(np.isinf(self.scale), 0.0, self.scale)
        block += self.center
        return block

    def _clip(self, scaled):
        if self.kind == "robust":
            # The square of a number beyond 1e154 would be infinite, and the quotient zero.
            np.clip(scaled, -1e100, 1e100, out=scaled)
            scaled /= np.sqrt(1 + (scaled / 3) ** 2)
        return scaled


def weighted_quantiles(column: np.ndarray, weights: np.ndarray | None, q: Any) -> np.ndarray:
    """Quantiles by the inverse of the weighted distribution function, ignoring NaN.

    The q-quantile is the smallest value such that it and all smaller ones have at least the share q
    of the total weight (numpy's "inverted_cdf", to a tolerance of 1e-9 of the total weight). It is
    always one of the values; integer weights equal repetition, and only their ratios matter.

    Parameters
    ----------
    column : ndarray of shape (n_samples,)
        Numbers.
    weights : ndarray of shape (n_samples,) or None
        Not negative; None is 1 for every row.
    q : float or array-like of float
        From 0 to 1.

    Returns
    -------
    ndarray of float64 of the shape of ``q``
        NaN if only missing values have weight.
    """
    q = np.asarray(q, dtype=np.float64)
    known = ~np.isnan(column) if weights is None else ~np.isnan(column) & (weights > 0)
    if not known.all():
        column, weights = column[known], None if weights is None else weights[known]
    if not len(column):
        return np.full(q.shape, np.nan)
    if weights is None:
        ordered = np.sort(column)
        rank = np.ceil((q - WEIGHT_TOLERANCE) * len(ordered)).astype(np.int64) - 1
    else:
        order = np.argsort(column, kind="stable")
        ordered, cumulative = column[order], np.cumsum(weights[order], dtype=np.float64)
        rank = np.searchsorted(cumulative, (q - WEIGHT_TOLERANCE) * cumulative[-1], side="left")
    return ordered[np.clip(rank, 0, len(ordered) - 1)].astype(np.float64)


def quantile_edges(numbers: Any, weights: np.ndarray | None, n_bins: int) -> list[np.ndarray]:
    """Edges of bins with about equal weight, for piecewise-linear encodings.

    Parameters
    ----------
    numbers : ndarray or CSR matrix of shape (n_samples, n_features)
        May hold NaN, which is ignored.
    weights : ndarray of shape (n_samples,) or None
        Not negative.
    n_bins : int
        Maximum number of bins per column.

    Returns
    -------
    list of ndarray of float64
        The edges of each column, strictly increasing: from two (one bin) to ``n_bins + 1``. They
        are values of the column, and so distinct in its dtype. A constant column gets a bin around
        its value.
    """
    q = np.linspace(0, 1, n_bins + 1)
    edges = []
    for column, column_weights in _columns(numbers, weights):
        found = np.unique(weighted_quantiles(column, column_weights, q))
        if len(found) < 2:
            value = np.nan_to_num(found[0])
            half = max(0.5, 1e-3 * abs(value))  # wide enough to remain a bin in float32
            found = np.array([value - half, value + half])
        edges.append(found)
    return edges


def _refuse_missing(numbers):
    if np.isnan(numbers.data).any():
        raise ValueError(
            "X is sparse and contains NaN; missing values are only handled in dense X. "
            "Impute them first, or pass a dense array."
        )


def _row_chunks(shape) -> Iterator[slice]:
    step = max(1, CHUNK_VALUES // max(1, shape[1]))
    return (slice(start, start + step) for start in range(0, shape[0], step))


def _dense(block):
    """Copy a chunk into a new float64 array."""
    if sp.issparse(block):
        return block.toarray().astype(np.float64, copy=False)
    return block.astype(np.float64, order="C")


def _weighted_chunks(numbers, weights):
    """Chunks of the rows that have weight, as new float64 arrays; weights; what is not missing."""
    for rows in _row_chunks(numbers.shape):
        block = _dense(numbers[rows])
        weight = np.ones(len(block)) if weights is None else weights[rows]
        if not weight.all():
            block, weight = block[weight != 0], weight[weight != 0]
        yield block, weight, ~np.isnan(block)


def _moments(numbers, weights):
    """Weighted mean, standard deviation (1 if constant), and which columns have missing values."""
    if sp.issparse(numbers):
        return _sparse_moments(numbers, weights)
    width = numbers.shape[1]
    total, summed, missing = np.zeros(width), np.zeros(width), np.zeros(width, dtype=bool)
    low, high = np.full(width, np.inf), np.full(width, -np.inf)
    for block, weight, known in _weighted_chunks(numbers, weights):
        np.fmin(low, np.fmin.reduce(block, axis=0, initial=np.inf), out=low)
        np.fmax(high, np.fmax.reduce(block, axis=0, initial=-np.inf), out=high)
        if known.all():
            total += weight.sum()
        else:
            missing |= ~known.all(axis=0)
            block[~known] = 0.0
            total += weight @ known
        summed += weight @ block
    mean = np.divide(summed, total, out=np.zeros(width), where=total > 0)
    # Equal extremes, unlike a small deviation, tell a constant column for certain.
    constant = ~(high > low)
    mean = np.where(constant & (total > 0), low, mean)
    span = np.where(constant, 1.0, high - low)
    return *_deviations(numbers, weights, mean, span, np.where(constant, 0.0, total)), missing


def _deviations(numbers, weights, mean, span, total):
    """Mean, corrected by the deviations from it, and their size; total is 0 where constant."""
    first, second = np.zeros_like(mean), np.zeros_like(mean)
    for block, weight, known in _weighted_chunks(numbers, weights):
        block -= mean
        block /= span  # squares neither overflow nor vanish
        if not known.all():
            block[~known] = 0.0
        first += weight @ block
        second += weight @ np.square(block, out=block)
    share = np.divide(1.0, total, out=np.zeros_like(mean), where=total > 0)
    first, second = first * share, second * share
    deviation = np.sqrt(np.maximum(second - first**2, 0.0)) * span
    return mean + first * span, np.where(deviation > 0, deviation, 1.0)


def _sparse_moments(numbers, weights):
    """As `_moments`, where most values are zeros that are not stored."""
    n_rows, width = numbers.shape
    weights = np.ones(n_rows) if weights is None else weights
    if not weights.all():
        numbers, weights = numbers[weights > 0], weights[weights > 0]
    stored_weight = np.repeat(weights, np.diff(numbers.indptr))
    total = weights.sum() or 1.0

    def sums(values):
        return np.bincount(numbers.indices, stored_weight * values, minlength=width)

    mean = sums(numbers.data) / total
    squares = sums((numbers.data - mean[numbers.indices]) ** 2)
    squares += np.maximum(total - sums(1.0), 0.0) * mean**2  # of the zeros
    deviation = np.sqrt(squares / total)
    constant = _column_extreme(numbers, "min") == _column_extreme(numbers, "max")
    return mean, np.where(constant | (deviation == 0), 1.0, deviation), np.zeros(width, dtype=bool)


def _column_extreme(numbers, which):
    if 0 in numbers.shape:
        return np.zeros(numbers.shape[1])
    return np.ravel(getattr(numbers, which)(axis=0).toarray())


def _quartiles(numbers, weights):
    """Median, robust scale, and which columns have missing values."""
    width = numbers.shape[1]
    center, scale, missing = np.zeros(width), np.full(width, np.inf), np.zeros(width, dtype=bool)
    for index, (column, column_weights) in enumerate(_columns(numbers, weights)):
        unknown = np.isnan(column)
        missing[index] = (unknown if weights is None else unknown & (column_weights > 0)).any()
        low, lower, median, upper, high = weighted_quantiles(
            column, column_weights, (0.0, 0.25, 0.5, 0.75, 1.0)
        )
        center[index] = np.nan_to_num(median)
        scale[index] = (upper - lower) or (high - low) / 2 or np.inf
    return center, np.nan_to_num(scale, nan=np.inf, posinf=np.inf), missing


def _columns(numbers, weights):
    """Each column's values with their weights; the zeros of a sparse column become one value."""
    if not sp.issparse(numbers):
        for index in range(numbers.shape[1]):
            yield numbers[:, index], weights
        return
    weights = np.ones(numbers.shape[0]) if weights is None else weights
    columns = numbers.tocsc()
    for start, stop in zip(columns.indptr[:-1], columns.indptr[1:], strict=True):
        stored = weights[columns.indices[start:stop]]
        zeros = np.sum(weights) - stored.sum() if stop - start < len(weights) else 0.0
        yield np.append(columns.data[start:stop], 0.0), np.append(stored, max(zeros, 0.0))
