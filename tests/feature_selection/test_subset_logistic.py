"""Scores of many logistic regressions at once are those of ordinary fits."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import check_scoring

from sklearn_modern.feature_selection.subset_scoring import logistic, logistic_changes
from sklearn_modern.feature_selection.subset_scoring.fold import Fold
from sklearn_modern.feature_selection.subset_scoring.logistic import Logistic
from sklearn_modern.feature_selection.subset_scoring.metrics import metric_of

# How a logistic regression without a penalty is spelled depends on the version.
NO_PENALTY = {"C": np.inf} if LogisticRegression().penalty == "deprecated" else {"penalty": None}


def make_fold(n=120, p=8, n_classes=2, weight=None, noise=1.0, seed=0, labels=None):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * rng.uniform(0.5, 5, p) + rng.uniform(-3, 3, p)
    signal = X[:, 0] / X[:, 0].std() - X[:, 1] / X[:, 1].std() + noise * rng.standard_normal(n)
    y = np.argsort(np.argsort(signal)) * n_classes // n if labels is None else labels
    train = np.arange(n) % 4 != 0
    if weight is not None:
        weight = weight[train]
    train, test = np.flatnonzero(train), np.flatnonzero(~train)
    return Fold(X, y, train, test, weight=weight, classifies=True)


def decisions(estimator, fold, subset):
    """Decisions of an ordinary fit that has converged."""
    columns = list(subset)
    fitted = Logistic.exactly(estimator).fit(
        fold.X_train[:, columns], fold.y_train, sample_weight=fold.weight
    )
    return fitted.decision_function(fold.X_test[:, columns])


def assert_same(scorer, subsets, tolerance=1e-7):
    outputs = scorer.outputs(subsets)
    assert outputs.sure.all()
    for subset, raw in zip(subsets, outputs.raw, strict=True):
        expected = decisions(scorer.estimator, scorer.fold, subset)
        np.testing.assert_allclose(raw, expected, rtol=tolerance, atol=tolerance)


def without(subset, *dropped):
    return tuple(j for j in subset if j not in dropped)


def batches(p):
    """What a floating search asks for, with groups of columns and lists that share little."""
    yield [(j,) for j in range(p)]
    yield [tuple(sorted((1, j))) for j in range(p) if j != 1]
    yield [(0,), (1,)]
    yield [tuple(sorted((0, 1, j))) for j in range(2, p)]
    yield [without((0, 1, 5), j) for j in (0, 1, 5)]
    yield [tuple(range(p))]
    yield [without(range(p), j) for j in range(p)]
    yield [without(range(p), j, j + 1) for j in range(p - 1)] + [without(range(p), 0)]
    yield [(0, 1, 2, 3), (0, 1, 4), (0, 1), (0, 1, 5, 6, 7)]
    yield [(5, 6), (1,), (0, 2, 4, 6), (3, 7)]


ESTIMATORS = [
    LogisticRegression(),
    LogisticRegression(C=100),
    LogisticRegression(C=1e-3, fit_intercept=False),
    LogisticRegression(class_weight="balanced", solver="saga"),
    LogisticRegression(**NO_PENALTY),
    LogisticRegression(**NO_PENALTY, fit_intercept=False),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_any_list_of_subsets_in_any_order(estimator, n_classes):
    scorer = Logistic(estimator, make_fold(n_classes=n_classes))
    lists = list(batches(8))
    for subsets in [*lists, *reversed(lists)]:
        assert_same(scorer, subsets)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_some_of_them_zero(n_classes):
    weight = np.random.default_rng(1).integers(0, 4, 120) * 0.3
    for estimator in ESTIMATORS:
        if estimator.class_weight is None:
            scorer = Logistic(estimator, make_fold(n_classes=n_classes, weight=weight))
            for subsets in batches(8):
                assert_same(scorer, subsets)


def test_weights_with_balanced_classes_are_left_to_ordinary_fits():
    estimator = LogisticRegression(class_weight="balanced")
    outputs = Logistic(estimator, make_fold(weight=np.full(120, 2.0))).outputs([(0,), (1,)])
    assert not outputs.sure.any()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_strong_signals_take_steps_of_their_own(n_classes, monkeypatch):
    """Where steps with the reference's curvature are too few, Newton's own steps go on."""
    monkeypatch.setattr(logistic_changes, "_GRADIENTS", 2)
    for noise in (0.3, 0.05):
        scorer = Logistic(LogisticRegression(C=10), make_fold(n_classes=n_classes, noise=noise))
        for subsets in batches(8):
            assert_same(scorer, subsets)


def test_too_many_parameters_are_left_to_ordinary_fits(monkeypatch):
    monkeypatch.setattr(logistic, "_PARAMETERS", 10)
    scorer = Logistic(LogisticRegression(), make_fold(n_classes=3))
    assert scorer.outputs([(0, 1, j) for j in range(2, 8)]).sure.all()
    assert not scorer.outputs([(0, 1, 2, j) for j in range(3, 8)]).sure.any()


def test_parts_of_a_list_are_as_good_as_all_of_it(monkeypatch):
    monkeypatch.setattr(logistic, "_NUMBERS", 200)
    monkeypatch.setattr(logistic, "_KEPT_BYTES", 0)
    scorer = Logistic(LogisticRegression(), make_fold(n_classes=3))
    for subsets in batches(8):
        assert_same(scorer, subsets)


def test_separable_classes_have_no_minimum_without_a_penalty():
    fold = make_fold(noise=0)
    scorer = Logistic(LogisticRegression(**NO_PENALTY), fold)
    subsets = [(2, 3), (0, 1), (0, 1, 2), (0, 2)]
    for _ in range(2):
        np.testing.assert_array_equal(scorer.outputs(subsets).sure, [True, False, False, True])
    assert not scorer.outputs([(0, 1, j) for j in range(2, 8)]).sure.any()


def test_more_features_than_rows_need_a_penalty():
    fold = make_fold(n=24, p=40)
    everything = tuple(range(40))
    subsets = [without(everything, j) for j in everything]
    assert_same(Logistic(LogisticRegression(), fold), subsets)
    assert not Logistic(LogisticRegression(**NO_PENALTY), fold).outputs(subsets).sure.any()


def test_one_class_or_one_without_weight_is_left_to_ordinary_fits():
    for weight in (None, np.arange(120) % 3 * 1.0, np.zeros(120)):
        fold = make_fold(labels=np.zeros(120, dtype=int), weight=weight)
        assert not Logistic(LogisticRegression(), fold).outputs([(0,), (1,)]).sure.any()
    labels = np.arange(120) % 3
    fold = make_fold(labels=labels, weight=(labels != 1) * 1.0)
    assert not Logistic(LogisticRegression(), fold).outputs([(0,), (1,)]).sure.any()


def test_classes_may_be_missing_among_some_rows():
    """Class 3 is in the test rows only, class 2 in the training rows only."""
    labels = np.arange(120) // 4 % 2
    labels[4:80:16], labels[1:80:8] = 3, 2
    fold = make_fold(labels=labels)
    scorer = Logistic(LogisticRegression(), fold)
    for subsets in batches(8):
        assert_same(scorer, subsets)
    metric = metric_of("accuracy", check_scoring(scorer.estimator, "accuracy"), scorer.estimator)
    subsets = [(0, 1), (2,)]
    scores, sure = scorer.scores(subsets, [metric])
    labels = fold.classes[decisions(scorer.estimator, fold, (0, 1)).argmax(axis=1)]
    assert sure.all()
    assert scores[0, 0] == (labels == fold.y_test).mean()


def test_tiny_folds():
    X, y = np.array([[0.0, 1], [1, 0], [2, 5], [3, 1]]), np.array([0, 1, 0, 1])
    fold = Fold(X, y, np.array([0, 1]), np.array([2, 3]), classifies=True)
    assert_same(Logistic(LogisticRegression(), fold), [(0,), (1,), (0, 1)])


def test_what_does_not_change_with_the_data():
    """A subset is scored alike in any company."""
    scorer = Logistic(LogisticRegression(), make_fold(n_classes=3))
    alone = scorer.outputs([(0, 1, 2)]).raw[0]
    for subsets in ([(0, 1, 2), (3,)], [(0, 1, 2), (0, 1)], [(0, 1, 2), (0, 1, 3)]):
        np.testing.assert_allclose(scorer.outputs(subsets).raw[0], alone, rtol=0, atol=1e-8)


def test_searches_that_stop_early_are_left_to_ordinary_fits():
    with_defaults = LogisticRegression()
    assert Logistic.recognises(with_defaults)
    for params in ({"tol": 1e-3}, {"max_iter": 50}, {"warm_start": True}, {"solver": "liblinear"}):
        assert not Logistic.recognises(clone(with_defaults).set_params(**params))
