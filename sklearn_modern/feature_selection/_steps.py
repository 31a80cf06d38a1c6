"""What is known of a subset of features that has been scored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

__all__ = ["Step"]


@dataclass(frozen=True)
class Step:
    """A subset of features and its scores.

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
    std: float
    se: float
    fold_scores: np.ndarray
    fit_time: float
    other_scores: Mapping[str, np.ndarray] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(
        cls,
        features: tuple[int, ...],
        scores: np.ndarray,
        fit_time: float,
        metrics: list[str],
        followed: str,
    ) -> "Step":
        """Make the step of scores of shape (n_splits, n_metrics)."""
        own = scores[:, metrics.index(followed)]
        std = float(own.std(ddof=1)) if len(own) > 1 else float("nan")
        others = dict(zip(metrics, scores.T, strict=True)) if len(metrics) > 1 else {}
        return cls(
            features, float(own.mean()), std, std / len(own) ** 0.5, own, float(fit_time), others
        )
