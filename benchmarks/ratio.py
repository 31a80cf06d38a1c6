"""Compare two sides by running them in turn, so that both meet the same machine."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from command_line import is_quick, small


@dataclass(frozen=True)
class Ratio:
    """Theirs / ours, which is above 1 where ours is faster, from the seconds of each repeat.

    Where theirs are long, only one of ``parts`` equal parts of them is run, and counts for all.
    """

    ours: list[float]
    theirs: list[float]
    parts: float = 1

    @property
    def minimum(self) -> float:
        return self.parts * min(self.theirs) / min(self.ours)

    @property
    def median(self) -> float:
        return self.parts * statistics.median(self.theirs) / statistics.median(self.ours)

    def __str__(self) -> str:
        theirs, ours = (statistics.median(side) for side in (self.theirs, self.ours))
        return (
            f"{self.median:.3f} by medians, {self.minimum:.3f} by minima "
            f"({self.parts * theirs:.4g} s / {ours:.4g} s, {len(self.ours)} repeats)"
        )


def stopwatch(side: Callable[[], Any]) -> float:
    start = time.perf_counter()
    side()
    return time.perf_counter() - start


def of_processor(side: Callable[[], Any]) -> float:
    """Return the seconds of the processor, for which other work on the machine matters little."""
    start = time.process_time()
    side()
    return time.process_time() - start


def compare(
    ours: Any,
    theirs: Any,
    *,
    repeats: int = 11,
    seconds: Callable[[Any], float] = stopwatch,
    parts: float = 1,
) -> Ratio:
    """Measure two sides alternately, after one run of each that does not count.

    ``seconds`` runs a side and says how long it took; by default a side is a function without
    arguments. The side that goes first changes with each repeat, so that neither always runs in the
    other's wake.
    """
    sides = (ours, theirs)
    times: tuple[list[float], list[float]] = ([], [])
    if not is_quick():
        for side in sides:
            seconds(side)
    for repeat in range(small(repeats, 1)):
        for which in (0, 1) if repeat % 2 == 0 else (1, 0):
            times[which].append(seconds(sides[which]))
    return Ratio(*times, parts)
