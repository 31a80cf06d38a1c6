"""Plots of the scores of a nested cross-validation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sklearn_modern.model_selection._drawing import (
    add_legend,
    axes_for,
    check_nested,
    heights_of_splits,
    wrapped,
)
from sklearn_modern.model_selection._nested import metric_of
from sklearn_modern.model_selection._significance import percent

__all__ = ["OptimismDisplay", "OuterScoresDisplay"]


class OuterScoresDisplay:
    """A plot of the outer scores of each model: all folds, and the mean with its interval.

    Parameters
    ----------
    names : sequence of str
        Names of the models.
    scores : ndarray of shape (n_models, n_splits)
        Outer scores; NaN where a fit has failed.
    repeats : ndarray of shape (n_splits,)
        The repeat to which each split belongs.
    means : ndarray of shape (n_models,)
        Mean scores.
    intervals : ndarray of shape (n_models, 2)
        Lower and upper bound of the interval of each mean.
    confidence : float, default=0.95
        Confidence of the intervals.
    score_name : str, default="score"
        Name of the metric.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the plot.
    figure_ : matplotlib Figure
        The figure.
    points_ : list of matplotlib Line2D
        The scores of each model, a row of points for each repeat.
    means_ : matplotlib Line2D
        The mean scores.
    intervals_ : matplotlib LineCollection
        The intervals of the means.
    legend_ : matplotlib Legend
        The legend.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sklearn_modern.model_selection import NestedCV, OuterScoresDisplay
    >>> X, y = load_wine(return_X_y=True)
    >>> models = {"bayes": GaussianNB(), "tree": DecisionTreeClassifier(random_state=0)}
    >>> nested = NestedCV(models, repeats=2, random_state=0).fit(X, y)
    >>> display = OuterScoresDisplay.from_estimator(nested)
    >>> display.scores.shape
    (2, 10)
    """

    def __init__(
        self,
        names: Sequence[str],
        scores: np.ndarray,
        repeats: np.ndarray,
        means: np.ndarray,
        intervals: np.ndarray,
        confidence: float = 0.95,
        score_name: str = "score",
    ) -> None:
        self.names = names
        self.scores = scores
        self.repeats = repeats
        self.means = means
        self.intervals = intervals
        self.confidence = confidence
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls,
        nested: Any,
        *,
        metric: str | None = None,
        confidence: float = 0.95,
        ax: Any = None,
        **kwargs: Any,
    ) -> "OuterScoresDisplay":
        """Plot the outer scores of a nested cross-validation.

        Parameters
        ----------
        nested : NestedCV
            A fitted nested cross-validation.
        metric : str or None, default=None
            The metric; None if there is one.
        confidence : float, default=0.95
            Confidence of the intervals, which are those of ``summary``.
        ax : matplotlib Axes or None, default=None
            Axes for the plot; None creates a figure.
        **kwargs : dict
            Properties of the points, passed to ``Axes.plot``.

        Returns
        -------
        OuterScoresDisplay
            The display.
        """
        metric, summary, scores, repeats = _read(nested, metric, confidence)
        display = cls(
            summary["model"].tolist(),
            scores["outer"],
            repeats,
            summary["mean"].to_numpy(),
            summary[["lower", "upper"]].to_numpy(),
            confidence,
            metric,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> "OuterScoresDisplay":
        """Plot the scores.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes for the plot; None creates a figure.
        **kwargs : dict
            Properties of the points, passed to ``Axes.plot``.

        Returns
        -------
        OuterScoresDisplay
            Itself.
        """
        n_repeats = len(np.unique(self.repeats))
        n_splits = len(self.repeats)
        failed = np.isnan(self.scores).sum(1)
        notes = [f"{n} of {n_splits} fits failed" if n else "" for n in failed]
        labels = _labels(self.names, notes)
        ax, is_new = axes_for(ax, "OuterScoresDisplay", _size(labels, n_splits))
        style = {"marker": "o", "markersize": 5 if n_splits <= 20 else 4, "color": "C0"}
        style |= {"alpha": 0.6, "markeredgewidth": 0, "linestyle": "none"}
        style["label"] = "a fold" if n_repeats == 1 else "a fold, repeats from top to bottom"
        heights = heights_of_splits(self.repeats, 0.0, 0.5)
        self.points_ = []
        for place, scores in enumerate(self.scores):
            (points,) = ax.plot(scores, place + heights, **(style | kwargs))
            style["label"] = None
            self.points_.append(points)
        places = np.arange(len(self.names)) - 0.2
        self.intervals_ = ax.hlines(places, *self.intervals.T, color="C1", linewidth=2)
        label = f"mean, {percent(self.confidence)} interval"
        (self.means_,) = ax.plot(self.means, places, "D", color="C1", label=label)
        _name_rows(ax, labels)
        ax.set(xlabel=self.score_name)
        self.legend_ = add_legend(ax, is_new, ncols=2)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class OptimismDisplay:
    """A plot of the inner score of what was chosen beside its outer score, fold by fold.

    The inner score is the best of several, so that it is too good on average; the outer score is of
    rows that had no part in the choice. Models that choose nothing have no inner score, and are
    left out.

    Parameters
    ----------
    names : sequence of str
        Names of the models.
    inner, outer : ndarray of shape (n_models, n_splits)
        Mean inner score of what was chosen, and its outer score.
    repeats : ndarray of shape (n_splits,)
        The repeat to which each split belongs.
    optimism : ndarray of shape (n_models,)
        By how much the inner score is above the outer one, on average.
    left_out : sequence of str, default=()
        Names of the models without inner scores.
    score_name : str, default="score"
        Name of the metric.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the plot.
    figure_ : matplotlib Figure
        The figure.
    lines_ : list of matplotlib LineCollection
        For each model a line for each split, from the outer to the inner score.
    inner_, outer_ : list of matplotlib Line2D
        The scores of each model.
    bands_ : list of matplotlib Rectangle
        The mean optimism of each model, from the mean outer to the mean inner score.
    legend_ : matplotlib Legend
        The legend.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sklearn_modern.model_selection import NestedCV, OptimismDisplay
    >>> X, y = load_wine(return_X_y=True)
    >>> model = (DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3]})
    >>> nested = NestedCV({"tree": model}, random_state=0).fit(X, y)
    >>> display = OptimismDisplay.from_estimator(nested)
    >>> display.inner.shape
    (1, 5)
    """

    def __init__(
        self,
        names: Sequence[str],
        inner: np.ndarray,
        outer: np.ndarray,
        repeats: np.ndarray,
        optimism: np.ndarray,
        left_out: Sequence[str] = (),
        score_name: str = "score",
    ) -> None:
        self.names = names
        self.inner = inner
        self.outer = outer
        self.repeats = repeats
        self.optimism = optimism
        self.left_out = left_out
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls, nested: Any, *, metric: str | None = None, ax: Any = None, **kwargs: Any
    ) -> "OptimismDisplay":
        """Plot the inner and outer scores of a nested cross-validation.

        Parameters
        ----------
        nested : NestedCV
            A fitted nested cross-validation, of which at least one model chooses.
        metric : str or None, default=None
            The metric; None if there is one.
        ax : matplotlib Axes or None, default=None
            Axes for the plot; None creates a figure.
        **kwargs : dict
            Properties of the lines, passed to ``Axes.hlines``.

        Returns
        -------
        OptimismDisplay
            The display.
        """
        metric, summary, scores, repeats = _read(nested, metric, 0.95)
        names = summary["model"].to_numpy()
        known = ~np.isnan(scores["inner"]).all(1)
        if not known.any():
            raise ValueError(
                f"None of the models {names.tolist()} has an inner {metric}: they choose nothing, "
                "or their own search computes another metric. Pass NestedCV an estimator and a "
                "grid of its parameters."
            )
        display = cls(
            names[known].tolist(),
            scores["inner"][known],
            scores["outer"][known],
            repeats,
            summary["optimism"].to_numpy()[known],
            names[~known].tolist(),
            metric,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> "OptimismDisplay":
        """Plot the scores.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes for the plot; None creates a figure.
        **kwargs : dict
            Properties of the lines, passed to ``Axes.hlines``.

        Returns
        -------
        OptimismDisplay
            Itself.
        """
        n_splits = self.inner.shape[1]
        notes = [
            "mean optimism unknown: fits failed" if np.isnan(one) else f"mean optimism {one:+.3g}"
            for one in self.optimism
        ]
        names = _labels(self.names, notes)
        ax, is_new = axes_for(ax, "OptimismDisplay", _size(names, 2 * n_splits))
        style = {"color": "0.5", "linewidth": 1 if n_splits <= 20 else 0.5}
        points = {"linestyle": "none", "markersize": 6 if n_splits <= 20 else 3}
        labels = ["inner, of what was chosen", "outer", "mean optimism"]
        self.lines_, self.inner_, self.outer_, self.bands_ = [], [], [], []
        scores = zip(self.inner, self.outer, self.optimism, strict=True)
        for place, (inner, outer, optimism) in enumerate(scores):
            heights = place + heights_of_splits(self.repeats, -0.4, 0.4)
            self.lines_.append(ax.hlines(heights, outer, inner, **(style | kwargs)))
            self.inner_ += ax.plot(inner, heights, "x", color="C1", label=labels[0], **points)
            self.outer_ += ax.plot(outer, heights, "o", color="C0", label=labels[1], **points)
            self.bands_ += ax.barh(
                place,
                optimism,
                left=outer.mean(),
                height=0.9,
                color="C1",
                alpha=0.3,
                label=labels[2],
                zorder=0,
            )
            labels = [None] * 3
        _name_rows(ax, names)
        ax.set(xlabel=self.score_name)
        title = f"left out, without inner score: {', '.join(self.left_out)}"
        title = wrapped(title, 60) if self.left_out else None
        self.legend_ = add_legend(ax, is_new, ncols=3, title=title)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _read(nested, metric, confidence):
    """Return the metric, its summary, its scores by model and split, and the splits' repeats."""
    check_nested(nested)
    frame, summary = nested.scores_frame(), nested.summary(confidence)
    metric = metric_of(frame["metric"], metric)
    summary, frame = summary[summary["metric"] == metric], frame[frame["metric"] == metric]
    parts = [frame[frame["model"] == model] for model in summary["model"]]
    scores = {
        name: np.array([part[name].to_numpy(dtype=float) for part in parts])
        for name in ("inner", "outer")
    }
    return metric, summary, scores, parts[0]["repeat"].to_numpy()


def _labels(names, notes):
    """Return the names, and a note below each that has one."""
    return [
        "\n".join(filter(None, [wrapped(name), note]))
        for name, note in zip(names, notes, strict=True)
    ]


def _size(labels, n_points):
    """Return the size of a figure whose rows have these labels, and so many points."""
    n_lines = max(label.count("\n") + 1 for label in labels)
    return 7.0, 1.2 + len(labels) * max(0.6, 0.18 * n_lines + 0.1, min(0.03 * n_points, 1.6))


def _name_rows(ax, labels):
    """Write the labels at the rows, of which the first is on top."""
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
