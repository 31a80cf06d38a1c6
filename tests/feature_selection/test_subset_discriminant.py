"""Discriminant analyses of many subsets: exactly scikit-learn's, or left to it."""

import tracemalloc
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from sklearn_modern.feature_selection.subset_scoring import discriminant
from sklearn_modern.feature_selection.subset_scoring.discriminant import Discriminant
from sklearn_modern.feature_selection.subset_scoring.fold import Fold

# As searches ask for them: forward, backward, floating, in groups, anything.
BATCHES = [
    [(j,) for j in range(10)],
    [tuple(sorted({1, 4, 7, j})) for j in range(10) if j not in (1, 4, 7)],
    [tuple(sorted({1, 4, 7, 9} - {j})) for j in (1, 4, 7, 9)],
    [tuple(j for j in range(10) if j != out) for out in range(10)],
    [tuple(sorted({0, 1, *range(j, j + 3)})) for j in (3, 5, 7)],
    [(0,), (0, 1, 2), (9,), tuple(range(10))],
]
ESTIMATORS = [
    LinearDiscriminantAnalysis(),
    LinearDiscriminantAnalysis(tol=0.3),
    LinearDiscriminantAnalysis(tol=0.0, store_covariance=True),
    LinearDiscriminantAnalysis(n_components=1),
    LinearDiscriminantAnalysis(solver="lsqr"),
    LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3),
    LinearDiscriminantAnalysis(solver="eigen"),
    LinearDiscriminantAnalysis(solver="eigen", shrinkage=1),
]


def make_data(n=150, n_classes=3, seed=0):
    rng = np.random.RandomState(seed)
    y = rng.permutation(np.arange(n) % n_classes)
    X = rng.standard_normal((n, 10)) + 0.7 * rng.standard_normal((n_classes, 10))[y]
    return X * rng.uniform(0.5, 2, 10) + rng.uniform(-3, 3, 10), np.array(list("dbac"))[y]


def make_fold(X, y, n_train, **more):
    return Fold(X, y, np.arange(n_train), np.arange(n_train, len(X)), classifies=True, **more)


def agree(estimator, fold, batches):
    """Compare with ordinary fits, and return the share of subsets that hold."""
    scorer, held = Discriminant(estimator, fold), []
    for subsets in batches:
        outputs = scorer.outputs(subsets)
        held += outputs.sure.tolist()
        for i in np.flatnonzero(outputs.sure):
            columns = list(subsets[i])
            with warnings.catch_warnings():
                # A class of one row, of which there is no variance.
                warnings.filterwarnings("ignore", message="Only one sample available")
                fitted = clone(estimator).fit(fold.X_train[:, columns], fold.y_train)
            X = fold.X_test[:, columns]
            decisions = fitted.decision_function(X)
            close = {"rtol": 1e-8, "atol": 1e-8 * np.abs(decisions).max()}
            np.testing.assert_allclose(outputs.decision_function()[i], decisions, **close)
            np.testing.assert_allclose(outputs.predict_proba()[i], fitted.predict_proba(X), **close)
            predicted = fold.classes[outputs.predict()[i]]
            np.testing.assert_array_equal(predicted, fitted.predict(X))
    return np.mean(held)


@pytest.mark.parametrize("n_classes", [2, 3, 4])
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_any_sequence_of_batches(estimator, n_classes):
    share = agree(
        estimator, make_fold(*make_data(n_classes=n_classes), 100), BATCHES + BATCHES[::-1]
    )
    assert share > (0.3 if estimator.tol == 0.3 else 0.95)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
@pytest.mark.parametrize("kind", ["near", "constant", "within", "offset", "scales", "line", "same"])
def test_hostile_data(estimator, kind):
    X, y = make_data()
    if kind == "near":
        X[:, 4] = X[:, 1] + X[:, 7] * 10.0 ** -np.arange(1, 7).repeat(25)
        X[:, 9] = X[:, 8] + 1e-5 * X[:, 9]
    if kind == "constant":
        X[:, ::2] = 0.1
    if kind == "within":
        X[:, 3] = y == "a"
    if kind == "offset":
        X += 1e4
    if kind == "scales":
        X *= 10.0 ** np.linspace(-8, 8, 10)
    if kind == "line":  # the means of the classes are almost on one line
        for column in X.T:
            for place, label in enumerate("abd"):
                column[y == label] -= column[:100][y[:100] == label].mean() - place
        X[y == "a", 1] += 1e-4
    if kind == "same":
        X[:75], y[:75] = X[75:], np.roll(y[75:], 1)
    agree(estimator, make_fold(X, y, 100), BATCHES)


@pytest.mark.parametrize("solver", ["svd", "lsqr", "eigen"])
def test_priors(solver):
    fold = make_fold(*make_data(), 100)
    known = LinearDiscriminantAnalysis(solver=solver, priors=[0.2, 0.5, 0.3])
    assert agree(known, fold, BATCHES) > 0.95
    for priors in ([0.5, 0.5], [0.2, 0.2, 0.2], [0.0, 0.5, 0.5], [-0.5, 0.5, 1.0]):
        wrong = LinearDiscriminantAnalysis(solver=solver, priors=priors)
        assert agree(wrong, fold, BATCHES) == 0


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_small_folds(estimator):
    for seed in range(4):
        X, y = make_data(40, seed=seed)
        for n_train in (2, 3, 4, 6, 12, 30):
            agree(estimator, make_fold(X, y, n_train), BATCHES)


def test_what_no_ordinary_fit_takes_is_left_to_it():
    X, y = make_data()
    estimator = LinearDiscriminantAnalysis()
    one_class = make_fold(X, np.where(np.arange(150) < 100, "a", "b"), 100)
    assert agree(estimator, one_class, BATCHES) == 0
    assert agree(estimator, make_fold(X, y, 100, weight=np.ones(100)), BATCHES) == 0
    too_many = LinearDiscriminantAnalysis(n_components=3)
    assert agree(too_many, make_fold(X, y, 100), BATCHES) == 0


def test_a_row_between_two_classes_is_left_to_an_ordinary_fit():
    X = np.array([[-1.0], [-3.0], [1.0], [3.0], [0.0], [2.0]])
    fold = make_fold(X, np.array([0, 0, 1, 1, 0, 1]), 4)
    assert agree(LinearDiscriminantAnalysis(), fold, [[(0,)]]) == 0


def test_small_parts_give_the_same(monkeypatch):
    X, y = make_data()
    fold = make_fold(X, y, 100)
    whole = [Discriminant(ESTIMATORS[0], fold).outputs(subsets) for subsets in BATCHES]
    monkeypatch.setattr(discriminant, "_NUMBERS", 1)
    for subsets, expected in zip(BATCHES, whole, strict=True):
        outputs = Discriminant(ESTIMATORS[0], fold).outputs(subsets)
        np.testing.assert_allclose(outputs.raw, expected.raw, rtol=1e-9, atol=1e-9)
        assert outputs.sure.tolist() == expected.sure.tolist()


def test_more_features_than_rows_take_no_blocks():
    X = np.random.default_rng(0).normal(size=(60, 400))
    fold = make_fold(X, np.arange(60) % 2, 40)
    scorer = Discriminant(LinearDiscriminantAnalysis(), fold)
    subsets = [tuple(j for j in range(400) if j != out) for out in range(400)]
    tracemalloc.start()
    outputs = scorer.outputs(subsets)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not outputs.sure.any()
    assert peak < 20e6, "blocks of all subsets at once would take 500 MB"
