"""
Volumes: shapes in three dimensions
===================================

Balls, cubes and crosses of different sizes, at different places in a noisy volume, are told apart
by 3-D convolutions, and their sizes are measured by a regression.
"""

# %%
# Shapes in noise
# ---------------

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import train_test_split

from sklearn_modern.neural_network import CNNClassifier, CNNRegressor

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N, SIDE, EPOCHS = (300, 12, 8) if QUICK else (1500, 12, 20)


def shape(label, radius, center):
    offsets = np.abs(np.stack(np.indices((SIDE, SIDE, SIDE)), -1) - center)
    if label == "ball":
        return (offsets**2).sum(-1) <= radius**2
    if label == "cube":
        return offsets.max(-1) <= radius * 0.8
    return (offsets.max(-1) <= radius) & (np.sort(offsets, -1)[..., 1] <= 1)  # a cross


rng = np.random.default_rng(0)
labels = rng.choice(["ball", "cube", "cross"], size=N)
radii = rng.uniform(2, 4, size=N)
centers = rng.uniform(4, SIDE - 5, size=(N, 3))
X = np.stack([shape(*parts) for parts in zip(labels, radii, centers, strict=True)])
X = (X + rng.normal(scale=0.3, size=X.shape)).astype(np.float32)

figure, axes = plt.subplots(1, 3, figsize=(7, 2.4), layout="constrained")
for axis, label in zip(axes, ["ball", "cube", "cross"], strict=True):
    which = np.flatnonzero(labels == label)[0]
    axis.imshow(X[which, round(centers[which, 0])], cmap="gray")
    axis.set(title=f"{label}, one slice", xticks=[], yticks=[])
plt.show()

# %%
# Which shape?
# ------------
# ``spatial_dims=3`` says that X, with four axes, has no axis of channels.

X_train, X_test, labels_train, labels_test, radii_train, radii_test = train_test_split(
    X, labels, radii, random_state=0
)
common = {"spatial_dims": 3, "width": 8, "max_iter": EPOCHS, "random_state": 0}
classifier = CNNClassifier(**common).fit(X_train, labels_train)
print(f"accuracy {classifier.score(X_test, labels_test):.3f}")

# %%
# How large is it?
# ----------------

regressor = CNNRegressor(**common).fit(X_train, radii_train)
print(f"R² of the radius {regressor.score(X_test, radii_test):.3f}")

figure, axes = plt.subplots(figsize=(4, 4), layout="constrained")
axes.scatter(radii_test, regressor.predict(X_test), s=8)
axes.axline((3, 3), slope=1, color="gray", linewidth=1)
axes.set(xlabel="radius", ylabel="predicted")
plt.show()
