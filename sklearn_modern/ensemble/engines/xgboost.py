"""XGBoost's trees."""

import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import xgboost as xgb

from sklearn_modern.ensemble.engines.base import (
    LARGEST,
    TWEEDIE_POWER,
    Engine,
    Rows,
    Summary,
    Watch,
    by_class,
    clash,
    column_names,
    dense,
    too_large,
)

__all__ = ["XGBoost"]

_OBJECTIVES = {
    "squared_error": "reg:squarederror",
    "absolute_error": "reg:absoluteerror",
    "huber": "reg:pseudohubererror",
    "quantile": "reg:quantileerror",
    "poisson": "count:poisson",
    "gamma": "reg:gamma",
    "tweedie": "reg:tweedie",
}
# How much of the first second derivatives a leaf needs, of classes: the best of five in a study.
_SHARE_OF_CLASSES = 0.1
# From 3.1 on, several classes start at their shares of the rows; before, they started alike.
_STARTS_AT_SHARES = tuple(map(int, xgb.__version__.split(".")[:2])) >= (3, 1)
# Aliases of parameters that we set, and parameters that we decide or set only for some fits.
_OURS = {
    *("learning_rate", "lambda", "n_jobs", "random_state", "gpu_id", "num_class", "num_target"),
    *("n_estimators", "num_boost_round", "num_round", "early_stopping_rounds"),
    *("monotone_constraints", "interaction_constraints", "enable_categorical", "feature_types"),
    *("quantile_alpha", "huber_slope", "tweedie_variance_power", "missing", "verbose"),
    *("eval_metric", "disable_default_eval_metric", "validate_parameters"),
    *("process_type", "updater", "refresh_leaf"),
}


