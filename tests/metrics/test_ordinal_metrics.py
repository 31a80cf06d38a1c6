"""Ordinal metrics equal what plain loops compute."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import (
    brier_score_loss,
    cohen_kappa_score,
    mean_absolute_error,
    mean_squared_error,
)

from sklearn_modern.metrics import (
    average_mean_absolute_error,
    maximum_mean_absolute_error,
    mean_absolute_rank_error,
    quadratic_weighted_kappa,
    rank_inconsistency_count,
    ranked_probability_score,
    root_mean_squared_rank_error,
)

ORDER = ["low", "mid", "high", "top"]
ERRORS = [
    mean_absolute_rank_error,
    root_mean_squared_rank_error,
    average_mean_absolute_error,
    maximum_mean_absolute_error,
]
# Levels of any type in rank order, which for most is not the sorted one.
LEVELS = {
    "str": np.array(ORDER),
    "int": np.array([1, 2, 5, 9]),
    "falling": np.array([7, 3, 2, -1]),
    "bool": np.array([True, False]),
    "day": np.array(["2025-01-01", "2024-02-29", "2024-03-01"], dtype="datetime64[D]"),
    "object": np.array([date(2024, 1, 1), date(2023, 5, 5), date(2025, 1, 1)], dtype=object),
    "one": np.array(["only"]),
}


def errors_by_loops(true, predicted, weight):
    """Return all of ERRORS of ranks, one row after the other."""
    by_level, weight_of = {}, {}
    total = absolute = squared = 0.0
    for t, p, w in zip(true, predicted, weight, strict=True):
        total += w
        absolute += w * abs(int(t) - int(p))
        squared += w * (int(t) - int(p)) ** 2
        weight_of[t] = weight_of.get(t, 0.0) + w
        by_level[t] = by_level.get(t, 0.0) + w * abs(int(t) - int(p))
    means = [by_level[t] / weight_of[t] for t in by_level if weight_of[t] > 0]
    return absolute / total, (squared / total) ** 0.5, sum(means) / len(means), max(means)


def rps_by_loops(true, probabilities, weight):
    """Return the ranked probability score; columns are in rank order."""
    score = 0.0
    for t, row, w in zip(true, probabilities, weight, strict=True):
        for k in range(len(row) - 1):
            beyond = sum(row[k + 1 :])
            score += w * (beyond - (1.0 if t > k else 0.0)) ** 2
    return score / sum(weight)


@st.composite
def cases(draw):
    """Levels, ranks, predicted ranks, probabilities in rank order, and whole weights."""
    levels = LEVELS[draw(st.sampled_from(list(LEVELS)))]
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    n = draw(st.integers(1, 30))
    true, predicted = rng.integers(0, len(levels), (2, n))
    weight = rng.integers(0, 4, n)
    weight[rng.integers(n)] = 1
    return levels, true, predicted, rng.dirichlet(np.ones(len(levels)), n), weight


def in_sorted_order(levels, probabilities):
    return probabilities[:, np.argsort(levels)]


@given(cases())
def test_errors_equal_loops_and_scikit_learn_on_ranks(case):
    levels, true, predicted, _, weight = case
    for w in (None, weight):
        plain = np.ones(len(true)) if w is None else w
        found = [
            error(levels[true], levels[predicted], labels=levels, sample_weight=w)
            for error in ERRORS
        ]
        assert all(type(value) is float for value in found)
        np.testing.assert_allclose(found, errors_by_loops(true, predicted, plain), rtol=1e-12)
        mse = mean_squared_error(true, predicted, sample_weight=w)
        np.testing.assert_allclose(found[1], mse**0.5, rtol=1e-12)
        mae = mean_absolute_error(true, predicted, sample_weight=w)
        np.testing.assert_allclose(found[0], mae, rtol=1e-12)


@given(cases())
def test_kappa_equals_that_of_scikit_learn_on_ranks(case):
    levels, true, predicted, _, weight = case
    for w in (None, weight):
        counted = np.ones(len(true), bool) if w is None else weight > 0
        if len({*true[counted], *predicted[counted]}) == 1:
            with pytest.warns(UndefinedMetricWarning, match="one and the same"):
                found = quadratic_weighted_kappa(
                    levels[true], levels[predicted], labels=levels, sample_weight=w
                )
            assert np.isnan(found)
            continue
        found = quadratic_weighted_kappa(
            levels[true], levels[predicted], labels=levels, sample_weight=w
        )
        assert type(found) is float
        expected = cohen_kappa_score(
            true, predicted, labels=range(len(levels)), weights="quadratic", sample_weight=w
        )
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@given(cases())
def test_the_probability_score_equals_loops(case):
    levels, true, _, probabilities, weight = case
    for w in (None, weight):
        found = ranked_probability_score(
            levels[true], in_sorted_order(levels, probabilities), labels=levels, sample_weight=w
        )
        plain = np.ones(len(true)) if w is None else w
        np.testing.assert_allclose(
            found, rps_by_loops(true, probabilities, plain), rtol=1e-9, atol=1e-15
        )


@given(cases())
def test_weights_are_repetitions_and_zero_is_absence(case):
    levels, true, predicted, probabilities, weight = case
    y, probabilities = levels[true], in_sorted_order(levels, probabilities)
    inputs = dict.fromkeys(ERRORS, levels[predicted]) | {
        ranked_probability_score: probabilities,
        rank_inconsistency_count: np.column_stack([probabilities, probabilities])[:, 1:],
    }
    for metric, y_pred in inputs.items():
        labels = None if metric is rank_inconsistency_count else levels
        weighted = metric(y, y_pred, labels=labels, sample_weight=weight)
        repeated = metric(np.repeat(y, weight), np.repeat(y_pred, weight, axis=0), labels=labels)
        np.testing.assert_allclose(weighted, repeated, rtol=1e-9, err_msg=metric.__name__)


@given(cases())
def test_a_perfect_prediction_costs_nothing(case):
    levels, true, _, _, _ = case
    for error in ERRORS:
        assert error(levels[true], levels[true], labels=levels) == 0
    certain = in_sorted_order(levels, np.eye(len(levels))[true])
    assert ranked_probability_score(levels[true], certain, labels=levels) == 0


@given(cases())
def test_a_certain_forecast_scores_its_absolute_error(case):
    levels, true, predicted, _, _ = case
    certain = in_sorted_order(levels, np.eye(len(levels))[predicted])
    np.testing.assert_allclose(
        ranked_probability_score(levels[true], certain, labels=levels),
        mean_absolute_rank_error(levels[true], levels[predicted], labels=levels),
    )


@given(st.integers(0, 1000))
def test_of_two_levels_the_probability_score_is_the_brier_score(seed):
    rng = np.random.default_rng(seed)
    y, p, w = rng.integers(0, 2, 20), rng.uniform(size=20), rng.uniform(0.1, 2, 20)
    expected = brier_score_loss(y, p, sample_weight=w, pos_label=1)
    for labels in ([0, 1], [1, 0]):
        for y_pred in (p, np.column_stack([1 - p, p])):
            found = ranked_probability_score(y, y_pred, labels=labels, sample_weight=w)
            np.testing.assert_allclose(found, expected)


def test_the_true_distribution_has_the_best_expected_probability_score():
    truth = np.array([0.2, 0.1, 0.4, 0.3])

    def expected(forecast):
        return sum(
            truth[k] * ranked_probability_score([k], [forecast], labels=range(4)) for k in range(4)
        )

    others = np.random.default_rng(0).dirichlet(np.ones(4), 200)
    assert all(expected(other) > expected(truth) for other in others)


@given(st.integers(0, 1000), st.integers(1, 6))
def test_inconsistencies_equal_loops(seed, n_steps):
    rng = np.random.default_rng(seed)
    cumulative, weight = rng.integers(0, 5, (9, n_steps)) / 4, rng.integers(1, 5, 9) / 2
    expected = 0.0
    for row, w in zip(cumulative.tolist(), weight, strict=True):
        for k in range(1, n_steps):
            expected += w if row[k] > row[k - 1] else 0
    labels = np.arange(n_steps + 1)
    assert rank_inconsistency_count(np.zeros(9), cumulative, sample_weight=weight) == expected
    falling = -np.sort(-cumulative)
    assert rank_inconsistency_count(np.zeros(9), falling, labels=labels) == 0


# Labels.


@pytest.mark.parametrize("error", ERRORS)
def test_absent_levels_count_in_distances(error):
    assert error([1, 1], [9, 9], labels=[1, 2, 5, 9]) == 3
    assert error([1, 1], [9, 9]) == 1
    y, y_pred = pd.Categorical(["low"] * 2, ORDER, ordered=True), ["top"] * 2
    assert error(y, y_pred) == error(pd.Series(y), y_pred) == error(y_pred, y) == 3
    assert error(["low"] * 2, y_pred, labels=ORDER[::-1]) == 3
    assert error([True, True], [False, True], labels=[False, True]) > 0


def test_absent_levels_count_in_the_probability_score():
    y = pd.Series(pd.Categorical(["low"], ORDER, ordered=True))
    in_columns = {"high": 0.0, "low": 0.5, "mid": 0.0, "top": 0.5}  # sorted
    assert ranked_probability_score(y, [[*in_columns.values()]]) == 3 * 0.25
    assert ranked_probability_score([0, 1, 2], np.eye(3)) == 0


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(
    ("y_true", "y_pred", "settings", "message"),
    [
        (["low", "mid"], ["mid", "mid"], {}, r"Pass labels=\['low', 'mid'\]"),
        ([1, 4], [1, 2], {"labels": [1, 2, 3]}, r"y_true: .*not among the classes: \[4\]"),
        ([1, 2], [1, 4], {"labels": [1, 2, 3]}, r"y_pred: .*not among the classes: \[4\]"),
        ([1, 2], [1, 2], {"labels": [1, 2, 1]}, "a level twice"),
        ([1, 2], [1, 2], {"labels": []}, "labels=.*empty"),
        ([1, 2], [1, np.nan], {}, "NaN"),
        ([1, np.nan], [1, 2], {"labels": [1, 2]}, "y_true: .*NaN"),
        ([1, 2], [1, 1.5], {"labels": [1, 2]}, "y_pred: .*1.5"),
        ([1, 2, 3], [1, 2], {}, "inconsistent numbers of samples"),
        ([], [], {}, "empty"),
        ([], [], {"labels": [1, 2]}, "empty"),
        ([[1, 2]] * 2, [[1, 2]] * 2, {}, "1d array"),
        ([1, 2], [1, 2], {"sample_weight": [1, 1, 1]}, "sample_weight"),
        ([1, 2], [1, 2], {"sample_weight": [1, -1]}, "negative"),
        ([1, 2], [1, 2], {"sample_weight": [0, 0]}, "zero for every row"),
        ([1, 2], [1, 2], {"sample_weight": [1, np.nan]}, "NaN"),
    ],
)
def test_wrong_input_is_refused(error, y_true, y_pred, settings, message):
    with pytest.raises(ValueError, match=message):
        error(y_true, y_pred, **settings)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "settings", "message"),
    [
        ([0, 1], np.eye(3)[:2], {}, "3 columns, but there are 2 levels.*labels"),
        ([0, 1, 2], [0.1, 0.2, 0.3], {}, "2 columns, but there are 3 levels"),
        ([0, 1], [[0.5, 0.6], [0.5, 0.5]], {}, "sum to 1"),
        ([0, 1], [[1.5, -0.5], [0.5, 0.5]], {}, "not negative"),
        ([0, 1], [0.5, 1.5], {}, "not negative"),
        ([0, 1], [[0.5, np.nan], [0.5, 0.5]], {}, "y_pred contains NaN"),
        ([0, 1, 1], np.eye(2), {}, "inconsistent numbers of samples"),
        ([0, 2], np.eye(2), {"labels": [0, 1]}, "y_true: .*not among"),
        (["a", "b"], np.eye(2), {}, "Pass labels"),
        ([0, 1], np.eye(2), {"labels": [0, 0]}, "a level twice"),
        ([0, 1], np.eye(2), {"sample_weight": [1]}, "sample_weight"),
    ],
)
def test_what_are_no_probabilities_is_refused(y_true, y_pred, settings, message):
    with pytest.raises(ValueError, match=message):
        ranked_probability_score(y_true, y_pred, **settings)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "settings", "message"),
    [
        ([0, 1], [[0.5, 0.1]] * 2, {"labels": [0, 1]}, "2 columns, but 2 levels have 1 steps"),
        ([0, 7], [[0.5, 0.1]] * 2, {"labels": [0, 1, 2]}, "y_true: .*not among"),
        ([0, 1, 2], [[0.5, 0.1]] * 2, {}, "inconsistent numbers of samples"),
        ([0, 1], [0.5, 0.1], {}, "2D array"),
        ([0, 1], [[0.5, np.nan]] * 2, {}, "y_pred contains NaN"),
    ],
)
def test_what_are_no_cumulative_probabilities_is_refused(y_true, y_pred, settings, message):
    with pytest.raises(ValueError, match=message):
        rank_inconsistency_count(y_true, y_pred, **settings)
