"""Subsets of features that have been scored, and their scores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

__all__ = ["History", "ScoredSubset", "Scores"]


Subset = tuple[int, ...]


@dataclass(frozen=True)
class ScoredSubset:
    """A subset of features and its scores.

    Two of them are equal if their features and their mean scores are.

    Parameters
    ----------
    features : tuple of int
        Positions of the columns.
    mean : float
        Mean score over the splits.
    std : float
        Standard deviation over the splits, with ``n_splits - 1`` degrees of freedom.
    se : float
        Standard error of the mean, ``std / sqrt(n_splits)``.
    fold_scores : ndarray of shape (n_splits,)
        Score on each split.
    fit_time : float
        Seconds that fits and scores took.
    other_scores : mapping of str to ndarray, default={}
        With several metrics, the scores of each on each split.
    """

    features: tuple[int, ...]
    mean: float
    std: float = field(compare=False)
    se: float = field(compare=False)
    fold_scores: np.ndarray = field(compare=False)
    fit_time: float = field(compare=False)
    other_scores: Mapping[str, np.ndarray] = field(default_factory=dict, compare=False)


class Scores(NamedTuple):
    """Scores of several subsets as arrays, since fast scorers give thousands per second.

    Parameters
    ----------
    scores : ndarray of shape (n_subsets, n_splits, n_metrics)
        The scores.
    seconds : ndarray of shape (n_subsets,)
        How long each subset took.
    errors : sequence of (str or None) of length n_subsets
        What was raised, where a score is missing.
    """

    scores: np.ndarray
    seconds: np.ndarray
    errors: Sequence[str | None]


class History:
    """All scores so far; they become ScoredSubsets only when somebody looks.

    Parameters
    ----------
    metrics : list of str
        Names of the metrics.
    deciding : str
        The metric by which subsets are compared.

    Attributes
    ----------
    deciding : str
        The metric by which subsets are compared.
    """

    def __init__(self, metrics: list[str], deciding: str) -> None:
        self._metrics, self.deciding = metrics, deciding
        self._column = metrics.index(deciding)
        self._batches: list[tuple[Sequence[Subset], Scores]] = []

    def add(self, subsets: Sequence[Subset], scores: Scores) -> np.ndarray:
        """Add subsets, and return their mean scores."""
        self._batches.append((subsets, scores))
        return scores.scores[:, :, self._column].mean(axis=1)

    @cached_property
    def scored(self) -> list[ScoredSubset]:
        """All subsets with their scores, in order."""
        return [one for batch in self._batches for one in self.scored_of(*batch)]

    def scored_of(self, subsets: Sequence[Subset], scores: Scores) -> Iterator[ScoredSubset]:
        """Yield some subsets with their scores."""
        own = scores.scores[:, :, self._column]
        n_splits = own.shape[1]
        deviations = np.full(len(own), np.nan)
        if n_splits > 1:
            with np.errstate(invalid="ignore"):  # a scorer may give minus infinity
                deviations = own.std(axis=1, ddof=1)
        columns = zip(
            subsets,
            own.mean(axis=1).tolist(),
            deviations.tolist(),
            (deviations / np.sqrt(n_splits)).tolist(),
            own,
            scores.seconds.tolist(),
            strict=True,
        )
        for values, of_metrics in zip(columns, scores.scores, strict=True):
            others = dict(zip(self._metrics, of_metrics.T, strict=True))
            yield ScoredSubset(*values, others if len(others) > 1 else {})
