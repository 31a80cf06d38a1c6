"""A plot of which parameters the outer splits chose."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np

from sklearn_modern._core.optional import import_optional
from sklearn_modern.model_selection._drawing import check_nested, wrapped

__all__ = ["ParameterStabilityDisplay"]

# With more values than that, numbers are drawn on an axis of numbers.
_MOST_ROWS = 12


class ParameterStabilityDisplay:
    """A plot of which values each outer split chose for the parameters of a model.

    Each parameter has axes of its own, with a column for each outer split. If there are few values,
    each has a row, numbers in their order, and its share of the splits is written beside it; more
    than 12 numbers are drawn on an axis of numbers.

    Parameters
    ----------
    choices : sequence of dict
        The chosen parameters of each outer split.
    repeats, folds : ndarray of shape (n_splits,)
        Repeat and fold of each split.
    parameters : sequence of str
        The parameters to draw.

    Attributes
    ----------
    shares : dict of str to dict
        For each parameter, how often each value was chosen, as a share.
    ax_ : ndarray of matplotlib Axes
        The axes, one for each parameter.
    figure_ : matplotlib Figure
        The figure.
    points_ : list of matplotlib Line2D
        What was chosen, by parameter.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from sklearn_modern.model_selection import NestedCV, ParameterStabilityDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = (DecisionTreeClassifier(random_state=0), {"max_depth": [1, 3]})
    >>> nested = NestedCV({"tree": model}, random_state=0).fit(X, y)
    >>> ParameterStabilityDisplay.from_estimator(nested, "tree").shares
    {'max_depth': {3: 1.0}}
    """

    def __init__(
        self,
        choices: Sequence[Mapping[str, Any]],
        repeats: np.ndarray,
        folds: np.ndarray,
        parameters: Sequence[str],
    ) -> None:
        self.choices = choices
        self.repeats = repeats
        self.folds = folds
        self.parameters = parameters
        self.shares = {name: _shares(choices, name) for name in parameters}

    @classmethod
    def from_estimator(
        cls,
        nested: Any,
        name: str | None = None,
        *,
        parameters: Sequence[str] | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> "ParameterStabilityDisplay":
        """Plot what the outer splits of a nested cross-validation chose.

        Parameters
        ----------
        nested : NestedCV
            A fitted nested cross-validation.
        name : str or None, default=None
            Name of the model; None if there is one that chooses.
        parameters : sequence of str or None, default=None
            The parameters to draw; None is all.
        ax : matplotlib Axes, array of these or None, default=None
            Axes for each parameter; None creates a figure.
        **kwargs : dict
            Properties of the points, passed to ``Axes.plot``.

        Returns
        -------
        ParameterStabilityDisplay
            The display.
        """
        check_nested(nested)
        frame = nested.scores_frame()
        name = _name_of(nested.best_params_, name)
        choices = nested.best_params_[name]
        known = list(dict.fromkeys(parameter for chosen in choices for parameter in chosen))
        parameters = known if parameters is None else list(parameters)
        if unknown := [parameter for parameter in parameters if parameter not in known]:
            raise ValueError(
                f"parameters has {unknown[0]!r}, which {name!r} did not choose; it chose {known}."
            )
        part = frame[(frame["model"] == name) & (frame["metric"] == frame["metric"].iloc[0])]
        display = cls(choices, part["repeat"].to_numpy(), part["fold"].to_numpy(), parameters)
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> "ParameterStabilityDisplay":
        """Plot the choices.

        Parameters
        ----------
        ax : matplotlib Axes, array of these or None, default=None
            Axes for each parameter; None creates a figure.
        **kwargs : dict
            Properties of the points, passed to ``Axes.plot``.

        Returns
        -------
        ParameterStabilityDisplay
            Itself.
        """
        self.ax_ = self._axes(ax)
        self.figure_ = self.ax_[0].figure
        self.points_ = []
        starts = np.flatnonzero(np.diff(self.repeats)) + 1
        for one, parameter in zip(self.ax_, self.parameters, strict=True):
            for start in starts:
                one.axvline(start - 0.5, color="0.8", linewidth=0.8, zorder=0)
            draw = _draw_numbers if self._is_long(parameter) else _draw_rows
            style = {"color": "C0", "linestyle": "none"} | kwargs
            self.points_.append(draw(one, self.choices, parameter, self.shares[parameter], style))
            one.set_title(wrapped(parameter, 60), loc="left", fontsize="medium")
            one.set_xlim(-0.6, len(self.choices) - 0.4)
            self._name_splits(one, starts)
        self.ax_[-1].set(xlabel="outer fold" if len(starts) == 0 else "repeat of the outer folds")
        return self

    def _is_long(self, parameter):
        """Tell whether there are too many values for a row each, and all are numbers."""
        values = self.shares[parameter]
        return len(values) > _MOST_ROWS and all(map(_is_number, values))

    def _axes(self, ax):
        """Return axes for each parameter."""
        pyplot = import_optional(
            "matplotlib.pyplot", extra="report", feature="ParameterStabilityDisplay"
        )
        n = len(self.parameters)
        if ax is None:
            heights = [
                1.8 if self._is_long(name) else 0.3 + 0.28 * len(self.shares[name])
                for name in self.parameters
            ]
            size = (7.0, 0.8 + sum(heights) + 0.3 * n)
            _, ax = pyplot.subplots(
                n, 1, figsize=size, height_ratios=heights, squeeze=False, layout="constrained"
            )
        ax = np.atleast_1d(ax).ravel()
        if len(ax) != n:
            raise ValueError(
                f"ax has {len(ax)} axes, but there are {n} parameters, {list(self.parameters)}, "
                "each of which needs its own."
            )
        return ax

    def _name_splits(self, ax, starts):
        """Write the folds below their columns, or the repeats if there are several."""
        if len(starts) == 0:
            ax.set_xticks(range(len(self.folds)), self.folds)
            return
        bounds = [0, *starts, len(self.repeats)]
        middles = [(low + high - 1) / 2 for low, high in pairwise(bounds)]
        ax.set_xticks(middles, self.repeats[bounds[:-1]])


def _name_of(best_params, name):
    """Return the model that is asked for, or the only one that chooses."""
    choosing = [model for model, choices in best_params.items() if any(choices)]
    if name is None and len(choosing) == 1:
        return choosing[0]
    if not choosing:
        raise ValueError(f"None of the models {list(best_params)} chose any parameters.")
    if name is None:
        raise ValueError(
            f"The models {choosing} chose parameters; take one by name={choosing[0]!r}."
        )
    if name not in choosing:
        what = "chose no parameters" if name in best_params else "is no model"
        raise ValueError(f"name={name!r} {what}; the models that chose some are {choosing}.")
    return name


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool)


def _value(value):
    """Return a value that can be compared and written."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if value is None or isinstance(value, (str, bool, Real)) else repr(value)


