"""
Densities by normalising flows
==============================

What is the density of two moons, which rows are unlikely, and what would other rows look like?
"""

# %%
# Two moons
# ---------
# Five flows side by side, and scikit-learn's kernel density estimate with the best of some
# bandwidths. ``SKLEARN_MODERN_QUICK=1`` takes less, as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity

from sklearn_modern.density import NormalizingFlow
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N_ROWS, SETTINGS = (200, {"max_iter": 2}) if QUICK else (2000, {})

X, y = make_moons(2 * N_ROWS, noise=0.1, random_state=0)
X, X_test, y = X[:N_ROWS], X[N_ROWS:], y[:N_ROWS]
flow = NormalizingFlow(device="cpu", random_state=0, **SETTINGS).fit(X)
kernels = GridSearchCV(KernelDensity(), {"bandwidth": np.linspace(0.04, 0.14, 6)}).fit(X)
print(f"mean log-density of other rows: flows {flow.score(X_test):.3f}, ", end="")
print(f"kernels {kernels.best_estimator_.score_samples(X_test).mean():.3f}")

# %%
# Their densities, and 500 samples of the flows.

first, second = np.meshgrid(np.linspace(-1.6, 2.6, 120), np.linspace(-1.1, 1.6, 120))
grid = np.column_stack([first.ravel(), second.ravel()])
figure, panels = plt.subplots(
    1, 3, figsize=(10, 2.8), layout="constrained", sharex=True, sharey=True
)
models = ("flows", flow), ("kernels", kernels.best_estimator_)
for axes, (name, model) in zip(panels[:2], models, strict=True):
    density = np.exp(model.score_samples(grid)).reshape(first.shape)
    axes.pcolormesh(first, second, density, cmap="Blues", rasterized=True)
    axes.set_title(name)
samples = flow.sample(500, random_state=0)
panels[2].plot(*samples.T, ".", markersize=3)
panels[2].set_title("samples of the flows")

# %%
# Given the label
# ---------------
# The density of each moon by itself, and samples of the one that is asked for.

moons = NormalizingFlow(conditional=True, device="cpu", random_state=0, **SETTINGS).fit(X, y)
figure, axes = plt.subplots(figsize=(5, 2.8), layout="constrained")
for label in (0, 1):
    rows, _ = moons.sample(300, label, random_state=0)
    axes.plot(*rows.T, ".", markersize=3, label=f"moon {label}")
axes.legend()
show_figures("density")
