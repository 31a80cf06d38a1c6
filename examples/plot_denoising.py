"""
Clean digits of noisy ones
==========================

An autoencoder that is trained to remove noise knows what digits look like. What does it make of
noisy ones, beside PCA with a code of the same width?
"""

# %%
# Digits and noise
# ----------------
# The network sees clean digits only; it spoils them itself in each training step, by other noise
# each time. PCA has no such thing, and is fitted to the clean digits.
# ``SKLEARN_MODERN_QUICK=1`` trains for a few epochs, as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from sklearn_modern.decomposition import Autoencoder
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
WIDTH, NOISE = 16, 0.5

# Pixels have one scale, which is left as it is but for the size of all of them.
X, y = load_digits(return_X_y=True)
X = (X - X.mean()) / X.std()
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
noisy = X_test + NOISE * np.random.default_rng(0).normal(size=X_test.shape)

settings = {"input_scaling": None, "device": "cpu", "random_state": 0}
settings |= {"max_iter": 3} if QUICK else {}
autoencoder = Autoencoder(WIDTH, noise=NOISE, **settings).fit(X_train)
pca = PCA(WIDTH).fit(X_train)

made = {
    "noisy": noisy,
    "PCA": pca.inverse_transform(pca.transform(noisy)),
    "autoencoder": autoencoder.reconstruct(noisy),
}
for name, images in made.items():
    print(f"{name:12} squared error {((images - X_test) ** 2).mean():.3f}")

# %%
# Side by side
# ------------

rows = [np.flatnonzero(y_test == digit)[0] for digit in range(10)]
figure, axes = plt.subplots(4, 10, figsize=(8, 3.6), layout="constrained")
for line, (name, images) in zip(axes, {"clean": X_test, **made}.items(), strict=True):
    line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    for ax, row in zip(line, rows, strict=True):
        ax.imshow(images[row].reshape(8, 8), cmap="gray_r", vmin=X.min(), vmax=X.max())
        ax.set(xticks=[], yticks=[])

# %%
# Which digits are unlikely?
# --------------------------
# The score of a row says how likely its code is, and how well it is made again.

scores = autoencoder.score_samples(X_test)
order = np.argsort(scores)
figure, axes = plt.subplots(2, 10, figsize=(8, 2), layout="constrained")
for line, chosen, name in zip(axes, (order[:10], order[-10:]), ("unlikely", "likely"), strict=True):
    line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    for ax, row in zip(line, chosen, strict=True):
        ax.imshow(X_test[row].reshape(8, 8), cmap="gray_r", vmin=X.min(), vmax=X.max())
        ax.set(xticks=[], yticks=[])

show_figures("denoising")
