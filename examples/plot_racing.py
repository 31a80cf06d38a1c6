"""
Races: candidates that cannot win leave early
=============================================

A grid search fits every candidate on every split, although most candidates show early that they
will not win. With ``racing="exact"`` those leave that cannot win any more, so that the winner is
provably that of the whole search. With ``racing="anova"`` those leave that are significantly behind
[1]_: a heuristic, which works with any score. Here we see what both save, when the exact race saves
little, and whether the other one errs.
"""

# %%
# A grid of which most is hopeless
# --------------------------------
# Forty support vector machines on ten folds. Splits are taken in their order, and all candidates
# are fitted on the first three, ``burn_in``. ``SKLEARN_MODERN_QUICK=1`` takes fewer candidates and
# fewer shuffles, as the checks of this project do.

import os
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_modern.model_selection import GridSearchCV, RaceDisplay
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"

X, y = load_breast_cancer(return_X_y=True)
machine = make_pipeline(StandardScaler(), SVC())
grid = {
    "svc__C": np.geomspace(0.01, 1000, 4 if QUICK else 8),
    "svc__gamma": np.geomspace(1e-4, 1, 5),
}


def search_with(racing, X, y, shuffle):
    """Search on ten folds; return the search, and how many fits it took."""
    folds = StratifiedKFold(10, shuffle=True, random_state=shuffle)
    search = GridSearchCV(machine, grid, cv=folds, racing=racing).fit(X, y)
    results = search.cv_results_
    return search, int(results.get("n_splits_done", np.full(len(results["params"]), 10)).sum())


searches, rows = {}, []
for racing in (None, "exact", "anova"):
    start = perf_counter()
    search, n_fits = search_with(racing, X, y, 0)
    searches[racing] = search
    rows.append(
        {
            "racing": str(racing),
            "fits": n_fits,
            "seconds": perf_counter() - start,
            "winner": search.best_index_,
            "score": search.best_score_,
        }
    )
print(pd.DataFrame(rows).round(3).to_string(index=False))

# %%
# All three have the same winner. For "exact" this is no luck, as the next section explains.
#
# Watching a race
# ---------------
# Each line is the mean score of a candidate so far, and ends where the candidate left.

fig, axes = plt.subplots(1, 2, figsize=(10, 4.5), sharey=True, layout="constrained")
for ax, racing in zip(axes, ("exact", "anova"), strict=True):
    RaceDisplay.from_estimator(searches[racing], ax=ax)
    ax.set_title(f'racing="{racing}"')

# %%
# The exact race finishes the leader first. Then each other candidate is given the best score that
# there can be, here an accuracy of 1, on all splits it has not seen. If its mean would still be
# below that of the leader, it leaves. So this race needs a score with a known best value.
#
# When the exact race saves little
# --------------------------------
# The further scores are from the best possible one, the longer everybody *could* still win. Now a
# fifth of the labels are wrong, so that nobody gets far above 0.8. The exact race must wait. The
# other race compares candidates with each other, on the same splits, and need not.
#
# It may err, though. We repeat both on several shuffles of the folds, to see how often they find
# the winner of the whole search, and how much worse their own one is. Every other row is enough.

flipped = np.random.default_rng(0).random(len(y)) < 0.2
X, noisy = X[::2], np.where(flipped, 1 - y, y)[::2]
rows = []
for shuffle in range(2 if QUICK else 4):
    found = {one: search_with(one, X, noisy, shuffle) for one in (None, "exact", "anova")}
    whole, n_all = found[None]
    scores = whole.cv_results_["mean_test_score"]
    for racing in ("exact", "anova"):
        search, n_fits = found[racing]
        rows.append(
            {
                "racing": racing,
                "share of fits": n_fits / n_all,
                "same winner": search.best_index_ == whole.best_index_,
                "score lost": scores.max() - scores[search.best_index_],
            }
        )
print(pd.DataFrame(rows).groupby("racing", sort=False).mean().round(4).to_string())
show_figures("racing")

# %%
# Here the heuristic has found the winner, too, with half of the fits; nothing guarantees it. So
# take "exact" if scores are near the best possible one: it costs nothing, and the result is that of
# the whole search. Else take "anova", if a candidate that is nearly as good will do.
#
# References
# ----------
# .. [1] Kuhn (2014). Futility analysis in the cross-validation of machine learning models.
#    arXiv:1405.6974.
