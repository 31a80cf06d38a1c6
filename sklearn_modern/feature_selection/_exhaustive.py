"""Exhaustive feature selection, which scores all subsets."""

from dataclasses import KW_ONLY
from numbers import Integral
from typing import Any

from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.scikit_learn import Interval
from sklearn_modern.feature_selection._base import SubsetSelector
from sklearn_modern.feature_selection._search import ExhaustiveSearch, Sizes

__all__ = ["ExhaustiveFeatureSelector"]


@estimator
class ExhaustiveFeatureSelector(SubsetSelector):
    """Score all subsets of the features, and select the one with the highest mean score.

    The number of subsets doubles with each feature that is not fixed. Of subsets with equal scores
    the smallest is selected.

    Parameters
    ----------
    min_features : int, default=1
        Size of the smallest subsets; a group counts as one.
    max_features : int or None, default=None
        Size of the largest subsets; None means all features.
    max_subsets : int, default=100_000
        Raise an error if there are more subsets than this.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    >>> from sklearn_modern.feature_selection import ExhaustiveFeatureSelector
    >>> X, y = load_iris(return_X_y=True)
    >>> selector = ExhaustiveFeatureSelector(LinearDiscriminantAnalysis()).fit(X, y)
    >>> len(selector.history_)
    15
    """

    estimator: Any
    _: KW_ONLY
    min_features: int = 1
    max_features: int | None = None
    max_subsets: int = 100_000

    _parameter_constraints = SubsetSelector._parameter_constraints | {
        "min_features": [Interval(Integral, 1, None, closed="left")],
        "max_features": [Interval(Integral, 1, None, closed="left"), None],
        "max_subsets": [Interval(Integral, 1, None, closed="left")],
    }

    def _search(self, units):
        high = len(units) if self.max_features is None else self.max_features
        if not self.min_features <= high <= len(units):
            raise ValueError(
                f"min_features={self.min_features} and max_features={self.max_features} must rise, "
                f"and be at most the {len(units)} features of X, where a group counts as one."
            )
        if len(units.fixed) > high:
            raise ValueError(
                f"max_features={high} is less than the {len(units.fixed)} of fixed_features."
            )
        low = max(self.min_features, len(units.fixed))
        search = ExhaustiveSearch(len(units), units.fixed, Sizes(low, high))
        if search.n_subsets > self.max_subsets:
            raise ValueError(
                f"There are {search.n_subsets} subsets, more than max_subsets={self.max_subsets}; "
                "narrow min_features and max_features, fix or group features, or raise max_subsets."
            )
        return search
