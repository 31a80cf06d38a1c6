"""Levels of any type, their order, and what is predicted of them."""

import datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import get_scorer as get_scorer_of_sklearn
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score

from sklearn_modern.metrics import get_scorer
from sklearn_modern.ordinal import OrdinalCNNClassifier, OrdinalMLPClassifier

METHODS = ["coral", "corn", "niu", "cumulative_link", "cross_entropy"]
each_method = pytest.mark.parametrize("method", METHODS)
SMALL = {
    "hidden_layer_sizes": (8,),
    "dropout": 0.0,
    "max_iter": 25,
    "batch_size": 30,
    "learning_rate_init": 0.02,
    "device": "cpu",
    "random_state": 0,
}
ORDER = ["low", "mid", "high"]


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(90, 3))


@pytest.fixture
def ranks(X):
    noise = 0.3 * np.random.default_rng(1).normal(size=90)
    return np.digitize(X[:, 0] + X[:, 1] + noise, [-0.4, 0.8])


def categorical(labels, order):
    return pd.Categorical(labels, categories=order, ordered=True)


# Orders: the labels of the ranks 0, 1, 2, what y is made of them, and class_order.
ORDERS = {
    "numbers": ([0, 1, 2], np.asarray, None),
    "numbers with gaps": ([-5, 10, 700], np.asarray, None),
    "whole floats": ([1.0, 2.0, 3.0], np.asarray, None),
    "objects that are numbers": (np.array([1, 2, 3], dtype=object), np.asarray, None),
    "falling numbers": ([3, 2, 1], np.asarray, [3, 2, 1]),
    "numbers in no order": ([2, 0, 1], np.asarray, (2, 0, 1)),
    "a list of strings": (ORDER, np.asarray, ORDER),
    "an array of strings": (ORDER, np.asarray, np.array(ORDER)),
    "a series of strings": (ORDER, pd.Series, pd.Series(ORDER)),
    "objects that are strings": (np.array(ORDER, dtype=object), np.asarray, tuple(ORDER)),
    "a list of labels": (ORDER, list, ORDER),
    "sorted strings": (["a", "b", "c"], np.asarray, "sorted"),
    "sorted numbers": ([1, 5, 7], np.asarray, "sorted"),
    "days": (["2020-01-31", "2021-01-01", "2021-01-02"], lambda y: y.astype("M8[D]"), None),
    "time stamps": (["2020-01-31", "2021-01-01", "2021-01-02"], pd.to_datetime, None),
    "dates": (
        [datetime.date(2020, 1, day) for day in (3, 1, 2)],
        np.asarray,
        [datetime.date(2020, 1, day) for day in (3, 1, 2)],
    ),
    "an ordered Categorical": (ORDER, lambda y: categorical(y, ORDER), None),
    "a series of it": (ORDER, lambda y: pd.Series(categorical(y, ORDER)), None),
    "a Categorical of numbers": ([20, 10, 30], lambda y: categorical(y, [20, 10, 30]), None),
    "an order that overrules": (ORDER, lambda y: categorical(y, sorted(ORDER)), ORDER),
    "a Categorical in sorted order": (
        ["a", "b", "c"],
        lambda y: categorical(y, list("cab")),
        "sorted",
    ),
}


@pytest.mark.parametrize("case", ORDERS)
def test_labels_of_any_type_are_ranked_and_predicted_as_they_are(X, ranks, case):
    labels, make, class_order = ORDERS[case]
    y = make(np.asarray(labels)[ranks])
    clf = OrdinalMLPClassifier(**SMALL, class_order=class_order).fit(X, y)
    plain = OrdinalMLPClassifier(**SMALL).fit(X, ranks)
    levels = np.unique(np.asarray(y))[np.argsort(np.argsort(labels))]  # of y's own type
    np.testing.assert_array_equal(clf.class_order_, levels)
    np.testing.assert_array_equal(clf.classes_, np.sort(levels))
    np.testing.assert_array_equal(clf.predict(X), levels[plain.predict(X)])
    np.testing.assert_array_equal(clf.predict_cumulative(X), plain.predict_cumulative(X))
    np.testing.assert_array_equal(clf.threshold_, plain.threshold_)
    by_rank = plain.predict_proba(X)
    for column, label in enumerate(clf.classes_):
        rank = list(levels).index(label)
        np.testing.assert_array_equal(clf.predict_proba(X)[:, column], by_rank[:, rank])
    assert (clf.predict(X) == np.asarray(y)).mean() > 0.75


@pytest.mark.parametrize("class_order", [None, "sorted", [True, False]], ids=str)
def test_truth_values_are_two_levels(X, ranks, class_order):
    clf = OrdinalMLPClassifier(**SMALL, class_order=class_order).fit(X, ranks > 0)
    assert clf.class_order_.tolist() == (
        [True, False] if class_order == [True, False] else [False, True]
    )
    assert clf.predict(X).dtype == bool
    assert clf.score(X, ranks > 0) > 0.8
    beyond = clf.predict_proba(X)[:, clf.classes_.tolist().index(clf.class_order_[1])]
    np.testing.assert_allclose(clf.predict_cumulative(X)[:, 0], beyond, atol=1e-7)


