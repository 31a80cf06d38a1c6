"""Searches give what scikit-learn's searches give, and do shared work once."""

import pickle
import time
import warnings
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import loguniform
from sklearn import config_context
from sklearn import model_selection as peer
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import make_scorer, mean_squared_error
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler, TargetEncoder
from sklearn.svm import SVC
from support.random_pipelines import many_fits

from sklearn_modern import model_selection
from sklearn_modern._core.same import key
from sklearn_modern.model_selection import GridSearchCV, RandomizedSearchCV


class CountedScaler(StandardScaler):
    """Counts the fits and the transforms of all scalers."""

    fits = transforms = 0

    def fit(self, X, y=None, sample_weight=None):
        CountedScaler.fits += 1
        return super().fit(X, y, sample_weight)

    def transform(self, X, copy=None):
        CountedScaler.transforms += 1
        return super().transform(X, copy)


@pytest.fixture
def counted():
    CountedScaler.fits = CountedScaler.transforms = 0
    return CountedScaler


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(X))[:90]
    return X[rows], y[rows]


def found_by(search, X, y, **params):
    """All that a search finds, but for times, and what it warns of; or what it raises."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            search.fit(X, y, **params)
        except Exception as error:
            return type(error)
    found = {name: value for name, value in search.cv_results_.items() if "time" not in name}
    found |= {name: value.filled(None) for name, value in found.items() if "param_" in name}
    found |= {name: getattr(search, name, None) for name in ("best_index_", "best_score_")}
    found["predicted"] = search.predict(X) if hasattr(search, "predict") else None
    found["warnings"] = {warning.category.__name__ for warning in caught}
    return list(found), {name: key(value) for name, value in found.items()}


def assert_as_scikit_learn(name, estimator, space, X, y, *, given=None, **params):
    """Compare a search with scikit-learn's of the same name."""
    ours, theirs = (
        found_by(
            getattr(module, name)(*deepcopy((estimator, space)), **params),
            *deepcopy((X, y)),
            **(given or {}),
        )
        for module in (model_selection, peer)
    )
    assert ours == theirs


SCORINGS = [None, "r2", ["r2", "neg_mean_absolute_error"], lambda model, X, y: float(len(X))]


@settings(max_examples=40, deadline=None)
@given(drawn=many_fits(), scoring=st.sampled_from(SCORINGS), train=st.booleans())
def test_random_searches_find_what_scikit_learn_finds(drawn, scoring, train):
    pipeline, fits = drawn
    grid = [{name: [value] for name, value in fit.params.items()} for fit in fits]
    refit = "r2" if isinstance(scoring, list) else True
    assert_as_scikit_learn(
        "GridSearchCV",
        pipeline,
        grid,
        fits[0].X,
        fits[0].y,
        scoring=scoring,
        refit=refit,
        cv=2,
        return_train_score=train,
    )


SCALED = Pipeline([("scale", StandardScaler()), ("reduce", PCA()), ("model", LogisticRegression())])
GRID = {"reduce__n_components": [1, 2], "model__C": [0.1, 10.0]}


@pytest.mark.parametrize(
    "params",
    [
        {"n_jobs": 2},
        {"scoring": ["accuracy", "neg_log_loss"], "refit": "neg_log_loss"},
        {"scoring": {"a": "accuracy", "b": "f1_macro"}, "refit": False},
        {"scoring": lambda model, X, y: {"a": model.score(X, y), "rows": len(X)}, "refit": "a"},
        {"refit": lambda results: 2},
        {"cv": peer.GroupKFold(3), "given": {"groups": np.arange(90) % 5}},
        {"cv": 2, "given": {"model__sample_weight": np.linspace(0.5, 2, 90)}},
        {"cv": peer.ShuffleSplit(2, random_state=0)},
        {"cv": [(np.arange(60), np.arange(60, 90)), (np.arange(90) > 40, np.arange(90) < 10)]},
    ],
    ids=lambda params: "-".join(params),
)
def test_searches_have_the_parameters_of_scikit_learn(iris, params):
    assert_as_scikit_learn("GridSearchCV", SCALED, GRID, *iris, **params)


