"""Compare two sides by running them in turn, so that both meet the same machine."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ratio:
    """Seconds of each repeat of two sides."""

    ours: list[float]
    theirs: list[float]

    @property
    def minimum(self) -> float:
        return min(self.ours) / min(self.theirs)

    @property
    def median(self) -> float:
        return statistics.median(self.ours) / statistics.median(self.theirs)

    def __str__(self) -> str:
        return (
            f"ratio {self.minimum:.3f} of minima, {self.median:.3f} of medians "
            f"({statistics.median(self.ours):.4g} s / {statistics.median(self.theirs):.4g} s, "
            f"{len(self.ours)} repeats)"
        )


def stopwatch(side: Callable[[], Any]) -> float:
    start = time.perf_counter()
    side()
    return time.perf_counter() - start


def compare(
    ours: Any, theirs: Any, *, repeats: int = 11, seconds: Callable[[Any], float] = stopwatch
) -> Ratio:
    """Measure two sides alternately, after one run of each that does not count.

    ``seconds`` runs a side and says how long it took; by default a side is a function without
    arguments. The side that goes first changes with each repeat, so that neither always runs in the
    other's wake.
    """
    sides = (ours, theirs)
    times: tuple[list[float], list[float]] = ([], [])
    for side in sides:
        seconds(side)
    for repeat in range(repeats):
        for which in (0, 1) if repeat % 2 == 0 else (1, 0):
            times[which].append(seconds(sides[which]))
    return Ratio(*times)
