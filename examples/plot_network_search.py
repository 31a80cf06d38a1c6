"""
Five hundred networks, searched and nested
==========================================

Nested cross-validation of a grid of networks is hundreds of fits, each of which is too small to
keep a processor busy. On a CPU multilayer perceptrons of one shape train together, as the members
of one network, with the results of separate fits. So the search below takes about as long as one
waits for it, and nothing has to be switched on. ``SKLEARN_MODERN_QUICK=1`` takes a smaller grid, as
the checks of this project do.
"""

# %%
# A grid and its fits
# -------------------
# Twenty candidates, which differ in learning rate, dropout and weight decay, on five inner splits
# of each of five outer ones: 500 fits, and five more of what was chosen.

import os
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer

from sklearn_modern.model_selection import (
    GridSearchCV,
    NestedCV,
    OuterScoresDisplay,
    ParameterStabilityDisplay,
)
from sklearn_modern.neural_network import MLPClassifier
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"

X, y = load_breast_cancer(return_X_y=True)
network = MLPClassifier(
    (32,), n_members=1, early_stopping=False, max_iter=5 if QUICK else 40, random_state=0
)
grid = {
    "learning_rate_init": [0.001, 0.01] if QUICK else [0.0003, 0.001, 0.003, 0.01, 0.03],
    "dropout": [0.0, 0.2],
    "alpha": [0.5] if QUICK else [0.1, 1.0],
}
start = time.perf_counter()
nested = NestedCV((network, grid), scoring="neg_log_loss", random_state=0).fit(X, y)
seconds = time.perf_counter() - start
start = time.perf_counter()
network.fit(X, y)
alone = time.perf_counter() - start
print(f"{nested.n_fits_} fits took as long as {seconds / alone:.0f} of them one by one")

# %%
# What it found
# -------------
# The outer scores are those of the whole procedure, and by them it is compared with others.

print(nested.summary()[["mean", "lower", "upper", "optimism"]].round(3).to_string(index=False))
display = OuterScoresDisplay.from_estimator(nested)
show_figures("network_search_1")

# %%
# Do the outer folds agree on the settings? Where they do not, several settings are about as good.

display = ParameterStabilityDisplay.from_estimator(nested)
show_figures("network_search_2")

# %%
# The search on all rows
# ----------------------
# The network that is deployed comes from the same search on all rows. Its scores show what the
# choice was between: the best of each learning rate, with and without dropout.

search = nested.final_estimator()
results = search.cv_results_
rates = np.array([params["learning_rate_init"] for params in results["params"]])
dropouts = np.array([params["dropout"] for params in results["params"]])
scores = results["mean_test_score"]

fig, ax = plt.subplots(figsize=(5.5, 4), layout="constrained")
for dropout in grid["dropout"]:
    of_dropout = dropouts == dropout
    best = [scores[of_dropout & (rates == rate)].max() for rate in grid["learning_rate_init"]]
    ax.plot(grid["learning_rate_init"], best, "o-", label=f"dropout {dropout}")
ax.set(xscale="log", xlabel="learning rate", ylabel="mean inner score (minus log loss)")
ax.legend()
show_figures("network_search_3")

# %%
# The same fits one by one
# ------------------------
# The results do not depend on what trains together; ``SKLEARN_MODERN_PACK_SIZE=1`` lets all
# networks train apart.

few = {"dropout": [0.0, 0.2]}
together = GridSearchCV(network, few).fit(X, y).cv_results_["mean_test_score"]
os.environ["SKLEARN_MODERN_PACK_SIZE"] = "1"
apart = GridSearchCV(network, few).fit(X, y).cv_results_["mean_test_score"]
del os.environ["SKLEARN_MODERN_PACK_SIZE"]
print(together, apart)
