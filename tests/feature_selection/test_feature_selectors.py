"""Both selectors behave as scikit-learn's meta-estimators do."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import check_is_fitted
from support.named_iris import measures, species

from sklearn_modern.ensemble import GradientBoostingClassifier
from sklearn_modern.feature_selection import (
    ExhaustiveFeatureSelector,
    SequentialFeatureSelector,
)

each_selector = pytest.mark.parametrize(
    "make", [SequentialFeatureSelector, ExhaustiveFeatureSelector]
)


frame = pytest.fixture(measures)
y = pytest.fixture(species)


# Which features ------------------------------------------------------------------------------


@each_selector
@pytest.mark.parametrize(
    "fixed",
    [["sepal width"], [1], np.array([False, True, False, False]), pd.Index(["sepal width"])],
)
def test_features_are_given_by_name_position_or_mask(make, frame, y, fixed):
    selector = make(GaussianNB(), fixed_features=fixed, cv=3).fit(frame, y)
    assert all(1 in scored.features for scored in selector.history_)
    groups = [["petal length", "petal width"]]
    masks = [[False, False, True, True]]
    by_name = make(GaussianNB(), feature_groups=groups, cv=3).fit(frame, y)
    by_mask = make(GaussianNB(), feature_groups=masks, cv=3).fit(frame.to_numpy(), y)
    assert by_name.history_ == by_mask.history_
    assert all((2 in scored.features) == (3 in scored.features) for scored in by_name.history_)


@each_selector
def test_a_selector_transforms(make, frame, y):
    selector = make(GaussianNB(), fixed_features=[1], cv=3)
    with pytest.raises(NotFittedError):
        selector.transform(frame.to_numpy())
    X = frame.to_numpy()
    selector.fit(frame, y)
    positions = selector.get_support(indices=True)
    np.testing.assert_array_equal(selector.get_support(), selector.support_)
    assert selector.support_.dtype == bool
    assert 1 in positions
    names = selector.get_feature_names_out()
    assert names.tolist() == frame.columns[positions].tolist()
    np.testing.assert_array_equal(selector.transform(frame), X[:, positions])
    back = selector.inverse_transform(X[:, positions])
    np.testing.assert_array_equal(back, X * selector.support_)
    selected = clone(selector).set_output(transform="pandas").fit_transform(frame, y)
    pd.testing.assert_frame_equal(selected, frame[names])
    with pytest.raises(ValueError, match="feature names"):
        selector.predict(frame[frame.columns[::-1]])
    with pytest.raises(ValueError, match="3 features"):
        selector.set_params(estimator=GaussianNB()).fit(X, y).predict(X[:, :3])


class Seeing(ClassifierMixin, BaseEstimator):
    """Takes frames only, of the very types that were given."""

    def fit(self, X, y):
        assert isinstance(X, pd.DataFrame)
        self.dtypes_ = X.dtypes
        self.classes_, counts = np.unique(y, return_counts=True)
        self.most_ = self.classes_[counts.argmax()]
        return self

    def predict(self, X):
        pd.testing.assert_series_equal(X.dtypes, self.dtypes_)
        return np.full(len(X), self.most_)


@each_selector
def test_frames_reach_the_estimator_as_frames(make, frame, y):
    frame = frame.assign(
        colour=pd.Categorical(["red", "blue", None] * 25), size=["S", "M", "L"] * 25
    )
    frame = frame[["colour", "petal width", "size"]]
    selector = make(Seeing(), cv=3).fit(frame, y)
    assert selector.predict(frame).shape == y.shape
    selected = selector.set_output(transform="pandas").transform(frame)
    pd.testing.assert_series_equal(selected.dtypes, frame[selected.columns].dtypes)


@each_selector
def test_a_pipeline_may_select_columns_by_type(make, frame, y):
    frame = frame.assign(colour=pd.Categorical(["red", "blue", "red"] * 25))
    columns = ColumnTransformer(
        [
            ("words", OneHotEncoder(), make_column_selector(dtype_include="category")),
            ("numbers", StandardScaler(), make_column_selector(dtype_include="number")),
        ]
    )
    selector = make(make_pipeline(columns, GaussianNB()), cv=3, fast=False)
    selector.fit(frame[["colour", "sepal width", "petal width"]], y)
    assert "petal width" in selector.get_feature_names_out()
    assert selector.score(frame[["colour", "sepal width", "petal width"]], y) > 0.9


@each_selector
@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix", "coo_matrix", "csr_array"])
def test_sparse_input(make, frame, y, kind):
    X = getattr(scipy.sparse, kind)(frame.to_numpy())
    model = LogisticRegression(max_iter=500)
    dense = make(model, cv=2, fast=False).fit(frame.to_numpy(), y)
    selector = make(model, cv=2, fast=False).fit(X, y)
    np.testing.assert_array_equal(selector.support_, dense.support_)
    selected = selector.transform(X)
    assert scipy.sparse.issparse(selected)
    np.testing.assert_array_equal(selected.toarray(), dense.transform(frame.to_numpy()))
    assert selector.inverse_transform(selected).shape == X.shape
    assert selector.predict(X).shape == y.shape


# As an estimator -----------------------------------------------------------------------------


def state(parameters):
    return {name: str(value) for name, value in parameters.items()}


@each_selector
def test_fit_changes_no_parameter(make, frame, y):
    cv, estimator = KFold(3, shuffle=True, random_state=0), make_pipeline(GaussianNB())
    petal = ["petal length", "petal width"]
    settings = {"feature_groups": [petal], "fixed_features": petal}
    selector = make(estimator, cv=cv, **settings)
    before, identities = state(selector.get_params()), {id(v) for v in vars(selector).values()}
    kept, kept_y = frame.copy(), y.copy()
    selector.fit(frame, y)
    assert state(selector.get_params()) == before
    assert identities <= {id(v) for v in vars(selector).values()}
    pd.testing.assert_frame_equal(frame, kept)
    np.testing.assert_array_equal(y, kept_y)
    with pytest.raises(NotFittedError):
        check_is_fitted(estimator.steps[0][1])
    again = clone(selector).fit(frame, y)
    assert again.history_ == selector.history_


@each_selector
def test_parameters_of_the_estimator_are_tuned_from_outside(make, frame, y):
    X = frame.to_numpy()
    depths = {"estimator__max_depth": [1, 3]}
    selector = make(DecisionTreeClassifier(random_state=0), cv=2)
    search = GridSearchCV(selector, depths, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_ == {"estimator__max_depth": 3}
    assert search.best_estimator_.estimator_.get_depth() > 1
    first, second = search.cv_results_["mean_test_score"]
    assert first < second
    piped = Pipeline([("scale", StandardScaler()), ("select", selector)])
    piped.set_params(select__estimator__max_depth=1).fit(X, y)
    assert piped[-1].estimator_.get_depth() == 1
    assert cross_val_score(piped, X, y, cv=2).min() > 0.5


@each_selector
def test_a_pickled_selector_is_the_same(make, frame, y):
    scoring = {"hits": "accuracy", "loss": "neg_log_loss"}
    for settings in ({}, {"scoring": scoring, "refit": "loss"}):
        selector = make(GaussianNB(), cv=2, **settings).fit(frame, y)
        loaded = pickle.loads(pickle.dumps(selector))
        assert loaded.history_ == selector.history_
        assert loaded.subsets_ == selector.subsets_
        np.testing.assert_array_equal(loaded.predict(frame), selector.predict(frame))
        pd.testing.assert_frame_equal(loaded.results_frame(), selector.results_frame())


@each_selector
def test_it_can_what_the_estimator_can(make, frame, y):
    selector = make(GaussianNB(), cv=2)
    assert hasattr(selector, "predict_proba")
    selector.fit(frame, y)
    selected, inner = frame.loc[:, selector.support_], selector.estimator_
    for method in ("predict", "predict_proba", "predict_log_proba"):
        expected = getattr(inner, method)(selected)
        np.testing.assert_array_equal(getattr(selector, method)(frame), expected)
    assert selector.score(frame, y) == inner.score(selected, y)
    np.testing.assert_array_equal(selector.classes_, ["setosa", "versicolor", "virginica"])
    assert not hasattr(selector, "decision_function")
    ridge = make(RidgeClassifier(), cv=2, fast=False)
    assert not hasattr(ridge, "predict_proba")
    assert ridge.fit(frame, y).decision_function(frame).shape == (75, 3)
    regressor = make(LinearRegression(), cv=2, fast=False).fit(frame, frame["petal width"])
    assert not hasattr(regressor, "classes_")
    assert regressor.score(frame, frame["petal width"]) > 0.99


@each_selector
def test_without_a_refit_it_only_selects(make, frame, y):
    for refit in (False, np.False_):
        selector = make(GaussianNB(), cv=2, refit=refit).fit(frame, y)
        assert not hasattr(selector, "estimator_")
        assert not hasattr(selector, "classes_")
        assert selector.transform(frame).shape[1] == selector.support_.sum()
        for method in ("predict", "predict_proba", "score"):
            assert not hasattr(selector, method)
        with pytest.raises(AttributeError):
            selector.predict(frame)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_fits_together_are_those_apart(n_jobs):
    X, y = load_iris(return_X_y=True)
    settings = {"n_features_to_select": 2, "cv": 2, "n_jobs": n_jobs}
    model = GradientBoostingClassifier(backend="hist", n_estimators=2, random_state=0)
    together = SequentialFeatureSelector(model, **settings).fit(X, y)
    apart = SequentialFeatureSelector(model, fast=False, **settings).fit(X, y)
    assert [(scored.features, scored.mean) for scored in together.history_] == [
        (scored.features, scored.mean) for scored in apart.history_
    ]
