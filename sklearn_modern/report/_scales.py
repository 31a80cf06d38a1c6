"""Where numbers stand on an axis."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median_low

from sklearn_modern.report._numbers import fixed

__all__ = ["Scale", "known", "limits_without_outliers"]

# What is so many times as far from the reference as the middle row, or the first, is still drawn.
_FARTHEST, _FARTHER_THAN_FIRST = 8, 3

# Differences of larger numbers would overflow, and smaller ones cannot be told apart.
_LARGEST, _SMALLEST, _FINEST = 1e300, 1e-290, 1e-12


@dataclass(frozen=True)
class Scale:
    """An axis from ``low`` to ``high``, whose places are told in percent of its length.

    Percentages let a plot be as wide as its page, with text and lines as large as they were.
    """

    low: float
    high: float

    @classmethod
    def over(
        cls, numbers: Iterable[float | None], *, margin: float = 0.04, whole: bool = False
    ) -> "Scale":
        """Make a scale that holds all numbers, with a margin on both sides.

        With ``whole``, an axis that begins at zero begins just there.
        """
        numbers = known(numbers) or [0.0, 1.0]
        low, high = min(numbers), max(numbers)
        size = max(abs(low), abs(high))
        if high - low <= max(_FINEST * size, _SMALLEST):
            half = size / 10 if size > _SMALLEST else 1.0
            low, high = low - half, high + half
        room = margin * (high - low)
        return cls(low if whole and low == 0 else low - room, high + room)

    def place(self, value: float) -> float:
        """Tell where a value stands; one beyond the axis stands at its end."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)

    def holds(self, value: float) -> bool:
        """Tell whether a value is on the axis."""
        return self.low <= value <= self.high

    def ticks(self, about: int = 4) -> list[tuple[float, str]]:
        """Return round numbers on the axis: their places, and how they are written."""
        rough = (self.high - self.low) / about
        power = 10.0 ** math.floor(math.log10(rough))
        steps = [power * m for m in (1, 2, 2.5, 5, 10)]
        step = min(steps, key=lambda step: abs(math.log(step / rough)))
        decimals = max(-math.floor(math.log10(step) + 1e-9), 0)
        if not math.isclose(round(step, decimals), step):  # 0.25 and its like
            decimals += 1
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        values = [i * step for i in range(first, last + 1)]
        return [(self.place(value), _written(value, step, decimals)) for value in values]


def _written(value, step, decimals):
    if abs(value) >= 1e6 or step < 1e-4:
        return f"{value:.2g}".replace("e+0", "e").replace("e-0", "e-").replace("-", "\u2212")
    return fixed(value if abs(value) > step / 2 else 0.0, decimals)


def known(numbers: Iterable[float | None]) -> list[float]:
    """Return the numbers that can be drawn."""
    return [n for n in numbers if n is not None and abs(n) < _LARGEST]


def limits_without_outliers(
    rows: Iterable[tuple[float | None, ...]], reference: float
) -> list[float]:
    """Return the numbers that an axis has to hold so that most rows can be told apart.

    Beside a fit that went astray, all others would look equal.

    Parameters
    ----------
    rows : iterable of tuple of float or None
        For each row a value and what belongs to it, such as bounds of its interval. The first row
        and what is as far from the reference always fit; so do numbers that are not many times as
        far as those of the row in the middle.
    reference : float
        A number that is always held.
    """
    rows = [numbers for row in rows if (numbers := known(row))]
    others = [row for row in rows if row[0] != reference]
    extents = [max(abs(n - reference) for n in row) for row in others or rows]
    if not extents:
        return [reference]
    reach = max(_FARTHEST * median_low(extents), _FARTHER_THAN_FIRST * extents[0])
    return [reference, *(n for row in rows for n in row if abs(n - reference) <= reach)]
