"""Nested cross-validation over several data sets."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine, make_classification
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_modern.model_selection import BenchmarkResult, NestedCV, benchmark, friedman_test

MODELS = {
    "bayes": GaussianNB(),
    "neighbours": (
        make_pipeline(StandardScaler(), KNeighborsClassifier()),
        {"kneighborsclassifier__n_neighbors": [1, 5]},
    ),
    "guess": DummyClassifier(strategy="stratified", random_state=0),
}
SETTINGS = {"outer_cv": 3, "inner_cv": 2, "random_state": 0}


def table(seed, n_rows=60):
    return make_classification(n_rows, 5, n_informative=3, flip_y=0.3, random_state=seed)


@pytest.fixture(scope="module")
def data_sets():
    frame = pd.DataFrame(table(0)[0], columns=[*"abcde"])
    groups = np.arange(60) // 2
    return {
        "frame": (frame, table(0)[1]),
        "grouped": {"X": table(1)[0], "y": table(1)[1], "groups": groups},
        "wine": load_wine(),
        "words": (table(2)[0], np.array(["no", "yes"])[table(2)[1]]),
    }


@pytest.fixture(scope="module")
def result(data_sets):
    return benchmark(data_sets, MODELS, **SETTINGS)


def without_time(frame):
    return frame.drop(columns="seconds")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"n_jobs": 2, "repeats": 2},
        {"interval": "bootstrap", "scoring": ["accuracy", "neg_log_loss"], "refit": "accuracy"},
    ],
)
def test_results_are_those_of_each_data_set_alone(data_sets, settings):
    settings = SETTINGS | settings
    result = benchmark(data_sets, MODELS, **settings)
    scores, summary = result.scores_frame(), result.summary()
    assert list(result.nested) == list(data_sets)
    for name, data in data_sets.items():
        if name == "wine":
            data = {"X": data.data, "y": data.target}
        elif isinstance(data, tuple):
            data = {"X": data[0], "y": data[1]}
        alone = NestedCV(MODELS, **settings).fit(**data)
        together = result.nested[name]
        for found, table in ((scores, alone.scores_frame()), (summary, alone.summary())):
            found = found[found["data_set"] == name].drop(columns="data_set")
            expected = without_time(table)
            pd.testing.assert_frame_equal(
                without_time(found).reset_index(drop=True), expected, check_exact=True
            )
        pd.testing.assert_frame_equal(together.predictions_, alone.predictions_, check_exact=True)
        assert together.best_params_ == alone.best_params_
        assert together.n_features_in_ == alone.n_features_in_


def test_ranks_are_of_mean_outer_scores(result):
    means = result.scores_frame().groupby(["data_set", "model"])["outer"].mean().unstack()
    scores, ranks = result.mean_scores(), result.ranks()
    assert list(scores.index) == ["frame", "grouped", "wine", "words"]
    assert list(scores.columns) == list(MODELS)
    expected = means.loc[scores.index, scores.columns]
    pd.testing.assert_frame_equal(scores, expected, check_names=False, rtol=1e-14)
    assert (ranks.sum(axis=1) == 6).all()
    assert (ranks.idxmin(axis=1) == scores.idxmax(axis=1)).all()
    test = result.friedman_test(control="guess")
    assert test == friedman_test(scores, control="guess")
    assert list(test.mean_ranks.values()) == ranks.mean().tolist()
    assert re.search(r"mean rank +" + re.escape(f"{ranks.mean().iloc[0]:.4g}"), str(result))


def test_rounding_decides_no_rank():
    names, scores = ("a", "b", "c"), (0.1 + 0.2, 0.3, np.nan)
    nested = NestedCV(GaussianNB())
    nested._scores = [
        {"model": name, "metric": "score", "outer": score}
        for name, score in zip(names, scores, strict=True)
    ]
    ranks = BenchmarkResult({"one": nested}).ranks()
    np.testing.assert_array_equal(ranks, [[1.5, 1.5, np.nan]])


def test_a_checkpoint_goes_on_with_what_is_missing(data_sets, result, tmp_path, monkeypatch):
    path = tmp_path / "fits"
    settings = SETTINGS | {"checkpoint": path}
    with pytest.raises(TimeoutError, match=r"after 1 of \d+ fits; the same call goes on"):
        benchmark(data_sets, MODELS, timeout=1e-9, **settings)
    again = benchmark(data_sets, MODELS, **settings)
    expected = without_time(result.scores_frame())
    pd.testing.assert_frame_equal(without_time(again.scores_frame()), expected, check_exact=True)

    def fit(*arguments):
        raise AssertionError("fitted again")

    monkeypatch.setattr(GaussianNB, "fit", fit)
    whole = benchmark(data_sets, MODELS, **settings)
    pd.testing.assert_frame_equal(whole.scores_frame(), again.scores_frame(), check_exact=True)
    fewer = {name: data for name, data in data_sets.items() if name != "words"}
    with pytest.raises(ValueError, match="differs in the data sets"):
        benchmark(fewer, MODELS, **settings)
    other = data_sets | {"words": table(3)}
    with pytest.raises(ValueError, match="differs in the data of 'words'"):
        benchmark(other, MODELS, **settings)


def test_messages_say_which_data_set_they_are_about(data_sets):
    X, y = table(0)
    twice = {"once": (X, y), "twice": (np.vstack([X, X]), np.append(y, y))}
    with pytest.warns(UserWarning, match="Of the outer splits of data set 'twice'"):
        benchmark(twice, GaussianNB())
    texts = {"good": (X, y), "bad": (np.full(X.shape, "text"), y)}
    with pytest.raises(ValueError, match="All 5 fits failed") as raised:
        benchmark(texts, LogisticRegression())
    assert raised.value.__notes__ == ["This is about data set 'bad'."]


@pytest.mark.parametrize(
    ("datasets", "settings", "error", "message"),
    [
        ({}, {}, TypeError, "at least one name"),
        ([table(0)], {}, TypeError, "not list"),
        (load_wine(), {}, TypeError, "not Bunch"),
        ({1: table(0)}, {}, TypeError, "the name 1"),
        ({"one": table(0)[0]}, {}, TypeError, r"datasets\['one'\] must be a pair of X and y"),
        ({"one": {"y": table(0)[1]}}, {}, TypeError, "a mapping with 'X'"),
        ({"one": table(0)}, {"outer": 3}, TypeError, "no parameter 'outer'; it has"),
        ({"one": table(0)}, {"models": 3}, TypeError, "models"),
        ({"one": table(0)}, {"repeats": 0}, ValueError, "'repeats' parameter of NestedCV"),
    ],
)
def test_what_cannot_be_is_refused(datasets, settings, error, message):
    with pytest.raises(error, match=message):
        benchmark(datasets, GaussianNB(), **settings)


def test_tables_name_metrics_that_there_are(result):
    with pytest.raises(ValueError, match=r"metric='auc' is not among the metrics, \['score'\]"):
        result.ranks("auc")
