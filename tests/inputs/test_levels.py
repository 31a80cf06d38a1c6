"""The order of levels is found, or asked for, but never guessed."""

import re
from datetime import date
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_modern._inputs.levels import common_levels, is_ordered, rank_order, ranks_of

ORDER = ["low", "mid", "high"]


def categorical(values, categories=ORDER, ordered=True):
    return pd.Categorical(values, categories, ordered=ordered)


# Levels of every type, lowest first, that sort as they are.
SORTED = {
    "int": np.array([-2, 1, 3]),
    "unsigned": np.array([0, 1, 200], dtype=np.uint8),
    "bool": np.array([False, True]),
    "integral float": np.array([-1.0, 0.0, 1e300]),
    "day": np.array(["2024-02-28", "2024-02-29", "2025-01-01"], dtype="datetime64[D]"),
    "duration": np.array([1, 5], dtype="timedelta64[h]"),
    "int objects": np.array([1, 2, 10], dtype=object),
    "mixed numbers": np.array([False, Fraction(5, 2), 10], dtype=object),
}


@pytest.mark.parametrize("levels", SORTED.values(), ids=list(SORTED))
def test_numbers_truth_values_and_dates_have_an_order(levels):
    y = levels[[1, 0, -1, 1]]
    assert is_ordered(levels)
    for found in (
        rank_order(y, None),
        rank_order(y, "sorted"),
        common_levels(None, y),
        common_levels(None, y[:1], y[1:]),
    ):
        assert found.dtype == levels.dtype
        np.testing.assert_array_equal(found, levels)
    last = len(levels) - 1
    np.testing.assert_array_equal(ranks_of(y, levels, name="y"), [1, 0, last, 1])


def test_a_column_of_ordered_categories_is_as_good_as_a_series():
    y = pd.DataFrame({"level": categorical(["mid", "high"])})
    assert rank_order(y, None).tolist() == ORDER
    assert rank_order(y["level"], None).tolist() == ORDER


UNKNOWN = {
    "str": ["low", "mid"],
    "str objects": np.array(["low", "mid"], dtype=object),
    "bytes": [b"low", b"mid"],
    "date objects": [date(2024, 1, 1), date(2025, 1, 1)],
    "unordered categories": categorical(["low", "mid"], ordered=False),
    "Series": pd.Series(["low", "mid"]),
}


@pytest.mark.parametrize("y", UNKNOWN.values(), ids=list(UNKNOWN))
def test_what_only_sorts_somehow_needs_an_order(y):
    assert not is_ordered(np.asarray(y))
    own = re.escape(str(np.unique(np.asarray(y)).tolist()))  # the user's labels
    with pytest.raises(ValueError, match=f"Pass class_order={own}"):
        rank_order(y, None)
    with pytest.raises(ValueError, match=f"Pass labels={own}"):
        common_levels(None, y)
    np.testing.assert_array_equal(rank_order(y, "sorted"), np.unique(np.asarray(y)))
    np.testing.assert_array_equal(rank_order(y, y), np.asarray(y))


@pytest.mark.parametrize("container", [list, tuple, np.array, pd.Index, pd.Series, categorical])
def test_given_levels_are_taken_as_they_come(container):
    given_levels = container(ORDER)
    np.testing.assert_array_equal(rank_order(["mid", "low"], given_levels), ORDER)
    np.testing.assert_array_equal(common_levels(given_levels, ["mid", "low"]), ORDER)


def test_given_levels_of_any_type_keep_their_order():
    for levels in [[3, 1, 2], [True, False], [date(2025, 1, 1), date(2024, 1, 1)]]:
        found = rank_order(levels[:1], levels)
        np.testing.assert_array_equal(found, np.asarray(levels))
        np.testing.assert_array_equal(
            ranks_of(levels[::-1], found, name="y")[::-1], np.arange(len(levels))
        )


@pytest.mark.parametrize("wrap", [lambda y: y, pd.Series, pd.Index])
def test_an_ordered_categorical_has_its_order(wrap):
    y = wrap(categorical(["high", "low", "high"]))
    np.testing.assert_array_equal(rank_order(y, None), ORDER)
    np.testing.assert_array_equal(common_levels(None, ["low"] * 3, y), ORDER)
    np.testing.assert_array_equal(common_levels(None, y, ["low"] * 3), ORDER)
    np.testing.assert_array_equal(ranks_of(y, np.array(ORDER), name="y"), [2, 0, 2])
    np.testing.assert_array_equal(rank_order(y, "sorted"), ["high", "low"])
    np.testing.assert_array_equal(rank_order(y, ORDER[::-1]), ORDER[::-1])