class XGBoost(Engine):
    """XGBoost's histogram trees, grown leaf by leaf as the others' are."""

    on_workers = True
    booster: xgb.Booster | None = None

    def prepare(self, rows: Rows) -> xgb.DMatrix:
        """Bin the rows."""
        return self._data(rows)

    def fit(
        self,
        rows: Rows,
        validation: Rows | None = None,
        watch: Watch | None = None,
        data: xgb.DMatrix | None = None,
    ) -> None:
        """Train, or train on, until there are ``settings.n_estimators`` iterations."""
        parameters = self._parameters(rows)
        _refuse_clashes(self.settings.extra, parameters)
        data = self._data(rows) if data is None else data
        turns = self._alternation(rows)
        if turns is not None:
            watch = watch and turns.watching(watch)
        evaluated, watcher = [], _Watcher(watch, self._in_float64, turns, data)
        if watch is not None:
            evaluated = [(data, "training")]
            if validation is not None:
                evaluated.append((self._data(validation, data), "validation"))
            parameters["disable_default_eval_metric"] = True
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                self.booster = xgb.train(
                    parameters | self.settings.extra,
                    data,
                    self.settings.n_estimators - self.n_estimators,
                    obj=None if turns is None else turns.derivatives,
                    evals=evaluated,
                    custom_metric=None if watch is None else watcher.metric,
                    callbacks=[watcher],
                    verbose_eval=False,
                    xgb_model=self.booster,
                )
            except KeyboardInterrupt:
                if watcher.model is not None and watcher.model.num_boosted_rounds():
                    watcher.after_training(watcher.model)
                    self.booster = watcher.model[:]  # without the rows
                    self.booster.set_param({"device": "cpu"})
                    self._take_path(turns)
                raise
        self._take_path(turns)
        # It predicts where the rows are. On an accelerator it would warn that they are elsewhere,
        # and a pickle would warn where there is none.
        self.booster.set_param({"device": "cpu"})
        for warning in caught:
            _refuse_unknown(str(warning.message))
            if "GPU" in str(warning.message) and self.settings.device != "cpu":
                raise ValueError(
                    f"XGBoost cannot use device={self.settings.device!r} here: {warning.message}"
                )
            warnings.warn(warning.message, warning.category, stacklevel=2)

    def check_for_workers(self, summary: Summary) -> None:
        """Refuse unknown parameters, of which workers would only write a warning to their logs."""
        if not self.settings.extra:
            return
        y = np.repeat(summary.y, 2)
        rehearsal = XGBoost(replace(self.settings, n_estimators=1))
        rehearsal.fit(Rows(np.zeros((len(y), summary.n_features)), y, None))

    def check_part_of_workers(self, X: np.ndarray) -> None:
        """Refuse numbers beyond float32."""
        beyond = np.abs(X) > LARGEST
        if beyond.any():
            raise too_large(X, beyond, self.settings.names, "XGBoost")

    def fit_on_workers(self, client: Any, X: Any, y: Any, weight: Any, summary: Summary) -> None:
        """Train by dask's workers, on checked rows that they hold."""
        import xgboost.dask  # not of each installation

        parameters = self._parameters(summary) | self.settings.extra
        del parameters["nthread"]  # each worker has its own number of threads
        data = xgboost.dask.DaskQuantileDMatrix(
            client,
            X,
            y,
            weight=weight,
            max_bin=self.settings.max_bins,
            **self._columns(X.shape[1]),
        )
        trained = xgboost.dask.train(
            client,
            parameters,
            data,
            num_boost_round=self.settings.n_estimators,
            verbose_eval=False,
        )
        self.booster = trained["booster"]
        self.booster.set_param({"device": "cpu"})

    def keep(self, n_estimators: int) -> None:
        """Keep the first ``n_estimators`` iterations only."""
        self.booster = self.booster[:n_estimators]

    def predict(self, X: Any) -> np.ndarray:
        """Predict by all iterations."""
        if self.settings.objective is not None:
            return self._from_margin(self.margins(X), self.n_estimators)
        self.booster.set_param({"nthread": self.settings.n_threads})
        predicted = self.booster.inplace_predict(dense(X), validate_features=False)
        return self._in_float64(predicted)

    def staged_margins(self, X: Any) -> Iterator[np.ndarray]:
        """Return the sums over the trees of the first iteration, of the first two, and so on."""
        X, margin = dense(X), None
        self.booster.set_param({"nthread": self.settings.n_threads})
        for i in range(self.n_estimators):
            margin = self.booster.inplace_predict(
                X,
                iteration_range=(i, i + 1),
                predict_type="margin",
                base_margin=margin,
                validate_features=False,
            )
            yield margin.astype(np.float64)

    def margins(self, X: Any) -> np.ndarray:
        """Return the sums over all trees, from which a classifier's probabilities are computed."""
        self.booster.set_param({"nthread": self.settings.n_threads})
        margins = self.booster.inplace_predict(
            dense(X), predict_type="margin", validate_features=False
        )
        return margins.astype(np.float64)

    def input(self, X: Any) -> np.ndarray:
        """Return rows as a DMatrix of XGBoost takes them."""
        return dense(X)

    def leaves(self, X: Any) -> np.ndarray:
        """Return leaves: (rows, iterations), with more than two classes one for each class."""
        leaves = self._predict_matrix(X, pred_leaf=True).astype(np.int64)
        return by_class(leaves.reshape(len(leaves), -1), self.settings.n_classes)

    def contributions(self, X: Any) -> np.ndarray:
        """Share out margins: (rows, features + 1), or (rows, classes, features + 1)."""
        return self._predict_matrix(X, pred_contribs=True).astype(np.float64)

    def _predict_matrix(self, X, **what):
        self.booster.set_param({"nthread": self.settings.n_threads})
        X = dense(X)
        data = xgb.DMatrix(X, nthread=self.settings.n_threads, **self._columns(X.shape[1]))
        return self.booster.predict(data, **what)

    def gains(self) -> np.ndarray:
        """Return the total gain of the splits on each feature."""
        width, names = self.booster.num_features(), column_names(self.settings.names)
        places = {name: i for i, name in enumerate(names or [f"f{i}" for i in range(width)])}
        gains = np.zeros(width)
        for name, gain in self.booster.get_score(importance_type="total_gain").items():
            gains[places[name]] = gain
        return gains

    @property
    def n_estimators(self) -> int:
        """Number of iterations."""
        return 0 if self.booster is None else self.booster.num_boosted_rounds()

    @property
    def native(self) -> xgb.Booster:
        """The library's own object."""
        return self.booster

    def _in_float64(self, predicted):
        """Widen what XGBoost predicts, so that probabilities of several classes still sum to 1."""
        predicted = predicted.astype(np.float64)
        if predicted.ndim == 1:
            return predicted
        return predicted / predicted.sum(axis=1, keepdims=True)

    def _parameters(self, rows):
        s = self.settings
        parameters = {
            "tree_method": "hist",
            "grow_policy": "lossguide",
            "eta": s.learning_rate,
            "max_leaves": s.max_leaf_nodes or 0,
            "max_depth": s.max_depth or 0,
            "min_child_weight": _least_hessian(s, rows),
            "reg_lambda": s.l2_regularization * rows.mean_weight,
            "subsample": s.subsample,
            "colsample_bynode": s.max_features,
            "max_bin": s.max_bins,
            "nthread": s.n_threads,
            "device": s.device,
            "seed": s.seed,
            "verbosity": 1,
        }
        if s.objective is not None:
            parameters["objective"] = "reg:squarederror"  # which predicts the margins themselves
            parameters["base_score"] = 0.0
        elif s.loss == "log_loss":
            binary = s.n_classes == 2
            parameters["objective"] = "binary:logistic" if binary else "multi:softprob"
            parameters |= {} if binary else {"num_class": s.n_classes}
        else:
            parameters["objective"] = _OBJECTIVES[s.loss]
        if s.loss == "quantile":
            parameters["quantile_alpha"] = s.quantile
        if s.loss == "huber":
            parameters["huber_slope"] = s.delta
            # Its own start is one Newton step from zero, which can be far off.
            parameters["base_score"] = float(np.average(rows.y, weights=rows.weight))
        if s.loss == "tweedie":
            parameters["tweedie_variance_power"] = TWEEDIE_POWER
        if s.monotonic is not None:
            parameters["monotone_constraints"] = s.monotonic
        if s.interactions is not None:
            groups = [list(group) for group in s.interactions]
            parameters["interaction_constraints"] = str(groups)  # in a list it expects names
        return parameters

    def _data(self, rows, reference=None):
        rows = rows._replace(X=dense(rows.X))
        try:
            return self._binned(rows, reference)
        except xgb.core.XGBoostError:  # checked only now, as it takes time
            beyond = np.abs(rows.X) > LARGEST
            if not beyond.any():
                raise
            if reference is None:
                raise too_large(rows.X, beyond, self.settings.names, "XGBoost") from None
            # Splits lie within float32, so the largest number acts as any beyond it.
            X = np.clip(rows.X, -LARGEST, LARGEST)
            return self._binned(rows._replace(X=X), reference)

    def _columns(self, width):
        """Say what the columns are."""
        s, kinds = self.settings, None
        if s.categorical:
            kinds = ["c" if i in s.categorical else "q" for i in range(width)]
        return {
            "feature_names": column_names(s.names),
            "feature_types": kinds,
            "enable_categorical": bool(kinds),
        }

    def _binned(self, rows, reference):
        s = self.settings
        return xgb.QuantileDMatrix(
            rows.X,
            rows.y,
            weight=rows.weight,
            **self._columns(rows.X.shape[1]),
            max_bin=s.max_bins,
            nthread=s.n_threads,
            ref=reference,
        )


