"""The models of the study of tabular defaults, each ready for a table of numbers and categories.

Ours, the boosters and pytabkit's models get the DataFrame as it is, pytabkit's without gaps in
numbers, which they refuse. The forest, the linear model and scikit-learn's MLP get numbers that are
imputed and standardised, and categories as indicators.
Libraries are imported where they are used: CatBoost and pytabkit need not be there.
"""

from __future__ import annotations

import command_line
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

__all__ = ["MODELS", "OURS", "PEERS", "installed", "make"]


def mlp(data, seed, threads, **params):
    import torch

    from sklearn_modern import neural_network

    torch.set_num_threads(threads)
    return _of(neural_network, "MLP", data)(device="cpu", random_state=seed, **params)


def boosting(data, seed, threads, **params):
    from sklearn_modern import ensemble

    kind = _of(ensemble, "GradientBoosting", data)
    return kind(device="cpu", n_jobs=threads, random_state=seed, **params)


def _folds_of(member):
    def make(data, seed, threads, **params):
        from sklearn_modern import ensemble

        kind = _of(ensemble, "FoldEnsemble", data)
        return kind(member(data, seed, threads, **params), n_jobs=1, random_state=seed)

    return make


def hist_gradient_boosting(data, seed, threads):
    kind = _either(data, HistGradientBoostingClassifier, HistGradientBoostingRegressor)
    return kind(random_state=seed)


def xgboost(data, seed, threads):
    import xgboost

    kind = _either(data, xgboost.XGBClassifier, xgboost.XGBRegressor)
    return kind(enable_categorical=True, n_jobs=threads, random_state=seed)


def lightgbm(data, seed, threads):
    import lightgbm

    kind = _either(data, lightgbm.LGBMClassifier, lightgbm.LGBMRegressor)
    return kind(n_jobs=threads, random_state=seed, verbose=-1)


def catboost(data, seed, threads):
    import catboost

    kind = _either(data, catboost.CatBoostClassifier, catboost.CatBoostRegressor)
    categories = list(data.X.columns[data.X.dtypes == "category"])
    model = kind(
        cat_features=categories,
        thread_count=threads,
        random_seed=seed,
        verbose=False,
        allow_writing_files=False,
    )
    return make_pipeline(FunctionTransformer(_named_gaps), model)


def forest(data, seed, threads):
    kind = _either(data, RandomForestClassifier, RandomForestRegressor)
    return make_pipeline(_encoder(), kind(n_jobs=threads, random_state=seed))


def sklearn_mlp(data, seed, threads):
    """Scikit-learn's network; it does not scale the target itself, and would fail at large ones."""
    model = make_pipeline(_encoder(), _either(data, MLPClassifier, MLPRegressor)(random_state=seed))
    if data.task == "classification":
        return model
    return TransformedTargetRegressor(model, transformer=StandardScaler())


def linear(data, seed, threads):
    if data.task == "classification":
        return make_pipeline(_encoder(), LogisticRegression(max_iter=1000))
    return make_pipeline(_encoder(), Ridge())


def pytabkit(data, seed, threads, *, name):
    import pytabkit

    kind = getattr(pytabkit, f"{name}_{'Classifier' if _classifies(data) else 'Regressor'}")
    model = kind(device="cpu", n_threads=threads, random_state=seed)
    if not data.X.select_dtypes("number").isna().any(axis=None):
        return model
    numbers = make_column_selector(dtype_include="number")
    filled = ColumnTransformer(
        [("numbers", SimpleImputer(strategy="median", add_indicator=True), numbers)],
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    return make_pipeline(filled.set_output(transform="pandas"), model)


def _pytabkit(name):
    def make(data, seed, threads):
        return pytabkit(data, seed, threads, name=name)

    return make


MODELS = {
    "MLP": mlp,
    "boosting": boosting,
    "folds of MLP": _folds_of(mlp),
    "folds of boosting": _folds_of(boosting),
    "HGB": hist_gradient_boosting,
    "XGBoost": xgboost,
    "LightGBM": lightgbm,
    "CatBoost": catboost,
    "forest": forest,
    "sklearn MLP": sklearn_mlp,
    "linear": linear,
    **{name: _pytabkit(name) for name in ("RealMLP_TD", "TabM_D", "XGB_TD", "LGBM_TD")},
}
OURS = ("MLP", "boosting")
# One model for each of eight folds, which takes as much longer; only if asked for.
OF_FOLDS = ("folds of MLP", "folds of boosting")
# Whom "the best of the peers" is chosen from: what everybody has installed.
PEERS = ("HGB", "XGBoost", "LightGBM", "forest", "sklearn MLP", "linear")
_PACKAGES = {"CatBoost": "catboost"} | dict.fromkeys(
    ("RealMLP_TD", "TabM_D", "XGB_TD", "LGBM_TD"), "pytabkit"
)


def installed() -> list[str]:
    """Return the names of the models whose packages are there, but for those of folds."""
    return [
        name
        for name in MODELS
        if name not in OF_FOLDS and command_line.installed(_PACKAGES.get(name, "sklearn"), name)
    ]


def make(name, data, seed, threads, params):
    """Make a model; only ours have parameters."""
    return MODELS[name](data, seed, threads, **params)


def _classifies(data):
    return data.task == "classification"


def _either(data, classifier, regressor):
    return classifier if _classifies(data) else regressor


def _of(module, stem, data):
    return getattr(module, stem + ("Classifier" if _classifies(data) else "Regressor"))


def _encoder():
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include="number")),
            ("categories", categories, make_column_selector(dtype_include="category")),
        ]
    )


def _named_gaps(table):
    """Give missing categories a name, which CatBoost asks for."""
    table = table.copy()
    for column in table.columns[table.dtypes == "category"]:
        table[column] = table[column].astype(object).where(table[column].notna(), "missing")
    return table
