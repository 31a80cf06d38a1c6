"""
Storing a model so that others can load it safely
=================================================

Which file should one give away, and which may one load? A pickle runs whatever its author has put
into it. skops writes arrays and names of types, and makes only what the reader has agreed to. The
bare weights are arrays and nothing else, but whoever loads them has to know what network they
belong to.
"""

# %%
# A fitted network
# ----------------
# ``SKLEARN_MODERN_QUICK=1`` trains it for fewer epochs, as the checks of this project do.

import os
import pickle
from importlib.util import find_spec
from io import BytesIO
from zipfile import ZIP_DEFLATED

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_modern.neural_network import MLPClassifier
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
clf = MLPClassifier(max_iter=10 if QUICK else 80, n_members=2, random_state=0)
clf.fit(X_train, y_train)
linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(X_train, y_train)
print(f"network: accuracy {clf.score(X_test, y_test):.3f}")
print(f"logistic regression: accuracy {linear.score(X_test, y_test):.3f}")
expected = clf.predict_proba(X_test)
kilobytes = {"pickle, logistic regression": len(pickle.dumps(linear)) / 1024}

# %%
# pickle: between your own machines
# ---------------------------------
# Everything is there, also what a warm start needs. Loading runs code, so never load a pickle of
# others; this one says hello when it is loaded, and could do anything else.


class Hostile:
    """What a stranger may have put into a file."""

    def __reduce__(self):
        return print, ("hello from the pickle",)


pickle.loads(pickle.dumps(Hostile()))
stored = pickle.dumps(clf)
kilobytes["pickle, network"] = len(stored) / 1024
assert (pickle.loads(stored).predict_proba(X_test) == expected).all()

# %%
# skops: for others
# -----------------
# The reader sees the types that skops does not know to be harmless, and decides: here, that they
# are of packages which one has installed oneself. Predictions are the same to the last bit. The
# file describes each object in words, which ``compression`` makes small.

if find_spec("skops"):
    import skops.io

    stored = skops.io.dumps(clf, compression=ZIP_DEFLATED)
    kilobytes["skops, network"] = len(stored) / 1024
    types = skops.io.get_untrusted_types(data=stored)
    installed = [
        name for name in types if name.startswith(("sklearn_modern.", "skorch.", "torch."))
    ]
    others = sorted(set(types) - set(installed))
    print(f"{len(installed)} types of what is installed, such as {installed[0]}; others: {others}")
    assert others in ([], ["builtins.print"])
    loaded = skops.io.loads(stored, trusted=types)
    print("same probabilities:", bool((loaded.predict_proba(X_test) == expected).all()))
else:
    print("skops is not installed here: pip install skops")

# %%
# Weights only: for other programs
# --------------------------------
# ``to_torch`` gives a bare module of torch, with the scaling folded in. Its weights are a table of
# arrays, which ``weights_only=True`` loads without running anything. The reader brings a module of
# the same shape, such as that of an estimator fitted for one epoch with the same settings.

file = BytesIO()
torch.save(clf.to_torch().state_dict(), file)
kilobytes["weights only, network"] = file.tell() / 1024
file.seek(0)
weights = torch.load(file, weights_only=True)

same_shape = MLPClassifier(max_iter=1, n_members=2, random_state=1).fit(X_train, y_train)
module = same_shape.to_torch()
module.load_state_dict(weights)
with torch.no_grad():
    probabilities = module(torch.tensor(X_test)).numpy()
print(f"largest difference: {np.abs(probabilities - expected).max():.1g}")

# %%
# How large are they?
# -------------------

figure, axes = plt.subplots(figsize=(6, 2.4), layout="constrained")
bars = axes.barh(list(kilobytes), list(kilobytes.values()))
axes.bar_label(bars, fmt="%.0f", padding=3)
axes.invert_yaxis()
axes.margins(x=0.12)
axes.set(xlabel="size in kilobytes")
show_figures("persistence")
