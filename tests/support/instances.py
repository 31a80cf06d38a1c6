"""Small settings of every estimator, the one table that the contract tests read."""

from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier
from support.plain_estimators import PlainCentroid, PlainRidge

from sklearn_modern.decomposition import Autoencoder
from sklearn_modern.density import NormalizingFlow
from sklearn_modern.utils.discovery import all_estimators

# Public name -> keyword arguments, one entry a setting. Arithmetic is exact (float64, one batch)
# where scikit-learn's checks compare weights with repetition.
_EXACT = {"precision": "float64", "batch_size": 1000, "device": "cpu", "random_state": 0}
_MLP = {
    "hidden_layer_sizes": (8,),
    "dropout": 0.0,
    "max_iter": 40,
    "learning_rate_init": 0.03,
    "n_members": 1,
    "numerical_embedding": None,
    "early_stopping": False,
}
_CNN = {"width": 8, "depth": (1, 1), "dropout": 0.0, "max_iter": 60, "learning_rate_init": 0.03}
_AUTOENCODER = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 20}
# The noise of codes is then the same for all rows.
_FIXED = _EXACT | {"solver": "lbfgs", "batch_size": "auto", "max_iter": 20}
_RNN = {
    "hidden_layer_sizes": (8,),
    "dropout": 0.0,
    "max_iter": 80,
    "learning_rate_init": 0.03,
}
_SEQUENCE_CNN = {
    "width": 8,
    "depth": 1,
    "kernel_sizes": (21,),  # as long as a row of the checks, so that it tells places apart
    "dropout": 0.0,
    "max_iter": 60,
    "learning_rate_init": 0.03,
}
_TRANSFORMER = {
    "width": 8,
    "depth": 1,
    "n_heads": 2,
    "feedforward_factor": 2,
    "dropout": 0.0,
    "max_iter": 60,
    "learning_rate_init": 0.03,
}
_CAUSAL = {name: value for name, value in _TRANSFORMER.items() if name != "feedforward_factor"}
_VIT = {
    "patch_size": 1,
    "patches": "linear",
    "width": 8,
    "depth": 1,
    "n_heads": 2,
    "dropout": 0.0,
    "max_iter": 60,
    "learning_rate_init": 0.03,
}
_FLOW = {
    "hidden_layer_sizes": (8,),
    "dropout": 0.0,
    "n_members": 1,
    "max_iter": 20,
    "learning_rate_init": 0.03,
    "early_stopping": False,
}
_GENERATED = {"hidden_layer_sizes": (8,), "max_iter": 20}
_GENERATED_IMAGES = {"width": 8, "max_iter": 5}
# The rounding of a long training of splines would show.
_LINES = {"n_transforms": 2, "kind": "affine_coupling", "max_iter": 60}
# What is likeliest is what scikit-learn expects to be predicted.
_ORDINAL = {"class_order": "sorted", "decision": "mode"}
# One tree with a leaf for every value, where weights equal repetition; at a low rate, so that no
# prediction is a difference of almost equal numbers, of which the float32 of gradients would show.
_WHOLE = {"max_leaf_nodes": 31, "subsample": 1.0, "max_features": 1.0}
_TREE = _WHOLE | {"n_estimators": 1, "min_samples_leaf": 1, "learning_rate": 0.4, "n_jobs": 1}
_XGBOOST = _TREE | {"backend": "xgboost"}
# Before version 3 XGBoost starts far from rare classes, and takes a long step there.
_SHORT_STEPS = {"backend_params": {"max_delta_step": 1}}
_LIGHTGBM = _TREE | {"backend": "lightgbm", "backend_params": {"min_data_in_bin": 1}}
_CATBOOST = _TREE | {"backend": "catboost", "backend_params": {"random_strength": 0}}
# Of several classes CatBoost makes leaves without rows, and takes long steps to rare ones.
_CATBOOST_CLASSES = _CATBOOST | {
    "backend_params": {"random_strength": 0, "leaf_estimation_method": "Gradient"},
    "max_leaf_nodes": 4,
}
_HIST = _TREE | {"backend": "hist"}
# Bad input of the checks is to raise; that one fit of many failed is a warning.
_SEARCHED = {"estimator": LogisticRegression(), "error_score": "raise"}
_GRID = {"C": [0.1, 1.0]}
_FOLDED = {"cv": 2, "random_state": 0}
_CALIBRATIONS = (None, "temperature")
SETTINGS: dict[str, list[dict]] = {
    "Autoencoder": [
        _EXACT | _AUTOENCODER,
        _EXACT | _AUTOENCODER | {"hidden_layer_sizes": (), "sparsity": 0.01, "trim": 0.1},
    ],
    "CNNAutoencoder": [_EXACT | _CNN | {"n_components": 2, "max_iter": 20}],
    "CNNClassifier": [_EXACT | _CNN],
    "CNNFlowMatching": [_EXACT | _GENERATED_IMAGES],
    "CNNRegressor": [_EXACT | _CNN],
    "CNNVariationalAutoencoder": [_FIXED | {"width": 4, "depth": 1}],
    # The checks have few rows to calibrate by.
    "ConformalRegressor": [
        {"estimator": Ridge(), "confidence": 0.5, "random_state": 0, **settings}
        for settings in ({}, {"method": "cv+", "cv": 2})
    ],
    "DCGAN": [_EXACT | _GENERATED_IMAGES],
    "ExhaustiveFeatureSelector": [
        {"estimator": LogisticRegression(), "cv": 3, "max_features": 2, "fast": fast}
        for fast in ("auto", False)
    ],
    "FlowMatching": [_EXACT | _GENERATED],
    "FlowRegressor": [_EXACT | _FLOW | _LINES],
    "FoldEnsembleClassifier": [
        _FOLDED | {"estimator": LogisticRegression(), "calibration": c} for c in _CALIBRATIONS
    ],
    "FoldEnsembleRegressor": [_FOLDED | {"estimator": Ridge()}],
    "GAN": [_EXACT | _GENERATED, _EXACT | _GENERATED | {"loss": "standard"}],
    "GradientBoostingClassifier": [
        _XGBOOST | _SHORT_STEPS,
        _LIGHTGBM | {"learning_rate": 0.02},  # scores are compared, too, not probabilities only
        _CATBOOST_CLASSES,
        _HIST | {"learning_rate": 0.02},
    ],
    "GradientBoostingRegressor": [_XGBOOST, _LIGHTGBM, _CATBOOST, _HIST],
    "GridSearchCV": [_SEARCHED | {"param_grid": _GRID, "cv": 3}],
    "MLPClassifier": [_EXACT | _MLP],
    "MLPRegressor": [_EXACT | _MLP],
    "MaskedTransformer": [_EXACT | _TRANSFORMER],
    "NestedCV": [{"models": (Ridge(), {"alpha": [0.1, 1.0]}), "outer_cv": 2, "inner_cv": 2}],
    "NormalizingFlow": [
        _EXACT | _FLOW | {"n_transforms": 2},
        _EXACT | _FLOW | {"n_transforms": 2, "kind": "affine_autoregressive"},
    ],
    "OptunaSearchCV": [
        _SEARCHED | {"param_distributions": _GRID, "n_iter": 2, "cv": 3, "random_state": 0}
    ],
    "OrdinalClassifier": [_ORDINAL | {"estimator": LogisticRegression()}],
    "OrdinalCNNClassifier": [_EXACT | _CNN | _ORDINAL],
    # One tree tells three levels apart if its steps are whole.
    "OrdinalGradientBoostingClassifier": [
        settings | _ORDINAL | {"learning_rate": 1.0} for settings in (_XGBOOST, _LIGHTGBM)
    ],
    "OrdinalMLPClassifier": [
        _EXACT | _MLP | _ORDINAL | {"method": method, "hidden_layer_sizes": (8, 8), "max_iter": 100}
        for method in ("coral", "corn", "niu", "cumulative_link", "cross_entropy")
    ],
    "PosteriorEstimator": [_EXACT | _FLOW | _LINES],
    "RandomizedSearchCV": [_SEARCHED | {"param_distributions": _GRID, "n_iter": 2, "cv": 3}],
    "RNNClassifier": [_EXACT | _RNN],
    "RNNGenerator": [_EXACT | _RNN, _EXACT | _RNN | {"direction": "both"}],
    "RNNRegressor": [_EXACT | _RNN],
    "RNNSeq2Seq": [_EXACT | _RNN],
    "ScoreOutlierDetector": [
        {"estimator": NormalizingFlow(**_EXACT | _FLOW | {"n_transforms": 2})},
        {"estimator": Autoencoder(**_EXACT | _AUTOENCODER)},
    ],
    "SequenceCNNClassifier": [_EXACT | _SEQUENCE_CNN],
    "SequenceCNNRegressor": [_EXACT | _SEQUENCE_CNN],
    "SequentialFeatureSelector": [
        {"estimator": LogisticRegression(), "cv": 3, "n_features_to_select": "best"},
        {"estimator": LinearRegression(), "cv": 3, "floating": True, "direction": "backward"},
        {"estimator": DecisionTreeClassifier(random_state=0), "cv": 3, "floating": True},
    ],
    "TransformerClassifier": [_EXACT | _TRANSFORMER],
    "TransformerGenerator": [_EXACT | _CAUSAL],
    "TransformerRegressor": [_EXACT | _TRANSFORMER],
    "TransformerSeq2Seq": [_EXACT | _CAUSAL],
    "VariationalAutoencoder": [_FIXED | {"hidden_layer_sizes": (8,)}],
    "ViTClassifier": [_EXACT | _VIT],
    "ViTRegressor": [_EXACT | _VIT],
}

