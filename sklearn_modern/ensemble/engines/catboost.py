"""CatBoost's trees."""

import inspect
import json
import signal
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_modern._core.optional import import_optional
from sklearn_modern.ensemble.engines.base import (
    LARGEST,
    TWEEDIE_POWER,
    Engine,
    Rows,
    Watch,
    column_names,
    dense,
    from_margin,
    too_large,
    with_all_classes,
)
from sklearn_modern.ensemble.engines.catboost_parameters import (
    SYMMETRIC,
    check_extra,
    import_catboost,
)

__all__ = ["CatBoost"]

_OBJECTIVES = {
    "squared_error": "RMSE",
    "absolute_error": "MAE",
    "huber": "Huber:delta={delta!r}",
    "quantile": "Quantile:alpha={quantile!r}",
    "poisson": "Poisson",
    "tweedie": f"Tweedie:variance_power={TWEEDIE_POWER}",
}
# Losses whose best constant CatBoost finds itself; for others it would start at zero.
_FINDS_START = ("squared_error", "absolute_error", "quantile", "log_loss")
_MOST_LEAVES = 65536  # that CatBoost allows
# Of several classes it also splits what has nothing to gain, and crashes if it may go on for ever.
_MOST_LEVELS = 64


class CatBoost(Engine):
    """CatBoost's trees, grown leaf by leaf as the others' are, or its own symmetric ones."""

    booster: Any = None

    @classmethod
    def automatic(
        cls, measured: dict[str, Any], extra: dict[str, Any], device: str
    ) -> dict[str, Any]:
        """Take the limits off symmetric trees, which have none, and try all features on a GPU."""
        if device != "cpu":
            measured = measured | {"max_features": 1.0}
        if extra.get("grow_policy") != "SymmetricTree":
            return measured
        return measured | {"max_leaf_nodes": None, "min_samples_leaf": 1}

    def prepare(self, rows: Rows) -> Any:
        """Bin the rows."""
        s = self.settings
        self._check()
        if s.device != "cpu":
            return None
        pool = self._pool(self._seen(rows), self._start(rows))
        extra = set(inspect.signature(pool.quantize).parameters) & set(s.extra)
        pool.quantize(
            border_count=s.max_bins - 1,
            random_seed=s.seed,
            **{name: s.extra[name] for name in extra},
        )
        return pool

    def fit(
        self,
        rows: Rows,
        validation: Rows | None = None,
        watch: Watch | None = None,
        data: Any = None,
    ) -> None:
        """Train, or train on, until there are ``settings.n_estimators`` iterations."""
        self._check()
        before, earlier = self.n_estimators, self.booster
        if before == self.settings.n_estimators:
            return
        start = self._start(rows)
        data = self._pool(self._seen(rows), start) if data is None else data
        parts = [part for part in (rows, validation) if watch is not None and part is not None]
        if self.settings.device == "cpu":
            watcher = _Watcher(watch, self.settings.loss, len(parts))
            hooks = {"callbacks": [watcher]}
            if parts:
                hooks["eval_set"] = [self._pool(part, start) for part in parts]
            with _interruptible(watcher):
                self._grow(data, start, watcher if parts else None, **hooks)
            if watcher.error is not None:
                if not isinstance(watcher.error, KeyboardInterrupt):
                    self.booster = earlier
                raise watcher.error
            return
        self._grow(data, start)  # without hooks: it is looked at afterwards
        stages = zip(*(self.staged(part.X) for part in parts), strict=True)
        for done, predicted in enumerate(stages, start=1):
            if done > before and watch(*predicted):
                self.keep(done)
                return

    def keep(self, n_estimators: int) -> None:
        """Keep the first ``n_estimators`` iterations only."""
        self.booster = _stored(self.booster, n_estimators)

    def predict(self, X: Any) -> np.ndarray:
        """Predict by all iterations."""
        return from_margin(self.margins(X), self.settings.loss)

    def staged_margins(self, X: Any) -> Iterator[np.ndarray]:
        """Return the sums over the trees of the first iteration, of the first two, and so on."""
        yield from self.booster.staged_predict(
            self.input(X), "RawFormulaVal", thread_count=self.settings.n_threads
        )

    def margins(self, X: Any) -> np.ndarray:
        """Return the sums over all trees, from which a classifier's probabilities are computed."""
        return self.booster.predict(
            self.input(X), "RawFormulaVal", thread_count=self.settings.n_threads
        )

    def input(self, X: Any) -> Any:
        """Return rows as CatBoost takes them: if there are categories, as a DataFrame."""
        X, s = dense(X), self.settings
        if not s.categorical:
            return X
        names = column_names(s.names) or range(X.shape[1])
        columns = {name: X[:, i] for i, name in enumerate(names)}
        for i in s.categorical:
            columns[names[i]] = np.where(np.isnan(X[:, i]), -1, X[:, i]).astype(np.int64)
        pandas = import_optional("pandas", extra="catboost", feature="backend='catboost'")
        return pandas.DataFrame(columns)

    def leaves(self, X: Any) -> np.ndarray:
        """Return leaves: (rows, iterations), with more than two classes one for each class."""
        leaves = self.booster.calc_leaf_indexes(
            self.input(X), thread_count=self.settings.n_threads
        ).astype(np.int64)
        n_classes = self.settings.n_classes  # which share a tree
        return np.stack([leaves] * n_classes, axis=-1) if n_classes > 2 else leaves

    def contributions(self, X: Any) -> np.ndarray:
        """Share out margins: (rows, features + 1), or (rows, classes, features + 1)."""
        if not self._symmetric:
            raise ValueError(
                "backend='catboost' has contributions of features, which predict_contributions "
                f"needs, for symmetric trees only; fit with {SYMMETRIC}, or take "
                "backend='xgboost' or 'lightgbm'."
            )
        pool = import_catboost().Pool(self.input(X), cat_features=list(self.settings.categorical))
        return self.booster.get_feature_importance(
            pool, type="ShapValues", thread_count=self.settings.n_threads
        )

    def gains(self) -> np.ndarray:
        """Return by how much the splits on each feature change predictions, as squares.

        CatBoost does not keep the gains in its loss.
        """
        changes = self.booster.get_feature_importance(type="PredictionValuesChange")
        return np.nan_to_num(changes)  # shares of zero, where nothing changes

    @property
    def n_estimators(self) -> int:
        """Number of iterations."""
        return 0 if self.booster is None else self.booster.tree_count_

    @property
    def native(self) -> Any:
        """The library's own object."""
        return self.booster

    @property
    def _symmetric(self):
        return self.settings.extra.get("grow_policy") == "SymmetricTree"

    def _check(self):
        """Refuse what CatBoost has not."""
        s = self.settings
        if s.loss not in ("log_loss", *_OBJECTIVES):
            raise ValueError(
                f"backend='catboost' has no loss={s.loss!r}; take loss='tweedie', or another "
                "backend."
            )
        if s.interactions is not None:
            raise ValueError(
                "backend='catboost' has no interaction_cst; leave it out, or take another backend."
            )
        if s.monotonic is not None and not self._symmetric:
            raise ValueError(
                "backend='catboost' keeps to monotonic_cst in symmetric trees only; take "
                f"{SYMMETRIC}, or another backend."
            )
        if s.device != "cpu" and s.max_features < 1:
            raise ValueError(
                f"CatBoost tries all features at each split on {s.device!r}, but "
                f"max_features={s.max_features}; take max_features='auto' or 1.0, or device='cpu'."
            )
        check_extra(s)

    def _seen(self, rows):
        """Return rows as CatBoost learns from them."""
        rows = rows._replace(X=dense(rows.X))
        beyond = np.abs(rows.X) > LARGEST
        if beyond.any():
            raise too_large(rows.X, beyond, self.settings.names, "CatBoost")
        rows = with_all_classes(rows, self.settings.n_classes)
        if any(_varies(column) for column in rows.X.T):
            return rows
        # CatBoost refuses a table that cannot be split: a row of weight zero stands where no
        # other row comes.
        X = np.zeros_like(rows.X, shape=(len(rows.X) + 1, rows.X.shape[1]))
        X[-1] = LARGEST
        X[-1, list(self.settings.categorical)] = 2**30
        weight = np.ones(len(rows.y)) if rows.weight is None else rows.weight
        return Rows(X, np.r_[rows.y, rows.y[:1]], np.r_[weight, 0.0])

    def _start(self, rows):
        """Return the best constant, or None where CatBoost finds it, or goes on from a model."""
        s = self.settings
        if self.booster is not None or (s.loss in _FINDS_START and s.n_classes <= 2):
            return None
        if s.loss == "log_loss":
            shares = np.bincount(rows.y, rows.weight, minlength=s.n_classes)
            best = np.log(np.maximum(shares / shares.sum(), np.finfo(np.float64).eps))
        else:
            mean = np.average(rows.y, weights=rows.weight)
            best = np.atleast_1d(mean if s.loss == "huber" else np.log(mean))
        return best.astype(np.float32)  # which CatBoost makes of it

    def _pool(self, rows, start=None):
        s = self.settings
        return import_catboost().Pool(
            self.input(rows.X),
            rows.y,
            weight=None if rows.weight is None else rows.weight / rows.mean_weight,
            cat_features=list(s.categorical),
            feature_names=column_names(s.names),
            baseline=None if start is None else np.tile(start, (len(rows.y), 1)),
            thread_count=s.n_threads,
        )

    def _grow(self, data, start, metric=None, **hooks):
        catboost = import_catboost()
        parameters = self._parameters() | self.settings.extra
        if metric is not None:
            parameters |= {"eval_metric": metric, "use_best_model": False}
        grown = catboost.CatBoost(parameters)
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Failed to import numba")  # for the metric
                grown.fit(data, init_model=self.booster, **hooks)
        except catboost.CatBoostError as error:
            if self.settings.device == "cpu":
                raise ValueError(f"CatBoost cannot fit this. It says: {error}") from error
            raise ValueError(
                f"CatBoost cannot use device={self.settings.device!r} here; take device='cpu' or "
                f"backend='xgboost'. CatBoost says: {error}"
            ) from error
        if start is not None:
            grown.set_scale_and_bias(1.0, start.tolist())
        self.booster = _stored(grown)

    def _parameters(self):
        s = self.settings
        device, _, number = s.device.partition(":")
        several = s.n_classes > 2
        parameters = {
            "iterations": s.n_estimators - self.n_estimators,
            "learning_rate": s.learning_rate,
            # Relative to the mean weight, as ours. Equations of several classes need a little.
            "l2_leaf_reg": max(s.l2_regularization, 1e-10 if several else 0.0),
            "bootstrap_type": "Bernoulli" if s.subsample < 1 else "No",
            "border_count": s.max_bins - 1,
            "boosting_type": "Plain",
            "random_seed": s.seed + self.n_estimators,
            "thread_count": s.n_threads,
            "task_type": "CPU" if device == "cpu" else "GPU",
            "allow_const_label": True,
            "allow_writing_files": False,
            "logging_level": "Silent",
        }
        if s.loss == "log_loss":
            parameters["loss_function"] = "MultiClass" if several else "Logloss"
        else:
            parameters["loss_function"] = _OBJECTIVES[s.loss].format(
                delta=s.delta, quantile=s.quantile
            )
        if s.loss == "huber":
            parameters["leaf_estimation_method"] = "Gradient"  # its second derivatives may be zero
        if s.loss in _FINDS_START and not several:
            parameters["boost_from_average"] = self.booster is None
        if s.loss not in ("absolute_error", "quantile"):  # there leaves are found exactly
            parameters["leaf_estimation_iterations"] = 1
        if self._symmetric:
            parameters["depth"] = s.max_depth or 6
        else:
            parameters |= {
                "grow_policy": "Lossguide",
                "depth": min(s.max_depth or _MOST_LEVELS, _MOST_LEVELS),
                "max_leaves": min(s.max_leaf_nodes or _MOST_LEAVES, _MOST_LEAVES),
                # It limits the rows of what is split, not of what comes out.
                "min_data_in_leaf": 2 * s.min_samples_leaf,
            }
        if s.subsample < 1:
            parameters["subsample"] = s.subsample
        if s.max_features < 1:
            parameters["rsm"] = s.max_features
        if s.monotonic is not None:
            parameters["monotone_constraints"] = list(s.monotonic)
            parameters["model_shrink_rate"] = 0.0  # else it changes earlier trees there
        if device != "cpu":
            parameters["devices"] = number or "0"
        return parameters


