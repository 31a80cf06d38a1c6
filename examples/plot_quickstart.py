"""
Next to scikit-learn
====================

The estimators of the package are used like scikit-learn's, so they can be compared in one loop:
each pair is cross-validated on the same folds of data that scikit-learn ships. scikit-learn's
networks get a ``StandardScaler``; ours scale their inputs themselves.
"""

# %%
# What is compared
# ----------------
# Each estimator has its defaults. ``SKLEARN_MODERN_QUICK=1`` takes two folds instead of five, as
# builds of this documentation do.

import os
import time
import warnings
from importlib.util import find_spec

from sklearn import neural_network as theirs
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_modern import neural_network as ours
from sklearn_modern.utils.figures import show_figures

warnings.filterwarnings("ignore", category=ConvergenceWarning)

FOLDS = 2 if os.environ.get("SKLEARN_MODERN_QUICK") == "1" else 5

DATA = {
    "wine": (load_wine, "MLPClassifier"),
    "breast cancer": (load_breast_cancer, "MLPClassifier"),
    "digits": (load_digits, "MLPClassifier"),
    "diabetes": (load_diabetes, "MLPRegressor"),
}


# %%
# Cross-validation
# ----------------
# Accuracy for classification, R² for regression, and the seconds that fitting and scoring took.


def cross_validate(estimator, X, y):
    start = time.perf_counter()
    score = cross_val_score(estimator, X, y, cv=FOLDS).mean()
    return score, time.perf_counter() - start


print(f"{'':<14}{'score':>14}{'':>9}{'seconds':>12}")
print(f"{'data':<14}{'ours':>8}{'sklearn':>9}{'ours':>10}{'sklearn':>9}")
scores = {}
for name, (load, class_name) in DATA.items():
    X, y = load(return_X_y=True)
    own = getattr(ours, class_name)(random_state=0)
    other = getattr(theirs, class_name)(random_state=0)
    score, seconds = cross_validate(own, X, y)
    scaled = make_pipeline(StandardScaler(), other)
    other_score, other_seconds = cross_validate(scaled, X, y)
    scores[name] = (score, other_score)
    print(f"{name:<14}{score:>8.3f}{other_score:>9.3f}{seconds:>10.1f}{other_seconds:>9.1f}")

# %%
# The same as a plot
# ------------------

if find_spec("matplotlib"):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 2.6), layout="constrained")
    rows = range(len(scores))
    own, other = zip(*scores.values(), strict=True)
    axes.scatter(own, rows, label="sklearn_modern", zorder=2)
    axes.scatter(other, rows, marker="|", s=200, label="scikit-learn")
    axes.set_yticks(rows, scores)
    axes.invert_yaxis()
    axes.set_xlabel("accuracy, or R² for diabetes")
    axes.grid(axis="y", alpha=0.3)
    axes.legend()
    show_figures("quickstart")
