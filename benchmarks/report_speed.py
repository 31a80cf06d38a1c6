"""The report of a table beside a loop of scikit-learn's searches over the same models and grids.

Ours and the loop run in turn in this process. In the loop, what has a grid is a ``GridSearchCV``
inside ``cross_validate``. What has none stands there twice: by itself, and as a ``GridSearchCV``
over an empty grid::

    OMP_NUM_THREADS=1 python benchmarks/report_speed.py
"""

from __future__ import annotations

import warnings
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np
import pandas as pd
from command_line import command_line, few, is_quick, small
from import_time import import_seconds
from ratio import compare
from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, cross_validate

from sklearn_modern.report import tabular_baselines
from sklearn_modern.report._catalogue import Context, models_for

SIZES, QUICK = [(1500, 10), (5000, 20)], [(100, 8)]
LARGE = (20_000, 30)


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


def models():
    return "fast" if is_quick() else "default"


def loop(X, y, numbers, n_jobs, clock):
    """Return the seconds of nested cross-validations by model, and those over an empty grid."""
    kind, splitter = ("regression", KFold) if numbers else ("classification", StratifiedKFold)
    scoring = "neg_root_mean_squared_error" if numbers else "neg_log_loss"
    outer = splitter(5, shuffle=True, random_state=0)
    inner = splitter(3, shuffle=True, random_state=0)

    def seconds(model):
        start = clock()
        cross_validate(model, X, y, cv=outer, scoring=scoring, n_jobs=n_jobs)
        return clock() - start

    apart, over_nothing = {}, {}
    for name, model in models_for(models(), Context(kind, X, "cpu", n_jobs, 0)).items():
        if isinstance(model, tuple):
            apart[name] = seconds(GridSearchCV(*model, scoring=scoring, cv=inner))
        else:
            apart[name] = seconds(model)
            over_nothing[name] = seconds(GridSearchCV(model, {}, scoring=scoring, cv=inner))
    return apart, over_nothing


def beside_a_loop(n_rows, n_columns, numbers, n_jobs, clock):
    settings = {"models": models(), "device": "cpu", "n_jobs": n_jobs, "verbose": 0}
    # Once before, so that ours, which come first, do not pay for imports and processes.
    tabular_baselines(*make_table(100, 8, numbers), **settings)
    X, y = make_table(n_rows, n_columns, numbers)
    start = clock()
    tabular_baselines(X, y, **settings)
    ours = clock() - start
    apart, over_nothing = loop(X, y, numbers, n_jobs, clock)
    what = "regression" if numbers else "classification"
    print(f"{n_rows} x {n_columns}, {what}, n_jobs={n_jobs}: report {ours:.1f} s", flush=True)
    for name, parts in (
        ("GridSearchCV where there is a grid", apart),
        ("GridSearchCV around every model", apart | over_nothing),
    ):
        theirs = sum(parts.values())
        each = ", ".join(f"{model} {seconds:.2f}" for model, seconds in parts.items())
        print(f"  loop, {name}: {theirs:.1f} s ({each}); loop / report {theirs / ours:.2f}")


def page(n_rows, n_columns):
    X, y = make_table(n_rows, n_columns, numbers=False)
    report = tabular_baselines(X, y, models="fast", device="cpu", verbose=0)
    with TemporaryDirectory() as folder:
        start = perf_counter()
        path = report.save(f"{folder}/report")
        print(
            f"page of models='fast', with a model for all rows: {perf_counter() - start:.1f} s, "
            f"{path.stat().st_size / 2**20:.2f} MB"
        )


def within_a_budget(n_jobs):
    X, y = make_table(*LARGE, numbers=False)
    start = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = tabular_baselines(X, y, time_budget=1, device="cpu", n_jobs=n_jobs, verbose=0)
    seconds = perf_counter() - start
    print(f"time_budget=1 on {LARGE[0]} x {LARGE[1]}: {seconds:.1f} s\n{report}")


def main():
    parser = command_line(__doc__)
    parser.add_argument("--only", choices=("import", "loop", "budget"))
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument(
        "--cpu", action="store_true", help="CPU seconds, on a machine with other work; one process"
    )
    arguments = parser.parse_args()
    # What a report warns of, such as models without time, is printed with it.
    warnings.filterwarnings("ignore", category=UserWarning)
    if arguments.only in (None, "import"):
        modules = "sklearn_modern.report", "sklearn"
        ratio = compare(*modules, repeats=21, seconds=import_seconds)
        print(f"import sklearn / import sklearn_modern.report: {ratio}")
    if arguments.only in (None, "loop"):
        for n_rows, n_columns in QUICK if is_quick() else SIZES:
            for numbers in few((False, True)):
                n_jobs = 1 if arguments.cpu else small(arguments.n_jobs, 1)
                clock = process_time if arguments.cpu else perf_counter
                beside_a_loop(n_rows, n_columns, numbers, n_jobs, clock)
            page(n_rows, n_columns)
    if arguments.only == "budget" or not (arguments.only or is_quick()):
        within_a_budget(arguments.n_jobs)


if __name__ == "__main__":
    main()
