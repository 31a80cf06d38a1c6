"""One plain network, trained to the end, which is what speed is compared by, and its data."""

from itertools import pairwise

import numpy as np
from command_line import small
from torch import nn

__all__ = ["SINGLE", "make_data", "make_module"]

SINGLE = {
    "n_members": 1,
    "numerical_embedding": None,
    "early_stopping": False,
    "max_iter": 40,
}


def make_data(n_rows, n_features=20, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((small(n_rows, 200), n_features), dtype=dtype)
    return X, (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(np.int64)


def make_module(units=(64, 64), n_features=20):
    """Return the same network as torch's layers, for two classes."""
    widths = [n_features, *units]
    layers = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 2))
