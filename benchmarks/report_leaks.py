"""Planted leaks: how many of six kinds are found, and how often clean tables raise an alarm."""

from __future__ import annotations

import numpy as np
import pandas as pd
from command_line import command_line, few
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
    make_friedman1,
    make_friedman2,
    make_hastie_10_2,
    make_moons,
    make_regression,
)
from sklearn.model_selection import KFold, StratifiedKFold

from sklearn_modern.model_selection import find_leaks

N_ROWS = 400


def clean_sets():
    """Yield twenty tables without a leak: names, X and y."""
    for load in (load_iris, load_wine, load_breast_cancer, load_diabetes, load_digits):
        yield load.__name__, *load(return_X_y=True, as_frame=True)
    for seed in range(3):
        for n_classes in (2, 4):
            X, y = make_classification(
                N_ROWS, 10, n_informative=5, n_classes=n_classes, random_state=seed
            )
            yield f"classification, {n_classes} classes", mixed(X, seed), y
        X, y = make_regression(N_ROWS, 10, n_informative=6, noise=30, random_state=seed)
        yield "regression", mixed(X, seed), y
    yield "friedman1", *make_friedman1(N_ROWS, noise=1, random_state=0)
    yield "friedman2", *make_friedman2(N_ROWS, noise=50, random_state=0)
    yield "hastie", *make_hastie_10_2(N_ROWS, random_state=0)
    yield "moons", *make_moons(N_ROWS, noise=0.2, random_state=0)
    rng = np.random.default_rng(0)
    walk = rng.normal(size=N_ROWS).cumsum()
    yield "random walk", pd.DataFrame(rng.normal(size=(N_ROWS, 5))), walk
    ratings = rng.integers(1, 6, size=(N_ROWS, 4))
    yield "ratings", pd.DataFrame(ratings), ratings.sum(axis=1) + rng.normal(size=N_ROWS)


def mixed(X, seed):
    """Make two columns of text, and leave gaps in a third."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    table["x0"] = pd.cut(table["x0"], 6, labels=list("abcdef")).astype(str)
    table["x1"] = rng.choice(["north", "south", "east", "west"], len(table))
    table.loc[rng.random(len(table)) < 0.1, "x2"] = np.nan
    return table


def planted(kind, seed):
    """Return a table with a leak, its target, its splits, and its groups."""
    rng = np.random.default_rng(seed)
    numbers = seed % 2 == 1
    if numbers:
        X, y = make_regression(N_ROWS, 8, n_informative=5, noise=30, random_state=seed)
    else:
        X, y = make_classification(N_ROWS, 8, n_informative=4, random_state=seed)
    table, groups = mixed(X, seed), None
    if kind == "predicts y":
        noise = rng.normal(size=N_ROWS) * 0.01 * y.std()
        table["leak"] = y + noise if numbers else np.where(rng.random(N_ROWS) < 0.01, 1 - y, y)
    elif kind == "shifted y":
        table["leak"] = np.roll(y, 1 if seed % 4 < 2 else -1)
    elif kind == "mean of y":
        of = rng.integers(0, 80, N_ROWS)
        table["leak"] = pd.Series(y).groupby(of).transform("mean")
    elif kind == "equal rows":
        twice = rng.choice(N_ROWS, N_ROWS // 10, replace=False)
        rows = np.concatenate([np.arange(N_ROWS), twice])
        table, y = table.iloc[rows].reset_index(drop=True), y[rows]
    elif kind == "torn groups":
        groups = rng.integers(0, 50, N_ROWS)
    elif kind == "identifier":
        table["leak"] = rng.permutation(N_ROWS) + 1000
    splitter = KFold if numbers else StratifiedKFold
    splits = list(splitter(5, shuffle=True, random_state=0).split(table, y))
    return table, y, splits, groups


def main():
    command_line(__doc__).parse_args()
    seeds = few(range(4))
    kinds = ("predicts y", "shifted y", "mean of y", "equal rows", "torn groups", "identifier")
    print("| planted | found in |\n| --- | --- |")
    for kind in kinds:
        hits = 0
        for seed in seeds:
            table, y, splits, groups = planted(kind, seed)
            leaks = find_leaks(table, y, cv=splits, groups=groups)
            hits += kind in [leak.kind for leak in leaks]
        print(f"| {kind} | {hits} of {len(seeds)} |")
    alarms, n_sets = [], 0
    for name, X, y in clean_sets():
        n_sets += 1
        leaks = [leak for leak in find_leaks(X, y, cv=5) if leak.kind != "constant"]
        alarms += [f"{name}: {leak}" for leak in leaks]
    print(f"\nAlarms in {n_sets} clean tables: {len(alarms)}")
    print("\n".join(alarms))


if __name__ == "__main__":
    main()
