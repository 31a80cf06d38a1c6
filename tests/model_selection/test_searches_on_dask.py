"""Searches under joblib.parallel_config(backend="dask")."""

import re
from time import sleep

import numpy as np
import pytest
from distributed import Client, LocalCluster, get_worker
from joblib import effective_n_jobs, parallel_config
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sklearn_modern._fits.folds import Folds
from sklearn_modern._fits.problem import Problem
from sklearn_modern.ensemble import GradientBoostingClassifier
from sklearn_modern.feature_selection import SequentialFeatureSelector
from sklearn_modern.model_selection import GridSearchCV, NestedCV, RandomizedSearchCV

X, y = make_classification(60, 6, random_state=0)
PIPELINE = make_pipeline(StandardScaler(), PCA(), LogisticRegression())
GRID = {"pca__n_components": [2, 4], "logisticregression__C": [0.1, 1.0]}
BOOSTING = GradientBoostingClassifier(
    backend="hist", n_estimators=3, min_samples_leaf=5, early_stopping=False, random_state=0
)
TREE = DecisionTreeClassifier(random_state=0)
MODELS = {
    "pipeline": (PIPELINE, GRID),
    "boosting": (BOOSTING, {"n_estimators": [2, 5]}),
    "tree": TREE,
}


def table(search):
    columns = search.cv_results_.items()
    return repr({name: np.asarray(v).tolist() for name, v in columns if "time" not in name})


def frames(nested):
    order = ["model", "repeat", "fold"]
    scores = nested.scores_frame().drop(columns="seconds").sort_values(order)
    predictions = nested.predictions_.sort_values([*order, "row"])
    return repr((scores.to_numpy().tolist(), predictions.to_numpy().tolist()))


def chosen(selector):
    return selector.strategy_, {size: (b.features, b.mean) for size, b in selector.subsets_.items()}


def nested(**settings):
    return NestedCV(MODELS, outer_cv=2, inner_cv=2, random_state=0, **settings)


def selector(estimator):
    return SequentialFeatureSelector(estimator, n_features_to_select=2, cv=2)


SEARCHES = {
    "grid": (GridSearchCV(PIPELINE, GRID, cv=3, return_train_score=True), table),
    "race": (GridSearchCV(TREE, {"max_depth": [1, 2, 3]}, cv=5, racing="exact"), table),
    "random": (
        RandomizedSearchCV(BOOSTING, {"n_estimators": [2, 4, 6]}, n_iter=2, random_state=0),
        table,
    ),
    "nested": (nested(), frames),
    "selection by separate fits": (selector(TREE), chosen),
    "selection by shared fits": (selector(BOOSTING), chosen),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_results_are_those_of_one_process(client, name):
    search, found = SEARCHES[name]
    with parallel_config(backend="dask"):
        distributed = clone(search).fit(X, y)
    assert found(distributed) == found(clone(search).fit(X, y))


@pytest.mark.parametrize("n_jobs", [None, 1, -1])
def test_the_whole_cluster_is_used(client, n_jobs):
    workers = set()

    def scorer(model, X, y):
        workers.add(get_worker().address)
        sleep(0.02)  # or one worker is through with all tasks before the other begins
        return model.score(X, y)

    with parallel_config(backend="dask"):
        assert effective_n_jobs(None) == effective_n_jobs(-1) == 2
        GridSearchCV(TREE, {"max_depth": [1, 2]}, cv=4, scoring=Local(scorer), n_jobs=n_jobs).fit(
            X, y
        )
    assert len(workers) == 2


class Local:
    """A scorer that stays in this process, where the workers are, too."""

    kept = []

    def __init__(self, scorer):
        self.kept.append(scorer)
        self.place = len(self.kept) - 1

    def __call__(self, model, X, y):
        return self.kept[self.place](model, X, y)


def test_data_go_to_workers_once(client, monkeypatch):
    sent, scatter = [], client.scatter
    monkeypatch.setattr(client, "scatter", lambda d, **k: sent.append(type(d)) or scatter(d, **k))
    with parallel_config(backend="dask"):
        selector(TREE).fit(X, y)
        SEARCHES["race"][0].fit(X, y)
        nested().fit(X, y)
    # For all sizes of subsets; for all splits of the race; for inner and for outer splits.
    assert sent == [Problem, Folds, Folds, Folds]


def test_checkpoints_and_bars_work(client, tmp_path, capsys):
    path = tmp_path / "nested"
    with parallel_config(backend="dask"):
        whole = nested(checkpoint=path, verbose=1).fit(X, y)
    last = capsys.readouterr().err.splitlines()[-1]
    done, total = re.search(r"\] (\d+)/(\d+) in", last).groups()
    assert done == total != "0"
    again = nested(checkpoint=path).fit(X, y)
    assert frames(again) == frames(whole) == frames(nested().fit(X, y))
    assert again.scores_frame()["seconds"].tolist() == whole.scores_frame()["seconds"].tolist()


def test_a_failing_fit_raises_or_is_recorded(client):
    grid = {"max_depth": [1, -7]}
    with parallel_config(backend="dask"):
        with pytest.raises(ValueError, match="max_depth"):
            GridSearchCV(TREE, grid, cv=2, error_score="raise").fit(X, y)
        with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
            search = GridSearchCV(TREE, grid, cv=2).fit(X, y)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]


def test_a_cluster_of_one_thread_does_no_harm():
    cluster = LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
    )
    searches = [SEARCHES["grid"], SEARCHES["selection by shared fits"]]
    with cluster, Client(cluster), parallel_config(backend="dask"):
        fitted = [clone(search).fit(X, y) for search, _ in searches]
    for (search, found), other in zip(searches, fitted, strict=True):
        assert found(other) == found(clone(search).fit(X, y))


def test_a_search_inside_of_a_search(client):
    search = GridSearchCV(TREE, {"max_depth": [1, 2]}, cv=2)
    with parallel_config(backend="dask"):
        found = cross_val_score(search, X, y, cv=2)
    assert found.tolist() == cross_val_score(search, X, y, cv=2).tolist()
