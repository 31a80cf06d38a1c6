"""
Next to scikit-learn
====================

The estimators of the package are used like scikit-learn's, so they can be compared in one loop. Is
a network here better than scikit-learn's, what does it cost, and is either better than a line? Each
is cross-validated on the same folds of data that scikit-learn ships.
"""

# %%
# What is compared
# ----------------
# Each estimator has its defaults. scikit-learn's networks get what they need, a scaler for the
# columns and, in regression, one for the target; ours scale both themselves.
# ``SKLEARN_MODERN_QUICK=1`` takes two folds and fewer digits, as the checks of this project do.

import os
import time
import warnings

import matplotlib.pyplot as plt
from sklearn import neural_network as theirs
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_modern import neural_network as ours
from sklearn_modern.utils.figures import show_figures

# scikit-learn's networks stop after 200 epochs, and say so
warnings.filterwarnings("ignore", category=ConvergenceWarning)

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N, FOLDS = (300, 2) if QUICK else (1000, 3)


def scaled(model):
    return make_pipeline(StandardScaler(), model)


classifiers = {
    "line": scaled(LogisticRegression()),
    "scikit-learn": scaled(theirs.MLPClassifier(random_state=0)),
    "sklearn_modern": ours.MLPClassifier(random_state=0),
}
of_scaled_target = TransformedTargetRegressor(
    theirs.MLPRegressor(random_state=0), transformer=StandardScaler()
)
regressors = {
    "line": scaled(RidgeCV()),
    "scikit-learn": scaled(of_scaled_target),
    "sklearn_modern": ours.MLPRegressor(random_state=0),
}
tables = {
    "wine": (load_wine, classifiers),
    "breast cancer": (load_breast_cancer, classifiers),
    "digits": (load_digits, classifiers),
    "diabetes": (load_diabetes, regressors),
}

# %%
# Cross-validation
# ----------------
# Accuracy for classification, R² for regression, and the seconds that fitting and scoring took.

scores = {name: [] for name in classifiers}
print(f"{'':<14}" + "".join(f"{name:>25}" for name in classifiers))
for table, (load, models) in tables.items():
    X, y = load(return_X_y=True)
    X, y = X[:N], y[:N]
    line = f"{table:<14}"
    for name, model in models.items():
        start = time.perf_counter()
        scores[name].append(cross_val_score(model, X, y, cv=FOLDS).mean())
        line += f"{scores[name][-1]:>15.3f}{time.perf_counter() - start:>8.1f} s"
    print(line)

# %%
# The same as a picture
# ---------------------
# Our default is eight networks, each stopped by rows of its own: that makes it the slowest. On
# tables as small as these a line is nearly as good as any network, so that one should always look.

figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
rows = range(len(tables))
for marker, (name, found) in zip("|so", scores.items(), strict=True):
    axes.scatter(found, rows, s=160 if marker == "|" else 60, marker=marker, label=name, alpha=0.8)
axes.set_yticks(rows, tables)
axes.set_ylim(len(tables) - 0.5, -0.5)
axes.set(xlabel="accuracy, or R² for diabetes (1 is perfect)")
axes.grid(axis="y", alpha=0.3)
figure.legend(loc="outside upper center", ncols=3)
show_figures("quickstart")
