"""
Early stopping at the end of a Pipeline
=======================================

A model that stops early needs rows that it does not learn from. At the end of a Pipeline these must
go through the same steps as all others, and that is easily forgotten. There are two ways: let the
model set rows aside by itself, or give the Pipeline rows of your own and say that it transforms
them.
"""

# %%
# Noisy classes
# -------------
# A tenth of the labels is wrong, so that trees that are grown for long learn mistakes by heart.
# ``SKLEARN_MODERN_QUICK=1`` takes fewer rows and trees, as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
import sklearn
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import QuantileTransformer

from sklearn_modern.ensemble import GradientBoostingClassifier
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N, TREES = (600, 60) if QUICK else (3000, 400)

X, y = make_classification(N, 20, n_informative=6, flip_y=0.1, random_state=0)
X = np.exp(X)  # skewed, as amounts of money are
X_rest, X_test, y_rest, y_test = train_test_split(X, y, random_state=0)
X_train, X_val, y_train, y_val = train_test_split(X_rest, y_rest, random_state=0)


def pipeline(**settings):
    model = GradientBoostingClassifier(
        n_estimators=TREES, learning_rate=0.1, n_iter_no_change=20, random_state=0, **settings
    )
    return Pipeline([("ranks", QuantileTransformer(n_quantiles=100)), ("model", model)])


# %%
# Three fits
# ----------
# All trees; rows that the model sets aside; rows of one's own. For the last, scikit-learn's
# metadata routing has to be on, the model says that it takes ``X_val`` and ``y_val``, and
# ``transform_input`` names what is to go through the steps before.

fits = {
    "all trees": pipeline(early_stopping=False).fit(X_rest, y_rest),
    "rows set aside by the model": pipeline(early_stopping=True).fit(X_rest, y_rest),
}
with sklearn.config_context(enable_metadata_routing=True):
    asking = pipeline(early_stopping=True).set_params(transform_input=["X_val"])
    asking["model"].set_fit_request(X_val=True, y_val=True)
    fits["rows of one's own"] = asking.fit(X_train, y_train, X_val=X_val, y_val=y_val)

losses = {}
for name, fitted in fits.items():
    losses[name] = log_loss(y_test, fitted.predict_proba(X_test))
    print(f"{name:>28}: {fitted['model'].n_estimators_:3} trees, log-loss {losses[name]:.3f}")
blind = log_loss(y_test, [np.bincount(y_rest) / len(y_rest)] * len(y_test))
print(f"{'shares of the classes':>28}:            log-loss {blind:.3f}")

# %%
# What the rows see
# -----------------
# The loss of new rows as trees are added. The model stops some way behind the lowest point, when 20
# trees have brought nothing, and goes back to it. A fit that has set rows aside learned from fewer
# of them, so that its point may lie above the curve.

figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
whole = fits["all trees"]
ranks = whole["ranks"].transform(X_test)
staged = [log_loss(y_test, p) for p in whole["model"].staged_predict_proba(ranks)]
axes.plot(np.arange(1, len(staged) + 1), staged, label="new rows, all trees")
for colour, (name, fitted) in zip(("tab:orange", "tab:green"), list(fits.items())[1:], strict=True):
    kept = fitted["model"].n_estimators_
    axes.plot(kept, losses[name], marker="o", linestyle="", color=colour, label=name)
axes.set(xlabel="trees", ylabel="log-loss", title="Where each fit stops")
axes.legend()
show_figures("early_stopping")
