from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from sklearn_modern.report._tasks import (
    TASKS,
    check_rows,
    check_target,
    read_target,
    settle_task,
)

GRADES = pd.Series(pd.Categorical(["low", "high"] * 20, ["low", "high"], ordered=True), name="g")


@pytest.mark.parametrize(
    ("y", "kind", "reason"),
    [
        (["a", "b"] * 20, "classification", "2 different labels"),
        ([True, False] * 20, "classification", "2 different labels"),
        ([1.0, 2.0, 3.0, 3.0] * 10, "classification", "3 different whole numbers"),
        (np.arange(40), "regression", "40 different numbers"),
        (np.arange(40) % 4 + 0.5, "regression", "4 different numbers"),
        (GRADES, "ordinal", "2 categories with an order"),
    ],
)
def test_the_task_is_taken_from_the_target_and_said_why(y, kind, reason):
    target, name = read_target(y)
    task = settle_task(target, "auto", name)
    assert (task.kind, reason in task.reason) == (kind, True)
    for other in TASKS[1:]:
        if f'task="{other}"' in task.overrule:
            assert settle_task(target, other, name).kind == other != kind
        elif other != kind:
            with pytest.raises(ValueError, match=f"task='{other}' "):
                settle_task(target, other, name)
    assert task.overrule


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([0, 1, 2], [0, 1, 2]),
        ([Decimal("0.5"), 2, 1.5], [0.5, 2.0, 1.5]),
        ([True, False], [True, False]),
        (["0", "1"], ["0", "1"]),
    ],
)
def test_objects_are_what_their_values_are(y, expected):
    for given in (pd.Series(y, dtype=object), pd.Series(y, dtype=object).astype("category")):
        target, _ = read_target(given)
        assert (target.tolist(), target.dtype.kind != "O") == (expected, True)


def test_nullable_numbers_are_numbers():
    target, _ = read_target(pd.Series([1, 2, 1], dtype="Int64"))
    assert (target.tolist(), target.dtype) == ([1, 2, 1], np.int64)


def test_the_advice_for_ratings_with_halves_is_sound():
    y = pd.Series([0.5, 1.0, 1.5] * 9, name="stars")
    with pytest.raises(ValueError, match="--levels 0.5,1.0,1.5") as caught:
        settle_task(read_target(y)[0], "ordinal", "stars")
    advice = str(caught.value).split("text (")[1].split("; on")[0]
    target, _ = read_target(eval(advice, {"pandas": pd, "y": y}))
    assert settle_task(target, "ordinal", "stars").classes == ["0.5", "1.0", "1.5"]
    text, _ = read_target(y.astype(str))
    assert settle_task(text, "classification", "stars").classes == ["0.5", "1.0", "1.5"]


def test_levels_keep_their_order():
    target, name = read_target(GRADES)
    assert settle_task(target, "auto", name).classes == ["low", "high"]
    assert name == "g"
    assert settle_task(np.array([3, 1, 2] * 9), "ordinal", "y").classes == [1, 2, 3]


@pytest.mark.parametrize(
    ("y", "task", "message"),
    [
        ([1.0, None, 2.0] * 9, "auto", "missing in 9 of 27 rows"),
        (["a"] * 20, "auto", "one value only, a"),
        (["a", 1] * 20, "auto", "mixes int and str"),
        (np.ones((9, 2)), "auto", "one column of it"),
        (pd.date_range("2020", periods=30).to_series(), "auto", "has dates"),
        ([1 + 2j, 0] * 20, "auto", "complex"),
        (["a", "b"] * 20, "regression", "labels such as a"),
        (["a", "b"] * 20, "ordinal", "--levels"),
        ([0.5, 1.0] * 20, "classification", "not whole, such as 0.5: make them text"),
        (np.arange(20) / 2, "ordinal", "there are 20 of them"),
        ([0.0, np.inf] * 20, "classification", "such as inf"),
        (["a", "b"] * 20, "classes", "task='classes' must be one of"),
        ([0.5], "auto", "There is 1 row"),
        (["a"] * 20 + ["b"] * 2, "auto", "class b of 'y' has 2 rows"),
        ([str(i) for i in range(40)], "auto", "40 classes in 40 rows"),
        ([0.5, np.inf] * 20, "auto", "infinite"),
        ([0, 1, 0, 1], "auto", "are 4 rows, but 5 outer and 3 inner folds need 10"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused(y, task, message):
    def check():
        target, name = read_target(y)
        check_rows(len(target), np.int64(5), 3)
        check_target(target, settle_task(target, task, name), np.int64(5), 3)

    with pytest.raises(ValueError, match=message):
        check()


def test_a_class_needs_rows_for_the_inner_folds_too():
    y = np.repeat([0, 1], [40, 5])
    task = settle_task(y, "auto", "y")
    check_target(y, task, 5, 4)
    with pytest.raises(ValueError, match="class 1"):
        check_target(y, task, 5, 5)
