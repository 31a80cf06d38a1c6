"""
A vision transformer, and where it looks
========================================

A vision transformer [1]_ cuts an image into patches, lets each look at all others, and takes a
weighted mean over them. Here it meets a convolutional network on digits of 8 x 8 pixels, and shows
which patches count.
"""

# %%
# Digits somewhere on a canvas
# ----------------------------
# Scraps of other digits lie on the canvas, too: a network has to find out where to look.
# ``SKLEARN_MODERN_QUICK=1`` takes fewer digits and epochs, as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_modern.neural_network import CNNClassifier, ViTClassifier
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N, EPOCHS = (300, 2) if QUICK else (1200, 12)

digits = load_digits()
images, y = digits.images[:N].astype(np.uint8), digits.target[:N]
rng = np.random.default_rng(0)
canvases = np.zeros((N, 16, 16), dtype=np.uint8)
for canvas, image in zip(canvases, images, strict=True):
    for _ in range(4):  # scraps of 3 x 3 pixels
        row, column = rng.integers(0, 14, size=2)
        canvas[row : row + 3, column : column + 3] = images[rng.integers(N), 2:5, 3:6]
    row, column = rng.integers(0, 9, size=2)
    canvas[row : row + 8, column : column + 8] = image

# %%
# Two networks
# ------------
# The convolutional network and the vision transformer, whose patches overlap and are made by
# convolutions, come out level. With linear patches, one map of the pixels of each, a vision
# transformer needs far more images.

models = {
    "convolutional network": CNNClassifier(max_iter=EPOCHS, random_state=0),
    "vision transformer": ViTClassifier(max_iter=EPOCHS, random_state=0),
    "linear patches": ViTClassifier(patches="linear", max_iter=EPOCHS, random_state=0),
}
train, test = train_test_split(np.arange(N), stratify=y, random_state=0)
scores = {}
for kind, X in {"digits as they are": images, "on a canvas": canvases}.items():
    for name, model in models.items():
        accuracy = model.fit(X[train], y[train]).score(X[test], y[test])
        scores.setdefault(name, []).append(accuracy)
        print(f"{kind:>18}, {name:>21}: accuracy {accuracy:.3f}")

figure, axes = plt.subplots(figsize=(7, 2.4), layout="constrained")
for place, (plain, scattered) in enumerate(scores.values()):
    axes.plot([scattered, plain], [place, place], color="grey", alpha=0.5, zorder=1)
    axes.scatter(plain, place, color="tab:blue", label=None if place else "as they are")
    axes.scatter(scattered, place, color="tab:orange", label=None if place else "on a canvas")
axes.set_yticks(range(len(scores)), scores)
axes.set_ylim(len(scores) - 0.5, -0.5)
axes.set(xlabel="accuracy on other digits")
axes.legend(loc="upper left")
show_figures("vision_transformer_scores")

# %%
# Where it looks
# --------------
# The features are a mean over patches of 2 x 2 pixels, whose weights depend on what is in them.
# ``body_.patch_weights`` tells them: the brighter a patch, the more it counts among those of its
# image. They show where the network looks, not why it decides: by attention, a patch knows of all
# others already, so that a single one may stand for the whole digit.

vit = models["vision transformer"]  # fitted to canvases last
shown = test[:6]
with torch.no_grad():
    batch = torch.from_numpy(canvases[shown]).view(1, len(shown), 1, 16, 16)
    weights = vit.body_.eval().patch_weights(batch)[0].numpy()

figure, panels = plt.subplots(2, len(shown), figsize=(8, 3), layout="constrained")
for (above, below), canvas, weight in zip(panels.T, canvases[shown], weights, strict=True):
    above.imshow(canvas, cmap="gray_r")
    below.imshow(weight, cmap="viridis", vmin=0, vmax=weight.max())
    below.set_xlabel(f"largest: {weight.max():.2f}")
    for axes in (above, below):
        axes.set(xticks=[], yticks=[])
panels[0, 0].set_ylabel("image")
panels[1, 0].set_ylabel("weights")
figure.suptitle("Which patches count")
show_figures("vision_transformer_weights")

# %%
# .. rubric:: References
#
# .. [1] Hassani, Walton, Shah, Abuduweili, Li, Shi (2021). Escaping the big data paradigm with
#    compact transformers. arXiv:2104.05704.