EXPECTED_FAILURES: dict[str, str] = {}

# Public name -> what is not at its default: what an estimator cannot do without, and less work.
_BRIEF = {"max_iter": 5, "tol": 0.01}
_INNER = {"estimator": LogisticRegression()}
_ORDER = {"class_order": "sorted"}  # the labels of the checks are words
DEFAULTS: dict[str, dict] = {
    "Autoencoder": {"max_iter": 10},
    "CNNAutoencoder": _BRIEF,
    "CNNClassifier": _BRIEF,
    "CNNFlowMatching": _BRIEF,
    "CNNRegressor": _BRIEF,
    "CNNVariationalAutoencoder": _BRIEF,
    "ConformalRegressor": {"estimator": Ridge(), "confidence": 0.8},  # few rows, as above
    "DCGAN": {"max_iter": 2},
    "ExhaustiveFeatureSelector": _INNER | {"max_features": 2, "cv": 3},
    "FlowMatching": _BRIEF,
    "FlowRegressor": _BRIEF | {"max_iter": 40},  # it learns little in 5
    "FoldEnsembleClassifier": {"cv": 2},  # the checks have classes of few rows
    "FoldEnsembleRegressor": {},
    "GAN": {"max_iter": 5},
    "GradientBoostingClassifier": {},
    "GradientBoostingRegressor": {},
    "GridSearchCV": _SEARCHED | {"param_grid": _GRID, "cv": 3},
    "MLPClassifier": {"max_iter": 10},
    "MLPRegressor": {"max_iter": 10},
    "MaskedTransformer": _BRIEF,
    "NestedCV": {"models": Ridge()},
    "NormalizingFlow": _BRIEF,
    "OptunaSearchCV": _SEARCHED | {"param_distributions": _GRID, "n_iter": 2, "cv": 3},
    "OrdinalClassifier": _INNER | _ORDER,
    "OrdinalCNNClassifier": _BRIEF | _ORDER,
    "OrdinalGradientBoostingClassifier": _ORDER,
    "OrdinalMLPClassifier": {"max_iter": 10} | _ORDER,
    "PosteriorEstimator": _BRIEF | {"max_iter": 40},
    "RandomizedSearchCV": _SEARCHED | {"param_distributions": _GRID, "n_iter": 2, "cv": 3},
    "RNNClassifier": _BRIEF,
    "RNNGenerator": _BRIEF,
    "RNNRegressor": _BRIEF | {"max_iter": 40},  # it learns little in 5
    "RNNSeq2Seq": _BRIEF,
    "ScoreOutlierDetector": {},
    "SequenceCNNClassifier": _BRIEF,
    "SequenceCNNRegressor": _BRIEF,
    "SequentialFeatureSelector": _INNER | {"cv": 3},
    "TransformerClassifier": _BRIEF,
    "TransformerGenerator": _BRIEF,
    "TransformerRegressor": _BRIEF | {"max_iter": 20},  # as does this one
    "TransformerSeq2Seq": _BRIEF,
    "VariationalAutoencoder": {"max_iter": 10},
    "ViTClassifier": _BRIEF,
    "ViTRegressor": _BRIEF | {"max_iter": 12},
}

