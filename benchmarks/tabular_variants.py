"""The studies behind the defaults: which model, and the parameters of each variant of it.

``python benchmarks/tabular_defaults.py --study NAME`` runs one, on the tuning half. The first
variant is the one that the others are compared with. All parameters that matter are written out,
so that a change of the defaults changes no study.
"""

__all__ = ["MLP_DEFAULTS", "STUDIES"]

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
_CHANGES = {
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

STUDIES = {
    "mlp": (
        "MLP",
        {"single": _SINGLE, "default": MLP_DEFAULTS}
        | {name: MLP_DEFAULTS | change for name, change in _CHANGES.items()},
    )
}