def test_random_draws_are_those_of_scikit_learn(iris):
    space = {"model__C": loguniform(0.01, 10), "reduce__n_components": [1, 2, 3]}
    params = {"n_iter": 6, "random_state": 3, "cv": 3}
    assert_as_scikit_learn("RandomizedSearchCV", SCALED, space, *iris, **params)


def test_kernels_given_as_matrices_are_cut_into_squares(iris):
    X, y = iris
    grid = {"kernel": ["precomputed", "linear"], "C": [0.1, 1.0]}
    assert_as_scikit_learn("GridSearchCV", SVC(), grid, X @ X.T, y, cv=3)


def test_matrices_of_kernels_must_be_square(iris):
    grid = {"kernel": ["precomputed", "linear"]}
    assert_as_scikit_learn("GridSearchCV", SVC(), grid, *iris, cv=3)
    with pytest.raises(ValueError, match="SVC takes X for a matrix of kernels"):
        GridSearchCV(SVC(), grid).fit(*iris)


def test_encoders_of_targets_keep_their_results(iris):
    X, y = iris
    frame = pd.DataFrame({"kind": np.digitize(X[:, 0], [5, 6]).astype(str), "width": X[:, 1]})
    pipeline = make_pipeline(
        TargetEncoder(cv=3, random_state=0), StandardScaler(), LogisticRegression()
    )
    grid = {"logisticregression__C": [0.1, 1.0, 10.0]}
    assert_as_scikit_learn("GridSearchCV", pipeline, grid, frame, y, return_train_score=True, cv=3)


@pytest.mark.parametrize("error_score", [np.nan, -1.0, "raise"])
def test_failures_score_as_in_scikit_learn(iris, error_score):
    grid = {"model__C": [-1.0, 1.0], "reduce__n_components": [2, 99]}
    assert_as_scikit_learn("GridSearchCV", SCALED, grid, *iris, cv=2, error_score=error_score)


def test_weights_are_routed(iris):
    X, y = iris
    weight = np.linspace(0.1, 3, len(y))
    with config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=True),
            LogisticRegression().set_fit_request(sample_weight=True),
        )
        scorer = make_scorer(mean_squared_error).set_score_request(sample_weight=True)
        assert_as_scikit_learn(
            "GridSearchCV",
            pipeline,
            {"logisticregression__C": [0.01, 1.0]},
            X,
            y,
            scoring=scorer,
            given={"sample_weight": weight},
        )


class WritesIntoRows(LogisticRegression):
    """Scales in place the rows that it is asked about."""

    def predict(self, X):
        X /= 2
        return super().predict(X)


def scored_and_spoilt(model, X, y):
    score = model.score(X, y)
    y[:] = 0
    return score


@pytest.mark.parametrize("scoring", [None, scored_and_spoilt])
@pytest.mark.parametrize("first", [StandardScaler(copy=False), "passthrough"])
def test_scores_that_write_into_rows_change_no_other(iris, first, scoring):
    pipeline = make_pipeline(first, WritesIntoRows(max_iter=200))
    grid = {"writesintorows__C": [0.01, 0.1, 1.0]}
    assert_as_scikit_learn("GridSearchCV", pipeline, grid, *iris, cv=2, scoring=scoring)


def test_scorers_see_the_same_model_for_test_and_training_rows(iris):
    def counting(model, X, y):
        model.calls_ = getattr(model, "calls_", 0) + 1
        return float(model.calls_)

    params = {"cv": 2, "scoring": counting, "return_train_score": True}
    assert_as_scikit_learn("GridSearchCV", SCALED, GRID, *iris, **params)


class FitsItsSteps(Pipeline):
    """Fits its steps without asking for the memory, and hands on other rows."""

    def fit(self, X, y=None):
        for _, step in self.steps[:-1]:
            X = step.fit(X, y).transform(X)
        self.steps[-1][1].fit(np.r_[X, X], np.r_[y, y])
        return self


def test_pipelines_of_another_class_fit_their_steps_as_they_like(iris):
    grid = {"scale__with_std": [True, False], **GRID}
    assert_as_scikit_learn("GridSearchCV", FitsItsSteps(SCALED.steps), grid, *iris, cv=2)


class TakesRowsOnly(BaseEstimator):
    """Has a ``fit`` that knows no targets."""

    def __init__(self, by=1.0):
        self.by = by

    def fit(self, X):
        self.mean_ = X.mean()
        return self

    def score(self, X, y=None):
        return self.by * (X.mean() - self.mean_)


