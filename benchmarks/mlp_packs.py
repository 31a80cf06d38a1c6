"""What ``fit_many`` saves where networks of one shape train as the members of one.

As a forward selection asks for them: five features and each of twenty more. Both sides run in
turn in this process, give the same probabilities, and are measured to the last prediction::

    python benchmarks/mlp_packs.py --threads 1
"""

import argparse

import numpy as np
import torch
from ratio import compare
from sklearn.base import clone

from sklearn_modern._fits.fit import Fit
from sklearn_modern._fits.many import fit_many
from sklearn_modern.neural_network import MLPClassifier

N_BASE, N_MORE = 5, 20


def make_data(n_rows, n_features=N_BASE + N_MORE):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features))
    return X, (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(np.int64)


def apart(model, fits):
    return [clone(model).set_params(**fit.params).fit(*fit.data()) for fit in fits]


def together(model, fits):
    found = dict(fit_many(model, fits))
    return [found[position] for position in range(len(fits))]


def report(name, bar, model, n_rows, repeats):
    X, y = make_data(n_rows)
    base = np.arange(N_BASE)
    fits = [Fit({}, X, y, columns=np.append(base, N_BASE + more)) for more in range(N_MORE)]
    for fit, one, other in zip(fits, apart(model, fits), together(model, fits), strict=True):
        inputs = X[:, fit.columns]
        difference = one.predict_proba(inputs) - other.predict_proba(inputs)
        assert np.abs(difference).max() < 1e-3
    ratio = compare(lambda: apart(model, fits), lambda: together(model, fits), repeats=repeats)
    print(f"{name} (bar {bar}): apart / together {ratio}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} thread(s), torch {torch.__version__}")
    settings = {"max_iter": 5, "device": arguments.device, "random_state": 0}
    for name, bar, more, n_rows in (
        ("default", ">= 2", {}, 2000),
        ("units (32,)", ">= 4", {"hidden_layer_sizes": (32,)}, 2000),
        ("float64", ">= 1.3", {"precision": "float64"}, 2000),
        ("default", ">= 2.5", {}, 500),
        ("default", ">= 1.2", {}, 8000),
    ):
        model = MLPClassifier(**settings, **more)
        name = f"{name}, {N_MORE} candidates, {n_rows} rows"
        report(name, bar, model, n_rows, arguments.repeats)