# What an estimator cannot pass at its defaults, and why; docs/scikit_learn_checks.md says the same.
_BATCHES = {
    "check_sample_weight_equivalence_on_dense_data": "a repeated row changes the batches",
}
_SPARSE_BATCHES = _BATCHES | {
    "check_sample_weight_equivalence_on_sparse_data": "a repeated row changes the batches",
}
_MEDIAN = {"check_classifiers_train": "the median level need not be the likeliest"}
_REPEATED = {
    f"check_sample_weight_equivalence_on_{kind}_data": "a repeated row changes which are drawn"
    for kind in ("dense", "sparse")
}
BEYOND_DEFAULTS: dict[str, dict[str, str]] = {
    "Autoencoder": _BATCHES,
    "CNNAutoencoder": _BATCHES,
    "CNNClassifier": _BATCHES,
    "CNNRegressor": _BATCHES,
    "CNNVariationalAutoencoder": _BATCHES,
    "FlowRegressor": _SPARSE_BATCHES,
    "GradientBoostingRegressor": _REPEATED,
    "MLPClassifier": _SPARSE_BATCHES,
    "MLPRegressor": _SPARSE_BATCHES,
    "MaskedTransformer": _BATCHES,
    "OrdinalClassifier": _MEDIAN,
    "OrdinalCNNClassifier": _BATCHES | _MEDIAN,
    "OrdinalMLPClassifier": _SPARSE_BATCHES | _MEDIAN,
    "PosteriorEstimator": _SPARSE_BATCHES,
    "RNNClassifier": _BATCHES,
    "RNNGenerator": _BATCHES,
    "RNNRegressor": _BATCHES,
    "RNNSeq2Seq": _BATCHES,
    "ScoreOutlierDetector": _BATCHES,
    "SequenceCNNClassifier": _BATCHES,
    "SequenceCNNRegressor": _BATCHES,
    "SequentialFeatureSelector": {
        "check_classifiers_train": "one of two features is left out, and both are needed",
    },
    "TransformerClassifier": _BATCHES,
    "TransformerGenerator": _BATCHES,
    "TransformerRegressor": _BATCHES,
    "TransformerSeq2Seq": _BATCHES,
    "VariationalAutoencoder": _BATCHES,
    "ViTClassifier": _BATCHES,
    "ViTRegressor": _BATCHES,
}


def public_instances():
    """One instance for each setting of each public estimator."""
    return [cls(**kwargs) for name, cls in all_estimators() for kwargs in SETTINGS[name]]


def default_instances():
    """One instance of each public estimator, at its defaults."""
    return [cls(**DEFAULTS[name]) for name, cls in all_estimators()]


def beyond_defaults(estimator):
    """The checks that an instance at its defaults cannot pass, with the reasons."""
    return BEYOND_DEFAULTS.get(type(estimator).__name__, {})


def all_instances():
    """Public estimators, and the plain ones that only the tests have."""
    return [*public_instances(), PlainRidge(), PlainCentroid()]


def shorten(estimator):
    """Let a network train for two epochs, where it does not matter how much it learns."""
    params = estimator.get_params(deep=False)
    if "max_iter" in params and params.get("solver") != "lbfgs":
        estimator.set_params(max_iter=2)
    return estimator
