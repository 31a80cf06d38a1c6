"""Numbers for densities: columns that are continuous, within bounds, and the slopes of scalings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import expit

from sklearn_modern._inputs.scaling import NumberScaler

__all__ = [
    "BoundedScaler",
    "check_bounds",
    "column_labels",
    "refuse_discrete",
    "refuse_outside",
    "with_log_slope",
]

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
    dtypes : sequence of type, optional
        As which types of floats the columns are given back, float64 if not given. What is rounded
        to a bound is the number before it of that type.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_modern._inputs.bounded import BoundedScaler
    >>> scaler = BoundedScaler(np.array([0.0]), np.array([1.0]))
    >>> scaled = scaler.fit(np.array([[0.2], [0.5], [0.8]])).transform(np.array([[0.5], [0.8]]))
    >>> scaler.inverse(np.append(scaled, [[1e9]], axis=0)).ravel().round(4)
    array([0.5, 0.8, 1. ])
    """

    def __init__(
        self, low: np.ndarray, high: np.ndarray, dtypes: Sequence[type] | None = None
    ) -> None:
        super().__init__("standard")
        self.low, self.high = low, high
        dtypes = [np.float64] * len(low) if dtypes is None else dtypes
        self._lowest = _next_to(low, high, dtypes)
        self._highest = _next_to(high, low, dtypes)

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
        log_slopes = np.zeros(numbers.shape)
        own = self._bounded
        with np.errstate(divide="ignore", invalid="ignore"):
            numbers = numbers[:, own].astype(np.float64)
            # The slope of a logit is 1 / (x - low) + 1 / (high - x), which may overflow.
            above, below = np.log(numbers - self.low[own]), np.log(self.high[own] - numbers)
            log_slopes[:, own] = np.logaddexp(-above, -below)
        return (log_slopes - np.log(self.scale)).sum(axis=1)

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
        with np.errstate(over="ignore"):  # so far away the density is zero
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
            block[:, column] = np.clip(found, self._lowest[column], self._highest[column])
        return block


def _next_to(limits, others, dtypes):
    """Return the numbers next to limits, on the side of the others, each of its type."""
    found = np.empty(len(limits))
    for column, (limit, other, dtype) in enumerate(zip(limits, others, dtypes, strict=True)):
        with np.errstate(over="ignore"):
            near = np.asarray(limit).astype(dtype)[()]
        # Rounding to the type may have taken it inside.
        is_inside = limit < float(near) < other or other < float(near) < limit
        inward = dtype(np.inf if limit < other else -np.inf)
        found[column] = near if is_inside else np.nextafter(near, inward)
    return found


def column_labels(names: Sequence[str] | None, width: int, what: str) -> list[str]:
    """Return what messages call the columns: by name, if they have names, else by number."""
    shown = range(width) if names is None else [repr(str(name)) for name in names]
    return [f"column {one} of {what}" for one in shown]


def check_bounds(
    bounds: Any, labels: Sequence[str], what: str = "X", parameter: str = "bounds"
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and the upper bounds of columns; infinite where there are none.

    Parameters
    ----------
    bounds : (low, high) or None
        Each a number, or one for each column; None or infinite where there is none.
    labels : sequence of str
        What messages call the columns.
    what : str, default="X"
        Whose columns, for messages.
    parameter : str, default="bounds"
        The parameter that has the bounds, for messages.
    """
    pair, width = (None, None) if bounds is None else bounds, len(labels)
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
            f"{parameter} says that {labels[column]} lies between {low[column]:g} and "
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
    try:
        numbers = [open_end if one is None else float(one) for one in limits]
    except (TypeError, ValueError):
        raise ValueError(
            f"{name}={limit!r}, but bounds must be numbers, or None where there is none."
        ) from None
    return np.broadcast_to(np.array(numbers), width)


def refuse_discrete(
    numbers: np.ndarray,
    labels: Sequence[str],
    what: str = "X",
    *,
    instead: str = "leave it out, or condition on it, as y with conditional=True",
    by_chance: int = 0,
) -> None:
    """Raise if a column has no density: if it is constant, or takes the same few values again.

    Parameters
    ----------
    numbers : ndarray of shape (n_samples, n_features)
        Finite numbers.
    labels : sequence of str
        What messages call the columns.
    what : str, default="X"
        Whose columns, for messages.
    instead : str
        What to do with a column of few values, for messages.
    by_chance : int, default=0
        In up to so many rows values may be equal by chance, unless all are.
    """
    n_rows = len(numbers)
    if n_rows < 2:
        raise ValueError(f"{what} has n_samples={n_rows}; a density needs at least 2 rows.")
    for label, column in zip(labels, numbers.T, strict=True):
        values, counts = np.unique(column, return_counts=True)
        if len(values) == 1:
            raise ValueError(
                f"A density needs continuous numbers, but {label} is constant: it is "
                f"{values[0]:g} in all {n_rows} rows. Leave it out, or give rows where it varies."
            )
        if n_rows <= by_chance:
            continue
        is_few = len(values) <= _FEW_VALUES and _OFTEN * len(values) <= n_rows
        most = counts.argmax()
        if is_few or counts[most] >= max(_ROWS_OF_ATOM, _SHARE_OF_ATOM * n_rows):
            raise ValueError(
                f"A density needs continuous numbers, but {label} is discrete: it has "
                f"{len(values)} values in {n_rows} rows, {counts[most]} times {values[most]:g}. "
                f"If it has whole numbers, add uniform noise from 0 to 1; else {instead}."
            )


def refuse_outside(
    scaler: BoundedScaler,
    numbers: np.ndarray,
    labels: Sequence[str],
    parameter: str = "bounds",
) -> None:
    """Raise if numbers lie on their bounds, or beyond, where they have no density.

    Parameters
    ----------
    scaler : BoundedScaler
        Has the bounds.
    numbers, labels
        As for :func:`refuse_discrete`.
    parameter : str, default="bounds"
        The parameter that has the bounds, for messages.
    """
    outside = scaler.outside(numbers)
    if not outside.any():
        return
    column = int(outside.any(axis=0).argmax())
    own = numbers[outside[:, column], column]
    raise ValueError(
        f"{parameter} says that {labels[column]} lies between {scaler.low[column]:g} and "
        f"{scaler.high[column]:g}, but {len(own)} rows are there or beyond, such as {own[0]:g}. "
        "They must be wider than the data."
    )


def with_log_slope(scaler: BoundedScaler, numbers: np.ndarray) -> np.ndarray:
    """Return scaled numbers, and the logarithm of the determinant of the scaling's Jacobian."""
    return np.column_stack([scaler.transform(numbers, np.float64), scaler.log_slope(numbers)])
