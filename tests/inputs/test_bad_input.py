"""What no estimator accepts silently: one body over every estimator there is."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import MetaEstimatorMixin, clone, is_classifier
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.utils import get_tags
from support.instances import all_instances, shorten

from sklearn_modern._neural.seq2seq import Seq2SeqEstimator
from sklearn_modern._neural.sequences import SequenceEstimator
from sklearn_modern.feature_selection import SequentialFeatureSelector

# What an estimator around another accepts is the matter of the other.
ESTIMATORS = [shorten(e) for e in all_instances() if not isinstance(e, MetaEstimatorMixin)]


def takes_labels(estimator):
    return is_classifier(estimator) or isinstance(estimator, Seq2SeqEstimator)


def data_for(estimator, n=24):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    y = np.arange(n) % 2 if takes_labels(estimator) else X[:, 0] + 0.1 * rng.normal(size=n)
    return X, y


APPLIED = ("predict", "transform", "score_samples")


def applied(estimator, X):
    """Predict; or transform, or score, what nothing is predicted of; or draw as many rows."""
    found = [getattr(estimator, name) for name in APPLIED if hasattr(estimator, name)]
    return found[0](X) if found else estimator.sample(len(X))


SELECTORS = [SequentialFeatureSelector(inner, cv=2) for inner in (GaussianNB(), LinearRegression())]


@pytest.fixture(params=ESTIMATORS + SELECTORS, ids=lambda e: type(e).__name__)
def any_estimator(request):
    return clone(request.param)


# Others only draw rows after their fit, and read none.
READERS = [e for e in ESTIMATORS if any(hasattr(e, name) for name in APPLIED)]


@pytest.fixture(params=READERS, ids=lambda e: type(e).__name__)
def reader(request):
    return clone(request.param)


@pytest.fixture(params=ESTIMATORS, ids=lambda e: type(e).__name__)
def estimator(request):
    return clone(request.param)


SUPERVISED = [e for e in ESTIMATORS if get_tags(e).target_tags.required]


@pytest.fixture(params=SUPERVISED, ids=lambda e: type(e).__name__)
def supervised(request):
    return clone(request.param)


@pytest.fixture(params=SUPERVISED + SELECTORS, ids=lambda e: type(e).__name__)
def any_supervised(request):
    return clone(request.param)


def with_cell(X, value):
    X = X.astype(object)
    X[3, 1] = value
    return X


BAD_X = {
    "infinity": (lambda X: np.where(np.arange(3) == 1, np.inf, X), "infinity"),
    "infinity in a frame": (
        lambda X: pd.DataFrame(X, columns=["a", "b", "c"]).replace({"b": {X[0, 1]: -np.inf}}),
        "infinity.*'b'",
    ),
    "complex": (lambda X: X + 1j, "Complex data not supported"),
    "text": (lambda X: X.astype(str), "not numeric|numeric"),
    "text in a cell": (lambda X: with_cell(X, "red"), "red|text|string"),
    "dates": (lambda X: X.astype("datetime64[s]"), "datetime64"),
    "a column of dates": (
        lambda X: pd.DataFrame({"a": X[:, 0], "day": pd.Timestamp("2020-01-01")}),
        "day",
    ),
    "no rows": (lambda X: X[:0], "0 sample"),
    "no columns": (lambda X: X[:, :0], "0 feature"),
    "one dimension": (lambda X: X[:, 0], "Expected 2D array|Reshape"),
    "rows of unequal length": (lambda X: [[1.0], *X[1:].tolist()], "inhomogeneous|rows|length"),
    "a whole number beyond any float": (lambda X: with_cell(X, 10**400), "infinity|too large"),
    "the same in a list": (lambda X: with_cell(X, 10**400).tolist(), "infinity|too large"),
    "the same in a frame": (
        lambda X: pd.DataFrame(with_cell(X, -(10**400)), columns=["a", "b", "c"]),
        "infinity.*'b'",
    ),
    "gradients": (lambda X: torch.tensor(X, requires_grad=True), r"gradient.*X\.detach\(\)"),
    "hidden values": (lambda X: np.ma.masked_greater(X, 1.0), r"masked.*X\.filled\(numpy.nan\)"),
    "duplicate names": (lambda X: pd.DataFrame(X, columns=["a", "b", "b"]), "unique|duplicate"),
}


@pytest.mark.parametrize("case", BAD_X)
def test_bad_features(estimator, case):
    X, y = data_for(estimator)
    spoil, message = BAD_X[case]
    if case == "rows of unequal length" and isinstance(estimator, SequenceEstimator):
        assert len(applied(estimator.fit(spoil(X), y), X)) == len(y)  # which these are for
        return
    with pytest.raises(ValueError, match=message):
        estimator.fit(spoil(X), y)


def test_missing_values_are_refused_or_used(estimator):
    X, y = data_for(estimator)
    frame = pd.DataFrame(X, columns=["age", "height", "weight"])
    frame.loc[[2, 5], "height"] = np.nan
    if get_tags(estimator).input_tags.allow_nan:
        assert len(applied(estimator.fit(frame, y), frame)) == len(y)
    else:
        with pytest.raises(ValueError, match="NaN in 2 of 24 rows of column 'height'"):
            estimator.fit(frame, y)


def test_one_class(supervised):
    if not is_classifier(supervised):
        return
    X, y = data_for(supervised)
    with pytest.raises(ValueError, match="one class, .*'only'"):
        supervised.fit(X, np.full(len(y), "only"))


def test_labels_of_mixed_types(supervised):
    if not is_classifier(supervised):
        return
    X, y = data_for(supervised)
    with pytest.raises(ValueError, match=r"int.*str|string"):
        supervised.fit(X, np.array([1, "a"] * (len(y) // 2), dtype=object))


@pytest.mark.parametrize("length", [0, 23, 25])
def test_other_length(supervised, length):
    X, y = data_for(supervised)
    with pytest.raises(ValueError, match=f"24.*{length}|{length}.*24|empty"):
        supervised.fit(X, np.resize(y, length))


def test_targets_in_another_order(any_supervised):
    X, y = data_for(any_supervised)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    series = pd.Series(y)
    with pytest.warns(UserWarning, match="labels of X's index, but in another order") as warned:
        any_supervised.fit(frame, series[::-1])
    if type(any_supervised).__module__.startswith("sklearn_modern."):
        assert warned[0].filename == __file__
    any_supervised.fit(frame, series.set_axis(series.index + 5))
    any_supervised.fit(frame[::-1], series[::-1])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_targets_that_are_not_finite(supervised, value):
    X, y = data_for(supervised)
    y = y.astype(float)
    y[4] = value
    with pytest.raises(ValueError, match=r"y contains (NaN|infinity)"):
        supervised.fit(X, y)


def with_missing(y, value):
    y = y.astype(object)
    y[[4, 7]] = value
    return y


def cells(values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


MISSING = r"y contains NaN or other missing values.* in 2 of 24 rows, at the positions 4, 7\."
BAD_Y = {
    "None": (lambda y: with_missing(y, None), MISSING),
    "NA": (lambda y: with_missing(y, pd.NA), MISSING),
    "NA among strings": (lambda y: pd.Series(with_missing(y.astype(str), pd.NA)), MISSING),
    "NA of its own type": (lambda y: pd.Series(with_missing(y, pd.NA), dtype="Float64"), MISSING),
    "NaT": (lambda y: with_missing(y.astype("datetime64[s]"), "NaT").astype("M8[s]"), MISSING),
    "NaT among objects": (lambda y: with_missing(y.astype("M8[s]"), pd.NaT), MISSING),
    "lists": (lambda y: cells([[v] for v in y.tolist()]), "y holds values of type list"),
    "tuples": (lambda y: cells([(v,) for v in y.tolist()]), "y holds values of type tuple"),
    "records": (lambda y: y.astype([("price", y.dtype)]), r"records, with the fields \['price'\]"),
    "gradients": (
        lambda y: torch.tensor(y, dtype=float, requires_grad=True),
        r"gradient.*y\.detach\(\)",
    ),
    "hidden values": (lambda y: np.ma.masked_greater(y, 0), "masked array with .* hidden"),
}


@pytest.mark.parametrize("case", BAD_Y)
def test_bad_targets(any_supervised, case):
    X, y = data_for(any_supervised)
    spoil, message = BAD_Y[case]
    with pytest.raises(ValueError, match=message):
        any_supervised.fit(X, spoil(y))


def test_a_number_beyond_any_float_is_no_target(supervised):
    if takes_labels(supervised):
        return
    X, y = data_for(supervised)
    with pytest.raises(ValueError, match="y contains infinity or a value too large"):
        supervised.fit(X, with_missing(y, 10**400))


BAD_WEIGHTS = {
    "negative": (
        lambda w: np.where(np.arange(len(w)) == 2, -0.5, w),
        "negative values, the lowest -0.5",
    ),
    "all zero": (lambda w: w * 0, "zero for every row"),
    "too short": (lambda w: w[:-1], "sample_weight.shape"),
    "two columns": (lambda w: np.column_stack([w, w]), "sample_weight|Sample weights"),
    "NaN": (lambda w: np.where(np.arange(len(w)) == 2, np.nan, w), "sample_weight contains NaN"),
    "text": (lambda w: w.astype(str), "sample_weight has dtype <U32 and is not numeric"),
    "text among objects": (lambda w: w.astype(str).astype(object), "sample_weight.*type str"),
    "dates": (lambda w: w.astype("datetime64[s]"), r"sample_weight has dtype datetime64\[s\]"),
    "durations": (lambda w: w.astype("m8[s]"), r"sample_weight has dtype timedelta64\[s\]"),
    "beyond any float": (lambda w: [10**400] * len(w), "sample_weight contains infinity"),
    "hidden values": (lambda w: np.ma.masked_equal(w, 1), "sample_weight is a masked array"),
    "gradients": (
        lambda w: torch.tensor(w, requires_grad=True),
        r"gradient.*sample_weight\.detach\(\)",
    ),
}


@pytest.mark.parametrize("case", BAD_WEIGHTS)
def test_bad_weights(any_estimator, case):
    X, y = data_for(any_estimator)
    spoil, message = BAD_WEIGHTS[case]
    with pytest.raises(ValueError, match=message):
        any_estimator.fit(X, y, sample_weight=spoil(np.ones(len(y))))


def test_other_features_than_in_fit(reader):
    X, y = data_for(reader)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    reader.fit(frame, y)
    with pytest.raises(ValueError, match="(?s)feature names.*missing"):
        applied(reader, frame[["a", "b"]])
    with pytest.raises(ValueError, match="same order"):
        applied(reader, frame[["b", "a", "c"]])
    with pytest.raises(ValueError, match="unseen at fit time|missing"):
        applied(reader, frame.rename(columns={"b": "z"}))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        applied(reader, X)
    with pytest.raises(ValueError, match="X has 2 features, but .* is expecting 3"):
        applied(reader.fit(X, y), X[:, :2])


def test_the_callers_data_are_left_alone(estimator):
    X, y = data_for(estimator)
    weights = np.linspace(0.5, 1.0, len(y))
    copies = X.copy(), y.copy(), weights.copy()
    for array in (X, y, weights):
        array.flags.writeable = False
    applied(estimator.fit(X, y, sample_weight=weights), X)
    for array, copy in zip((X, y, weights), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("original", ESTIMATORS, ids=lambda e: type(e).__name__)
@given(data=st.data())
def test_one_bad_cell_anywhere_is_found(original, data):
    X, y = data_for(original)
    row = data.draw(st.integers(0, X.shape[0] - 1))
    column = data.draw(st.integers(0, X.shape[1] - 1))
    bad = data.draw(st.sampled_from([np.inf, -np.inf]))
    dtype = data.draw(st.sampled_from([np.float32, np.float64, np.float16]))
    X = X.astype(dtype)
    X[row, column] = bad
    with pytest.raises(ValueError, match=f"infinity.* in 1 of 24 rows of column {column}"):
        clone(original).fit(X, y)
