"""How good are the defaults on tables? Ours, boosted trees, networks and linear models.

Each set is split into 80 % for training and 20 % for testing, several times if it is small. All
models are fitted to the same splits with the same number of threads, one after the other. Seconds
are those of the processor, so that whatever else the machine does matters little.

    python benchmarks/tabular_defaults.py --half report --cache results.jsonl --plot ranks.png
    python benchmarks/tabular_defaults.py --study mlp --cache results.jsonl --max-rows 3000
    python benchmarks/tabular_defaults.py --half tuning --models MLP linear \\
        --variant 'MLP, longer: max_iter=80, dropout=0.2'

A variant's name begins with the model that it is a variant of. With ``--cache`` finished fits are
kept and not repeated, so the peers run once. A changed package is not seen by the cache:
``--rerun MLP`` fits it again. A study is a list of variants, see ``tabular_variants.py``; it runs
on the tuning half unless told otherwise.
"""

from __future__ import annotations

import argparse
import ast
import json
import time
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import tabular_models
import tabular_report
from command_line import command_line, is_quick
from datasets import REPORT, SOURCES, TUNING, load
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit, train_test_split
from tabular_models import MODELS, OURS, PEERS
from tabular_variants import STUDIES
from threadpoolctl import threadpool_limits

KEY = ("kind", "params", "dataset", "rows", "split")


@dataclass(frozen=True)
class Entry:
    """What is compared: a model, with parameters if it is one of ours."""

    name: str
    kind: str
    params: dict = field(default_factory=dict)

    def takes(self, data):
        """Tell whether the model is for a task like this."""
        return data.task == "classification" or "label_smoothing" not in self.params

    def key(self, data, split):
        """Say which fit it is, whatever it is called."""
        params = json.dumps(self.params, sort_keys=True, default=str)
        return (self.kind, params, data.name, len(data.y), split)


def capped(data, max_rows):
    """Leave out rows of a larger set."""
    if max_rows is None or len(data.y) <= max_rows:
        return data
    strata = data.y if data.task == "classification" else None
    rows, _ = train_test_split(
        np.arange(len(data.y)), train_size=max_rows, stratify=strata, random_state=0
    )
    return replace(data, X=data.X.iloc[rows].reset_index(drop=True), y=data.y[rows])


