"""
Levels in order: CORAL, CORN and others
=======================================

Grades, stages and ratings are classes with an order: a prediction that is one level off is better
than one that is three levels off. Cross-entropy knows nothing of that. Asking "is it beyond level
k?" for each k does, but if the questions are answered independently [1]_, the answers can
contradict each other: beyond level 5 more probably than beyond level 4. CORAL [2]_ and CORN [3]_
were made so that this cannot happen, and shown on ages of faces. Here the same comparison is made
on the progression of diabetes, in ten levels.
"""

# %%
# Five methods, several splits
# ----------------------------
# The documentation is built with ``SKLEARN_MODERN_QUICK=1``, which takes fewer splits.

import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from sklearn_modern.metrics import (
    mean_absolute_rank_error,
    rank_inconsistency_count,
    root_mean_squared_rank_error,
)
from sklearn_modern.ordinal import OrdinalMLPClassifier

N_SPLITS = 3 if os.environ.get("SKLEARN_MODERN_QUICK") == "1" else 10
METHODS = ("cross_entropy", "niu", "coral", "corn", "cumulative_link")

X, progression = load_diabetes(return_X_y=True)
y = np.searchsorted(np.quantile(progression, np.linspace(0.1, 0.9, 9)), progression)

rows = []
for seed in range(N_SPLITS):
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.3, stratify=y, random_state=seed
    )
    for method in METHODS:
        clf = OrdinalMLPClassifier(method=method, random_state=seed).fit(X_train, y_train)
        predicted = clf.predict(X_test)
        raw = clf.predict_cumulative(X_test, repair=False)
        rows.append(
            {
                "method": method,
                "MAE": mean_absolute_rank_error(y_test, predicted),
                "RMSE": root_mean_squared_rank_error(y_test, predicted),
                "inconsistencies": rank_inconsistency_count(y_test, raw),
            }
        )
results = pd.DataFrame(rows).groupby("method", sort=False).agg(["mean", "std"])
print(results.round(3).to_string())

# %%
# The independent answers ("niu") contradict each other in some rows; the others never do, at no
# step of the training, because their scores are ordered by construction. Errors differ less, and
# vary from split to split: compare methods on your data, by nested cross-validation.

figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
means, spreads = results["MAE"]["mean"], results["MAE"]["std"]
axes.errorbar(means, range(len(means)), xerr=spreads, fmt="o", capsize=3)
axes.set_yticks(range(len(means)), means.index)
axes.invert_yaxis()
axes.set(xlabel=f"mean absolute error in levels, {N_SPLITS} splits (bars: standard deviation)")
plt.show()

# %%
# What a contradiction looks like
# -------------------------------
# ``predict_cumulative(X, repair=False)`` shows the answers as the network gives them. Everything
# else, such as ``predict_proba``, is made of the closest answers that do not contradict each other.

niu = OrdinalMLPClassifier(method="niu", random_state=0).fit(X_train, y_train)
coral = OrdinalMLPClassifier(method="coral", random_state=0).fit(X_train, y_train)
raw = niu.predict_cumulative(X_test, repair=False)
worst = np.diff(raw).max(axis=1).argmax()

figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
levels = niu.class_order_[:-1]
axes.plot(levels, raw[worst], marker="o", label="niu, as it is")
axes.plot(levels, niu.predict_cumulative(X_test)[worst], marker=".", label="niu, repaired")
axes.plot(levels, coral.predict_cumulative(X_test)[worst], marker="s", label="coral")
axes.axhline(0.5, color="grey", linewidth=0.8)
axes.set(xlabel="level k", ylabel="P(y > k)", title="One test row")
axes.legend()
plt.show()

# %%
# References
# ----------
# .. [1] Niu, Zhou, Wang, Gao, Hua (2016). Ordinal regression with multiple output CNN for age
#    estimation. CVPR.
# .. [2] Cao, Mirjalili, Raschka (2020). Rank consistent ordinal regression for neural networks with
#    application to age estimation. Pattern Recognition Letters.
# .. [3] Shi, Cao, Raschka (2021). Deep neural networks for rank-consistent ordinal regression based
#    on conditional probabilities. arXiv:2111.08851.
