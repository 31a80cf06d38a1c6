"""What is known of targets and weights that lie in parts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Totals"]


@dataclass(frozen=True)
class Totals:
    """Counts and sums over rows, those of each class apart; numbers are one class.

    Parameters
    ----------
    n_rows : int
        Number of rows, those of weight zero left out.
    labels : ndarray of shape (n_classes,)
        The classes, sorted.
    weight, least, most : ndarray of shape (n_classes,)
        Sum of the weights of each class, and their extremes.
    mean, squares : float
        Weighted mean of numbers, and weighted sum of the squared distances from it.
    """

    n_rows: int
    labels: np.ndarray
    weight: np.ndarray
    least: np.ndarray
    most: np.ndarray
    mean: float = 0.0
    squares: float = 0.0

    @classmethod
    def of_labels(cls, labels: np.ndarray, codes: np.ndarray, weight: np.ndarray) -> "Totals":
        """Sum up rows by class."""
        least, most = np.full(len(labels), np.inf), np.zeros(len(labels))
        np.minimum.at(least, codes, weight)
        np.maximum.at(most, codes, weight)
        return cls(len(codes), labels, np.bincount(codes, weight), least, most)

    @classmethod
    def of_numbers(cls, y: np.ndarray, weight: np.ndarray) -> "Totals":
        """Sum up rows with numbers."""
        one = cls.of_labels(np.zeros(1), np.zeros(len(y), dtype=np.int64), weight)
        mean = float(np.average(y, weights=weight))
        squares = float(np.sum(weight * (y - mean) ** 2))
        return cls(one.n_rows, one.labels, one.weight, one.least, one.most, mean, squares)

    @classmethod
    def merged(cls, parts: Sequence["Totals"]) -> "Totals":
        """Sum up parts."""
        labels, codes = np.unique(np.concatenate([p.labels for p in parts]), return_inverse=True)
        weights, leasts, mosts = (
            np.concatenate([getattr(p, name) for p in parts])
            for name in ("weight", "least", "most")
        )
        least, most = np.full(len(labels), np.inf), np.zeros(len(labels))
        np.minimum.at(least, codes, leasts)
        np.maximum.at(most, codes, mosts)
        shares = [p.weight.sum() for p in parts]
        means = np.array([p.mean for p in parts])
        mean = float(np.average(means, weights=shares))
        squares = sum(p.squares for p in parts) + np.dot(shares, (means - mean) ** 2)
        weight = np.bincount(codes, weights, minlength=len(labels))
        n_rows = sum(p.n_rows for p in parts)
        return cls(n_rows, labels, weight, least, most, mean, float(squares))

    @property
    def spread(self) -> float:
        """Weighted standard deviation of numbers."""
        return float(np.sqrt(self.squares / self.weight.sum()))
