"""What a user may have meant by a parameter that an estimator does not have."""

from collections.abc import Sequence
from difflib import get_close_matches

__all__ = ["advice_on"]

# What other libraries call our parameters; of several, an estimator has at most one.
_ELSEWHERE = {
    "colsample_bytree": ["max_features"],
    "early_stopping_rounds": ["n_iter_no_change"],
    "epochs": ["max_iter"],
    "eta": ["learning_rate"],
    "feature_fraction": ["max_features"],
    "forward": ["direction"],
    "iterations": ["n_estimators", "max_iter"],
    "k_features": ["n_features_to_select"],
    "lambda_l2": ["l2_regularization"],
    "lr": ["learning_rate_init", "learning_rate"],
    "max_epochs": ["max_iter"],
    "max_iter": ["n_estimators"],
    "min_child_samples": ["min_samples_leaf"],
    "min_data_in_leaf": ["min_samples_leaf"],
    "n_epochs": ["max_iter"],
    "num_boost_round": ["n_estimators"],
    "num_leaves": ["max_leaf_nodes"],
    "objective": ["loss"],
    "optimizer": ["solver"],
    "reg_lambda": ["l2_regularization"],
    "seed": ["random_state"],
    "weight_decay": ["alpha"],
}
_NOWHERE = {
    "eval_set": "Validation rows are passed to fit, as X_val and y_val.",
    "shuffle": "Rows are always shuffled where their order matters.",
}


def advice_on(unknown: str, known: Sequence[str]) -> str:
    """Return a sentence that names the parameter that was meant, or nothing.

    Parameters
    ----------
    unknown : str
        A parameter that there is not.
    known : sequence of str
        Those that there are.
    """
    meant = [name for name in _ELSEWHERE.get(unknown, ()) if name in known]
    meant = meant or get_close_matches(unknown, known, n=1, cutoff=0.75)
    return f"Did you mean {meant[0]!r}?" if meant else _NOWHERE.get(unknown, "")
