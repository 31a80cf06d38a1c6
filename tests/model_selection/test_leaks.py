"""What is planted is found, and what is not there is not."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_friedman1,
)
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, TimeSeriesSplit

from sklearn_modern.model_selection import find_leaks

RNG = np.random.default_rng(0)
N = 200
LABELS = RNG.choice(["a", "b", "c"], N)
NUMBERS = RNG.normal(size=N)
NOISE = RNG.normal(size=(N, 4))


def kinds(leaks):
    return [leak.kind for leak in leaks]


def with_column(values):
    frame = pd.DataFrame(NOISE.copy(), columns=[*"wxyz"])
    frame.insert(2, "planted", values)
    return frame


# Nothing there.


@pytest.mark.parametrize("as_frame", [False, True])
@pytest.mark.parametrize("cv", [None, 5])
def test_data_sets_of_scikit_learn_draw_no_false_alarms(as_frame, cv):
    for load in (load_wine, load_breast_cancer, load_diabetes):
        assert find_leaks(*load(return_X_y=True, as_frame=as_frame), cv=cv) == []
    X, y = load_digits(return_X_y=True, as_frame=as_frame)
    (constant,) = find_leaks(X[:500], y[:500], cv=cv)
    unused = np.flatnonzero(np.ptp(np.asarray(X[:500]), axis=0) == 0)
    names = X.columns[unused] if as_frame else unused
    assert (constant.kind, list(constant.columns)) == ("constant", list(names))
    (equal,) = find_leaks(*load_iris(return_X_y=True, as_frame=as_frame), cv=cv)
    assert (equal.kind, equal.rows) == ("equal rows", (101, 142))


@pytest.mark.parametrize("y", [LABELS, NUMBERS, LABELS == "a"])
def test_noise_has_no_leaks(y):
    assert find_leaks(NOISE, y, cv=5) == []
    for shape in ((N, 5), (N, 12)):  # of which many, and about five, pairs are equal by chance
        values = np.random.default_rng(1).integers(0, 2, size=shape)
        assert len(np.unique(values, axis=0)) < N
        assert find_leaks(values, y, cv=5) == []
    assert find_leaks(*make_friedman1(N, random_state=0), cv=5) == []
    assert find_leaks(NOISE[:5], y[:5]) == []


# A column that determines y.


@pytest.mark.parametrize(
    "column",
    [
        pd.Categorical(np.char.add("level ", LABELS)),
        np.char.upper(LABELS),
        np.where(LABELS == "b", 7.0, -3.0) * (LABELS != "c") + NOISE[:, 0] / 10,
        pd.Series(np.where(LABELS == "a", np.nan, LABELS == "b")),
        np.where(LABELS == "a", np.nan, np.where(LABELS == "b", 1e300, -1e300)),
        pd.array(pd.Series(LABELS).map({"a": 1, "b": 5, "c": None}), dtype="Int64"),
    ],
)
def test_a_column_that_determines_labels_is_found(column):
    leaks = find_leaks(with_column(column), LABELS)
    assert [(leak.kind, leak.columns) for leak in leaks] == [("predicts y", ("planted",))]
    assert "100.0 %" in str(leaks[0])


@pytest.mark.parametrize(
    "column",
    [
        3 * NUMBERS - 1,
        pd.Series(3e9 * NUMBERS).round().astype("Int64"),
        np.exp(NUMBERS) + NOISE[:, 0] / 1000,
        np.exp(4 * NUMBERS),
        1e15 + NUMBERS,
        np.abs(NUMBERS) * np.sign(NUMBERS) ** 3 + NOISE[:, 0] / 100,
    ],
)
def test_a_column_that_determines_numbers_is_found(column):
    leaks = find_leaks(with_column(column), NUMBERS)
    assert [(leak.kind, leak.columns) for leak in leaks] == [("predicts y", ("planted",))]


def test_outliers_of_y_hide_no_leak():
    assert kinds(find_leaks(with_column(NUMBERS), np.exp(5 * NUMBERS))) == ["predicts y"]


def test_levels_that_are_new_have_the_most_frequent_label():
    y = RNG.choice(["a", "b", "z"], N, p=[0.15, 0.15, 0.7])
    column = np.where(y == "z", [f"row {i}" for i in range(N)], np.char.upper(y))
    assert kinds(find_leaks(with_column(column), y)) == ["predicts y"]


@pytest.mark.parametrize(
    ("column", "y"),
    [
        (np.where(RNG.random(N) < 0.9, LABELS, "a"), LABELS),
        (NUMBERS + NOISE[:, 0] / 3, NUMBERS),
        (pd.Categorical(np.arange(N) % 100), LABELS),  # each level has two rows
    ],
)
def test_a_good_column_is_no_leak(column, y):
    assert find_leaks(with_column(column), y) == []


def test_rare_labels_are_no_leak_by_chance():
    y = np.zeros(N, dtype=int)
    y[:5] = 1
    assert find_leaks(NOISE, y) == []  # 97.5 % of labels are right without any column
    assert find_leaks(with_column(y), y) == []  # five rows are too few to tell
    y[5:20] = 1
    assert kinds(find_leaks(with_column(y), y)) == ["predicts y"]


def test_groups_that_have_one_label_each_are_no_leak_of_their_column():
    groups = np.arange(N) // 10
    y = RNG.integers(0, 2, N // 10)[groups]
    names = np.char.add("group ", groups.astype(str))
    assert kinds(find_leaks(with_column(names), y)) == ["predicts y"]
    assert find_leaks(with_column(names), y, groups=groups) == []


# Rows and groups.


@pytest.mark.parametrize("convert", [np.asarray, pd.DataFrame, sp.csr_matrix])
def test_equal_rows_on_both_sides_are_found(convert):
    X = NOISE * (RNG.random(NOISE.shape) < 0.8)
    X[1], X[150], X[3] = X[0], X[2], -0.0 * X[2]
    X[160] = 0.0 * X[0]
    y = RNG.integers(0, 2, N)
    y[0] = y[1]
    y[2], y[150] = 0, 1
    equal = {(0, 1), (2, 150)}
    for first in range(N):  # by chance, rows of zeros
        equal |= {(first, i) for i in range(first) if (X[i] == X[first]).all() and X[i].any()}
    (leak,) = find_leaks(convert(X), y)
    assert set(leak.rows) >= {0, 1, 2, 150}
    assert all(any(row in pair for pair in equal) or not X[row].any() for row in leak.rows)
    (leak,) = find_leaks(convert(X), y, cv=KFold(2))
    assert {2, 150} <= set(leak.rows)
    assert not {0, 1} & set(leak.rows)  # on the same side
    masks = [(np.arange(N) < N // 2, np.arange(N) >= N // 2)]
    (by_masks,) = find_leaks(convert(X), y, cv=masks)
    by_rows = find_leaks(convert(X), y, cv=[tuple(np.flatnonzero(mask) for mask in masks[0])])
    assert by_rows == [by_masks]
    assert "y is the same in" in leak.evidence


def test_rows_are_equal_with_categories_and_missing_values():
    frame = with_column(pd.Categorical(LABELS))
    frame["more"] = RNG.choice(["x", "y", None], N)
    frame.loc[[4, 70], "w"] = np.nan
    frame.loc[70] = frame.loc[4]
    (leak,) = find_leaks(frame, NUMBERS)
    assert leak.rows == (4, 70)
    frame.loc[70, "planted"] = "a" if frame.loc[4, "planted"] != "a" else "b"
    assert find_leaks(frame, NUMBERS) == []


@settings(max_examples=15)
@given(st.integers(0, 1000), st.booleans())
def test_equal_rows_are_those_that_loops_find(seed, sparse):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 4, size=(30, 12)) / 4
    X[rng.integers(0, 30, 4)] = X[rng.integers(0, 30, 4)]
    X[X == 0.25] = np.nan
    rows = [tuple(np.nan_to_num(row, nan=-1).tolist()) for row in X]
    # Two zeros, two ways to write NaN, and zeros that a sparse matrix stores, are no difference.
    X[(X == 0) & (rng.random(X.shape) < 0.5)] = -0.0
    X[np.isnan(X) & (rng.random(X.shape) < 0.5)] = -np.nan
    train, test = np.arange(20), np.arange(10, 30)  # a split may overlap
    expected = {i for i in test for j in train if rows[i] == rows[j]}
    if sparse:
        stored = (X != 0) | (rng.random(X.shape) < 0.5)
        places = np.nonzero(stored)
        X = sp.csr_matrix((X[places], places), shape=X.shape)
    leaks = find_leaks(X, rng.normal(size=30), cv=[(train, test)])
    assert {row for leak in leaks if leak.kind == "equal rows" for row in leak.rows} == expected


def test_torn_groups_are_found():
    groups = np.arange(N) // 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (leak,) = find_leaks(NOISE, LABELS, cv=KFold(4), groups=groups)
    expected = {
        row
        for train, test in KFold(4).split(NOISE)
        for row in test
        if groups[row] in set(groups[train])
    }
    assert (leak.kind, set(leak.rows)) == ("torn groups", expected)
    assert leak.evidence.startswith(f"{len({*groups[[*expected]]})} of 67 groups")
    for cv in (GroupKFold(4), StratifiedGroupKFold(4)):
        assert find_leaks(NOISE, LABELS, cv=cv, groups=[f"g{group}" for group in groups]) == []


# Identifiers and constants.


@pytest.mark.parametrize(
    "column",
    [
        RNG.permutation(N) + 1000,
        np.arange(N) ** 2.0,
        [f"row {i}" for i in range(N)],
        pd.date_range("2020-01-01", periods=N, tz="UTC"),
        pd.to_timedelta(np.arange(N), unit="h"),
    ],
)
def test_names_of_rows_are_found(column):
    (leak,) = find_leaks(with_column(column), LABELS)
    assert (leak.kind, leak.columns) == ("identifier", ("planted",))


def test_a_name_may_tell_an_identifier():
    numbers = RNG.choice(10**7, N, replace=False)
    for name, found in [("customer_id", True), ("ID", True), ("income", False), ("valid", False)]:
        leaks = find_leaks(with_column(numbers).rename(columns={"planted": name}), LABELS)
        assert [leak.columns for leak in leaks] == ([(name,)] if found else [])


@pytest.mark.parametrize(
    "column",
    [
        [f"a longer text of several words, number {i}" for i in range(N)],
        RNG.integers(0, 150, N),
        np.where(np.arange(N) < 150, None, [f"row {i}" for i in range(N)]),
    ],
)
def test_other_columns_are_no_identifiers(column):
    assert find_leaks(with_column(column), LABELS) == []


def test_constants_are_found_together():
    frame = with_column("same").assign(empty=np.nan, one=1)
    frame.loc[0, "x"] = np.nan
    (leak,) = find_leaks(frame, LABELS)
    assert set(leak.columns) == {"planted", "empty", "one"}
    rare = with_column(np.where(np.arange(N) == 7, 1.0, np.nan))  # what is missing tells something
    assert find_leaks(rare, LABELS) == []
    (leak,) = find_leaks(np.column_stack([NOISE, np.zeros((N, 30))]), LABELS)
    assert leak.columns == tuple(range(4, 34))
    assert "12, 13, ...: 30 columns have one value" in str(leak)
    (leak,) = find_leaks(sp.csr_matrix(np.column_stack([NOISE, np.zeros(N)])), LABELS)
    assert (leak.kind, leak.columns) == ("constant", (4,))


# Input.


def test_the_worst_comes_first_and_nothing_is_changed():
    frame = with_column(np.arange(N)).assign(leak=LABELS, one=1, when=pd.Timestamp("2020-01-01"))
    before = frame.copy()
    found = find_leaks(frame, pd.Series(LABELS), cv=5, groups=np.arange(N) // 2)
    assert kinds(found) == ["predicts y", "torn groups", "identifier", "constant"]
    pd.testing.assert_frame_equal(frame, before)
    assert all(leak.kind in str(leak) and leak.advice in str(leak) for leak in found)
    assert found == find_leaks(frame, pd.Series(LABELS), cv=5, groups=np.arange(N) // 2)


@pytest.mark.parametrize(
    ("X", "y", "more", "message"),
    [
        (NOISE, LABELS[:-1], {}, "X and y differ in length"),
        (NOISE, None, {}, "y"),
        (NOISE, NOISE, {}, "one column of y"),
        (NOISE, np.where(np.arange(N) == 3, np.nan, NUMBERS), {}, "y contains NaN"),
        (NOISE, LABELS, {"groups": [None] * N, "cv": 2}, "groups contains NaN or other missing"),
        (NOISE, LABELS, {"groups": [1, 2]}, r"groups has the shape \(2,\)"),
        (pd.DataFrame({"mixed": [1, "a"] * 100}), LABELS, {}, "'mixed' of X mixes text"),
    ],
)
def test_wrong_input_is_refused(X, y, more, message):
    with pytest.raises(ValueError, match=message):
        find_leaks(X, y, **more)


# Columns that were computed from y.


def found(leaks):
    return [(leak.kind, leak.columns) for leak in leaks]


def test_a_copy_with_a_few_wrong_labels_is_found():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=400)
    for share, expected in ((0.01, [("predicts y", ("planted",))]), (0.05, [])):
        wrong = rng.permutation(400) < share * 400
        X = pd.DataFrame({"noise": rng.normal(size=400), "planted": np.where(wrong, 1 - y, y)})
        assert found(find_leaks(X, y)) == expected


@pytest.mark.parametrize("shift", [1, -1])
@pytest.mark.parametrize("y", [NUMBERS, LABELS], ids=["numbers", "labels"])
def test_the_target_of_a_neighbouring_row_is_found(y, shift):
    leaks = find_leaks(with_column(np.roll(y, shift)), y)
    assert found(leaks) == [("shifted y", ("planted",))]
    assert ("row before" if shift == 1 else "next row") in str(leaks[0])


@pytest.mark.parametrize("decimals", [15, 3])
@pytest.mark.parametrize("labels", [False, True])
def test_means_of_the_target_over_all_rows_are_found(labels, decimals):
    rng = np.random.default_rng(0)
    y = pd.Series(rng.integers(0, 2, size=N) if labels else NUMBERS)
    group = rng.integers(0, 12, size=N)
    means = y.groupby(group).transform("mean").round(decimals)
    assert found(find_leaks(with_column(means), y)) == [("mean of y", ("planted",))]
    half = np.arange(N) < N / 2
    honest = [y[rows].groupby(group[rows]).mean().reindex(group[~rows]) for rows in (~half, half)]
    assert find_leaks(with_column(np.concatenate(honest)), y) == []


def test_a_good_forecast_is_no_mean_of_the_target():
    rng = np.random.default_rng(0)
    forecast = rng.integers(1, 6, size=2000).astype(float)
    y = forecast + rng.normal(size=2000)
    assert find_leaks(pd.DataFrame({"a": forecast, "b": rng.normal(size=2000)}), y) == []


def test_splits_that_mix_times_are_found():
    rng = np.random.default_rng(0)
    y = rng.normal(size=100)
    X = pd.DataFrame({"x": rng.normal(size=100), "year": 1920.5 + np.arange(100) // 2})
    X["seen"] = pd.date_range("2020", periods=100)[rng.permutation(100)]
    mixed = KFold(5, shuffle=True, random_state=0)
    assert found(find_leaks(X, y, cv=mixed)) == [("time", ("year",)), ("time", ("seen",))]
    assert find_leaks(X.drop(columns="seen"), y, cv=TimeSeriesSplit(5)) == []
    assert find_leaks(X, y) == []
    shuffled = X.assign(year=rng.permutation(X["year"])).drop(columns="seen")
    assert find_leaks(shuffled, y, cv=mixed) == []  # it may be the year of a car
