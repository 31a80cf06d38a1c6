"""Searches beside scikit-learn's, with the same candidates, splits and results.

Both sides run in turn in this process::

    OMP_NUM_THREADS=1 python benchmarks/search_speed.py
"""

import warnings
from itertools import count
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from command_line import command_line, few, small
from ratio import compare
from sklearn import model_selection as peer
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from xgboost import XGBClassifier

from sklearn_modern.ensemble import GradientBoostingClassifier
from sklearn_modern.feature_selection import SequentialFeatureSelector
from sklearn_modern.model_selection import GridSearchCV, NestedCV

# The settings of XGBoost's wrapper, which are not ours.
ITS_OWN = {
    "backend": "xgboost",
    "learning_rate": 0.1,
    "max_leaf_nodes": None,
    "min_samples_leaf": 1,
    "subsample": 1.0,
    "max_features": 1.0,
}


def rates(n_rates=24):
    return np.geomspace(1e-3, 1e3, small(n_rates, 2))


def trees():
    return {"max_depth": few((3, 4, 5)), "n_estimators": few((50, 100, 150, 200), 2)}


def make_numbers(n_rows=20_000, n_features=100):
    rng, n_rows = np.random.default_rng(0), small(n_rows, 200)
    X = rng.normal(size=(n_rows, n_features)) @ rng.normal(size=(n_features, n_features))
    return X, (X[:, :5].sum(1) + 5 * rng.normal(size=n_rows) > 0).astype(int)


def make_table(n_rows=20_000, n_numbers=80, n_texts=20):
    rng = np.random.default_rng(0)
    X, y = make_numbers(n_rows, n_numbers)
    X[rng.random(X.shape) < 0.05] = np.nan
    frame = pd.DataFrame(X, columns=[f"number{i}" for i in range(n_numbers)])
    for i in range(n_texts):
        frame[f"text{i}"] = rng.choice([f"level {j}" for j in range(8)], len(X))
    return frame, y


def of_columns(by_type):
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    texts = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    if by_type:
        choices = [make_column_selector(pattern) for pattern in ("number", "text")]
    else:
        choices = [[f"number{i}" for i in range(80)], [f"text{i}" for i in range(20)]]
    steps = [("numbers", numbers, choices[0]), ("texts", texts, choices[1])]
    return make_pipeline(
        ColumnTransformer(steps), PCA(20, random_state=0), LogisticRegression(max_iter=1000)
    )


def report(name, ours, theirs, data, repeats):
    found = ours().fit(*data), theirs().fit(*data)
    scores = [search.cv_results_["mean_test_score"] for search in found]
    difference = np.abs(scores[0] - scores[1]).max()
    ratio = compare(lambda: ours().fit(*data), lambda: theirs().fit(*data), repeats=repeats)
    print(
        f"{name}: theirs / ours {ratio}, greatest difference of scores {difference:.1e}", flush=True
    )


def both(name, pipeline, grid, data, repeats, **params):
    report(
        name,
        lambda: GridSearchCV(pipeline, grid, refit=False, **params),
        lambda: peer.GridSearchCV(pipeline, grid, refit=False, **params),
        data,
        repeats,
    )


def columns(repeats):
    table = make_table()
    grid = {"logisticregression__C": rates()}
    both("columns by name, 24 C", of_columns(False), grid, table, repeats)
    both("columns by type, 24 C", of_columns(True), grid, table, repeats)
    grid = {"pca__n_components": few([5, 10, 15, 20], 2), "logisticregression__C": rates()[::4]}
    both("columns, 4 n_components x 6 C", of_columns(False), grid, table, repeats)


def numbers(repeats):
    pipeline = make_pipeline(
        StandardScaler(), PCA(20, random_state=0), LogisticRegression(max_iter=1000)
    )
    grid = {"logisticregression__C": rates()}
    both("scale, PCA, 24 C", pipeline, grid, make_numbers(), repeats)


def selection(repeats):
    for name, data, n_features in few(
        (
            ("2000 x 40", make_numbers(2000, 40), 10),
            ("breast cancer", load_breast_cancer(return_X_y=True), 5),
        )
    ):
        selector = SequentialFeatureSelector(
            LogisticRegression(max_iter=1000), n_features_to_select=small(n_features, 1)
        )
        pipeline = make_pipeline(StandardScaler(), selector, LogisticRegression(max_iter=1000))
        grid = {"logisticregression__C": rates()}
        both(f"selection of features, {name}, 24 C", pipeline, grid, data, repeats)
        _most_to_be_had(selector, *data, repeats)


