"""
Selecting features before cross-validation: how to find what is not there
=========================================================================

With thousands of genes and a few dozen patients, some genes go with the disease by chance. Who
selects these on all patients, and cross-validates the classifier afterwards, tests it on patients
that have already had a say. Ambroise and McLachlan [1]_ found that several published results were
of this kind, and that this way finds error rates near zero even for labels that mean nothing. Here
we repeat that on random numbers, and then do it right: selection is a step of the model, inside of
cross-validation.
"""

# %%
# Labels that mean nothing
# ------------------------
# Fifty patients, 2,000 genes, and labels like the throws of a coin: no model can be better than 0.5
# in the long run. ``outside`` selects ten genes on all rows, and then cross-validates. ``inside``
# cross-validates a Pipeline that selects, so that each fold selects on its training rows.
# ``SKLEARN_MODERN_QUICK=1`` draws fewer tables, as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_modern.model_selection import (
    GridSearchCV,
    NestedCV,
    OptimismDisplay,
    ParameterStabilityDisplay,
)
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N_ROWS, N_GENES = 50, 2000

classifier = LinearDiscriminantAnalysis()
rng = np.random.default_rng(0)
outside, inside = [], []
for table in range(5 if QUICK else 30):
    X, y = rng.normal(size=(N_ROWS, N_GENES)), rng.permutation(N_ROWS) % 2
    folds = StratifiedKFold(10, shuffle=True, random_state=table)
    selected = SelectKBest(k=10).fit_transform(X, y)
    outside.append(cross_val_score(classifier, selected, y, cv=folds).mean())
    pipeline = make_pipeline(SelectKBest(k=10), classifier)
    inside.append(cross_val_score(pipeline, X, y, cv=folds).mean())
print(f"selected outside {np.mean(outside):.2f}, inside {np.mean(inside):.2f}")

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.axhline(0.5, color="0.6", linewidth=1)
for one, other in zip(outside, inside, strict=True):
    ax.plot([0, 1], [one, other], "o-", color="C0", alpha=0.5)
ax.set_xticks([0, 1], ["selected on all rows", "selected in each fold"])
ax.set(ylabel="accuracy, on labels that mean nothing", xlim=(-0.3, 1.3))
show_figures("selection_bias_1")

# %%
# The same data, the same classifier, the same folds. The score on the left is an artefact.
#
# The number of features is chosen, too
# -------------------------------------
# A second bias remains when the number of genes is tuned. The search selects in each fold, as it
# should, but reports the best of its scores. That is too good, as it is the maximum of noisy
# numbers. ``NestedCV`` scores selection, tuning and fit together, on rows that had no part in them.

grid = {"selectkbest__k": [1, 3, 10, 30, 100, 300]}
searches, nested = [], []
for table in range(4 if QUICK else 10):
    X, y = rng.normal(size=(N_ROWS, N_GENES)), rng.permutation(N_ROWS) % 2
    searches.append(GridSearchCV(pipeline, grid).fit(X, y).best_score_)
    nested.append(NestedCV((pipeline, grid), random_state=table).fit(X, y).summary()["mean"][0])
print(f"best score of the search {np.mean(searches):.2f}, nested {np.mean(nested):.2f}")

# %%
# Data in which there is something
# --------------------------------
# In a last table, six genes are really shifted in the ill. The right way is the same: selection is
# a step of the Pipeline, its number of features is in the grid, and all of it goes into NestedCV.

y = np.arange(80) % 2
X = rng.normal(size=(80, N_GENES))
X[:, :6] += 0.8 * y[:, np.newaxis]
nested = NestedCV(
    {"select, then LDA": (pipeline, grid)}, repeats=2 if QUICK else 10, random_state=0
)
nested.fit(X, y)
print(nested.summary().round(3).to_string(index=False))

selected = SelectKBest(k=10).fit_transform(X, y)
naive = cross_val_score(
    classifier, selected, y, cv=StratifiedKFold(5, shuffle=True, random_state=0)
)
print(f"selected on all rows, it would have been {naive.mean():.2f}")

display = OptimismDisplay.from_estimator(nested)

# %%
# How many genes the outer folds chose differs a lot. The scores include that.

display = ParameterStabilityDisplay.from_estimator(nested)

# %%
# What gets deployed is the search, run once more on all rows. Now it may see all of them: its score
# is not reported, the nested one is.

search = nested.final_estimator()
chosen = search.best_estimator_[0].get_support(indices=True)
print(f"genes: {len(chosen)}, of the six that are shifted: {np.count_nonzero(chosen < 6)}")
show_figures("selection_bias_2")

# %%
# References
# ----------
# .. [1] Ambroise, McLachlan (2002). Selection bias in gene extraction on the basis of microarray
#    gene-expression data. PNAS 99, 6562-6566.
