"""Scale the channels of sequences, and fill in what is missing in them."""

from typing import Any

import numpy as np

from sklearn_modern._inputs.ragged import Ragged

__all__ = ["StepScaler"]


class StepScaler:
    """Bring channels to mean 0 and variance 1, and mark what is missing.

    A missing number becomes the mean of its channel. Where the fit has seen missing ones, the
    channel has another beside it, which is 1 there and 0 elsewhere.

    Parameters
    ----------
    kind : {"standard", "per_sequence"} or None
        By mean and standard deviation of all steps, or of those of the sequence itself; None does
        not scale.

    Attributes
    ----------
    mean, scale : ndarray of float64 of shape (n_channels,)
        Of all steps of the fit; a constant channel has the scale 1.
    missing_channels : ndarray of int
        Those that had missing numbers.
    """

    def __init__(self, kind: str | None) -> None:
        self.kind = kind

    def learn(self, rows: Ragged, weight: np.ndarray | None) -> None:
        """Learn from rows; one of weight 2 counts as two, one of weight 0 as none."""
        weight = np.ones(len(rows)) if weight is None else weight
        of_steps = np.repeat(weight, rows.lengths)
        statistics = [_statistics(column, of_steps) for column in rows.values.T]
        self.mean, self.scale = np.array(statistics).T
        counted = rows.values[of_steps > 0]
        self.missing_channels = np.flatnonzero(np.isnan(counted).any(axis=0))

    @property
    def n_channels_out(self) -> int:
        """Number of channels with those that mark missing numbers."""
        return len(self.mean) + len(self.missing_channels)

    def transform(self, rows: Ragged, dtype: Any = None) -> np.ndarray:
        """Return the steps of rows, scaled and complete: (n_steps, n_channels_out).

        They have the precision ``dtype``; None is that of the rows.
        """
        values, dtype = rows.values, dtype or rows.values.dtype
        missing = np.isnan(values)
        some = bool(missing.any())
        if self.kind == "per_sequence":
            mean, scale = _of_each_row(rows, missing)
            scaled = _cast((values - mean) / scale, dtype)
            fill = np.zeros(values.shape[1], dtype)
        elif self.kind == "standard":
            scaled = _cast((values - self.mean) / self.scale, dtype)
            fill = np.zeros(values.shape[1], dtype)
        else:
            scaled, fill = _cast(values, dtype), self.mean.astype(dtype)
        if some:
            scaled = np.where(missing, fill, scaled)
        if not len(self.missing_channels):
            return np.ascontiguousarray(scaled)
        return np.hstack([scaled, missing[:, self.missing_channels].astype(dtype)])

    def inverse(self, scaled: np.ndarray, rows: Ragged) -> np.ndarray:
        """Return scaled numbers (n_steps, n_channels), one for each of the rows, in their units."""
        if self.kind is None:
            return scaled
        mean, scale = self.mean, self.scale
        if self.kind == "per_sequence":
            mean, scale = _of_each_row(rows, np.isnan(rows.values))
        return scaled * scale + mean


def _cast(scaled, dtype):
    """Refuse what is too large for the precision of the network, even scaled."""
    with np.errstate(over="ignore"):
        cast = scaled.astype(dtype, copy=False)
    if np.isinf(cast).any():
        raise ValueError(
            f"Input X contains values that are too large for {np.dtype(dtype)}, as they are scaled "
            "by input_scaling; those of the fit were smaller."
        )
    return cast


def _statistics(column, weight):
    """Return the weighted mean and standard deviation of what is there."""
    there = ~np.isnan(column) & (weight > 0)
    if not there.any():
        return 0.0, 1.0
    values, weight = column[there].astype(np.float64), weight[there]
    if (values == values[0]).all():
        return values[0], 1.0
    # From 0 to 1, so that an offset costs no digits, and squares neither overflow nor vanish.
    low = values.min()
    span = values.max() - low
    values = (values - low) / span
    mean = np.average(values, weights=weight)
    deviation = np.sqrt(np.average((values - mean) ** 2, weights=weight))
    return low + mean * span, deviation * span


def _of_each_row(rows, missing):
    """Return mean and standard deviation of each row's own steps, at each step."""
    there = ~missing
    values = np.where(there, rows.values, 0.0).astype(np.float64)
    n = np.maximum(np.add.reduceat(there.astype(np.int64), rows.starts), 1)
    mean = np.repeat(np.add.reduceat(values, rows.starts) / n, rows.lengths, axis=0)
    centred = np.where(there, rows.values - mean, 0.0)
    # Relative to the largest, so that squares neither overflow nor vanish.
    largest = np.maximum.reduceat(np.abs(centred), rows.starts)
    largest[largest == 0] = 1.0
    squares = (centred / np.repeat(largest, rows.lengths, axis=0)) ** 2
    deviation = np.sqrt(np.add.reduceat(squares, rows.starts) / n) * largest
    # What differs by rounding only is constant.
    constant = deviation <= 1e-12 * np.maximum(np.abs(mean[rows.starts]), 1e-300)
    deviation[constant] = 1.0
    return mean, np.repeat(deviation, rows.lengths, axis=0)
