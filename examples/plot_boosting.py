"""
One interface to three boosting libraries
=========================================

XGBoost, LightGBM and scikit-learn's histogram trees under one set of names: the library is a
parameter to search over, text columns go in as they are, and early stopping looks the same.
"""

# %%
# A table of mixed columns
# ------------------------
# How far 392 cars of 1970 to 1982 went on a gallon, from the data that mlxtend ships. ``origin``
# and ``make`` are text, and are categories without further ado.

import os
from pathlib import Path

import matplotlib.pyplot as plt
import mlxtend.data
import numpy as np
import pandas as pd
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, KFold, train_test_split

from sklearn_modern.ensemble import GradientBoostingRegressor

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
BACKENDS = ("xgboost", "lightgbm", "hist")

columns = ["cylinders", "displacement", "horsepower", "weight", "acceleration", "year"]
columns += ["origin", "make", "miles per gallon"]
cars = pd.read_csv(
    Path(mlxtend.data.__path__[0], "data", "autompg.csv.gz"), header=None, names=columns
)
cars["origin"] = cars["origin"].map({1: "America", 2: "Europe", 3: "Japan"})
cars["make"] = cars["make"].str.split().str[0]
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
plt.show()

# %%
# When to stop
# ------------
# Each library stops by the same rule, and predicts with its best iteration. ``train_scores_`` and
# ``validation_scores_`` are negative losses, here half the squared errors, so that more is better.

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
plt.show()

# %%
# What it looked at
# -----------------
# ``feature_importances_`` are what the splits of a column gained in training, as shares with every
# library. Of the many rare makes only XGBoost makes splits; the others leave rare categories
# together. What a model loses on test rows when a column is shuffled is another question: the
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
plt.show()
