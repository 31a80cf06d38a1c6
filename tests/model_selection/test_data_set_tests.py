"""Tests over data sets, permutations and adjustments equal enumeration and published tables."""

from itertools import combinations, product
from math import factorial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sklearn_modern.model_selection import (
    adjust_p_values,
    friedman_test,
    permutation_test,
    wilcoxon_signed_rank,
)

SEEDS = st.integers(0, 10_000)


def coarse(rng, *shape):
    """Scores of which some are equal, as accuracies are."""
    return rng.integers(5, 12, size=shape) / 10


# Wilcoxon.


@settings(max_examples=30)
@given(SEEDS, st.integers(2, 9), st.sampled_from(["pratt", "wilcox"]))
def test_the_signed_rank_test_equals_all_signs(seed, n, zero_method):
    first, second = coarse(np.random.default_rng(seed), 2, n)
    d = np.round(first - second, 6)
    d = d if zero_method == "pratt" else d[d != 0]
    ranks = stats.rankdata(np.abs(d))[d != 0]
    observed = (ranks * (d[d != 0] > 0)).sum()
    sums = np.array([np.dot(signs, ranks) for signs in product([0, 1], repeat=len(ranks))])
    greater, less = np.mean(sums >= observed), np.mean(sums <= observed)
    expected = {"greater": greater, "less": less, "two-sided": min(1, 2 * min(greater, less))}
    for alternative, p_value in expected.items():
        found = wilcoxon_signed_rank(
            first, second, zero_method=zero_method, alternative=alternative
        )
        assert found.p_value == pytest.approx(p_value)
    swapped = wilcoxon_signed_rank(second, first, zero_method=zero_method)
    assert swapped.p_value == pytest.approx(expected["two-sided"])
    assert swapped.effect == pytest.approx(-found.effect)
    assert swapped.statistic == min(observed, ranks.sum() - observed)


@pytest.mark.parametrize("n", [12, 50, 51, 80])
def test_the_signed_rank_test_is_that_of_scipy(n):
    first, second = np.random.default_rng(n).normal(size=(2, n))
    found = wilcoxon_signed_rank(first, second + 0.3)
    expected = stats.wilcoxon(first, second + 0.3)
    assert found.statistic == expected.statistic
    assert found.p_value == pytest.approx(expected.pvalue)


def test_many_differences_of_which_some_are_zero_are_those_of_scipy():
    first, second = np.random.default_rng(0).integers(0, 6, size=(2, 90)) / 4
    assert (first == second).any()
    for zero_method in ("pratt", "wilcox"):
        found = wilcoxon_signed_rank(first, second, zero_method=zero_method)
        expected = stats.wilcoxon(first, second, zero_method=zero_method)
        assert found.p_value == pytest.approx(expected.pvalue)


def test_equal_scores_have_no_signed_rank():
    found = wilcoxon_signed_rank([0.1, 0.2], [0.1, 0.2])
    assert (found.statistic, found.p_value, found.effect) == (0, 1, 0)
    # 0.9 - 0.8 and 0.3 - 0.2 differ in the last bits, but are the same difference.
    tied = wilcoxon_signed_rank([0.9, 0.2, 0.5], [0.8, 0.3, 0.5], zero_method="wilcox")
    assert (tied.statistic, tied.p_value) == (1.5, 1)


# Friedman.


@settings(max_examples=30)
@given(SEEDS, st.integers(2, 8), st.integers(3, 5))
def test_friedman_equals_loops_over_ranks(seed, n, k):
    scores = coarse(np.random.default_rng(seed), n, k)
    ranks = np.empty((n, k))
    for i, j in product(range(n), range(k)):
        others = np.delete(scores[i], j)
        ranks[i, j] = 1 + (others > scores[i, j]).sum() + (others == scores[i, j]).sum() / 2
    mean = ranks.mean(axis=0)
    found = friedman_test(scores)
    np.testing.assert_allclose(list(found.mean_ranks.values()), mean)
    # With ties: the sum of squares of mean ranks over that of all ranks.
    spread = ((ranks - (k + 1) / 2) ** 2).sum()
    between = n * ((mean - (k + 1) / 2) ** 2).sum()
    chi2 = n * (k - 1) * between / spread if spread else 0.0
    assert found.statistic == pytest.approx(chi2)
    assert found.p_value == pytest.approx(stats.chi2.sf(chi2, k - 1))
    assert found.effect == pytest.approx(chi2 / (n * (k - 1)))
    error = (k * (k + 1) / 6 / n) ** 0.5
    p_values = []
    for pair, (i, j) in zip(found.pairs, combinations(range(k), 2), strict=True):
        assert (pair.first, pair.second) == (f"model{i + 1}", f"model{j + 1}")
        assert pair.rank_difference == pytest.approx(mean[i] - mean[j])
        assert pair.statistic == pytest.approx((mean[i] - mean[j]) / error)
        above = abs(pair.rank_difference) > found.critical_difference
        assert above == (pair.p_nemenyi < 0.05)
        p_values.append(2 * stats.norm.sf(abs(pair.statistic)))
    np.testing.assert_allclose([pair.p_holm for pair in found.pairs], adjust_p_values(p_values))
    if spread - between > 1e-9:
        f = friedman_test(scores, method="iman-davenport")
        assert f.statistic == pytest.approx((n - 1) * chi2 / (n * (k - 1) - chi2))
        assert f.p_value == pytest.approx(stats.f.sf(f.statistic, k - 1, (k - 1) * (n - 1)))


