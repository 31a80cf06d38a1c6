"""What a user may have meant by a name that there is not: a parameter, or a label."""

from collections.abc import Sequence
from difflib import get_close_matches

__all__ = ["advice_on", "misspelt"]

# What other libraries call our parameters; of several, an estimator has at most one.
_ELSEWHERE = {
    "bagging_fraction": ["subsample"],
    "colsample_bynode": ["max_features"],
    "colsample_bytree": ["max_features"],
    "criterion": ["loss"],
    "early_stopping_rounds": ["n_iter_no_change"],
    "enable_categorical": ["categorical_features"],
    "epochs": ["max_iter"],
    "eta": ["learning_rate"],
    "eval_metric": ["scoring"],
    "feature_fraction": ["max_features"],
    "forward": ["direction"],
    "iterations": ["n_estimators", "max_iter"],
    "k_features": ["n_features_to_select"],
    "lambda_l2": ["l2_regularization"],
    "lr": ["learning_rate_init", "learning_rate"],
    "max_epochs": ["max_iter"],
    "max_iter": ["n_estimators"],
    "min_child_samples": ["min_samples_leaf"],
    "min_child_weight": ["min_samples_leaf"],
    "min_data_in_leaf": ["min_samples_leaf"],
    "monotone_constraints": ["monotonic_cst"],
    "n_epochs": ["max_iter"],
    "n_iter": ["n_estimators", "max_iter"],
    "nthread": ["n_jobs"],
    "num_boost_round": ["n_estimators"],
    "num_iterations": ["n_estimators"],
    "num_leaves": ["max_leaf_nodes"],
    "num_threads": ["n_jobs"],
    "objective": ["loss"],
    "optimizer": ["solver"],
    "optimizer__weight_decay": ["alpha"],
    "print_progress": ["verbose"],
    "reg_lambda": ["l2_regularization"],
    "scale_pos_weight": ["class_weight"],
    "seed": ["random_state"],
    "train_split": ["validation_fraction"],
    "weight_decay": ["alpha"],
}
_ADAM = "Adam has its published values."
_NOWHERE = {
    "beta_1": _ADAM,
    "beta_2": _ADAM,
    "clone_estimator": "The estimator is always cloned.",
    "epsilon": _ADAM,
    "eval_set": "Validation rows are passed to fit, as X_val and y_val.",
    "max_fun": "solver='lbfgs' is limited by max_iter, as the others are.",
    "missing": "Missing values are marked by NaN.",
    "module": "The estimator makes its network; convolutional ones take a module as pretrained.",
    "nesterovs_momentum": "solver='sgd' has Nesterov's momentum; momentum=0 switches it off.",
    "power_t": "learning_rate='cosine', 'one_cycle' and 'coslog4' lower the rate.",
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
    if meant:
        return f"Did you mean {meant[0]!r}?"
    if unknown not in _NOWHERE and "backend_params" in known:
        return "Further parameters of the library go into backend_params."
    return _NOWHERE.get(unknown, "")


def misspelt(unknown: Sequence, known: Sequence) -> str:
    """Return a sentence for each unknown label that nearly is a known one, whatever its case.

    Parameters
    ----------
    unknown, known : sequence of objects
        Labels, of which strings are compared.
    """
    of_lower = {label.lower().strip(): label for label in known if isinstance(label, str)}
    sentences = []
    for label in unknown:
        text = label.lower().strip() if isinstance(label, str) else ""
        if near := get_close_matches(text, of_lower, n=1, cutoff=0.7):
            sentences.append(f"{label!r} is nearly {of_lower[near[0]]!r}: is one misspelt?")
    return " ".join(sentences)
