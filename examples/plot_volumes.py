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
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

from sklearn_modern.neural_network import CNNClassifier, CNNRegressor
from sklearn_modern.utils.figures import show_figures

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
shapes = np.stack([shape(*parts) for parts in zip(labels, radii, centers, strict=True)])
X = (shapes + rng.normal(scale=0.3, size=shapes.shape)).astype(np.float32)

# The shape as it is, and what the network gets of it, slice by slice: here every third.

figure = plt.figure(figsize=(9, 6.5), layout="constrained")
for row, label in enumerate(["ball", "cube", "cross"]):
    which = np.argmax(np.where(labels == label, radii, 0))  # the largest
    solid = figure.add_subplot(3, 5, 5 * row + 1, projection="3d")
    solid.voxels(shapes[which], facecolor="tab:orange", edgecolor="saddlebrown", linewidth=0.2)
    solid.set(title=label, xticks=[], yticks=[], zticks=[], box_aspect=(1, 1, 1))
    for place, depth in enumerate(range(1, SIDE, 3)):
        axes = figure.add_subplot(3, 5, 5 * row + 2 + place)
        axes.imshow(X[which, depth], cmap="gray", vmin=-0.5, vmax=1.5)
        axes.set(xticks=[], yticks=[], title=f"slice {depth}")
show_figures("volumes_shapes")

# %%
# Which shape?
# ------------
# ``spatial_dims=3`` says that X, with four axes, has no axis of channels.

X_train, X_test, labels_train, labels_test, radii_train, radii_test = train_test_split(
    X, labels, radii, random_state=0
)
flat = LogisticRegression(max_iter=200).fit(X_train.reshape(len(X_train), -1), labels_train)
print(
    f"logistic regression: accuracy {flat.score(X_test.reshape(len(X_test), -1), labels_test):.3f}"
)
common = {"spatial_dims": 3, "width": 8, "max_iter": EPOCHS, "random_state": 0}
classifier = CNNClassifier(**common).fit(X_train, labels_train)
print(f"3-D convolutions: accuracy {classifier.score(X_test, labels_test):.3f}")

# %%
# How large is it?
# ----------------
# The honest rival counts: a line through the sum of all voxels, which grows with the shape.


def features(volumes):
    total = volumes.sum(axis=(1, 2, 3))
    return np.column_stack([total, np.cbrt(np.maximum(total, 0))])


line = LinearRegression().fit(features(X_train), radii_train)
regressor = CNNRegressor(**common).fit(X_train, radii_train)
predictions = {
    "line through the sum": line.predict(features(X_test)),
    "3-D convolutions": regressor.predict(X_test),
}
figure, panels = plt.subplots(1, 2, figsize=(8, 3.8), sharey=True, layout="constrained")
for axes, (name, predicted) in zip(panels, predictions.items(), strict=True):
    print(f"{name}: R² of the radius {r2_score(radii_test, predicted):.3f}")
    for label in ("ball", "cube", "cross"):
        rows = labels_test == label
        axes.scatter(radii_test[rows], predicted[rows], s=8, label=label)
    axes.axline((3, 3), slope=1, color="grey", linewidth=1)
    axes.set(xlabel="radius", title=name)
panels[0].set(ylabel="predicted radius")
panels[0].legend()
show_figures("volumes_sizes")
