"""
Digits on demand, three ways
============================

A variational autoencoder, flow matching and an adversarial network learn what digits look like,
given their labels. Which of them draws the best ones?
"""

# %%
# Three generators
# ----------------
# Each learns from three quarters of the digits. ``SKLEARN_MODERN_QUICK=1`` takes less, as the
# checks of this project do.

import os
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from sklearn_modern.decomposition import CNNVariationalAutoencoder
from sklearn_modern.generation import DCGAN, CNNFlowMatching
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N_ROWS, N_DRAWN, N_EPOCHS = (200, 100, 2) if QUICK else (1347, 1500, 60)

digits = load_digits()
X, X_test, y, y_test = train_test_split(
    digits.images, digits.target, train_size=N_ROWS, random_state=0, stratify=digits.target
)
common = {"conditional": True, "max_iter": N_EPOCHS, "device": "cpu", "random_state": 0}
generators = {
    "autoencoder": CNNVariationalAutoencoder(8, **common),
    "flow matching": CNNFlowMatching(**common),
    "adversarial": DCGAN(**common),
}
for name, generator in generators.items():
    start = time.perf_counter()
    generator.fit(X, y)
    print(f"{name}: {time.perf_counter() - start:.0f} seconds")

# %%
# What they draw
# --------------
# Four of each label, beside real ones.

labels = np.repeat(np.arange(10), 4)
shown = {"real": np.concatenate([X[y == label][:4] for label in range(10)])}
shown |= {name: each.sample(y=labels, random_state=0)[0] for name, each in generators.items()}
figure, panels = plt.subplots(2, 2, figsize=(8, 4.2), layout="constrained")
for axes, (name, images) in zip(panels.flat, shown.items(), strict=True):
    apart = np.pad(images, [(0, 0), (1, 1), (1, 1)]).reshape(10, 4, 10, 10)
    axes.imshow(apart.transpose(1, 2, 0, 3).reshape(40, 100), cmap="gray_r", vmin=0, vmax=16)
    axes.set_title(name)
    axes.axis("off")

# %%
# What they are worth
# -------------------
# A support-vector machine learns from drawn digits only, and is scored on real ones, which none of
# the generators has seen.

scores = {"real": SVC(C=10).fit(X.reshape(len(X), -1), y).score(X_test.reshape(-1, 64), y_test)}
for name, generator in generators.items():
    drawn, drawn_labels = generator.sample(N_DRAWN, random_state=0)
    machine = SVC(C=10).fit(drawn.reshape(len(drawn), -1), drawn_labels)
    scores[name] = machine.score(X_test.reshape(-1, 64), y_test)
figure, axes = plt.subplots(figsize=(5, 2.4), layout="constrained")
bars = axes.barh(list(scores), list(scores.values()))
axes.bar_label(bars, fmt="%.3f", padding=3)
axes.invert_yaxis()
axes.set(
    xlim=(0.0, 1.1), xticks=[0.0, 0.5, 1.0], xlabel="accuracy on real digits", title="learned from"
)
axes.spines[["top", "right"]].set_visible(False)
show_figures("generated_digits")
