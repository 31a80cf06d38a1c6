"""Scorers know the estimator's order of the levels wherever it sits, and fit model selection."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer as get_scorer_of_sklearn
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from support.graded_rows import ORDER, graded, logistic, tree

from sklearn_modern import metrics
from sklearn_modern.metrics import SCORERS, get_scorer, rank_inconsistency_count
from sklearn_modern.ordinal import OrdinalClassifier

MAE, RPS = "neg_mean_absolute_rank_error", "neg_ranked_probability_score"
KAPPA = "quadratic_weighted_kappa"
COUNT = "neg_rank_inconsistency_count"
RESPONSES = {RPS: "predict_proba", COUNT: "predict_cumulative"}


@pytest.fixture
def X():
    # Far from unit scale, so that a step that is left out shows.
    return graded()[0] * [1, 50, 0.02] + 3


@pytest.fixture
def ranks():
    return graded()[1]


@pytest.fixture
def y():
    return graded()[2]


def contradictory():
    return tree(class_order=ORDER)


def by_hand(name, clf, X, y, labels=ORDER, sample_weight=None):
    """Score without a scorer."""
    if name == COUNT:
        labels, y_pred = None, clf.predict_cumulative(X, repair=False)
    else:
        y_pred = getattr(clf, RESPONSES.get(name, "predict"))(X)
    metric = getattr(metrics, name.removeprefix("neg_"))
    sign = -1 if name.startswith("neg_") else 1
    return sign * metric(y, y_pred, labels=labels, sample_weight=sample_weight)


# Those that know an order of the classes.
ORDINAL = [name for name in SCORERS if name != "neg_token_error_rate"]


# These look at samples, and not at predictions of one value.
OF_SAMPLES = {"calibration_ranks", "classifier_two_sample_test", "expected_coverage"}


def test_every_metric_has_a_scorer_and_errors_are_negated():
    names = set(metrics.__all__) - {"SCORERS", "get_scorer"} - OF_SAMPLES
    assert set(SCORERS) == {name if name == KAPPA else f"neg_{name}" for name in names}


@pytest.mark.parametrize("name", ORDINAL)
def test_scorers_find_the_order_wherever_it_is(name, X, y):
    scaled = StandardScaler().fit_transform(X)
    clf = contradictory().fit(scaled, y)
    expected = by_hand(name, clf, scaled, y)
    assert expected < (1 if name == KAPPA else 0)
    scorer = get_scorer(name)
    np.testing.assert_allclose(scorer(clf, scaled, y), expected)
    grid = {"decision": ["median"]}
    inner_search = GridSearchCV(contradictory(), grid, scoring=scorer)
    for nested in (
        make_pipeline(StandardScaler(), contradictory()),
        make_pipeline(make_pipeline(StandardScaler(), contradictory())),
        make_pipeline(
            StandardScaler(),
            FunctionTransformer(),
            make_pipeline("passthrough", contradictory()),
        ),
        make_pipeline(StandardScaler(), inner_search),
        GridSearchCV(
            make_pipeline(StandardScaler(), contradictory()),
            {f"ordinalclassifier__{key}": values for key, values in grid.items()},
            scoring=scorer,
        ),
    ):
        np.testing.assert_allclose(scorer(nested.fit(X, y), X, y), expected)
    weight = np.arange(len(y)) % 3
    np.testing.assert_allclose(
        scorer(clf, scaled, y, sample_weight=weight),
        by_hand(name, clf, scaled, y, sample_weight=weight),
    )


def test_the_count_sees_the_scaled_rows(X, y):
    pipeline = make_pipeline(StandardScaler(), contradictory()).fit(X, y)
    cumulative = pipeline[-1].predict_cumulative(pipeline[0].transform(X), repair=False)
    expected = sum(row[k + 1] > row[k] for row in cumulative for k in range(2))
    assert expected > 0
    assert SCORERS[COUNT](pipeline, X, y) == -expected
    assert rank_inconsistency_count(y, pipeline[-1].predict_cumulative(X)) == 0


@pytest.mark.parametrize("name", SCORERS)
def test_cross_validation_equals_a_loop(name, X, y):
    pipeline, folds = make_pipeline(StandardScaler(), contradictory()), KFold(3)
    expected = [
        get_scorer(name)(clone(pipeline).fit(X[train], y[train]), X[test], y[test])
        for train, test in folds.split(X)
    ]
    found = cross_val_score(pipeline, X, y, cv=folds, scoring=get_scorer(name))
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(
        cross_validate(pipeline, X, y, cv=folds, scoring=SCORERS)[f"test_{name}"], expected
    )


@pytest.mark.parametrize("name", [MAE, RPS])
def test_nested_search_with_names_is_that_with_numbers(name, X, y, ranks):
    def scores(y, order):
        ordinal = OrdinalClassifier(LogisticRegression(), class_order=order)
        search = GridSearchCV(
            make_pipeline(StandardScaler(), ordinal),
            {"ordinalclassifier__estimator__C": [0.01, 1.0]},
            scoring=get_scorer(name),
            cv=KFold(3),
        )
        return cross_val_score(search, X, y, scoring=get_scorer(name), cv=KFold(3))

    expected = scores(ranks, None)
    assert np.all(expected < 0)
    np.testing.assert_allclose(scores(y, ORDER), expected, rtol=1e-9)
    np.testing.assert_allclose(scores(3 - ranks, [3, 2, 1, 0]), expected, rtol=1e-9)
    categories = pd.Series(pd.Categorical(y, ORDER, ordered=True))
    np.testing.assert_allclose(scores(categories, None), expected, rtol=1e-9)


def test_a_search_takes_the_setting_that_costs_least(X, y):
    grid = {"ordinalclassifier__estimator__C": [1e-6, 1.0]}
    pipeline = make_pipeline(StandardScaler(), logistic(class_order=ORDER))
    search = GridSearchCV(pipeline, grid, scoring=get_scorer(MAE)).fit(X, y)
    assert search.best_params_ == {"ordinalclassifier__estimator__C": 1.0}
    assert -1 < search.best_score_ < 0


def test_levels_that_are_absent_count_in_scores(X):
    y = np.tile([1, 5], 60)
    clf = OrdinalClassifier(DecisionTreeClassifier(random_state=0), class_order=[1, 2, 3, 4, 5])
    clf.fit(X, y)
    assert get_scorer(MAE)(clf, X, 6 - y) == -4
    np.testing.assert_allclose(get_scorer(RPS)(clf, X, 6 - y), -4)
    assert get_scorer(MAE)(clf, X, np.tile([2, 4], 60)) == -1


def test_two_levels_are_scored_in_either_order(X, ranks):
    y = np.array(["no", "yes"])[ranks // 2]
    for order in (["no", "yes"], ["yes", "no"]):
        clf = OrdinalClassifier(LogisticRegression(), class_order=order).fit(X, y)
        columns = clf.predict_proba(X)
        brier = np.mean((columns[:, 1] - (y == "yes")) ** 2)
        np.testing.assert_allclose(get_scorer(RPS)(clf, X, y), -brier)
        np.testing.assert_allclose(get_scorer(MAE)(clf, X, y), clf.score(X, y) - 1)


def test_numeric_classes_are_an_order(X, ranks):
    levels = np.array([1, 2, 5, 9])
    y = levels[ranks]
    for clf in (
        DecisionTreeClassifier(max_depth=2),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ):
        clf.fit(X, y)
        for name in set(ORDINAL) - {COUNT}:
            expected = by_hand(name, clf, X, y, labels=levels)
            assert get_scorer(name)(clf, X, y) == expected
        extreme = np.isin(y, [1, 9])
        expected = by_hand(MAE, clf, X[extreme], y[extreme], labels=levels)
        assert get_scorer(MAE)(clf, X[extreme], y[extreme]) == expected


@pytest.mark.parametrize("name", [MAE, RPS])
def test_names_without_an_order_are_refused(name, X, y):
    clf = LogisticRegression().fit(StandardScaler().fit_transform(X), y)
    with pytest.raises(ValueError, match=r"Pass labels=\['high', 'low', 'mid', 'top'\]"):
        get_scorer(name)(clf, X, y)
    categories = pd.Series(pd.Categorical(y, ORDER, ordered=True))
    expected = by_hand(name, clf, X, y)
    np.testing.assert_allclose(get_scorer(name)(clf, X, categories), expected)


def test_the_count_needs_cumulative_probabilities(X, ranks):
    clf = DecisionTreeClassifier().fit(X, ranks)
    with pytest.raises(AttributeError, match="DecisionTreeClassifier.*predict_cumulative"):
        get_scorer(COUNT)(clf, X, ranks)


# Metadata routing.


@pytest.mark.parametrize("name", ORDINAL)
def test_weights_are_routed(name, X, y):
    weight, folds = np.arange(len(y)) % 3, KFold(2)
    with sklearn.config_context(enable_metadata_routing=True):
        clf = contradictory()
        clf.estimator.set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        scorer = get_scorer(name).set_score_request(sample_weight=True)
        params = {"params": {"sample_weight": weight}}
        found = cross_val_score(
            make_pipeline(scaler, clf), X, y, scoring=scorer, cv=folds, **params
        )
        grid = {"decision": ["median"]}
        search = GridSearchCV(clf, grid, scoring=scorer, cv=folds).fit(X, y, sample_weight=weight)
        unrouted = get_scorer(name).set_score_request(sample_weight=False)
        plain = cross_val_score(clf, X, y, scoring=unrouted, cv=folds, **params)
    expected, unweighted = [], []
    for train, test in folds.split(X):
        clf = contradictory().fit(X[train], y[train], sample_weight=weight[train])
        expected.append(by_hand(name, clf, X[test], y[test], sample_weight=weight[test]))
        unweighted.append(by_hand(name, clf, X[test], y[test]))
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(plain, unweighted)
    np.testing.assert_allclose(search.best_score_, np.mean(expected))
    assert not np.allclose(expected, unweighted)


def test_a_request_stays_with_its_scorer():
    with sklearn.config_context(enable_metadata_routing=True):
        get_scorer(MAE).set_score_request(sample_weight=True)
        for untouched in (get_scorer(MAE), SCORERS[MAE]):
            assert untouched.get_metadata_routing().score.requests.get("sample_weight") is None


def test_labels_can_be_routed_to_a_classifier_without_an_order(X, y):
    clf = DecisionTreeClassifier(max_depth=1).fit(X, y)
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = get_scorer(MAE).set_score_request(labels=True)
        assert scorer(clf, X, y, labels=ORDER) == by_hand(MAE, clf, X, y)


# What scorers are.


@pytest.mark.parametrize("name", SCORERS)
def test_scorers_are_copied_pickled_and_shown(name, X, y):
    clf, scorer = contradictory().fit(X, y), get_scorer(name)
    expected = scorer(clf, X, y)
    for other in (pickle.loads(pickle.dumps(scorer)), copy.deepcopy(scorer), SCORERS[name]):
        assert type(other) is type(scorer)
        assert other(clf, X, y) == expected
    assert name.removeprefix("neg_") in repr(scorer)
    search = clone(GridSearchCV(contradictory(), {"decision": ["mode"]}, scoring=scorer))
    assert type(search.scoring) is type(scorer)
    assert name.removeprefix("neg_") in repr(search)
    assert pickle.loads(pickle.dumps(search.fit(X, y))).score(X, y) == search.score(X, y)


def test_other_names_are_those_of_scikit_learn():
    assert repr(get_scorer("roc_auc_ovr")) == repr(get_scorer_of_sklearn("roc_auc_ovr"))
    assert get_scorer(SCORERS[MAE]) is SCORERS[MAE]


@pytest.mark.parametrize("scoring", ["mean_absolute_rank_error", "", 3])
def test_unknown_names_are_refused_with_a_list_of_ours(scoring):
    with pytest.raises(ValueError, match="get_scorer") as error:
        get_scorer(scoring)
    assert all(name in str(error.value) for name in SCORERS)


def test_a_number_that_only_the_test_rows_have_is_a_level_too():
    X = np.arange(12.0)[:, None]
    y = np.arange(12) // 4
    clf = LogisticRegression().fit(X[4:], y[4:])
    expected = metrics.mean_absolute_rank_error(y, clf.predict(X), labels=[0, 1, 2])
    assert get_scorer("neg_mean_absolute_rank_error")(clf, X, y) == -expected
    padded = np.column_stack([np.zeros(12), clf.predict_proba(X)])
    expected = metrics.ranked_probability_score(y, padded, labels=[0, 1, 2])
    assert get_scorer("neg_ranked_probability_score")(clf, X, y) == -expected
    names = np.array(["low", "mid", "high"])[y]
    ordinal = OrdinalClassifier(LogisticRegression(), class_order=["mid", "high"])
    with pytest.raises(ValueError, match="low"):
        get_scorer("neg_mean_absolute_rank_error")(ordinal.fit(X[4:], names[4:]), X, names)


def test_the_order_is_found_inside_a_calibration_and_in_y():
    X, ranks = graded()[:2]
    coded = np.array([2, 0, 1])[ranks % 3]
    order = [2, 0, 1]
    clf = CalibratedClassifierCV(OrdinalClassifier(LogisticRegression(), class_order=order), cv=2)
    clf.fit(X, coded)
    expected = metrics.mean_absolute_rank_error(coded, clf.predict(X), labels=order)
    assert get_scorer(MAE)(clf, X, coded) == -expected
    categories = pd.Series(pd.Categorical(coded, order, ordered=True))
    plain = LogisticRegression().fit(X, coded)
    expected = metrics.mean_absolute_rank_error(coded, plain.predict(X), labels=order)
    assert get_scorer(MAE)(plain, X, categories) == -expected
    two = LogisticRegression().fit(X[ranks % 3 < 2], coded[ranks % 3 < 2])
    assert -2 < get_scorer(RPS)(two, X, categories) < 0
