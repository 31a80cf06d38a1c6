"""
Train on a GPU, predict without one
===================================

A model is trained where the GPU is, and used where none is: what has to be done in between?
Little: a fitted network is stored with its weights on the CPU, and looks for a device again where
it is used. This page runs on any machine. Without a GPU it says so, and trains on the CPU.
"""

# %%
# Which devices are there?
# ------------------------

import os
import pickle
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from sklearn_modern.device import available_devices
from sklearn_modern.neural_network import CNNClassifier
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
EPOCHS, WIDTHS = (3, (4, 8)) if QUICK else (10, (4, 8, 16, 32, 64))

devices = available_devices()
accelerator = next((name for name in devices if name != "cpu"), None)
print(f"devices: {', '.join(devices)}")
if accelerator is None:
    print("There is no GPU here, so that what follows runs on the CPU alone.")

# %%
# ``device`` is a parameter
# -------------------------
# "auto" takes the device on which this fit is fastest: a small network stays on the CPU even where
# there is a GPU. A device that is named has to be there; ``device_`` is the one that was taken.

X, y = load_digits(return_X_y=True)
images = X.reshape(-1, 8, 8).astype(np.uint8)
X_train, X_test, y_train, y_test = train_test_split(images, y, random_state=0)

trained = CNNClassifier(device=accelerator or "cpu", max_iter=EPOCHS, random_state=0)
trained.fit(X_train, y_train)
print(f"trained on {trained.device_}: accuracy {trained.score(X_test, y_test):.3f}")
flat = LogisticRegression(max_iter=500).fit(X_train.reshape(len(X_train), -1) / 16, y_train)
linear = flat.score(X_test.reshape(len(X_test), -1) / 16, y_test)
print(f"logistic regression: accuracy {linear:.3f}")

# %%
# From one to the other
# ---------------------
# ``device="auto"`` before the model is stored lets the other machine choose. In a file of a model
# that was fitted with ``device="cuda"`` this name stays, and a machine without that device raises
# an error when the model predicts; ``set_params(device="cpu")`` after loading mends that.

trained.set_params(device="auto")
stored = pickle.dumps(trained)
elsewhere = pickle.loads(stored).set_params(device="cpu")
difference = np.abs(elsewhere.predict_proba(X_test) - trained.predict_proba(X_test)).max()
print(f"{len(stored) / 1024:.0f} kB, probabilities differ by {difference:.1g} at most")

# %%
# Is a GPU worth it?
# ------------------
# Seconds of an epoch by the width of the network, on each device that there is. The first fit on a
# device warms it up, and does not count.

figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
for name in dict.fromkeys(["cpu", accelerator or "cpu"]):
    CNNClassifier(width=4, max_iter=1, device=name).fit(X_train, y_train)
    seconds = []
    for width in WIDTHS:
        start = perf_counter()
        CNNClassifier(width=width, max_iter=2, device=name, random_state=0).fit(X_train, y_train)
        seconds.append((perf_counter() - start) / 2)
    print(f"{name}: " + ", ".join(f"{s:.2f} s" for s in seconds))
    axes.plot(WIDTHS, seconds, marker="o", label=name)
axes.set_xscale("log", base=2)
axes.set_xticks(WIDTHS, WIDTHS)
axes.set(xlabel="width of the first layer, in channels", ylabel="seconds of an epoch", ylim=0)
axes.legend(title="device")
show_figures("devices")
