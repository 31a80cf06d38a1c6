"""
Signals: a motif at an unknown time
===================================

Each signal is noise with one of three motifs somewhere in it. A network of 1-D convolutions finds a
motif wherever it is; a linear model sees each time as a feature of its own and cannot.
"""

# %%
# Three motifs in noise
# ---------------------

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from sklearn_modern.neural_network import CNNClassifier, LossCurveDisplay
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N, LENGTH, EPOCHS = (600, 64, 8) if QUICK else (3000, 64, 20)

time = np.linspace(0, 1, 16)
MOTIFS = {
    "wave": np.sin(4 * np.pi * time),
    "step": np.sign(time - 0.5),
    "peak": 2 * np.exp(-(((time - 0.5) / 0.1) ** 2)),
}

rng = np.random.default_rng(0)
X = rng.normal(scale=0.4, size=(N, LENGTH))
y = rng.choice(list(MOTIFS), size=N)
for signal, label in zip(X, y, strict=True):
    start = rng.integers(0, LENGTH - len(time))
    signal[start : start + len(time)] += MOTIFS[label]

figure, axes = plt.subplots(1, 3, figsize=(9, 2), sharey=True, layout="constrained")
for axis, label in zip(axes, MOTIFS, strict=True):
    axis.plot(X[y == label][:2].T, linewidth=1)
    axis.set(title=label, xlabel="time")
axes[0].set(ylabel="value")
show_figures("signals_1")

# %%
# X has two axes, (n_samples, length), which a ``CNNClassifier`` takes for signals of one channel.
# ``spatial_dims=1`` says so, since rows of 64 values may also be flat images.

X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
models = {
    "1-D convolutions": CNNClassifier(spatial_dims=1, max_iter=EPOCHS, random_state=0),
    "logistic regression": LogisticRegression(max_iter=1000),
}
for name, model in models.items():
    print(f"{name}: accuracy {model.fit(X_train, y_train).score(X_test, y_test):.3f}")

# %%
# Longer signals need no other network: its last features are means over time.

longer = np.concatenate([X_test, rng.normal(scale=0.4, size=X_test.shape)], axis=1)[:, np.newaxis]
channels = CNNClassifier(spatial_dims=1, max_iter=EPOCHS, random_state=0)
channels.fit(X_train[:, np.newaxis], y_train)
print(f"fitted to {LENGTH} steps, on {longer.shape[-1]}: {channels.score(longer, y_test):.3f}")

# %%
# How the training went
# ---------------------
# The best epoch is the one whose weights the network keeps.

model = CNNClassifier(spatial_dims=1, early_stopping=True, max_iter=EPOCHS, random_state=0)
LossCurveDisplay.from_estimator(model.fit(X_train, y_train))
show_figures("signals_2")
