"""
Prediction intervals
====================

One network predicts several quantiles of the target, another its mean and standard deviation. Both
learn how the spread of the target changes along the input, which a network for the mean cannot say.
"""

# %%
# Data whose noise grows
# ----------------------
# The signal is a sine; the noise is small on the left and large on the right.

import os

import matplotlib.pyplot as plt
import numpy as np

from sklearn_modern.neural_network import MLPRegressor

EPOCHS = 20 if os.environ.get("SKLEARN_MODERN_QUICK") == "1" else 100

rng = np.random.default_rng(0)
x = rng.uniform(0, 10, 1500)
y = np.sin(x) + rng.normal(scale=0.05 + 0.08 * x)
X = x[:, np.newaxis]
grid = np.linspace(0, 10, 200)[:, np.newaxis]

# %%
# Quantiles
# ---------
# ``predict`` gives the median, ``predict_quantiles`` the levels asked for. They never cross.

quantiles = MLPRegressor(
    (64, 64), loss="quantile", quantiles=(0.05, 0.95), max_iter=EPOCHS, random_state=0
).fit(X, y)
lower, upper = quantiles.predict_quantiles(X).T
print(f"inside the 90 % interval: {np.mean((lower < y) & (y < upper)):.1%}")

# %%
# Mean and standard deviation
# ---------------------------

gaussian = MLPRegressor((64, 64), loss="gaussian", max_iter=EPOCHS, random_state=0).fit(X, y)
mean, std = gaussian.predict(X, return_std=True)
print(f"inside mean ± 1.645 std: {np.mean(np.abs(y - mean) < 1.645 * std):.1%}")

# %%
# Both as plots
# -------------

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True, layout="constrained")
for axes in (left, right):
    axes.scatter(x, y, s=3, alpha=0.3, color="gray")
    axes.set_xlabel("x")
left.plot(grid, quantiles.predict(grid), label="median")
left.fill_between(grid[:, 0], *quantiles.predict_quantiles(grid).T, alpha=0.3, label="5 % to 95 %")
left.set_title('loss="quantile"')
mean, std = gaussian.predict(grid, return_std=True)
right.plot(grid, mean, label="mean")
right.fill_between(
    grid[:, 0], mean - 1.645 * std, mean + 1.645 * std, alpha=0.3, label="mean ± 1.645 std"
)
right.set_title('loss="gaussian"')
left.legend(loc="upper left")
right.legend(loc="upper left")
plt.show()
