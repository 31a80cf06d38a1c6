"""Pipelines that share their first steps give what separate fits give."""

from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.utils import check_random_state
from support.random_pipelines import (
    WIDE,
    ScalesInPlace,
    chosen,
    halved_in_place,
    many_fits,
    weighed,
)

from sklearn_modern._core.same import key
from sklearn_modern._core.scikit_learn import safe_indexing
from sklearn_modern._fits.fit import Fit
from sklearn_modern._fits.many import fit_many
from sklearn_modern.ensemble import GradientBoostingRegressor


class CountedScaler(StandardScaler):
    """Counts the fits of all scalers."""

    fits = 0

    def fit(self, X, y=None, sample_weight=None):
        CountedScaler.fits += 1
        return super().fit(X, y, sample_weight)


class Repeats(Pipeline):
    """Hands on other rows than it gets, as resampling does."""

    def fit(self, X, y=None, **params):
        self.repeated_ = True
        return super().fit(np.r_[X, X], np.r_[y, y], **params)


def counted(estimator, fits):
    """Fit many, and count the fits of scalers."""
    CountedScaler.fits = 0
    return dict(fit_many(estimator, fits)), CountedScaler.fits


def result(fitted, X):
    """All that a fitted model has learned and predicts, or what was raised."""
    if isinstance(fitted, Exception):
        return type(fitted), str(fitted)
    try:
        method = fitted.predict if hasattr(fitted, "predict") else fitted.transform
        return key(fitted), key(method(deepcopy(X)))
    except Exception as error:
        return type(error), str(error)


def alone(estimator, fit):
    """The result of a separate fit, of copies of everything."""
    X, y, params = deepcopy((fit.X, fit.y, fit.params))
    if fit.rows is not None:
        X, y = safe_indexing(X, fit.rows), safe_indexing(y, fit.rows)
    try:
        model = clone(estimator).set_params(**params)
        return result(model.fit(X, y, **deepcopy(fit.fit_params)), fit.X)
    except Exception as error:
        return result(error, fit.X)


def assert_as_alone(estimator, fits):
    before = key([(fit.X, fit.y, fit.params, fit.fit_params) for fit in fits])
    expected = [alone(estimator, fit) for fit in fits]
    found = dict(fit_many(estimator, fits))
    assert [result(found[i], fit.X) for i, fit in enumerate(fits)] == expected
    assert key([(fit.X, fit.y, fit.params, fit.fit_params) for fit in fits]) == before


@settings(max_examples=100, deadline=None)
@given(drawn=many_fits())
def test_random_pipelines_are_those_of_separate_fits(drawn):
    assert_as_alone(*drawn)


# What is shared, and what is not ------------------------------------------------------------------


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(150, 4))


@pytest.fixture
def y(X):
    return X[:, 0] + 2 * X[:, 1]


