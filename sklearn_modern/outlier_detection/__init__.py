"""Rows that are not like the others."""

from typing import TYPE_CHECKING

from sklearn_modern._core.lazy import lazy_names

if TYPE_CHECKING:
    from sklearn_modern.outlier_detection._score import ScoreOutlierDetector

__all__ = ["ScoreOutlierDetector"]

__getattr__, __dir__ = lazy_names(__name__, {"ScoreOutlierDetector": "_score"})
