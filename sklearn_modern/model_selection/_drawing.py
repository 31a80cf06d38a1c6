"""What displays have in common: where they draw, and how names are kept readable."""

from textwrap import fill
from typing import Any

import numpy as np

from sklearn_modern._core.optional import import_optional
from sklearn_modern.model_selection._nested_cv import NestedCV

__all__ = ["add_legend", "axes_for", "check_nested", "heights_of_splits", "wrapped"]


def axes_for(ax: Any, feature: str, size: tuple[float, float]) -> tuple[Any, bool]:
    """Return axes to draw on, and whether their figure is new and belongs to the display.

    Parameters
    ----------
    ax : matplotlib Axes or None
        What the user passed.
    feature : str
        The display, for the message if matplotlib is missing.
    size : (float, float)
        Width and height of a new figure in inches.
    """
    pyplot = import_optional("matplotlib.pyplot", extra="report", feature=feature)
    if ax is not None:
        return ax, False
    return pyplot.subplots(figsize=size, layout="constrained")[1], True


def add_legend(ax: Any, is_new: bool, *, ncols: int = 1, **settings: Any) -> Any:
    """Add a legend where it hides nothing, if the figure's layout makes room for it.

    Parameters
    ----------
    ax : matplotlib Axes
        The axes, whose labels are there.
    is_new : bool
        Whether the figure belongs to the display.
    ncols : int, default=1
        Columns of the legend in a figure of the display's own; others may be narrow.
    **settings : dict
        More arguments of the legend.
    """
    figure = ax.figure
    if is_new:
        return figure.legend(loc="outside lower center", ncols=ncols, **settings)
    if figure.get_layout_engine() is None:
        return ax.legend(loc="best", **settings)
    transforms = import_optional("matplotlib.transforms", extra="report", feature="legend")
    points = 24 + 14 * (ax.get_xlabel().count("\n") + 1)  # below the labels
    down = transforms.ScaledTranslation(0, -points / 72, figure.dpi_scale_trans)
    place = {"bbox_to_anchor": (0.5, 0), "bbox_transform": ax.transAxes + down}
    return ax.legend(loc="upper center", **place, **settings)


def wrapped(text: str, width: int = 32) -> str:
    """Break a text into lines, so that it takes no more room than there is; nothing is cut."""
    return fill(text, width).replace("$", r"\$")  # which would begin a formula


def heights_of_splits(repeats: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return a height for each split, so that equal scores do not hide each other.

    Parameters
    ----------
    repeats : ndarray of shape (n_splits,)
        The repeat of each split; there are gaps between repeats.
    low, high : float
        Heights of the first and the last split.
    """
    places = np.arange(len(repeats)) + 1.5 * np.unique(repeats, return_inverse=True)[1]
    return low + (high - low) * (places + 0.5) / (places[-1] + 1)


def check_nested(nested: Any) -> None:
    """Refuse what is no nested cross-validation."""
    if not isinstance(nested, NestedCV):
        raise TypeError(f"nested is a {type(nested).__name__}; it must be a fitted NestedCV.")
