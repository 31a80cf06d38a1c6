"""Numbers whose density is asked for: a whole table, or targets."""

from typing import Any

import numpy as np
import torch

from sklearn_modern._core.scikit_learn import feature_names
from sklearn_modern._inputs.bounded import (
    BoundedScaler,
    check_bounds,
    column_labels,
    refuse_discrete,
    refuse_outside,
    with_log_slope,
)
from sklearn_modern._inputs.table_form import TableForm
from sklearn_modern._inputs.validation import check_targets, check_X
from sklearn_modern._neural.reversible import ReversibleInputs
from sklearn_modern._neural.targets import Targets
from sklearn_modern.heads.base import Head
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.sources import Arrays, Source

__all__ = ["DensityInputs", "DensityTargets"]

# Fewer targets may be equal by chance.
_FEW_ROWS = 200

# Names of the types of columns that hold fewer digits than float64.
_SHORT = {"float16": np.float16, "float32": np.float32, "float[pyarrow]": np.float32}


class DensityInputs(ReversibleInputs):
    """Tables of continuous numbers, whose density may depend on labels.

    Inputs of the network are no numbers and the label, if there is one, and its targets are the
    numbers.

    Parameters
    ----------
    bounds : (low, high) or None
        Bounds of the columns.

    Attributes
    ----------
    scaler : BoundedScaler
        Scales the numbers.
    """

    def __init__(self, bounds: Any) -> None:
        self.bounds = bounds

    def check(self, estimator: Any, X: Any, *, reset: bool) -> np.ndarray:
        """Read numbers, and in a fit the bounds."""
        numbers = check_X(estimator, X, reset=reset, dtype=np.float64)
        if reset:
            self.form, self.names, width = TableForm(X), feature_names(X), numbers.shape[1]
            limits = check_bounds(self.bounds, column_labels(self.names, width, "X"))
            self.scaler = BoundedScaler(*limits, _float_types(self.form, width))
        return numbers

    def refuse(self, checked: np.ndarray) -> None:
        """Refuse rows of a fit that have no density, or do not lie within the bounds."""
        labels = column_labels(self.names, checked.shape[1], "X")
        refuse_discrete(checked, labels)
        refuse_outside(self.scaler, checked, labels)

    def learn(self, checked: np.ndarray, weight: np.ndarray | None, *, first: bool = False) -> None:
        """Learn the scale of numbers."""
        self.scaler.fit(checked, weight)

    def source(
        self, checked: np.ndarray, rows: slice, dtype: torch.dtype, device: str, **rest: Any
    ) -> Source:
        """Scale numbers; what came as targets are the labels."""
        numbers, labels = checked[rows], rest.pop("y", None)
        targets = torch.from_numpy(with_log_slope(self.scaler, numbers)).to(device, dtype)
        nothing = targets[:, :0]
        x = nothing if labels is None else (nothing, labels.unsqueeze(1))
        return Arrays(x, y=targets, **rest)

    def compare(self, training: np.ndarray, validation: np.ndarray) -> None:
        """Refuse validation rows that have no density."""
        labels = column_labels(self.names, validation.shape[1], "X_val")
        refuse_outside(self.scaler, validation, labels)

    def in_units(self, numbers: np.ndarray) -> np.ndarray:
        """Return scaled numbers in the units of X."""
        return self.scaler.inverse(numbers)

    def log_slope(self, checked: np.ndarray) -> np.ndarray:
        """Return the logarithm of the determinant of the scaling's Jacobian."""
        return self.scaler.log_slope(checked)

    def restored(self, cells: np.ndarray, *, whole: bool = False) -> Any:
        """Write rows in the form of X."""
        return self.form.restore(list(self.in_units(cells).T), whole=whole)


class DensityTargets(Targets):
    """One continuous number or several, whose density depends on X.

    Parameters
    ----------
    bounds : (low, high) or None
        Bounds of the numbers.
    parameter : str, default="bounds"
        The parameter that has them, for messages.

    Attributes
    ----------
    shape : tuple of int
        () for one number, (n,) for several.
    given_shape : tuple of int
        The same, but (1,) if y had a single column, which is read as one number.
    scaler : BoundedScaler
        Scales the numbers.
    """

    def __init__(self, bounds: Any, parameter: str = "bounds") -> None:
        self.bounds, self.parameter = bounds, parameter

    def check(self, y: Any, *, reset: bool) -> np.ndarray:
        """Read numbers (n_samples, n_outputs), and in a fit the bounds."""
        checked = check_targets(y, dtype=np.float64)
        shape, numbers = checked.shape[1:], checked.reshape(len(checked), -1)
        if reset:
            self.shape, self.given_shape = shape, np.asarray(y).shape[1:]
            self.names = feature_names(y)
            limits = check_bounds(self.bounds, self._labels("y"), "y", self.parameter)
            self.scaler = BoundedScaler(*limits)
        elif shape != self.shape:
            raise ValueError(f"y has targets of shape {shape}, expected {self.shape}.")
        return numbers

    def refuse_discrete(self, y: np.ndarray) -> None:
        """Refuse targets of a fit that have no density."""
        instead = "predict it with a classifier"
        refuse_discrete(y, self._labels("y"), "y", instead=instead, by_chance=_FEW_ROWS)

    def refuse_outside(self, y: np.ndarray, what: str) -> None:
        """Refuse targets that do not lie within the bounds; ``what`` they are, for messages."""
        refuse_outside(self.scaler, y, self._labels(what), self.parameter)

    def _labels(self, what):
        return column_labels(self.names, *self.shape, what) if self.shape else [what]

    def learn(self, y: np.ndarray, weight: np.ndarray) -> None:
        """Learn the scale of numbers."""
        self.scaler.fit(y, weight)

    def scaled(self, y: np.ndarray) -> np.ndarray:
        """Return scaled numbers, and the logarithms of the slopes of the scaling."""
        return with_log_slope(self.scaler, y)

    def make_head(self, n_features: int, random: MemberRandom) -> Head:
        """Raise, since the density is not a head's."""
        raise TypeError("The density is that of a flow, which has no head.")


def _float_types(form, width):
    """Return as which types of floats a form gives columns back."""
    if form.library is None:
        names = [form.dtype.name] * width
    else:
        names = [name for name, _ in form.kinds]
    return [_SHORT.get(name.lower(), np.float64) for name in names]
