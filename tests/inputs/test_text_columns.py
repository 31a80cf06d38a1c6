"""Text that is hardly a category: which columns are warned of, and in which words."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import BaggingClassifier, BaggingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_modern._inputs.columns import ColumnCoder
from sklearn_modern.ensemble import GradientBoostingClassifier


def fit(values, asked="from_dtype"):
    frame = pd.DataFrame({"x": np.arange(len(values)), "size": values})
    return ColumnCoder(asked).fit_transform(BaseEstimator(), frame)


def prices(n, beside="?"):
    return [beside, *(str(i + 0.5) for i in range(n - 1))]


NUMBERS = {
    "fractions": (prices(20), "20 different values in 20 rows, of which 19 are numbers"),
    "missing": ([None, *prices(20)], "20 different values in 20 rows, of which 19 are"),
    "repeated": (prices(20) * 9, "20 different values in 180 rows, of which 19 are"),
    "whole": ([str(i) for i in range(40)] * 3, "40 different values in 120 rows, of which 40"),
    "bytes": ([text.encode() for text in prices(20)], "20 different .* of which 19 are numbers"),
    "exponents": ([f"{i}e-3" for i in range(1, 40)], "39 different .* of which 39 are numbers"),
}
NAMES = {
    "names": [f"passenger {i}" for i in range(40)],
    "codes": [f"{i:05}" for i in range(40)],
    "some recur": [f"ticket {i % 40}" for i in range(60)],
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_as_text(case):
    values, found = NUMBERS[case]
    with pytest.warns(UserWarning, match=f"Column 'size' of X holds text with {found}") as warned:
        fit(values)
    assert "to_numeric" in str(warned[0].message)
    assert warned[0].filename == __file__


@pytest.mark.parametrize("case", NAMES)
def test_names_of_rows(case):
    with pytest.warns(UserWarning, match=r"'size' of X .* of which 0 are numbers.*Drop the column"):
        fit(NAMES[case])


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ([str(i % 31 + 1) for i in range(60)], "from_dtype"),  # days of a month
        ([str(i % 5 / 2) for i in range(60)], "from_dtype"),  # doses
        ([f"{i % 50:05}" for i in range(200)], "from_dtype"),  # postcodes
        ([f"town {i % 50}" for i in range(200)], "from_dtype"),
        ([f"row {i}" for i in range(20)], "from_dtype"),
        (pd.Series(prices(40)).astype("category"), "from_dtype"),
        (prices(40), ["size"]),
        ([i / 7 for i in range(40)], ["size"]),
        ([True, False] * 20, "from_dtype"),
    ],
)
def test_no_false_alarm(values, asked):
    assert fit(values, asked).codes is not None


def test_an_array_of_objects_is_read_as_the_frame_that_it_was():
    frame = pd.DataFrame({"x": [1.5, 2, np.nan], "c": ["b", None, "a"], "t": [True, False, True]})
    expected = ColumnCoder().fit_transform(BaseEstimator(), frame)
    for rows in (frame.to_numpy(dtype=object), frame.to_numpy(dtype=object).tolist()):
        coder = ColumnCoder()
        found = coder.fit_transform(BaseEstimator(), rows)
        np.testing.assert_array_equal(found.numbers, expected.numbers)
        np.testing.assert_array_equal(found.codes, expected.codes)
        assert [values.tolist() for values in coder.categories] == [["a", "b"], [False, True]]


@pytest.mark.parametrize("meta", [BaggingClassifier, BaggingRegressor])
def test_meta_estimators_keep_categories(meta):
    colour = np.resize(["red", "blue", "green"], 60)
    frame = pd.DataFrame({"x": np.arange(60) % 7, "colour": colour})
    inner = GradientBoostingClassifier(
        n_estimators=3, learning_rate=0.3, backend="hist", min_samples_leaf=1, max_features=1.0
    )
    y = (colour == "green").astype(int)
    fitted = meta(inner, n_estimators=2, random_state=0).fit(frame, y)
    assert (np.round(fitted.predict(frame)) == y).all()


def test_the_warning_points_at_the_line_outside_of_all_packages():
    X = pd.DataFrame({"size": prices(20), "x": np.arange(20)})
    booster = GradientBoostingClassifier(n_estimators=1, backend="hist")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        make_pipeline(FunctionTransformer(), booster).fit(X, np.arange(20) % 2)
    assert {one.filename for one in warned} == {__file__}
