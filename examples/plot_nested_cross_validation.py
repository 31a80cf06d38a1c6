"""
Nested cross-validation, and what the search's own score hides
==============================================================

A search reports the best of many scores. The more candidates it compares, the more of that best
score is luck: it is the maximum of noisy numbers. Nested cross-validation scores the whole
procedure, search included, on rows that had no part in the choice. Here we see by how much the two
differ on a small table, compare four models on the same splits, and save fits by a race.
"""

# %%
# Nothing to find
# ---------------
# First on labels that are drawn at random, so that no model can be better than a coin. A grid of 60
# support vector machines is searched on 60 rows. ``SKLEARN_MODERN_QUICK=1`` draws fewer tables, as
# the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from sklearn.svm import SVC

from sklearn_modern.model_selection import (
    GridSearchCV,
    NestedCV,
    OptimismDisplay,
    OuterScoresDisplay,
    ParameterStabilityDisplay,
    combine,
    compare_models,
)
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"

machine = make_pipeline(StandardScaler(), SVC())
grid = {"svc__C": np.geomspace(0.01, 100, 10), "svc__gamma": np.geomspace(1e-3, 1, 6)}
rng = np.random.default_rng(0)
inner, outer = [], []
for table in range(3 if QUICK else 10):
    X, y = rng.normal(size=(60, 10)), np.arange(60) % 2
    nested = NestedCV((machine, grid), inner_cv=3, random_state=table).fit(X, y)
    (row,) = nested.summary().to_dict("records")
    inner.append(row["inner"])
    outer.append(row["mean"])
print(f"score of the search {np.mean(inner):.2f}, of nested cross-validation {np.mean(outer):.2f}")

fig, ax = plt.subplots(figsize=(5, 4), layout="constrained")
ax.axhline(0.5, color="0.6", linewidth=1)
for one, other in zip(inner, outer, strict=True):
    ax.plot([0, 1], [one, other], "o-", color="C0", alpha=0.5)
ax.set_xticks([0, 1], ["best score of the search", "outer score"])
ax.set(ylabel="accuracy, on labels that are random", xlim=(-0.3, 1.3))
show_figures("nested_cross_validation_1")

# %%
# The search believes that it has found something. The outer scores know better.
#
# Four models on the same splits
# ------------------------------
# ``combine`` makes Pipelines of every scaler and every model. All of them see the same splits, and
# each scaler is fitted once for all models that begin with it.

X, y = load_breast_cancer(return_X_y=True)
models = combine(
    {"scaled": StandardScaler(), "ranks": QuantileTransformer(n_quantiles=100)},
    {
        "logistic": (LogisticRegression(max_iter=1000), {"C": [0.01, 0.1, 1.0, 10.0]}),
        "svm": (SVC(), {"C": [0.1, 1.0, 10.0], "gamma": [0.003, 0.01, 0.03]}),
    },
)
nested = NestedCV(models, repeats=1 if QUICK else 2, inner_cv=3, random_state=0).fit(X, y)
print(nested.summary().round(3).to_string(index=False))

display = OuterScoresDisplay.from_estimator(nested)

# %%
# Intervals allow for training rows that folds share. They overlap, but they are not what decides:
# the models were tested on the same rows, so that differences are more certain than scores.

print(compare_models(nested))

# %%
# The inner score, by which the search chose, stands beside the outer one. A single fold says
# little, as its test rows may be easy or hard; the mean says more. With few candidates and many
# rows, as here, the score of a search is hardly too good.

display = OptimismDisplay.from_estimator(nested)

# %%
# Did the folds agree on the parameters? Not always: those that they chose hardly differ on these
# data, and the outer scores include it.

display = ParameterStabilityDisplay.from_estimator(nested, "scaled + svm")

# %%
# What gets deployed is none of the outer models. It is the procedure, run once more on all rows.

search = nested.final_estimator("scaled + svm")
print(search.best_params_)

# %%
# A race
# ------
# Most of a grid is hopeless, and that shows early. ``racing="exact"`` leaves out the fits that
# cannot change the winner any more.

grid = {"svc__C": np.geomspace(0.01, 1000, 8), "svc__gamma": np.geomspace(1e-4, 1, 5)}
raced = GridSearchCV(machine, grid, cv=10, racing="exact").fit(X, y)
done = raced.cv_results_["n_splits_done"]
print(f"{done.sum()} of {10 * len(done)} fits were done; the winner:")
print({name: round(float(value), 3) for name, value in raced.best_params_.items()})

fig, ax = plt.subplots(figsize=(5, 4), layout="constrained")
image = ax.imshow(done.reshape(8, 5), cmap="Blues", aspect="auto")
ax.set_xticks(range(5), [f"{value:.0e}" for value in grid["svc__gamma"]])
ax.set_yticks(range(8), [f"{value:.0e}" for value in grid["svc__C"]])
ax.set(xlabel="gamma", ylabel="C", title="splits on which a candidate was fitted")
fig.colorbar(image)
show_figures("nested_cross_validation_2")