# What sets them, under our names.
_BY = {
    **dict.fromkeys(("eta", "learning_rate"), "learning_rate"),
    **dict.fromkeys(("lambda", "reg_lambda"), "l2_regularization"),
    **dict.fromkeys(("nthread", "n_jobs"), "n_jobs"),
    **dict.fromkeys(("seed", "random_state"), "random_state"),
    **dict.fromkeys(("n_estimators", "num_boost_round", "num_round"), "n_estimators"),
    **dict.fromkeys(("device", "gpu_id"), "device"),
    **dict.fromkeys(("verbosity", "verbose"), "verbose"),
    **dict.fromkeys(("eval_metric", "disable_default_eval_metric"), "scoring"),
    **dict.fromkeys(("enable_categorical", "feature_types"), "categorical_features"),
    **dict.fromkeys(("objective", "huber_slope", "tweedie_variance_power"), "loss"),
    "max_leaves": "max_leaf_nodes",
    "max_depth": "max_depth",
    "min_child_weight": "min_samples_leaf",
    "subsample": "subsample",
    "colsample_bynode": "max_features",
    "max_bin": "max_bins",
    "early_stopping_rounds": "n_iter_no_change",
    "monotone_constraints": "monotonic_cst",
    "interaction_constraints": "interaction_cst",
    "quantile_alpha": "quantile",
}


