"""OrdinalClassifier answers K-1 questions with any classifier, and its answers are consistent."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.isotonic import isotonic_regression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    LeaveOneGroupOut,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from support.graded_rows import ORDER, by_hand, graded, logistic, tree

from sklearn_modern.metrics import SCORERS, get_scorer
from sklearn_modern.ordinal import OrdinalClassifier
from sklearn_modern.ordinal._decomposition import _closest_falling

MAE = get_scorer("neg_mean_absolute_rank_error")


@pytest.fixture
def X():
    return graded()[0]


@pytest.fixture
def ranks():
    return graded()[1]


@pytest.fixture
def y():
    return graded()[2]


# What is predicted.


@pytest.mark.parametrize("make", [logistic, tree])
def test_unrepaired_answers_are_those_of_clones(make, X, y, ranks):
    clf = make(class_order=ORDER).fit(X, y)
    assert len(clf.estimators_) == 3
    assert not hasattr(clf.estimator, "classes_")
    np.testing.assert_array_equal(
        clf.predict_cumulative(X, repair=False), by_hand(clf.estimator, X, ranks)
    )


def test_repair_is_isotonic_regression_of_each_row(X, y):
    clf = tree(class_order=ORDER).fit(X, y)
    answers, repaired = clf.predict_cumulative(X, repair=False), clf.predict_cumulative(X)
    risen = (np.diff(answers) > 0).any(axis=1)
    assert 5 < risen.sum() < len(X)
    assert (np.diff(repaired) <= 0).all()
    np.testing.assert_allclose(repaired[~risen], answers[~risen], rtol=1e-14)
    expected = [isotonic_regression(row, increasing=False) for row in answers]
    np.testing.assert_allclose(repaired, expected, rtol=1e-14)


@given(arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 12)), elements=st.floats(0, 1)))
def test_the_closest_falling_numbers_are_isotonic_regression(values):
    found = _closest_falling(values)
    expected = [isotonic_regression(row, increasing=False) for row in values]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)
    assert (np.diff(found) <= 0).all()
    assert found.min() >= 0


@pytest.mark.parametrize("order", [ORDER, ORDER[::-1], "sorted"])
def test_probabilities_have_sorted_columns(order, X, y):
    clf = tree(class_order=order).fit(X, y)
    levels = sorted(ORDER) if order == "sorted" else order
    np.testing.assert_array_equal(clf.class_order_, levels)
    np.testing.assert_array_equal(clf.classes_, sorted(ORDER))
    probabilities, cumulative = clf.predict_proba(X), clf.predict_cumulative(X)
    assert cumulative.shape == (len(X), 3)
    assert probabilities.min() >= 0
    assert not np.signbit(probabilities).any()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-14)
    in_order = probabilities[:, [sorted(ORDER).index(level) for level in levels]]
    for k in range(3):
        beyond = in_order[:, k + 1 :].sum(axis=1)
        np.testing.assert_allclose(cumulative[:, k], beyond, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("decision", ["median", "mode", "mean"])
def test_decisions_are_what_they_say(decision, X, y):
    clf = logistic(class_order=ORDER, decision=decision).fit(X, y)
    probabilities, expected = clf.predict_proba(X), []
    columns = [sorted(ORDER).index(level) for level in ORDER]
    for row in probabilities[:, columns].tolist():
        rank = {
            "median": next(k for k in range(4) if sum(row[: k + 1]) >= 0.5),
            "mode": max(range(4), key=row.__getitem__),
            "mean": round(sum(k * p for k, p in enumerate(row))),
        }[decision]
        expected.append(ORDER[rank])
    np.testing.assert_array_equal(clf.predict(X), expected)
    assert len(set(expected)) > 2


@pytest.mark.parametrize(
    ("y", "median", "mode", "mean"),
    [([0, 1], 0, 0, 1), ([0, 0, 1, 2], 0, 0, 1), ([0, 1, 2, 2], 1, 2, 1), ([0, 0, 3, 3], 0, 0, 2)],
)
def test_ties_go_as_the_parameter_says(y, median, mode, mean):
    X, prior = np.zeros((len(y), 1)), DummyClassifier(strategy="prior")
    for decision, expected in [("median", median), ("mode", mode), ("mean", mean)]:
        clf = OrdinalClassifier(prior, class_order=range(max(y) + 1), decision=decision)
        assert clf.fit(X, y).predict(X[:1]) == expected


def test_decisions_differ(X, y):
    predicted = [
        logistic(class_order=ORDER, decision=decision).fit(X, y).predict(X)
        for decision in ("median", "mode", "mean")
    ]
    assert all(np.any(predicted[i] != predicted[i - 1]) for i in range(3))


@pytest.mark.parametrize("decision", ["median", "mode", "mean"])
def test_of_two_levels_it_is_the_plain_classifier(decision, X, ranks):
    y = np.array(["no", "yes"])[ranks // 2]
    plain = LogisticRegression().fit(X, y)
    clf = logistic(class_order=["no", "yes"], decision=decision).fit(X, y)
    np.testing.assert_array_equal(clf.predict(X), plain.predict(X))
    np.testing.assert_allclose(clf.predict_proba(X), plain.predict_proba(X), rtol=1e-13)
    np.testing.assert_array_equal(clf.predict_cumulative(X)[:, 0], plain.predict_proba(X)[:, 1])
    falling = logistic(class_order=["yes", "no"]).fit(X, y)
    np.testing.assert_allclose(falling.predict_proba(X), plain.predict_proba(X), atol=1e-6)


def test_it_errs_by_fewer_levels_than_the_plain_classifier():
    X, progression = load_diabetes(return_X_y=True)
    y = np.digitize(progression, np.quantile(progression, [0.2, 0.4, 0.6, 0.8]))
    forest = RandomForestClassifier(20, min_samples_leaf=5, random_state=0)
    errors = {
        kind: -cross_val_score(clf, X, y, scoring=MAE, cv=StratifiedKFold(4))
        for kind, clf in [("plain", forest), ("ordinal", OrdinalClassifier(forest))]
    }
    assert errors["ordinal"].mean() < 0.95 * errors["plain"].mean()


# Levels.


@pytest.mark.parametrize("kind", [int, float, "bool", "datetime64[D]", "categories"])
def test_levels_of_any_type_give_the_same_model(kind, X, ranks):
    ranks = ranks // 2 if kind == "bool" else ranks
    if kind == "categories":
        y = pd.Series(pd.Categorical(np.array(ORDER)[ranks], ORDER, ordered=True))
    else:
        y = (3 * ranks).astype(kind)
    clf, expected = logistic().fit(X, y), logistic().fit(X, ranks)
    np.testing.assert_array_equal(clf.predict_cumulative(X), expected.predict_cumulative(X))
    np.testing.assert_array_equal(clf.predict(X), clf.class_order_[expected.predict(X)])
    assert clf.score(X, y) == expected.score(X, ranks)


@pytest.mark.parametrize("absent", [[0], [1], [3], [0, 3], [1, 2], [2, 3], [0, 1, 2], [1, 2, 3]])
def test_absent_levels_keep_their_column(absent, X, ranks, y):
    here = ~np.isin(ranks, absent)
    clf = tree(class_order=ORDER).fit(X[here], y[here])
    np.testing.assert_array_equal(clf.classes_, sorted(ORDER))
    present = [k for k in range(4) if k not in absent]
    assert len(clf.estimators_) == len(present) - 1
    probabilities = clf.predict_proba(X)[:, np.argsort(np.argsort(ORDER))]  # in rank order
    assert probabilities.shape == (len(X), 4)
    assert (probabilities[:, absent] == 0).all()
    assert set(clf.predict(X)) == {ORDER[k] for k in present}
    if len(present) > 1:
        recoded = tree().fit(X[here], ranks[here])
        np.testing.assert_array_equal(probabilities[:, present], recoded.predict_proba(X))
    else:
        assert (probabilities[:, present] == 1).all()
    assert clf.predict_cumulative(X, repair=False).shape == (len(X), 3)


def test_absent_levels_do_not_break_cross_validation(X, y, ranks):
    order = ["lowest", *ORDER[:2], "between", *ORDER[2:], "highest"]
    training_lacks_a_level = list(LeaveOneGroupOut().split(X, groups=ranks))
    for scoring in SCORERS:
        for cv in (3, training_lacks_a_level):
            scores = cross_val_score(
                tree(class_order=order), X, y, cv=cv, scoring=get_scorer(scoring)
            )
            assert np.isfinite(scores).all()
            if scoring == "neg_mean_absolute_rank_error" and cv != 3:
                assert (scores <= -1).all()


@pytest.mark.parametrize("scoring", ["roc_auc_ovr", "roc_auc_ovo", "neg_log_loss", "accuracy"])
def test_scorers_of_scikit_learn_see_the_columns_that_they_expect(scoring, X, y, ranks):
    names = cross_val_score(logistic(class_order=ORDER), X, y, scoring=scoring)
    numbers = cross_val_score(logistic(), X, ranks, scoring=scoring)
    np.testing.assert_allclose(names, numbers, rtol=1e-9)


@pytest.mark.parametrize(
    ("make_y", "settings", "message"),
    [
        (lambda y: y, {}, r"Pass class_order=\['high', 'low', 'mid', 'top'\].*ordered pandas"),
        (lambda y: y, {"class_order": ORDER[:3]}, r"not among the classes: \['top'\]"),
        (lambda y: y, {"class_order": [*ORDER, "low"]}, "a level twice"),
        (lambda y: y, {"class_order": ["low"]}, "class_order=.*at least two"),
        (lambda y: y, {"class_order": "rank"}, "class_order='rank' must be"),
        (lambda y: y, {"class_order": ORDER, "decision": "best"}, "'decision' parameter"),
        (lambda y: np.full(len(y), 3), {}, "one class, 3"),
        (lambda y: np.full(len(y), "low"), {"class_order": "sorted"}, "one class, 'low'"),
        (lambda y: np.column_stack([y, y]), {"class_order": ORDER}, "1d array"),
        (lambda y: np.arange(len(y)) / 2, {}, "continuous"),
        (lambda y: np.where(y == "low", np.nan, 1), {}, "NaN"),
        (lambda y: np.where(y == "low", None, y), {"class_order": ORDER}, "NoneType"),
        (lambda y: y[:-1], {"class_order": ORDER}, "X has 120 samples, y has 119"),
        (lambda y: None, {"class_order": ORDER}, "y is None"),
    ],
)
def test_wrong_levels_are_refused(make_y, settings, message, X, y):
    with pytest.raises(ValueError, match=message):
        logistic(**settings).fit(X, make_y(y))


# What estimators of scikit-learn do.


def test_it_is_an_estimator(X, y, ranks):
    clf = tree(class_order=ORDER, decision="mode")
    with pytest.raises(NotFittedError):
        clf.predict(X)
    expected = clf.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(clf.fit(X, y).predict_proba(X), expected)
    np.testing.assert_array_equal(clone(clf).fit(X, y).predict_proba(X), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(X), expected)
    with joblib.parallel_config("threading"):
        parallel = clone(clf).set_params(n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(parallel.predict_proba(X), expected)
    assert "max_depth=3" in repr(clf)
    assert "decision='mode'" in repr(clf)
    again = clf.set_params(class_order=None).fit(X[:, :2], ranks)
    assert again.n_features_in_ == 2
    np.testing.assert_array_equal(again.class_order_, range(4))


def test_a_search_reaches_the_estimator(X, y):
    pipeline = make_pipeline(StandardScaler(), logistic(class_order=ORDER))
    grid = {
        "ordinalclassifier__estimator": [LogisticRegression()],
        "ordinalclassifier__estimator__C": [1e-6, 1.0],
        "ordinalclassifier__decision": ["median", "mode"],
    }
    search = GridSearchCV(pipeline, grid, scoring=MAE, cv=3).fit(X, y)
    assert search.best_params_["ordinalclassifier__estimator__C"] == 1
    assert search.best_estimator_[-1].estimators_[0].C == 1
    assert set(search.predict(X)) <= set(ORDER)
