"""Gradient boosting in an outer pool of processes, as a search or a cross-validation has it.

``n_jobs=None`` takes the threads that joblib leaves to a worker, so that it should be as fast as
one thread a worker by hand. Both sides run in turn in the same pool, of as many workers as there
are cores; every side fits four folds::

    python benchmarks/boosting_pool.py
    python benchmarks/boosting_pool.py --backend xgboost
"""

import argparse
import os
import warnings

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from joblib import parallel_config
from ratio import compare
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from sklearn_modern.ensemble import GradientBoostingClassifier

N_TREES = 100

# What both sides have, whatever our defaults are; for XGBoost with 1/40 for each row of a leaf.
EQUAL = {
    "n_estimators": N_TREES,
    "learning_rate": 0.1,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 20,
    "subsample": 1.0,
    "max_features": 1.0,
}
WRAPPERS = {
    "lightgbm": lgb.LGBMClassifier(
        n_estimators=N_TREES, max_bin=255, deterministic=True, force_col_wise=True, verbose=-1
    ),
    "xgboost": xgb.XGBClassifier(
        n_estimators=N_TREES,
        learning_rate=0.1,
        grow_policy="lossguide",
        max_leaves=31,
        max_depth=0,
        max_bin=255,
        min_child_weight=0.5,
        reg_lambda=0,
    ),
}


def make_data(n_rows, n_features=30):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features), dtype=np.float32)
    score = X[:, :10] @ rng.normal(size=10) + X[:, 0] * X[:, 1] + rng.normal(size=n_rows)
    return X, (score > 0).astype(np.int64)


def validate(model, X, y, workers):
    def run():
        with parallel_config("loky", n_jobs=workers), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # LightGBM's wrapper on names of columns
            return cross_val_score(model, X, y, cv=4, scoring="roc_auc", error_score="raise")

    return run


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--backend", choices=sorted(WRAPPERS), action="append")
    arguments = parser.parse_args()
    limits = [name for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT") if name in os.environ]
    if limits:
        parser.error(f"unset {limits}, which limits the threads of both sides already")
    X, y = make_data(arguments.rows)
    print(f"{arguments.workers} workers, {os.cpu_count()} cores, {arguments.rows} rows", flush=True)
    for backend in arguments.backend or sorted(WRAPPERS):
        ours = GradientBoostingClassifier(
            **EQUAL, backend=backend, early_stopping=False, device="cpu"
        )
        run = validate(ours, X, y, arguments.workers)
        by_hand = validate(clone(ours).set_params(n_jobs=1), X, y, arguments.workers)
        assert np.array_equal(run(), by_hand())
        ratio = compare(run, by_hand, repeats=arguments.repeats)
        print(f"{backend}, n_jobs=None / n_jobs=1 (bar <= 1.05): {ratio}", flush=True)
        theirs = validate(WRAPPERS[backend], X, y, arguments.workers)
        assert abs(run().mean() - theirs().mean()) < 0.005
        ratio = compare(run, theirs, repeats=arguments.repeats)
        print(f"{backend}, ours / the library's own wrapper (bar <= 1.0): {ratio}", flush=True)
