"""Numbers whose density is asked for: a whole table, or targets."""

from typing import Any

import numpy as np
import torch

from sklearn_modern._core.scikit_learn import feature_names
from sklearn_modern._inputs.bounded import (
    BoundedScaler,
    check_bounds,
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
        """Read numbers, which in a fit must have a density, and lie within the bounds."""
        numbers = check_X(estimator, X, reset=reset, dtype=np.float64)
        if reset:
            self.form, self.names = TableForm(X), feature_names(X)
            refuse_discrete(numbers, self.names)
            self.scaler = BoundedScaler(*check_bounds(self.bounds, numbers.shape[1]))
            refuse_outside(self.scaler, numbers, self.names)
        return numbers

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
        refuse_outside(self.scaler, validation, self.names, "X_val")

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
    scaler : BoundedScaler
        Scales the numbers.
    """

    def __init__(self, bounds: Any, parameter: str = "bounds") -> None:
        self.bounds, self.parameter = bounds, parameter

    def check(self, y: Any, *, reset: bool) -> np.ndarray:
        """Read numbers (n_samples, n_outputs), which in a fit must have a density."""
        checked = check_targets(y, dtype=np.float64)
        shape, numbers = checked.shape[1:], checked.reshape(len(checked), -1)
        if reset:
            self.shape = shape
            limits = check_bounds(self.bounds, numbers.shape[1], "y", self.parameter)
            self.scaler = BoundedScaler(*limits)
            if len(numbers) > _FEW_ROWS:
                refuse_discrete(numbers, None, "y")
            refuse_outside(self.scaler, numbers, None, "y", self.parameter)
        elif shape != self.shape:
            raise ValueError(f"y has targets of shape {shape}, expected {self.shape}.")
        return numbers

    def learn(self, y: np.ndarray, weight: np.ndarray) -> None:
        """Learn the scale of numbers."""
        self.scaler.fit(y, weight)

    def scaled(self, y: np.ndarray) -> np.ndarray:
        """Return scaled numbers, and the logarithms of the slopes of the scaling."""
        return with_log_slope(self.scaler, y)

    def make_head(self, n_features: int, random: MemberRandom) -> Head:
        """Raise, since the density is not a head's."""
        raise TypeError("The density is that of a flow, which has no head.")
