"""Tests on predictions equal enumeration, scipy's tests of other names, and published numbers."""

from itertools import product
from math import comb

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sklearn_modern.model_selection import (
    cochran_q_test,
    f_test,
    mcnemar_test,
    proportion_difference_test,
)

METHODS = ("mid-p", "exact", "corrected", "uncorrected")


def table_of(b, c, n=40):
    return [[n - b - c, b], [c, 0]]


@st.composite
def predictions(draw, n_models=(2, 4)):
    """True labels, and those of several models, some of which are often right."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n, k = draw(st.integers(4, 40)), draw(st.integers(*n_models))
    y = rng.permutation(np.arange(n) % 3)
    others = rng.permutation(np.arange(n) % 3)
    quality = rng.random(k) * draw(st.sampled_from([0.3, 1.0]))
    return y, [np.where(rng.random(n) < share, y, others) for share in quality]


@pytest.mark.parametrize(
    ("method", "p_value"),
    [("exact", 0.0703), ("mid-p", 0.0391), ("corrected", 0.0771), ("uncorrected", 0.0339)],
)
def test_mcnemar_gives_the_published_p_values(method, p_value):
    # Airway hyper-responsiveness before and after a transplantation: Fagerland et al. (2013).
    found = mcnemar_test(table=[[1, 1], [7, 12]], method=method)
    assert found.p_value == pytest.approx(p_value, abs=1e-4)
    assert found.effect == pytest.approx(-6 / 21)


@settings(max_examples=40)
@given(st.integers(0, 12), st.integers(0, 12))
def test_mcnemar_equals_an_enumeration(b, c):
    n = b + c
    p = [comb(n, i) / 2**n for i in range(n + 1)]
    at_most = sum(p[: min(b, c) + 1])
    exact, mid = min(2 * at_most, 1), 2 * (at_most - p[min(b, c)] / 2)
    for method, expected in (("exact", exact), ("mid-p", mid)):
        found = mcnemar_test(table=table_of(b, c), method=method)
        assert found.p_value == pytest.approx(expected)
    if n:
        assert exact == pytest.approx(stats.binomtest(b, n).pvalue)
        chi2 = mcnemar_test(table=table_of(b, c), method="uncorrected")
        assert chi2.statistic == pytest.approx(stats.chisquare([b, c]).statistic)
        corrected = mcnemar_test(table=table_of(b, c), method="corrected")
        assert corrected.statistic == pytest.approx(max(abs(b - c) - 1, 0) ** 2 / n)
        assert corrected.p_value == pytest.approx(stats.chi2.sf(corrected.statistic, 1))


@settings(max_examples=40)
@given(predictions(n_models=(2, 2)), st.sampled_from(METHODS))
def test_mcnemar_is_symmetric_and_knows_neither_order_nor_names(case, method):
    y, (first, second) = case
    found = mcnemar_test(y, first, second, method=method)
    swapped = mcnemar_test(y, second, first, method=method)
    assert 0 <= found.p_value <= 1
    assert swapped.p_value == found.p_value
    assert swapped.statistic == found.statistic
    assert swapped.effect == -found.effect
    np.testing.assert_allclose(swapped.interval, -np.array(found.interval[::-1]))
    assert found.effect == pytest.approx(np.mean(first == y) - np.mean(second == y))
    order, names = np.random.default_rng(0).permutation(len(y)), np.array(["a", "c", "b"])
    renamed = [pd.Series(names[values[order]]) for values in (y, first, second)]
    assert mcnemar_test(*renamed, method=method) == found
    assert mcnemar_test(y, first, first, method=method).p_value == 1


def test_the_interval_of_mcnemar_covers():
    # Exactly, over all outcomes of 30 rows.
    p, n = np.array([0.25, 0.1, 0.65]), 30
    covered = 0.0
    for b, c in product(range(n + 1), repeat=2):
        if b + c <= n:
            low, high = mcnemar_test(table=table_of(b, c, n)).interval
            inside = low <= p[0] - p[1] <= high
            covered += inside * stats.multinomial.pmf([b, c, n - b - c], n, p)
    assert 0.94 < covered < 0.97


@settings(max_examples=40)
@given(predictions())
def test_cochran_is_friedman_of_right_and_wrong(case):
    y, models = case
    correct = np.column_stack([y == one for one in models])
    k = correct.shape[1]
    found = cochran_q_test(y, models)
    assert list(found.estimates.values()) == correct.mean(axis=0).tolist()
    if (correct.sum(axis=1) % k == 0).all():  # no row on which models differ
        assert (found.statistic, found.p_value) == (0, 1)
        return
    if k > 2:
        expected = stats.friedmanchisquare(*correct.T.astype(int))
        assert found.statistic == pytest.approx(expected.statistic)
        assert found.p_value == pytest.approx(expected.pvalue)
    else:
        expected = mcnemar_test(y, *models, method="uncorrected")
        assert found.statistic == pytest.approx(expected.statistic)
    assert 0 <= found.effect <= 1
    assert cochran_q_test(y, models[::-1]).statistic == pytest.approx(found.statistic)


@settings(max_examples=40)
@given(predictions())
def test_the_f_test_is_an_analysis_of_variance(case):
    y, models = case
    values = np.column_stack([y == one for one in models]).astype(float)
    n, k = values.shape
    rows, columns, mean = values.mean(axis=1, keepdims=True), values.mean(axis=0), values.mean()
    between = n * ((columns - mean) ** 2).sum() / (k - 1)
    residual = ((values - rows - columns + mean) ** 2).sum() / ((k - 1) * (n - 1))
    found = f_test(y, models)
    if between < 1e-12:
        assert (found.statistic, found.p_value, found.effect) == (0, 1, 0)
    elif residual < 1e-12:
        assert (found.statistic, found.p_value) == (np.inf, 0)
    else:
        assert found.statistic == pytest.approx(between / residual)
        expected = stats.f.sf(between / residual, k - 1, (k - 1) * (n - 1))
        assert found.p_value == pytest.approx(expected)
        assert found.effect == pytest.approx(cochran_q_test(y, models).effect)


def test_the_interval_of_a_difference_is_the_published_one():
    # Newcombe (1998), table II, method 10.
    low, high = proportion_difference_test(56 / 70, 48 / 80, 70, 80).interval
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)
    low, high = proportion_difference_test(1, 0, 10, 10).interval
    assert (round(low, 4), round(high, 4)) == (0.6075, 1)


@settings(max_examples=40)
@given(st.integers(0, 20), st.integers(0, 30))
def test_the_proportion_test_is_that_of_a_contingency_table(hits1, hits2):
    found = proportion_difference_test(hits1 / 20, hits2 / 30, 20, 30)
    swapped = proportion_difference_test(hits2 / 30, hits1 / 20, 30, 20)
    assert swapped.statistic == pytest.approx(-found.statistic)
    assert found.interval[0] <= found.effect <= found.interval[1]
    if 0 < hits1 + hits2 < 50:
        table = [[hits1, 20 - hits1], [hits2, 30 - hits2]]
        chi2, p_value, *_ = stats.chi2_contingency(table, correction=False)
        assert found.statistic**2 == pytest.approx(chi2)
        assert found.p_value == pytest.approx(p_value)
    else:
        assert (found.statistic, found.p_value) == (0, 1)


def test_variances_of_proportions_that_are_not_pooled_are_added():
    found = proportion_difference_test(0.8, 0.7, 100, pooled=False)
    assert found.statistic == pytest.approx(0.1 / (0.16 / 100 + 0.21 / 100) ** 0.5)
    certain = proportion_difference_test(1, 0, 5, pooled=False)
    assert (certain.statistic, certain.p_value) == (np.inf, 0)


def test_predictions_come_in_any_container():
    y, models = [0, 1, 1, 0], {"a": [0, 1, 0, 0], "b": [1, 1, 1, 0]}
    by_name = cochran_q_test(y, models)
    assert cochran_q_test(pd.Series(y), pd.DataFrame(models)) == by_name
    assert list(by_name.estimates) == ["a", "b"]
    unnamed = cochran_q_test(y, np.column_stack(list(models.values())))
    assert list(unnamed.estimates) == ["model1", "model2"]
    assert unnamed.statistic == by_name.statistic == cochran_q_test(y, [*models.values()]).statistic
    assert "Cochran" in str(by_name)
    assert "b: 0.75" in str(by_name)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [0, 1], [0]), "y_true has 2 samples, but y_pred2 has 1"),
        (([0, 1], [0, 1], None), "Pass y_pred2, or a table"),
        (([0, 0.5], [0, 1], [0, 1]), "y_true: .*0.5"),
        (([0, 1], [0, None], [0, 1]), "y_pred1: .*missing"),
        (([0, 1], [0, 1], [[0, 1], [1, 0]]), "y_pred2: .*1d"),
        (([0, 1], ["0", "1"], [0, 1]), "y_pred1 has the labels .*one is text"),
        (([], [], []), "y_true: .*empty"),
    ],
)
def test_wrong_labels_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        mcnemar_test(*arguments)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"table": [[1, 2, 3]]}, r"table has the shape \(1, 3\)"),
        ({"table": [[1, -2], [3, 4]]}, "whole counts"),
        ({"table": [[1, 0.5], [3, 4]]}, "whole counts"),
        ({"table": [[0, 0], [0, 0]]}, "not all of them zero"),
        ({"table": [[1, 2], [3, 4]], "y_true": [0]}, "not both"),
        ({"table": [[1, 2], [3, 4]], "method": "midp"}, "method='midp' must be one of"),
        ({"table": [[1, 2], [3, 4]], "confidence": 95}, "confidence=95 .*such as 0.95"),
    ],
)
def test_wrong_settings_are_refused(more, message):
    with pytest.raises(ValueError, match=message):
        mcnemar_test(**more)


def test_rows_in_another_order_are_refused():
    y = pd.Series([0, 1, 1], index=[5, 6, 7])
    with pytest.raises(ValueError, match="y_pred1 have the same index in different orders"):
        mcnemar_test(y, y[::-1], y)
    assert mcnemar_test(y, y.reset_index(drop=True), y).p_value == 1  # as a predict gives it


def test_labels_that_are_unknown_are_named():
    with pytest.warns(UserWarning, match=r"y_pred2 has labels that do not occur in y_true: \[2\]"):
        mcnemar_test([0, 1, 1], [0, 1, 1], [0, 1, 2])


@pytest.mark.parametrize(
    ("models", "error", "message"),
    [
        ([[0, 1]], ValueError, "predictions has 1 models"),
        (np.zeros(2), ValueError, r"predictions has the shape \(2,\)"),
        (3, TypeError, "of type int; it must be a mapping"),
        (pd.DataFrame([[0, 0], [1, 1]], columns=["a", "a"]), ValueError, "two models of one name"),
    ],
)
@pytest.mark.parametrize("test", [cochran_q_test, f_test])
def test_what_are_no_models_is_refused(test, models, error, message):
    with pytest.raises(error, match=message):
        test([0, 1], models)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.2, 0.5, 10), "proportion1=1.2"),
        ((0.5, np.nan, 10), "proportion2=nan"),
        ((0.5, 0.5, 0), "n1=0"),
        ((0.5, 0.5, 10, 2.5), "n2=2.5"),
    ],
)
def test_what_are_no_proportions_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        proportion_difference_test(*arguments)
