"""Sequential feature selection, which adds or removes one feature at a time."""

from dataclasses import KW_ONLY
from numbers import Integral, Real
from typing import Any

from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.scikit_learn import Interval, RealNotInt, StrOptions
from sklearn_modern.feature_selection._base import SubsetSelector
from sklearn_modern.feature_selection._search import SequentialSearch, Sizes

__all__ = ["SequentialFeatureSelector"]


@estimator
class SequentialFeatureSelector(SubsetSelector):
    """Add or remove one feature at a time: the one that gives the best cross-validated score.

    For linear models, discriminants, naive Bayes and nearest neighbours all candidates of a step
    are scored together, exactly and orders of magnitude faster than by fits. A floating search
    [1]_ can undo a choice that later steps have made superfluous.

    Parameters
    ----------
    n_features_to_select : int, float, tuple, "auto", "best" or "parsimonious", default="auto"
        How many features to select; a group counts as one.

        - An int is a number below the number of features, a float a share of them.
        - A tuple is a range of sizes, of which the one with the highest mean score is selected;
          "best" is the range of all sizes.
        - "parsimonious" selects the smallest size whose best score is within one standard error
          of the highest.
        - "auto" stops when a step gains less than ``tol``; without ``tol`` it selects half of the
          features.
    direction : {"forward", "backward"}, default="forward"
        Whether to start without features and add, or with all features and remove.
    floating : bool, default=False
        Step back after each step, as long as that gives a better score than both the step and the
        best subset of that size so far.
    tol : float or None, default=None
        Least gain of a step with ``n_features_to_select="auto"``. It may be negative when features
        are removed.

    References
    ----------
    .. [1] Pudil, Novovicova, Kittler (1994). Floating search methods in feature selection. Pattern
       Recognition Letters 15.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_modern.feature_selection import SequentialFeatureSelector
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> selector = SequentialFeatureSelector(
    ...     LinearRegression(), n_features_to_select="parsimonious"
    ... ).fit(X, y)
    >>> selector.get_feature_names_out().tolist()
    ['bmi', 'bp', 's3', 's5']
    """

    estimator: Any
    _: KW_ONLY
    n_features_to_select: Any = "auto"
    direction: str = "forward"
    floating: bool = False
    tol: float | None = None

    _parameter_constraints = SubsetSelector._parameter_constraints | {
        "n_features_to_select": [
            StrOptions({"auto", "best", "parsimonious"}),
            Interval(Integral, 0, None, closed="neither"),
            Interval(RealNotInt, 0, 1, closed="right"),
            tuple,
            list,
        ],
        "direction": [StrOptions({"forward", "backward"})],
        "floating": ["boolean"],
        "tol": [None, Interval(Real, None, None, closed="neither")],
    }

    def _search(self, units):
        forward = self.direction == "forward"
        if forward and self.tol is not None and self.tol < 0:
            raise ValueError(f"tol={self.tol} must not be negative when features are added.")
        sizes = self._sizes(len(units), len(units.fixed))
        ranged = not isinstance(self.n_features_to_select, Real) and (
            self.n_features_to_select != "auto"
        )
        return SequentialSearch(
            len(units),
            units.fixed,
            forward=forward,
            floating=self.floating,
            stop=sizes.high if forward else sizes.low,
            tol=self.tol if self.n_features_to_select == "auto" else None,
            sizes=sizes if ranged else None,
        )

    def _sizes(self, n_units, n_fixed):
        """Return the sizes to which ``n_features_to_select`` refers."""
        asked = self.n_features_to_select
        if asked in ("best", "parsimonious"):
            return Sizes(max(1, n_fixed), n_units, asked == "parsimonious")
        if asked == "auto" and n_units < 2:
            raise ValueError(
                "feature_groups puts all features into one group, which leaves no choice."
            )
        if asked == "auto" and self.tol is not None:
            return Sizes(max(1, n_fixed), max(n_units - 1, n_fixed))
        if asked == "auto":
            half = n_units // 2 if self.direction == "forward" else n_units - n_units // 2
            return Sizes(max(half, n_fixed), max(half, n_fixed))
        low, high = self._range(asked, n_units)
        if n_fixed > high:
            raise ValueError(
                f"n_features_to_select={asked} is less than the {n_fixed} of fixed_features."
            )
        return Sizes(max(low, n_fixed), high)

    def _range(self, asked, n_units):
        if isinstance(asked, Integral):
            if asked >= n_units:
                raise ValueError(
                    f"n_features_to_select must be < n_features, but it is {asked}, and there are "
                    f"{n_units}, where a group counts as one."
                )
            return asked, asked
        if isinstance(asked, Real):
            size = int(n_units * asked)
            if size < 1:
                raise ValueError(
                    f"n_features_to_select={asked} of {n_units} features is less than one of them."
                )
            return size, size
        if len(asked) != 2 or not all(isinstance(size, Integral) for size in asked):
            raise ValueError(
                f"n_features_to_select={asked!r} must be a range of two numbers of features."
            )
        low, high = asked
        if not 1 <= low <= high <= n_units:
            raise ValueError(
                f"n_features_to_select={asked!r} must rise, from at least 1 to at most the "
                f"{n_units} features of X, where a group counts as one."
            )
        return low, high