# All that an order must agree with.


@each_method
@pytest.mark.parametrize(
    "settings", [{}, {"early_stopping": True}, {"class_weight": "balanced"}], ids=str
)
def test_another_coding_of_the_levels_gives_the_same_fit(X, ranks, method, settings):
    plain = OrdinalMLPClassifier(**SMALL | settings, method=method).fit(X, ranks)
    order = np.array([2, 0, 1])
    other = OrdinalMLPClassifier(**SMALL | settings, method=method, class_order=order)
    other.fit(X, order[ranks])
    np.testing.assert_array_equal(other.predict(X), order[plain.predict(X)])
    np.testing.assert_array_equal(other.predict_proba(X)[:, order], plain.predict_proba(X))
    for repair in (True, False):
        np.testing.assert_array_equal(
            other.predict_cumulative(X, repair=repair), plain.predict_cumulative(X, repair=repair)
        )
    assert other.loss_curve_ == plain.loss_curve_
    assert other.validation_scores_ == plain.validation_scores_


@each_method
def test_columns_of_probabilities_are_sorted_and_cumulative_ones_ranked(X, ranks, method):
    clf = OrdinalMLPClassifier(**SMALL, method=method, class_order=ORDER)
    clf.fit(X, np.array(ORDER)[ranks])
    assert clf.classes_.tolist() == ["high", "low", "mid"]
    assert clf.class_order_.tolist() == ORDER
    probabilities = clf.predict_proba(X)
    assert (probabilities > 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    high, _, mid = probabilities.T
    cumulative = clf.predict_cumulative(X)
    np.testing.assert_allclose(cumulative, np.column_stack([mid + high, high]), atol=1e-6)
    np.testing.assert_allclose(clf.predict_log_proba(X), np.log(probabilities), rtol=1e-6)
    assert (clf.classes_[probabilities.argmax(axis=1)] == np.array(ORDER)[ranks]).mean() > 0.75


@each_method
def test_scorers_give_strings_what_they_give_numbers(X, ranks, method):
    numbers = OrdinalMLPClassifier(**SMALL, method=method).fit(X, ranks)
    strings = OrdinalMLPClassifier(**SMALL, method=method, class_order=ORDER)
    strings.fit(X, np.array(ORDER)[ranks])
    worst = {
        "neg_log_loss": -0.7,
        "roc_auc_ovr": 0.8,
        "accuracy": 0.7,
        "neg_mean_absolute_rank_error": -0.3,
        "neg_ranked_probability_score": -0.3,
    }
    for name, bound in worst.items():
        score = get_scorer(name)
        expected = score(numbers, X, ranks)
        found = score(strings, X, np.array(ORDER)[ranks])
        assert found == pytest.approx(expected, rel=1e-6), name
        assert expected > bound, name


# Levels that y lacks.


@each_method
@pytest.mark.parametrize("absent", [0, 1, 2, 3], ids="level {}".format)
def test_a_level_that_is_absent_keeps_its_column(X, ranks, method, absent):
    order = np.array(["one", "two", "three", "four"])
    y = np.delete(order, absent)[ranks]
    clf = OrdinalMLPClassifier(**SMALL, method=method, class_order=order).fit(X, y)
    assert clf.class_order_.tolist() == order.tolist()
    probabilities = clf.predict_proba(X)
    assert probabilities.shape == (90, 4)
    assert (
        clf.predict_cumulative(X).shape == clf.predict_cumulative(X, repair=False).shape == (90, 3)
    )
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    column = clf.classes_.tolist().index(order[absent])
    assert probabilities[:, column].mean() < 0.12
    assert clf.score(X, y) > 0.7


@each_method
def test_cross_validation_survives_folds_that_lack_levels(X, ranks, method):
    """Sorted by y, every fold is one level, which no other fold has."""
    sorted_rows = ranks.argsort(kind="stable")
    X, y = X[sorted_rows], np.array(ORDER)[ranks[sorted_rows]]
    folds = KFold(3)
    clf = OrdinalMLPClassifier(**SMALL | {"max_iter": 3}, method=method, class_order=ORDER)
    for name in ("accuracy", "neg_mean_absolute_rank_error", "neg_ranked_probability_score"):
        scores = cross_val_score(clf, X, y, cv=folds, scoring=get_scorer(name), error_score="raise")
        assert np.isfinite(scores).all()
    search = GridSearchCV(
        clf,
        {"decision": ["median", "mean"], "early_stopping": [False, True]},
        cv=folds,
        scoring=get_scorer("neg_mean_absolute_rank_error"),
        error_score="raise",
    ).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert set(cross_val_predict(clf, X, y, cv=folds)) <= set(ORDER)


def test_an_ordered_categorical_keeps_its_levels_in_folds(X, ranks):
    y = pd.Series(categorical(np.array(ORDER)[ranks], [*ORDER, "highest"]))
    seen = []

    def score(estimator, X, y):
        seen.append(estimator.class_order_.tolist())
        return estimator.predict_proba(X).shape[1]

    clf = OrdinalMLPClassifier(**SMALL)
    scores = cross_val_score(clf, X, y, cv=KFold(3), scoring=score, error_score="raise")
    assert scores.tolist() == [4, 4, 4]
    assert seen == [[*ORDER, "highest"]] * 3


def test_rows_of_weight_zero_leave_the_order_of_a_categorical(X, ranks):
    y = categorical(np.array(ORDER)[ranks], ORDER)
    rows = np.arange(90) % 2
    clf = OrdinalMLPClassifier(**SMALL).fit(X, y, sample_weight=rows)
    kept = OrdinalMLPClassifier(**SMALL).fit(X[rows == 1], y[rows == 1])
    assert clf.class_order_.tolist() == ORDER
    np.testing.assert_array_equal(clf.predict_proba(X), kept.predict_proba(X))


def test_scikit_learns_log_loss_takes_folds_that_lack_levels(X, ranks):
    """They score the columns that they know, those of ``classes_``."""
    rows = ranks != 1
    clf = OrdinalMLPClassifier(**SMALL, class_order=[0, 1, 2]).fit(X[rows], ranks[rows])
    assert get_scorer_of_sklearn("neg_log_loss")(clf, X, ranks) < 0


# Decisions.


@each_method
@pytest.mark.parametrize("kind", [OrdinalMLPClassifier, OrdinalCNNClassifier])
def test_decisions_are_median_mode_and_mean_of_the_probabilities(method, kind):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(120, 4)), rng.integers(0, 4, 120)  # hardly to be known
    order = np.array(["d", "a", "c", "b"])
    settings = {"device": "cpu", "random_state": 0, "max_iter": 6, "method": method}
    found = {}
    for decision in ("median", "mode", "mean"):
        clf = kind(**settings, decision=decision, class_order=order).fit(X, order[y])
        found[decision] = clf.predict(X)
    by_rank = clf.predict_proba(X)[:, np.argsort(np.argsort(order))]
    below = by_rank.astype(np.float64).cumsum(axis=1)
    expected = {
        "median": (below < 0.5).sum(axis=1),
        "mode": by_rank.argmax(axis=1),
        "mean": np.rint(by_rank @ np.arange(4)).astype(int),
    }
    for decision, predicted in found.items():
        np.testing.assert_array_equal(predicted, order[expected[decision]], err_msg=decision)
    assert (found["median"] != found["mode"]).any()
    assert (found["mean"] != found["mode"]).any()


