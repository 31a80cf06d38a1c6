"""Data and parameters of the comparisons of boosted trees."""

import numpy as np
from command_line import small

__all__ = ["EQUAL", "make_data"]

# What both sides have, whatever our defaults are.
EQUAL = {
    "n_estimators": 100,
    "learning_rate": 0.1,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 20,
    "subsample": 1.0,
    "max_features": 1.0,
}


def make_data(n_rows, n_features=50):
    n_rows = small(n_rows, 300)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features), dtype=np.float32)
    score = X[:, :10] @ rng.normal(size=10) + X[:, 0] * X[:, 1] + rng.normal(size=n_rows)
    return X, (score > 0).astype(np.int64)
