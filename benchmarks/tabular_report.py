"""Tables, summary and plot of the study of tabular defaults."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["plot", "report"]

TITLES = {
    "log_loss": "Log-loss (lower is better)",
    "accuracy": "Accuracy",
    "auc": "Area under the ROC curve (mean over pairs of a class and the others)",
    "rmse": "Root mean squared error (lower is better)",
}
LOSSES = ("log_loss", "rmse")
N_BOOTSTRAP = 2000


def report(records, models, reference, peers):
    """Print everything as markdown."""
    tables = means(records, models)
    for metric, table in tables.items():
        print(f"\n### {TITLES[metric]}\n")
        print_table(table)
    print("\n### Summary\n")
    print_table(summary(records, tables, models))
    for metric in LOSSES:
        if metric not in tables:
            continue
        table = tables[metric]
        if reference in table:
            print(f"\n### {metric}: each model / {reference}\n")
            print_table(ratios(table, table[reference], [m for m in models if m != reference]))
        if others := [name for name in peers if name in table]:
            print(f"\n### {metric}: each model / the best of {', '.join(others)}\n")
            best = table[others].min(axis=1)
            print_table(ratios(table, best, [name for name in models if name not in others]))
    n_splits = len(records.groupby(["dataset", "split"]))
    print(f"\n{records['dataset'].nunique()} sets, {n_splits} splits.")


def means(records, models):
    """Make a table of each metric: the mean over splits, of sets (rows) and models (columns)."""
    by_set = records.groupby(["dataset", "model"])
    tables = {}
    for metric in TITLES:
        if metric in records:
            table = by_set[metric].mean().unstack().reindex(columns=models)
            tables[metric] = table.dropna(how="all").dropna(axis=1, how="all")
    return tables


def mean_ranks(table, metric):
    """Return the mean rank of each model over the sets on which all were fitted."""
    # Digits that a table does not show decide no rank
    shown = table.map(lambda value: float(f"{value:.4g}") if np.isfinite(value) else value)
    return shown.dropna().rank(axis=1, ascending=metric in LOSSES).mean()


def summary(records, tables, models):
    """Return mean ranks and seconds."""
    result = pd.DataFrame(columns=models)
    for metric, table in tables.items():
        result.loc[f"mean rank, {metric}"] = mean_ranks(table, metric)
    seconds = records.groupby(["dataset", "model"])["seconds"].mean().unstack()
    result.loc["seconds of a fit, sum over sets"] = seconds.sum()
    result.loc["seconds of a fit, geometric mean"] = np.exp(np.log(seconds).mean())
    return result


def ratios(table, reference, models):
    """Return the geometric mean of the ratios to a reference, its 95 % interval, and the worst.

    The interval is that of a bootstrap over sets: how much it depends on which sets these are.
    """
    rng = np.random.default_rng(0)
    result = pd.DataFrame(
        columns=["geometric mean", "from", "to", "sets won", "worst", "on"], dtype=object
    )
    for name in models:
        if name not in table:
            continue
        logs = np.log(table[name] / reference).dropna()
        drawn = logs.to_numpy()[rng.integers(len(logs), size=(N_BOOTSTRAP, len(logs)))]
        low, high = np.exp(np.quantile(drawn.mean(axis=1), [0.025, 0.975]))
        result.loc[name] = [
            *(np.exp(logs.mean()), low, high),
            *((logs < 0).mean(), np.exp(logs.max()), logs.idxmax()),
        ]
    return result


def plot(records, models, path):
    """Plot the mean rank of each model against the seconds of its fits, a panel for each task."""
    import matplotlib.pyplot as plt

    tables = {metric: table for metric, table in means(records, models).items() if metric in LOSSES}
    _, axes = plt.subplots(1, len(tables), figsize=(6.4 * len(tables), 4.8), squeeze=False)
    for ax, (metric, table) in zip(axes[0], tables.items(), strict=True):
        of_task = records[records["dataset"].isin(table.index)]
        seconds = of_task.groupby(["dataset", "model"])["seconds"].mean().unstack()[table.columns]
        centre, ranks = np.exp(np.log(seconds).mean()), mean_ranks(table, metric)
        for name in table:
            ax.plot(centre[name], ranks[name], marker="o", linestyle="")
            ax.annotate(name, (centre[name], ranks[name]), (5, 5), textcoords="offset points")
        ax.set(xscale="log", xlabel="seconds of a fit, geometric mean")
        ax.set(ylabel=f"mean rank by {metric}", title=f"Tables: {len(table)}")
        ax.invert_yaxis()
        ax.margins(x=0.2, y=0.1)
    axes[0, 0].figure.tight_layout()
    axes[0, 0].figure.savefig(path)


def print_table(table):
    """Print a table as markdown."""
    rows = [["", *table.columns]]
    rows += [
        [index, *(_cell(value) for value in row)]
        for index, row in zip(table.index, table.to_numpy(dtype=object), strict=True)
    ]
    rows.insert(1, ["---", *("---:" for _ in table.columns)])
    for row in rows:
        print("| " + " | ".join(row) + " |")


def _cell(value):
    if isinstance(value, str):
        return value
    if not np.isfinite(value):
        return ""
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:.0f}"
