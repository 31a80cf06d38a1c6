"""
One interface to three boosting libraries
=========================================

XGBoost, LightGBM and scikit-learn's histogram trees under one set of names: the library is a
parameter to search over, text columns go in as they are, and early stopping looks the same.
"""

# %%
# A table of mixed columns
# ------------------------
# How far cars go on a gallon. The cars are drawn, in the manner of a well-known table of the
# seventies: heavy ones go less far, later ones farther, and makes differ. ``origin`` and ``make``
# are text, and are categories without further ado. ``SKLEARN_MODERN_QUICK=1`` takes a smaller grid,
# as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, KFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_modern.ensemble import GradientBoostingRegressor
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
BACKENDS = ("xgboost", "lightgbm", "hist")

rng = np.random.default_rng(0)
N = 500
makes = [f"{region} {number}" for region in ("A", "E", "J") for number in range(1, 13)]
make = rng.choice(makes, N, p=rng.dirichlet(np.ones(len(makes))))
origin = pd.Series(make).str[0].map({"A": "America", "E": "Europe", "J": "Japan"})
weight = rng.normal(3000, 600, N) - 700 * (origin != "America")
year = rng.integers(70, 83, N)
horsepower = weight / 30 * rng.lognormal(sigma=0.15, size=N)
thrift = dict(zip(makes, rng.normal(scale=0.04, size=len(makes)), strict=True))
gallons = weight * (1 + 0.004 * (horsepower - 90)) * (1 - 0.03 * (year - 70).clip(0, 8)) / 62000
gallons *= np.exp(rng.normal(scale=0.08, size=N) - pd.Series(make).map(thrift))
cars = pd.DataFrame(
    {
        "weight": weight.round(),
        "horsepower": horsepower.round(),
        "acceleration": (rng.normal(15, 2, N) - horsepower / 60).round(1),
        "year": year,
        "origin": origin,
        "make": make,
        "miles per gallon": (1 / gallons).round(1),
    }
)
print(cars.sample(5, random_state=0).to_string(index=False))

X, y = cars.drop(columns="miles per gallon"), cars["miles per gallon"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0)

# %%
# The library in the grid
# -----------------------
# ``backend`` stands next to its parameters, which mean the same for each library, so that one
# search compares them fairly. Here the folds differ from each other by more than the libraries do.

grid = {
    "backend": BACKENDS,
    "learning_rate": [0.05, 0.2] if QUICK else [0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
    "min_samples_leaf": [5] if QUICK else [5, 20],
}
folds = KFold(2 if QUICK else 5, shuffle=True, random_state=0)
search = GridSearchCV(GradientBoostingRegressor(random_state=0), grid, cv=folds)
search.fit(X_train, y_train)
print(f"best: {search.best_params_}")
print(f"R² in the folds {search.best_score_:.3f}, on test rows {search.score(X_test, y_test):.3f}")
mixed = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), ["origin", "make"]), remainder=StandardScaler()
)
linear = make_pipeline(mixed, RidgeCV()).fit(X_train, y_train)
print(f"R² of a linear model on test rows {linear.score(X_test, y_test):.3f}")

results = pd.DataFrame(search.cv_results_)
results = results[results["param_min_samples_leaf"] == 5]
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
for shift, backend in enumerate(BACKENDS):
    part = results[results["param_backend"] == backend]
    rates = part["param_learning_rate"].to_numpy(dtype=float) * 1.06 ** (shift - 1)
    axes.errorbar(
        rates, part["mean_test_score"], part["std_test_score"], marker="o", capsize=3, label=backend
    )
axes.set_xscale("log")
axes.set_xticks(grid["learning_rate"], grid["learning_rate"])
axes.minorticks_off()
axes.set(
    xlabel="learning_rate, with min_samples_leaf=5",
    ylabel="R²",
    title="Mean and standard deviation of the folds",
)
axes.legend()
show_figures("boosting_1")

# %%
# When to stop
# ------------
# Each library stops by the same rule, and predicts with its best iteration. ``train_scores_`` and
# ``validation_scores_`` are negative losses, here half the squared errors, so that more is better.
# That the errors are smaller on validation rows is chance: the car that goes farthest is not among
# them.

figure, panels = plt.subplots(1, 3, figsize=(9, 3), sharey=True, layout="constrained")
models = {}
for axes, backend in zip(panels, BACKENDS, strict=True):
    models[backend] = reg = GradientBoostingRegressor(
        backend=backend,
        n_estimators=300,
        min_samples_leaf=5,
        early_stopping=True,
        validation_fraction=0.25,
        n_iter_no_change=20,
        random_state=0,
    ).fit(X_train, y_train)
    iterations = np.arange(1, len(reg.validation_scores_) + 1)
    for name, scores in [("training", reg.train_scores_), ("validation", reg.validation_scores_)]:
        axes.plot(iterations, np.sqrt(-2 * np.array(scores)), label=name)
    axes.axvline(reg.n_estimators_, color="grey", linestyle=":", label="kept")
    axes.set(xlabel="iteration", title=f"{backend}: {reg.n_estimators_} iterations")
panels[0].set(ylabel="error in miles per gallon")
panels[0].legend()
show_figures("boosting_2")

# %%
# What it looked at
# -----------------
# ``feature_importances_`` are what the splits of a column gained in training, as shares with every
# library. LightGBM leaves rare categories together, and finds nothing in the makes here; the others
# do. What a model loses on test rows when a column is shuffled is another question: the
# columns of size say much the same, so that each can partly stand in for the others.

repeats = 2 if QUICK else 20
shuffled = permutation_importance(
    models["xgboost"], X_test, y_test, n_repeats=repeats, random_state=0
)
order = np.argsort(shuffled.importances_mean)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
places = np.arange(len(order))
for shift, backend in enumerate(BACKENDS):
    gains = models[backend].feature_importances_[order]
    left.barh(places + 0.27 * (1 - shift), gains, height=0.25, label=backend)
left.set_yticks(places, X.columns[order])
left.set(xlabel="share of the gain", title="feature_importances_")
left.legend()
right.barh(places, shuffled.importances_mean[order], xerr=shuffled.importances_std[order])
right.set(xlabel="loss of R² on test rows", title="Shuffled columns, xgboost")
show_figures("boosting_3")