def _shares(choices, name):
    """Return how often each value was chosen: numbers in their order, then all others."""
    chosen = [_value(one[name]) for one in choices if name in one]
    values = list(dict.fromkeys(chosen))
    numbers = sorted(filter(_is_number, values))
    others = [value for value in values if not _is_number(value)]
    return {value: chosen.count(value) / len(choices) for value in [*numbers, *others]}


def _draw_rows(ax, choices, parameter, shares, style):
    """Draw a mark in the row of the chosen value, and write the share of each."""
    rows = {value: row for row, value in enumerate(shares)}
    where = [
        (column, rows[_value(one[parameter])])
        for column, one in enumerate(choices)
        if parameter in one
    ]
    (points,) = ax.plot(*zip(*where, strict=True), **({"marker": "s", "markersize": 7} | style))
    labels = [f"{value:.4g}" if _is_number(value) else wrapped(str(value)) for value in shares]
    if len(set(labels)) < len(labels):
        labels = [wrapped(str(value)) for value in shares]
    ax.set_yticks(range(len(shares)), labels)
    ax.set_ylim(-0.6, len(shares) - 0.4)
    for row, share in enumerate(shares.values()):
        at = ax.get_yaxis_transform()
        ax.text(1.01, row, f"{100 * share:.3g} %", transform=at, va="center")
    return points


def _draw_numbers(ax, choices, parameter, shares, style):
    """Draw the chosen values on an axis of numbers, with equal ratios if they differ widely."""
    columns = [column for column, one in enumerate(choices) if parameter in one]
    values = [float(choices[column][parameter]) for column in columns]
    (points,) = ax.plot(columns, values, **({"marker": "o", "markersize": 4} | style))
    if min(values) > 0 and max(values) > 50 * min(values):
        ax.set_yscale("log")
    return points
