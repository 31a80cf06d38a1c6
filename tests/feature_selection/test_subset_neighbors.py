"""Nearest neighbours of many subsets: exactly scikit-learn's, or left to it."""

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from sklearn_modern.feature_selection.subset_scoring import neighbors
from sklearn_modern.feature_selection.subset_scoring.fold import Fold
from sklearn_modern.feature_selection.subset_scoring.neighbors import Neighbors

# As searches ask for them: forward, backward, floating, in groups, anything.
BATCHES = [
    [(j,) for j in range(18)],
    [tuple(sorted({4, j})) for j in range(18) if j != 4],
    [tuple(sorted({1, 4, 7, j})) for j in range(18) if j not in (1, 4, 7)],
    [tuple(sorted({1, 4, 7, 9} - {j})) for j in (1, 4, 7, 9)],
    [tuple(j for j in range(18) if j != out) for out in range(18)],
    [tuple(sorted({0, 1, *range(j, j + 3)})) for j in (3, 6, 9)],
    [(0,), (0, 1, 2), (0, 1, 2), (0, 1, 2), (17,), tuple(range(18))],
]
ESTIMATORS = [
    KNeighborsClassifier(),
    KNeighborsClassifier(1, algorithm="brute"),
    KNeighborsClassifier(4, weights="distance"),
    KNeighborsClassifier(weights="distance", algorithm="ball_tree", p=1),
    KNeighborsClassifier(150, algorithm="kd_tree"),
    KNeighborsRegressor(3),
    KNeighborsRegressor(weights="distance", algorithm="brute"),
    KNeighborsRegressor(metric="cityblock", algorithm="brute", p=7),
]


def make_data(n=420, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n, 18)) * rng.uniform(0.5, 2, 18)
    X[0] += 50  # far from all others
    y = (X[:, 1] + X[:, 4] + 0.5 * rng.standard_normal(n)).round(1)
    return X, y


def make_fold(estimator, X, y, n_train):
    train, test = np.arange(len(X) - n_train, len(X)), np.arange(len(X) - n_train)
    if is_classifier(estimator):
        y = np.array(["b", "a", "c"])[np.digitize(y, [-1, 1])]
    return Fold(X, y, train, test, classifies=is_classifier(estimator))


def agree(estimator, fold, batches):
    """Compare with ordinary fits, and return the share of subsets that hold."""
    scorer, held = Neighbors(estimator, fold), []
    for subsets in batches:
        outputs = scorer.outputs(subsets)
        held += outputs.sure.tolist()
        for i in np.flatnonzero(outputs.sure):
            columns = list(subsets[i])
            fitted = clone(estimator).fit(fold.X_train[:, columns], fold.y_train)
            X = fold.X_test[:, columns]
            if fold.classifies:
                found = outputs.predict_proba()[i]
                np.testing.assert_allclose(found, fitted.predict_proba(X), rtol=0, atol=1e-9)
                predicted = fold.classes[outputs.predict()[i]]
                np.testing.assert_array_equal(predicted, fitted.predict(X))
            else:
                np.testing.assert_allclose(outputs.raw[i], fitted.predict(X), rtol=1e-9, atol=1e-9)
    return np.mean(held)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
@pytest.mark.parametrize("n_distances", [500, neighbors._DISTANCES])
def test_any_sequence_of_batches(monkeypatch, estimator, n_distances):
    monkeypatch.setattr(neighbors, "_DISTANCES", n_distances)
    fold = make_fold(estimator, *make_data(), n_train=360)
    # Weights by distances that come from differences of squares are seldom exact on one feature.
    squares = estimator.weights == "distance" and estimator.algorithm == "brute"
    assert agree(estimator, fold, BATCHES + BATCHES[::-2]) > (0.7 if squares else 0.95)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
@pytest.mark.parametrize("kind", ["counts", "duplicates", "offset", "scales", "constant", "mixed"])
def test_hostile_data(estimator, kind):
    X, y = make_data()
    if kind == "counts":
        X = X.round()
    if kind == "duplicates":
        X[200:] = X[:220]
    if kind == "offset":
        X += 1e5
    if kind == "scales":
        X *= 10.0 ** np.linspace(-8, 8, 18)
    if kind == "constant":
        X[:, ::2] = 1.5
    if kind == "mixed":
        X[:, :9] = X[:, :9].round(1)
    agree(estimator, make_fold(estimator, X, y, n_train=360), BATCHES)


def test_rounding_of_expanded_squares_is_reckoned_with():
    X, y = make_data()
    estimator = KNeighborsClassifier(weights="distance", algorithm="brute")
    assert agree(estimator, make_fold(estimator, X, y, 360), BATCHES[2:4]) == 1
    assert agree(estimator, make_fold(estimator, X + 1e6, y, 360), BATCHES[2:4]) == 0
    estimator.algorithm = "kd_tree"
    assert agree(estimator, make_fold(estimator, X + 1e6, y, 360), BATCHES[2:4]) == 1


def test_ties_matter_only_between_labels():
    X = np.repeat([[0.0], [1.0], [5.0], [6.0]], 5, axis=0)
    fold = Fold(
        np.vstack([X, [[0.2], [5.9]]]),
        np.array([0] * 5 + [0, 1, 0, 1, 0] + [1] * 10 + [0, 1]),
        np.arange(20),
        np.array([20, 21]),
        classifies=True,
    )
    at_one_end = Fold(fold.X_train, fold.y_train, np.arange(20), np.array([0]), classifies=True)
    for weights in ("uniform", "distance"):
        assert agree(KNeighborsClassifier(3, weights=weights), fold, [[(0,)]]) == 1
        assert agree(KNeighborsClassifier(12, weights=weights), fold, [[(0,)]]) == 0
        assert agree(KNeighborsClassifier(12, weights=weights), at_one_end, [[(0,)]]) == 1
    on_top = Fold(fold.X_train, fold.y_train, np.arange(20), np.array([12]), classifies=True)
    assert agree(KNeighborsClassifier(7, weights="distance"), on_top, [[(0,)]]) == 1


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_small_folds(estimator):
    X, y = make_data(30)
    for n_train in (1, 2, 5, 8, 25):
        for seed in range(3):
            order = np.random.RandomState(seed).permutation(30)
            fold = make_fold(estimator, X[order], y[order], n_train)
            share = agree(estimator, fold, BATCHES)
            assert share == 0 or n_train > estimator.n_neighbors


def test_weights_of_rows_are_left_to_ordinary_fits():
    X, y = make_data(60)
    fold = Fold(X, y, np.arange(40), np.arange(40, 60), weight=np.ones(40))
    assert not Neighbors(KNeighborsRegressor(), fold).outputs([(0,), (0, 1)]).sure.any()
