"""How accurate are the default MLPs? Ours, scikit-learn's and boosted trees on real tables.

Each set is split several times into 80% for training and 20% for testing, and every model is
fitted on the same splits with the same number of threads, one after the other, so that their
times can be compared. Ours and the boosters get the DataFrame as it is; scikit-learn's MLP gets
numbers that are imputed and standardised, and categories that are one-hot encoded.

    python benchmarks/mlp_accuracy.py --half report
    python benchmarks/mlp_accuracy.py --half tuning --cache results.jsonl \\
        --set max_iter=50 --set dropout=0.1

With ``--cache`` finished fits are kept and not repeated, so the peers run once. A changed package
is not seen by the cache: ``--rerun ours`` fits ours again, ``--rerun ours sklearn`` times both
again, in turn.
"""

from __future__ import annotations

import argparse
import ast
import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from datasets import REPORT, SOURCES, TUNING, load
from joblib import Parallel, delayed
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

KEY = ("model", "params", "dataset", "split")
TIE = 0.0005  # what three decimals do not show


def ours(task, params, seed, threads):
    import torch

    from sklearn_modern.neural_network import MLPClassifier, MLPRegressor

    torch.set_num_threads(threads)
    kind = MLPClassifier if task == "classification" else MLPRegressor
    return kind(random_state=seed, **params)


def sklearn_mlp(task, params, seed, threads):
    kind = MLPClassifier if task == "classification" else MLPRegressor
    return make_pipeline(_encoder(), kind(random_state=seed))


def sklearn_mlp_scaled_target(task, params, seed, threads):
    model = sklearn_mlp(task, params, seed, threads)
    return TransformedTargetRegressor(model, transformer=StandardScaler())


def hist_gradient_boosting(task, params, seed, threads):
    classify = task == "classification"
    kind = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
    return kind(random_state=seed)


def xgboost(task, params, seed, threads):
    from xgboost import XGBClassifier, XGBRegressor

    kind = XGBClassifier if task == "classification" else XGBRegressor
    return kind(enable_categorical=True, n_jobs=threads, random_state=seed)


def lightgbm(task, params, seed, threads):
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMClassifier if task == "classification" else LGBMRegressor
    return kind(n_jobs=threads, random_state=seed, verbose=-1)


MODELS = {
    "ours": ours,
    "sklearn": sklearn_mlp,
    "sklearn, y scaled": sklearn_mlp_scaled_target,
    "HGB": hist_gradient_boosting,
    "XGBoost": xgboost,
    "LightGBM": lightgbm,
}
REGRESSION_ONLY = {"sklearn, y scaled"}


def _encoder():
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include="number")),
            ("categories", categories, make_column_selector(dtype_include="category")),
        ]
    )


