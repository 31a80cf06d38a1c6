"""Mixed tables: types of columns, values of categories, and each error's words."""

import datetime
import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.estimator_checks import check_estimator

from sklearn_modern._inputs.columns import MISSING, UNSEEN, ColumnCoder
from sklearn_modern._inputs.scaling import NumberScaler
from sklearn_modern._inputs.validation import check_weights


class Scaled(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """The least estimator that reads its X through here."""

    def __init__(self, scaling="standard"):
        self.scaling = scaling

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.sparse = True
        return tags

    def fit(self, X, y=None, sample_weight=None):
        self.coder_ = ColumnCoder(dtype=None)
        numbers = self.coder_.fit_transform(self, X).numbers
        weights = check_weights(sample_weight, numbers.shape[0])
        self.scaler_ = NumberScaler(self.scaling).fit(numbers, weights)
        return self

    def transform(self, X):
        return self.scaler_.transform(self.coder_.transform(self, X).numbers, np.float64)


@pytest.mark.filterwarnings("ignore:.*SCIPY_ARRAY_API is not set")
@pytest.mark.parametrize("scaling", ["standard", "robust", None])
def test_scikit_learns_checks(scaling):
    check_estimator(Scaled(scaling))


def fit(X, *args, **kwargs):
    estimator, coder = BaseEstimator(), ColumnCoder(*args, **kwargs)
    return estimator, coder, coder.fit_transform(estimator, X)


def as_string_dtype(values):
    return pd.array(values, dtype="string")


def as_arrow(values):
    pytest.importorskip("pyarrow")
    return pd.array(values, dtype="string[pyarrow]")


TEXTS = {
    "object": lambda values: pd.Series(values, dtype=object),
    "default": pd.Series,  # pandas 3: str
    "string": as_string_dtype,
    "arrow": as_arrow,
    "category": lambda values: pd.Series(values).astype("category"),
    "category of string": lambda values: pd.Series(as_string_dtype(values)).astype("category"),
}


@pytest.mark.parametrize("seen", TEXTS)
@pytest.mark.parametrize("later", TEXTS)
def test_text_of_any_dtype_is_matched_by_value(seen, later):
    train = pd.DataFrame({"c": TEXTS[seen](["b", "a", None, "b"])})
    test = pd.DataFrame({"c": TEXTS[later](["z", "a", None, "b"])})
    estimator, coder, table = fit(train)
    assert table.codes.dtype == np.int64
    assert table.codes.ravel().tolist() == [1, 0, MISSING, 1]
    assert coder.categories[0].tolist() == ["a", "b"]
    assert table.numbers.shape == (4, 0)
    assert coder.transform(estimator, test).codes.ravel().tolist() == [UNSEEN, 0, MISSING, 1]


BOOLS = {
    "bool": [True, False, True],
    "boolean": pd.array([True, None, False], dtype="boolean"),
    "object": pd.Series([True, np.nan, False], dtype=object),
}


@pytest.mark.parametrize("values", BOOLS.values(), ids=BOOLS)
def test_booleans_are_categories(values):
    X = pd.DataFrame({"c": values})
    estimator, coder, table = fit(X)
    assert coder.categories[0].tolist() == [False, True]
    expected = [MISSING if pd.isna(value) else int(value) for value in X["c"]]
    assert table.codes.ravel().tolist() == expected
    assert coder.transform(estimator, X).codes.ravel().tolist() == expected
    # Asked for as numbers, they are 0 and 1.
    numbers = fit(X, None)[2].numbers.ravel()
    np.testing.assert_array_equal(numbers, [np.nan if e == MISSING else e for e in expected])


def test_categorical_keeps_its_order_without_unused_levels():
    sizes = pd.Categorical(["s", "l", None], categories=["xs", "s", "m", "l"], ordered=True)
    estimator, coder, table = fit(pd.DataFrame({"size": sizes}))
    assert coder.categories[0].tolist() == ["s", "l"]
    assert table.codes.ravel().tolist() == [0, 1, MISSING]
    other = pd.Categorical(["l", "m", "s"], categories=["l", "s", "m"])
    table = coder.transform(estimator, pd.DataFrame({"size": other}))
    assert table.codes.ravel().tolist() == [1, UNSEEN, 0]


def test_categories_of_numbers_and_dates_are_matched_by_value():
    days = pd.to_datetime(["2020-01-02", "2020-01-01"])
    train = pd.DataFrame({"i": [3, 1], "d": days}).astype("category")
    estimator, coder, table = fit(train)
    assert table.codes.tolist() == [[1, 1], [0, 0]]
    test = train[::-1].astype({"i": float}).astype({"d": train["d"].dtype})
    table = ColumnCoder([0]).fit_transform(BaseEstimator(), test[["i"]])
    assert table.codes.ravel().tolist() == [0, 1]
    assert coder.transform(estimator, test).codes.tolist() == [[0, 0], [1, 1]]
    # Numbers in a categorical dtype are numbers when no categories are wanted.
    numbers = fit(train[["i"]], None)[2].numbers
    assert numbers.ravel().tolist() == [3, 1]


def test_unseen_type_of_category_raises():
    estimator, coder, _ = fit(pd.DataFrame({"zip": ["1", "2"]}))
    with pytest.raises(ValueError, match="Column 'zip' of X holds no text, but it held text"):
        coder.transform(estimator, pd.DataFrame({"zip": [1, 2]}))
    blank = pd.DataFrame({"zip": [np.nan, None]})
    assert coder.transform(estimator, blank).codes.ravel().tolist() == [MISSING, MISSING]


NUMBERS = {
    "int64": [1, 2, 3],
    "float32": np.array([1, np.nan, 3], dtype=np.float32),
    "Int64": pd.array([1, None, 3], dtype="Int64"),
    "Float32": pd.array([1, None, 3], dtype="Float32"),
    "object": pd.Series([1, None, Decimal(3)], dtype=object),
    "object with NA": pd.Series([1.0, pd.NA, np.float32(3)], dtype=object),
    "object of nothing": pd.Series([None, None, None], dtype=object),
    "Sparse": pd.arrays.SparseArray([0.0, 2.0, 0.0]),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NUMBERS)
def test_columns_of_numbers(name, dtype):
    X = pd.DataFrame({"text": ["a", "b", "c"], "x": NUMBERS[name]})
    table = fit(X, dtype=dtype)[2]
    expected = [np.nan if pd.isna(value) else float(value) for value in X["x"]]
    np.testing.assert_array_equal(table.numbers.ravel(), expected)
    assert table.numbers.dtype == dtype
    assert table.numbers.flags.c_contiguous
    # Without any category the frame is read in another way.
    np.testing.assert_array_equal(fit(X[["x"]])[2].numbers.ravel(), expected)


def test_mixed_order_of_columns():
    X = pd.DataFrame({"a": [1.0, 2], "b": ["x", "y"], "c": [3, 4], "d": [True, True]})
    estimator, coder, table = fit(X)
    assert coder.numerical_indices.tolist() == [0, 2]
    assert coder.categorical_indices.tolist() == [1, 3]
    assert table.numbers.tolist() == [[1, 3], [2, 4]]
    assert table.codes.tolist() == [[0, 0], [1, 0]]
    assert estimator.n_features_in_ == 4
    assert estimator.feature_names_in_.tolist() == list("abcd")
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        again = coder.transform(estimator, X.to_numpy())
    assert again.numbers.tolist() == table.numbers.tolist()
    assert again.codes.tolist() == table.codes.tolist()


@pytest.mark.parametrize("asked", [[1], [False, True, False], np.array([1]), (1,)])
@pytest.mark.parametrize("kind", ["frame", "object", "number", "lists"])
def test_asking_for_categories(asked, kind):
    X = pd.DataFrame({"a": [1, 2, 3], "b": [7, 9, 7], "c": [4.0, 5, 6]})
    if kind != "frame":
        X = X.to_numpy(dtype=object if kind == "object" else float)
        X = X.tolist() if kind == "lists" else X
    _, coder, table = fit(X, asked)
    assert table.codes.ravel().tolist() == [0, 1, 0]
    assert coder.categories[0].tolist() == [7, 9]
    assert table.numbers.tolist() == [[1, 4], [2, 5], [3, 6]]


def test_asking_by_name():
    X = pd.DataFrame({"a": [1, 2, 3], "b": [7, 9, 7], "c": ["x", "y", "y"]})
    for asked in (["b", "c"], np.array(["c", "b"]), pd.Index(["c", "b"])):
        assert fit(X, asked)[2].codes.tolist() == [[0, 0], [1, 1], [0, 1]]


def test_text_in_arrays_and_lists():
    X = [["red", 1.5], [None, 2.5], ["blue", 3.5], [float("nan"), None]]
    for rows in (X, np.array(X, dtype=object)):
        estimator, coder, table = fit(rows, [0])
        assert table.codes.ravel().tolist() == [1, MISSING, 0, MISSING]
        np.testing.assert_array_equal(table.numbers.ravel(), [1.5, 2.5, 3.5, np.nan])
    table = coder.transform(estimator, [["green", 1], ["red", 2]])
    assert table.codes.ravel().tolist() == [UNSEEN, 1]
    assert fit(np.array([["b", "c"], ["a", "c"]]), [0, 1])[2].codes.tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("asked", ["from_dtype", None, [], [False, False]])
def test_no_categories(asked):
    assert fit(np.ones((2, 2)), asked)[2].codes is None
    assert fit(pd.DataFrame(np.ones((2, 2))), asked)[2].codes is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_are_not_copied(dtype):
    X = np.ones((4, 3), dtype=dtype)
    assert fit(X, dtype=dtype)[2].numbers is X
    assert fit(X, dtype=None)[2].numbers is X


@pytest.mark.parametrize(
    ("given_type", "expected"),
    [("uint8", "float32"), ("float16", "float32"), ("int64", "float64"), ("float64", "float64")],
)
def test_exact_dtype(given_type, expected):
    X = np.arange(6, dtype=given_type).reshape(3, 2)
    assert fit(X, dtype=None)[2].numbers.dtype == expected
    frame = pd.DataFrame(X).assign(text=["a", "b", "c"])
    frame.columns = ["x", "y", "text"]
    assert fit(frame, dtype=None)[2].numbers.dtype == expected


@pytest.mark.parametrize("make", [sp.csr_matrix, sp.csc_matrix, sp.coo_array])
def test_sparse(make):
    X = make(np.eye(3))
    estimator, coder, table = fit(X)
    assert table.numbers.format == "csr"
    assert table.numbers.dtype == np.float32
    assert table.codes is None
    np.testing.assert_array_equal(coder.transform(estimator, X).numbers.toarray(), np.eye(3))
    with pytest.raises(ValueError, match="X is sparse"):
        fit(X, [0])


def test_sparse_duplicates_are_summed_in_a_copy():
    X = sp.csr_matrix((np.ones(3), [0, 0, 1], [0, 2, 3]), shape=(2, 2))
    assert fit(X, dtype=np.float64)[2].numbers.data.tolist() == [2, 1]
    assert X.nnz == 3


def test_sparse_frame():
    X = pd.DataFrame.sparse.from_spmatrix(sp.csr_matrix(np.eye(3)), columns=list("abc"))
    estimator, _, table = fit(X)
    assert sp.issparse(table.numbers)
    assert estimator.feature_names_in_.tolist() == list("abc")


def test_polars():
    pl = pytest.importorskip("polars")
    X = pl.DataFrame({"x": [1, None, 3], "c": ["b", None, "a"], "t": [True, False, None]})
    estimator, coder, table = fit(X)
    np.testing.assert_array_equal(table.numbers.ravel(), [1, np.nan, 3])
    assert table.codes.tolist() == [[1, 1], [MISSING, 0], [0, MISSING]]
    assert estimator.feature_names_in_.tolist() == ["x", "c", "t"]
    again = coder.transform(estimator, X.with_columns(pl.col("c").cast(pl.Categorical)))
    assert again.codes.tolist() == table.codes.tolist()
    with pytest.raises(ValueError, match="Feature names"):
        coder.transform(estimator, X.select(["c", "x", "t"]))


@pytest.mark.parametrize("X", [np.eye(3), [[1, 2], [3, 4]], pd.DataFrame({"a": ["x", "y"]})])
def test_pickle(X):
    estimator, coder, table = fit(X)
    again = pickle.loads(pickle.dumps(coder)).transform(estimator, X)
    np.testing.assert_array_equal(again.numbers, table.numbers)
    np.testing.assert_array_equal(again.codes, table.codes)


cells = st.none() | st.just(np.nan) | st.sampled_from(["", "a", "é", "nan", "None", "\0", " a"])


@given(st.lists(cells, min_size=1, max_size=9), st.lists(cells, min_size=1, max_size=9))
def test_any_text(train, test):
    present = [value for value in train if isinstance(value, str)]
    known = sorted(set(present))
    estimator, coder, table = fit(pd.DataFrame({"c": pd.Series(train, dtype=object)}), ["c"])
    assert coder.categories[0].tolist() == known

    def code(value):
        if not isinstance(value, str):
            return MISSING
        return known.index(value) if value in known else UNSEEN

    assert table.codes.ravel().tolist() == [code(value) for value in train]
    later = coder.transform(estimator, pd.DataFrame({"c": pd.Series(test, dtype=object)}))
    assert later.codes.ravel().tolist() == [code(value) for value in test]


FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0], "c": ["x", "y"]})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["b", "a", "c"], "must be in the same order"),
        (["a", "c"], "yet now missing:\n- b"),
        (["a", "b", "c", "d"], "unseen at fit time:\n- d"),
    ],
)
def test_other_columns_than_in_the_fit(columns, message):
    estimator, coder, _ = fit(FRAME)
    with pytest.raises(ValueError, match=message):
        coder.transform(estimator, FRAME.assign(d=1)[columns])


