"""Searches over networks find what separate fits find."""

import numpy as np
import pytest
from joblib import parallel_config
from sklearn import model_selection as peer
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from support.single_networks import MLPClassifier

from sklearn_modern._neural import packs
from sklearn_modern.feature_selection import SequentialFeatureSelector
from sklearn_modern.model_selection import GridSearchCV, NestedCV
from sklearn_modern.training.member_steps import FusedSteps

SMALL = {
    "hidden_layer_sizes": (6,),
    "batch_size": 16,
    "max_iter": 3,
    "device": "cpu",
    "precision": "float64",
    "random_state": 0,
}
GRID = {"alpha": [0.1, 1.0], "dropout": [0.0, 0.2], "learning_rate_init": [0.003, 0.01]}


@pytest.fixture
def sizes(monkeypatch):
    """The number of nets of each training of several."""
    sizes, train_together = [], packs.train_together

    def counting(pack, *args, **kwargs):
        sizes.append(len(pack))
        return train_together(pack, *args, **kwargs)

    monkeypatch.setattr(packs, "train_together", counting)
    return sizes


@pytest.fixture
def data():
    X = np.random.default_rng(0).normal(size=(64, 4))
    return X, np.where(X[:, 0] + X[:, 1] ** 2 > 1, "yes", "no")


def pipeline(last):
    return Pipeline([("scaler", StandardScaler()), ("last", last)])


def assert_found_alike(ours, theirs):
    for name, expected in theirs.cv_results_.items():
        if name.endswith("score"):
            np.testing.assert_allclose(ours.cv_results_[name], expected, atol=1e-9, err_msg=name)
    assert ours.best_params_ == theirs.best_params_


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_all_splits_and_candidates_train_together(data, sizes, n_jobs):
    X, y = data
    settings = {"cv": 3, "return_train_score": True, "scoring": ["accuracy", "neg_log_loss"]}
    settings["refit"] = "neg_log_loss"
    weight = np.random.default_rng(1).uniform(0.5, 2, size=64)
    clf = MLPClassifier(**SMALL)
    with parallel_config("threading", n_jobs=n_jobs):
        ours = GridSearchCV(clf, GRID, **settings).fit(X, y, sample_weight=weight)
    theirs = peer.GridSearchCV(clf, GRID, **settings).fit(X, y, sample_weight=weight)
    assert_found_alike(ours, theirs)
    assert sizes == ([24] if n_jobs == 1 else [12, 12])


def test_last_steps_of_pipelines_train_together(data, sizes):
    X, y = data
    model = pipeline(MLPClassifier(**SMALL))
    grid = {f"last__{name}": values for name, values in GRID.items()}
    grid = [
        grid | {"scaler__with_std": [True, False]},
        {"last": [LogisticRegression()], "last__C": [0.1, 1.0]},
        {"scaler": ["passthrough"], "last__alpha": [0.0, 0.5]},
    ]
    ours = GridSearchCV(model, grid, cv=3).fit(X, y)
    assert_found_alike(ours, peer.GridSearchCV(model, grid, cv=3).fit(X, y))
    assert sizes == [54]


def test_a_fit_that_fails_leaves_the_others(data, sizes):
    X, y = data
    clf = MLPClassifier(**SMALL)
    grid = {"alpha": [0.1, -1.0, 1.0], "class_weight": [None, {"maybe": 1.0}]}
    with (
        pytest.warns(FitFailedWarning, match="8 fits failed out of a total of 12"),
        pytest.warns(UserWarning, match="scores are non-finite"),
    ):
        ours = GridSearchCV(clf, grid, cv=2).fit(X, y)
    assert np.isnan(ours.cv_results_["mean_test_score"]).tolist() == [
        params["alpha"] < 0 or params["class_weight"] is not None
        for params in ours.cv_results_["params"]
    ]
    assert sizes == [4]


def test_nested_cross_validation_trains_together(data, sizes, monkeypatch):
    X, y = data
    models = {
        "mlp": (MLPClassifier(**SMALL), {"alpha": [0.1, 1.0]}),
        "linear": LogisticRegression(),
    }
    settings = {"outer_cv": 3, "inner_cv": 2, "random_state": 0}
    together = NestedCV(models, **settings).fit(X, y)
    assert sizes == [12, 3]
    monkeypatch.setenv("SKLEARN_MODERN_PACK_SIZE", "1")
    apart = NestedCV(models, **settings).fit(X, y)
    assert sizes == [12, 3]
    one, other = (nested.scores_frame().drop(columns="seconds") for nested in (together, apart))
    np.testing.assert_allclose(one.select_dtypes(float), other.select_dtypes(float), atol=1e-9)
    assert together.best_params_ == apart.best_params_
    first, second = together.predictions_, apart.predictions_
    assert (first["prediction"] == second["prediction"]).all()


def test_what_was_through_when_a_search_was_interrupted_is_not_fitted_again(
    data, sizes, monkeypatch, tmp_path
):
    steps, step = [], FusedSteps.step

    def interrupted(self):
        steps.append(1)
        if len(steps) == 4:  # the last of the second epoch
            raise KeyboardInterrupt
        step(self)

    grid = {"last__max_iter": [1, 2], "last__alpha": [0.1, 1.0]}
    search = NestedCV((pipeline(MLPClassifier(**SMALL)), grid), outer_cv=3, inner_cv=2)
    search.set_params(random_state=0, checkpoint=tmp_path / "nested")
    monkeypatch.setattr(FusedSteps, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        search.fit(*data)
    search.fit(*data)
    assert sizes == [24, 12, 3]
    whole = clone(search).set_params(checkpoint=None).fit(*data)
    assert search.best_params_ == whole.best_params_
    one, other = (nested.scores_frame().drop(columns="seconds") for nested in (search, whole))
    np.testing.assert_allclose(one.select_dtypes(float), other.select_dtypes(float), atol=1e-9)


def test_races_train_together(data, sizes):
    X, y = data
    clf = MLPClassifier(**SMALL)
    whole = GridSearchCV(clf, GRID, cv=5).fit(X, y)
    raced = GridSearchCV(clf, GRID, cv=5, racing="exact", burn_in=2).fit(X, y)
    assert raced.best_params_ == whole.best_params_
    assert sizes[:2] == [40, 16]


def test_feature_selection_trains_together(data, sizes):
    X, y = data
    selector = SequentialFeatureSelector(MLPClassifier(**SMALL), n_features_to_select=2, cv=2)
    selector.fit(X, y)
    assert selector.strategy_ == "shared"
    assert sizes == [4, 4, 3, 3]
