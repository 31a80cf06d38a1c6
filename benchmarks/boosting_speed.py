"""Speed and memory of the boosting estimators beside the native API of the same library.

Every row is a ratio of two sides that run in turn in this process, on the same data and with the
same parameters::

    python benchmarks/boosting_speed.py --threads 2
    python benchmarks/boosting_speed.py --threads 2 --backend lightgbm
    python benchmarks/boosting_speed.py --threads 2 --backend catboost  # needs the extra
    python benchmarks/boosting_speed.py --threads 8 --backend xgboost --device cuda
"""

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from boosted_trees import EQUAL, make_data
from command_line import command_line, few, installed
from own_process import in_own_process, peak_memory
from ratio import compare
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from sklearn_modern.ensemble import GradientBoostingClassifier

N_ROWS, N_TREES = 100_000, EQUAL["n_estimators"]


def ours(backend, threads, device="cpu", **settings):
    settings = EQUAL | {"early_stopping": False, "random_state": 0} | settings
    return GradientBoostingClassifier(backend=backend, n_jobs=threads, device=device, **settings)


class NativeXGBoost:
    def __init__(self, threads, device="cpu"):
        self.threads, self.device = threads, device

    def fit(self, X, y):
        # What ours has by min_samples_leaf=20: a tenth of p (1 - p) a row, for 19 rows.
        least = 0.1 * 19.001 * y.mean() * (1 - y.mean())
        data = xgb.QuantileDMatrix(X, y, max_bin=255, nthread=self.threads)
        parameters = {
            "objective": "binary:logistic",
            "tree_method": "hist",
            "grow_policy": "lossguide",
            "eta": 0.1,
            "max_leaves": 31,
            "max_depth": 0,
            "min_child_weight": least,
            "reg_lambda": 0.0,
            "max_bin": 255,
            "nthread": self.threads,
            "device": self.device,
        }
        self.booster = xgb.train(parameters, data, N_TREES)
        return self

    def predict(self, X):
        return self.booster.inplace_predict(X)


class NativeLightGBM:
    def __init__(self, threads):
        self.threads = threads

    def fit(self, X, y):
        parameters = {
            "objective": "binary",
            "learning_rate": 0.1,
            "num_leaves": 31,
            "min_data_in_leaf": 20,
            "max_bin": 255,
            "num_threads": self.threads,
            "deterministic": True,
            "force_col_wise": True,
            "feature_pre_filter": False,
            "metric": "none",
            "verbosity": -1,
        }
        self.booster = lgb.train(parameters, lgb.Dataset(X, y, params=parameters), N_TREES)
        return self

    def predict(self, X):
        return self.booster.predict(X, num_threads=self.threads)


class NativeCatBoost:
    def __init__(self, threads):
        self.threads = threads

    def fit(self, X, y):
        from catboost import CatBoostClassifier

        self.model = CatBoostClassifier(
            n_estimators=N_TREES,
            learning_rate=0.1,
            grow_policy="Lossguide",
            max_leaves=31,
            depth=64,
            min_data_in_leaf=40,
            l2_leaf_reg=0.0,
            border_count=254,
            bootstrap_type="No",
            boost_from_average=True,
            leaf_estimation_iterations=1,
            # Of the seed that ours draws.
            random_seed=int(np.random.RandomState(0).randint(2**31 - 1)),
            thread_count=self.threads,
            allow_writing_files=False,
            silent=True,
        ).fit(X, y)
        return self

    def predict(self, X):
        return self.model.predict_proba(X, thread_count=self.threads)


class NativeHist:
    def __init__(self, threads):
        self.threads = threads

    def fit(self, X, y):
        with threadpool_limits(self.threads, "openmp"):
            self.model = HistGradientBoostingClassifier(
                max_iter=N_TREES, early_stopping=False, random_state=0
            ).fit(X, y)
        return self

    def predict(self, X):
        with threadpool_limits(self.threads, "openmp"):
            return self.model.predict_proba(X)


NATIVE = {
    "xgboost": NativeXGBoost,
    "lightgbm": NativeLightGBM,
    "catboost": NativeCatBoost,
    "hist": NativeHist,
}


def speed(backend, threads, repeats):
    X, y = make_data(N_ROWS)
    native = NATIVE[backend](threads)
    ratio = compare(
        lambda: ours(backend, threads).fit(X, y), lambda: native.fit(X, y), repeats=repeats
    )
    print(f"{backend}, fit, native / ours: {ratio}", flush=True)
    clf = ours(backend, threads).fit(X, y)
    expected = native.predict(X)
    expected = expected[:, 1] if expected.ndim == 2 else expected
    difference = np.abs(clf.predict_proba(X)[:, 1] - expected).max()
    print(f"{backend}, greatest difference of probabilities: {difference:.1e}")
    ratio = compare(lambda: clf.predict_proba(X), lambda: native.predict(X), repeats=3 * repeats)
    print(f"{backend}, predict, native / ours: {ratio}", flush=True)


def memory(backend, threads):
    """Compare the peaks of two processes."""
    sides = (f"peak({backend!r}, {threads}, {side!r})" for side in ("native", "ours"))
    native, ours = (in_own_process("boosting_speed", side) for side in sides)
    print(f"{backend}, peak memory, native / ours: {native / ours:.2f}", flush=True)


def peak(backend, threads, side):
    X, y = make_data(N_ROWS)
    (ours(backend, threads) if side == "ours" else NATIVE[backend](threads)).fit(X, y)
    return peak_memory()


def accelerator(device, threads, repeats):
    for n_rows in (N_ROWS, 10 * N_ROWS):
        on_accelerator(device, n_rows, threads, repeats)


def on_accelerator(device, n_rows, threads, repeats):
    """Fit by XGBoost on an accelerator; its calls return when the device has finished."""
    X, y = make_data(n_rows)
    clf, native = ours("xgboost", threads, device), NativeXGBoost(threads, device)
    on_cpu, name = ours("xgboost", threads), f"xgboost on {device}, {n_rows} rows"
    ratio = compare(lambda: clf.fit(X, y), lambda: native.fit(X, y), repeats=repeats)
    print(f"{name}, fit, native / ours: {ratio}", flush=True)
    ratio = compare(lambda: clf.predict_proba(X), lambda: native.predict(X), repeats=repeats)
    print(f"{name}, predict, native / ours: {ratio}", flush=True)
    ratio = compare(lambda: clf.fit(X, y), lambda: on_cpu.fit(X, y), repeats=1)
    print(f"{name}, fit, CPU / {device}: {ratio}", flush=True)


if __name__ == "__main__":
    parser = command_line(__doc__, threads=2, repeats=5, device="cpu")
    parser.add_argument("--backend", choices=sorted(NATIVE), action="append")
    arguments = parser.parse_args()
    print(f"{arguments.threads} thread(s), xgboost {xgb.__version__}, lightgbm {lgb.__version__}")
    if arguments.device == "cpu":
        backends = arguments.backend or NATIVE
        if "catboost" in backends and not installed("catboost", "catboost"):
            backends = [backend for backend in backends if backend != "catboost"]
        for backend in backends:
            speed(backend, arguments.threads, arguments.repeats)
        for backend in few(backends):
            memory(backend, arguments.threads)
    else:
        accelerator(arguments.device, arguments.threads, arguments.repeats)
