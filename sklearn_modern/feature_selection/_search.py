"""Searches over subsets of units, which decide what to score next, given the scores so far."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from math import comb
from typing import Protocol

import numpy as np

from sklearn_modern.feature_selection._evaluation import Evaluation
from sklearn_modern.feature_selection._scored import ScoredSubset

__all__ = ["ExhaustiveSearch", "Search", "SequentialSearch", "Sizes"]

Subset = frozenset[int]

# Number of subsets that an exhaustive search asks for at once.
_BATCH = 1024


@dataclass(frozen=True)
class Sizes:
    """The sizes that a selection may have, and how to choose among them.

    Parameters
    ----------
    low, high : int
        The smallest and the largest.
    parsimonious : bool, default=False
        Choose the smallest size whose score is within one standard error of the best score, rather
        than the size of the best score.
    """

    low: int
    high: int
    parsimonious: bool = False

    def choose(self, best: dict[int, ScoredSubset]) -> int:
        """Choose a size, given the best subset of each size; the smallest of equal ones."""
        sizes = [size for size in sorted(best) if self.low <= size <= self.high]
        sizes = sizes or sorted(best)  # an interrupted search may not have come that far
        top = max(sizes, key=lambda size: best[size].mean)
        if not self.parsimonious or np.isnan(best[top].se):
            return top
        bound = best[top].mean - best[top].se
        return next(size for size in sizes if best[size].mean >= bound)


class Search(Protocol):
    """Asks for scores of subsets, and selects one of them."""

    def run(self, evaluation: Evaluation) -> None:
        """Search, and score subsets by calling ``evaluation``."""

    def choose(self, best: dict[int, ScoredSubset]) -> Subset | int:
        """Return the selected subset, or a size, whose best subset is selected."""


class SequentialSearch:
    """Adds or removes one unit at a time: the one that gives the best score.

    Parameters
    ----------
    n_units : int
        Number of units.
    fixed : frozenset of int
        Units that every subset has.
    forward : bool
        Whether to start with the fixed units and add, or with all units and remove.
    floating : bool
        Whether to step back after each step, as long as that beats all subsets of that size.
    stop : int
        Size at which the search ends.
    tol : float or None
        The search also ends before a step that gains less; None means that no gain is too small.
    sizes : Sizes or None
        Sizes to choose from; None selects the subset at which the search ends.
    """

    def __init__(
        self,
        n_units: int,
        fixed: Subset,
        *,
        forward: bool,
        floating: bool,
        stop: int,
        tol: float | None = None,
        sizes: Sizes | None = None,
    ) -> None:
        self._fixed, self._forward, self._floating = fixed, forward, floating
        self._everything = frozenset(range(n_units))
        self._stop, self._tol, self._sizes = stop, tol, sizes
        self._start = self._current = fixed if forward else self._everything

    def run(self, evaluation: Evaluation) -> None:
        """Search until the last size is reached, or a step gains too little."""
        score = -np.inf
        self._best: dict[int, float] = {}
        n_moves = abs(self._stop - len(self._start))
        if self._is_eligible(self._start):
            means = evaluation([self._start])
            self._best[len(self._start)] = means[0]
            if n_moves == 0:  # there is nothing else to choose from
                evaluation.refuse_none(means)
        while len(self._current) != self._stop:
            evaluation.show(len(self._current ^ self._start), n_moves)
            subset, new_score = self._step(evaluation, self._current, self._forward)
            if self._tol is not None and new_score - score < self._tol:
                break
            moved = subset ^ self._current
            self._current, score = subset, new_score
            self._best[len(subset)] = max(score, self._best.get(len(subset), -np.inf))
            if self._floating:
                score = self._float(evaluation, moved, score)
        else:
            evaluation.show(n_moves, n_moves)

    def choose(self, best: dict[int, ScoredSubset]) -> Subset | int:
        """Return the selected subset, or a size, whose best subset is selected."""
        if self._sizes is not None:
            return self._sizes.choose(best)
        if self._current == self._start and best:  # the first step was not finished
            return min(best)
        # A floating search may have come to a size more than once.
        size = len(self._current)
        return size if self._floating and size in best else self._current

    def _is_eligible(self, subset):
        """Tell whether a subset may be selected, and so needs a score."""
        if self._sizes is None:
            return len(subset) == self._stop
        return len(subset) > 0 and self._sizes.low <= len(subset) <= self._sizes.high

    def _float(self, evaluation, moved, score):
        """Step back while that beats both the current score and the best of that size.

        The unit that has just been moved stays, so that the search does not undo itself. Up to two
        moves from the start there is nothing to step back to.
        """
        while len(self._current ^ self._start) > 2:
            step = self._step(evaluation, self._current, not self._forward, moved)
            if step is None or not step[1] > max(score, self._best.get(len(step[0]), -np.inf)):
                break
            self._current, score = step
            self._best[len(self._current)] = score
        return score

    def _step(self, evaluation, subset, add, keep=frozenset()):
        """Return the best subset with one unit more or less, and its score."""
        units = sorted(self._everything - subset if add else subset - self._fixed)
        units = [unit for unit in units if unit not in keep]
        if self._floating and not add:
            units.reverse()  # of equal units, a floating search keeps those of the lowest positions
        if not units:
            return None
        means = evaluation([subset ^ {unit} for unit in units])
        if not keep:
            evaluation.refuse_none(means)
        elif np.isnan(means).all():
            return None
        best = int(np.nanargmax(means))
        return subset ^ {units[best]}, means[best]


class ExhaustiveSearch:
    """Scores all subsets of the given sizes.

    Parameters
    ----------
    n_units : int
        Number of units.
    fixed : frozenset of int
        Units that every subset has.
    sizes : Sizes
        The sizes.
    """

    def __init__(self, n_units: int, fixed: Subset, sizes: Sizes) -> None:
        self._fixed, self._sizes = fixed, sizes
        self._free = sorted(set(range(n_units)) - fixed)

    @property
    def n_subsets(self) -> int:
        """Number of subsets; it may be too large for ``len``."""
        return sum(comb(len(self._free), size) for size in self._added())

    def run(self, evaluation: Evaluation) -> None:
        """Score all subsets, by size, then by position."""
        subsets, means = self._subsets(), []
        while batch := list(islice(subsets, _BATCH)):
            evaluation.show(len(means), self.n_subsets)
            means += evaluation(batch)
        evaluation.show(self.n_subsets, self.n_subsets)
        evaluation.refuse_none(means)

    def choose(self, best: dict[int, ScoredSubset]) -> int:
        """Return the size whose best subset is selected."""
        return self._sizes.choose(best)

    def _added(self) -> Sequence[int]:
        n_fixed = len(self._fixed)
        return range(self._sizes.low - n_fixed, self._sizes.high - n_fixed + 1)

    def _subsets(self) -> Iterator[Subset]:
        for size in self._added():
            for chosen in combinations(self._free, size):
                yield self._fixed.union(chosen)