def test_ordered_categories_may_be_numbers_against_their_order():
    y = categorical([1, 5, 5], [5, 3, 1])
    np.testing.assert_array_equal(rank_order(y, None), [5, 3, 1])


def test_categoricals_that_disagree_are_refused():
    y, other = categorical(["low", "mid"]), categorical(["low", "mid"], ORDER[::-1])
    np.testing.assert_array_equal(common_levels(None, y, categorical(["high", "low"])), ORDER)
    with pytest.raises(ValueError, match="different levels.*Pass labels"):
        common_levels(None, y, other)
    np.testing.assert_array_equal(common_levels(ORDER, y, other), ORDER)


def test_numbers_of_all_ys_make_the_levels():
    np.testing.assert_array_equal(common_levels(None, [3, 1], [7, 1]), [1, 3, 7])
    np.testing.assert_array_equal(common_levels(None, [[3], [1]], [7, 1]), [1, 3, 7])
    np.testing.assert_array_equal(common_levels(None, [True, False], [1, 0]), [0, 1])
    np.testing.assert_array_equal(common_levels(None, [2, 2]), [2])


@pytest.mark.parametrize(
    ("class_order", "message"),
    [
        ("alphabetic", "class_order='alphabetic' must be None, 'sorted' or the levels"),
        (["low"], "class_order=.*at least two"),
        ([], "class_order=.*empty"),
        (["low", "mid", "low"], "class_order=.*a level twice"),
        (["low", "low"], "class_order=.*at least two"),
        ([1, 2, np.nan], "class_order=.*NaN"),
        (["low", None], "class_order=.*NoneType"),
        ([1.5, 2], "class_order=.*1.5"),
        (3, "class_order=3 .*1d"),
        ({"low", "mid"}, "class_order=.*1d"),
        ([["low", "mid"], ["a", "b"]], "class_order=.*1d"),
    ],
)
def test_a_wrong_order_is_refused(class_order, message):
    with pytest.raises(ValueError, match=message):
        rank_order(["low", "mid"], class_order)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, 1, 1], "one class, 1"),
        (categorical(["low", "low"], ["low"]), "one class, 'low'"),
        ([], "empty"),
        ([1.0, 2.0, np.nan], "NaN"),
        ([0.5, 1.5], "continuous"),
        ([[0, 1], [1, 0]], "1d array"),
        ([1j, 2j], "Complex data not supported"),
        ([1, "low"], "alphabetical|types"),
        (np.array([1, "low"], dtype=object), r"types that cannot be ordered: \['int', 'str'\]"),
    ],
)
def test_a_wrong_y_is_refused(y, message):
    with pytest.raises(ValueError, match=message):
        rank_order(y, None)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["low", "other"], r"y_pred: .*not among the classes: \['other'\].*'high'\]\.$"),
        (["low", "hihg"], "y_pred: .*'hihg' is nearly 'high': is one misspelt"),
        (["low", " Mid"], "y_pred: .*' Mid' is nearly 'mid'"),
        (categorical(["low", None]), "y_pred: "),
        ([1, 2], "y_pred: .*not among"),
        ([["low"] * 2] * 2, "y_pred: .*1d"),
        ([], "y_pred: .*empty"),
    ],
)
def test_labels_outside_the_levels_are_refused_under_their_name(y, message):
    with pytest.raises(ValueError, match=message):
        ranks_of(y, np.array(ORDER), name="y_pred")


@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=12, unique=True),
    st.integers(0, 100),
    st.sampled_from([int, str, float, object]),
)
def test_ranks_are_positions(numbers, seed, kind):
    levels = np.array(numbers).astype(kind)
    positions = np.random.default_rng(seed).integers(0, len(levels), 20)
    y = levels[positions]
    found = common_levels(levels.tolist(), y)
    np.testing.assert_array_equal(found, levels)
    np.testing.assert_array_equal(ranks_of(y.tolist(), found, name="y"), positions)
