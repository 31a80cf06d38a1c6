"""LightGBM's trees."""

import warnings
from collections.abc import Iterator
from typing import Any

import lightgbm as lgb
import numpy as np
import scipy.sparse as sp

from sklearn_modern.ensemble.engines.base import (
    TWEEDIE_POWER,
    Engine,
    Rows,
    Summary,
    Watch,
    by_class,
    clash,
    column_names,
)

__all__ = ["LightGBM"]

_OBJECTIVES = {
    "squared_error": "regression",
    "absolute_error": "regression_l1",
    "huber": "huber",
    "quantile": "quantile",
    "poisson": "poisson",
    "gamma": "gamma",
    "tweedie": "tweedie",
}
# Parameters that we set in other ways or only for some fits, or that follow from what we set.
_OURS = {
    *("num_iterations", "early_stopping_round", "early_stopping_min_delta", "num_class"),
    *("categorical_feature", "monotone_constraints", "interaction_constraints", "alpha"),
    *("tweedie_variance_power", "force_row_wise", "gpu_device_id_list", "num_gpu"),
}
# Parameters without effect on a fit from arrays in this process.
_ELSEWHERE = {
    *("task", "config", "data", "valid", "header", "label_column", "weight_column"),
    *("group_column", "ignore_column", "two_round", "save_binary", "precise_float_parser"),
    *("parser_config_file", "pre_partition", "input_model", "output_model", "snapshot_freq"),
    *("saved_feature_importance_type", "output_result", "convert_model"),
    *("convert_model_language", "refit_decay_rate", "tree_learner", "num_machines", "machines"),
    *("machine_list_filename", "local_listen_port", "time_out", "top_k"),
    *("predict_raw_score", "predict_leaf_index", "predict_contrib", "start_iteration_predict"),
    *("num_iteration_predict", "predict_disable_shape_check", "pred_early_stop"),
    *("pred_early_stop_freq", "pred_early_stop_margin", "metric_freq", "first_metric_only"),
    *("is_provide_training_metric", "eval_at", "multi_error_top_k", "auc_mu_weights"),
    *("label_gain", "lambdarank_norm", "lambdarank_truncation_level", "objective_seed"),
    *("lambdarank_position_bias_regularization", "bagging_by_query"),
}
# Parameters that LightGBM drops where several workers train, or for which each trains alone.
_ONE_PROCESS = ("linear_tree", "monotone_constraints_method")
# Seeds of what is drawn for each tree; the one of the bins stays, as the bins do.
_SEEDS_OF_TREES = ("bagging_seed", "feature_fraction_seed", "extra_seed")
# What sets them, under our names.
_BY = {
    "num_iterations": "n_estimators",
    "learning_rate": "learning_rate",
    "num_leaves": "max_leaf_nodes",
    "max_depth": "max_depth",
    "min_data_in_leaf": "min_samples_leaf",
    "lambda_l2": "l2_regularization",
    "bagging_fraction": "subsample",
    "bagging_freq": "subsample",
    "feature_fraction_bynode": "max_features",
    "max_bin": "max_bins",
    "num_threads": "n_jobs",
    "seed": "random_state",
    "verbosity": "verbose",
    "metric": "scoring",
    "objective": "loss",
    "alpha": "quantile",
    "early_stopping_round": "n_iter_no_change",
    "early_stopping_min_delta": "tol",
    "categorical_feature": "categorical_features",
    "monotone_constraints": "monotonic_cst",
    "interaction_constraints": "interaction_cst",
    **dict.fromkeys(("device_type", "gpu_device_id", "gpu_device_id_list", "num_gpu"), "device"),
}
_NO_SAY = (
    "which LightGBM has for files, several machines, rankings, or metrics and predictions of its "
    "own, and which have no say in this fit; leave them out"
)
# Parameters that turn sums of trees into other numbers than `from_margin` does.
_OTHER_NUMBERS = {"sigmoid", "reg_sqrt"}
_CHANGED = "which change what the sums of trees mean; leave them out"
# Parameters of its own losses, which it drops where the loss is not its own.
_OF_LOSSES = {"scale_pos_weight", "is_unbalance", "boost_from_average"}
_DROPPED = "which have no say in a loss that is not LightGBM's own; leave them out"


