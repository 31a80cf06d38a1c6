"""
Text: words as columns of a sparse table
========================================

A bag of words is a table of thousands of columns, almost all of it zeros. Does a network gain
anything over logistic regression there, and should its inputs be scaled? The texts are the
documentation of functions and classes of four libraries, which are installed wherever this package
is; the question is to which library a text belongs.
"""

# %%
# Texts
# -----
# Names of the libraries are taken out, as they would give the answer away.
# ``SKLEARN_MODERN_QUICK=1`` takes fewer texts and epochs, as the checks of this project do.

import inspect
import os
import re
from time import perf_counter

import matplotlib.pyplot as plt
import numpy
import numpy as np
import scipy.linalg
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.stats
import sklearn.cluster
import sklearn.linear_model
import sklearn.metrics
import sklearn.model_selection
import sklearn.preprocessing
import torch
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline

from sklearn_modern.neural_network import MLPClassifier
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N_TRAIN, N_WORDS, EPOCHS, SPLITS = (200, 500, 3, 1) if QUICK else (300, 3000, "auto", 3)

SCIPY = [scipy.linalg, scipy.ndimage, scipy.optimize, scipy.signal, scipy.sparse, scipy.stats]
SKLEARN = [sklearn.cluster, sklearn.linear_model, sklearn.metrics]
SKLEARN += [sklearn.model_selection, sklearn.preprocessing]
MODULES = {"numpy": [numpy], "scipy": SCIPY, "sklearn": SKLEARN, "torch": [torch, torch.nn]}
NAMES = re.compile(r"\b(numpy|np|scipy|sp|scikit|sklearn|torch|pytorch|tensors?)\b", re.IGNORECASE)

library_of = {}
for library, modules in MODULES.items():
    for module in modules:
        for name in sorted(set(dir(module)) - set(dir(object))):
            thing = getattr(module, name) if not name.startswith("_") else None
            text = (inspect.getdoc(thing) or "") if callable(thing) else ""
            text = NAMES.sub(" ", text.partition("Parameters\n")[0])[:400]
            if len(text) > 40:
                library_of[text] = library
texts, y = np.array(list(library_of)), np.array(list(library_of.values()))
print(", ".join(f"{name}: {np.count_nonzero(y == name)}" for name in MODULES))

# %%
# Scaled, and left alone
# ----------------------
# tf-idf gives rare words more weight than frequent ones, and each text the length one. Scaling
# every column undoes both. So ``input_scaling="auto"``, the default, leaves sparse tables alone.

common = {"n_members": 2, "max_iter": EPOCHS, "random_state": 0}
models = {
    "always the largest": DummyClassifier(),
    "logistic regression": LogisticRegression(C=10, max_iter=1000),
    "network, scaled": MLPClassifier(input_scaling="robust", **common),
    "network": MLPClassifier(**common),
}
splits = StratifiedShuffleSplit(SPLITS, train_size=N_TRAIN, test_size=500, random_state=0)
scores, seconds = {}, {}
for name, model in models.items():
    start = perf_counter()
    pipeline = make_pipeline(TfidfVectorizer(max_features=N_WORDS), model)
    for train, test in splits.split(texts, y):
        predicted = pipeline.fit(texts[train], y[train]).predict(texts[test])
        scores.setdefault(name, []).append(f1_score(y[test], predicted, average="macro"))
    seconds[name] = (perf_counter() - start) / SPLITS
    print(f"{name:>20}: F1 {np.mean(scores[name]):.3f}, {seconds[name]:5.2f} s a fit")

# %%
# The same as a picture
# ---------------------
# The dots are splits of the texts, without those of the largest library, which are far to the left.
# Logistic regression takes a fraction of the time: begin with it.

figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained")
del scores["always the largest"]
for place, found in enumerate(scores.values()):
    axes.scatter(found, np.full(len(found), place), color="tab:blue", alpha=0.6)
axes.set_yticks(range(len(scores)), scores)
axes.set_ylim(len(scores) - 0.5, -0.5)
axes.grid(axis="y", alpha=0.3)
axes.set(xlabel="F1 of other texts, mean over libraries")
show_figures("text")