@pytest.mark.parametrize(
    ("k", "confidence", "q"),
    [(3, 0.95, 2.343), (4, 0.95, 2.569), (5, 0.95, 2.728), (10, 0.95, 3.164), (4, 0.9, 2.291)],
)
def test_critical_differences_are_the_published_ones(k, confidence, q):
    # Demšar (2006), table 5.
    scores = np.random.default_rng(0).normal(size=(14, k))
    found = friedman_test(scores, confidence=confidence).critical_difference
    assert found == pytest.approx(q * (k * (k + 1) / (6 * 14)) ** 0.5, rel=5e-4)


def test_data_sets_that_all_agree_are_as_likely_as_their_orders():
    scores = np.array([[0.9, 0.8, 0.7], [0.8, 0.7, 0.6], [0.5, 0.4, 0.3]])
    found = friedman_test(scores, method="iman-davenport")
    assert found.effect == 1
    assert found.p_value == pytest.approx(factorial(3) ** -2)


def test_equal_models_have_equal_ranks_and_models_have_names():
    found = friedman_test({"a": [0.1 + 0.2, 0.5], "b": [0.3, 0.5], "c": [0.3, 0.5]})
    assert (found.statistic, found.p_value) == (0, 1)
    assert found.mean_ranks == {"a": 2, "b": 2, "c": 2}
    frame = pd.DataFrame(np.random.default_rng(1).normal(size=(9, 4)), columns=list("abcd"))
    controlled = friedman_test(frame, control="c")
    assert [(pair.first, pair.second) for pair in controlled.pairs] == [
        ("c", "a"),
        ("c", "b"),
        ("c", "d"),
    ]
    every = {(pair.first, pair.second): pair for pair in friedman_test(frame).pairs}
    assert controlled.pairs[2].p_nemenyi == pytest.approx(every["c", "d"].p_nemenyi)
    assert all(f"{pair.first} - {pair.second}" in str(controlled) for pair in controlled.pairs)


@pytest.mark.parametrize(
    ("scores", "more", "message"),
    [
        (np.ones((4, 2)), {}, "Take wilcoxon_signed_rank"),
        (np.ones((1, 3)), {}, "scores of model1 has 1 values"),
        ([[1, 2], [1, 2], [1, np.nan]], {}, "scores of model3 is not a finite number"),
        ([[1, 2], [1, 2], [1, 2, 3]], {}, "scores differ in length: .*'model3': 3"),
        (np.ones((4, 3)), {"control": "a"}, "control='a' is not among the models"),
        (np.ones((4, 3)), {"method": "f"}, "method='f' must be one of"),
    ],
)
def test_wrong_scores_of_data_sets_are_refused(scores, more, message):
    with pytest.raises(ValueError, match=message):
        friedman_test(scores, **more)


# Permutations.


@settings(max_examples=20)
@given(SEEDS, st.integers(2, 6))
def test_paired_permutations_equal_all_exchanges(seed, n):
    first, second = coarse(np.random.default_rng(seed), 2, n)
    observed = first.mean() - second.mean()
    every = [
        np.mean(np.where(swap, second, first)) - np.mean(np.where(swap, first, second))
        for swap in product([False, True], repeat=n)
    ]
    check_permutations(permutation_test, first, second, observed, np.array(every), paired=True)


@settings(max_examples=20)
@given(SEEDS, st.integers(2, 4), st.integers(2, 4))
def test_unpaired_permutations_equal_all_choices(seed, n1, n2):
    values = coarse(np.random.default_rng(seed), n1 + n2)
    every = []
    for chosen in combinations(range(n1 + n2), n1):
        inside = np.isin(np.arange(n1 + n2), chosen)
        every.append(values[inside].mean() - values[~inside].mean())
    first, second = values[:n1], values[n1:]
    observed = first.mean() - second.mean()
    check_permutations(permutation_test, first, second, observed, np.array(every), paired=False)


def check_permutations(test, first, second, observed, every, *, paired):
    tolerance = 1e-9
    expected = {
        "two-sided": np.mean(np.abs(every) >= abs(observed) - tolerance),
        "greater": np.mean(every >= observed - tolerance),
        "less": np.mean(every <= observed + tolerance),
    }
    for alternative, p_value in expected.items():
        found = test(first, second, alternative=alternative, paired=paired)
        assert found.p_value == pytest.approx(p_value)
        assert found.effect == pytest.approx(observed)


