"""
Prediction intervals
====================

One network predicts several quantiles of the target, another its mean and standard deviation. Both
learn how the spread of the target changes along the input, which a network for the mean cannot say.
Whether they are right is asked of new rows. ``SKLEARN_MODERN_QUICK=1`` trains for fewer epochs, as
the checks of this project do.
"""

# %%
# Data whose noise grows
# ----------------------
# The signal is a sine; the noise is small on the left and large on the right.

import os

import matplotlib.pyplot as plt
import numpy as np

from sklearn_modern.neural_network import MLPRegressor
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
EPOCHS = 10 if QUICK else 60


def draw(n_rows, rng):
    x = rng.uniform(0, 10, n_rows)
    return x[:, np.newaxis], np.sin(x) + rng.normal(scale=0.05 + 0.08 * x)


rng = np.random.default_rng(0)
X, y = draw(1500, rng)
X_new, y_new = draw(5000, rng)
grid = np.linspace(0, 10, 200)[:, np.newaxis]


def report(name, lower, upper):
    covered = np.mean((lower <= y_new) & (y_new <= upper))
    print(f"{name:>24}: {covered:.1%} of new rows inside, mean width {np.mean(upper - lower):.2f}")


# %%
# One width for all rows
# ----------------------
# What one does without such networks: nine of ten errors of a network for the mean, on rows that it
# has not seen.

mean_only = MLPRegressor(max_iter=EPOCHS, random_state=0).fit(X[:1000], y[:1000])
width = np.quantile(np.abs(y[1000:] - mean_only.predict(X[1000:])), 0.9)
report("one width", mean_only.predict(X_new) - width, mean_only.predict(X_new) + width)

# %%
# Quantiles
# ---------
# ``predict`` gives the median, ``predict_quantiles`` the levels asked for. They never cross.

quantiles = MLPRegressor(
    loss="quantile", quantiles=(0.05, 0.95), max_iter=EPOCHS, random_state=0
).fit(X, y)
report('loss="quantile"', *quantiles.predict_quantiles(X_new).T)

# %%
# Mean and standard deviation
# ---------------------------

gaussian = MLPRegressor(loss="gaussian", max_iter=EPOCHS, random_state=0).fit(X, y)
mean, std = gaussian.predict(X_new, return_std=True)
report('loss="gaussian"', mean - 1.645 * std, mean + 1.645 * std)

# %%
# Where are they right?
# ---------------------
# All cover about nine of ten new rows, but one width is too wide on the left and too narrow on the
# right. Networks promise nothing: :class:`~sklearn_modern.calibration.ConformalRegressor` corrects
# their intervals so that they cover what was asked for.

figure, panels = plt.subplots(1, 3, figsize=(10, 3.4), sharey=True, layout="constrained")
mean, std = gaussian.predict(grid, return_std=True)
centre = mean_only.predict(grid)
bands = {
    "one width": (centre, centre - width, centre + width),
    'loss="quantile"': (quantiles.predict(grid), *quantiles.predict_quantiles(grid).T),
    'loss="gaussian"': (mean, mean - 1.645 * std, mean + 1.645 * std),
}
x = grid[:, 0]
spread = 1.645 * (0.05 + 0.08 * x)
for axes, (name, (middle, lower, upper)) in zip(panels, bands.items(), strict=True):
    axes.scatter(X_new[:600], y_new[:600], s=3, color="grey", alpha=0.5)
    axes.plot(x, middle, color="tab:blue", label="prediction")
    axes.fill_between(x, lower, upper, alpha=0.35, color="tab:blue", label="interval, 90 %")
    for sign in (-1, 1):
        label = "true band" if sign == 1 else None
        axes.plot(x, np.sin(x) + sign * spread, color="tab:orange", linewidth=1, label=label)
    axes.set(title=name, xlabel="x")
panels[0].set(ylabel="y")
figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
show_figures("prediction_intervals")
