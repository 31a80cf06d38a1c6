"""Ordinal boosting: what its fit costs, and how good its levels and probabilities are.

    python benchmarks/ordinal_boosting.py
    python benchmarks/ordinal_boosting.py --tables report
    python -m pip install --no-deps skordinal
    python benchmarks/ordinal_boosting.py --tables skordinal

The first measures fits beside those of a regression with the same trees, and compares predictions
on generated tables and the one of diabetes. The second compares them on the real tables of one
half of ``datasets.py``, of at most 3000 rows. Targets are numbers, cut into 5 and into 10 levels of
equal size, or as near to it as ties allow; skordinal's tables have levels. All models have their
defaults and the same splits.
"""

import time
import warnings

import numpy as np
import pandas as pd
from boosted_trees import EQUAL
from command_line import command_line, few, small
from datasets import REPORT, SOURCES, TUNING, load, load_ordinal
from ratio import compare, of_processor
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_diabetes, make_friedman1, make_friedman2, make_friedman3
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import StratifiedShuffleSplit

from sklearn_modern.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn_modern.metrics import mean_absolute_rank_error, ranked_probability_score
from sklearn_modern.ordinal import (
    OrdinalClassifier,
    OrdinalGradientBoostingClassifier,
    OrdinalMLPClassifier,
)

MAX_ROWS = 3000


class Rounded(ClassifierMixin, BaseEstimator):
    """A regression of the ranks, whose predictions are rounded."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.model_ = HistGradientBoostingRegressor(random_state=0).fit(X, y)
        return self

    def predict(self, X):
        return np.clip(np.round(self.model_.predict(X)), 0, self.classes_[-1]).astype(int)

    def predict_proba(self, X):
        return np.eye(len(self.classes_))[self.predict(X)]


MODELS = {
    "ours": OrdinalGradientBoostingClassifier(random_state=0),
    "ours, probit": OrdinalGradientBoostingClassifier(link="probit", random_state=0),
    "ours, XGBoost": OrdinalGradientBoostingClassifier(backend="xgboost", random_state=0),
    "HGB": HistGradientBoostingClassifier(random_state=0),
    "HGB, rounded": Rounded(),
    "OrdinalClassifier over boosting": OrdinalClassifier(
        GradientBoostingClassifier(random_state=0)
    ),
    "coral": OrdinalMLPClassifier(device="cpu", random_state=0),
}
# The variants of ours have no rank.
RANKED = [name for name in MODELS if not name.startswith("ours,")]


def speed(repeats):
    rng = np.random.default_rng(0)
    for n_rows, n_levels in ((5000, 10), (20_000, 5)):
        n_rows = small(n_rows, 200)
        X = rng.normal(size=(n_rows, 20))
        latent = X[:, 0] + np.sin(2 * X[:, 1]) + X[:, 2] * X[:, 3] + rng.normal(size=n_rows) / 2
        y = levels(latent, n_levels)
        for backend in ("xgboost", "lightgbm"):
            same = EQUAL | {"backend": backend, "early_stopping": False}
            same |= {"n_jobs": 1, "random_state": 0}
            regression = GradientBoostingRegressor(**same)
            for link in ("logit", "probit"):
                ordinal = OrdinalGradientBoostingClassifier(link=link, **same)
                ratio = compare(
                    lambda ordinal=ordinal, X=X, y=y: ordinal.fit(X, y),
                    lambda regression=regression, X=X, y=y: regression.fit(X, y),
                    repeats=repeats,
                    seconds=of_processor,
                )
                print(
                    f"{n_rows} rows, {n_levels} levels, {backend}, {link}: fit, regression / "
                    f"ours: {ratio}",
                    flush=True,
                )


def levels(target, n_levels):
    edges = np.quantile(target, np.linspace(0, 1, n_levels + 1)[1:-1])
    return np.unique(np.digitize(target, np.unique(edges)), return_inverse=True)[1]


def in_levels(tables):
    for table, X, target in tables:
        for n_levels in (5, 10):
            yield f"{table}, {n_levels} levels", X, levels(target, n_levels)


def generated():
    for make in (make_friedman1, make_friedman2, make_friedman3):
        n_rows = small(1000, 100)
        X, target = make(n_samples=n_rows, random_state=0)
        noise = np.random.default_rng(0).normal(size=n_rows) * target.std() / 3
        yield make.__name__.removeprefix("make_"), X, target + noise
    yield "diabetes", *load_diabetes(return_X_y=True)


def real(names):
    for data in load(name for name in names if SOURCES[name].task == "regression"):
        rows = np.random.default_rng(0).permutation(len(data.y))[:MAX_ROWS]
        X = data.X.iloc[rows].reset_index(drop=True)
        few = X.nunique() <= 255  # of categories, more than scikit-learn takes
        numbers = np.array([pd.api.types.is_numeric_dtype(kind) for kind in X.dtypes])
        yield data.name, X.loc[:, few | numbers], data.y[rows]


def accuracy(tables, names, n_splits):
    found = []
    for table, X, y in tables:
        splits = StratifiedShuffleSplit(n_splits, test_size=0.2, random_state=0)
        for split, (train, test) in enumerate(splits.split(X, y)):
            for name in names:
                scores = scores_of(MODELS[name], X, y, train, test)
                found.append((table, split, name, *scores))
        mine = pd.DataFrame(found[-n_splits * len(names) :]).groupby(2)[[3, 4]].mean()
        print(f"{table}, MAE and RPS: {mine.round(4).T.to_dict('list')}", flush=True)
    columns = ["table", "split", "model", "MAE", "RPS", "seconds"]
    means = pd.DataFrame(found, columns=columns).groupby(["table", "model"]).mean(numeric_only=True)
    ranked = means[means.index.get_level_values("model").isin(RANKED)]
    for score in ("MAE", "RPS"):
        ranks = ranked[score].groupby("table").rank().groupby("model").mean().sort_values()
        print(f"mean rank by {score}: {ranks.round(2).to_dict()}")
        wide = means[score].unstack()
        relative = np.exp(np.log(wide.div(wide["ours"], axis=0)).mean()).round(3).to_dict()
        print(f"geometric mean of {score} / ours: {relative}")
    print(f"seconds of all fits: {means['seconds'].groupby('model').sum().round(1).to_dict()}")


def scores_of(model, X, y, train, test):
    take = X.iloc.__getitem__ if hasattr(X, "iloc") else X.__getitem__
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # columns of text that look like oversights
        fitted = clone(model).fit(take(train), y[train])
    seconds = time.perf_counter() - start
    every = np.arange(y.max() + 1)
    error = mean_absolute_rank_error(y[test], fitted.predict(take(test)), labels=every)
    probabilities = fitted.predict_proba(take(test))
    return error, ranked_probability_score(y[test], probabilities, labels=every), seconds


if __name__ == "__main__":
    parser = command_line(__doc__, splits=3, repeats=5)
    choices = ["generated", "tuning", "report", "skordinal"]
    parser.add_argument("--tables", choices=choices, default="generated")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    arguments = parser.parse_args()
    if arguments.tables == "generated":
        speed(arguments.repeats)
        tables = few(in_levels(generated()))
    elif arguments.tables == "skordinal":
        tables = load_ordinal()
    else:
        tables = in_levels(real({"tuning": TUNING, "report": REPORT}[arguments.tables]))
    accuracy(tables, arguments.models, small(arguments.splits, 1))
