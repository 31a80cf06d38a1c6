"""
Outliers by likelihood
======================

Which rows are unlike the others? Anything that says how likely rows are can tell.
"""

# %%
# In the plane
# ------------
# Two moons, among which rows were strewn at random. Four estimators are fitted to all of them, and
# the least likely tenth is taken for outliers. ``SKLEARN_MODERN_QUICK=1`` takes less, as the checks
# of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, make_moons
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture

from sklearn_modern.decomposition import Autoencoder
from sklearn_modern.density import NormalizingFlow
from sklearn_modern.outlier_detection import ScoreOutlierDetector
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
BRIEF = {"max_iter": 2} if QUICK else {}

rng = np.random.default_rng(0)
moons, _ = make_moons(500, noise=0.06, random_state=0)
strewn = rng.uniform([-1.6, -1.1], [2.6, 1.6], size=(50, 2))
X = np.vstack([moons, strewn])
is_strewn = np.arange(len(X)) >= len(moons)

SEEDED = {"device": "cpu", "random_state": 0}
models = {
    "PCA": PCA(1),
    "Gaussian mixture": GaussianMixture(2, random_state=0),
    "autoencoder": Autoencoder(trim=0.1, **SEEDED, **BRIEF),
    "flows": NormalizingFlow(**SEEDED, **BRIEF),
}
first, second = np.meshgrid(np.linspace(-1.6, 2.6, 120), np.linspace(-1.1, 1.6, 120))
grid = np.column_stack([first.ravel(), second.ravel()])
figure, panels = plt.subplots(
    2, 2, figsize=(8, 5.2), layout="constrained", sharex=True, sharey=True
)
for axes, (name, model) in zip(panels.flat, models.items(), strict=True):
    detector = ScoreOutlierDetector(model).fit(X)
    outside = detector.predict(X) == -1
    inside = detector.decision_function(grid).reshape(first.shape) >= 0
    axes.contourf(first, second, inside, levels=[0.5, 1], colors=["#cfe2f3"])
    axes.plot(*X[~outside].T, ".", color="0.4", markersize=3)
    axes.plot(*X[outside].T, "x", color="C3", markersize=4)
    area = roc_auc_score(is_strewn, -detector.decision_function(X))
    axes.set_title(f"{name}, area under the ROC curve {area:.2f}", fontsize=9)

# %%
# PCA sees one ellipse, the mixture two. The autoencoder draws one curve through both moons, and
# takes the ends that it leaves out for outliers. Flows follow the moons.
#
# Strange digits
# --------------
# The default is an autoencoder that leaves out of its loss what it makes again worst. Of real data
# nobody knows how many outliers there are; ``contamination="auto"`` takes those beyond Tukey's far
# fence. Here are the least likely images of digits, and the likeliest.

images = load_digits().data
detector = ScoreOutlierDetector(contamination="auto", random_state=0).fit(images)
score = detector.decision_function(images)
print(f"{(score < 0).sum()} of {len(images)} images are outliers")
order = np.argsort(score)
figure, panels = plt.subplots(2, 10, figsize=(8, 2), layout="constrained")
for row, chosen in enumerate((order[:10], order[::-1][:10])):
    for axes, image in zip(panels[row], images[chosen], strict=True):
        axes.imshow(image.reshape(8, 8), cmap="gray_r")
        axes.set(xticks=[], yticks=[])
    panels[row, 0].set_ylabel(("least", "most")[row] + " likely", fontsize=8)
show_figures("outliers")