class TakesTargets(TakesRowsOnly):
    """Must be given targets, as steps of Pipelines are, None if need be."""

    def fit(self, X, y):
        return super().fit(X)


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (TakesRowsOnly(), "by"),
        (TakesTargets(), "by"),
        (make_pipeline(StandardScaler(), TakesTargets()), "takestargets__by"),
    ],
)
def test_fits_without_targets(iris, estimator, name):
    assert_as_scikit_learn("GridSearchCV", estimator, {name: [1.0, 2.0]}, iris[0], None, cv=2)


class Uncopied(StandardScaler):
    """Cannot be copied once it is fitted."""

    def fit(self, X, y=None, sample_weight=None):
        self.rows_ = (row for row in X)
        return super().fit(X, y, sample_weight)


def test_steps_that_cannot_be_copied_are_fitted_again(iris):
    pipeline = make_pipeline(Uncopied(), LogisticRegression())
    grid, scoring = {"logisticregression__C": [0.1, 1.0]}, lambda model, X, y: model.score(X, y)
    assert_as_scikit_learn("GridSearchCV", pipeline, grid, *iris, cv=2, scoring=scoring)


# What is shared -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scoring", [None, "roc_auc_ovr", ["accuracy", "neg_log_loss"]])
def test_each_beginning_is_fitted_and_passed_once_for_each_split(iris, counted, scoring):
    pipeline = Pipeline([("scale", CountedScaler()), *SCALED.steps[1:]])
    grid = GRID | {"scale__with_std": [True, False]}
    search = GridSearchCV(pipeline, grid, cv=3, refit=False, scoring=scoring).fit(*iris)
    assert len(search.cv_results_["params"]) == 8
    assert counted.fits == 2 * 3
    assert counted.transforms == 2 * 2 * 3  # training and test rows


def test_scorers_of_other_kinds_get_the_whole_pipeline_and_the_rows_as_they_are(iris):
    X, y = iris
    seen = []

    def scorer(model, rows, labels):
        assert [name for name, _ in model.steps] == ["scale", "reduce", "model"]
        seen.append(np.isin(rows[:, 0], X[:, 0]).all())
        model.fit(rows, labels)  # as a scorer may do with a model of its own
        return model.score(rows, labels)

    assert_as_scikit_learn("GridSearchCV", SCALED, GRID, X, y, cv=2, scoring=scorer, refit=False)
    assert all(seen)


def test_shared_time_is_divided(iris):
    class Slow(StandardScaler):
        def fit(self, X, y=None, sample_weight=None):
            time.sleep(0.2)
            return super().fit(X, y, sample_weight)

    pipeline = make_pipeline(Slow(), LogisticRegression())
    grid = {"logisticregression__C": np.geomspace(0.1, 10, 4)}
    search = GridSearchCV(pipeline, grid, cv=2, refit=False).fit(*iris)
    seconds = search.cv_results_["mean_fit_time"]
    assert (seconds > 0.05).all()
    assert seconds.sum() < 0.4


def test_a_search_can_be_copied_and_pickled(iris):
    search = GridSearchCV(SCALED, GRID, cv=2).fit(*iris)
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(iris[0]), search.predict(iris[0]))
    assert clone(search).get_params().keys() == search.get_params().keys()


class Fickle(ClassifierMixin, BaseEstimator):
    """Returns nothing from ``fit``, as some do."""

    def __init__(self, share=0.5):
        self.share = share

    def fit(self, X, y):
        self.classes_ = np.unique(y)

    def predict(self, X):
        return self.classes_[(np.arange(len(X)) > self.share * len(X)).astype(int)]


def test_fits_that_return_nothing_are_fits(iris):
    assert_as_scikit_learn("GridSearchCV", Fickle(), {"share": [0.1, 0.9]}, *iris, cv=2)


# Long searches ------------------------------------------------------------------------------------


