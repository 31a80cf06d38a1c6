"""Selection of features by cross-validated scores of subsets."""

from typing import TYPE_CHECKING

from sklearn_modern._core.lazy import lazy_names

if TYPE_CHECKING:
    from sklearn_modern.feature_selection._display import SubsetScoresDisplay
    from sklearn_modern.feature_selection._exhaustive import ExhaustiveFeatureSelector
    from sklearn_modern.feature_selection._scored import ScoredSubset
    from sklearn_modern.feature_selection._sequential import SequentialFeatureSelector

__all__ = [
    "ExhaustiveFeatureSelector",
    "ScoredSubset",
    "SequentialFeatureSelector",
    "SubsetScoresDisplay",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ExhaustiveFeatureSelector": "_exhaustive",
        "ScoredSubset": "_scored",
        "SequentialFeatureSelector": "_sequential",
        "SubsetScoresDisplay": "_display",
    },
)
