"""
Few labels: start from another network
======================================

A network that has learned to tell some digits apart has features that serve for other digits, of
which only a few are labelled. ``pretrained`` takes it; ``FrozenEstimator`` keeps it fitted when a
cross-validation clones the estimator.
"""

# %%
# Two tasks
# ---------
# The source has all images of the digits 0 to 6. The target has a few labelled images of each of
# the digits 7, 8 and 9.

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_modern.neural_network import CNNClassifier

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
SHOTS = (2, 8) if QUICK else (1, 2, 4, 8, 16)
REPEATS = 2 if QUICK else 10

digits = load_digits()
X, y = digits.images, digits.target
source = CNNClassifier(random_state=0).fit(X[y < 7], y[y < 7])
X, y = X[y >= 7], y[y >= 7]

# %%
# From scratch, and from the source
# ---------------------------------
# ``freeze="body"``, the default, trains the last layer only, on the source's features, which is
# fast, and right for a source that knows much more than the target asks. This source has seen seven
# digits, so it is better to go on with all of it: ``freeze="none"``, here at the learning rate of
# the last layer.

common = {"max_iter": 60, "batch_size": 8}
models = {
    "from scratch": CNNClassifier(**common),
    "pretrained, frozen": CNNClassifier(pretrained=FrozenEstimator(source), **common),
    "pretrained, trained further": CNNClassifier(
        pretrained=FrozenEstimator(source),
        freeze="none",
        body_learning_rate_factor=1.0,
        **common,
    ),
}


def few_of_each(n, seed):
    rng = np.random.default_rng(seed)
    labelled = [rng.choice(np.flatnonzero(y == label), n, replace=False) for label in np.unique(y)]
    return np.concatenate(labelled)


scores = {name: [] for name in models}
for n in SHOTS:
    for name, model in models.items():
        accuracies = []
        for seed in range(REPEATS):
            train = few_of_each(n, seed)
            test = np.setdiff1d(np.arange(len(y)), train)
            model.set_params(random_state=seed).fit(X[train], y[train])
            accuracies.append(model.score(X[test], y[test]))
        scores[name].append(np.mean(accuracies))
    print(f"{n:2} a digit: " + ", ".join(f"{name} {scores[name][-1]:.3f}" for name in models))

# %%
# Where labels are fewest, the start from the source helps most.

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for name, accuracies in scores.items():
    axes.plot(SHOTS, accuracies, marker="o", label=name)
axes.set_xscale("log", base=2)
axes.set_xticks(SHOTS, SHOTS)
axes.set(xlabel="labelled images of each digit", ylabel="accuracy on the others")
axes.legend()
plt.show()

# %%
# Features for any other estimator
# --------------------------------
# ``transform`` gives the features themselves, for a pipeline.

train = few_of_each(8, 0)
pipeline = make_pipeline(FrozenEstimator(source), LogisticRegression()).fit(X[train], y[train])
print(f"logistic regression on the features: {pipeline.score(X, y):.3f}")
