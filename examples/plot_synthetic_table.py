"""
A synthetic table, and what a model trained on it is worth
==========================================================

May a table be handed on whose rows nobody ever was? Is it as good to learn from?
"""

# %%
# The table
# ---------
# People who were offered an account. Some numbers are zero for many, some cells are missing, and
# whether somebody accepts depends on several columns at once. ``SKLEARN_MODERN_QUICK=1`` takes
# less, as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from sklearn_modern.generation import GAN, FlowMatching
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N_ROWS, EPOCHS = (300, 2) if QUICK else (4000, 100)


def people(n_rows, seed):
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, n_rows)
    job = rng.choice(["clerk", "cook", "teacher"], n_rows, p=[0.5, 0.3, 0.2])
    job = np.where(age > 65, "retired", job)
    pay = {"clerk": 2.0, "cook": 1.6, "teacher": 3.0, "retired": 1.2}
    income = rng.lognormal(np.log([pay[one] for one in job]), 0.3).round(2)
    savings = np.maximum(0.0, rng.normal(0.15 * age * income - 8.0, 6.0)).round(1)
    score = 0.5 * income - 0.04 * np.abs(age - 45) + 0.05 * savings + 0.8 * (job == "cook") - 1.0
    accepts = rng.uniform(size=n_rows) < 1 / (1 + np.exp(-score))
    table = pd.DataFrame({"age": age, "job": job, "income": income, "savings": savings})
    table.loc[rng.uniform(size=n_rows) < 0.1, "income"] = np.nan
    return table, np.where(accepts, "yes", "no")


X, y = people(N_ROWS, 0)
X_test, y_test = people(N_ROWS, 1)
flow = FlowMatching(conditional=True, max_iter=EPOCHS, device="cpu", random_state=0).fit(X, y)
X_made, y_made = flow.sample(N_ROWS, random_state=0)
print(X_made.head())

# %%
# Columns, side by side
# ---------------------
# Zeros, gaps and levels come as often as in the table, and no number leaves its range.

figure, panels = plt.subplots(1, 3, figsize=(10, 2.8), layout="constrained")
for axes, name in zip(panels[:2], ("savings", "income"), strict=True):
    edges = np.histogram_bin_edges(X[name].dropna(), 40)
    axes.hist([X[name], X_made[name]], edges, label=["real", "made"])
    axes.set_xlabel(name)
panels[0].legend()
shares = pd.DataFrame({"real": X["job"], "made": X_made["job"]}).apply(pd.Series.value_counts)
shares.plot.bar(ax=panels[2], legend=False, rot=0)

# %%
# Columns together
# ----------------
# What depends on what is kept, too, if not to the year: it is the old who are retired, but where
# that begins is blurred.

figure, panels = plt.subplots(1, 2, figsize=(8, 3), layout="constrained", sharex=True, sharey=True)
for axes, (name, table) in zip(panels, {"real": X, "made": X_made}.items(), strict=True):
    for job, rows in table.groupby("job"):
        axes.plot(rows["age"], rows["savings"], ".", markersize=2, label=job)
    axes.set(title=name, xlabel="age")
panels[0].set_ylabel("savings")
panels[1].legend(markerscale=4)

# %%
# What a model trained on it is worth
# -----------------------------------
# Boosting learns from the real rows, from made ones, and from those of a GAN; all are scored on
# other real rows.

gan = GAN(conditional=True, max_iter=EPOCHS, device="cpu", random_state=0).fit(X, y)
tables = {
    "real": (X, y),
    "flow matching": (X_made, y_made),
    "GAN": gan.sample(N_ROWS, random_state=0),
}
worth = {}
for name, (rows, labels) in tables.items():
    rows = rows.astype({"job": "category"})
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=50)
    chances = model.fit(rows, labels).predict_proba(X_test.astype({"job": "category"}))[:, 1]
    worth[name] = roc_auc_score(y_test == "yes", chances)
    print(f"trained on {name} rows: AUC {worth[name]:.3f} on other real ones")

figure, axes = plt.subplots(figsize=(6, 2), layout="constrained")
axes.barh(list(worth)[::-1], list(worth.values())[::-1])
axes.set(xlim=(0.5, 1.0), xlabel="AUC on other real rows, by what boosting was trained on")
show_figures("synthetic_table")
