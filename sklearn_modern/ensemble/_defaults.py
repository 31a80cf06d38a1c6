"""The defaults of gradient boosting, chosen by a study of real tables."""

from typing import Any

from sklearn_modern.device import is_cuda
from sklearn_modern.ensemble.engines.choice import engine_of

__all__ = [
    *("AUTO", "BACKEND", "BACKEND_ON_CUDA", "BY_LIBRARY", "CATEGORIES", "FEW_LEAVES"),
    *("LEARNING_RATE", "MANY_LEAVES", "MANY_ROWS", "MEASURED", "N_ESTIMATORS"),
    *("library", "settled"),
]

# The same for all targets and libraries.
N_ESTIMATORS = 200
LEARNING_RATE = 0.05

# What backend="auto" is, and what it is on CUDA, for which few builds of LightGBM are.
BACKEND, BACKEND_ON_CUDA = "lightgbm", "xgboost"

# max_leaf_nodes="auto": a few leaves, and more from so many training rows on.
FEW_LEAVES = 15
MANY_LEAVES = 31
MANY_ROWS = 5000

# What "auto" is for other parameters, by what y is.
AUTO: dict[str, dict[str, float]] = {
    "classes": {"subsample": 0.7, "max_features": 0.5, "min_samples_leaf": 20},
    "numbers": {"subsample": 0.7, "max_features": 0.5, "min_samples_leaf": 3},
    "levels": {"subsample": 0.7, "max_features": 0.5, "min_samples_leaf": 20},
}
# Where a library differs: scikit-learn's trees see all rows.
BY_LIBRARY: dict[str, dict[str, float]] = {"hist": {"subsample": 1.0}}
# How finely a library splits categories where min_samples_leaf="auto", unless backend_params says
# it: by itself, LightGBM passes over those of fewer than 100 rows.
CATEGORIES: dict[str, dict[str, dict[str, float]]] = {
    "lightgbm": {
        "classes": {"min_data_per_group": 10, "cat_l2": 1.0},
        "numbers": {"min_data_per_group": 10, "cat_smooth": 1.0},
        "levels": {"min_data_per_group": 10, "cat_l2": 1.0},
    },
}
# What settings_ shows.
MEASURED = (
    *("n_estimators", "learning_rate", "max_leaf_nodes", "max_depth"),
    *("min_samples_leaf", "subsample", "max_features"),
)


def library(backend: str, device: str = "cpu") -> str:
    """Return the library that a backend is on a device."""
    if backend != "auto":
        return backend
    return BACKEND_ON_CUDA if is_cuda(device) else BACKEND


def settled(
    estimator: Any, target: str, backend: str, device: str, n_rows: int, extra: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Put what was measured in the place of "auto".

    Parameters
    ----------
    estimator : GradientBoosting
        Its parameters are read.
    target : {"classes", "numbers", "levels"}
        What y is.
    backend : str
        The library.
    device : str
        Where it trains.
    n_rows : int
        Number of rows that trees are grown on.
    extra : dict
        The library's own parameters.

    Returns
    -------
    taken : dict
        A value for each of ``MEASURED``.
    extra : dict
        The library's own parameters, with those that "auto" adds.
    """
    leaves = FEW_LEAVES if n_rows < MANY_ROWS else MANY_LEAVES
    measured = AUTO[target] | BY_LIBRARY.get(backend, {}) | {"max_leaf_nodes": leaves}
    engine = engine_of(backend)
    measured = engine.automatic(measured, extra, device)
    taken = {name: getattr(estimator, name) for name in MEASURED}
    if taken["min_samples_leaf"] == "auto":
        extra = CATEGORIES.get(backend, {}).get(target, {}) | extra
    taken = {k: measured[k] if v == "auto" else v for k, v in taken.items()}
    if engine.draws_a_number and n_rows * taken["subsample"] < 1:
        taken["subsample"] = 1.0  # else there would be no row, where the library fails
    return taken, extra
