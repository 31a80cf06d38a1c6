"""The search by Optuna scores what scikit-learn's searches score, in batches, and goes on."""

import numpy as np
import optuna
import pytest
from scipy.stats import loguniform, norm, randint, uniform
from sklearn import model_selection as peer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_modern.model_selection import OptunaSearchCV

PIPELINE = Pipeline(
    [("scale", StandardScaler()), ("reduce", PCA()), ("model", LogisticRegression())]
)
DRAWS = {
    "scale": [StandardScaler(), MinMaxScaler(), "passthrough"],
    "reduce__n_components": randint(1, 4),
    "model__C": loguniform(0.01, 10),
    "model__tol": uniform(1e-5, 1e-3),
    "model__intercept_scaling": optuna.distributions.FloatDistribution(1.0, 1.0),
}
SETTINGS = {"n_iter": 8, "batch_size": 4, "cv": 3, "random_state": 0}


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(X))[:60]
    return X[rows], y[rows]


@pytest.fixture(scope="module")
def search(iris):
    return OptunaSearchCV(PIPELINE, DRAWS, **SETTINGS).fit(*iris)


def test_draws_score_as_in_a_grid(iris, search):
    drawn = search.cv_results_["params"]
    assert len(drawn) == 8
    assert {type(params["reduce__n_components"]) for params in drawn} == {int}
    assert {params["reduce__n_components"] for params in drawn} <= {1, 2, 3}
    assert all(1e-5 <= params["model__tol"] <= 1e-3 + 1e-5 for params in drawn)
    assert len({type(params["scale"]) for params in drawn}) > 1
    grid = [{name: [value] for name, value in params.items()} for params in drawn]
    theirs = peer.GridSearchCV(PIPELINE, grid, cv=3).fit(*iris)
    for name, values in theirs.cv_results_.items():
        if "test" in name:
            np.testing.assert_array_equal(search.cv_results_[name], values)
    assert search.best_index_ == theirs.best_index_
    np.testing.assert_array_equal(search.predict(iris[0]), theirs.predict(iris[0]))
    assert search.study_.best_value == search.best_score_


def test_the_number_of_processes_does_not_matter(iris, search):
    again = OptunaSearchCV(PIPELINE, DRAWS, n_jobs=2, **SETTINGS).fit(*iris)
    np.testing.assert_array_equal(
        again.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"]
    )
    assert str(again.best_params_) == str(search.best_params_)


def test_it_draws_where_others_scored_well(iris):
    draws = {"model__C": loguniform(1e-6, 1.0)}
    search = OptunaSearchCV(PIPELINE, draws, n_iter=30, cv=2, random_state=0).fit(*iris)
    drawn = np.log10(search.cv_results_["param_model__C"].astype(float))
    assert drawn[15:].mean() > drawn[:10].mean()


def test_a_storage_goes_on_with_what_was_scored(iris, tmp_path):
    X, y = iris
    kept = {"storage": f"sqlite:///{tmp_path / 'study.db'}", "study_name": "iris"}
    settings = SETTINGS | kept | {"return_train_score": True, "scoring": ["accuracy", "f1_macro"]}
    settings["refit"] = "accuracy"
    first = OptunaSearchCV(PIPELINE, DRAWS, **settings | {"n_iter": 5}).fit(X, y)
    again = OptunaSearchCV(PIPELINE, DRAWS, **settings).fit(X, y)
    assert len(again.cv_results_["params"]) == 8
    for name, values in first.cv_results_.items():
        if name.startswith(("split", "mean", "std")):
            np.testing.assert_array_equal(again.cv_results_[name][:5], values)
    with pytest.raises(ValueError, match="differs in the data"):
        OptunaSearchCV(PIPELINE, DRAWS, **settings).fit(X + 1, y)
    with pytest.raises(ValueError, match="differs in the splits"):
        OptunaSearchCV(PIPELINE, DRAWS, **settings | {"cv": 2}).fit(X, y)


def test_draws_that_fail_are_told_to_optuna(iris):
    draws = {"reduce__n_components": [2, 99]}
    search = OptunaSearchCV(PIPELINE, draws, n_iter=6, cv=2, random_state=1)
    with (
        pytest.warns(UserWarning, match="non-finite"),
        pytest.warns(RuntimeWarning, match="fits failed"),
    ):
        search.fit(*iris)
    assert search.best_params_ == {"reduce__n_components": 2}
    states = {trial.state for trial in search.study_.trials}
    assert states == {optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.FAIL}


def test_a_timeout_lets_no_draw_begin(iris):
    search = OptunaSearchCV(PIPELINE, DRAWS, **SETTINGS | {"timeout": 1e-6, "n_iter": 1000})
    assert len(search.fit(*iris).cv_results_["params"]) == 4


@pytest.mark.parametrize(
    ("draws", "error", "message"),
    [
        ({}, ValueError, "nothing to draw"),
        ({"model__C": []}, ValueError, "'model__C' in param_distributions is empty"),
        ({"model__C": norm()}, TypeError, "scipy's uniform, loguniform or randint"),
        ({"model__C": 1.0}, TypeError, r"param_distributions\['model__C'\] is 1.0"),
    ],
)
def test_what_cannot_be_drawn_from_is_named(iris, draws, error, message):
    with pytest.raises(error, match=message):
        OptunaSearchCV(PIPELINE, draws).fit(*iris)


if hasattr(OptunaSearchCV, "set_callbacks"):  # since scikit-learn 1.9

    class Tells:
        """A callback that writes down which tasks begin and end."""

        def __init__(self):
            self.told = []

        def setup(self, estimator, context):
            self.told.append("setup")

        def teardown(self, estimator, context):
            self.told.append("teardown")

        def on_fit_task_begin(self, estimator, context, **kwargs):
            self.told.append(("begin", context.task_name))

        def on_fit_task_end(self, estimator, context, **kwargs):
            self.told.append(("end", context.task_name))

    def test_callbacks_are_told_of_each_fit(iris, search):
        told = OptunaSearchCV(PIPELINE, DRAWS, **SETTINGS)
        callback = Tells()
        told.set_callbacks(callback).fit(*iris)
        for name in ("mean_test_score", "params", "rank_test_score"):
            assert repr(told.cv_results_[name]) == repr(search.cv_results_[name])
        for event in ("begin", "end"):
            assert callback.told.count((event, "search")) == 1
            assert callback.told.count((event, "batch")) == 2
            assert callback.told.count((event, "candidate-split-evaluation")) == 8 * 3
        told.set_params(storage="sqlite://")
        with pytest.raises(ValueError, match="take storage=None"):
            told.fit(*iris)
