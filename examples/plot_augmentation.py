"""
Augmentation: what it is worth in images
========================================

A digit that is tilted is the same digit. ``augment`` shows the network such versions of each image,
others in each epoch. What is that worth if the labelled images are straight and new ones are not?
How many images would one have to label for the same gain? And what if the versions are wrong: is a
six upside down still a six?
"""

# %%
# What the network sees
# ---------------------
# Versions as new images are, and some that are wrong for digits. ``SKLEARN_MODERN_QUICK=1`` takes
# fewer images and epochs, as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.ndimage import rotate
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from sklearn_modern.augmentation import RandomRotation
from sklearn_modern.neural_network import CNNClassifier
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
SIZES, EPOCHS = ((50, 200), 8) if QUICK else ((100, 200, 400), 40)

transforms = {
    "tilted by up to 35 degrees": RandomRotation(35),
    "upside down at times": RandomRotation(180),
}
X, y = load_digits(return_X_y=True)
X = X.reshape(-1, 8, 8).astype(np.uint8)
X_pool, X_test, y_pool, y_test = train_test_split(X, y, test_size=900, stratify=y, random_state=0)
# New images are tilted, as if the camera had been.
angles = np.random.default_rng(0).uniform(-35, 35, len(X_test))
tilted = [
    rotate(image.astype(float), angle, reshape=False, order=1)
    for image, angle in zip(X_test, angles, strict=True)
]
X_test = np.rint(tilted).clip(0, 16).astype(np.uint8)

digit = torch.tensor(X[6:7, None], dtype=torch.float32)
figure, panels = plt.subplots(2, 8, figsize=(8, 2.4), layout="constrained")
for row, (name, transform) in zip(panels, transforms.items(), strict=True):
    versions = transform(digit.repeat(7, 1, 1, 1), torch.Generator().manual_seed(0))
    for axes, image in zip(row, [digit[0], *versions], strict=True):
        axes.imshow(image[0].numpy(), cmap="gray_r")
        axes.set(xticks=[], yticks=[])
    row[0].set_title("as it is", fontsize="medium")
    row[4].set_title(name, fontsize="medium")
show_figures("augmentation_versions")

# %%
# Few images, and more of them
# ----------------------------
# All are tested on the same tilted images. Augmentation takes part in the training only.

scores = {name: [] for name in ("none", *transforms, "logistic regression")}
for size in SIZES:
    few, labels = X_pool[:size], y_pool[:size]
    for name in scores:
        if name == "logistic regression":
            model = LogisticRegression(max_iter=500).fit(few.reshape(size, -1) / 16, labels)
            accuracy = model.score(X_test.reshape(len(X_test), -1) / 16, y_test)
        else:
            model = CNNClassifier(augment=transforms.get(name), max_iter=EPOCHS, random_state=0)
            accuracy = model.fit(few, labels).score(X_test, y_test)
        scores[name].append(accuracy)
    print(f"{size:4} images: " + ", ".join(f"{name} {s[-1]:.3f}" for name, s in scores.items()))

# %%
# A hundred images that are tilted in training do better than four hundred that are not.
# Turning digits upside down asks the network to find six and nine alike. Augmentation is knowledge
# about new images: which changes occur, and which leave a label as it is, only a person who knows
# the images can say. Versions that do not occur take room from those that do.

figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
for name, accuracies in scores.items():
    label = "no augmentation" if name == "none" else name
    axes.plot(SIZES, accuracies, marker="o", label=label)
axes.set_xscale("log")
axes.set_xticks(SIZES, SIZES)
axes.minorticks_off()
axes.set(xlabel="labelled images", ylabel="accuracy on tilted images")
axes.legend(loc="lower right")
show_figures("augmentation")
