"""Random Pipelines of steps that write into their data, or differ in little, and their fits."""

from copy import deepcopy

import numpy as np
import pandas as pd
import scipy.sparse
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import Lasso, LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.tree import DecisionTreeRegressor

from sklearn_modern._fits.fit import Fit
from sklearn_modern.ensemble import GradientBoostingRegressor

WIDE = 2000


class ScalesInPlace(RegressorMixin, BaseEstimator):
    """Writes into whatever it is fitted with."""

    def __init__(self, by=3.0):
        self.by = by

    def fit(self, X, y, sample_weight=None):
        X *= self.by
        y *= self.by
        self.level_ = np.asarray(X.sum()).sum() + y.sum()
        if sample_weight is not None:
            sample_weight *= self.by
            self.level_ += sample_weight.sum()
        return self

    def predict(self, X):
        return np.full(X.shape[0], self.level_)


def halved_in_place(X):
    X *= 0.5
    return X


def weighed(X, by):
    return X * by[: X.shape[1]]


def text_columns(frame):
    return [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]


def first_columns(X):
    return [0, 1]


def chosen(place):
    return np.arange(WIDE) == place


def mask(places):
    return np.isin(np.arange(4), places)


CATEGORIES = ["u", "v", "w"]
POSITIONS = [
    [0, 1],
    slice(0, 2),
    mask([0, 1]),
    mask([1]),
    [True, True, False, False],
    first_columns,
]
NAMES = [["a", "b"], make_column_selector("a|b"), make_column_selector("[ab]"), *POSITIONS]
TEXTS = [
    ["c", "d"],
    ["d"],
    mask([2, 3]),
    text_columns,
    make_column_selector(dtype_exclude="number"),
]

bools = st.booleans()
functions = st.sampled_from(
    [
        FunctionTransformer(),
        FunctionTransformer(np.abs),
        FunctionTransformer(halved_in_place),
        FunctionTransformer(weighed, kw_args={"by": 1.0 + chosen(1)}),
        FunctionTransformer(weighed, kw_args={"by": 1.0 + chosen(0)}),
        FunctionTransformer(lambda X: X[:, ::2]),
    ]
).map(clone)
scalers = st.one_of(
    st.builds(StandardScaler, copy=bools, with_mean=bools),
    st.builds(MinMaxScaler, copy=bools),
    st.builds(MaxAbsScaler, copy=bools),
    st.builds(SelectKBest, st.just(f_regression), k=st.sampled_from([1, "all"])),
)
numeric = functions | scalers | st.just("passthrough")
encoders = st.one_of(
    st.builds(
        OneHotEncoder,
        categories=st.sampled_from(["auto", [CATEGORIES] * 2, [CATEGORIES, CATEGORIES[::-1]]]),
        sparse_output=bools,
    ),
    st.builds(OrdinalEncoder, dtype=st.sampled_from([np.float32, np.float64])),
    st.sampled_from(["drop", "passthrough"]),
)


def named(steps):
    return [(f"s{i}", step) for i, step in enumerate(steps)]


def by_column(parts, remainder):
    parts = [(f"c{i}", *part) for i, part in enumerate(parts)]
    return ColumnTransformer(parts, remainder=remainder)


def column_transformers(numbers, columns, *, text):
    part = st.tuples(numbers, st.sampled_from(columns))
    part = part | st.tuples(encoders, st.sampled_from(TEXTS)) if text else part
    remainder = st.sampled_from(["drop"] if text else ["drop", "passthrough"])
    return st.builds(by_column, st.lists(part, min_size=1, max_size=2), remainder)


def steps(columns, *, text):
    """Steps for a table, and Pipelines, unions and ColumnTransformers of them."""
    several = st.lists(numeric, min_size=1, max_size=2).map(named)
    nested = st.builds(Pipeline, several) | st.builds(FeatureUnion, several)
    parts = column_transformers(numeric | nested, columns, text=text)
    return parts if text else numeric | nested | parts


regressors = st.one_of(
    st.builds(LinearRegression, copy_X=bools),
    st.builds(Ridge, copy_X=bools, alpha=st.sampled_from([0.1, 1.0, -1.0])),
    st.builds(Lasso, copy_X=bools, alpha=st.sampled_from([0.01, 0.1])),
    st.builds(ScalesInPlace, st.sampled_from([2.0, 3.0])),
    st.builds(KNeighborsRegressor, st.sampled_from([1, 3])),
    st.builds(
        DecisionTreeRegressor,
        max_features=st.just(1),
        random_state=st.sampled_from([0, np.random.RandomState(0), np.random.RandomState(1)]),
    ),
    st.builds(
        GradientBoostingRegressor,
        backend=st.just("hist"),
        n_estimators=st.sampled_from([1, 2]),
        n_jobs=st.just(1),
        random_state=st.just(0),
    ),
)
lasts = st.one_of(regressors, regressors, st.builds(make_pipeline, scalers, regressors), numeric)


def tables():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(24, 4)).round(2)
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "d": X[:, 3]})
    texts = frame.assign(**dict(zip("cd", rng.choice(CATEGORIES, (2, 24)), strict=True)))
    y = X[:, 0] - 2 * X[:, 1] * X[:, 2]
    sparse = scipy.sparse.csr_matrix(X * (X > 0))
    arrays = [(table, POSITIONS, False) for table in (X, np.asfortranarray(X), sparse)]
    return [*arrays, (frame, NAMES, False), (texts, NAMES, True)], [y, pd.Series(y)]


TABLES, TARGETS = tables()


@st.composite
def many_fits(draw):
    """A Pipeline, and fits of which many differ in little."""
    X, columns, text = draw(st.sampled_from(TABLES))
    y = draw(st.sampled_from(TARGETS))
    rows = draw(st.sampled_from([None, np.arange(20)]))
    first = draw(st.lists(steps(columns, text=text), min_size=1, max_size=2))
    second = draw(st.lists(numeric, min_size=1, max_size=2))
    last = draw(st.lists(lasts, min_size=1, max_size=3))
    choices = {"first": first, "second": second, "last": last}
    params = st.fixed_dictionaries(
        {}, optional={name: st.sampled_from(pool) for name, pool in choices.items()}
    )
    candidates = draw(st.lists(params, min_size=2, max_size=5))
    # An equal estimator need not be the same object.
    candidates = [deepcopy(params) if draw(bools) else params for params in candidates]
    pipeline = Pipeline([(name, pool[0]) for name, pool in choices.items()])
    return pipeline, [Fit(params, X, y, rows) for params in candidates]
