"""
Long series: attention to steps nearby
======================================

With full attention each step of a series looks at all others, so that a series of twice the length
takes four times as long. ``attention="cascade"`` and ``"dilated"`` let a step look at some of those
around it, and the time grows with the length.
"""

# %%
# Waves in noise
# --------------
# Somewhere in each series of 400 steps there is a wave of 100 steps, a slow one or a fast one. No
# single step tells which, but the steps around it do.

import os
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

from sklearn_modern.neural_network import TransformerClassifier
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N_TRAIN, EPOCHS, LENGTHS = (20, 1, (64, 128)) if QUICK else (200, 10, (256, 512, 1024, 2048))

rng = np.random.default_rng(0)
X = rng.normal(scale=0.5, size=(N_TRAIN + 100, 400))
y = rng.choice(["slow", "fast"], size=len(X))
for series, label in zip(X, y, strict=True):
    start = rng.integers(0, 300)
    series[start : start + 100] += np.sin(np.arange(100) * (0.3 if label == "slow" else 0.6))

figure, axes = plt.subplots(1, 2, figsize=(9, 2.5), sharey=True, layout="constrained")
for axis, label in zip(axes, ("slow", "fast"), strict=True):
    axis.plot(X[y == label][0], linewidth=1)
    axis.set(title=f"A {label} wave", xlabel="step")
axes[0].set_ylabel("value")
show_figures("long_series_1")

# %%
# In a cascade the first block of the network sees ``window`` steps on each side, the second twice
# as many: what comes out of the second is made of what lies up to three windows around. Dilated
# blocks see three steps on each side: the next ones, then every second one, then every fourth.

models = {
    "cascade": TransformerClassifier(
        attention="cascade", window=8, width=32, max_iter=EPOCHS, random_state=0
    ),
    "dilated": TransformerClassifier(
        attention="dilated", width=32, depth=3, max_iter=EPOCHS, random_state=0
    ),
    "logistic regression": LogisticRegression(max_iter=1000),
}
for name, model in models.items():
    accuracy = model.fit(X[:N_TRAIN], y[:N_TRAIN]).score(X[N_TRAIN:], y[N_TRAIN:])
    print(f"{name}: accuracy {accuracy:.3f}")

# %%
# How time grows with length
# --------------------------
# These are seconds of one epoch of eight series, with three blocks. Twice the length takes full
# attention four times as long; to the others it is little more than twice the work.

seconds = {}
for attention in ("full", "cascade", "dilated"):
    for length in LENGTHS:
        model = TransformerClassifier(
            attention=attention, width=32, depth=3, max_iter=1, device="cpu", random_state=0
        )
        begin = time.perf_counter()
        model.fit(rng.normal(size=(8, length)), np.arange(8) % 2)
        seconds[attention, length] = time.perf_counter() - begin

figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
for attention in ("full", "cascade", "dilated"):
    axis.plot(LENGTHS, [seconds[attention, length] for length in LENGTHS], "o-", label=attention)
axis.set(xlabel="steps of a series", ylabel="seconds of an epoch", ylim=0, xticks=LENGTHS)
axis.legend(title="attention")
show_figures("long_series_2")
