"""Intervals and bootstrap scores equal scipy, formulas of the papers, and plain loops."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, get_scorer, make_scorer, r2_score, roc_auc_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from support.global_random import numpy_state

from sklearn_modern.model_selection import (
    accuracy_interval,
    bias_variance_decomposition,
    bootstrap_score,
)

X, Y = load_iris(return_X_y=True)
ROWS = np.arange(0, 150, 4)
SMALL, LABELS = X[ROWS], Y[ROWS]


@settings(max_examples=40)
@given(st.integers(1, 30), st.integers(0, 30), st.sampled_from([0.9, 0.95]))
def test_intervals_of_accuracy_are_those_of_proportions(n, wrong, confidence):
    k = n - min(wrong, n)
    y, predicted = np.append(np.zeros(n - 1), 1), np.append(np.zeros(n - 1), 1)
    predicted[: n - k] = 1 - y[: n - k]
    if n == 1:
        y, predicted = ["a"], ["a"]
        k = 1
    found = accuracy_interval(y, predicted, confidence=confidence)
    normal = accuracy_interval(y, predicted, confidence=confidence, method="normal")
    expected = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert found.interval == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert found.score == k / n
    half = stats.norm.ppf((1 + confidence) / 2) * (k / n * (1 - k / n) / n) ** 0.5
    assert normal.interval == pytest.approx((max(k / n - half, 0), min(k / n + half, 1)))


# Test sets.


@pytest.mark.parametrize(
    ("method", "scoring"),
    [("percentile", "roc_auc"), ("percentile", "accuracy"), ("percentile", "r2"), ("bca", "r2")],
)
def test_intervals_are_those_of_scipy(method, scoring):
    rng = np.random.RandomState(0)
    y = rng.randint(0, 2, 20) if scoring != "r2" else rng.normal(size=20)
    predicted = y * 0.4 + rng.random_sample(20) * 0.6
    predicted = (predicted > 0.5) * 1 if scoring == "accuracy" else predicted
    metric = {"roc_auc": roc_auc_score, "accuracy": accuracy_score, "r2": r2_score}[scoring]
    found = bootstrap_score(
        None, predicted, y, scoring=scoring, method=method, n_resamples=60, random_state=3
    )
    expected = stats.bootstrap(
        (np.arange(20),),
        lambda rows: metric(y[rows], predicted[rows]),
        vectorized=False,
        n_resamples=60,
        method={"bca": "BCa"}.get(method, method),
        random_state=np.random.RandomState(3),
    )
    assert found.interval == pytest.approx(tuple(expected.confidence_interval))
    assert found.score == pytest.approx(metric(y, predicted))


def test_the_correction_counts_half_of_equal_scores():
    # Efron (1987), by hand; older versions of scipy count them as above the score.
    y, predicted = np.repeat([0, 1], 10), np.array([0] * 7 + [1] * 12 + [0])
    found = bootstrap_score(None, predicted, y, n_resamples=200, random_state=0, confidence=0.9)
    hits, score = predicted == y, 0.8
    below = (found.resampled < score).mean() + np.isclose(found.resampled, score).mean() / 2
    without = np.array([np.delete(hits, i).mean() for i in range(20)])
    pull = without.mean() - without
    acceleration = (pull**3).sum() / (6 * (pull**2).sum() ** 1.5)
    bounds = []
    for share in (0.05, 0.95):
        z = stats.norm.ppf(below) + stats.norm.ppf(share)
        level = stats.norm.cdf(stats.norm.ppf(below) + z / (1 - acceleration * z))
        bounds.append(np.quantile(found.resampled, level))
    assert found.score == score
    assert found.interval == pytest.approx(tuple(bounds))


@pytest.mark.parametrize(
    ("model", "scoring"),
    [
        (GaussianNB(), None),
        (make_pipeline(StandardScaler(), LogisticRegression()), None),
        (GaussianNB(), "neg_log_loss"),
        (GaussianNB(), "neg_mean_squared_error"),
        (GaussianNB(), make_scorer(accuracy_score, normalize=False)),
        (GaussianNB(), lambda model, X, y: model.score(X, y) / 2),
    ],
)
def test_resamples_are_scored_as_by_the_scorer(model, scoring):
    model = clone(model).fit(X[::3], Y[::3])
    labels = pd.Series(LABELS, index=ROWS)
    found = bootstrap_score(model, SMALL, labels, scoring=scoring, n_resamples=20, random_state=0)
    rng = np.random.RandomState(0)
    scorer = (lambda m, X, y: m.score(X, y)) if scoring is None else get_scorer(scoring)
    for value in found.resampled:
        rows = rng.randint(0, len(ROWS), len(ROWS))
        assert value == pytest.approx(scorer(model, SMALL[rows], LABELS[rows]))
    assert found.score == pytest.approx(scorer(model, SMALL, LABELS))


def test_predictions_of_all_kinds_are_scored():
    y = np.array(["no", "yes", "yes", "no", "yes", "no"])
    share = np.array([0.2, 0.7, 0.9, 0.4, 0.3, 0.1])
    both = np.column_stack([1 - share, share])
    quick = {"n_resamples": 10, "method": "percentile", "random_state": 1}
    of_probabilities = make_scorer(roc_auc_score, response_method="predict_proba")
    for scoring in ("roc_auc", of_probabilities):
        for predicted in (share, both):
            found = bootstrap_score(None, predicted, y, scoring=scoring, **quick)
            assert found.score == roc_auc_score(y == "yes", share)
    margins = bootstrap_score(None, 10 * share - 5, y, scoring="roc_auc", **quick)
    assert margins.score == roc_auc_score(y == "yes", share)
    assert bootstrap_score(None, both, y, **quick).score == pytest.approx(5 / 6)
    labels = np.where(share > 0.5, "yes", "no")
    assert bootstrap_score(None, labels, y, **quick).score == pytest.approx(5 / 6)
    numbers = np.linspace(0, 1, 6)
    assert bootstrap_score(None, numbers, numbers + 0.1, **quick).score == pytest.approx(
        r2_score(numbers + 0.1, numbers)
    )


def test_groups_are_drawn_as_wholes():
    # Ten groups, of which all rows are right or wrong: the interval must be that of ten rows.
    right = np.array([0, 1, 1, 1, 0, 1, 1, 0, 1, 1])
    y, predicted, groups = np.ones(200), np.repeat(right, 20), np.repeat(np.arange(10), 20)
    y[0] = predicted[0] = 0
    quick = {"n_resamples": 400, "random_state": 0, "scoring": "accuracy"}
    for method in ("percentile", "bca"):
        grouped = bootstrap_score(None, predicted, y, groups=groups, method=method, **quick)
        rows = bootstrap_score(None, right, np.ones(10) * 1, method=method, **quick)
        alone = bootstrap_score(None, predicted, y, method=method, **quick)
        assert np.subtract(*grouped.interval[::-1]) == pytest.approx(
            np.subtract(*rows.interval[::-1]), abs=0.11
        )
        assert np.subtract(*alone.interval[::-1]) < 0.2


def test_resamples_without_a_class_are_left_out():
    y, score = np.array([0] * 9 + [1]), np.linspace(0, 0.99, 10)
    with pytest.warns(UserWarning, match=r"undefined on \d+ of 50 resamples"):
        found = bootstrap_score(
            None, score, y, scoring="roc_auc", n_resamples=50, random_state=0, method="bca"
        )
    assert len(found.resampled) < 50
    assert found.interval == (1, 1)


def test_a_perfect_score_has_an_interval_of_no_width():
    found = bootstrap_score(None, LABELS, LABELS, n_resamples=30, random_state=0)
    assert (found.score, found.interval) == (1, (1, 1))
    assert "bca" in str(found)


# Resampled fits.


def by_hand(model, table, y, scorer, method, seed, count):
    """The estimates of Efron and Tibshirani (1997), in errors of one minus the score."""
    rng, n = np.random.RandomState(seed), len(y)
    out = []
    for _ in range(count):
        drawn = rng.randint(0, n, n)
        others = [i for i in range(n) if i not in set(drawn)]
        fitted = clone(model).fit(table[drawn], y[drawn])
        out.append(1 - scorer(fitted, table[others], y[others]))
    fitted = clone(model).fit(table, y)
    one, train = np.mean(out), 1 - scorer(fitted, table, y)
    if method == "oob":
        return 1 - one
    if method == ".632":
        return 1 - (0.368 * train + 0.632 * one)
    predicted = fitted.predict(table)
    wrong = [[predicted[j] != y[i] for j in range(n)] for i in range(n)]
    gamma = np.mean(wrong)
    bounded = min(one, gamma)
    r = (bounded - train) / (gamma - train) if bounded > train and gamma > train else 0
    weight = 0.632 / (1 - 0.368 * r)
    return 1 - ((1 - weight) * train + weight * bounded)


@pytest.mark.parametrize("method", ["oob", ".632", ".632+"])
@pytest.mark.parametrize("noise", [False, True])
def test_scores_out_of_the_bag_are_those_of_the_papers(method, noise):
    y = np.random.RandomState(0).permutation(LABELS) if noise else LABELS
    model = KNeighborsClassifier(1)
    found = bootstrap_score(model, SMALL, y, method=method, n_resamples=12, random_state=5)
    expected = by_hand(model, SMALL, y, get_scorer("accuracy"), method, 5, 12)
    assert found.score == pytest.approx(expected)
    assert found.interval[0] <= found.resampled.mean() <= found.interval[1]
    assert len(found.resampled) == 12


def test_chance_is_right_for_other_scores():
    # A tree that knows its training rows by heart, of y that nothing predicts.
    rng = np.random.RandomState(0)
    table, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    scores = {
        method: bootstrap_score(
            DecisionTreeRegressor(random_state=0),
            table,
            y,
            method=method,
            scoring="neg_mean_squared_error",
            n_resamples=10,
            random_state=0,
        ).score
        for method in ("oob", ".632", ".632+")
    }
    gamma = -np.mean((y[:, None] - y) ** 2)
    assert scores[".632"] == pytest.approx(0.632 * scores["oob"])
    assert scores["oob"] < gamma  # so that it is cut there, and overfitting is complete
    assert scores[".632+"] == pytest.approx(gamma)


def test_groups_stay_out_of_the_bag_and_weights_arrive():
    seen = []

    class Recorder(ClassifierMixin, BaseEstimator):
        def fit(self, X, y, sample_weight=None):
            seen.append((X[:, 0], sample_weight))
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            seen.append((X[:, 0], None))
            return np.resize(self.classes_, len(X))

    rows = np.arange(24.0)
    bootstrap_score(
        Recorder(),
        rows[:, None],
        (rows % 2).astype(int),
        method="oob",
        groups=rows // 4,
        params={"sample_weight": rows + 1},
        n_resamples=3,
        random_state=0,
    )
    assert len(seen) == 6
    for (train, weight), (test, _) in zip(seen[::2], seen[1::2], strict=True):
        np.testing.assert_array_equal(weight, train + 1)
        assert not set(train // 4) & set(test // 4)
        assert set(train // 4) | set(test // 4) == set(range(6))


def test_the_result_is_that_of_the_seed_alone():
    before = numpy_state()
    one, two = (
        bootstrap_score(
            GaussianNB(), SMALL, LABELS, method=".632+", n_resamples=4, random_state=seed
        )
        for seed in (1, np.random.RandomState(1))
    )
    np.testing.assert_array_equal(one.resampled, two.resampled)
    assert one.score == two.score
    assert numpy_state() == before


def test_rows_out_of_the_bag_may_lack_a_class():
    y = np.repeat([0, 1], [12, 2])
    table = SMALL[:14] + y[:, None]
    with pytest.warns(UserWarning, match=r"undefined on \d+ of 12 resamples"):
        found = bootstrap_score(
            DummyClassifier(),
            table,
            y,
            method="oob",
            scoring="roc_auc",
            n_resamples=12,
            random_state=0,
        )
    assert found.score == 0.5


# Bias and variance.


def test_squared_errors_are_bias_and_variance():
    table, y = load_diabetes(return_X_y=True)
    train, test = np.arange(0, 200, 5), np.arange(1, 200, 9)
    model = DecisionTreeRegressor(max_depth=3, random_state=0)
    found = bias_variance_decomposition(
        model, table[train], y[train], table[test], y[test], n_resamples=9, random_state=2
    )
    rng, predicted = np.random.RandomState(2), []
    for _ in range(9):
        rows = rng.randint(0, len(train), len(train))
        predicted.append(model.fit(table[train][rows], y[train][rows]).predict(table[test]))
    predicted = np.array(predicted)
    assert found.loss == pytest.approx(((predicted - y[test]) ** 2).mean())
    assert found.variance == pytest.approx(predicted.var(axis=0).mean())
    assert found.loss == pytest.approx(found.bias + found.variance)
    assert found.net_variance == pytest.approx(found.variance)
    np.testing.assert_allclose(found.main_prediction, predicted.mean(axis=0))


def test_zero_one_loss_is_that_of_the_most_frequent_label():
    names = np.array(["setosa", "versicolor", "virginica"])
    y = pd.Series(names[LABELS])
    model = DecisionTreeClassifier(max_depth=1, random_state=0)
    found = bias_variance_decomposition(
        model, SMALL, y, X[1::5], names[Y[1::5]], loss="zero_one", n_resamples=9, random_state=2
    )
    rng, predicted = np.random.RandomState(2), []
    for _ in range(9):
        rows = rng.randint(0, len(y), len(y))
        predicted.append(model.fit(SMALL[rows], y[rows]).predict(X[1::5]))
    predicted = np.array(predicted)
    main = np.array([max(names, key=column.tolist().count) for column in predicted.T])
    assert found.main_prediction.tolist() == main.tolist()
    assert found.loss == pytest.approx((predicted != names[Y[1::5]]).mean())
    assert found.bias == pytest.approx((main != names[Y[1::5]]).mean())
    assert found.variance == pytest.approx((predicted != main).mean())
    assert found.net_variance <= found.variance
    assert "zero_one" in str(found)


def test_a_constant_has_no_variance():
    found = bias_variance_decomposition(
        DummyClassifier(strategy="constant", constant=1),
        SMALL,
        LABELS,
        SMALL,
        LABELS,
        loss="zero_one",
        n_resamples=3,
    )
    assert found.variance == 0
    assert found.loss == found.bias == np.mean(LABELS != 1)


# Bad input.


@pytest.mark.parametrize(
    ("arguments", "more", "message"),
    [
        ((None, [0, 1, 1], [0, 1]), {}, "differ in length"),
        ((None, [0, 1], [0, 1]), {"method": "oob"}, "makes fits, and needs an estimator"),
        ((None, [0, 1], [0, 1]), {"method": "632"}, "method='632' must be one of"),
        ((None, [0, 1], [0, 1]), {"n_resamples": 1}, "n_resamples=1"),
        ((None, [0, 1], [0, 1]), {"params": {"sample_weight": [1, 1]}}, "params would not be used"),
        ((None, [[0, 1, 0], [1, 0, 0]], [0, 1]), {}, "X has 3 columns .*2 classes"),
        ((None, ["a", "b"], ["c", "d"]), {}, "none of which are in y"),
        ((None, [0, 1], [0, 1]), {"groups": [1, 1]}, "groups has one group"),
        ((None, [0, 1], [0, 1]), {"groups": [1]}, r"groups has the shape \(1,\)"),
        ((None, [0, 1], [0, 0]), {"scoring": ["r2"]}, "scoring"),
        ((GaussianNB(), [[0], [1]], [0, 1]), {"method": "oob"}, "too few"),
        ((GaussianNB(), [[0], [1]], [0, 1]), {}, "not fitted"),
        (
            (GaussianNB(priors=[1, 2, 3]), SMALL, LABELS),
            {"method": "oob", "n_resamples": 2},
            "no score on resample 0: ValueError",
        ),
    ],
)
def test_wrong_input_is_refused(arguments, more, message):
    with pytest.raises((ValueError, TypeError), match=message):
        bootstrap_score(*arguments, random_state=0, **more)


def test_wrong_losses_are_refused():
    with pytest.raises(ValueError, match="loss='mse' must be one of"):
        bias_variance_decomposition(DummyRegressor(), SMALL, LABELS, SMALL, LABELS, loss="mse")
    words = np.array(["a", "b", "c"])[LABELS]
    with pytest.raises(ValueError, match="y_test has dtype <U1 .*squared_error"):
        bias_variance_decomposition(GaussianNB(), SMALL, words, SMALL, words, n_resamples=2)
    two = np.column_stack([LABELS, LABELS])
    with pytest.raises(ValueError, match=r"predicts the shape \(38, 2\)"):
        bias_variance_decomposition(LinearRegression(), SMALL, two, SMALL, LABELS, n_resamples=2)
