"""Many fits give what fits of their own give."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from support.single_networks import MLPClassifier
from support.small_boosters import BACKENDS

from sklearn_modern._fits.fit import Fit
from sklearn_modern._fits.many import fit_many
from sklearn_modern.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

GRID = [
    {"n_estimators": n_estimators, "learning_rate": rate, "max_leaf_nodes": leaves}
    for n_estimators in (2, 6, 4)
    for rate in (0.1, 0.3)
    for leaves in (4, 8)
]
APART = [
    {"early_stopping": True},
    {"max_bins": 16},
    {"class_weight": "balanced"},
    {"random_state": 1},
    {"min_samples_leaf": 5, "monotonic_cst": [1, 0, 0, 0]},
    {"warm_start": True},
]
each_backend = pytest.mark.parametrize("backend", BACKENDS)


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(150, 4))


@pytest.fixture
def y(X):
    return (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int) + (X[:, 3] > 1)


def assert_as_alone(estimator, fits):
    found = dict(fit_many(estimator, fits))
    assert sorted(found) == list(range(len(fits)))
    for position, fit in enumerate(fits):
        X, y = fit.data()
        together = found[position]
        model = clone(estimator).set_params(**fit.params)
        if isinstance(together, Exception):
            with pytest.raises(type(together), match=re.escape(str(together))):
                model.fit(X, y, **fit.fit_params)
            continue
        alone = model.fit(X, y, **fit.fit_params)
        assert str(together.get_params()) == str(alone.get_params())
        assert vars(together).keys() == vars(alone).keys()
        assert together.n_estimators_ == alone.n_estimators_
        predict = "predict_proba" if hasattr(alone, "predict_proba") else "predict"
        # CatBoost's models are shortened as text, in which the last digit is lost.
        rtol = 1e-13 if alone.backend_ == "catboost" else 0
        predicted, expected = getattr(together, predict)(X), getattr(alone, predict)(X)
        np.testing.assert_allclose(predicted, expected, rtol=rtol)
        shares = alone.feature_importances_
        np.testing.assert_allclose(together.feature_importances_, shares, rtol=rtol)


@each_backend
@pytest.mark.parametrize("kind", [GradientBoostingClassifier, GradientBoostingRegressor])
def test_boosters_that_share_are_those_that_do_not(X, y, backend, kind):
    some = {} if backend == "hist" else {"subsample": 0.8}
    model = kind(backend=backend, n_estimators=4, max_features=0.7, random_state=0, n_jobs=1)
    model.set_params(**some)
    apart = [params for params in APART if set(params) <= set(model.get_params())]
    weight = np.linspace(0.5, 2, 120)
    weight[:5] = 0
    fits = [
        Fit(params, X, y, rows=rows, fit_params={"sample_weight": weight})
        for rows in (np.arange(120), np.arange(30, 150))
        for params in [*GRID, *apart]
    ]
    assert_as_alone(model, fits)
    frame = pd.DataFrame(X, columns=list("abcd")).assign(e=np.where(X[:, 0] > 0, "yes", "no"))
    columns = np.array([0, 2, 4])
    assert_as_alone(model, [Fit(params, frame, y, columns=columns) for params in GRID])


@each_backend
def test_a_failing_fit_yields_what_it_raises(X, y, backend):
    model = GradientBoostingClassifier(backend=backend, n_estimators=2, random_state=0, n_jobs=1)
    wrong = [{"n_estimators": 0}, {"nope": 1}, {"monotonic_cst": [1]}, {"backend_params": {"a": 1}}]
    fits = [Fit(params, X, y) for params in [{}, *wrong, {"learning_rate": 0.3}]]
    fits.append(Fit({}, X, np.zeros(150)))
    found = dict(fit_many(model, fits))
    assert [isinstance(found[i], Exception) for i in range(7)] == [False, *[True] * 4, False, True]
    assert_as_alone(model, [fit for fit in fits if "nope" not in fit.params])


def test_long_parameters_are_told_apart():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 1200))
    y = X[:, 600] + 0.1 * rng.normal(size=60)
    up, down = np.zeros(1200, dtype=int), np.zeros(1200, dtype=int)
    up[600], down[600] = 1, -1
    model = GradientBoostingRegressor(n_estimators=3, min_samples_leaf=5, random_state=0, n_jobs=1)
    assert_as_alone(model, [Fit({"monotonic_cst": cst}, X, y) for cst in (up, down)])


@each_backend
def test_without_a_seed_each_fit_draws_its_own(X, y, backend):
    model = GradientBoostingClassifier(backend=backend, n_estimators=3, max_features=0.5, n_jobs=1)
    found = dict(fit_many(model, [Fit({}, X, y), Fit({}, X, y)]))
    assert found[0].random_state is None
    assert (found[0].predict_proba(X) != found[1].predict_proba(X)).any()


def test_trees_are_grown_once(X, y, monkeypatch):
    from sklearn_modern.ensemble.engines.xgboost import XGBoost

    calls = []

    class Counting(XGBoost):
        def prepare(self, rows):
            calls.append("prepare")
            return super().prepare(rows)

        def fit(self, rows, *args, **kwargs):
            calls.append("fit")
            super().fit(rows, *args, **kwargs)

    monkeypatch.setattr("sklearn_modern.ensemble.engines.xgboost.XGBoost", Counting)
    model = GradientBoostingClassifier(backend="xgboost", random_state=0, n_jobs=1)
    assert len(dict(fit_many(model, [Fit(params, X, y) for params in GRID]))) == len(GRID)
    assert calls == ["prepare", *["fit"] * 4]


def test_other_estimators_are_fitted_one_by_one(X, y):
    fits = [Fit({"C": C}, X, y, columns=[0, 1]) for C in (0.1, 1.0, -1.0)]
    found = dict(fit_many(LogisticRegression(), fits))
    assert isinstance(found[2], ValueError)
    for C, fitted in zip((0.1, 1.0), (found[0], found[1]), strict=True):
        expected = LogisticRegression(C=C).fit(X[:, :2], y)
        np.testing.assert_array_equal(fitted.coef_, expected.coef_)


@pytest.mark.parametrize("estimator", [LogisticRegression(), MLPClassifier()])
def test_fits_are_read_twice(X, y, estimator):
    with pytest.raises(TypeError, match=r"fits must be a sequence of Fit, .* not .*generator"):
        list(fit_many(estimator, (Fit({}, X, y) for _ in range(2))))
    with pytest.raises(TypeError, match="but it has {}"):
        list(fit_many(estimator, [Fit({}, X, y), {}]))


@each_backend
@pytest.mark.parametrize("early_stopping", [False, True])
def test_rows_that_are_not_there_fail_their_own_fit_only(X, y, backend, early_stopping):
    model = GradientBoostingClassifier(
        backend=backend, n_estimators=2, early_stopping=early_stopping, random_state=0, n_jobs=1
    )
    fits = [Fit({}, X, y, rows=np.array([0, 999])), Fit({}, X, y)]
    found = dict(fit_many(model, fits))
    assert isinstance(found[0], IndexError)
    assert found[1].predict(X).shape == (150,)


def test_an_interrupted_fit_is_no_fit(X, y, monkeypatch):
    from sklearn_modern.ensemble.engines.xgboost import XGBoost

    def interrupted(self, *args, **kwargs):
        raise KeyboardInterrupt

    model = GradientBoostingClassifier(backend="xgboost", n_estimators=2, n_jobs=1).fit(X, y)
    monkeypatch.setattr(XGBoost, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)
