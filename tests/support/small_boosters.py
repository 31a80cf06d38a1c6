"""Small boosters of each backend, and rows for them."""

import numpy as np
from sklearn.datasets import load_diabetes

from sklearn_modern.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

BACKENDS = ["xgboost", "lightgbm", "hist"]


def boosters(**defaults):
    """Return functions of a backend and settings that make a classifier and a regressor."""
    small = {"min_samples_leaf": 5, "n_jobs": 1, "random_state": 0} | defaults

    def classifier(backend, **settings):
        return GradientBoostingClassifier(backend=backend, **small | settings)

    def regressor(backend, **settings):
        return GradientBoostingRegressor(backend=backend, **small | settings)

    return classifier, regressor


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
