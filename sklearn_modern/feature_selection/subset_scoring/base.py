"""What a fast scorer of subsets promises."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from sklearn_modern.feature_selection.subset_scoring.fold import Fold
from sklearn_modern.feature_selection.subset_scoring.metrics import Metric
from sklearn_modern.feature_selection.subset_scoring.outputs import Outputs

__all__ = ["FoldScorer", "Subset"]

# Positions of columns, rising.
Subset = tuple[int, ...]

# Numbers that the outputs of subsets that are scored together may take.
_NUMBERS = 2**20


class FoldScorer(ABC):
    """Scores many subsets of features on one fold, as if an estimator were fitted to each.

    Parameters
    ----------
    estimator : estimator
        One that :meth:`recognises` says yes to.
    fold : Fold
        The data.
    """

    # How far scores may be from those of ordinary fits.
    tolerance: ClassVar[float] = 1e-8

    def __init__(self, estimator: Any, fold: Fold) -> None:
        self.estimator = estimator
        self.fold = fold

    @classmethod
    @abstractmethod
    def recognises(cls, estimator: Any) -> bool:
        """Tell whether the arithmetic is that of this estimator: its exact type and parameters."""

    @classmethod
    def exactly(cls, estimator: Any) -> Any:
        """Return the estimator whose ordinary fits give these scores: one that has converged."""
        return estimator

    @abstractmethod
    def outputs(self, subsets: Sequence[Subset]) -> Outputs:
        """Return what estimators of these subsets say of the test rows."""

    def scores(
        self, subsets: Sequence[Subset], metrics: Sequence[Metric]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Score the subsets.

        Parameters
        ----------
        subsets : sequence of Subset
            What to score.
        metrics : sequence of Metric
            By what.

        Returns
        -------
        scores : ndarray of shape (n_subsets, n_metrics)
            The scores.
        sure : ndarray of bool of shape (n_subsets,)
            Which of them hold.
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
        # What has no score is left to an ordinary fit, which tells why.
        return scores, sure & ~np.isnan(scores).any(axis=1)

    def _parts(self, n_subsets: int) -> list[slice]:
        """Divide the subsets, so that what is computed of a part at once fits into memory."""
        width = len(self.fold.classes) if self.fold.classifies else 1
        size = max(1, _NUMBERS // (max(1, len(self.fold.y_test)) * width))
        return [slice(start, start + size) for start in range(0, n_subsets, size)]
