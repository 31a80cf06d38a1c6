"""The report of a table beside a loop of scikit-learn's searches over the same models and grids.

Ours and the loop run in turn in this process. In the loop, what has a grid is a
``GridSearchCV`` inside ``cross_validate``, and what has none is scored by ``cross_validate``::

    OMP_NUM_THREADS=1 python benchmarks/report_speed.py
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import warnings
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np
import pandas as pd
from ratio import Ratio, compare
from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, cross_validate

from sklearn_modern.report import tabular_baselines
from sklearn_modern.report._catalogue import Context, models_for

SIZES = [(1500, 10), (5000, 20)]
LARGE = (20_000, 30)
IMPORT = """
from time import perf_counter
start = perf_counter()
import {module}
print(perf_counter() - start)
"""


def make_table(n_rows, n_columns, numbers):
    """Make numbers with gaps and two columns of text."""
    make = make_regression if numbers else make_classification
    more = {"noise": 20.0} if numbers else {"flip_y": 0.1}
    X, y = make(n_rows, n_columns, n_informative=6, random_state=0, **more)
    rng = np.random.default_rng(0)
    table = pd.DataFrame(X, columns=[f"x{i}" for i in range(n_columns)])
    table["x0"] = pd.cut(table["x0"], 5, labels=list("abcde")).astype(str)
    table["x3"] = pd.cut(table["x3"], 3, labels=["low", "middle", "high"]).astype(str)
    table.loc[rng.random(n_rows) < 0.1, "x1"] = np.nan
    table.loc[rng.random(n_rows) < 0.1, "x0"] = None
    return table, y


def loop(X, y, numbers, n_jobs, clock):
    """Return the seconds of nested cross-validations, by model."""
    kind, splitter = ("regression", KFold) if numbers else ("classification", StratifiedKFold)
    scoring = "neg_root_mean_squared_error" if numbers else "neg_log_loss"
    outer = splitter(5, shuffle=True, random_state=0)
    inner = splitter(3, shuffle=True, random_state=0)
    seconds = {}
    for name, model in models_for("default", Context(kind, X, "cpu", n_jobs, 0)).items():
        start = clock()
        if isinstance(model, tuple):
            model = GridSearchCV(*model, scoring=scoring, cv=inner)
        cross_validate(model, X, y, cv=outer, scoring=scoring, n_jobs=n_jobs)
        seconds[name] = clock() - start
    return seconds


def beside_a_loop(n_rows, n_columns, numbers, n_jobs, clock):
    # Once before, so that ours, which come first, do not pay for imports and processes.
    tabular_baselines(*make_table(100, 8, numbers), device="cpu", n_jobs=n_jobs, verbose=0)
    X, y = make_table(n_rows, n_columns, numbers)
    start = clock()
    tabular_baselines(X, y, device="cpu", n_jobs=n_jobs, verbose=0)
    ours = clock() - start
    parts = loop(X, y, numbers, n_jobs, clock)
    theirs = sum(parts.values())
    what = "regression" if numbers else "classification"
    print(
        f"{n_rows} x {n_columns}, {what}, n_jobs={n_jobs}: {ours:.1f} s; a loop {theirs:.1f} s, "
        f"{theirs / ours:.2f} times as long; bar 2\n  the loop by model: "
        + ", ".join(f"{name} {seconds:.2f}" for name, seconds in parts.items())
    )


def page(n_rows, n_columns):
    X, y = make_table(n_rows, n_columns, numbers=False)
    report = tabular_baselines(X, y, models="fast", device="cpu", verbose=0)
    with TemporaryDirectory() as folder:
        start = perf_counter()
        path = report.save(f"{folder}/report")
        print(
            f"page of models='fast', with a model for all rows: {perf_counter() - start:.1f} s, "
            f"{path.stat().st_size / 2**20:.2f} MB; bars 10 s, 3 MB"
        )


def within_a_budget(n_jobs):
    X, y = make_table(*LARGE, numbers=False)
    start = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = tabular_baselines(X, y, time_budget=1, device="cpu", n_jobs=n_jobs, verbose=0)
    seconds = perf_counter() - start
    print(f"time_budget=1 on {LARGE[0]} x {LARGE[1]}: {seconds:.1f} s; bar 72\n{report}")


def import_seconds(module):
    code = IMPORT.format(module=module)
    return float(subprocess.check_output([sys.executable, "-c", code], text=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("import", "loop", "budget"))
    parser.add_argument("--quick", action="store_true", help="a small table, to see that it runs")
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument(
        "--cpu", action="store_true", help="CPU seconds, on a machine with other work; one process"
    )
    arguments = parser.parse_args()
    # What a report warns of, such as models without time, is printed with it.
    warnings.filterwarnings("ignore", category=UserWarning)
    if arguments.only in (None, "import"):
        repeats = 3 if arguments.quick else 21
        modules = "sklearn_modern.report", "sklearn"
        ratio: Ratio = compare(*modules, repeats=repeats, seconds=import_seconds)
        print(f"import of sklearn_modern.report / of sklearn: {ratio}; bar 1.2")
    if arguments.only in (None, "loop"):
        for n_rows, n_columns in [(200, 8)] if arguments.quick else SIZES:
            for numbers in (False, True):
                n_jobs = 1 if arguments.cpu else arguments.n_jobs
                clock = process_time if arguments.cpu else perf_counter
                beside_a_loop(n_rows, n_columns, numbers, n_jobs, clock)
            page(n_rows, n_columns)
    if arguments.only == "budget" or not (arguments.only or arguments.quick):
        within_a_budget(arguments.n_jobs)


if __name__ == "__main__":
    main()
