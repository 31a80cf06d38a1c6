"""Intervals that hold what they say: conformal prediction."""

from typing import TYPE_CHECKING

from sklearn_modern._core.lazy import lazy_names

if TYPE_CHECKING:
    from sklearn_modern.calibration._conformal import ConformalRegressor

__all__ = ["ConformalRegressor"]

__getattr__, __dir__ = lazy_names(__name__, {"ConformalRegressor": "_conformal"})
