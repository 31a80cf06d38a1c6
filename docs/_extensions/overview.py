"""Draw docs/_static/overview.svg, the picture of the README and of the first page.

Run as ``python docs/_extensions/overview.py``.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from sklearn.datasets import load_diabetes, load_wine, make_moons
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_modern.ensemble import GradientBoostingClassifier
from sklearn_modern.model_selection import NestedCV
from sklearn_modern.neural_network import MLPClassifier, MLPRegressor
from sklearn_modern.ordinal import OrdinalMLPClassifier

FILE = Path(__file__).parents[1] / "_static" / "overview.svg"
GREY = "#7d828a"  # readable on white and on black
STYLE = dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), GREY)
STYLE |= dict.fromkeys(("xtick.color", "ytick.color", "axes.titlecolor"), GREY)
STYLE |= {"svg.fonttype": "none", "svg.hashsalt": "overview", "font.family": "sans-serif"}
STYLE |= {"axes.spines.top": False, "axes.spines.right": False, "font.size": 9}


def classes(ax: Axes) -> None:
    """Two moons, and where a network sees which."""
    X, y = make_moons(150, noise=0.2, random_state=0)
    model = MLPClassifier((64, 64), max_iter=80, random_state=0).fit(X, y)
    across, up = np.meshgrid(np.linspace(-1.7, 2.7, 60), np.linspace(-1.2, 1.7, 60))
    seen = model.predict_proba(np.column_stack([across.ravel(), up.ravel()]))[:, 1]
    ax.contourf(across, up, seen.reshape(across.shape), 8, cmap="RdBu", vmin=0, vmax=1, alpha=0.7)
    ax.scatter(*X.T, c=y, cmap="RdBu", edgecolors="white", s=14, linewidths=0.5)
    ax.set(title="MLPClassifier", xticks=[], yticks=[])


def interval(ax: Axes) -> None:
    """Noise that grows, and quantiles that grow with it."""
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0, 6, 400))
    y = np.sin(x) + rng.normal(size=400) * (0.05 + 0.08 * x)
    model = MLPRegressor(loss="quantile", quantiles=(0.05, 0.5, 0.95), max_iter=80, random_state=0)
    low, middle, high = model.fit(x[:, None], y).predict_quantiles(x[:, None]).T
    ax.scatter(x, y, s=5, color=GREY, linewidths=0)
    ax.fill_between(x, low, high, color="tab:blue", alpha=0.3, linewidth=0)
    ax.plot(x, middle, color="tab:blue")
    ax.set(title='MLPRegressor(loss="quantile")', xlabel="x", ylabel="y, 90 % interval")


def levels(ax: Axes) -> None:
    """How the levels of a disease follow the body mass index."""
    X, y = load_diabetes(return_X_y=True)
    mass = X[:, [2]]
    model = OrdinalMLPClassifier((16,), max_iter=60, random_state=0)
    model.fit(mass, np.digitize(y, [90, 140, 200]))
    grid = np.linspace(mass.min(), mass.max(), 100)[:, None]
    colors = plt.get_cmap("viridis")(np.linspace(0.1, 0.9, 4))
    ax.stackplot(grid.ravel(), model.predict_proba(grid).T, colors=colors, alpha=0.8)
    ax.set(title="OrdinalMLPClassifier", xlabel="body mass index", ylabel="P(level), 4 levels")
    ax.set(xticks=[], xlim=(grid.min(), grid.max()), ylim=(0, 1))


def comparison(ax: Axes) -> None:
    """Scores of nested cross-validation, with their intervals."""
    X, y = load_wine(return_X_y=True)
    X = X[:, :4]
    models = {
        "dummy": DummyClassifier(),
        "linear": (make_pipeline(StandardScaler(), LogisticRegression()),
                   {"logisticregression__C": [0.1, 1.0, 10.0]}),
        "boosting": GradientBoostingClassifier(n_estimators=60, random_state=0),
        "network": MLPClassifier((32,), random_state=0),
    }  # fmt: skip
    summary = NestedCV(models, random_state=0).fit(X, y).summary(0.9).iloc[::-1]
    places = np.arange(len(summary))
    ax.hlines(places, summary["lower"], summary["upper"].clip(upper=1), color="tab:blue", lw=3)
    ax.plot(summary["mean"], places, "o", color="tab:blue", mec="white")
    ax.set_yticks(places, summary["model"])
    ax.set(title="NestedCV", xlabel="accuracy, 90 % interval")


def draw() -> None:
    """Draw the four panels."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 4, figsize=(12, 2.7), layout="constrained")
        for panel, ax in zip((classes, interval, levels, comparison), axes, strict=True):
            panel(ax)
        figure.savefig(FILE, transparent=True, metadata={"Date": None})


if __name__ == "__main__":
    draw()
