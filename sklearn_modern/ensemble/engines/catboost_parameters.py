"""Which of CatBoost's own parameters are taken."""

import inspect
import warnings
from typing import Any

from sklearn_modern._core.optional import import_optional
from sklearn_modern.ensemble.engines.base import Settings, clash

__all__ = ["SYMMETRIC", "check_extra", "import_catboost"]

# Parameters that are set already, behind those of ours that set them.
_SET = {
    "n_estimators": "iterations n_estimators num_boost_round num_trees",
    "learning_rate": "learning_rate eta",
    "max_leaf_nodes": "max_leaves num_leaves",
    "max_depth": "depth max_depth",
    "min_samples_leaf": "min_data_in_leaf min_child_samples",
    "l2_regularization": "l2_leaf_reg reg_lambda",
    "subsample": "subsample bootstrap_type",
    "max_features": "rsm colsample_bylevel",
    "max_bins": "border_count max_bin",
    "loss": "loss_function objective",
    "random_state": "random_seed random_state",
    "device": "task_type devices device_config",
    "verbose": "verbose silent logging_level metric_period",
    "scoring": "eval_metric custom_metric custom_loss",
    "n_iter_no_change": "od_type od_wait early_stopping_rounds",
    "tol": "od_pval",
    "early_stopping": "use_best_model best_model_min_trees",
    "validation_fraction": "eval_fraction",
    "class_weight": "class_weights auto_class_weights scale_pos_weight",
    "categorical_features": "cat_features text_features embedding_features",
    "monotonic_cst": "monotone_constraints",
    "n_jobs": "thread_count",
    None: "allow_writing_files allow_const_label boost_from_average callback "
    "class_names classes_count target_border",
}
_BY = {name: ours for ours, names in _SET.items() for name in names.split()}
_ELSEWHERE = {
    *("train_dir", "save_snapshot", "snapshot_file", "snapshot_interval", "output_borders", "name"),
    *("tokenizers", "dictionaries", "feature_calcers", "text_processing"),
}
_NO_SAY = (
    "which CatBoost has for files or for text, and which have no say in this fit; leave them out"
)
_CHANGING = {
    *("langevin", "diffusion_temperature", "posterior_sampling"),
    *("model_shrink_rate", "model_shrink_mode"),
}
_CHANGES = "which make CatBoost change earlier trees; leave them out"
_CHOICES = {"grow_policy": ("Lossguide", "SymmetricTree"), "boosting_type": ("Plain", "Ordered")}
SYMMETRIC = (
    "backend_params={'grow_policy': 'SymmetricTree'} with max_leaf_nodes=None and "
    "min_samples_leaf=1"
)


def import_catboost() -> Any:
    """Import the library, or say how to install it."""
    with warnings.catch_warnings():
        # numpy ignores it, unless all warnings are errors: its types only grew.
        warnings.filterwarnings("ignore", r"numpy\.\w+ size changed", RuntimeWarning)
        return import_optional("catboost", extra="catboost", feature="backend='catboost'")


def check_extra(settings: Settings) -> None:
    """Refuse parameters that CatBoost does not know, or that are not for a user to set."""
    extra = settings.extra
    known = inspect.signature(import_catboost().CatBoostClassifier.__init__).parameters
    unknown = sorted(set(extra) - set(known) | set(extra) & {"self"})
    if unknown:
        raise ValueError(f"backend_params has {unknown}, which CatBoost does not know.")
    clashes = set(extra) & set(_BY)
    if clashes:
        raise ValueError(clash({name: _BY[name] for name in clashes}))
    for refused, why in ((_ELSEWHERE, _NO_SAY), (_CHANGING, _CHANGES)):
        found = sorted(set(extra) & refused)
        if found:
            raise ValueError(f"backend_params has {found}, {why}.")
    for name, choices in _CHOICES.items():
        if extra.get(name, choices[0]) not in choices:
            raise ValueError(
                f"backend_params has {name}={extra[name]!r}; it is one of {list(choices)} here."
            )
    symmetric = extra.get("grow_policy") == "SymmetricTree"
    if symmetric and (settings.max_leaf_nodes is not None or settings.min_samples_leaf > 1):
        raise ValueError(
            "CatBoost's symmetric trees limit neither their leaves nor the rows of a leaf, but "
            f"max_leaf_nodes={settings.max_leaf_nodes} and "
            f"min_samples_leaf={settings.min_samples_leaf}; take {SYMMETRIC}."
        )
