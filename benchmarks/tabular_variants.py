"""The studies behind the defaults: which model, and the parameters of each variant of it.

``python benchmarks/tabular_defaults.py --study NAME`` runs one, on the tuning half. All parameters
that matter are written out, so that a change of the defaults changes no study.
"""

__all__ = ["BOOSTING_DEFAULTS", "MLP_DEFAULTS", "STUDIES"]

# One network, trained equally long for every table.
_SINGLE = {
    "hidden_layer_sizes": (128, 128),
    "n_members": 1,
    "members": "independent",
    "numerical_embedding": None,
    "early_stopping": False,
    "learning_rate": "one_cycle",
    "learning_rate_init": 0.003,
    "max_iter": 40,
    "batch_size": "auto",
    "dropout": 0.1,
    "alpha": 0.5,
}
# The defaults. A test compares them with the code.
MLP_DEFAULTS = _SINGLE | {
    "n_members": 8,
    "numerical_embedding": "auto",
    "early_stopping": "auto",
    "max_iter": "auto",
}

# What is changed of the defaults, each thing alone.
_MLP_CHANGES = {
    "1 member": {"n_members": 1},
    "4 members": {"n_members": 4},
    "16 members": {"n_members": 16},
    "members that share weights": {"members": "shared"},
    "no bins": {"numerical_embedding": None},
    "8 bins": {"n_bins": 8},
    "32 bins": {"n_bins": 32},
    "periodic": {"numerical_embedding": "periodic"},
    "all epochs, all rows": {"early_stopping": False},
    "coslog4": {"learning_rate": "coslog4"},
    "cosine": {"learning_rate": "cosine"},
    "coslog4, 80 epochs": {"learning_rate": "coslog4", "max_iter": 80},
    "coslog4, members that share weights": {"learning_rate": "coslog4", "members": "shared"},
    "20 epochs": {"max_iter": 20},
    "30 epochs": {"max_iter": 30},
    "40 epochs": {"max_iter": 40},
    "80 epochs": {"max_iter": 80},
    "(64, 64)": {"hidden_layer_sizes": (64, 64)},
    "(256, 256)": {"hidden_layer_sizes": (256, 256)},
    "(128, 128, 128)": {"hidden_layer_sizes": (128, 128, 128)},
    "batches of 32": {"batch_size": 32},
    "batches of 256": {"batch_size": 256},
    "no dropout": {"dropout": 0.0},
    "dropout 0.3": {"dropout": 0.3},
    "decay 0.1": {"alpha": 0.1},
    "decay 2": {"alpha": 2.0},
    "rate 0.0015": {"learning_rate_init": 0.0015},
    "rate 0.006": {"learning_rate_init": 0.006},
    "silu": {"activation": "silu"},
    "label smoothing": {"label_smoothing": 0.05},
}

# The defaults. A test compares them with the code.
BOOSTING_DEFAULTS = {
    "backend": "auto",
    "n_estimators": 200,
    "learning_rate": 0.05,
    "max_leaf_nodes": "auto",
    "min_samples_leaf": "auto",
    "subsample": "auto",
    "max_features": "auto",
    "l2_regularization": 0.0,
}
# A number of rows a leaf leaves categories to LightGBM's rules, unless these are written out.
_FEW_ROWS_OF_A_CATEGORY = {"min_data_per_group": 10, "cat_l2": 1.0, "cat_smooth": 1.0}
_BOOSTING_CHANGES = {
    "xgboost": {"backend": "xgboost"},
    "hist": {"backend": "hist"},
    # What "auto" was before: all rows and features, larger steps.
    "xgboost, all rows and features": {
        "backend": "xgboost",
        "n_estimators": 100,
        "learning_rate": 0.1,
        "max_leaf_nodes": 31,
        "min_samples_leaf": 20,
        "subsample": 1.0,
        "max_features": 1.0,
    },
    "LightGBM's rules for categories": {
        "backend": "lightgbm",
        "backend_params": {"min_data_per_group": 100, "cat_l2": 10.0, "cat_smooth": 10.0},
    },
    "rate 0.1, 100 trees": {"learning_rate": 0.1, "n_estimators": 100},
    "rate 0.03, 300 trees": {"learning_rate": 0.03, "n_estimators": 300},
    "300 trees": {"n_estimators": 300},
    "8 leaves": {"max_leaf_nodes": 8},
    "15 leaves": {"max_leaf_nodes": 15},
    "31 leaves": {"max_leaf_nodes": 31},
    "50 leaves": {"max_leaf_nodes": 50},
    "3 rows a leaf": {"min_samples_leaf": 3, "backend_params": _FEW_ROWS_OF_A_CATEGORY},
    "10 rows a leaf": {"min_samples_leaf": 10, "backend_params": _FEW_ROWS_OF_A_CATEGORY},
    "20 rows a leaf": {"min_samples_leaf": 20, "backend_params": _FEW_ROWS_OF_A_CATEGORY},
    "subsample 0.5": {"subsample": 0.5},
    "subsample 0.8": {"subsample": 0.8},
    "subsample 1": {"subsample": 1.0},
    "max_features 0.35": {"max_features": 0.35},
    "max_features 0.7": {"max_features": 0.7},
    "max_features 1": {"max_features": 1.0},
    "l2 1": {"l2_regularization": 1.0},
    "l2 5": {"l2_regularization": 5.0},
}


def _study(kind, defaults, changes, **others):
    variants = others | {"default": defaults}
    return kind, variants | {name: defaults | change for name, change in changes.items()}


STUDIES = {
    "mlp": _study("MLP", MLP_DEFAULTS, _MLP_CHANGES, single=_SINGLE),
    "boosting": _study("boosting", BOOSTING_DEFAULTS, _BOOSTING_CHANGES),
}