# What is wrong.


WRONG = {
    "strings without an order": (
        ORDER,
        None,
        r"order that cannot.*class_order=\['high', 'low', 'm",
    ),
    "objects without an order": (np.array(ORDER, dtype=object), None, "class_order="),
    "a Categorical without an order": (pd.Categorical(ORDER), None, "class_order="),
    "an unknown word": (ORDER, "alphabetical", "class_order='alphabetical' must be None, 'sorted'"),
    "labels outside": ([*ORDER, "top"], ORDER, r"not among the classes: \['top'\].*'low', 'mid'"),
    "numbers for strings": ([0, 1, 2], ORDER, r"not among the classes: \[0, 1, 2\]"),
    "a single level": (["low"], "sorted", "one class, 'low'"),
    "a single number": ([3, 3], None, "one class, 3"),
    "an order of one level": (["low"], ["low"], "class_order=.*at least two"),
    "a Categorical of one level": (categorical(["a"], ["a"]), None, "one class"),
    "a level twice": (ORDER, ["low", "mid", "low", "high"], "class_order=.*has a level twice"),
    "several outputs": (np.eye(3, dtype=int), None, "1d array"),
    "several outputs with an order": (np.eye(3, dtype=int), [0, 1], "1d array"),
    "fractions": ([0.5, 1.0, 2.0], None, "continuous.*0.5"),
    "fractions in the order": ([1, 2], [1.0, 2.5], "class_order=.*continuous.*2.5"),
    "missing numbers": ([0.0, 1.0, np.nan], None, "contains NaN"),
    "missing strings": (np.array(["low", "mid", None], dtype=object), ORDER, "contains NaN|None"),
    "missing in a Categorical": (categorical(["low", None], ORDER), None, "contains NaN"),
    "missing in the order": ([0, 1], [0, 1, np.nan], "class_order=.*NaN"),
    "infinite": ([0, 1, np.inf], None, "infinity"),
    "an order of two axes": ([0, 1], [[0, 1], [2, 3]], "class_order="),
    "a number as order": ([0, 1], 2, "class_order=2 must have the levels"),
    "a set as order": (ORDER, set(ORDER), "class_order=.*must have the levels"),
    "an empty order": (ORDER, [], r"class_order=\[\]"),
    "labels of mixed types": (np.array(["low", 1], dtype=object), None, "'int', 'str'"),
}


@pytest.mark.parametrize("kind", [OrdinalMLPClassifier, OrdinalCNNClassifier])
@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_labels_is_said(case, kind):
    y, class_order, message = WRONG[case]
    X = np.random.default_rng(0).normal(size=(len(y), 4))
    with pytest.raises(ValueError, match=message):
        kind(class_order=class_order, device="cpu").fit(X, y)
