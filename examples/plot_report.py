"""
What does a new table hold?
===========================

Before a model is built with care, three questions want an answer. How well do plain models predict?
Which of them differ by more than chance? And do the data give the answer away? A report answers all
three in one call: baselines, tuned inside nested folds, with intervals and a search for leaks.
"""

# %%
# A table as tables are
# ---------------------
# The diabetes data of scikit-learn, with text in one column and gaps in another. One column was
# made by mistake: the dose of a drug, which doctors chose after they had seen how the disease went
# on. ``SKLEARN_MODERN_QUICK=1`` takes fewer models and folds, as the checks of this project do.

import os
import tempfile
import warnings
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

from sklearn_modern.report import tabular_baselines
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"

rng = np.random.default_rng(0)
table, progression = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
table["sex"] = table["sex"].map({1: "female", 2: "male"})
table.loc[rng.random(len(table)) < 0.15, "bmi"] = np.nan
dose = progression / 5 + rng.normal(size=len(table))
leaky = table.assign(dose=dose.round())
print(leaky.head(4).to_string(index=False))

# %%
# Too good to be true
# -------------------
# The column nearly is the target. The report says so before the first fit, as a warning, and again
# among its findings; it drops nothing, since only you can know when a column was recorded.

folds = {"outer_cv": 3, "inner_cv": 2} if QUICK else {}
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the finding is printed below
    first = tabular_baselines(leaky, progression, models="fast", verbose=0, **folds)
for leak in first.findings:
    print(fill(str(leak), 90))

# %%
# Without that column
# -------------------
# ``models="default"`` also has a random forest and a neural network. All models see the same
# splits, each is tuned on inner splits only, and none has to be told of the text or the gaps.

models = "fast" if QUICK else "default"
report = tabular_baselines(table, progression, models=models, verbose=0, **folds)
print(report)

# %%
# The best model is tested against each other one; p is adjusted for the number of tests. All beat
# the mean, which is the dummy. Among the rest these data see no difference, so that the simplest of
# them will do. As a picture: the line is the dummy, and what the leak promised is far to the left.

figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
for result, color, label in (
    (report, "tab:blue", "without the leak"),
    (first, "tab:orange", "with it"),
):
    scores = result.table().drop(index="dummy")
    axes.hlines(scores.index, scores["low"], scores["high"], color=color, linewidth=3)
    axes.scatter(scores["RMSE"], scores.index, s=70, color=color, label=label)
axes.axvline(report.table().loc["dummy", "RMSE"], color="gray", linestyle="--", label="dummy")
axes.set(xlabel="RMSE of rows held out, with 90 % intervals (0 is perfect)", xlim=(0, None))
axes.invert_yaxis()
axes.margins(y=0.2)
figure.legend(loc="outside upper center", ncols=3)
show_figures("report")

# %%
# A page to send on
# -----------------
# ``save`` writes the page, all numbers on it, the predictions of rows held out, and the best model,
# fitted to all rows.

with tempfile.TemporaryDirectory() as folder:
    page = report.save(folder)
    for path in sorted(page.parent.iterdir()):
        print(f"{path.name:<16} {path.stat().st_size / 1000:6.0f} kB")