def splits(data, most):
    """Training and test rows; the smaller a set, the noisier a test and the more splits."""
    count = min(most, int(np.clip(20_000 // len(data.y), 3, 10)))
    classifies = data.task == "classification"
    splitter = (StratifiedShuffleSplit if classifies else ShuffleSplit)(
        count, test_size=0.2, random_state=0
    )
    return splitter.split(data.X, data.y)


def evaluate(data, split, train, test, entries, threads):
    """Fit the models in turn to one split; gives the records of the cache."""
    records = []
    for entry in entries:
        model = tabular_models.make(entry.kind, data, split, threads, entry.params)
        with warnings.catch_warnings(), threadpool_limits(threads):
            warnings.simplefilter("ignore", ConvergenceWarning)  # 200 epochs are its default
            start = time.process_time()
            model.fit(data.X.iloc[train], data.y[train])
            seconds = time.process_time() - start
            scores = scored(model, data, test)
        key = dict(zip(KEY, entry.key(data, split), strict=True))
        records.append(key | {"seconds": seconds} | scores)
    return records


def scored(model, data, test):
    """Return all metrics of the test rows."""
    X, y = data.X.iloc[test], data.y[test]
    if data.task == "regression":
        return {"rmse": root_mean_squared_error(y, model.predict(X))}
    classes, probabilities = np.arange(data.y.max() + 1), model.predict_proba(X)
    of_one = probabilities[:, 1] if len(classes) == 2 else probabilities
    return {
        "accuracy": accuracy_score(y, model.predict(X)),
        "log_loss": log_loss(y, probabilities, labels=classes),
        "auc": roc_auc_score(y, of_one, multi_class="ovr", labels=classes),
    }


def study(names, entries, arguments):
    """Return the records of all models on all splits, from the cache where it has them."""
    cache, done = arguments.cache, {}
    if cache and cache.exists():
        for line in cache.read_text().splitlines():
            record = json.loads(line)
            done[tuple(record[part] for part in KEY)] = record

    wanted, work = [], []
    for data in load(names):
        data = capped(data, arguments.max_rows)
        for split, (train, test) in enumerate(splits(data, arguments.splits)):
            keys = {entry.name: entry.key(data, split) for entry in entries if entry.takes(data)}
            wanted += keys.items()
            missing = [
                entry
                for entry in entries
                if entry.name in keys
                and (entry.kind in arguments.rerun or keys[entry.name] not in done)
            ]
            if missing:
                work.append(delayed(evaluate)(data, split, train, test, missing, arguments.threads))
    for records in Parallel(arguments.jobs, return_as="generator_unordered")(work):
        for record in records:
            done[tuple(record[part] for part in KEY)] = record
            if cache:
                with cache.open("a") as file:
                    file.write(json.dumps(record) + "\n")
    return pd.DataFrame([done[key] | {"model": name} for name, key in wanted])


def variant(text):
    """Read 'MLP, name: key=value, key=value'."""
    name, _, params = text.partition(":")
    kind = next((kind for kind in OURS if name.startswith(kind)), None)
    if kind is None:
        raise argparse.ArgumentTypeError(f"{name!r} does not begin with one of {OURS}")
    call = ast.parse(f"f({params})", mode="eval").body
    return Entry(name, kind, {word.arg: ast.literal_eval(word.value) for word in call.keywords})


def read_arguments():
    parser = command_line(__doc__)
    parser.add_argument("--half", choices=["tuning", "report", "all"])
    parser.add_argument("--sets", nargs="+", choices=SOURCES, metavar="SET", help="instead of half")
    parser.add_argument("--study", choices=STUDIES, help="variants of a model, without peers")
    parser.add_argument(
        "--models", nargs="*", choices=MODELS, help="default: all that are installed"
    )
    parser.add_argument("--variant", type=variant, action="append", default=[])
    parser.add_argument("--reference", help="whose losses others are divided by")
    parser.add_argument("--peers", nargs="+", choices=MODELS, default=PEERS)
    parser.add_argument("--max-rows", type=int, help="sample larger sets")
    parser.add_argument("--splits", type=int, default=10, help="at most so many splits of a set")
    parser.add_argument("--cache", type=Path, help="JSON lines of finished fits")
    parser.add_argument("--rerun", nargs="+", choices=MODELS, default=[])
    parser.add_argument("--threads", type=int, default=1, help="threads a fit")
    parser.add_argument("--jobs", type=int, default=1, help="fits at once; above 1 blurs times")
    parser.add_argument("--plot", type=Path, help="file for a plot of mean rank against seconds")
    arguments = parser.parse_args()
    if is_quick():
        arguments.sets, arguments.max_rows, arguments.splits = ["iris", "diabetes"], 60, 1
    return arguments


def main():
    arguments = read_arguments()
    names = arguments.models
    if names is None:
        names = [] if arguments.study else tabular_models.installed()
    entries = [Entry(name, name) for name in names] + arguments.variant
    if arguments.study:
        kind, variants = STUDIES[arguments.study]
        entries = [Entry(name, kind, params) for name, params in variants.items()] + entries
    half = arguments.half or ("tuning" if arguments.study else "all")
    sets = arguments.sets or {"tuning": TUNING, "report": REPORT, "all": tuple(SOURCES)}[half]
    records = study(sets, entries, arguments)
    models = [entry.name for entry in entries]
    reference = arguments.reference or ("default" if arguments.study else models[0])
    tabular_report.report(records, models, reference, arguments.peers)
    if arguments.plot:
        tabular_report.plot(records, models, arguments.plot)


if __name__ == "__main__":
    main()
