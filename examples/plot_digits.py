"""
Convolutions on handwritten digits
==================================

What does a network gain that knows that pixels have neighbours? scikit-learn ships 1,797 digits of
8 x 8 pixels. Here a convolutional network meets models that see 64 columns in no order, first on
the digits as they are, and then on digits that lie anywhere on a larger canvas.
"""

# %%
# Two kinds of images
# -------------------
# ``SKLEARN_MODERN_QUICK=1`` takes fewer digits and epochs, as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_modern.neural_network import CNNClassifier, MLPClassifier
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N, EPOCHS = (500, 6) if QUICK else (1797, 25)

digits = load_digits()
images, y = digits.images[:N].astype(np.uint8), digits.target[:N]
canvases = np.zeros((N, 14, 14), dtype=np.uint8)
places = np.random.default_rng(0).integers(0, 7, size=(N, 2))
for canvas, image, (row, column) in zip(canvases, images, places, strict=True):
    canvas[row : row + 8, column : column + 8] = image

figure, panels = plt.subplots(2, 8, figsize=(8, 2.2), layout="constrained")
for kind, row in zip((images, canvases), panels, strict=True):
    for axes, image in zip(row, kind, strict=False):
        axes.imshow(image, cmap="gray_r")
        axes.set(xticks=[], yticks=[])
figure.suptitle("The same digits in their place, and anywhere")
show_figures("digits")

# %%
# Four models
# -----------
# Only the convolutional network takes images, (n_samples, height, width); bytes stay bytes.

models = {
    "logistic regression": make_pipeline(MinMaxScaler(), LogisticRegression(max_iter=500)),
    "nearest neighbour": KNeighborsClassifier(1),
    "multilayer perceptron": MLPClassifier(n_members=1, max_iter=EPOCHS, random_state=0),
    "convolutions": CNNClassifier(max_iter=EPOCHS, random_state=0),
}
scores = {}
for kind, X in {"in their place": images, "anywhere": canvases}.items():
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    flat_train, flat_test = (part.reshape(len(part), -1) for part in (X_train, X_test))
    for name, model in models.items():
        spatial = isinstance(model, CNNClassifier)
        model.fit(X_train if spatial else flat_train, y_train)
        accuracy = model.score(X_test if spatial else flat_test, y_test)
        scores.setdefault(name, []).append(accuracy)
        print(f"{kind:>15}, {name:>21}: accuracy {accuracy:.3f}")

# %%
# In their place, all digits of a kind have ink at the same pixels, and most models do well.
# Anywhere on the canvas, each place is another column: who does not know that columns are
# neighbours has to learn each digit anew for each place.

figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained")
for place, (fixed, moved) in enumerate(scores.values()):
    axes.plot([moved, fixed], [place, place], color="grey", alpha=0.5, zorder=1)
    axes.scatter(fixed, place, s=90, color="tab:blue", label=None if place else "in their place")
    axes.scatter(moved, place, s=25, color="tab:orange", label=None if place else "anywhere")
axes.set_yticks(range(len(scores)), scores)
axes.set_ylim(len(scores) - 0.5, -0.5)
axes.set(xlabel="accuracy on other digits")
axes.legend(loc="center left")
show_figures("digits_scores")
