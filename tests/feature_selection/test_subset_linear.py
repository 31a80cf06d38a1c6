"""Least squares of many subsets at once: what is special to it."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LinearRegression, Ridge, RidgeClassifier
from sklearn.metrics import check_scoring

from sklearn_modern.feature_selection.subset_scoring import cross_products, linear
from sklearn_modern.feature_selection.subset_scoring.changes import Batch, Changes
from sklearn_modern.feature_selection.subset_scoring.fold import Fold
from sklearn_modern.feature_selection.subset_scoring.linear import Linear
from sklearn_modern.feature_selection.subset_scoring.metrics import metric_of

REGRESSORS = [
    LinearRegression(),
    LinearRegression(fit_intercept=False),
    Ridge(0.5),
    Ridge(20.0, fit_intercept=False, solver="cholesky"),
]
ESTIMATORS = [*REGRESSORS, RidgeClassifier(0.3), RidgeClassifier(fit_intercept=False)]
MEDIAN = "neg_median_absolute_error"
EXACT = {"rtol": 1e-8, "atol": 1e-8}


class Problem:
    """Rows, a split of them, and an estimator."""

    def __init__(self, estimator, X, y, weight=None, test=None, metrics=None, score_params=None):
        self.estimator, self.X, self.y, self.weight = estimator, X, y, weight
        test = np.arange(len(X)) % 4 == 0 if test is None else test
        self.train, self.test = np.flatnonzero(~test), np.flatnonzero(test)
        classifies = is_classifier(estimator)
        self.fold = Fold(
            X,
            y,
            self.train,
            self.test,
            weight=None if weight is None else weight[self.train],
            classifies=classifies,
            score_params=score_params or {},
        )
        names = metrics or (("accuracy",) if classifies else ("r2", "neg_mean_squared_error"))
        self.metrics = [
            metric_of(name, check_scoring(estimator, name), estimator) for name in names
        ]
        self.scorer = Linear(estimator, self.fold)

    def scores(self, subsets):
        return self.scorer.scores(subsets, self.metrics)

    def of_one(self, subset):
        """Fit one subset in the ordinary way."""
        columns = list(subset)
        weight = {} if self.weight is None else {"sample_weight": self.weight[self.train]}
        fitted = clone(self.estimator).fit(
            self.X[self.train][:, columns], self.y[self.train], **weight
        )
        return [
            metric.scorer(
                fitted,
                self.X[self.test][:, columns],
                self.y[self.test],
                **self.fold.score_params.get(metric.name, {}),
            )
            for metric in self.metrics
        ]

    def check(self, subsets, sure=True):
        """Compare with ordinary fits, and see which subsets it is sure of."""
        scores, holds = self.scores(subsets)
        assert holds.tolist() == np.broadcast_to(sure, len(subsets)).tolist()
        for subset, row, held in zip(subsets, scores, holds, strict=True):
            if held:
                np.testing.assert_allclose(row, self.of_one(subset), **EXACT)


def make_data(n=80, p=9, *, classes=0, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n, p)) @ rng.standard_normal((p, p)) + rng.uniform(-9, 9, p)
    y = X[:, 0] - 2 * X[:, 3] + rng.standard_normal(n)
    if classes:
        edges = np.quantile(y, np.linspace(0, 1, classes + 1)[1:-1])
        y = np.array(["b", "a", "c"])[np.searchsorted(edges, y)]
    return X, y


def make_problem(estimator, classes=3, **kwargs):
    return Problem(estimator, *make_data(classes=classes * is_classifier(estimator)), **kwargs)


def walk(p, seed=0):
    """Lists of subsets as floating searches ask for them."""
    rng = np.random.RandomState(seed)
    base = frozenset()
    for _ in range(12):
        outside = [j for j in range(p) if j not in base]
        add = len(base) < 2 or (outside and rng.rand() < 0.6)
        changed = [base | {j} for j in outside] if add else [base - {j} for j in base]
        yield [tuple(sorted(subset)) for subset in changed]
        base = changed[rng.randint(len(changed))]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_floating_search(estimator, weighted):
    weight = np.random.RandomState(0).randint(0, 4, 80) / 2 if weighted else None
    problem = make_problem(estimator, weight=weight)
    for subsets in walk(9):
        problem.check(subsets)


@pytest.mark.parametrize("estimator", [LinearRegression(), Ridge(), RidgeClassifier()], ids=str)
def test_backward_from_everything(estimator):
    problem = make_problem(estimator)
    left = tuple(range(9))
    while len(left) > 1:
        subsets = [tuple(j for j in left if j != out) for out in left]
        problem.check(subsets)
        left = subsets[len(left) // 2]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_every_subset(estimator):
    problem = make_problem(estimator, classes=2)
    problem.check([tuple(j for j in range(7) if code >> j & 1) for code in range(1, 128)])


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_groups_of_columns_move_together(estimator):
    problem = make_problem(estimator)
    groups = [(0, 5), (1, 2, 7), (3,), (4, 6), (8,)]
    for base in ((), (3,), (0, 4, 5, 6)):
        apart = [group for group in groups if not set(group) & set(base)]
        problem.check([tuple(sorted(base + group)) for group in apart])
    everything = set(range(9))
    problem.check([tuple(sorted(everything.difference(group))) for group in groups])


def test_any_order_of_lists_gives_the_same():
    lists = list(walk(9, seed=3))
    one, other = make_problem(Ridge()), make_problem(Ridge())
    before = [one.scores(subsets)[0] for subsets in lists]
    after = [other.scores(subsets)[0] for subsets in reversed(lists)]
    for first, second in zip(before, reversed(after), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-11)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_large_data_is_taken_piece_by_piece(estimator, monkeypatch):
    groups = [(0, 5), (1, 7), (2, 3)]
    lists = [*walk(9), groups, [(*group, 8) for group in groups]]
    scores = [make_problem(estimator).scores(subsets) for subsets in lists]
    monkeypatch.setattr(cross_products, "_KEPT", 1)
    monkeypatch.setattr(cross_products, "_SLAB", 50)
    monkeypatch.setattr(linear, "_NUMBERS", 20)
    problem = make_problem(estimator)
    for subsets, (expected, sure) in zip(lists, scores, strict=True):
        actual, holds = problem.scores(subsets)
        np.testing.assert_allclose(actual, expected, rtol=1e-11)
        assert (sure == holds).all()


@pytest.mark.parametrize(
    "metrics", [("neg_mean_absolute_error",), ("explained_variance", "r2"), (MEDIAN,)]
)
def test_metrics_that_take_predictions(metrics):
    problem = make_problem(LinearRegression(), metrics=metrics)
    for subsets in walk(9):
        problem.check(subsets)


def test_weights_of_the_test_rows():
    weight = np.random.RandomState(1).uniform(size=20)
    params = {"r2": {"sample_weight": weight}}
    make_problem(LinearRegression(), score_params=params).check([(0,), (0, 3), (1, 2)])


def test_a_perfect_fit_keeps_its_digits():
    X, _ = make_data()
    y = 3 * X[:, 0] - X[:, 3] + 1e-5 * X[:, 5]
    problem = Problem(LinearRegression(), X, y, metrics=("neg_mean_squared_error",))
    problem.metrics *= 2
    subsets = [(0, 3), (0, 3, 5), (1, 2)]
    scores, sure = problem.scores(subsets)
    assert sure.all()
    expected = [problem.of_one(subset) for subset in subsets]
    np.testing.assert_allclose(scores[[0, 2]], np.array(expected)[[0, 2]], rtol=1e-8)
    assert (scores[1] > -1e-24).all()


def test_a_target_that_does_not_vary():
    X, y = make_data()
    Problem(LinearRegression(), X, np.full_like(y, 2.0)).check([(0,), (1,)])


def test_singular_subsets_are_left_to_ordinary_fits():
    X, y = make_data()
    X[:, 4] = X[:, 1] - X[:, 2]
    X[:, 5] = X[:, 0] * (1 + 1e-6 * np.cos(np.arange(80)))
    problem = Problem(LinearRegression(), X, y)
    problem.check([(1, 2, j) for j in (3, 4, 5)], [True, False, True])
    problem.check([(0, 1, j) for j in (2, 3, 5)], [True, True, False])
    problem.check([(1, 2, 3), (1, 2, 4), (0, 3, 5), (3, 6, 7)], [True, False, False, True])
    problem.check([(1, 2, 4, j) for j in (6, 7)], False)
    Problem(Ridge(1.0), X, y).check([(1, 2, 4), (0, 1, 5), (0, 1, 2, 4)])


def test_columns_without_variation():
    X, y = make_data()
    X[:, 1] = 0.1
    X[:, 2] = 0.0
    X[::4, 3] = 5.0
    X[1::4, 3] = X[2::4, 3] = X[3::4, 3] = 0.0
    X[:, 4] = 1e9 + np.arange(80) % 3
    subsets = [(0, j) for j in range(1, 6)]
    # Only rounding distinguishes what is left of the first and the fourth; where rows of the
    # training part have zeros only, the coefficient is zero.
    problem = Problem(LinearRegression(), X, y)
    problem.check(subsets, [False, True, True, False, True])
    problem.check([(2,), (3,), (2, 3), (0, 2, 3, 5)])
    Problem(Ridge(), X, y).check(subsets, [True, True, True, False, True])
    labels = np.where(y > np.quantile(y, 0.3), "a", "b")
    Problem(RidgeClassifier(), X, labels).check([(0, 2), (0, 3), (0, 5)])


def test_numbers_near_the_end_of_their_range():
    X, y = make_data(p=5)
    X = (X - X.mean(axis=0)) * [1.0, 1e-100, 1e-170, 1e100, 1e170]
    for estimator in (LinearRegression(), LinearRegression(fit_intercept=False)):
        problem = Problem(estimator, X, y)
        problem.check([(0, j) for j in (1, 2, 3, 4)], False)
        problem.check([(0,), (2,), (4,)], [True, False, False])


def test_small_singular_values_are_left_to_ordinary_fits():
    X, y = make_data(p=5)
    X = X * [1.0, 1e-3, 1e-8, 1e-9, 1e3]
    problem = Problem(LinearRegression(), X, y)
    problem.check([(0, 1), (0, 2), (0, 3), (0, 4)], [True, False, False, True])
    problem.check([(2,), (3,)])
    Problem(Ridge(), X, y).check([(0, 1), (0, 2), (0, 3), (0, 4)])
    if hasattr(problem.estimator, "tol"):
        coarse = Problem(LinearRegression(tol=1e-2), X, y)
        coarse.check([(0, 1), (0, 4), (0,)], [False, False, True])


def test_more_features_than_rows():
    X, y = make_data(n=16, p=14, seed=1)
    subsets = [tuple(range(size)) for size in (9, 10, 11, 12, 14)]
    Problem(LinearRegression(), X, y).check(subsets, [True, True, False, False, False])
    bare = LinearRegression(fit_intercept=False)
    Problem(bare, X, y).check(subsets, [True, True, True, False, False])
    weight = np.ones(16)
    weight[1] = 0
    Problem(LinearRegression(), X, y, weight).check(subsets, [True, False, False, False, False])
    Problem(Ridge(0.1), X, y).check(subsets)
    # An ordinary fit then takes products of rows, which lose what columns of such scales say.
    X[:, 0] *= 1e3
    Problem(Ridge(0.1), X, y).check(subsets, [True, True, True, True, False])
    Problem(Ridge(0.1, solver="svd"), X, y).check(subsets)


@pytest.mark.parametrize("n_train", [1, 2, 3])
def test_tiny_folds(n_train):
    X, y = make_data(n=12, p=4)
    test = np.arange(12) >= n_train
    subsets, enough = [(0,), (1,), (0, 1)], n_train > 2
    Problem(LinearRegression(), X, y, test=test).check(subsets, [enough, enough, False])
    Problem(Ridge(), X, y, test=test).check(subsets)
    one_row = Problem(LinearRegression(), X, y, test=np.arange(12) == 5, metrics=[MEDIAN])
    one_row.check(subsets)


def test_classes_that_rows_lack():
    X, y = make_data(classes=3)
    subsets = [(0,), (0, 3), (1, 3, 5)]
    absent = (y == "c") & (np.arange(80) % 2 == 0)
    Problem(RidgeClassifier(), X, y, test=absent).check(subsets)
    Problem(RidgeClassifier(), X, y, test=y == "c").check(subsets)
    Problem(RidgeClassifier(), X, y, test=(y == "c") | (np.arange(80) < 9)).check(subsets)
    Problem(RidgeClassifier(), X, y, test=y != "c").check(subsets, False)


def test_decisions_that_may_fall_either_way():
    X = np.tile(np.array([[0.0, 1.0], [1.0, 2.0], [0.0, 5.0], [1.0, 3.0]]), (6, 1))
    y = np.tile([0, 0, 1, 1], 6)
    test = np.arange(24) < 8
    Problem(RidgeClassifier(), X, y, test=test).check([(0,), (1,)], [False, True])


def test_ranks_of_equal_rows():
    X, y = make_data(classes=2)
    X = np.round(X / 2)
    metrics = ("roc_auc", "accuracy")
    problem = Problem(RidgeClassifier(), X, np.where(y == "a", 1, 0), metrics=metrics)
    problem.check([(0,), (1,), (0, 3), (2, 3, 4)])


def test_weights_by_class():
    X, y = make_data(classes=3)
    estimator = RidgeClassifier(class_weight="balanced")
    weight = np.random.RandomState(0).uniform(size=80)
    Problem(estimator, X, y, weight, test=np.arange(80) < 25).check(list(next(walk(9))))


@pytest.mark.parametrize("weight", [np.zeros(80), -np.ones(80)], ids=["none", "negative"])
def test_weights_that_cannot_be_fitted(weight):
    _, sure = make_problem(Ridge(), weight=weight).scores([(0,), (1,)])
    assert not sure.any()


def test_several_targets():
    X, y = make_data()
    fold = Fold(X, np.stack([y, y], axis=1), np.arange(50), np.arange(50, 80))
    assert not Linear(Ridge(), fold).outputs([(0,), (1,)]).sure.any()


def test_a_scorer_pickles():
    problem = make_problem(LinearRegression())
    subsets = [(0, 1), (0, 2)]
    before = problem.scores(subsets)[0]
    problem.scorer = pickle.loads(pickle.dumps(problem.scorer))
    np.testing.assert_array_equal(problem.scores(subsets)[0], before)


def test_changes_are_the_fewest():
    adding = Changes.of([(0, 2), (0, 2, 4), (0, 2, 5), (0, 1, 2, 5)])
    assert adding.adds
    assert adding.reference.tolist() == [0, 2]
    found = {}
    for which, places in adding.groups:
        found |= dict(zip(which.tolist(), adding.features[places].tolist(), strict=True))
    assert found == {0: [], 1: [4], 2: [5], 3: [1, 5]}
    dropping = Changes.of([(0, 2, 7), (2, 3, 7), (0, 2, 3, 7)])
    assert not dropping.adds
    assert dropping.reference.tolist() == [0, 2, 3, 7]
    found = {}
    for which, places in dropping.groups:
        found |= dict(zip(which.tolist(), dropping.features[places].tolist(), strict=True))
    assert found == {0: [3], 1: [0], 2: []}


def test_a_batch_finds_its_changes_once():
    batch = Batch([(0, 1), (0, 2)])
    assert Changes.of(batch) is Changes.of(batch)
    assert Changes.of(list(batch)).features.tolist() == Changes.of(batch).features.tolist()
