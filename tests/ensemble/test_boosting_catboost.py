"""What is CatBoost's own."""

import os
import signal
import sys
import threading

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from support.small_boosters import SYMMETRIC, WHOLE, bent, normal_rows

from sklearn_modern.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn_modern.ensemble.engines.catboost import _Watcher

SMALL = WHOLE | {"backend": "catboost", "n_estimators": 5, "n_jobs": 1, "random_state": 0}


def regressor(**settings):
    return GradientBoostingRegressor(**SMALL | {"min_samples_leaf": 5} | settings)


X = pytest.fixture(normal_rows)
y = pytest.fixture(bent)


def test_splits_are_noisy_unless_that_is_turned_off(X, y):
    def fits(**settings):
        return [regressor(**settings, random_state=seed).fit(X, y).predict(X) for seed in (0, 0, 1)]

    noisy, plain = fits(), fits(backend_params={"random_strength": 0})
    np.testing.assert_array_equal(noisy[0], noisy[1])
    assert (noisy[0] != noisy[2]).any()
    np.testing.assert_array_equal(plain[0], plain[2])


@pytest.mark.parametrize("factor", [1e-300, 10.0])
def test_noise_does_not_depend_on_the_unit_of_weights(factor, X, y):
    weight = np.random.default_rng(3).random(200) + 0.1
    found = [regressor().fit(X, y, weight * by).predict(X) for by in (1, factor)]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-6)


def test_symmetric_trees_are_asked_for_without_limits_that_they_have_not(X, y):
    own = SYMMETRIC["catboost"]
    deep, flat = (regressor(**own, max_depth=depth).fit(X, y) for depth in (None, 3))
    assert set(deep.booster_.get_tree_leaf_counts()) == {2**6}
    assert set(flat.booster_.get_tree_leaf_counts()) == {2**3}
    for limit in ({"max_leaf_nodes": 8}, {"min_samples_leaf": 2}):
        with pytest.raises(ValueError, match=r"symmetric trees limit neither.*max_leaf_nodes=None"):
            regressor(**own | limit).fit(X, y)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"grow_policy": "Depthwise"}, "grow_policy='Depthwise'; it is one of .*'Lossguide'"),
        ({"langevin": True}, "'langevin'.*change earlier trees"),
        ({"model_shrink_rate": 0.1}, "'model_shrink_rate'.*change earlier trees"),
        ({"train_dir": "here"}, "'train_dir'.*no say in this fit"),
        ({"feature_border_type": "nonsense"}, "CatBoost cannot fit this.*nonsense"),
    ],
)
def test_parameters_that_it_cannot_have(params, message, X, y):
    with pytest.raises(ValueError, match=message):
        regressor(backend_params=params).fit(X, y)


def test_symmetric_trees_where_nothing_can_be_split(y):
    X = np.ones((200, 2))
    reg = regressor(**SYMMETRIC["catboost"]).fit(X, y)
    np.testing.assert_allclose(reg.predict(X), y.mean(), rtol=1e-6)
    np.testing.assert_allclose(reg.predict(5 * X), y.mean(), rtol=1e-6)
    assert not reg.feature_importances_.any()


def test_contributions_of_other_trees_are_refused(X, y):
    """CatBoost's own do not sum to the prediction there."""
    with pytest.raises(ValueError, match="predict_contributions.*symmetric trees.*'xgboost'"):
        regressor().fit(X, y).predict_contributions(X)


def test_several_classes_without_limits_end(X, y):
    """CatBoost splits on where there is nothing to gain, and used to crash."""
    clf = GradientBoostingClassifier(**SMALL | {"n_estimators": 1, "max_leaf_nodes": None})
    levels = np.digitize(y, [-0.5, 0.5])
    clf.set_params(min_samples_leaf=1, learning_rate=1.0).fit(np.round(X), levels)
    assert clf.score(np.round(X), levels) > 0.6


def test_steep_steps_of_several_classes(X, y):
    """Without any penalty CatBoost could not solve its equations."""
    clf = GradientBoostingClassifier(**SMALL | {"n_estimators": 30, "learning_rate": 3.0})
    assert clf.fit(X, np.digitize(y, [-0.5, 0.5])).n_estimators_ == 30


def test_a_warm_start_draws_other_rows(X, y):
    """At a rate that leaves the residuals as they are, two trees differ by their rows only."""
    reg = regressor(subsample=0.5, learning_rate=1e-4, warm_start=True, n_estimators=1)
    reg.set_params(backend_params={"random_strength": 0}).fit(X, y)
    leaves = reg.set_params(n_estimators=2).fit(X, y).apply(X)
    assert (leaves[:, 0] != leaves[:, 1]).any()


def test_scores_of_categories_and_constraints_are_those_of_the_model(X, y):
    """Although CatBoost learns from other numbers in the place of categories."""
    frame = pd.DataFrame(X[:, :3], columns=list("abc")).assign(d=np.round(X[:, 3] * 4).astype(str))
    for own in ({}, SYMMETRIC["catboost"] | {"monotonic_cst": {"a": 1}}):
        reg = regressor(**own).fit(frame[:150], y[:150], X_val=frame[150:], y_val=y[150:])
        for scores, part in (
            (reg.train_scores_, slice(150)),
            (reg.validation_scores_, slice(150, None)),
        ):
            stages = reg.staged_predict(frame[part])
            found = [-np.mean((y[part] - stage) ** 2) / 2 for stage in stages]
            np.testing.assert_allclose(scores[: len(found)], found, rtol=1e-6)


def test_nothing_is_written_or_printed(X, y, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    regressor(early_stopping=True).fit(X, y)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_an_error_of_the_score_comes_out_as_it_is(X, y):
    def score(estimator, X, y):
        raise ZeroDivisionError("mine")

    reg = regressor(warm_start=True).fit(X, y)
    with pytest.raises(ZeroDivisionError, match="mine"):
        reg.set_params(early_stopping=True, scoring=score, n_estimators=9).fit(X, y)
    assert reg.n_estimators_ == 5


def test_ctrl_c_from_outside(X, y, monkeypatch):
    reg = regressor(n_estimators=20_000)  # some seconds, if nothing ends it
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    after = _Watcher.after_iteration

    def starting(watcher, info):
        if info.iteration == 1:
            timer.start()
        return after(watcher, info)

    monkeypatch.setattr(_Watcher, "after_iteration", starting)
    with pytest.warns(ConvergenceWarning, match="interrupted after"):
        reg.fit(X, y)
    timer.join()
    assert reg.score(X, y) > 0.2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_the_library(X, y, monkeypatch):
    monkeypatch.setitem(sys.modules, "catboost", None)
    with pytest.raises(ModuleNotFoundError, match=r"catboost.*sklearn-modern\[catboost\]"):
        regressor().fit(X, y)
