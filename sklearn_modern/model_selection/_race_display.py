"""A plot of how the candidates of a search fell behind, and left."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_modern.model_selection._drawing import add_legend, axes_for, wrapped
from sklearn_modern.model_selection._nested import metric_of

__all__ = ["RaceDisplay"]


class RaceDisplay:
    """A plot of the mean score so far of each candidate, against the number of its splits.

    Candidates that left a race are gray, and their lines end where they left. Without a race all
    lines go to the last split.

    Parameters
    ----------
    scores : ndarray of shape (n_candidates, n_splits)
        Scores of each candidate on the splits in their order.
    n_splits_done : ndarray of shape (n_candidates,)
        On how many splits each candidate was evaluated.
    chosen : int or None, default=None
        Position of the chosen candidate; None if none was chosen.
    chosen_params : dict or None, default=None
        Its parameters, for the legend.
    score_name : str, default="score"
        Name of the metric.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the plot.
    figure_ : matplotlib Figure
        The figure.
    lines_ : list of matplotlib Line2D
        Mean scores so far, by candidate.
    legend_ : matplotlib Legend
        The legend.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn_modern.model_selection import GridSearchCV, RaceDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"n_neighbors": [1, 10, 90]}
    >>> settings = {"scoring": "accuracy", "cv": 8, "racing": "exact"}
    >>> search = GridSearchCV(KNeighborsClassifier(), grid, **settings).fit(X, y)
    >>> RaceDisplay.from_estimator(search).n_splits_done.tolist()
    [8, 8, 3]
    """

    def __init__(
        self,
        scores: np.ndarray,
        n_splits_done: np.ndarray,
        chosen: int | None = None,
        chosen_params: Mapping[str, Any] | None = None,
        score_name: str = "score",
    ) -> None:
        self.scores = scores
        self.n_splits_done = n_splits_done
        self.chosen = chosen
        self.chosen_params = chosen_params
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls, search: Any, *, metric: str | None = None, ax: Any = None, **kwargs: Any
    ) -> "RaceDisplay":
        """Plot the scores of a search.

        Parameters
        ----------
        search : GridSearchCV, RandomizedSearchCV or OptunaSearchCV
            A fitted search, with or without a race.
        metric : str or None, default=None
            The metric; None is the one that decided.
        ax : matplotlib Axes or None, default=None
            Axes for the plot; None creates a figure.
        **kwargs : dict
            Properties of all lines, passed to ``Axes.plot``.

        Returns
        -------
        RaceDisplay
            The display.
        """
        check_is_fitted(search, "cv_results_")
        results = search.cv_results_
        known = [name[len("mean_test_") :] for name in results if name.startswith("mean_test_")]
        if metric is None and search.refit in known:
            metric = search.refit
        metric = metric_of(known, metric)
        n_splits = search.n_splits_
        scores = np.column_stack([results[f"split{i}_test_{metric}"] for i in range(n_splits)])
        n_done = results.get("n_splits_done", np.full(len(scores), n_splits))
        chosen = getattr(search, "best_index_", None)
        params = None if chosen is None else results["params"][chosen]
        return cls(scores, n_done, chosen, params, metric).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> "RaceDisplay":
        """Plot the scores.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes for the plot; None creates a figure.
        **kwargs : dict
            Properties of all lines, passed to ``Axes.plot``.

        Returns
        -------
        RaceDisplay
            Itself.
        """
        ax, is_new = axes_for(ax, "RaceDisplay", (6.4, 5.0))
        n_splits = self.scores.shape[1]
        left = self.n_splits_done < n_splits
        left_style = {"color": "0.7", "linewidth": 0.8, "marker": "x", "markersize": 4, "zorder": 2}
        to_the_end = {"color": "C0", "linewidth": 1, "marker": "o", "markersize": 3, "zorder": 3}
        to_the_end["alpha"] = 0.6
        chosen = {"color": "C1", "linewidth": 3, "marker": "o", "markersize": 8, "zorder": 4}
        chosen["markeredgecolor"] = "0.1"
        self.lines_ = []
        for candidate, n_done in enumerate(self.n_splits_done):
            style = left_style if left[candidate] else to_the_end
            style = chosen if candidate == self.chosen else style
            splits = np.arange(1, n_done + 1)
            means = np.cumsum(self.scores[candidate, :n_done]) / splits
            self.lines_ += ax.plot(splits, means, **(style | {"markevery": [-1]} | kwargs))
        ax.set(xlabel="number of splits", ylabel=f"mean {self.score_name} so far")
        ax.xaxis.get_major_locator().set_params(integer=True)
        self._add_legend(ax, is_new, left)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _add_legend(self, ax, is_new, left):
        """Name the chosen candidate, and count those that left and the others."""
        others = np.arange(len(left)) != self.chosen
        labels = {}
        if self.chosen is not None:
            params = ", ".join(
                f"{name}={_text(value)}" for name, value in self.chosen_params.items()
            )
            labels[self.chosen] = wrapped(f"chosen: {params}", 60)
        for group, text in ((~left & others, "to the last split"), (left & others, "left before")):
            if group.any():
                labels[int(np.argmax(group))] = f"{text}: {group.sum()}"
        handles = [self.lines_[candidate] for candidate in labels]
        self.legend_ = add_legend(ax, is_new, handles=handles, labels=list(labels.values()))


def _text(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)
