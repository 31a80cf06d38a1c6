"""A plot of how the training of a network went."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.optional import import_optional
from sklearn_modern._neural.estimator import NeuralEstimator

__all__ = ["LossCurveDisplay"]


class LossCurveDisplay:
    """A plot of the training loss and, on a second axis, of the validation score.

    The epoch with the highest validation score is marked, to which ``early_stopping=True`` goes
    back. With several members, curves are their means, and each member goes back to its own best.

    Parameters
    ----------
    losses : array-like of shape (n_epochs,)
        Training loss of each epoch.
    validation_scores : array-like of shape (n_epochs,) or None, default=None
        Validation score of each epoch; NaN where there is none.

    Attributes
    ----------
    best_epoch_ : int or None
        Number of the epoch with the highest validation score, counted from 1.
    ax_ : matplotlib Axes
        The axes of the losses.
    figure_ : matplotlib Figure
        The figure.
    line_ : matplotlib Line2D
        The losses.
    validation_ax_ : matplotlib Axes or None
        The axes of the scores, which share the epochs of ``ax_``.
    validation_line_ : matplotlib Line2D or None
        The scores.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_modern.neural_network import LossCurveDisplay, MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier((8,), early_stopping=True, max_iter=5, device="cpu", random_state=0)
    >>> LossCurveDisplay.from_estimator(clf.fit(X, y)).ax_.get_ylabel()
    'training loss'
    """

    def __init__(self, losses: ArrayLike, validation_scores: ArrayLike | None = None) -> None:
        self.losses = losses
        self.validation_scores = validation_scores

    @classmethod
    def from_estimator(
        cls, estimator: NeuralEstimator, *, ax: Any = None, **kwargs: Any
    ) -> "LossCurveDisplay":
        """Plot the training of a fitted network.

        Parameters
        ----------
        estimator : neural estimator
            A fitted network of this package.
        ax : matplotlib Axes or None, default=None
            Axes for the plot; None creates a figure.
        **kwargs : dict
            Properties of the line of losses, passed to ``Axes.plot``.

        Returns
        -------
        LossCurveDisplay
            The display.
        """
        if not isinstance(estimator, NeuralEstimator):
            raise TypeError(
                f"estimator is a {type(estimator).__name__}, but must be a network of "
                "sklearn_modern; that of a Pipeline is its last step, pipeline[-1]."
            )
        check_is_fitted(estimator, "history_")
        # A warm start may have validation rows in some of its fits only.
        epochs = [epoch for epoch in estimator.history_ if "train_loss" in epoch]
        scores = np.array([epoch.get("valid_score", np.nan) for epoch in epochs], dtype=float)
        losses = np.array([epoch["train_loss"] for epoch in epochs], dtype=float)
        return cls(losses, None if np.isnan(scores).all() else scores).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> "LossCurveDisplay":
        """Plot the curves.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes for the plot; None creates a figure.
        **kwargs : dict
            Properties of the line of losses, passed to ``Axes.plot``.

        Returns
        -------
        LossCurveDisplay
            Itself.
        """
        pyplot = import_optional("matplotlib.pyplot", extra="report", feature="LossCurveDisplay")
        if ax is None:
            _, ax = pyplot.subplots()
        epochs = np.arange(1, len(self.losses) + 1)
        (self.line_,) = ax.plot(epochs, self.losses, **({"label": "training loss"} | kwargs))
        ax.set(xlabel="epoch", ylabel="training loss")
        ax.xaxis.get_major_locator().set_params(integer=True)
        self.validation_ax_ = self.validation_line_ = self.best_epoch_ = None
        if self.validation_scores is not None:
            self._plot_scores(ax, epochs)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_scores(self, ax, epochs):
        self.validation_ax_ = ax.twinx()
        (self.validation_line_,) = self.validation_ax_.plot(
            epochs, self.validation_scores, color="C1", label="validation score"
        )
        self.validation_ax_.set_ylabel("validation score")
        self.best_epoch_ = int(np.nanargmax(self.validation_scores)) + 1
        best = self.validation_ax_.axvline(
            self.best_epoch_, color="gray", linestyle="--", label=f"best epoch: {self.best_epoch_}"
        )
        # One legend for both axes. At the right there is room between falling losses and rising
        # scores.
        handles = [self.line_, self.validation_line_, best]
        self.validation_ax_.legend(handles=handles, loc="center right")