def test_many_permutations_are_drawn():
    first, second = np.random.default_rng(0).normal(size=(2, 30))
    drawn = permutation_test(first, second, n_resamples=400, random_state=1)
    assert drawn == permutation_test(first, second, n_resamples=400, random_state=1)
    assert drawn.p_value == pytest.approx(stats.ttest_rel(first, second).pvalue, abs=0.06)
    assert permutation_test(first + 9, second, n_resamples=99, random_state=1).p_value == 0.01


def test_any_statistic_can_be_permuted():
    first, second = [1.0, 2.0, 9.0, 4.0], [2.0, 2.5, 3.0, 5.0]
    assert permutation_test(first, second, statistic="median").effect == 0.25
    spread = permutation_test(first, second, statistic=lambda one, two: one.std() - two.std())
    assert spread.effect == pytest.approx(np.std(first) - np.std(second))
    # The means are the same, but their difference is 6e-17, and that of some permutations is zero.
    assert permutation_test([0.1, 0.1, 0.2, 0.8], [0.2, 0.3, 0.1, 0.6]).p_value == 1
    same = permutation_test(first, first)
    assert (same.statistic, same.p_value) == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "more", "message"),
    [
        (([1, 2, 3], [1, 2]), {}, "Pass paired=False"),
        (([1, 2], [1, np.inf]), {}, "values2 is not a finite number"),
        (([1, 2], [1, 2]), {"statistic": "mode"}, "statistic='mode' must be one of"),
        (([1, 2], [1, 2]), {"statistic": lambda one, two: np.nan}, "statistic is nan"),
        (([1, 2], [1, 2]), {"n_resamples": 0}, "n_resamples=0"),
        (([1, 2], [1, 2]), {"alternative": "x"}, "alternative='x'"),
    ],
)
def test_what_cannot_be_permuted_is_refused(arguments, more, message):
    with pytest.raises(ValueError, match=message):
        permutation_test(*arguments, **more)


# Adjusted p-values.


def by_definition(p, method):
    """The smallest level at which each hypothesis is rejected, by the step-wise procedure."""
    m, order = len(p), np.argsort(p, kind="stable")
    harmonic = sum(1 / i for i in range(1, m + 1))
    adjusted = np.empty(m)
    for place, index in enumerate(order):
        later = [(j, p[order[j]]) for j in range(place, m)]
        earlier = [(j, p[order[j]]) for j in range(place + 1)]
        share = harmonic if method.endswith("yekutieli") else 1
        if method == "bonferroni":
            adjusted[index] = p[index] * m
        elif method == "sidak":
            adjusted[index] = 1 - (1 - p[index]) ** m
        elif method == "holm":
            adjusted[index] = max(value * (m - j) for j, value in earlier)
        elif method == "hochberg":
            adjusted[index] = min(value * (m - j) for j, value in later)
        else:
            adjusted[index] = min(value * m * share / (j + 1) for j, value in later)
    return np.minimum(adjusted, 1)


@settings(max_examples=30)
@given(st.lists(st.sampled_from([0.0, 1e-9, 0.01, 0.02, 0.04, 0.2, 1.0]), min_size=1, max_size=7))
def test_adjusted_p_values_are_the_levels_of_rejection(p_values):
    p = np.array(p_values)
    bonferroni = adjust_p_values(p, "bonferroni")
    for method in (
        "bonferroni",
        "sidak",
        "holm",
        "hochberg",
        "benjamini-hochberg",
        "benjamini-yekutieli",
    ):
        found = adjust_p_values(p, method)
        np.testing.assert_allclose(found, by_definition(p, method), atol=1e-12)
        assert (found >= p - 1e-12).all()
        if method != "benjamini-yekutieli":
            assert (found <= bonferroni + 1e-12).all()


def test_p_values_of_the_paper_of_benjamini_and_hochberg():
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert (adjust_p_values(p, "benjamini-hochberg") <= 0.05).sum() == 4
    assert (adjust_p_values(p, "bonferroni") <= 0.05).sum() == 3
    table = np.reshape(p, (3, 5))
    assert adjust_p_values(table).shape == (3, 5)
    np.testing.assert_array_equal(adjust_p_values(table).ravel(), adjust_p_values(p))
    assert adjust_p_values([]).size == 0


@pytest.mark.parametrize("wrong", [[0.5, np.nan], [-0.1], [1.5]])
def test_what_are_no_p_values_is_refused(wrong):
    with pytest.raises(ValueError, match="p_values has .*; p-values are numbers from 0 to 1"):
        adjust_p_values(wrong)
    with pytest.raises(ValueError, match="method='fdr'"):
        adjust_p_values([0.5], "fdr")
    with pytest.raises(ValueError, match="p_values has dtype <U1"):
        adjust_p_values(["a"])
