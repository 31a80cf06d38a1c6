"""
On a cluster: searches and boosting with Dask
=============================================

Nested cross-validation fits many models to data that one machine can hold: its fits go to the
workers of a cluster. Boosting on data that one machine cannot hold goes the other way: the rows
stay where they are, and the workers grow each tree together. Both need the extra
``sklearn-modern[dask]``.
"""

# %%
# A cluster
# ---------
# Two workers on this machine, which are threads here. With ``processes=True`` they are processes,
# and a script then needs ``if __name__ == "__main__":``. A client of a cluster elsewhere is
# ``Client("scheduler:8786")``; nothing else below changes.

import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
from distributed import Client, LocalCluster
from joblib import parallel_config
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_modern.ensemble import GradientBoostingClassifier
from sklearn_modern.model_selection import NestedCV
from sklearn_modern.utils.figures import show_figures

cluster = LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0")
client = Client(cluster)

# %%
# Nested cross-validation
# -----------------------
# ``parallel_config`` is all that a search needs. The workers get the data once, take fits from one
# queue, and the result is the same to the bit as without them.

X, y = load_breast_cancer(return_X_y=True)
logistic = make_pipeline(StandardScaler(), LogisticRegression())
models = {
    "logistic": (logistic, {"logisticregression__C": [0.01, 0.1, 1.0]}),
    "boosting": (GradientBoostingClassifier(n_estimators=30), {"max_leaf_nodes": [4, 8, 31]}),
}
settings = {"outer_cv": 3, "inner_cv": 3, "random_state": 0}
with parallel_config(backend="dask"):
    nested = NestedCV(models, **settings).fit(X, y)
for model, mean, low, high in nested.summary()[["model", "mean", "lower", "upper"]].to_numpy():
    print(f"{model:9s} {mean:.3f} ({low:.3f} to {high:.3f})")

# %%
# Rows that stay on the workers
# -----------------------------
# Each block of this Array is drawn by the worker that holds it, as it would be read from a file
# elsewhere. ``persist`` keeps the blocks there, as a fit looks at them more than once.


def draw(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(5_000, 10)).astype(np.float32)
    score = X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(size=len(X))
    return np.column_stack([X, score > 0]).astype(np.float32)


blocks = da.map_blocks(
    lambda seed: draw(int(seed[0])), da.arange(4, chunks=1), chunks=(5_000, 11), new_axis=1
)
rows = client.persist(blocks)
X_far, y_far = rows[:, :10], rows[:, 10].astype(int)
clf = GradientBoostingClassifier(n_estimators=50, random_state=0).fit(X_far, y_far)

# %%
# What is fitted is an ordinary estimator: it pickles, and predicts arrays without any cluster. Of a
# collection it predicts a lazy Array, which no row has to leave its worker for.

lazy = clf.predict(X_far)
print(lazy)
print(f"accuracy on the workers' rows: {float((lazy == y_far).mean().compute()):.3f}")
client.close()
cluster.close()

fresh = draw(100)
print(f"accuracy on a plain array: {clf.score(fresh[:, :10], fresh[:, 10].astype(int)):.3f}")

fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.bar(np.arange(10), clf.feature_importances_)
ax.set(xlabel="feature", ylabel="importance", title="Boosting on rows of two workers")
show_figures("dask")
