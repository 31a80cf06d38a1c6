"""A table of levels, and settings that find the best linear model of it."""

import numpy as np

# A linear model, trained to the end.
OPTIMAL = {
    "hidden_layer_sizes": (),
    "input_scaling": None,
    "solver": "lbfgs",
    "alpha": 0,
    "tol": 0,
    "max_iter": 200,
    "n_iter_no_change": 20,
    "precision": "float64",
    "device": "cpu",
    "random_state": 0,
}


def table(n=250, n_levels=5, seed=0):
    """Levels of a bent function of three columns of four."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    latent = X @ [1.0, -0.5, 0.3, 0.0] + np.sin(2 * X[:, 2]) + rng.normal(0, 0.2, n)
    return X, np.digitize(latent, np.linspace(-1.2, 1.2, n_levels - 1))
