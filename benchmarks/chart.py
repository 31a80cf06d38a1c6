"""Draw docs/_static/benchmarks.svg from the tables of docs/benchmarks.md.

Run as ``python benchmarks/chart.py`` whenever a figure has changed; a test compares the two. With
``--quick`` it is drawn, and thrown away.
"""

import re
from io import BytesIO
from pathlib import Path

from command_line import command_line, is_quick

DOCS = Path(__file__).parents[1] / "docs"
PICTURE = DOCS / "_static" / "benchmarks.svg"
GREY = "#7d828a"  # readable on white and on black

# What a bar says, and how the line of the page begins whose first ratio it shows.
BARS = {
    "forward selection, linear regression": "| `LinearRegression` | 500 x 1000 |",
    "forward selection, discriminant analysis": "| `LinearDiscriminantAnalysis` |",
    "forward selection, naive Bayes": "| `GaussianNB` |",
    "forward selection, logistic regression": "| `LogisticRegression` | 2000 x 40 | forward to 10",
    "floating selection, beside mlxtend": "| `LogisticRegression`, mlxtend's |",
    "search over 20 networks of 32 units": "| (32,) |",
    "grid search behind feature selection": "| `SequentialFeatureSelector`, forward to 10",
    "grid search over a Pipeline": "| impute and scale 80 numbers",
    "grid search over networks, beside skorch": "| scikit-learn's `GridSearchCV` over skorch",
    "nested cross-validation of boosting": "| the same grid, nested 5 x 5",
    "a network, beside skorch": "| fit: stock skorch / ours | 3",
    "a network, beside scikit-learn": "| fit: scikit-learn's `MLPClassifier` / ours",
    "a network, beside a bare PyTorch loop": "| fit: a bare PyTorch loop on tensors, with fused",
    "boosting, beside XGBoost itself": "| fit: native / ours |",
}


def ratios() -> dict[str, float]:
    """Read the figures off the page."""
    lines = (DOCS / "benchmarks.md").read_text().splitlines()
    found = {}
    for name, start in BARS.items():
        (line,) = (line for line in lines if line.startswith(start))
        cells = line.strip("| ").split(" | ")[1:]
        found[name] = float(next(m[0] for c in cells if (m := re.match(r"[\d.]+(?= \(|$)", c))))
    return found


def draw(file) -> None:
    """Draw a bar for each."""
    import matplotlib.pyplot as plt

    style = {"svg.fonttype": "none", "svg.hashsalt": "benchmarks", "font.size": 9}
    style |= dict.fromkeys(("text.color", "xtick.color", "ytick.color", "axes.labelcolor"), GREY)
    with plt.rc_context(style):
        figure, ax = plt.subplots(figsize=(8, 3.8), layout="constrained")
        values = ratios()
        # Bars begin at 1, where nothing is gained; a ratio below it points to the left.
        widths = [value - 1 for value in values.values()]
        ax.barh(list(values), widths, left=1, color="tab:blue", height=0.7)
        for name, value in values.items():
            ax.text(1.05 * max(value, 1), name, f"{value:g}", va="center")
        ax.set(xscale="log", xlim=(0.9, 2000), xlabel="others' seconds / ours, log scale")
        ax.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1000"])
        ax.xaxis.set_minor_locator(plt.NullLocator())
        ax.axvline(1, color=GREY, linewidth=0.8)
        ax.invert_yaxis()
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})


if __name__ == "__main__":
    command_line(__doc__).parse_args()
    draw(BytesIO() if is_quick() else PICTURE)
