"""Feature selection by what subsets of the features score."""

from typing import TYPE_CHECKING

from sklearn_modern._core.lazy import lazy_names

if TYPE_CHECKING:
    from sklearn_modern.feature_selection._display import SubsetScoresDisplay
    from sklearn_modern.feature_selection._exhaustive import ExhaustiveFeatureSelector
    from sklearn_modern.feature_selection._sequential import SequentialFeatureSelector
    from sklearn_modern.feature_selection._steps import Step

__all__ = [
    "ExhaustiveFeatureSelector",
    "SequentialFeatureSelector",
    "Step",
    "SubsetScoresDisplay",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ExhaustiveFeatureSelector": "_exhaustive",
        "SequentialFeatureSelector": "_sequential",
        "Step": "_steps",
        "SubsetScoresDisplay": "_display",
    },
)
