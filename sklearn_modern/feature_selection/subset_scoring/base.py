"""The contract of an exact scorer of subsets."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from sklearn_modern.feature_selection.subset_scoring.fold import Fold
from sklearn_modern.feature_selection.subset_scoring.metrics import Metric
from sklearn_modern.feature_selection.subset_scoring.outputs import Outputs

__all__ = ["FoldScorer", "Subset"]

# Positions of columns, in rising order.
Subset = tuple[int, ...]

# Limit on the outputs of subsets that are scored together, as a number of elements.
_NUMBERS = 2**20


class FoldScorer(ABC):
    """Scores many subsets of features on one fold, as if an estimator were fitted to each.

    Parameters
    ----------
    estimator : estimator
        An estimator that :meth:`recognises` accepts.
    fold : Fold
        The data.
    """

    # Estimators that the arithmetic covers; subclasses of them may compute anything.
    kinds: ClassVar[tuple[type, ...]]
    # Largest difference between scores and those of ordinary fits, relative and absolute.
    tolerance: ClassVar[float] = 1e-8

    def __init__(self, estimator: Any, fold: Fold) -> None:
        self.estimator = estimator
        self.fold = fold

    @classmethod
    @abstractmethod
    def covers(cls, estimator: Any) -> dict[str, bool]:
        """Return for each parameter that matters whether the arithmetic covers its value."""

    @classmethod
    def uncovered(cls, estimator: Any) -> str | None:
        """Return the first parameter whose value the arithmetic does not cover."""
        return next((name for name, covered in cls.covers(estimator).items() if not covered), None)

    @classmethod
    def recognises(cls, estimator: Any) -> bool:
        """Tell whether the arithmetic covers an estimator: its exact type and its parameters."""
        return type(estimator) in cls.kinds and cls.uncovered(estimator) is None

    @classmethod
    def exactly(cls, estimator: Any) -> Any:
        """Return an estimator whose ordinary fits converge to what is computed here."""
        return estimator

    @abstractmethod
    def outputs(self, subsets: Sequence[Subset]) -> Outputs:
        """Return the outputs for the test rows of an estimator fitted to each subset."""

    def scores(
        self, subsets: Sequence[Subset], metrics: Sequence[Metric]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Score the subsets.

        Parameters
        ----------
        subsets : sequence of Subset
            The subsets.
        metrics : sequence of Metric
            The metrics.

        Returns
        -------
        scores : ndarray of shape (n_subsets, n_metrics)
            The scores.
        sure : ndarray of bool of shape (n_subsets,)
            Where no rounding can have changed the scores; the others need an ordinary fit.
        """
        scores = np.empty((len(subsets), len(metrics)))
        sure = np.ones(len(subsets), dtype=bool)
        parts = self._parts(len(subsets))
        for part in parts:
            outputs = self.outputs(subsets if len(parts) == 1 else subsets[part])
            if outputs.sure is not None:
                sure[part] = outputs.sure
            for column, metric in enumerate(metrics):
                scores[part, column] = metric(outputs, self.fold)
        # Where there is no score, an ordinary fit will say why.
        return scores, sure & ~np.isnan(scores).any(axis=1)

    def _parts(self, n_subsets: int) -> list[slice]:
        """Divide the subsets into parts whose outputs fit into memory."""
        width = len(self.fold.classes) if self.fold.classifies else 1
        size = max(1, _NUMBERS // (max(1, len(self.fold.y_test)) * width))
        return [slice(start, start + size) for start in range(0, n_subsets, size)]