@pytest.mark.parametrize("racing", [None, "exact"])
def test_searches_go_on_from_a_checkpoint(iris, tmp_path, racing):
    path, params = tmp_path / "search", {"cv": 5, "racing": racing, "return_train_score": True}
    expected = GridSearchCV(SCALED, GRID, **params).fit(*iris)
    GridSearchCV(SCALED, GRID, checkpoint=path, **params).fit(*iris)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:7]) + lines[7][:-5])
    resumed = GridSearchCV(SCALED, GRID, checkpoint=path, **params).fit(*iris)
    assert len(path.read_bytes().splitlines()) == len(lines)
    for name, values in expected.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(resumed.cv_results_[name], values)
    with pytest.raises(ValueError, match="differs in the candidates"):
        GridSearchCV(SCALED, {"model__C": [1.0]}, checkpoint=path, **params).fit(*iris)


def test_an_empty_file_becomes_a_checkpoint(iris, tmp_path):
    path = tmp_path / "search"
    path.touch()
    GridSearchCV(SCALED, GRID, cv=2, checkpoint=path).fit(*iris)
    assert len(path.read_bytes().splitlines()) == 1 + 2 * 4


def test_callbacks_and_checkpoints_exclude_each_other(iris, tmp_path):
    search = GridSearchCV(SCALED, GRID, checkpoint=tmp_path / "search")
    search._skl_callbacks = ["what set_callbacks keeps"]
    with pytest.raises(ValueError, match="take checkpoint=None"):
        search.fit(*iris)


class Sleeps(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        time.sleep(0.02)
        return super().fit(X, y, sample_weight)


def test_a_timeout_lets_no_draw_begin(iris):
    draws, params = {"C": loguniform(0.01, 10)}, {"n_iter": 1000, "cv": 2, "random_state": 0}
    search = RandomizedSearchCV(Sleeps(), draws, timeout=0.3, **params).fit(*iris)
    n_draws = len(search.cv_results_["params"])
    assert 1 <= n_draws < 20
    whole = RandomizedSearchCV(Sleeps(), draws, **params | {"n_iter": n_draws}).fit(*iris)
    scores = [one.cv_results_["mean_test_score"] for one in (search, whole)]
    np.testing.assert_array_equal(*scores)
    with pytest.raises(ValueError, match="timeout=None"):
        RandomizedSearchCV(Sleeps(), draws, timeout=1, racing="anova", **params).fit(*iris)


# One standard error -------------------------------------------------------------------------------


@pytest.mark.parametrize("complexity", ["-alpha", lambda params: 1 / params["alpha"]])
def test_the_simplest_within_one_standard_error_is_taken(complexity):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 20))
    y = X[:, 0] + rng.normal(size=60)
    grid = {"alpha": np.geomspace(0.01, 1000, 12)}
    params = {"refit": "one-standard-error", "complexity": complexity, "cv": 5}
    search = GridSearchCV(Ridge(), grid, **params).fit(X, y)
    results = search.cv_results_
    best = results["mean_test_score"].argmax()
    scores = np.array([results[f"split{i}_test_score"][best] for i in range(5)])
    least = scores.mean() - scores.std(ddof=1) / np.sqrt(5)
    within = results["param_alpha"][results["mean_test_score"] >= least]
    assert search.best_params_["alpha"] == max(within) > grid["alpha"][best]
    assert search.best_estimator_.alpha == max(within)
    assert search.best_score_ == results["mean_test_score"][search.best_index_]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"refit": "one-standard-error"}, "say by complexity which"),
        ({"complexity": "C"}, "refit='one-standard-error' only"),
        ({"refit": "one-standard-error", "complexity": "D"}, "one of .'C', 'gamma'"),
        ({"refit": "one-standard-error", "complexity": "gamma"}, "'scale', which is no number"),
        ({"refit": "one-standard-error", "complexity": "C", "racing": "exact"}, "best mean"),
        ({"racing": "exact", "cv": 3}, "more splits than burn_in=3"),
        ({"racing": "anova", "scoring": ["accuracy"], "refit": False}, "which of the scores"),
        ({"param_grid": {}, "cv": []}, "No fits were performed"),
        ({"param_grid": [{"C": [1.0]}, {"D": [1]}]}, "Invalid parameter 'D'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(iris, params, message):
    grid = params.pop("param_grid", {"C": [1.0, 2.0], "gamma": ["scale"]})
    with pytest.raises(ValueError, match=message):
        GridSearchCV(SVC(), grid, **params).fit(*iris)