def test_text_where_the_fit_saw_numbers():
    estimator, coder, _ = fit(FRAME)
    with pytest.raises(ValueError, match="Column 'b' of X holds text"):
        coder.transform(estimator, FRAME.assign(b=["1", "2"]))


BAD_CELLS = {
    "dates": (pd.to_datetime(["2020-01-01"] * 2), "'b' of X holds dates.*datetime64"),
    "dates with zone": (pd.to_datetime(["2020-01-01"] * 2, utc=True), "'b' of X holds dates"),
    "durations": (pd.to_timedelta([1, 2], unit="D"), "'b' of X holds dates.*timedelta64"),
    "date objects": ([datetime.date(2020, 1, 1)] * 2, "'b' of X holds dates.*date"),
    "complex": ([1j, 2j], "Complex data not supported: column 'b'"),
    "mixed": (pd.Series(["a", 1], dtype=object), "'b' of X mixes text.*int, str"),
    "bytes and text": (pd.Series(["a", b"a"], dtype=object), "'b' of X mixes text.*bytes, str"),
    "infinity": ([np.inf, 1.0], "contains infinity.* in 1 of 2 rows of column 'b'"),
    "too large": ([1e300, 1e300], "too large for float32 in 2 of 2 rows of column 'b'"),
}


@pytest.mark.parametrize("case", BAD_CELLS)
@pytest.mark.parametrize("beside", ["text", "number"])
def test_bad_cells(case, beside):
    values, message = BAD_CELLS[case]
    X = pd.DataFrame({"a": [1.0, 2.0] if beside == "number" else ["x", "y"], "b": values})
    with pytest.raises(ValueError, match=message):
        fit(X)


