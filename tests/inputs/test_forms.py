"""Rows in the form of a table or of images that were read."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from sklearn_modern._inputs.columns import MISSING, ColumnCoder
from sklearn_modern._inputs.image_form import ImageForm
from sklearn_modern._inputs.images import SpatialReader
from sklearn_modern._inputs.table_form import TableForm

FRAME = pd.DataFrame(
    {
        "double": [0.5, np.nan, 2.0],
        "single": np.array([0.5, 1.5, 2.0], dtype=np.float32),
        "whole": np.array([1, 2, 3], dtype=np.int16),
        "nullable": pd.array([1, None, 3], dtype="Int64"),
        "level": pd.Categorical(["b", "a", None], categories=["b", "a", "never"], ordered=True),
        "text": ["x", None, "y"],
        "truth": [True, False, True],
        7: ["s", "t", "s"],
    }
)


def columns_of(X):
    """Read a table into columns as a network would give them."""
    coder = ColumnCoder(dtype=np.float64)
    table = coder.fit_transform(BaseEstimator(), X)
    columns = dict(zip(coder.numerical_indices, table.numbers.T, strict=True))
    codes = [] if table.codes is None else table.codes.T
    for index, own, values in zip(coder.categorical_indices, codes, coder.categories, strict=True):
        found = np.array([None if c == MISSING else values[c] for c in own], dtype=object)
        columns[index] = found if (own == MISSING).any() else found.astype(values.dtype)
    return [columns[index] for index in range(len(columns))]


def test_frame_comes_back():
    X = FRAME.rename(columns={7: "seven"})
    form = pickle.loads(pickle.dumps(TableForm(X)))
    pd.testing.assert_frame_equal(form.restore(columns_of(X), whole=True), X)


def test_names_of_any_type_come_back():
    X = FRAME[[7, "whole"]]
    form = TableForm(X)
    columns = [np.array(["t"], dtype=object), np.array([2.4])]
    assert form.restore(columns, whole=True).columns.tolist() == [7, "whole"]


def test_whole_numbers_are_rounded_within_their_type_if_asked():
    form = TableForm(FRAME[["whole", "nullable"]])
    columns = [np.array([1.6, 1e9]), np.array([np.nan, 2.4])]
    rounded = form.restore(columns, whole=True)
    assert rounded["whole"].tolist() == [2, 2**15 - 1]
    assert rounded["whole"].dtype == np.int16
    assert rounded["nullable"].isna().tolist() == [True, False]
    assert rounded["nullable"][1] == 2
    plain = form.restore(columns, whole=False)
    assert plain["whole"].tolist() == [1.6, 1e9]
    assert plain["nullable"][1] == 2.4


def test_whole_numbers_of_the_largest_size_do_not_wrap_around():
    frame = pd.DataFrame({"i": [2**63 - 1, -(2**63)], "u": np.array([2**64 - 1, 0], np.uint64)})
    again = TableForm(frame).restore([frame[name].to_numpy(float) for name in frame], whole=True)
    pd.testing.assert_frame_equal(again, frame)


def test_columns_of_several_levels_come_back():
    names = pd.MultiIndex.from_tuples([("a", 1), ("a", 2)], names=["upper", "lower"])
    X = pd.DataFrame([[0.5, 1.5]], columns=names)
    form = pickle.loads(pickle.dumps(TableForm(X)))
    pd.testing.assert_frame_equal(form.restore(columns_of(X), whole=True), X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.uint8])
def test_arrays_come_back(dtype):
    X = np.arange(6).reshape(3, 2).astype(dtype)
    again = TableForm(X).restore(columns_of(X), whole=True)
    assert again.dtype == dtype
    np.testing.assert_array_equal(again, X)
    assert TableForm(X).restore(columns_of(X), whole=False).dtype.kind == "f"


def test_objects_and_lists():
    X = np.array([[1.5, "a"], [None, "b"]], dtype=object)
    again = TableForm(X).restore(columns_of(X), whole=True)
    assert again.dtype == object
    assert again[:, 1].tolist() == ["a", "b"]
    assert np.isnan(again[1, 0])
    assert TableForm([[1, 2]]).restore([np.array([1.4]), np.array([2.0])], whole=True)[0, 0] == 1
    assert TableForm([[1.0, "a"]]).dtype == object


class Convertible:
    """Becomes an array, and can do nothing else."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


@pytest.mark.parametrize(
    ("shape", "reader", "given"),
    [
        ((2, 8, 9), {}, list),
        ((2, 8, 9, 3), {"channels": "last"}, np.asarray),
        ((2, 8, 9, 3), {"channels": "last"}, list),
        ((2, 3, 8, 9), {}, np.asarray),
        ((2, 1, 8, 9), {}, np.asarray),
        ((2, 216), {"input_shape": (3, 8, 9), "channels": "last"}, np.asarray),
        ((2, 30), {}, np.asarray),
        ((2, 30), {}, Convertible),
        ((2, 5, 30), {"spatial_dims": 1}, np.asarray),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.int64, np.bool_])
def test_images_come_back(shape, reader, given, dtype):
    X = np.random.default_rng(0).integers(0, 2 if dtype == np.bool_ else 250, shape).astype(dtype)
    given = given(X)
    reader = SpatialReader(**reader)
    images = reader.fit_transform(BaseEstimator(), given).astype(np.float64)
    form = ImageForm(given, reader)
    again = form.restore(images + 0.2 * (dtype != np.float32), whole=True)
    assert again.dtype == dtype
    np.testing.assert_array_equal(again, X)
    if dtype == np.bool_:
        assert form.restore(images, whole=False).dtype == np.float64
    if dtype == np.uint8:
        np.testing.assert_array_equal(form.restore(images + 1000, whole=True), 255)
        assert form.restore(images + 0.2, whole=False).dtype == np.float64
