"""Tests on scores of folds equal their formulas, and fit what cross-validation fits."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from sklearn_modern.model_selection import (
    bayesian_correlated_t_test,
    combined_f_test_5x2cv,
    corrected_resampled_t_test,
    paired_t_test_5x2cv,
    paired_t_test_kfold_cv,
    paired_t_test_resampled,
)
from sklearn_modern.model_selection._fold_scores import t_ratio

X, Y = load_iris(return_X_y=True)
GOOD, STUMP = GaussianNB(), DecisionTreeClassifier(max_depth=1, random_state=0)
T_TESTS = {
    paired_t_test_kfold_cv: {},
    paired_t_test_resampled: {},
    corrected_resampled_t_test: {"test_size": 0.2},
    bayesian_correlated_t_test: {"test_size": 0.2},
}
TWO_FOLD_TESTS = (paired_t_test_5x2cv, combined_f_test_5x2cv)


@st.composite
def scores(draw, shape=None):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    shape = (draw(st.integers(2, 12)),) if shape is None else shape
    values = rng.normal(0.8, 0.1, size=(2, *shape))
    return values[0], values[1] + draw(st.sampled_from([0.0, 0.1]))


class Recorder(RegressorMixin, BaseEstimator):
    """Notes what it is fitted with."""

    fitted_with = []

    def fit(self, X, y, sample_weight=None):
        self.mean_ = np.average(y, weights=sample_weight)
        self.fitted_with.append((X[:, 0], sample_weight))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


@settings(max_examples=30)
@given(scores(), st.sampled_from([0.5, 0.95]))
def test_t_tests_are_scipy_up_to_the_variance(pair, confidence):
    first, second = pair
    n = len(first)
    expected = stats.ttest_rel(first, second)
    half = stats.t.ppf((1 + confidence) / 2, n - 1) * stats.sem(first - second)
    for test in (paired_t_test_kfold_cv, paired_t_test_resampled):
        found = test(first, second, confidence=confidence)
        assert found.statistic == pytest.approx(expected.statistic)
        assert found.p_value == pytest.approx(expected.pvalue)
        np.testing.assert_allclose(found.interval, [found.effect - half, found.effect + half])
    # Nadeau and Bengio: 1/n becomes 1/n + n_test / n_train, here 1/4.
    found = corrected_resampled_t_test(first, second, test_size=0.2, confidence=confidence)
    wider = np.sqrt(1 + n / 4)
    assert found.statistic == pytest.approx(expected.statistic / wider)
    assert found.interval[1] - found.effect == pytest.approx(half * wider)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(found.statistic), n - 1))


@settings(max_examples=30)
@given(scores(shape=(5, 2)))
def test_5x2_tests_equal_loops(pair):
    first, second = pair
    variances, squares = [], 0.0
    for i in range(5):
        d = [first[i][j] - second[i][j] for j in range(2)]
        mean = (d[0] + d[1]) / 2
        variances.append((d[0] - mean) ** 2 + (d[1] - mean) ** 2)
        squares += d[0] ** 2 + d[1] ** 2
    t = (first[0, 0] - second[0, 0]) / (sum(variances) / 5) ** 0.5
    found = paired_t_test_5x2cv(first, second)
    assert found.statistic == pytest.approx(t)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(t), 5))
    f = squares / (2 * sum(variances))
    found = combined_f_test_5x2cv(first, second)
    assert found.statistic == pytest.approx(f)
    assert found.p_value == pytest.approx(stats.f.sf(f, 10, 5))
    assert found.effect == pytest.approx((first - second).mean())


@settings(max_examples=30)
@given(scores(), st.sampled_from([0.0, 0.02, 0.3]), st.sampled_from([0.1, 0.5]))
def test_the_posterior_is_integrated(pair, rope, test_size):
    first, second = pair
    n, difference = len(first), first - second
    scale = difference.std(ddof=1) * np.sqrt(1 / n + test_size / (1 - test_size))
    # The density of Student's t, written out and normalised by hand.
    knots = np.linspace(-np.pi / 2, np.pi / 2, 20_001)[1:-1]
    x = difference.mean() + scale * np.sqrt(n - 1) * np.tan(knots)
    density = np.cos(knots) ** (n - 2)
    total = integrate.trapezoid(density, knots)
    found = bayesian_correlated_t_test(first, second, rope=rope, test_size=test_size)
    above = integrate.trapezoid(np.where(x > rope, density, 0), knots) / total
    below = integrate.trapezoid(np.where(x < -rope, density, 0), knots) / total
    assert found.first_better == pytest.approx(above, abs=2e-4)
    assert found.second_better == pytest.approx(below, abs=2e-4)
    assert found.first_better + found.equivalent + found.second_better == pytest.approx(1)
    test = corrected_resampled_t_test(first, second, test_size=test_size)
    assert found.interval == pytest.approx(test.interval)
    if rope == 0:
        assert 2 * min(found.first_better, found.second_better) == pytest.approx(test.p_value)
    assert "equivalent" in str(found)


@settings(max_examples=30)
@given(scores(), scores(shape=(5, 2)))
def test_swapping_models_changes_the_sign(pair, halves):
    for test, more in T_TESTS.items():
        found, swapped = test(*pair, **more), test(*pair[::-1], **more)
        assert swapped.effect == pytest.approx(-found.effect)
        assert swapped.interval == pytest.approx((-found.interval[1], -found.interval[0]))
    for test in TWO_FOLD_TESTS:
        found, swapped = test(*halves), test(*halves[::-1])
        assert swapped.p_value == pytest.approx(found.p_value)
        assert 0 <= found.p_value <= 1
        assert swapped.effect == pytest.approx(-found.effect)
        assert found.interval is None


@pytest.mark.parametrize("level", [0.1, 0.3, 0.0])
def test_scores_that_differ_by_rounding_only_are_equal(level):
    first = np.full(10, level)
    second = first + np.spacing(level) * (np.arange(10) % 2)
    for test, more in T_TESTS.items():
        found = test(first, second, **more)
        assert found.interval == (0, 0)
        if test is bayesian_correlated_t_test:
            assert found.equivalent == 1
        else:
            assert (found.statistic, found.p_value) == (0, 1)
    for test in TWO_FOLD_TESTS:
        found = test(first.reshape(5, 2), second.reshape(5, 2))
        assert (found.statistic, found.p_value) == (0, 1)


def test_a_difference_without_variance_is_warned_of():
    first = np.full(10, 0.3)  # 0.3 - 0.1 and 0.4 - 0.2 differ in the last bit
    first[::2], second = 0.4, np.full(10, 0.1)
    second[::2] = 0.2
    tests = [*T_TESTS.items(), *((test, {}) for test in TWO_FOLD_TESTS)]
    for test, more in tests:
        shape = (5, 2) if test in TWO_FOLD_TESTS else (10,)
        arguments = first.reshape(shape), second.reshape(shape)
        if test is bayesian_correlated_t_test:
            assert test(*arguments, **more).first_better == 1
            continue
        with pytest.warns(UserWarning, match="0.2 on average, have no variance"):
            found = test(*arguments, **more)
        assert (found.statistic, found.p_value) == (np.inf, 0)


def test_the_first_fold_does_not_hide_a_difference_without_variance():
    first, second = np.full((5, 2), 0.5), np.full((5, 2), 0.5)
    second[1:] = 0.25
    with pytest.warns(UserWarning, match="0.2 on average, have no variance"):
        assert paired_t_test_5x2cv(first, second).p_value == 0


# Estimators.


def test_the_folds_are_those_of_cross_validation():
    found = paired_t_test_kfold_cv(GOOD, STUMP, X, Y, cv=4)
    pair = [cross_val_score(model, X, Y, cv=4) for model in (GOOD, STUMP)]
    assert found == paired_t_test_kfold_cv(*pair)
    f1 = [cross_val_score(model, X, Y, cv=4, scoring="f1_macro") for model in (GOOD, STUMP)]
    assert paired_t_test_kfold_cv(
        GOOD, STUMP, X, Y, cv=4, scoring="f1_macro", n_jobs=1
    ) == paired_t_test_kfold_cv(*f1)
    frame, target = pd.DataFrame(X), pd.Series(Y).map({0: "a", 1: "b", 2: "c"})
    assert paired_t_test_kfold_cv(GOOD, STUMP, frame, target, cv=4) == found


def test_the_correction_knows_the_splits():
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=1)
    pair = [cross_val_score(model, X, Y, cv=cv) for model in (GOOD, STUMP)]
    found = corrected_resampled_t_test(GOOD, STUMP, X, Y, cv=cv)
    expected = corrected_resampled_t_test(*pair, test_size=1 / 3)
    assert found.statistic == pytest.approx(expected.statistic)
    cv = ShuffleSplit(4, test_size=50, train_size=60, random_state=0)
    pair = [cross_val_score(model, X, Y, cv=cv) for model in (GOOD, STUMP)]
    found = bayesian_correlated_t_test(GOOD, STUMP, X, Y, cv=cv, rope=0.2)
    expected = bayesian_correlated_t_test(*pair, test_size=50 / 110, rope=0.2)
    assert found.equivalent == pytest.approx(expected.equivalent)


def test_halves_are_stratified_and_reproducible():
    rows, sepals = np.arange(0, 150, 3), X[:, :2]
    found = combined_f_test_5x2cv(GOOD, STUMP, sepals[rows], Y[rows], random_state=3)
    assert found == combined_f_test_5x2cv(GOOD, STUMP, sepals[rows], Y[rows], random_state=3)
    assert found != combined_f_test_5x2cv(GOOD, STUMP, sepals[rows], Y[rows], random_state=4)
    seeds = np.random.RandomState(3).randint(np.iinfo(np.int32).max, size=5)
    pair = []
    for model in (GOOD, STUMP):
        cvs = [StratifiedKFold(2, shuffle=True, random_state=int(seed)) for seed in seeds]
        pair.append([cross_val_score(model, sepals[rows], Y[rows], cv=cv) for cv in cvs])
    assert found == combined_f_test_5x2cv(*pair)
    t = paired_t_test_5x2cv(GOOD, STUMP, sepals[rows], Y[rows], random_state=3)
    assert t == paired_t_test_5x2cv(*pair)


@pytest.mark.parametrize("routing", [False, True])
def test_groups_stay_together_and_weights_arrive(routing):
    rows = np.arange(20)
    groups, weight = rows // 4, rows + 1.0
    table = np.column_stack([rows, rows]).astype(float)
    with config_context(enable_metadata_routing=routing):
        recorder = Recorder()
        if routing:
            recorder.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        for test, more in (
            (combined_f_test_5x2cv, {}),
            (paired_t_test_resampled, {"n_splits": 2}),
            (paired_t_test_kfold_cv, {"cv": GroupKFold(3)}),
            (corrected_resampled_t_test, {"cv": GroupKFold(3)}),
        ):
            Recorder.fitted_with.clear()
            params = {"sample_weight": weight}
            found = test(recorder, recorder, table, rows % 7, groups=groups, params=params, **more)
            assert found.p_value == 1
            assert Recorder.fitted_with
            for train, seen in Recorder.fitted_with:
                np.testing.assert_array_equal(seen, train + 1)
                inside = np.isin(groups, groups[train.astype(int)])
                assert inside.sum() == len(train)


def test_only_the_corrected_test_keeps_its_level():
    # Differences of 15 splits that are correlated as Nadeau and Bengio assume, by the share tested.
    rng, share = np.random.default_rng(0), 0.2
    rejected = np.zeros(2)
    for _ in range(200):
        common, own = rng.normal(), rng.normal(size=15)
        difference = np.sqrt(share) * common + np.sqrt(1 - share) * own
        found = [
            corrected_resampled_t_test(difference, np.zeros(15), test_size=share),
            paired_t_test_resampled(difference, np.zeros(15)),
        ]
        rejected += [test.p_value < 0.05 for test in found]
    assert 4 <= rejected[0] <= 18
    assert rejected[1] > 50


# Bad input.


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((GOOD, STUMP), ValueError, "pass X and y, too"),
        ((GOOD, [0.5, 0.6]), TypeError, "model1 is of type GaussianNB and model2 of type list"),
        ((GOOD, LinearRegression(), X, Y), ValueError, "scores measure different things"),
        (([0.5, 0.6], {"a": 1}), TypeError, "model2 is of type dict"),
        (([0.5, 0.6], [0.5]), ValueError, "model2 has 1 values; at least 2"),
        (([0.5, 0.6], [0.5, 0.6, 0.7]), ValueError, r"shape \(2,\), model2 of \(3,\)"),
        (([0.5, np.nan], [0.5, 0.6]), ValueError, "model1 is not a finite number in 1 of 2 .*at 1"),
        (([0.5, 0.6], ["a", "b"]), ValueError, "model2 has dtype <U1 and is not numeric"),
        (([[0.5, 0.6]], [[0.5, 0.6]]), ValueError, r"model1 has the shape \(1, 2\)"),
        (([0.5, 0.6], [0.5, 0.6], X, Y), ValueError, "X, y would not be used"),
    ],
)
def test_wrong_models_are_refused(arguments, error, message):
    for test in (paired_t_test_kfold_cv, paired_t_test_resampled):
        with pytest.raises(error, match=message):
            test(*arguments)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"cv": [(np.arange(75), np.arange(75, 150))]}, "cv has 1 splits"),
        ({"cv": ShuffleSplit(3, random_state=0)}, "tests some rows more than once"),
        ({"cv": 2, "scoring": ["accuracy", "f1_macro"]}, "one metric at a time"),
        ({"cv": 2, "params": {"sample_weight": np.ones(3)}}, "sample_weight"),
        ({"cv": 2, "params": {"groups": Y}}, "pass them as groups="),
        ({"cv": KFold(3)}, "model1 has no score on split 0: ValueError: strategy"),
        ({"cv": 2, "confidence": 1}, "confidence=1"),
    ],
)
def test_wrong_settings_are_refused(more, message):
    failing = DummyClassifier(strategy="constant", constant=[1, 2, 3, 4])
    model = failing if "strategy" in message else GOOD
    message = message.replace("ValueError: strategy", ".*")
    with pytest.raises(ValueError, match=message):
        paired_t_test_kfold_cv(model, STUMP, X, Y, **more)


def test_what_the_correction_needs_is_asked_for():
    pair = [0.5, 0.6], [0.7, 0.6]
    with pytest.raises(ValueError, match="Scores need test_size"):
        corrected_resampled_t_test(*pair)
    with pytest.raises(ValueError, match="test_size=1"):
        corrected_resampled_t_test(*pair, test_size=1)
    with pytest.raises(ValueError, match="test_size would not be used"):
        corrected_resampled_t_test(GOOD, STUMP, X, Y, test_size=0.1)
    with pytest.raises(ValueError, match="pass cv=GroupKFold"):
        corrected_resampled_t_test(GOOD, STUMP, X, Y, groups=Y)
    with pytest.raises(ValueError, match="rope=-1"):
        bayesian_correlated_t_test(*pair, test_size=0.1, rope=-1)
    for test in TWO_FOLD_TESTS:
        with pytest.raises(ValueError, match=r"shape \(2, 5\); expected \(5, 2\)"):
            test(np.zeros((2, 5)), np.zeros((2, 5)))
    with pytest.raises(ValueError, match="differ in length"):
        paired_t_test_5x2cv(GOOD, STUMP, X, Y[:-1])


def test_scores_in_another_order_are_refused():
    series = pd.Series([0.5, 0.6, 0.8], index=["a", "b", "c"])
    with pytest.raises(ValueError, match="same index in different orders"):
        paired_t_test_kfold_cv(series, series[::-1])


@pytest.mark.parametrize(("mean", "error"), [(np.nan, np.nan), (1.0, np.nan), (np.nan, 0.0)])
def test_scores_that_are_missing_have_no_statistic(mean, error):
    assert np.isnan(t_ratio(mean, error))