def test_cells_of_other_types():
    X = pd.DataFrame({"b": [{"k": 1}, {}]})
    for table in (X, X.to_numpy()):
        with pytest.raises(TypeError, match="type dict; the argument must be a string or a number"):
            fit(table)
    with pytest.raises(ValueError, match="Column 'b' of X holds dates"):
        fit(pd.DataFrame({"b": pd.to_datetime(["2020-01-01"]).astype("category")}), None)


@pytest.mark.parametrize(
    ("X", "asked", "message"),
    [
        (FRAME, None, "Column 'c' of X holds text, which is not numeric"),
        (FRAME.astype({"c": "category"}), None, "Column 'c' of X holds text"),
        (FRAME.to_numpy(), None, "Column 2 of X holds text"),
        (np.array([["1", "2"]]), "from_dtype", "Column 0 of X holds text"),
        (np.array([["2020"]], dtype="datetime64"), "from_dtype", "Column 0 of X holds dates"),
        (FRAME, ["z"], r"categorical_features has names \['z'\], but the columns of X are"),
        (FRAME.to_numpy(), ["c"], "names.*but X has no column names"),
        (FRAME, [3], r"positions \[3\], but the 3 features of X have positions 0 to 2"),
        (FRAME, [-1], r"positions \[-1\]"),
        (FRAME, [True, False], "mask of 2 values, but X has 3 features"),
        (FRAME, "c", "categorical_features='c' is not understood"),
        (FRAME, 2, "categorical_features=2 is not understood"),
        (FRAME, [0.5], r"categorical_features=\[0.5\] is not understood"),
        (FRAME.set_axis(["a", "b", "b"], axis=1), None, r"duplicate column names: \['b'\]"),
        (FRAME[:0], "from_dtype", r"0 sample\(s\)"),
        (FRAME[[]], "from_dtype", r"0 feature\(s\) \(shape=\(2, 0\)\) while a minimum of 1"),
        (np.ones(3), [0], "Reshape your data"),
        (np.ones((2, 2)) * 1j, "from_dtype", "Complex data not supported"),
        (np.array([[1.0, np.inf]]), "from_dtype", "contains infinity.* 1 of 1 rows of column 1"),
        (sp.csr_matrix([[np.inf]]), "from_dtype", "contains infinity"),
    ],
)
def test_messages(X, asked, message):
    with pytest.raises(ValueError, match=message):
        fit(X, asked)


def test_object_array_with_pandas_missing_value():
    X = pd.DataFrame({"x": pd.array([1, None], dtype="Int64"), "y": [1, 2]}).to_numpy(dtype=object)
    np.testing.assert_array_equal(fit(X)[2].numbers, [[1, 1], [np.nan, 2]])


def test_a_column_named_sparse():
    table = fit(pd.DataFrame({"sparse": [1.0, 2.0], "iloc": ["a", "b"]}))[2]
    assert table.numbers.ravel().tolist() == [1, 2]
    assert table.codes.ravel().tolist() == [0, 1]
