"""Numbers for densities: columns that are continuous, within bounds, and the slopes of scalings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import expit

from sklearn_modern._inputs.scaling import NumberScaler

__all__ = ["BoundedScaler", "check_bounds", "refuse_discrete", "refuse_outside", "with_log_slope"]

# A column is discrete if it has few values, each of them often, or one of them very often.
_FEW_VALUES, _OFTEN = 20, 10
_ROWS_OF_ATOM, _SHARE_OF_ATOM = 15, 0.25


class BoundedScaler(NumberScaler):
    r"""Open the bounds of columns, then bring them to mean 0 and variance 1.

    Between two bounds a number becomes the logit :math:`\log \frac{x - low}{high - x}`, above a
    lower one :math:`\log(x - low)`, below an upper one :math:`-\log(high - x)`.

    Parameters
    ----------
    low, high : ndarray of float64 of shape (n_features,)
        Bounds; infinite where there are none.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_modern._inputs.bounded import BoundedScaler
    >>> scaler = BoundedScaler(np.array([0.0]), np.array([1.0]))
    >>> scaled = scaler.fit(np.array([[0.2], [0.5], [0.8]])).transform(np.array([[0.5], [0.8]]))
    >>> scaler.inverse(np.append(scaled, [[1e9]], axis=0)).ravel().round(4)
    array([0.5, 0.8, 1. ])
    """

    def __init__(self, low: np.ndarray, high: np.ndarray) -> None:
        super().__init__("standard")
        self.low, self.high = low, high

    def fit(self, numbers: np.ndarray, weights: Any = None) -> "BoundedScaler":
        """Learn the columns' statistics."""
        return super().fit(self._opened(numbers), weights)

    def log_slope(self, numbers: np.ndarray) -> np.ndarray:
        """Return the logarithm of the determinant of the scaling's Jacobian at rows.

        Parameters
        ----------
        numbers : ndarray of shape (n_samples, n_features)
            Numbers in their own units.

        Returns
        -------
        ndarray of float64 of shape (n_samples,)
            Infinite on the bounds, NaN beyond.
        """
        slopes = np.ones(numbers.shape)
        own = self._bounded
        with np.errstate(divide="ignore", invalid="ignore"):
            numbers = numbers[:, own].astype(np.float64)
            # The slope of a logit.
            slopes[:, own] = 1.0 / (numbers - self.low[own]) + 1.0 / (self.high[own] - numbers)
            return np.log(slopes / self.scale).sum(axis=1)

    def outside(self, numbers: np.ndarray) -> np.ndarray:
        """Tell which numbers lie on a bound, or beyond it."""
        return (numbers <= self.low) | (numbers >= self.high)

    @property
    def _bounded(self):
        """The columns with a bound."""
        return np.flatnonzero(np.isfinite(self.low) | np.isfinite(self.high))

    def _opened(self, numbers):
        opened = np.array(numbers, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            for column in self._bounded:
                low, high = self.low[column], self.high[column]
                above = np.log(opened[:, column] - low) if np.isfinite(low) else 0.0
                below = np.log(high - opened[:, column]) if np.isfinite(high) else 0.0
                opened[:, column] = above - below
        return opened

    def _scaled(self, block):
        return super()._scaled(self._opened(block))

    def _unscaled(self, block):
        block = super()._unscaled(block)
        for column in self._bounded:
            low, high, own = self.low[column], self.high[column], block[:, column]
            if np.isinf(high):
                found = low + np.exp(own)
            elif np.isinf(low):
                found = high - np.exp(-own)
            else:
                found = low + (high - low) * expit(own)
            # What is rounded to a bound is put before it.
            block[:, column] = np.clip(found, np.nextafter(low, high), np.nextafter(high, low))
        return block


def check_bounds(
    bounds: Any, width: int, what: str = "X", parameter: str = "bounds"
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and the upper bounds of columns; infinite where there are none.

    Parameters
    ----------
    bounds : (low, high) or None
        Each a number, or one for each column; None or infinite where there is none.
    width : int
        How many columns.
    what : str, default="X"
        Whose columns, for messages.
    parameter : str, default="bounds"
        The parameter that has the bounds, for messages.
    """
    pair = (None, None) if bounds is None else bounds
    if len(pair) != 2:
        raise ValueError(
            f"{parameter}={bounds!r} must be a pair (low, high), each a number, or one for each of "
            f"the {width} columns of {what}."
        )
    low, high = (
        _one_per_column(limit, width, open_end, f"{parameter} has {name}", what)
        for limit, open_end, name in zip(pair, (-np.inf, np.inf), ("low", "high"), strict=True)
    )
    if not (low < high).all():
        column = int(np.argmin(low < high))
        raise ValueError(
            f"{parameter} says that column {column} of {what} lies between {low[column]:g} and "
            f"{high[column]:g}; the first must be lower."
        )
    return low, high


def _one_per_column(limit, width, open_end, name, what):
    limits = np.array([limit] if limit is None or np.ndim(limit) == 0 else limit, dtype=object)
    if limits.ndim != 1 or len(limits) not in (1, width):
        raise ValueError(
            f"{name} of shape {limits.shape}, but {what} has {width} columns; give one "
            "number for all columns, or one for each."
        )
    numbers = [open_end if one is None else float(one) for one in limits]
    return np.broadcast_to(np.array(numbers), width)


def refuse_discrete(numbers: np.ndarray, names: Sequence[str] | None, what: str = "X") -> None:
    """Raise if a column has no density: if it is constant, or takes the same few values again.

    Parameters
    ----------
    numbers : ndarray of shape (n_samples, n_features)
        Finite numbers.
    names : sequence of str or None
        Names of the columns, if they have any.
    what : str, default="X"
        Whose columns, for messages.
    """
    n_rows = len(numbers)
    if n_rows < 2:
        raise ValueError(f"{what} has n_samples={n_rows}; a density needs at least 2 rows.")
    for index, column in enumerate(numbers.T):
        values, counts = np.unique(column, return_counts=True)
        label = index if names is None else repr(str(names[index]))
        if len(values) == 1:
            raise ValueError(
                f"Column {label} of {what} is constant: it is {values[0]:g} in all {n_rows} rows, "
                "and has no density. Leave it out."
            )
        is_few = len(values) <= _FEW_VALUES and _OFTEN * len(values) <= n_rows
        most = counts.argmax()
        if is_few or counts[most] >= max(_ROWS_OF_ATOM, _SHARE_OF_ATOM * n_rows):
            raise ValueError(
                f"Column {label} of {what} is discrete: it has {len(values)} values in {n_rows} "
                f"rows, {counts[most]} times {values[most]:g}, and such a column has no density. "
                "Leave it out; or, if it has whole numbers, add uniform noise from 0 to 1; or "
                "condition on it, as y with conditional=True."
            )


def refuse_outside(
    scaler: BoundedScaler,
    numbers: np.ndarray,
    names: Sequence[str] | None,
    what: str = "X",
    parameter: str = "bounds",
) -> None:
    """Raise if numbers lie on their bounds, or beyond, where they have no density.

    Parameters
    ----------
    scaler : BoundedScaler
        Has the bounds.
    numbers, names, what
        As for :func:`refuse_discrete`.
    parameter : str, default="bounds"
        The parameter that has the bounds, for messages.
    """
    outside = scaler.outside(numbers)
    if not outside.any():
        return
    column = int(outside.any(axis=0).argmax())
    label = column if names is None else repr(str(names[column]))
    own = numbers[outside[:, column], column]
    raise ValueError(
        f"{parameter} says that column {label} of {what} lies between {scaler.low[column]:g} and "
        f"{scaler.high[column]:g}, but {len(own)} rows are there or beyond, such as {own[0]:g}. "
        "They must be wider than the data."
    )


def with_log_slope(scaler: BoundedScaler, numbers: np.ndarray) -> np.ndarray:
    """Return scaled numbers, and the logarithm of the determinant of the scaling's Jacobian."""
    return np.column_stack([scaler.transform(numbers, np.float64), scaler.log_slope(numbers)])