def differ_in_the_middle(place):
    """First steps whose ``repr`` does not show where they differ."""
    known = [*range(WIDE // 2), place, *range(2 * WIDE, 3 * WIDE)]
    return {
        "columns": ColumnTransformer([("keep", "passthrough", chosen(place))]),
        "arguments": FunctionTransformer(weighed, kw_args={"by": 1.0 + chosen(place)}),
        "categories": ColumnTransformer(
            [("code", OneHotEncoder(categories=[np.array(known)], handle_unknown="ignore"), [0])]
        ),
        "what it has learned": FrozenEstimator(StandardScaler().fit(np.eye(WIDE) * chosen(place))),
    }


@pytest.mark.parametrize("name", differ_in_the_middle(0))
def test_first_steps_that_differ_in_the_middle_are_told_apart(name):
    X = np.random.default_rng(0).normal(size=(20, WIDE))
    X[:, 0] = np.repeat([1000, 1001], 10)
    pipeline = make_pipeline("passthrough", LinearRegression())
    candidates = [{"passthrough": differ_in_the_middle(place)[name]} for place in (1000, 1001)]
    first, other = (params["passthrough"] for params in candidates)
    assert repr(first) == repr(other)
    y = X[:, 1000] + 5 * X[:, 1001] + X[:, 0]
    assert alone(pipeline, Fit(candidates[0], X, y)) != alone(pipeline, Fit(candidates[1], X, y))
    assert_as_alone(pipeline, [Fit(params, X, y) for params in candidates])


class Stacked(RegressorMixin, BaseEstimator):
    """Adds what another model, fitted before, predicts."""

    def __init__(self, fitted=None, random_state=None):
        self.fitted, self.random_state = fitted, random_state

    def fit(self, X, y):
        self.noise_ = check_random_state(self.random_state).normal()
        return self

    def predict(self, X):
        return self.fitted.predict(X) + self.noise_


@pytest.mark.parametrize("model", [Stacked(), make_pipeline("passthrough", Stacked())])
def test_candidates_are_copied_as_they_are(X, y, model):
    name = "stacked__" if hasattr(model, "steps") else ""
    random = np.random.RandomState(0)
    fits = [
        Fit({f"{name}fitted": Ridge(alpha).fit(X, y), f"{name}random_state": random}, X, y)
        for alpha in (1.0, 100.0)
    ]
    assert_as_alone(model, fits)


@pytest.mark.parametrize("rows", [None, np.arange(100)])
@pytest.mark.parametrize("make", [np.asarray, scipy.sparse.csr_matrix, pd.DataFrame])
def test_fits_that_write_into_their_data_change_no_other(X, y, make, rows):
    X, weight = make(X), np.ones(len(X) if rows is None else len(rows))
    grid = [{"by": by} for by in (2.0, 3.0, 2.0)]
    fits = [Fit(params, X, y, rows, fit_params={"sample_weight": weight}) for params in grid]
    assert_as_alone(ScalesInPlace(), fits)
    for first in ("passthrough", FunctionTransformer(halved_in_place)):
        pipeline = Pipeline([("first", first), ("last", ScalesInPlace())])
        params = {"last__sample_weight": weight}
        fits = [Fit({"last__by": by}, X, y, rows, fit_params=params) for by in (2.0, 3.0, 2.0)]
        assert_as_alone(pipeline, fits)


@pytest.mark.parametrize(
    ("last", "of_last"),
    [
        (Ridge(), "alpha"),
        (GradientBoostingRegressor(n_estimators=3, n_jobs=1, random_state=0), "learning_rate"),
    ],
)
def test_pipelines_share_what_is_the_same_before_the_last_step(X, y, last, of_last):
    pipeline = Pipeline([("scale", CountedScaler()), ("keep", "passthrough"), ("last", last)])
    rows = np.arange(100)
    grid = [
        {"scale__with_mean": mean, f"last__{of_last}": value}
        for value in (0.1, 0.3)
        for mean in (True, False)
    ]
    for fit_params in ({}, {"last__sample_weight": np.linspace(0.5, 2, 100)}):
        fits = [Fit(params, X, y, rows, fit_params=fit_params) for params in grid]
        assert counted(pipeline, fits)[1] == 2
        assert_as_alone(pipeline, fits)


def test_first_steps_of_equal_content_are_shared(X, y):
    frame = pd.DataFrame(X, columns=list("abcd"))
    candidates = [
        {
            "scale": ColumnTransformer([("scale", CountedScaler(), make_column_selector("a|b"))]),
            "last__alpha": alpha,
        }
        for alpha in (0.1, 1.0, 10.0)
    ]
    pipeline = Pipeline([("scale", CountedScaler()), ("last", Ridge())])
    fits = [Fit(params, frame, y) for params in candidates]
    assert counted(pipeline, fits)[1] == 1
    assert_as_alone(pipeline, fits)


def test_first_steps_share_their_fit_params(X, y):
    pipeline = Pipeline([("scale", CountedScaler()), ("last", Ridge())])
    weight = np.linspace(0.5, 2, len(X))
    to_both = {"scale__sample_weight": weight, "last__sample_weight": weight}
    other = to_both | {"scale__sample_weight": weight[::-1]}
    fits = [
        Fit({"last__alpha": alpha}, X, y, fit_params=params)
        for alpha in (0.1, 1)
        for params in (to_both, other)
    ]
    assert counted(pipeline, fits)[1] == 2
    assert_as_alone(pipeline, fits)


class DoublesTargets(TransformerMixin, BaseEstimator):
    """Writes into y, which the steps that follow see."""

    def fit(self, X, y):
        y *= 2
        return self

    def transform(self, X):
        return X


def test_what_a_first_step_writes_into_y_reaches_the_steps_after_it(X, y):
    pipeline = Pipeline(
        [("first", DoublesTargets()), ("second", StandardScaler()), ("last", Ridge())]
    )
    grid = [
        {"second__with_mean": mean, "last__alpha": alpha}
        for mean in (True, False)
        for alpha in (0.1, 10.0)
    ]
    assert_as_alone(pipeline, [Fit(params, X, y) for params in grid])


def test_a_model_that_is_fitted_again_changes_no_other(X, y):
    pipeline = Pipeline([("scale", StandardScaler()), ("last", Ridge())])
    found = dict(fit_many(pipeline, [Fit({"last__alpha": alpha}, X, y) for alpha in (1, 2)]))
    expected = found[1].predict(X)
    found[0].fit(10 * X, y)
    np.testing.assert_array_equal(found[1].predict(X), expected)


def test_pipelines_of_another_class_share_all_that_they_do(X, y):
    pipeline = Repeats([("scale", CountedScaler()), ("last", KNeighborsRegressor(2))])
    fits = [Fit({"last__n_neighbors": n}, X, y) for n in (2, 3)]
    found, n_fits = counted(pipeline, fits)
    assert n_fits == 1
    assert found[0].repeated_
    np.testing.assert_allclose(found[0].predict(X), y)  # each row is there twice
    assert_as_alone(pipeline, fits)


class Uncopied(CountedScaler):
    """Cannot be copied once it is fitted."""

    def fit(self, X, y=None, sample_weight=None):
        self.rows_ = (row for row in X)
        return super().fit(X, y, sample_weight)


class Unreadable(CountedScaler):
    """Cannot be compared."""

    def __reduce__(self):
        raise TypeError("It is not said how.")


@pytest.mark.parametrize("first", [Uncopied(), Unreadable()])
def test_first_steps_that_cannot_be_copied_or_compared_are_not_shared(X, y, first):
    pipeline = Pipeline([("scale", first), ("last", Ridge())])
    found, n_fits = counted(pipeline, [Fit({"last__alpha": alpha}, X, y) for alpha in (1, 2)])
    assert n_fits >= 2
    for position, alpha in enumerate((1, 2)):
        expected = clone(pipeline).set_params(last__alpha=alpha).fit(X, y).predict(X)
        np.testing.assert_array_equal(found[position].predict(X), expected)


def test_a_last_step_that_is_its_own_clone_is_not_shared(X, y):
    frozen = [FrozenEstimator(Ridge(alpha).fit(X, y)) for alpha in (0.1, 100.0)]
    pipeline = make_pipeline(StandardScaler(), frozen[0])
    assert_as_alone(pipeline, [Fit({"frozenestimator": last}, X, y) for last in frozen])


def test_fit_params_that_are_routed_are_not_shared(X, y):
    weight = np.linspace(0, 2, len(X))
    with config_context(enable_metadata_routing=True):
        lasts = [Ridge().set_fit_request(sample_weight=asks) for asks in (True, False)]
        scale = CountedScaler().set_fit_request(sample_weight=False)
        pipeline = Pipeline([("scale", scale), ("last", lasts[0])])
        fits = [Fit({"last": last}, X, y, fit_params={"sample_weight": weight}) for last in lasts]
        found = dict(fit_many(pipeline, fits))
        expected = pipeline.fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(found[0].predict(X), expected.predict(X))
    assert isinstance(found[1], TypeError)  # it asks for no weights, and nobody else does


def test_failures_in_pipelines_are_yielded(X, y):
    pipeline = make_pipeline(StandardScaler(), Ridge())
    wrong = [{"ridge__alpha": -1}, {"nothing__here": 1}, {"standardscaler__with_mean": "yes"}]
    wrong += [{"steps": []}, {"steps": [("a__b", StandardScaler()), ("last", Ridge())]}]
    fits = [Fit(params, X, y) for params in 2 * [*wrong, {}]]
    assert_as_alone(pipeline, fits)
    found = dict(fit_many(pipeline, fits))
    assert [isinstance(found[i], Exception) for i in range(6)] == [*[True] * 5, False]