def _most_to_be_had(selector, X, y, repeats):
    """Say what sharing the selection alone could save, as the fits that follow it are all done."""
    X = StandardScaler().fit_transform(X)[: len(X) * 4 // 5]
    y = y[: len(X)]
    reduced = selector.fit(X, y).transform(X)

    def follow():
        for rate in rates():
            LogisticRegression(max_iter=1000, C=rate).fit(reduced, y).score(reduced, y)

    ratio = compare(follow, lambda: selector.fit(X, y), repeats=repeats).minimum
    n = len(rates())
    print(
        f"  a selection takes as long as {n * ratio:.0f} fits; most to be had: "
        f"{(n * ratio + 1) / (ratio + 1):.1f}",
        flush=True,
    )


def boosting(repeats):
    X, y = make_numbers(5000, 30)
    grid = trees()
    ours = GradientBoostingClassifier(**ITS_OWN, early_stopping=False, n_jobs=1, random_state=0)
    theirs = XGBClassifier(learning_rate=0.1, n_jobs=1, random_state=0)
    report(
        "boosting, 3 depths x 4 counts of trees",
        lambda: GridSearchCV(ours, grid, refit=False),
        lambda: peer.GridSearchCV(theirs, grid, refit=False),
        (X, y),
        repeats,
    )


def nested(repeats):
    X, y = make_numbers(2000, 30)
    grid, n_jobs = trees(), small(2, 1)
    inner, outer = (StratifiedKFold(5, shuffle=True, random_state=seed) for seed in (0, 1))
    ours = GradientBoostingClassifier(**ITS_OWN, early_stopping=False, n_jobs=1, random_state=0)
    theirs = XGBClassifier(learning_rate=0.1, n_jobs=1, random_state=0)
    ratio = compare(
        lambda: NestedCV((ours, grid), outer_cv=outer, inner_cv=inner, n_jobs=n_jobs).fit(X, y),
        lambda: peer.cross_validate(
            peer.GridSearchCV(theirs, grid, cv=inner), X, y, cv=outer, n_jobs=n_jobs
        ),
        repeats=repeats,
    )
    print(f"boosting, nested 5 x 5, n_jobs=2: theirs / ours {ratio}", flush=True)


def checkpointing(repeats):
    X, y = make_numbers(2000, 30)
    boosting = GradientBoostingClassifier(
        n_estimators=small(200, 10), early_stopping=False, n_jobs=1, random_state=0
    )
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    for name, model in (
        ("boosting", (boosting, {"max_depth": few((3, 4, 5))})),
        ("LogisticRegression", (linear, {"logisticregression__C": rates()})),
    ):
        with TemporaryDirectory() as folder:
            ratio = _with_and_without(NestedCV(model, random_state=0), X, y, folder, 3 * repeats)
        print(f"nested 5 x 5, {name}: without / with a checkpoint {ratio}", flush=True)


def _with_and_without(nested, X, y, folder, repeats):
    files = (f"{folder}/{number}" for number in count())
    return compare(
        lambda: clone(nested).set_params(checkpoint=next(files)).fit(X, y),
        lambda: clone(nested).fit(X, y),
        repeats=repeats,
    )


def racing(repeats):
    n_costs, n_widths = small(8, 2), small(5, 2)
    grid = {
        "svc__C": np.geomspace(0.01, 1000, n_costs),
        "svc__gamma": np.geomspace(1e-4, 1, n_widths),
    }
    for name, load in few(
        (
            ("breast cancer", load_breast_cancer),
            ("wine", load_wine),
            ("digits, 600 rows", load_digits),
        )
    ):
        X, y = (part[:600] for part in load(return_X_y=True))
        pipeline = make_pipeline(StandardScaler(), SVC())
        whole = GridSearchCV(pipeline, grid, cv=10, refit=False).fit(X, y)
        for kind in ("exact", "anova"):
            raced = GridSearchCV(pipeline, grid, cv=10, racing=kind, refit=False).fit(X, y)
            share = raced.cv_results_["n_splits_done"].sum() / (10 * n_costs * n_widths)
            same = raced.best_index_ == whole.best_index_
            print(f"racing={kind!r}, {name}: {share:.2f} of the fits, same {same}")


def nothing(repeats):
    X, y = make_numbers(1000, 20)
    grid = {"C": np.geomspace(0.1, 10, 6)}
    both("SVC, which shares nothing", SVC(), grid, (X, y), 3 * repeats)


PARTS = {
    part.__name__: part
    for part in (columns, numbers, selection, boosting, nested, checkpointing, racing, nothing)
}

if __name__ == "__main__":
    parser = command_line(__doc__, repeats=3)
    parser.add_argument("--only", choices=sorted(PARTS), action="append")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for part in arguments.only or PARTS:
        PARTS[part](arguments.repeats)
