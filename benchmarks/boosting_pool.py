"""Gradient boosting in an outer pool of processes, as a search or a cross-validation has it.

``n_jobs=None`` takes the threads that joblib leaves to a worker, so that it should be as fast as
one thread a worker by hand. Both sides run in turn in the same pool, of as many workers as there
are cores; every side fits four folds::

    python benchmarks/boosting_pool.py
    python benchmarks/boosting_pool.py --backend xgboost
"""

import os
import warnings

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from boosted_trees import EQUAL, make_data
from command_line import command_line, is_quick
from joblib import parallel_config
from ratio import compare
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from sklearn_modern.ensemble import GradientBoostingClassifier

N_TREES = EQUAL["n_estimators"]
# The same as ours; XGBoost's with 1/40 for each row of a leaf.
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


def validate(model, X, y, workers):
    def run():
        with parallel_config("loky", n_jobs=workers), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # LightGBM's wrapper on names of columns
            return cross_val_score(model, X, y, cv=4, scoring="roc_auc", error_score="raise")

    return run


if __name__ == "__main__":
    parser = command_line(__doc__, workers=os.cpu_count(), rows=20_000, repeats=7)
    parser.add_argument("--backend", choices=sorted(WRAPPERS), action="append")
    arguments = parser.parse_args()
    limits = [name for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT") if name in os.environ]
    if limits and not is_quick():
        parser.error(f"unset {limits}, which limits the threads of both sides already")
    X, y = make_data(arguments.rows, 30)
    print(f"{arguments.workers} workers, {os.cpu_count()} cores, {len(X)} rows", flush=True)
    for backend in arguments.backend or sorted(WRAPPERS):
        ours = GradientBoostingClassifier(
            **EQUAL, backend=backend, early_stopping=False, device="cpu"
        )
        run = validate(ours, X, y, arguments.workers)
        by_hand = validate(clone(ours).set_params(n_jobs=1), X, y, arguments.workers)
        assert np.array_equal(run(), by_hand())
        ratio = compare(run, by_hand, repeats=arguments.repeats)
        print(f"{backend}, n_jobs=1 by hand / n_jobs=None: {ratio}", flush=True)
        theirs = validate(WRAPPERS[backend], X, y, arguments.workers)
        assert is_quick() or abs(run().mean() - theirs().mean()) < 0.005
        ratio = compare(run, theirs, repeats=arguments.repeats)
        print(f"{backend}, the library's own wrapper / ours: {ratio}", flush=True)