class LightGBM(Engine):
    """LightGBM's histogram trees."""

    on_workers = True
    interactions_on_workers = False  # they would crash
    draws_a_number = True
    booster: lgb.Booster | None = None

    @classmethod
    def automatic(
        cls, measured: dict[str, Any], extra: dict[str, Any], device: str
    ) -> dict[str, Any]:
        """Leave the rows to "goss", if that chooses them."""
        return measured | {"subsample": 1.0} if _samples_itself(extra) else measured

    def prepare(self, rows: Rows) -> lgb.Dataset:
        """Bin the rows."""
        return self._data(rows, self._parameters(rows) | self.settings.extra)

    def fit(
        self,
        rows: Rows,
        validation: Rows | None = None,
        watch: Watch | None = None,
        data: lgb.Dataset | None = None,
    ) -> None:
        """Train, or train on, until there are ``settings.n_estimators`` iterations."""
        parameters = self._checked_parameters(rows)
        n_more = self.settings.n_estimators - self.n_estimators
        if n_more == 0:  # which LightGBM refuses
            return
        data = self._data(rows, parameters) if data is None else data
        turns = self._alternation(rows)
        if turns is not None:
            watch = watch and turns.watching(watch)
            # A function is the same after LightGBM has copied the parameters; a method is not.
            parameters["objective"] = lambda margins, data: turns.derivatives(margins, data)
        evaluated, watcher = [], _Watcher(watch, turns)
        if watch is not None:
            evaluated = [data]
            if validation is not None:
                evaluated.append(data.create_valid(_known(validation.X), validation.y))
        try:
            self.booster = lgb.train(
                parameters,
                data,
                n_more,
                valid_sets=evaluated,
                valid_names=["training", "validation"][: len(evaluated)],
                feval=None if watch is None else watcher.metric,
                callbacks=[watcher],
                init_model=self.booster,
            )
        except KeyboardInterrupt:
            if watcher.model is not None:
                watcher.follow()
                self.booster = _without_rows(watcher.model)
                self._take_path(turns)
            raise
        except lgb.basic.LightGBMError as error:
            if self.settings.device == "cpu":
                raise
            raise ValueError(
                f"LightGBM cannot use device={self.settings.device!r} here; install a LightGBM "
                f"built for it, or take backend='xgboost' or device='cpu'. LightGBM says: {error}"
            ) from error
        self._take_path(turns)

    def check_for_workers(self, summary: Summary) -> None:
        """Refuse what LightGBM does not know, or cannot do with the rows of several workers."""
        parameters = self._checked_parameters(summary)
        found = sorted(set().union(*map(_names_of, _ONE_PROCESS)) & set(parameters))
        if found:
            raise ValueError(
                f"backend_params has {found}, which LightGBM does in one process only: each worker "
                "would train on its own rows, or without it. Leave it out, or pass arrays."
            )

    def fit_on_workers(self, client: Any, X: Any, y: Any, weight: Any, summary: Summary) -> None:
        """Train by dask's workers, on checked rows that they hold."""
        from lightgbm.dask import DaskLGBMRegressor  # not of each installation

        parameters = self._checked_parameters(summary)
        del parameters["num_threads"]  # each worker has its own number of threads
        # Of classes, too: the classifier would have each worker number those that it has.
        model = DaskLGBMRegressor(
            client=client, n_estimators=self.settings.n_estimators, **parameters
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Parameter n_jobs will be ignored")
            model.fit(
                X,
                y,
                sample_weight=weight,
                feature_name=column_names(self.settings.names) or "auto",
                categorical_feature=list(self.settings.categorical),
            )
        self.booster = _without_rows(model.booster_)

    def keep(self, n_estimators: int) -> None:
        """Keep the first ``n_estimators`` iterations only."""
        self.booster = _without_rows(self.booster, n_estimators)

    def predict(self, X: Any) -> np.ndarray:
        """Predict by all iterations."""
        if self.settings.objective is not None:
            return self._from_margin(self.margins(X), self.n_estimators)
        return self.booster.predict(
            _known(X), num_iteration=-1, num_threads=self.settings.n_threads
        )

    def staged_margins(self, X: Any) -> Iterator[np.ndarray]:
        """Return the sums over the trees of the first iteration, of the first two, and so on."""
        X, margin = _known(X), 0.0
        for i in range(self.n_estimators):
            margin = margin + self.booster.predict(
                X,
                start_iteration=i,
                num_iteration=1,
                raw_score=True,
                num_threads=self.settings.n_threads,
            )
            yield margin

    def margins(self, X: Any) -> np.ndarray:
        """Return the sums over all trees, from which a classifier's probabilities are computed."""
        return self.booster.predict(
            _known(X), num_iteration=-1, raw_score=True, num_threads=self.settings.n_threads
        )

    def input(self, X: Any) -> Any:
        """Return rows as LightGBM's booster takes them."""
        return _known(X)

    def leaves(self, X: Any) -> np.ndarray:
        """Return leaves: (rows, iterations), with more than two classes one for each class."""
        leaves = self.booster.predict(
            _known(X), num_iteration=-1, pred_leaf=True, num_threads=self.settings.n_threads
        )
        return by_class(leaves.astype(np.int64), self.settings.n_classes)

    def contributions(self, X: Any) -> np.ndarray:
        """Share out margins: (rows, features + 1), or (rows, classes, features + 1)."""
        X = X.toarray() if sp.issparse(X) else X
        found = self.booster.predict(
            X, num_iteration=-1, pred_contrib=True, num_threads=self.settings.n_threads
        )
        several = self.settings.n_classes > 2
        return found.reshape(len(X), -1, X.shape[1] + 1) if several else found

    def gains(self) -> np.ndarray:
        """Return the total gain of the splits on each feature."""
        return self.booster.feature_importance("gain").astype(np.float64)

    @property
    def n_estimators(self) -> int:
        """Number of iterations."""
        return 0 if self.booster is None else self.booster.current_iteration()

    @property
    def native(self) -> lgb.Booster:
        """The library's own object."""
        return self.booster

    def _checked_parameters(self, rows):
        """Return all parameters, those of the user, too."""
        parameters = self._parameters(rows)
        _check_extra(self.settings.extra, parameters)
        parameters |= self.settings.extra
        if not _names_of("min_sum_hessian_in_leaf") & set(parameters):
            parameters["min_sum_hessian_in_leaf"] = 1e-3 * rows.mean_weight  # its own, relative
        if self.n_estimators:
            parameters |= self._seeds_of_more(parameters)
        return parameters

    def _seeds_of_more(self, parameters):
        """Return seeds for more trees, as LightGBM's draws begin again where a fit goes on.

        They are mixed from scratch, since its first draws from neighbouring seeds are alike.
        """
        seeds = {}
        for name in _SEEDS_OF_TREES:
            for key in _names_of(name) & set(parameters) or {name}:
                before = int(parameters.get(key, self.settings.seed)) % 2**32
                mixed = np.random.SeedSequence([before, self.n_estimators])
                seeds[key] = int(mixed.generate_state(1)[0] >> 1)  # which an int32 holds
        return seeds

    def _parameters(self, rows):
        s = self.settings
        device, _, number = s.device.partition(":")
        parameters = {
            "learning_rate": s.learning_rate,
            "num_leaves": s.max_leaf_nodes or 131072,  # the largest that is allowed
            "max_depth": s.max_depth or -1,
            "min_data_in_leaf": s.min_samples_leaf,
            "lambda_l2": s.l2_regularization * rows.mean_weight,
            "bagging_fraction": s.subsample,
            "bagging_freq": int(s.subsample < 1),
            "feature_fraction_bynode": s.max_features,
            "max_bin": s.max_bins,
            "num_threads": s.n_threads,
            "device_type": device,
            "gpu_device_id": int(number or 0),
            "seed": s.seed,
            "deterministic": True,
            "force_col_wise": True,  # else it measures which is faster, and results may differ
            "feature_pre_filter": False,
            "metric": "none",
            "verbosity": -1,
        }
        if s.objective is not None:
            parameters["objective"] = "none"
            if s.min_samples_leaf == 1:
                # It estimates numbers of rows from second derivatives, and may find none.
                parameters["min_data_in_leaf"] = 0
        elif s.loss == "log_loss":
            parameters["objective"] = "binary" if s.n_classes == 2 else "multiclass"
            parameters |= {} if s.n_classes == 2 else {"num_class": s.n_classes}
        else:
            parameters["objective"] = _OBJECTIVES[s.loss]
        if s.loss in ("quantile", "huber"):
            parameters["alpha"] = s.quantile if s.loss == "quantile" else s.delta
        if s.loss == "tweedie":
            parameters["tweedie_variance_power"] = TWEEDIE_POWER
        if s.monotonic is not None:
            parameters["monotone_constraints"] = list(s.monotonic)
        if s.interactions is not None:
            parameters["interaction_constraints"] = [list(group) for group in s.interactions]
        return parameters

    def _data(self, rows, parameters):
        return lgb.Dataset(
            _known(rows.X),
            rows.y,
            weight=rows.weight,
            feature_name=column_names(self.settings.names) or "auto",
            categorical_feature=list(self.settings.categorical),
            params=parameters,
            free_raw_data=self.booster is None,
        )


class _Watcher:
    """Hands the predictions after each iteration to a Watch, and stops when it says so.

    It also holds the booster while that grows, and lets an objective follow its last iteration.
    """

    order = 0

    def __init__(self, watch, turns):
        self.watch = watch
        self.turns = turns
        self.model = None
        self.predictions = []

    def metric(self, predictions, data):
        self.predictions.append(predictions)
        return "seen", 0.0, True

    def __call__(self, env):
        self.model = env.model
        seen, self.predictions = self.predictions, []
        if self.watch is not None and self.watch(*seen):
            raise lgb.callback.EarlyStopException(env.iteration, [])
        if env.iteration == env.end_iteration - 1:
            self.follow()

    def follow(self):
        if self.turns is not None:
            self.model.eval_train(self.metric)
            self.turns.follow(self.predictions.pop())


def _without_rows(booster, n_estimators=-1):
    return lgb.Booster(model_str=booster.model_to_string(num_iteration=n_estimators))


def _names_of(parameter):
    return {parameter, *lgb.basic._ConfigAliases.get(parameter)}


def _samples_itself(extra):
    """Tell whether LightGBM is to choose rows by their derivatives."""
    names = _names_of("boosting") | _names_of("data_sample_strategy")
    return any(str(extra[name]).lower() == "goss" for name in names & set(extra))


def _known(X):
    # LightGBM knows sparse matrices, but not sparse arrays.
    return sp.csr_matrix(X) if sp.issparse(X) else X


def _check_extra(extra, parameters):
    aliases = lgb.basic._ConfigAliases._get_all_param_aliases()
    main = {alias: name for name, others in aliases.items() for alias in [name, *others]}
    unknown = sorted(key for key in extra if key not in main)
    if unknown:
        raise ValueError(f"backend_params has {unknown}, which LightGBM does not know.")
    for key in extra:
        if main[key] == "boosting" and str(extra[key]) not in ("gbdt", "goss"):
            raise ValueError(
                f"backend_params has {key}={extra[key]!r}, but only 'gbdt' and 'goss' have trees "
                "that later ones leave as they are."
            )
    ours = _OURS | {main.get(key, key) for key in parameters}
    clashes = {key: _BY.get(main[key]) for key in extra if main[key] in ours}
    if clashes:
        raise ValueError(clash(clashes))
    if _samples_itself(extra) and parameters["bagging_freq"]:
        raise ValueError(
            'LightGBM\'s "goss" chooses rows itself, but subsample='
            f"{parameters['bagging_fraction']}; take subsample='auto' or 1.0."
        )
    of_losses = _OF_LOSSES if parameters["objective"] == "none" else set()
    for refused, why in (
        (_ELSEWHERE, _NO_SAY),
        (_OTHER_NUMBERS, _CHANGED),
        (of_losses, _DROPPED),
    ):
        found = sorted(key for key in extra if main[key] in refused)
        if found:
            raise ValueError(f"backend_params has {found}, {why}.")
