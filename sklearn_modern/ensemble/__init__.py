"""Gradient boosting by XGBoost, LightGBM, CatBoost or scikit-learn, behind one interface."""

from typing import TYPE_CHECKING

from sklearn_modern._core.lazy import lazy_names

if TYPE_CHECKING:
    from sklearn_modern.ensemble._fold_ensemble import (
        FoldEnsembleClassifier,
        FoldEnsembleRegressor,
    )
    from sklearn_modern.ensemble._gradient_boosting import (
        GradientBoostingClassifier,
        GradientBoostingRegressor,
    )

__all__ = [
    "FoldEnsembleClassifier",
    "FoldEnsembleRegressor",
    "GradientBoostingClassifier",
    "GradientBoostingRegressor",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "FoldEnsembleClassifier": "_fold_ensemble",
        "FoldEnsembleRegressor": "_fold_ensemble",
        "GradientBoostingClassifier": "_gradient_boosting",
        "GradientBoostingRegressor": "_gradient_boosting",
    },
)
