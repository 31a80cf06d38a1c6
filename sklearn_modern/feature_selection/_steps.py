"""What is known of a subset of features that has been scored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

__all__ = ["History", "Scored", "Step"]


Subset = tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """A subset of features and its scores.

    Steps of the same features and mean score are equal.

    Parameters
    ----------
    features : tuple of int
        Positions of the columns.
    mean : float
        Mean score of the splits.
    std : float
        Their standard deviation, of ``n_splits - 1`` degrees of freedom.
    se : float
        The standard error of the mean, ``std / sqrt(n_splits)``.
    fold_scores : ndarray of shape (n_splits,)
        Score on each split.
    fit_time : float
        Seconds that the fits took and their scores.
    other_scores : mapping of str to ndarray, default={}
        With several metrics, the scores by each on each split.
    """

    features: tuple[int, ...]
    mean: float
    std: float = field(compare=False)
    se: float = field(compare=False)
    fold_scores: np.ndarray = field(compare=False)
    fit_time: float = field(compare=False)
    other_scores: Mapping[str, np.ndarray] = field(default_factory=dict, compare=False)


class Scored(NamedTuple):
    """Scores of some subsets, in arrays, as a fast scorer gives thousands a second.

    Parameters
    ----------
    scores : ndarray of shape (n_subsets, n_splits, n_metrics)
        The scores.
    seconds : ndarray of shape (n_subsets,)
        What they took.
    errors : sequence of (str or None) of length n_subsets
        What was raised where there is no score.
    """

    scores: np.ndarray
    seconds: np.ndarray
    errors: Sequence[str | None]


class History:
    """All that has been scored; steps are made of it when somebody looks.

    Parameters
    ----------
    metrics : list of str
        Names of the scores.
    followed : str
        Which of them counts.

    Attributes
    ----------
    followed : str
        Which of them counts.
    """

    def __init__(self, metrics: list[str], followed: str) -> None:
        self._metrics, self.followed = metrics, followed
        self._column = metrics.index(followed)
        self._batches: list[tuple[Sequence[Subset], Scored]] = []

    def add(self, subsets: Sequence[Subset], scored: Scored) -> np.ndarray:
        """Add subsets, and return their mean scores."""
        self._batches.append((subsets, scored))
        return scored.scores[:, :, self._column].mean(axis=1)

    @cached_property
    def steps(self) -> list[Step]:
        """The step of each subset, in order."""
        return [step for batch in self._batches for step in self.steps_of(*batch)]

    def steps_of(self, subsets: Sequence[Subset], scored: Scored) -> Iterator[Step]:
        """Yield the steps of some subsets."""
        own = scored.scores[:, :, self._column]
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
            scored.seconds.tolist(),
            strict=True,
        )
        for values, scores in zip(columns, scored.scores, strict=True):
            others = dict(zip(self._metrics, scores.T, strict=True))
            yield Step(*values, others if len(others) > 1 else {})