class _Watcher:
    """Hands the predictions after each iteration to a Watch, and stops when it says so.

    CatBoost takes it for a metric and for a callback. It also remembers Ctrl-C, since CatBoost
    would drop what has been grown.
    """

    def __init__(self, watch, loss, n_parts):
        self.watch, self.loss, self.n_parts = watch, loss, n_parts
        self.margins = []
        self.error = None

    def __deepcopy__(self, memo):
        return self  # CatBoost copies its parameters

    def is_max_optimal(self):
        return True

    def evaluate(self, approxes, target, weight):
        self.margins.append(np.array(approxes).T)
        return 0.0, 1.0

    def get_final_error(self, error, weight):
        return error

    def after_iteration(self, info):
        # Before those of the parts come those of the rows as it learns from them.
        margins, self.margins = self.margins[-self.n_parts :], []
        if self.n_parts:
            try:
                if self.watch(*map(self._predictions, margins)):
                    return False
            except BaseException as error:  # which CatBoost would make another one
                self.error = error
        return self.error is None

    def _predictions(self, margins):
        return from_margin(margins[:, 0] if margins.shape[1] == 1 else margins, self.loss)


@contextmanager
def _interruptible(watcher):
    """Let Ctrl-C end the training after an iteration; a second one ends it at once."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def press(number, frame):
        watcher.error = KeyboardInterrupt()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, press)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _stored(model, n_estimators=None):
    """Return a model without what its training needed, or the first iterations of one.

    CatBoost itself shortens symmetric trees only, so that it goes through a file for all.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        model.save_model(path, format="json")
        if n_estimators is not None:
            content = json.loads(path.read_text())
            key = "trees" if "trees" in content else "oblivious_trees"
            content[key] = content[key][:n_estimators]
            path.write_text(json.dumps(content))
        return import_catboost().CatBoost().load_model(path, format="json")


def _varies(column):
    """Tell whether CatBoost sees more than one value."""
    column = column.astype(np.float32)
    return not ((column == column[0]) | (np.isnan(column) & np.isnan(column[0]))).all()
