"""Small boosters of each backend, and rows for them."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from sklearn_modern.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

BACKENDS = ["xgboost", "lightgbm", "catboost", "hist"]
LACKING = {"hist": {"huber", "tweedie"}, "catboost": {"gamma"}}
# All rows and features for each tree, whatever the defaults are.
WHOLE = {"learning_rate": 0.1, "max_leaf_nodes": 31, "subsample": 1.0, "max_features": 1.0}
# CatBoost's splits are chosen with some noise, which is in the way where fits are compared.
NO_NOISE = {"catboost": {"random_strength": 0}}
# What keeps to monotonic constraints, and has contributions of features.
SYMMETRIC = {
    "catboost": {
        "backend_params": {"grow_policy": "SymmetricTree"},
        "max_leaf_nodes": None,
        "min_samples_leaf": 1,
    }
}


def boosters(**defaults):
    """Return functions of a backend and settings that make a classifier and a regressor."""
    small = WHOLE | {"min_samples_leaf": 5, "n_jobs": 1, "random_state": 0} | defaults

    def make(kind, backend, settings):
        settings = small | settings
        own = NO_NOISE.get(backend, {}) | (settings.pop("backend_params", None) or {})
        return kind(backend=backend, backend_params=own or None, **settings)

    def classifier(backend, **settings):
        return make(GradientBoostingClassifier, backend, settings)

    def regressor(backend, **settings):
        return make(GradientBoostingRegressor, backend, settings)

    return classifier, regressor


def refuses(backend, loss, fit):
    """Tell whether the library has no such loss, which then has to be said."""
    if loss not in LACKING.get(backend, ()):
        return False
    with pytest.raises(ValueError, match=f"backend='{backend}' has no loss='{loss}'"):
        fit()
    return True


def normal_rows():
    return np.random.default_rng(0).normal(size=(200, 4))


def bent(X):
    """A noisy target that bends, and in which features meet."""
    noise = np.random.default_rng(1).normal(size=len(X)) / 2
    return np.sin(2 * X[:, 0]) + X[:, 0] * X[:, 1] + noise


def diabetes():
    """Rows, noisy classes, and a noisy target."""
    X, target = load_diabetes(return_X_y=True)
    return X, np.digitize(target, [100, 180]), target


def divided(data):
    """Training rows, validation rows, labels and targets of all."""
    X, codes, target = data
    return X[:300], X[300:], np.array(["lo", "mid", "top"])[codes], target / 100