def splits(data):
    """Training and test rows; the smaller a set, the noisier a test and the more splits."""
    count = int(np.clip(20_000 // len(data.y), 3, 10))
    if data.task == "classification":
        splitter = StratifiedShuffleSplit(count, test_size=0.2, random_state=0)
    else:
        splitter = ShuffleSplit(count, test_size=0.2, random_state=0)
    return splitter.split(data.X, data.y)


def evaluate(data, split, train, test, models, params, threads):
    """Fit the models in turn on one split; gives the records of the cache."""
    records = []
    for name in models:
        model = MODELS[name](data.task, params, split, threads)
        with warnings.catch_warnings(), threadpool_limits(threads):
            warnings.simplefilter("ignore", ConvergenceWarning)  # 200 epochs are its default
            start = time.perf_counter()
            model.fit(data.X.iloc[train], data.y[train])
            seconds = time.perf_counter() - start
        record = {
            "model": name,
            "params": describe(name, params),
            "dataset": data.name,
            "split": split,
            "seconds": seconds,
        }
        X, y = data.X.iloc[test], data.y[test]
        if data.task == "classification":
            classes = np.arange(data.y.max() + 1)
            record["accuracy"] = accuracy_score(y, model.predict(X))
            record["log_loss"] = log_loss(y, model.predict_proba(X), labels=classes)
        else:
            record["r2"] = r2_score(y, model.predict(X))
        records.append(record)
    return records


def describe(name, params):
    """Only ours has parameters."""
    return json.dumps(params, sort_keys=True, default=str) if name == "ours" else "{}"


def study(names, models, params, threads, jobs, cache, rerun):
    """Records of all models on all splits, from the cache where it has them."""
    done = {}
    if cache and cache.exists():
        for line in cache.read_text().splitlines():
            record = json.loads(line)
            done[tuple(record[part] for part in KEY)] = record

    wanted, work = [], []
    for data in load(names):
        for split, (train, test) in enumerate(splits(data)):
            keys = {
                name: (name, describe(name, params), data.name, split)
                for name in models
                if data.task == "regression" or name not in REGRESSION_ONLY
            }
            wanted += keys.values()
            missing = [name for name, key in keys.items() if name in rerun or key not in done]
            if missing:
                work.append(delayed(evaluate)(data, split, train, test, missing, params, threads))
    for records in Parallel(jobs, return_as="generator_unordered")(work):
        for record in records:
            done[tuple(record[part] for part in KEY)] = record
            if cache:
                with cache.open("a") as file:
                    file.write(json.dumps(record) + "\n")
    return pd.DataFrame([done[key] for key in wanted])


def report(records, models):
    """Print the tables and the summary as markdown."""
    titles = {"accuracy": "Accuracy", "log_loss": "Log loss (lower is better)", "r2": "R2"}
    by_set = records.groupby(["dataset", "model"])
    tables = {
        metric: by_set[metric].mean().unstack().dropna(how="all").reindex(columns=models)
        for metric in titles
        if metric in records
    }
    for metric, table in tables.items():
        print(f"\n### {titles[metric]}\n")
        print_table(table.dropna(axis=1, how="all"))

    summary = pd.DataFrame(columns=models)
    for metric, table in tables.items():
        # Decimals that the table does not show decide no rank
        ranks = table.round(3).rank(axis=1, ascending=metric == "log_loss")
        summary.loc[f"mean rank, {metric}"] = ranks.mean()
    seconds = by_set["seconds"].sum().unstack().reindex(columns=models)
    summary.loc["fit seconds"] = seconds.sum()
    if "ours" in models:
        wins = {metric: won(table, metric) for metric, table in tables.items()}
        for metric, share in wins.items():
            summary.loc[f"share of sets that ours wins, {metric}"] = share.mean()
        primary = [share for metric, share in wins.items() if metric != "log_loss"]
        summary.loc["share of sets that ours wins, accuracy or r2"] = pd.concat(primary).mean()
        # A model that fits only one task is compared on the sets of that task
        same_sets = seconds.notna().mul(seconds["ours"], axis=0)
        summary.loc["fit time, ours / theirs"] = same_sets.sum() / seconds.sum()
    print("\n### Summary\n")
    print_table(summary)
    print(f"\n{len(seconds)} sets, {len(records.groupby(['dataset', 'split']))} splits.")


def won(table, metric):
    """1 where ours is better than the column's model, 0.5 where the difference does not show."""
    lead = -table.sub(table["ours"], axis=0)
    if metric == "log_loss":
        lead = -lead
    result = (lead > TIE).astype(float).mask(lead.abs() <= TIE, 0.5)
    return result.where(table.notna()).drop(columns="ours")


def print_table(table):
    rows = [["", *table.columns]]
    rows += [
        [index, *("" if np.isnan(value) else f"{value:.3f}" for value in row)]
        for index, row in zip(table.index, table.to_numpy(), strict=True)
    ]
    rows.insert(1, ["---", *("---:" for _ in table.columns)])
    for row in rows:
        print("| " + " | ".join(row) + " |")


def setting(text):
    name, _, value = text.partition("=")
    try:
        return name, ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return name, value  # a word, such as relu


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--half", choices=["tuning", "report", "all"], default="all")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument(
        "--set",
        type=setting,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a parameter of ours; repeatable",
    )
    parser.add_argument("--cache", type=Path, help="JSON lines of finished fits")
    parser.add_argument("--rerun", nargs="+", choices=MODELS, default=[])
    parser.add_argument("--threads", type=int, default=1, help="threads a fit")
    parser.add_argument("--jobs", type=int, default=1, help="fits at once; above 1 blurs times")
    arguments = parser.parse_args()

    names = {"tuning": TUNING, "report": REPORT, "all": tuple(SOURCES)}[arguments.half]
    records = study(
        names,
        arguments.models,
        dict(arguments.set),
        arguments.threads,
        arguments.jobs,
        arguments.cache,
        arguments.rerun,
    )
    report(records, arguments.models)


if __name__ == "__main__":
    main()
