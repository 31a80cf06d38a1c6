"""A picture of how scores change with the number of features."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.optional import import_optional

__all__ = ["SubsetScoresDisplay"]


class SubsetScoresDisplay:
    """The best score of each size, with its standard error.

    Parameters
    ----------
    sizes : ndarray of shape (n_sizes,)
        Numbers of features.
    means, standard_errors : ndarray of shape (n_sizes,)
        Score of the best subset of each size.
    chosen : int
        The size that was selected.
    score_name : str, default="score"
        What the scores are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it is drawn.
    figure_ : matplotlib Figure
        The figure.
    line_ : matplotlib Line2D
        The mean scores.
    band_ : matplotlib artist
        One standard error to either side.
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
        """Draw the scores of a fitted selector.

        Parameters
        ----------
        selector : SequentialFeatureSelector or ExhaustiveFeatureSelector
            It has been fitted.
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the line, as ``Axes.plot`` takes it.

        Returns
        -------
        SubsetScoresDisplay
            The display.
        """
        check_is_fitted(selector)
        sizes = np.array(list(selector.subsets_))
        steps = list(selector.subsets_.values())
        display = cls(
            sizes,
            np.array([step.mean for step in steps]),
            np.array([step.se for step in steps]),
            selector.n_features_to_select_,
            selector._history.followed,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> "SubsetScoresDisplay":
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the line, as ``Axes.plot`` takes it.

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
