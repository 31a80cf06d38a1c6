"""
Few labels: pretraining by masks
================================

Reviews are easy to collect, and labels are not. What does a network learn from reviews alone, and
how many labels does that save?
"""

# %%
# Reviews without labels
# ----------------------
# A review praises or blames, by several words of one kind. Which words are of one kind can be
# learned without labels, as they stand together.
# ``SKLEARN_MODERN_QUICK=1`` takes fewer, as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.frozen import FrozenEstimator

from sklearn_modern.neural_network import MaskedTransformer, TransformerClassifier
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N_UNLABELLED, N_TEST, EPOCHS = (120, 60, 2) if QUICK else (2000, 1000, 60)
GOOD, BAD = ([f"{kind}{i}" for i in range(60)] for kind in ("nice", "poor"))
OTHERS = "the film was a bit and its story music cast scenes which we saw on friday"


def reviews(n, rng):
    texts, labels = [], rng.choice(["good", "bad"], size=n)
    for label in labels:
        words = list(rng.choice(OTHERS.split(), size=rng.integers(4, 12)))
        for word in rng.choice(GOOD if label == "good" else BAD, size=3):
            words.insert(rng.integers(len(words) + 1), word)
        texts.append(" ".join(words))
    return texts, labels


rng = np.random.default_rng(0)
unlabelled, _ = reviews(N_UNLABELLED, rng)
X_test, y_test = reviews(N_TEST, rng)
print(unlabelled[0])

# %%
# Guess what is hidden
# --------------------
# The log-likelihood of hidden words, of other reviews, too, epoch by epoch.

NETWORK = {"width": 64, "depth": 2, "n_heads": 4}
masked = MaskedTransformer(max_iter=EPOCHS, device="cpu", random_state=0, **NETWORK)
masked.fit(unlabelled, X_val=X_test)

figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.plot(-np.array(masked.loss_curve_), label="minus the loss of training", color="C1")
axes.plot(masked.validation_scores_, label="validation score", color="C0")
axes.set(xlabel="epoch", ylabel="log-likelihood")
axes.legend()

print(masked.fill(["the film was nice1 and [MASK] nice2", "the [MASK] was a bit poor3"]))

# %%
# Then few labels
# ---------------
# The same network from scratch, and from what was learned, all of which goes on to learn slowly.

sizes = (10, 20) if QUICK else (10, 20, 40, 80)
accuracy = {"from scratch": [], "pretrained": []}
for size in sizes:
    X, y = reviews(size, np.random.default_rng(1))
    settings = {"device": "cpu", "random_state": 0, "max_iter": 2 if QUICK else "auto"}
    scratch = TransformerClassifier(**settings, **NETWORK)
    pretrained = TransformerClassifier(
        pretrained=FrozenEstimator(masked),
        freeze="none",
        body_learning_rate_factor=0.3,
        **settings,
    )
    for name, model in zip(accuracy, (scratch, pretrained), strict=True):
        accuracy[name].append(model.fit(X, y).score(X_test, y_test))

figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
for name, scores in accuracy.items():
    axes.plot(sizes, scores, "o-", label=name)
    print(name, np.round(scores, 3))
axes.set(xlabel="labels", ylabel="accuracy")
axes.legend()
show_figures("masks")
