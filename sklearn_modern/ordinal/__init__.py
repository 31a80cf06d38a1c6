"""Ordinal regression: classes that have an order."""

from typing import TYPE_CHECKING

from sklearn_modern._core.lazy import lazy_names

if TYPE_CHECKING:
    from sklearn_modern.ordinal._decomposition import OrdinalClassifier
    from sklearn_modern.ordinal._gradient_boosting import OrdinalGradientBoostingClassifier
    from sklearn_modern.ordinal._networks import OrdinalCNNClassifier, OrdinalMLPClassifier

__all__ = [
    "OrdinalCNNClassifier",
    "OrdinalClassifier",
    "OrdinalGradientBoostingClassifier",
    "OrdinalMLPClassifier",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "OrdinalCNNClassifier": "_networks",
        "OrdinalClassifier": "_decomposition",
        "OrdinalGradientBoostingClassifier": "_gradient_boosting",
        "OrdinalMLPClassifier": "_networks",
    },
)
