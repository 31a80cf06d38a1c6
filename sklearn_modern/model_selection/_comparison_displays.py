"""Plots of tests that compare models."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import stats

from sklearn_modern.model_selection._bayesian import (
    BayesianComparison,
    bayesian_correlated_t_test,
)
from sklearn_modern.model_selection._data_set_tests import FriedmanTest
from sklearn_modern.model_selection._drawing import (
    add_legend,
    axes_for,
    check_nested,
    heights_of_splits,
    wrapped,
)
from sklearn_modern.model_selection._nested import outer_scores

__all__ = ["CriticalDifferenceDisplay", "PairedDifferencesDisplay"]


class PairedDifferencesDisplay:
    """A plot of the differences of two models' scores, and of what is known of their mean.

    The curve is the posterior of the mean difference by :func:`bayesian_correlated_t_test`. Shaded
    is the region of practical equivalence, where the difference does not matter. Below the curve
    are the differences fold by fold, repeats from top to bottom.

    Parameters
    ----------
    differences : ndarray of shape (n_repeats, n_folds)
        Scores of the first minus those of the second.
    comparison : BayesianComparison
        The result of the test.
    first, second : str
        Names of the models.
    score_name : str, default="score"
        Name of the metric.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the plot.
    figure_ : matplotlib Figure
        The figure.
    points_ : matplotlib Line2D
        The differences.
    line_ : matplotlib Line2D
        The posterior density; if all differences are equal, a line where they are.
    areas_ : list of matplotlib PolyCollection
        The parts of the posterior where the second is better, where both are equivalent, and where
        the first is better.
    rope_ : matplotlib Rectangle
        The region of practical equivalence.
    legend_ : matplotlib Legend
        The legend, with the three probabilities.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sklearn_modern.model_selection import NestedCV, PairedDifferencesDisplay
    >>> X, y = load_wine(return_X_y=True)
    >>> models = {"bayes": GaussianNB(), "tree": DecisionTreeClassifier(random_state=0)}
    >>> nested = NestedCV(models, repeats=2, random_state=0).fit(X, y)
    >>> display = PairedDifferencesDisplay.from_estimator(nested, "bayes", "tree", rope=0.02)
    >>> display.differences.shape
    (2, 5)
    """

    def __init__(
        self,
        differences: np.ndarray,
        comparison: BayesianComparison,
        first: str,
        second: str,
        score_name: str = "score",
    ) -> None:
        self.differences = differences
        self.comparison = comparison
        self.first = first
        self.second = second
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls,
        nested: Any,
        first: str,
        second: str,
        *,
        metric: str | None = None,
        rope: float = 0.01,
        ax: Any = None,
        **kwargs: Any,
    ) -> "PairedDifferencesDisplay":
        """Plot the differences of two models of a nested cross-validation.

        Parameters
        ----------
        nested : NestedCV
            A fitted nested cross-validation.
        first, second : str
            Names of two models.
        metric : str or None, default=None
            The metric; None if there is one.
        rope : float, default=0.01
            The largest difference that does not matter in practice.
        ax : matplotlib Axes or None, default=None
            Axes for the plot; None creates a figure.
        **kwargs : dict
            Properties of the points, passed to ``Axes.plot``.

        Returns
        -------
        PairedDifferencesDisplay
            The display.
        """
        check_nested(nested)
        outer = outer_scores(nested, metric)
        for parameter, name in {"first": first, "second": second}.items():
            if name not in outer.scores:
                raise ValueError(
                    f"{parameter}={name!r} is not among the models, {list(outer.scores)}."
                )
        if first == second:
            raise ValueError(
                f"first and second are both {first!r}; take two of {list(outer.scores)}."
            )
        scores = outer.scores[first], outer.scores[second]
        comparison = bayesian_correlated_t_test(*scores, rope=rope, test_size=outer.test_share)
        differences = (scores[0] - scores[1]).reshape(outer.n_repeats, outer.n_folds)
        return cls(differences, comparison, first, second, outer.metric).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> "PairedDifferencesDisplay":
        """Plot the differences and the posterior.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes for the plot; None creates a figure.
        **kwargs : dict
            Properties of the points, passed to ``Axes.plot``.

        Returns
        -------
        PairedDifferencesDisplay
            Itself.
        """
        ax, is_new = axes_for(ax, "PairedDifferencesDisplay", (7.0, 5.0))
        top = self._draw_posterior(ax)
        n_repeats, n_folds = self.differences.shape
        height = top * min(0.1 + 0.05 * n_repeats, 0.6)
        repeats = np.repeat(np.arange(n_repeats), n_folds)
        rows = heights_of_splits(repeats, -0.05 * top, -height)
        style = {"marker": "o", "markersize": 4, "color": "C0", "alpha": 0.6}
        style |= {"markeredgewidth": 0, "linestyle": "none", "label": "a fold"}
        (self.points_,) = ax.plot(self.differences.ravel(), rows, **(style | kwargs))
        rope = self.comparison.rope
        self.rope_ = ax.axvspan(-rope, rope, color="0.5", alpha=0.25, linewidth=0, zorder=0)
        names = f"{self.first} minus {self.second}"
        ax.set(xlabel=f"{self.score_name},\n{wrapped(names, 70)}", ylabel="posterior density")
        ax.set_ylim(-height - 0.05 * top, 1.05 * top)
        ax.set_yticks([])
        self.legend_ = add_legend(ax, is_new)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_posterior(self, ax):
        """Draw the density and its three parts; return how high it is."""
        found, df = self.comparison, self.differences.size - 1
        upper = found.interval[1]
        scale = (upper - found.effect) / stats.t.ppf((1 + found.confidence) / 2, df)
        edges = [-np.inf, -found.rope, found.rope, np.inf]
        texts = [
            (found.second_better, f"{self.second} is better", "C1", "//"),
            (found.equivalent, f"they differ by at most {found.rope:g}", "0.6", None),
            (found.first_better, f"{self.first} is better", "C2", None),
        ]
        if scale > 0:
            posterior = stats.t(df, loc=found.effect, scale=scale)
            low, high = posterior.ppf([0.002, 0.998])
            x = np.union1d(np.linspace(low, high, 400), [-found.rope, found.rope])
            density, top = posterior.pdf(x), posterior.pdf(found.effect)
            (self.line_,) = ax.plot(x, density, color="0.2", linewidth=1)
        else:
            x, density, top = np.zeros(0), np.zeros(0), 1.0
            (self.line_,) = ax.plot([found.effect] * 2, [0, top], color="0.2", linewidth=3)
        self.areas_ = []
        for (share, text, color, hatch), (low, high) in zip(texts, pairwise(edges), strict=True):
            inside = (x >= low) & (x <= high)
            style = {"color": color, "alpha": 0.6, "linewidth": 0, "hatch": hatch}
            label = wrapped(f"{share:.3f}: {text}", 70)
            self.areas_.append(ax.fill_between(x[inside], density[inside], **style, label=label))
        return top


class CriticalDifferenceDisplay:
    """Demšar's diagram of the mean ranks of several models over several data sets.

    Bars join models whose mean ranks differ by no more than the critical difference: between these,
    Nemenyi's test finds no significant difference.

    Parameters
    ----------
    mean_ranks : mapping of str to float
        Mean rank of each model; 1 is the best.
    critical_difference : float
        Mean ranks that differ by more are significantly different.

    Attributes
    ----------
    groups : list of tuple of str
        The models that each bar joins, the best first.
    ax_ : matplotlib Axes
        The axes of the plot, on which x is the mean rank.
    figure_ : matplotlib Figure
        The figure.
    stems_ : dict of str to matplotlib Line2D
        The line from each model's mean rank to its name.
    names_ : dict of str to matplotlib Annotation
        The names.
    bars_ : list of matplotlib Line2D
        The bars that join models.
    difference_ : matplotlib Line2D
        A line as long as the critical difference.

    References
    ----------
    Demšar, J. (2006). Statistical comparisons of classifiers over multiple data sets. JMLR 7, 1-30.

    Examples
    --------
    >>> from sklearn_modern.model_selection import CriticalDifferenceDisplay, friedman_test
    >>> scores = {"a": [0.9, 0.8, 0.7, 0.9], "b": [0.8, 0.7, 0.6, 0.8], "c": [0.7, 0.6, 0.8, 0.5]}
    >>> CriticalDifferenceDisplay.from_test(friedman_test(scores)).groups
    [('a', 'b', 'c')]
    """

    def __init__(self, mean_ranks: Mapping[str, float], critical_difference: float) -> None:
        self.mean_ranks = mean_ranks
        self.critical_difference = critical_difference
        self.groups = _not_different(mean_ranks, critical_difference)

    @classmethod
    def from_test(
        cls, result: FriedmanTest, *, ax: Any = None, **kwargs: Any
    ) -> "CriticalDifferenceDisplay":
        """Plot the mean ranks of a Friedman test.

        Parameters
        ----------
        result : FriedmanTest
            What ``friedman_test`` returns.
        ax : matplotlib Axes or None, default=None
            Axes for the plot; None creates a figure.
        **kwargs : dict
            Properties of the bars, passed to ``Axes.plot``.

        Returns
        -------
        CriticalDifferenceDisplay
            The display.
        """
        if not isinstance(result, FriedmanTest):
            raise TypeError(
                f"result is a {type(result).__name__}; it must be what friedman_test returns."
            )
        return cls(result.mean_ranks, result.critical_difference).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> "CriticalDifferenceDisplay":
        """Plot the mean ranks.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes for the plot; None creates a figure.
        **kwargs : dict
            Properties of the bars, passed to ``Axes.plot``.

        Returns
        -------
        CriticalDifferenceDisplay
            Itself.
        """
        names = sorted(self.mean_ranks, key=self.mean_ranks.__getitem__)
        half = (len(names) + 1) // 2
        sides = names[:half], names[half:][::-1]
        labels = {name: f"{wrapped(name, 24)} ({self.mean_ranks[name]:.3g})" for name in names}
        # The axis is at 0, and rows go down from there: bars, then names.
        first, places = 0.6 * len(self.groups) + 0.7, {}
        for side in sides:
            lines = np.array([_n_lines(labels[name]) for name in side])
            places |= dict(zip(side, first + np.cumsum(lines) - lines / 2, strict=True))
        bottom = max(places.values()) + max(map(_n_lines, labels.values())) / 2
        ax, _ = axes_for(ax, "CriticalDifferenceDisplay", (8.0, 0.2 * (bottom + 3.6) + 0.3))
        self._draw_axis(ax, bottom)
        self.stems_, self.names_ = {}, {}
        for side, edge, sign in zip(sides, (1, len(names)), (-1, 1), strict=True):
            for name in side:
                rank, y = self.mean_ranks[name], places[name]
                (self.stems_[name],) = ax.plot([rank, rank, edge], [0, y, y], color="0.4", lw=1)
                self.names_[name] = ax.annotate(
                    labels[name],
                    (edge, y),
                    (4 * sign, 0),
                    textcoords="offset points",
                    ha="right" if sign < 0 else "left",
                    va="center",
                )
        self.bars_ = []
        for row, group in enumerate(self.groups):
            ranks = [self.mean_ranks[group[0]], self.mean_ranks[group[-1]]]
            style = {"color": "C0", "linewidth": 5, "solid_capstyle": "butt", "zorder": 3}
            self.bars_ += ax.plot(ranks, [0.6 * row + 0.6] * 2, **(style | kwargs))
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_axis(self, ax, bottom):
        """Draw the axis of ranks, and above it how long the critical difference is."""
        k, length = len(self.mean_ranks), self.critical_difference
        ax.spines[["left", "right", "bottom"]].set_visible(False)
        ax.spines["top"].set_position(("data", 0))
        ax.spines["top"].set_bounds(1, k)
        ax.xaxis.tick_top()
        ax.set(xlim=(1, k), ylim=(bottom, -3.6), yticks=[], xticks=range(1, k + 1))
        (self.difference_,) = ax.plot(
            [1, 1 + length], [-2.2] * 2, "|-", color="C1", linewidth=2, clip_on=False
        )
        ax.annotate(
            f"critical difference {length:.3g}",
            (1, -2.2),
            (0, 4),
            textcoords="offset points",
            va="bottom",
        )
        ax.annotate("mean rank", (k, 0), (6, 0), textcoords="offset points", va="center")


def _n_lines(text):
    return text.count("\n") + 1.2


def _not_different(mean_ranks, critical_difference):
    """Return the largest groups of models in the order of ranks with no significant difference."""
    names = sorted(mean_ranks, key=mean_ranks.__getitem__)
    ranks = np.array([mean_ranks[name] for name in names])
    groups, end = [], 0
    for start, rank in enumerate(ranks):
        last = int(np.flatnonzero(ranks - rank <= critical_difference)[-1])
        if last > max(start, end):
            groups.append(tuple(names[start : last + 1]))
            end = last
    return groups
