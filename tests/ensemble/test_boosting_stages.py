"""Boosters show their stages, and go on where they stopped: one body over every backend."""

import pickle

import numpy as np
import pytest
from sklearn.metrics import log_loss
from support.small_boosters import BACKENDS, boosters, diabetes, divided

pytestmark = pytest.mark.parametrize("backend", BACKENDS)

classifier, regressor = boosters(n_estimators=60, n_iter_no_change=5)
data = pytest.fixture(diabetes, scope="module")
parts = pytest.fixture(divided)


def test_stages_are_fits_of_fewer_trees(backend, parts):
    X, X_val, y, target = parts
    clf = classifier(backend, n_estimators=6).fit(X, y[:300])
    stages = list(clf.staged_predict_proba(X_val))
    assert len(stages) == clf.n_estimators_ == 6
    np.testing.assert_allclose(stages[-1], clf.predict_proba(X_val), rtol=1e-5)
    fewer = classifier(backend, n_estimators=3).fit(X, y[:300])
    np.testing.assert_allclose(stages[2], fewer.predict_proba(X_val), rtol=1e-5)
    labels = list(clf.staged_predict(X_val))
    np.testing.assert_array_equal(labels[2], fewer.predict(X_val))
    np.testing.assert_array_equal(labels[-1], clf.predict(X_val))
    reg = regressor(backend, n_estimators=6).fit(X, target[:300])
    stages = list(reg.staged_predict(X_val))
    fewer = regressor(backend, n_estimators=3).fit(X, target[:300])
    np.testing.assert_allclose(stages[2], fewer.predict(X_val), rtol=1e-5)
    np.testing.assert_allclose(stages[-1], reg.predict(X_val), rtol=1e-5)


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_a_warm_start_equals_one_fit(backend, kind, parts):
    X, X_val, y, target = parts
    if backend == "catboost":  # which of two equal splits it takes depends on rounding
        X_val = X
    make, y = (classifier, y) if kind == "classes" else (regressor, target)
    predict = "predict_proba" if kind == "classes" else "predict"
    whole = make(backend, n_estimators=8).fit(X, y[:300])
    model = make(backend, n_estimators=3, warm_start=True).fit(X, y[:300])
    model.set_params(n_estimators=8).fit(X, y[:300])
    assert model.n_estimators_ == 8
    expected = getattr(whole, predict)(X_val)
    np.testing.assert_allclose(getattr(model, predict)(X_val), expected, rtol=1e-4)
    before = getattr(model, predict)(X_val)
    model.fit(X, y[:300])
    np.testing.assert_array_equal(getattr(model, predict)(X_val), before)
    with pytest.raises(ValueError, match="n_estimators=2"):
        model.set_params(n_estimators=2).fit(X, y[:300])
    model.set_params(warm_start=False).fit(X, y[:300])
    assert model.n_estimators_ == 2


def test_a_warm_start_needs_the_same_data(backend, parts):
    X, _, y, _ = parts
    clf = classifier(backend, n_estimators=3, warm_start=True).fit(X, y[:300])
    clf.set_params(n_estimators=5)
    with pytest.raises(ValueError, match="features"):
        clf.fit(X[:, :2], y[:300])
    with pytest.raises(ValueError, match="not among the classes"):
        clf.fit(X, np.full(300, "new"))
    here = y[:300] != "mid"
    clf.fit(X[here], y[:300][here])
    assert clf.n_estimators_ == 5
    assert clf.predict_proba(X).shape == (300, 3)
    clf.set_params(backend="hist" if backend != "hist" else "xgboost")
    with pytest.raises(ValueError, match="backend"):
        clf.fit(X, y[:300])


def test_a_warm_start_goes_on_with_other_parameters(backend, parts):
    X, _, _, y = parts
    reg = regressor(backend, n_estimators=3, warm_start=True).fit(X, y[:300])
    kept = list(reg.staged_predict(X))
    stages = []
    for rate in (0.1, 1e-6):
        model = pickle.loads(pickle.dumps(reg)).set_params(n_estimators=6, learning_rate=rate)
        stages.append(list(model.fit(X, y[:300]).staged_predict(X)))
    np.testing.assert_allclose(stages[0][2], kept[-1], rtol=1e-5)
    np.testing.assert_allclose(stages[1][-1], kept[-1], rtol=1e-5)
    assert (np.abs(stages[0][-1] - kept[-1]) > 0.01).any()


