"""Several outputs are separate fits behind one estimator: one body over every backend."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from support.small_boosters import BACKENDS, SYMMETRIC, boosters, normal_rows

from sklearn_modern._fits.many import Fit

each_backend = pytest.mark.parametrize("backend", BACKENDS)

classifier, regressor = boosters(n_estimators=6)


def targets(X):
    """Columns of different scales, the second of which is far from zero."""
    noise = np.random.default_rng(1).normal(size=(len(X), 3)) / 4
    return np.column_stack([X[:, 0], 1e6 + X[:, 1] * X[:, 2], 10 * np.sin(X[:, 3])]) + noise


@pytest.fixture
def X():
    return normal_rows()


@pytest.fixture
def Y(X):
    return targets(X)


def assert_as_separate(reg, X, Y, **given):
    """The same numbers, to the bit, as one fit a column."""
    together = clone(reg).fit(X, Y, **given)
    val = given.pop("y_val", None)
    for i, y in enumerate(Y.T):
        own = {} if val is None else {"y_val": val[:, i]}
        alone = clone(reg).fit(X, y, **given, **own)
        np.testing.assert_array_equal(together.predict(X)[:, i], alone.predict(X))
        assert together.n_estimators_[i] == alone.n_estimators_
        stages = list(together.staged_predict(X))
        for both, one in zip(stages, alone.staged_predict(X), strict=False):
            np.testing.assert_array_equal(both[:, i], one)
        np.testing.assert_allclose(stages[-1][:, i], alone.predict(X), rtol=1e-6)
        if val is not None:
            assert together.validation_scores_[i] == alone.validation_scores_
            assert together.train_scores_[i] == alone.train_scores_
    return together


@settings(max_examples=8, deadline=None)
@given(
    backend=st.sampled_from(BACKENDS),
    loss=st.sampled_from(["squared_error", "absolute_error", "quantile", "poisson"]),
    max_features=st.sampled_from([1.0, 0.5]),
    weighted=st.booleans(),
    stops=st.booleans(),
    n_outputs=st.integers(2, 3),
    seed=st.integers(0, 100),
)
def test_outputs_are_separate_fits(backend, loss, max_features, weighted, stops, n_outputs, seed):
    X = normal_rows()
    Y = targets(X)[:, :n_outputs]
    Y = np.exp(Y - Y.mean(axis=0)) if loss == "poisson" else Y
    reg = regressor(
        backend,
        loss=loss,
        quantile=0.7 if loss == "quantile" else None,
        max_features=max_features,
        random_state=seed,
        n_iter_no_change=2,
        learning_rate=0.5,
    )
    given = {"sample_weight": np.arange(120) % 4} if weighted else {}
    if stops:
        given |= {"X_val": X[120:], "y_val": Y[120:]}
    assert_as_separate(reg, X[:120], Y[:120], **given)


@each_backend
def test_what_else_there_is_has_a_place_for_each_output(backend, X, Y):
    reg = regressor(backend, **SYMMETRIC.get(backend, {})).fit(X, Y)
    assert reg.predict(X).shape == (200, 3)
    assert reg.score(X, Y) > 0.3
    assert len(reg.booster_) == 3
    loaded = pickle.loads(pickle.dumps(reg))
    np.testing.assert_array_equal(loaded.predict(X), reg.predict(X))
    alone = [clone(reg).fit(X, y) for y in Y.T]
    shares = np.mean([one.feature_importances_ for one in alone], axis=0)
    np.testing.assert_allclose(reg.feature_importances_, shares)
    if backend == "hist":
        return
    found = reg.predict_contributions(X)
    assert found.shape == (200, 3, 5)
    np.testing.assert_allclose(found.sum(axis=2), reg.predict(X), rtol=1e-5, atol=1e-5)
    leaves = reg.apply(X)
    assert leaves.shape == (200, 6, 3)
    np.testing.assert_array_equal(leaves[:, :, 1], alone[1].apply(X))


@each_backend
def test_an_output_may_stop_before_another(backend, X, Y):
    Y[:, 1] = np.random.default_rng(2).normal(size=200)
    reg = regressor(backend, learning_rate=0.3, n_estimators=30, n_iter_no_change=3)
    reg.fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:])
    first, noise, _ = reg.n_estimators_
    assert noise < first
    if backend != "hist":
        leaves = reg.apply(X)
        assert (leaves[:, noise:first, 1] == -1).all()
        assert (leaves[:, :first, 0] >= 0).all()
    assert len(list(reg.staged_predict(X))) == max(reg.n_estimators_)
    reg.set_params(early_stopping=True, random_state=0).fit(X, Y)  # of rows that are set aside once
    assert len({len(engine.predict(X)) for engine in reg._engine.outputs}) == 1
    assert len(reg.validation_scores_) == 3


@each_backend
def test_a_warm_start_goes_on_for_every_output(backend, X, Y):
    reg = regressor(backend, warm_start=True, n_estimators=3).fit(X, Y)
    reg.set_params(n_estimators=6).fit(X, Y)
    assert reg.n_estimators_ == [6, 6, 6]
    whole = regressor(backend).fit(X, Y)
    np.testing.assert_allclose(reg.predict(X), whole.predict(X), rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="y has 2 outputs, but the y of the fit has 3"):
        reg.fit(X, Y[:, :2])
    with pytest.raises(ValueError, match="y has 1 outputs, but the y of the fit has 3"):
        reg.fit(X, Y[:, 0])
    with pytest.raises(ValueError, match="n_estimators=2 is less than the 6"):
        reg.set_params(n_estimators=2).fit(X, Y)


@each_backend
def test_wrong_outputs(backend, X, Y):
    reg = regressor(backend)
    with pytest.raises(ValueError, match="y has 2 outputs, but the y of the fit has 3"):
        reg.fit(X, Y, X_val=X, y_val=Y[:, :2])
    Y[:, 2] = 0
    with pytest.raises(ValueError, match="whose sum is positive"):
        reg.set_params(loss="poisson").fit(X, np.abs(Y))
    with pytest.raises(ValueError, match="y has 2 columns.*MultiOutputClassifier"):
        classifier(backend).fit(X, Y[:, :2] > 0)


@each_backend
def test_a_search_over_several_outputs(backend, X, Y):
    grid = {"n_estimators": [2, 6], "learning_rate": [0.1, 0.3]}
    search = GridSearchCV(regressor(backend), grid, cv=2, error_score="raise")
    frame = pd.DataFrame(Y, columns=["a", "b", "c"])
    assert search.fit(X, frame).best_params_ == {"n_estimators": 6, "learning_rate": 0.3}
    reg = regressor(backend)
    [(_, found)] = reg.fit_many([Fit({}, X, Y)])
    np.testing.assert_array_equal(found.predict(X), reg.fit(X, Y).predict(X))


def test_an_interrupted_fit_keeps_outputs_only_if_all_have_trees(X, Y, monkeypatch):
    from sklearn_modern.ensemble.engines.hist import Hist

    fit, calls = Hist.fit, []

    def fitting(engine, *args, **kwargs):
        fit(engine, *args, **kwargs)
        calls.append(1)
        if len(calls) == stops_at:
            raise KeyboardInterrupt

    monkeypatch.setattr(Hist, "fit", fitting)
    reg, stops_at = regressor("hist"), 2
    with pytest.raises(KeyboardInterrupt):
        reg.fit(X, Y)
    assert not hasattr(reg, "_engine")
    calls, stops_at = [], 3
    with pytest.warns(ConvergenceWarning, match="interrupted after 6 iterations"):
        reg.fit(X, Y)
    assert reg.predict(X).shape == (200, 3)
