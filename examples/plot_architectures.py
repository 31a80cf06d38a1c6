"""
From LeNet to EfficientNetV2
============================

Five families of convolutional networks learn the 1,797 handwritten digits that scikit-learn ships.
They differ in one parameter, ``architecture``, so a grid search may choose.
"""

# %%
# The digits
# ----------
# Their 8 x 8 pixels lie anywhere on canvases of 16 x 16, so that the place means nothing.
# ``SKLEARN_MODERN_QUICK=1`` takes fewer digits and epochs, as the checks of this project do.

import os
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from sklearn_modern.neural_network import CNNClassifier
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N_TRAIN, EPOCHS = (300, 4) if QUICK else (800, 15)

digits = load_digits()
y = digits.target
X = np.zeros((len(y), 16, 16), dtype=np.uint8)
places = np.random.default_rng(0).integers(0, 9, size=(len(y), 2))
for canvas, image, (row, column) in zip(X, digits.images, places, strict=True):
    canvas[row : row + 8, column : column + 8] = image
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=N_TRAIN, test_size=500, stratify=y, random_state=0
)
flat = LogisticRegression(max_iter=500).fit(X_train.reshape(N_TRAIN, -1) / 16, y_train)
linear = flat.score(X_test.reshape(500, -1) / 16, y_test)
print(f"{'linear':>14}: accuracy {linear:.3f}")

# %%
# Learning curves
# ---------------
# ``X_val`` and ``y_val`` let ``fit`` record a score of the test rows after each epoch, with
# ``scoring="accuracy"`` the accuracy, for the plot only. Decisions, such as when to stop, need rows
# that are kept apart from the test rows.

histories = {}
for architecture in ("lenet", "vgg", "resnet", "se_resnet", "efficientnetv2"):
    model = CNNClassifier(
        architecture=architecture, max_iter=EPOCHS, scoring="accuracy", random_state=0
    )
    start = time.perf_counter()
    model.fit(X_train, y_train, X_val=X_test, y_val=y_test)
    seconds = time.perf_counter() - start
    histories[architecture] = model.validation_scores_
    weights = sum(p.numel() for p in model.net_.module_.parameters())
    print(
        f"{architecture:>14}: accuracy {model.score(X_test, y_test):.3f}, "
        f"{weights:7,} weights, {seconds:5.1f} s"
    )

# %%
# Plain convolutions with pooling, as in "vgg", do best on small images; residual blocks and what
# came after them were made for networks that are much deeper.

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for architecture, scores in histories.items():
    axes.plot(np.arange(1, len(scores) + 1), scores, marker=".", label=architecture)
axes.axhline(linear, color="grey", linestyle=":", label="logistic regression")
axes.set(xlabel="epoch", ylabel="accuracy on the test rows", title=f"{N_TRAIN} digits")
axes.xaxis.get_major_locator().set_params(integer=True)
axes.legend()
show_figures("architectures")
