"""A plot of scores against numbers of features."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.optional import import_optional

__all__ = ["SubsetScoresDisplay"]


class SubsetScoresDisplay:
    """A plot of the best score of each size, with its standard error.

    Parameters
    ----------
    sizes : ndarray of shape (n_sizes,)
        Numbers of features.
    means, standard_errors : ndarray of shape (n_sizes,)
        Score of the best subset of each size, and its standard error.
    chosen : int
        The selected size.
    score_name : str, default="score"
        Name of the metric.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of the plot.
    figure_ : matplotlib Figure
        The figure.
    line_ : matplotlib Line2D
        The mean scores.
    band_ : matplotlib artist
        One standard error on either side.
    """

    def __init__(
        self,
        sizes: np.ndarray,
        means: np.ndarray,
        standard_errors: np.ndarray,
        chosen: int,
        score_name: str = "score",
    ) -> None:
        self.sizes = sizes
        self.means = means
        self.standard_errors = standard_errors
        self.chosen = chosen
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls, selector: Any, *, ax: Any = None, **kwargs: Any
    ) -> "SubsetScoresDisplay":
        """Plot the scores of a fitted selector.

        Parameters
        ----------
        selector : SequentialFeatureSelector or ExhaustiveFeatureSelector
            A fitted selector.
        ax : matplotlib Axes or None, default=None
            Axes for the plot; None creates a figure.
        **kwargs : dict
            Properties of the line, passed to ``Axes.plot``.

        Returns
        -------
        SubsetScoresDisplay
            The display.
        """
        check_is_fitted(selector)
        sizes = np.array(list(selector.subsets_))
        best = list(selector.subsets_.values())
        display = cls(
            sizes,
            np.array([one.mean for one in best]),
            np.array([one.se for one in best]),
            selector.n_features_to_select_,
            selector._history.deciding,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> "SubsetScoresDisplay":
        """Plot the scores.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes for the plot; None creates a figure.
        **kwargs : dict
            Properties of the line, passed to ``Axes.plot``.

        Returns
        -------
        SubsetScoresDisplay
            Itself.
        """
        pyplot = import_optional("matplotlib.pyplot", extra="report", feature="plot")
        if ax is None:
            _, ax = pyplot.subplots()
        (self.line_,) = ax.plot(self.sizes, self.means, **({"marker": "o"} | kwargs))
        self.band_ = ax.fill_between(
            self.sizes,
            self.means - self.standard_errors,
            self.means + self.standard_errors,
            alpha=0.2,
            color=self.line_.get_color(),
            linewidth=0,
            label="one standard error",
        )
        ax.axvline(self.chosen, color="gray", linestyle="--", label=f"selected: {self.chosen}")
        ax.set(xlabel="number of features", ylabel=self.score_name)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend(loc="best")
        self.ax_, self.figure_ = ax, ax.figure
        return self