def test_a_warm_start_may_stop_again(backend, parts):
    X, X_val, y, _ = parts
    clf = classifier(backend, warm_start=True, n_estimators=8).fit(X, y[:300])
    kept = list(clf.staged_predict_proba(X_val))
    clf.set_params(n_estimators=40).fit(X, y[:300], X_val=X_val, y_val=y[300:])
    assert clf.n_estimators_ == 8 + np.argmax(clf.validation_scores_[7:])
    stages = list(clf.staged_predict_proba(X_val))
    np.testing.assert_allclose(stages[7], kept[-1], rtol=1e-4)
    scores = [-log_loss(y[300:], stage) for stage in stages]
    np.testing.assert_allclose(clf.validation_scores_[: len(scores)], scores, rtol=1e-5)
    clf.set_params(n_estimators=clf.n_estimators_)
    clf.fit(X, y[:300], X_val=X_val, y_val=y[300:])
    assert clf.n_estimators_ == clf.n_estimators
    np.testing.assert_allclose(clf.validation_scores_, scores, rtol=1e-5)


@pytest.mark.parametrize("stopped", [True, False])
def test_a_warm_start_remembers_the_best_score(backend, stopped, parts):
    X, X_val, _, y = parts
    given = {"X": X, "y": y[:300], "X_val": X_val, "y_val": y[300:]}
    settings = {"learning_rate": 0.3, "n_iter_no_change": 6}
    whole = regressor(backend, **settings).fit(**given)
    assert whole.n_estimators_ < len(whole.validation_scores_) < 60
    first = 60 if stopped else whole.n_estimators_ + 3  # when it has not waited for long enough
    reg = regressor(backend, **settings, warm_start=True, n_estimators=first).fit(**given)
    kept, scores = reg.predict(X), reg.validation_scores_
    assert len(scores) == whole.n_estimators_ + (6 if stopped else 3)
    reg.set_params(n_estimators=60).fit(**given)
    assert reg.n_estimators_ == whole.n_estimators_
    np.testing.assert_array_equal(reg.predict(X), kept)
    assert len(reg.validation_scores_) == len(reg.train_scores_) == reg.n_estimators_ + 6
    best = reg.n_estimators_
    np.testing.assert_allclose(reg.validation_scores_[:best], scores[:best], rtol=1e-5)
    np.testing.assert_allclose(reg.train_scores_[:best], whole.train_scores_[:best], rtol=1e-5)


def test_a_warm_start_has_waited_already(backend, parts):
    X, X_val, _, y = parts
    given = {"X": X, "y": y[:300], "X_val": X_val, "y_val": y[300:]}
    settings = {"tol": 10.0, "n_iter_no_change": 4, "warm_start": True}  # all gains are too small
    reg = regressor(backend, **settings).fit(**given)
    assert reg.n_estimators_ == len(reg.validation_scores_) == 5
    reg.fit(**given)
    assert reg.n_estimators_ == len(reg.validation_scores_) == 5


def test_a_warm_start_sets_the_same_rows_aside(backend, parts):
    X, _, _, y = parts
    settings = {"random_state": None, "early_stopping": True, "warm_start": True}
    reg = regressor(backend, **settings, n_estimators=4).fit(X, y[:300])
    scores = reg.validation_scores_
    reg.set_params(n_estimators=6).fit(X, y[:300])
    np.testing.assert_allclose(reg.validation_scores_[:4], scores, rtol=1e-5)
    other = reg.set_params(warm_start=False).fit(X, y[:300]).validation_scores_[:4]
    assert not np.allclose(other, scores, rtol=1e-3)


def test_a_warm_start_after_stopping_goes_on(backend, parts):
    X, X_val, y, _ = parts
    clf = classifier(backend, warm_start=True, learning_rate=0.3)
    kept = clf.fit(X, y[:300], X_val=X_val, y_val=y[300:]).n_estimators_
    clf.set_params(n_estimators=kept + 3).fit(X, y[:300])
    assert clf.n_estimators_ == kept + 3
    whole = classifier(backend, learning_rate=0.3, n_estimators=kept + 3).fit(X, y[:300])
    if backend == "catboost":  # which of two equal splits it takes depends on rounding
        X_val = X
    np.testing.assert_allclose(clf.predict_proba(X_val), whole.predict_proba(X_val), rtol=1e-3)
