"""What early stopping follows."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import check_scoring, get_scorer, log_loss
from support.single_networks import MLPClassifier, MLPRegressor

SETTINGS = {
    "hidden_layer_sizes": (8,),
    "learning_rate": "constant",
    "learning_rate_init": 0.05,
    "max_iter": 15,
    "n_iter_no_change": 15,
    "early_stopping": True,
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(90, 3))


@pytest.fixture
def y(X):
    noise = np.random.default_rng(1).normal(size=90)
    return np.array(["no", "yes"])[(X[:, 0] + noise > 0).astype(int)]


SCORINGS = ["accuracy", "roc_auc", "neg_log_loss"]


@pytest.mark.parametrize("n_members", [1, 2])
@pytest.mark.parametrize("scoring", SCORINGS)
def test_a_scorer_scores_the_network_as_it_scores_the_estimator(X, y, scoring, n_members):
    clf = MLPClassifier(**SETTINGS, scoring=scoring, n_members=n_members)
    clf.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    assert clf.best_validation_score_ == max(clf.validation_scores_)
    assert len(pickle.dumps(clf)) > 0
    if n_members == 1:
        found = get_scorer(scoring)(clf, X[60:], y[60:])
        assert clf.best_validation_score_ == pytest.approx(found, rel=1e-5)


def test_numbers_are_scored_in_their_own_units(X):
    Y = 1e3 + 50 * np.column_stack([X[:, 0], X[:, 1] + X[:, 2]])
    for scoring in ("r2", "neg_mean_absolute_error"):
        reg = MLPRegressor(**SETTINGS, scoring=scoring)
        reg.fit(X[:60], Y[:60], X_val=X[60:], y_val=Y[60:])
        found = get_scorer(scoring)(reg, X[60:], Y[60:])
        assert reg.best_validation_score_ == pytest.approx(found, rel=1e-4)


def test_a_scorer_may_ask_for_the_score_of_the_estimator(X, y):
    clf = MLPClassifier(**SETTINGS)
    asks, knows = (
        clone(clf).set_params(scoring=scoring).fit(X, y).validation_scores_
        for scoring in (check_scoring(clf), "accuracy")
    )
    assert asks == knows
    reg = MLPRegressor(**SETTINGS, scoring=lambda model, X, y: model.score(X, y))
    reg.fit(X[:60], X[:60, 0], X_val=X[60:], y_val=X[60:, 0])
    assert reg.best_validation_score_ == pytest.approx(reg.score(X[60:], X[60:, 0]), rel=1e-5)


def test_the_loss_is_followed_by_default(X, y):
    clf = MLPClassifier(**SETTINGS).fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])
    found = log_loss(y[60:], clf.predict_proba(X[60:]))
    assert clf.best_validation_score_ == pytest.approx(-found, rel=1e-5)


@pytest.mark.parametrize("constant", [True, False], ids=["constant y_val", "one validation row"])
def test_a_regression_is_not_cut_short_where_r2_is_undefined(X, constant):
    y = 2 * X[:, 0] + X[:, 1]
    settings = SETTINGS | {"max_iter": 60, "n_iter_no_change": 10}
    rows = np.argsort(np.abs(y - y[0]))[: 5 if constant else 1]
    X_val, y_val = X[rows], np.full(len(rows), y[0])
    reg = MLPRegressor(**settings).fit(X, y, X_val=X_val, y_val=y_val)
    assert reg.score(X, y) > 0.9
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not constant:
            with pytest.raises(ValueError, match=r"scoring='r2' is nan on the 1 validation rows"):
                MLPRegressor(**settings, scoring="r2").fit(X, y, X_val=X_val, y_val=y_val)


def test_an_unknown_scoring_is_named(X, y):
    with pytest.raises(ValueError, match="charm"):
        MLPClassifier(**SETTINGS, scoring="charm").fit(X, y)


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine"])
def test_patience_waits_until_the_rate_has_come_down(X, schedule):
    y = np.random.default_rng(3).integers(0, 2, 90)  # noise: nothing improves for long
    settings = SETTINGS | {"learning_rate": schedule, "max_iter": 40, "n_iter_no_change": 2}
    clf = MLPClassifier(**settings).fit(X, y)
    assert 20 <= clf.n_iter_ < 40
    assert MLPClassifier(**settings | {"learning_rate": "constant"}).fit(X, y).n_iter_ < 20
