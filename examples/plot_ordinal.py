"""
Levels in order: CORAL, CORN and others
=======================================

Grades, stages and ratings are classes with an order: a prediction that is one level off is better
than one that is three levels off. Cross-entropy knows nothing of that. Asking "is it beyond level
k?" for each k does, but if the questions are answered independently [1]_, the answers can
contradict each other: beyond level 5 more probably than beyond level 4. CORAL [2]_ and CORN [3]_
were made so that this cannot happen. Here they meet each other, and what one does without them:
always the median, a regression that is rounded, and a logistic regression that knows no order.
"""

# %%
# Ratings
# -------
# From one to seven, drawn, so that the best possible prediction is known. A score, to which eight
# columns add up and two more interact, passes thresholds that are not evenly spaced: most people
# give a three or a four, few a two. ``SKLEARN_MODERN_QUICK=1`` draws fewer ratings, as the checks
# of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression, RidgeCV

from sklearn_modern.metrics import mean_absolute_rank_error, rank_inconsistency_count
from sklearn_modern.neural_network import MLPRegressor
from sklearn_modern.ordinal import OrdinalMLPClassifier
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N_TABLES, N_TRAIN, EPOCHS = (1, 150, 10) if QUICK else (5, 300, "auto")
THRESHOLDS = np.array([-4.0, -3.0, 0.0, 3.5, 4.5, 7.0])


def draw(n_rows, rng):
    X = rng.normal(size=(n_rows, 10))
    score = X[:, :8] @ np.linspace(2, 0.2, 8) + 1.5 * X[:, 8] * X[:, 9]
    beyond = expit(score[:, np.newaxis] - THRESHOLDS)  # P(rating > k)
    rating = 1 + (rng.random((n_rows, 1)) < beyond).sum(axis=1)
    return X, rating, 1 + (beyond > 0.5).sum(axis=1)


# %%
# Errors in levels
# ----------------
# 300 ratings to learn from, 2,000 new ones, five times.


class Rounded(ClassifierMixin, BaseEstimator):
    """A regression of the numbers of the levels, rounded."""

    def __init__(self, regressor):
        self.regressor = regressor

    def fit(self, X, y):
        """Fit the regression."""
        self.classes_ = np.unique(y)
        self.regressor_ = clone(self.regressor).fit(X, y)
        return self

    def predict(self, X):
        """Round what it predicts."""
        rounded = np.rint(self.regressor_.predict(X)).astype(int)
        return np.clip(rounded, self.classes_[0], self.classes_[-1])


METHODS = ("cross_entropy", "niu", "coral", "corn", "cumulative_link")
models = {
    "logistic regression": LogisticRegression(max_iter=500),
    "linear, rounded": Rounded(RidgeCV()),
    "network, rounded": Rounded(MLPRegressor(max_iter=EPOCHS, random_state=0)),
} | {name: OrdinalMLPClassifier(method=name, max_iter=EPOCHS, random_state=0) for name in METHODS}

rng = np.random.default_rng(0)
rows = []
for _ in range(N_TABLES):
    X, y, _ = draw(N_TRAIN, rng)
    X_test, y_test, best = draw(2000, rng)
    predictions = {"always the median": np.full(2000, int(np.median(y)))}
    predictions |= {name: model.fit(X, y).predict(X_test) for name, model in models.items()}
    predictions["the truth itself"] = best
    for name, predicted in predictions.items():
        row = {"model": name, "error": mean_absolute_rank_error(y_test, predicted)}
        if name in METHODS:
            raw = models[name].predict_cumulative(X_test, repair=False)
            row["contradictions"] = rank_inconsistency_count(y_test, raw) / len(y_test)
        rows.append(row)
results = pd.DataFrame(rows).groupby("model", sort=False).agg(["mean", "std"])
print(results.round(3).to_string())

# %%
# The independent answers ("niu") contradict each other in some rows; those of the other methods
# never do, at no step of the training, because their scores are ordered by construction. Who knows
# the order errs less than who does not. Rounding is a good start if levels are about evenly spaced.

figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
means, spreads = results["error"]["mean"], results["error"]["std"].fillna(0)
axes.errorbar(means, range(len(means)), xerr=spreads, fmt="o", capsize=3)
axes.axvline(means["the truth itself"], color="grey", linestyle=":")
axes.set_yticks(range(len(means)), means.index)
axes.set_ylim(len(means) - 0.5, -0.5)
axes.set(xlabel="mean error in levels (bars: standard deviation over tables)")
show_figures("ordinal_errors")

# %%
# What a contradiction looks like
# -------------------------------
# ``predict_cumulative(X, repair=False)`` shows the answers as the network gives them. Everything
# else, such as ``predict_proba``, is made of the closest answers that do not contradict each other.

niu, coral = models["niu"], models["coral"]
raw = niu.predict_cumulative(X_test, repair=False)
worst = np.diff(raw).max(axis=1).argmax()

figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
levels = niu.class_order_[:-1]
axes.plot(levels, raw[worst], marker="o", label="niu, as it is")
axes.plot(levels, niu.predict_cumulative(X_test)[worst], marker=".", label="niu, repaired")
axes.plot(levels, coral.predict_cumulative(X_test)[worst], marker="s", label="coral")
axes.axhline(0.5, color="grey", linewidth=0.8)
axes.set(xlabel="level k", ylabel="P(y > k)", title="One new row")
axes.legend()
show_figures("ordinal_contradiction")

# %%
# References
# ----------
# .. [1] Niu, Zhou, Wang, Gao, Hua (2016). Ordinal regression with multiple output CNN for age
#    estimation. CVPR.
# .. [2] Cao, Mirjalili, Raschka (2020). Rank consistent ordinal regression for neural networks with
#    application to age estimation. Pattern Recognition Letters.
# .. [3] Shi, Cao, Raschka (2021). Deep neural networks for rank-consistent ordinal regression based
#    on conditional probabilities. arXiv:2111.08851.
