"""Estimators of densities: how likely rows are, and rows like those of the fit."""

from typing import TYPE_CHECKING

from sklearn_modern._core.lazy import lazy_names

if TYPE_CHECKING:
    from sklearn_modern.density._flow_regressor import FlowRegressor
    from sklearn_modern.density._normalizing_flow import NormalizingFlow
    from sklearn_modern.density._posterior import PosteriorEstimator

__all__ = ["FlowRegressor", "NormalizingFlow", "PosteriorEstimator"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "FlowRegressor": "_flow_regressor",
        "NormalizingFlow": "_normalizing_flow",
        "PosteriorEstimator": "_posterior",
    },
)
