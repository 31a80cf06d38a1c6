"""
What a default buys: rank against seconds
=========================================

Most models are fitted with their defaults, so these matter more than what a search could find. Here
eight kinds of model meet on four small tables, each as it comes: log-loss for classes, root mean
squared error for numbers, and what a fit costs. The study behind our defaults, on far more tables,
is ``benchmarks/tabular_defaults.py``; what each of them does is in :ref:`the guide
<defaults-for-tables>`.
"""

# %%
# Four tables
# -----------
# Three come with scikit-learn. The fourth is drawn as the data of lenders are: some numbers, some
# categories, gaps, and so much noise that a flexible model easily becomes too sure of itself.
# ``SKLEARN_MODERN_QUICK=1`` splits each table only twice, as the checks of this project do.

import os
import warnings
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn import ensemble, linear_model, neural_network
from sklearn.base import clone
from sklearn.compose import (
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from xgboost import XGBClassifier, XGBRegressor

from sklearn_modern.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn_modern.neural_network import MLPClassifier, MLPRegressor
from sklearn_modern.utils.figures import show_figures

# scikit-learn's networks stop after 200 epochs, and say so
warnings.filterwarnings("ignore", category=ConvergenceWarning)

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"


def draw_loans(n_rows=800):
    rng = np.random.default_rng(0)
    purposes = np.array(["car", "house", "furniture", "school", "other"])
    X = pd.DataFrame(
        {
            "age": rng.integers(20, 70, n_rows).astype(float),
            "amount": rng.lognormal(8, 0.8, n_rows),
            "income": rng.lognormal(7.5, 0.5, n_rows),
            "months": rng.choice([12.0, 24.0, 36.0, 60.0], n_rows),
            "purpose": pd.Categorical(rng.choice(purposes, n_rows), purposes),
            "owns": pd.Categorical(rng.choice(["yes", "no"], n_rows), ["no", "yes"]),
        }
    )
    burden = np.log(X["amount"] / (X["income"] * X["months"]))
    logit = 0.8 * (burden + 2.5) - 0.8 * (X["owns"] == "yes") + 0.02 * (45 - X["age"])
    y = (rng.random(n_rows) < 1 / (1 + np.exp(-logit))).astype(int)
    X.loc[rng.random(n_rows) < 0.15, "income"] = np.nan
    return X, y.to_numpy()


tables = {
    "breast cancer": load_breast_cancer(return_X_y=True, as_frame=True),
    "wine": load_wine(return_X_y=True, as_frame=True),
    "loans": draw_loans(),
    "diabetes": load_diabetes(return_X_y=True, as_frame=True),
}

# %%
# Eight models
# ------------
# Ours and the boosters take numbers, categories and gaps as they are. The others get numbers that
# are filled in and standardised, and a column for each category; scikit-learn's network also a
# standardised target, without which it hardly learns.


def prepared(model):
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include="category")),
    )
    return make_pipeline(columns, model)


models = {
    "MLP": (MLPClassifier(random_state=0), MLPRegressor(random_state=0)),
    "GradientBoosting": (
        GradientBoostingClassifier(n_jobs=1, random_state=0),
        GradientBoostingRegressor(n_jobs=1, random_state=0),
    ),
    "scikit-learn's HistGradientBoosting": (
        ensemble.HistGradientBoostingClassifier(random_state=0),
        ensemble.HistGradientBoostingRegressor(random_state=0),
    ),
    "LightGBM": (
        LGBMClassifier(n_jobs=1, verbose=-1, random_state=0),
        LGBMRegressor(n_jobs=1, verbose=-1, random_state=0),
    ),
    "XGBoost": (
        XGBClassifier(n_jobs=1, enable_categorical=True, random_state=0),
        XGBRegressor(n_jobs=1, enable_categorical=True, random_state=0),
    ),
    "random forest": (
        prepared(ensemble.RandomForestClassifier(random_state=0)),
        prepared(ensemble.RandomForestRegressor(random_state=0)),
    ),
    "scikit-learn's MLP": (
        prepared(neural_network.MLPClassifier(random_state=0)),
        prepared(
            TransformedTargetRegressor(
                neural_network.MLPRegressor(random_state=0), transformer=StandardScaler()
            )
        ),
    ),
    "linear": (prepared(linear_model.LogisticRegression()), prepared(linear_model.Ridge())),
}

# %%
# Each on the same splits
# -----------------------


def loss_and_seconds(model, X, y, train, test):
    model, start = clone(model), perf_counter()
    model.fit(X.iloc[train], y[train])
    seconds = perf_counter() - start
    if hasattr(model, "predict_proba"):
        loss = log_loss(y[test], model.predict_proba(X.iloc[test]), labels=np.unique(y))
    else:
        loss = root_mean_squared_error(y[test], model.predict(X.iloc[test]))
    return loss, seconds


losses = pd.DataFrame(index=models, columns=tables, dtype=float)
seconds = losses.copy()
for table, (X, y) in tables.items():
    y = np.asarray(y)
    is_regression = table == "diabetes"
    splitter = ShuffleSplit if is_regression else StratifiedShuffleSplit
    splits = list(splitter(2 if QUICK else 4, test_size=0.25, random_state=0).split(X, y))
    for name, pair in models.items():
        found = [loss_and_seconds(pair[is_regression], X, y, *split) for split in splits]
        losses.loc[name, table], seconds.loc[name, table] = np.mean(found, axis=0)
print(losses.round(3).to_string())

# %%
# Rank against seconds
# --------------------
# To the left is fast, below is good; ours are orange. Ranks over four tables are rough: a model
# that is ahead by a hair gets a whole one. The ratio to the best model of each table says how much
# there is between them. Tables as small and noisy as these favour linear models, which any other
# has to be measured by; the network keeps up, as it stops early, and pays for that with its time.

ranks = losses.rank().mean(axis=1)
costs = np.exp(np.log(seconds).mean(axis=1))
ratios = np.exp(np.log(losses / losses.min()).mean(axis=1))
ours = ["MLP", "GradientBoosting"]

fig, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
for ax, values, label in zip(
    axes,
    (ranks, ratios),
    ("Mean rank", "Loss / that of the best (geometric mean)"),
    strict=True,
):
    for name, value in values.items():
        color = "C1" if name in ours else "C0"
        ax.scatter(costs[name], value, color=color)
        place = (5, -11) if "Hist" in name else (5, 4)  # else on the name beside it
        ax.annotate(name, (costs[name], value), place, textcoords="offset points", fontsize=8)
    ax.set(xscale="log", xlabel="Seconds per fit (geometric mean)", ylabel=label)
    ax.margins(x=0.3, y=0.15)
show_figures("tabular_defaults")