def _least_hessian(settings, rows):
    """Return the least sum of second derivatives in a leaf, where the others count rows.

    It is a little more than what one row less has on average, so that rounding does not matter. Of
    classes it is a tenth of that, since there a derivative falls as a row is predicted well: with
    more of it, rows that are predicted well could not be split any more, and with much less,
    leaves of doubtful rows have few of them, and probabilities are extreme. A row of twice the mean
    weight counts as two rows, and a leaf of one row may have nearly any weight.
    """
    rows_needed = (settings.min_samples_leaf - 1 + 1e-3) * rows.mean_weight
    share = _SHARE_OF_CLASSES if settings.loss == "log_loss" else 1.0
    return share * rows_needed * _first_hessian(settings, rows)


def _first_hessian(settings, rows):
    """Return the mean second derivative of XGBoost's loss at the first iteration."""
    if settings.objective is not None:
        hessian = settings.objective.on(rows)(np.zeros(len(rows.y))).hessian
        return float(hessian.mean() / rows.mean_weight)
    mean = np.average(rows.y, weights=rows.weight)
    if settings.loss == "log_loss":
        shares = np.bincount(rows.y, rows.weight, minlength=settings.n_classes)
        shares = shares / shares.sum()
        if settings.n_classes > 2 and not _STARTS_AT_SHARES:
            shares = np.full(settings.n_classes, 1 / settings.n_classes)
        spread = (shares * (1 - shares)).mean()
        return float(spread if settings.n_classes == 2 else 2 * spread)
    if settings.loss == "poisson":
        return float(mean * np.exp(0.7))  # its max_delta_step
    if settings.loss == "tweedie":
        return float(mean ** (2 - TWEEDIE_POWER))
    if settings.loss == "huber":
        steepness = (1 + ((rows.y - mean) / settings.delta) ** 2) ** -1.5
        return float(np.average(steepness, weights=rows.weight))
    return 1.0


class _Watcher(xgb.callback.TrainingCallback):
    """Hands the predictions after each iteration to a Watch, and stops when it says so.

    It also holds the booster while that grows, and lets an objective follow its last iteration.
    """

    def __init__(self, watch, in_float64, turns, data):
        super().__init__()
        self.watch = watch
        self.in_float64 = in_float64
        self.turns = turns
        self.data = data
        self.model = None
        self.predictions = []

    def before_training(self, model):
        self.model = model
        return model

    def metric(self, predictions, data):
        self.predictions.append(self.in_float64(predictions))
        return "seen", 0.0

    def after_iteration(self, model, epoch, evals_log):
        seen, self.predictions = self.predictions, []
        return False if self.watch is None else self.watch(*seen)

    def after_training(self, model):
        if self.turns is not None:
            self.turns.follow(model.predict(self.data, output_margin=True))
        return model


def _refuse_clashes(extra, parameters):
    if extra.get("booster", "gbtree") != "gbtree":
        raise ValueError(
            f"backend_params has booster={extra['booster']!r}, but only 'gbtree' has trees that "
            "later ones leave as they are."
        )
    clashes = sorted(set(extra) & (set(parameters) | _OURS))
    if clashes:
        raise ValueError(clash({name: _BY.get(name) for name in clashes}))


def _refuse_unknown(message):
    unknown = re.search(r"Parameters: \{ (.*) \} are not used", message)
    if unknown:
        raise ValueError(f"backend_params has {unknown[1]}, which XGBoost does not know.")
