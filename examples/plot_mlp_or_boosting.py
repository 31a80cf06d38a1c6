"""
A network or boosted trees?
===========================

Both are good at tables, so which should one try first? It depends on what the target depends on.
Trees cut the table parallel to its axes: they like steps, and do not mind columns that mean
nothing. Networks add columns up: they like sums and smooth curves. Here both meet four targets that
were made to be hard for one of them, and two real tables.
"""

# %%
# Six targets
# -----------
# ``SKLEARN_MODERN_QUICK=1`` takes fewer rows, folds and epochs, as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_modern.ensemble import GradientBoostingRegressor
from sklearn_modern.neural_network import MLPRegressor
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N, FOLDS, EPOCHS = (200, 2, 10) if QUICK else (600, 3, "auto")

rng = np.random.default_rng(0)
X = rng.normal(size=(N, 12))
noise = rng.normal(scale=0.3, size=N)
pixels, digit = load_digits(return_X_y=True)
tables = {
    "a sum of ten columns": (X, X[:, :10].sum(axis=1) / 3 + noise),
    "a smooth wave across two": (X, np.sin(X[:, 0] + X[:, 1]) * 1.5 + noise),
    "steps of three columns": (X, np.sign(X[:, :3] - 0.5).sum(axis=1) / 1.5 + noise),
    "steps, 60 columns of noise": (
        np.hstack([X, rng.normal(size=(N, 60))]),
        np.sign(X[:, :3] - 0.5).sum(axis=1) / 1.5 + noise,
    ),
    "diabetes (442 rows)": load_diabetes(return_X_y=True),
    "which digit, as a number": (pixels[:N], digit[:N].astype(float)),
}

# %%
# R² in cross-validation
# ----------------------
# Each with its defaults, beside a linear model with a chosen penalty.

models = {
    "linear": make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13))),
    "boosting": GradientBoostingRegressor(random_state=0),
    "network": MLPRegressor(max_iter=EPOCHS, random_state=0),
}
folds = KFold(FOLDS, shuffle=True, random_state=0)
scores = {name: [] for name in models}
print(f"{'':>28}" + "".join(f"{name:>10}" for name in models))
for table, (rows, y) in tables.items():
    for name, model in models.items():
        scores[name].append(cross_val_score(model, rows, y, cv=folds).mean())
    print(f"{table:>28}" + "".join(f"{found[-1]:>10.3f}" for found in scores.values()))

# %%
# Trees lead on steps, and the more clearly the more columns mean nothing. The network is ahead
# where many columns add up, and on pixels; on the wave the two are level. Where a line is the
# truth, or rows are few and noisy, a linear model is as good as either or better. So try all three:
# on one table the answer is not known beforehand.

figure, axes = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
places = np.arange(len(tables))
for marker, (name, found) in zip("|os", scores.items(), strict=True):
    axes.scatter(
        np.maximum(found, -0.1),
        places,
        s=140 if marker == "|" else 70,  # else hidden behind another
        marker=marker,
        label=name,
        alpha=0.8,
    )
axes.set_yticks(places, tables)
axes.set_ylim(len(tables) - 0.5, -0.5)
axes.set(xlabel="R² of rows held out (1 is perfect, 0 is the mean)")
axes.grid(axis="y", alpha=0.3)
figure.legend(loc="outside upper center", ncols=3)
show_figures("mlp_or_boosting")
