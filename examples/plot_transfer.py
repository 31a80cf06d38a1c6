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
# Digits of 8 x 8 pixels lie anywhere on canvases of 12 x 12. The source has all images of the
# digits 0 to 4. The target has a few labelled images of each of the digits 5 to 9: too few to learn
# both what a stroke is and that its place does not matter.

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_modern.neural_network import CNNClassifier
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
SHOTS = (1, 4, 32) if QUICK else (1, 2, 4, 8, 16, 32)
REPEATS = 2 if QUICK else 3

digits = load_digits()
y = digits.target
X = np.zeros((len(y), 12, 12), dtype=np.uint8)
places = np.random.default_rng(0).integers(0, 5, size=(len(y), 2))
for canvas, image, (row, column) in zip(X, digits.images, places, strict=True):
    canvas[row : row + 8, column : column + 8] = image

network = {"architecture": "resnet", "width": 8}
source = CNNClassifier(**network, max_iter=8, learning_rate_init=0.01, random_state=0)
source.fit(X[y < 5], y[y < 5])
X, y = X[y >= 5], y[y >= 5]

# %%
# From scratch, and from the source
# ---------------------------------
# ``freeze="body"``, the default, trains the last layer only, on the features of the source.
# ``freeze="none"`` goes on with all of it, here with a tenth of the learning rate for what was
# learned before. Each is trained on the same few images, and tested on all others.

common = network | {"max_iter": 40, "learning_rate_init": 0.02}
pretrained = FrozenEstimator(source)
models = {
    "from scratch": CNNClassifier(**common),
    'freeze="body"': CNNClassifier(**common, pretrained=pretrained),
    'freeze="none"': CNNClassifier(**common, pretrained=pretrained, freeze="none"),
}


def few_of_each(n, seed):
    """Draw the rows to learn from, and return all others, too."""
    rng = np.random.default_rng(seed)
    drawn = [rng.choice(np.flatnonzero(y == label), n, replace=False) for label in np.unique(y)]
    few = np.concatenate(drawn)
    return few, np.setdiff1d(np.arange(len(y)), few)


scores = {name: [] for name in models}
for n in SHOTS:
    for name, model in models.items():
        accuracies = []
        for seed in range(REPEATS):
            train, test = few_of_each(n, seed)
            model.set_params(random_state=seed).fit(X[train], y[train])
            accuracies.append(model.score(X[test], y[test]))
        scores[name].append(np.mean(accuracies))
    print(f"{n:2} a digit: " + ", ".join(f"{name} {scores[name][-1]:.3f}" for name in models))

# %%
# With one image of each digit, keeping the features is as good as changing them, and faster. With a
# few, it is best to go on with everything. Features that are kept were made for other digits, and
# soon have no more to give: with 32 images of each, a network from scratch has overtaken them, and
# comes close to the one that went on.

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for name, accuracies in scores.items():
    axes.plot(SHOTS, accuracies, marker="o", label=name)
axes.set_xscale("log", base=2)
axes.set_xticks(SHOTS, SHOTS)
axes.set(xlabel="labelled images of each digit", ylabel="accuracy on all others")
axes.legend()
show_figures("transfer")

# %%
# Features for any other estimator
# --------------------------------
# ``transform`` gives the features themselves, for a pipeline.

train, test = few_of_each(4, 0)
pipeline = make_pipeline(pretrained, LogisticRegression(max_iter=1000)).fit(X[train], y[train])
print(f"logistic regression on the features: {pipeline.score(X[test], y[test]):.3f}")
