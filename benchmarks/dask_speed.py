"""Two workers of a dask cluster against one, each a process with one thread, on this machine.

Both sides run in turn in this process, which waits meanwhile::

    python benchmarks/dask_speed.py

Boosting trains on a dask Array that the workers hold; nested cross-validation of boosting runs
under ``joblib.parallel_config(backend="dask")``, which with one thread in all is this process.
"""

from contextlib import ExitStack

import dask.array as da
import numpy as np
from command_line import command_line, few, is_quick, small
from distributed import Client, LocalCluster
from joblib import parallel_config
from ratio import compare

from sklearn_modern.ensemble import GradientBoostingClassifier
from sklearn_modern.model_selection import NestedCV

N_FEATURES = 50


def make_data(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, N_FEATURES), dtype=np.float32)
    score = X[:, :10] @ np.linspace(-1, 1, 10) + X[:, 0] * X[:, 1] + rng.normal(size=n_rows)
    return X, (score > 0).astype(np.int64)


def booster(backend, n_estimators):
    return GradientBoostingClassifier(
        backend=backend,
        n_estimators=small(n_estimators, 3),
        learning_rate=0.1,
        max_leaf_nodes=31,
        subsample=1.0,
        max_features=1.0,
        early_stopping=False,
        device="cpu",
        random_state=0,
    )


def block(seed, n_rows):
    """Return rows with their labels in the last column."""
    return np.column_stack(make_data(n_rows, seed=int(seed[0]))).astype(np.float32)


def on_collections(client, backend, n_rows):
    """Return a side that trains on rows which the workers of a client have drawn."""
    n_rows, seeds = small(n_rows, 800), da.arange(4, chunks=1)
    chunks = (n_rows // 4, N_FEATURES + 1)
    rows = client.persist(da.map_blocks(block, seeds, n_rows // 4, chunks=chunks, new_axis=1))

    def fit():
        with client.as_current():
            return booster(backend, 30).fit(rows[:, :-1], rows[:, -1].astype(np.int64))

    return fit


def in_a_queue(client, backend, X, y):
    """Return a side that runs nested cross-validation on the workers of a client."""
    grid = {"max_leaf_nodes": [15, 31]}

    def fit():
        with client.as_current(), parallel_config(backend="dask"):
            folds = {"outer_cv": small(4, 2), "inner_cv": small(4, 2)}
            nested = NestedCV((booster(backend, 100), grid), **folds, random_state=0)
            return nested.fit(X, y)

    return fit


def report(name, two, one, same, repeats):
    assert same(two(), one())
    print(f"{name}: one worker / two {compare(two, one, repeats=repeats)}", flush=True)


def as_accurate(two, one):
    X, y = make_data(5000, seed=100)
    return is_quick() or abs(two.score(X, y) - one.score(X, y)) < 0.01


def same_scores(two, one):
    return np.array_equal(*(nested.scores_frame()["outer"] for nested in (two, one)))


if __name__ == "__main__":
    parser = command_line(__doc__, repeats=3)
    parser.add_argument("--backend", choices=["xgboost", "lightgbm"], action="append")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        clients = []
        for n_workers in (2, 1):
            cluster = LocalCluster(
                n_workers=n_workers, threads_per_worker=1, dashboard_address=":0"
            )
            clients.append(stack.enter_context(Client(stack.enter_context(cluster))))
        for backend in few(arguments.backend or ["xgboost", "lightgbm"]):
            sides = [on_collections(client, backend, 1_600_000) for client in clients]
            name = f"{backend}, 30 trees on a dask Array of 1,600,000 x 50"
            report(name, *sides, as_accurate, arguments.repeats)
            sides = [
                in_a_queue(client, backend, *make_data(small(10_000, 200))) for client in clients
            ]
            name = f"{backend}, NestedCV 4 x 4 of 2 settings of 100 trees, 10,000 x 50"
            report(name, *sides, same_scores, arguments.repeats)
