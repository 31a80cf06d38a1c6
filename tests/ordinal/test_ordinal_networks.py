"""Ordinal networks learn, and their ranks are consistent at every step."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.isotonic import isotonic_regression
from skorch.callbacks import Callback
from support.ordinal_tables import OPTIMAL, table

from sklearn_modern.metrics import rank_inconsistency_count
from sklearn_modern.ordinal import OrdinalCNNClassifier, OrdinalMLPClassifier

METHODS = ["coral", "corn", "niu", "cumulative_link", "cross_entropy"]
each_method = pytest.mark.parametrize("method", METHODS)
SMALL = {
    "hidden_layer_sizes": (16,),
    "dropout": 0.0,
    "learning_rate_init": 0.02,
    "device": "cpu",
    "random_state": 0,
}
SMALL_CNN = {
    "width": 8,
    "depth": (1, 1),
    "max_iter": 12,
    "batch_size": 16,
    "learning_rate_init": 0.01,
    "device": "cpu",
    "random_state": 0,
}


def blobs_of_sizes(n=160, side=10, n_axes=2, seed=0):
    """A bright ball somewhere in each image or signal, whose radius is the level."""
    rng = np.random.default_rng(seed)
    levels = np.arange(n) % 4
    places = rng.uniform(3, side - 4, size=(n_axes, n, *[1] * n_axes))
    squares = ((np.indices((side,) * n_axes)[:, None] - places) ** 2).sum(axis=0)
    radii = (1 + levels).reshape(n, *[1] * n_axes)
    images = 200.0 * expit(4 * (radii - np.sqrt(squares))) + rng.uniform(0, 40, squares.shape)
    return images.astype(np.uint8), levels


def rank_error(clf, X, y):
    return np.abs(clf.predict(X) - y).mean()


# Learning.


@each_method
def test_levels_of_a_table_are_learned(method):
    X, y = table()
    unseen, truth = table(seed=1)
    always_median = np.abs(truth - np.median(y)).mean()
    clf = OrdinalMLPClassifier(**SMALL, max_iter=40, method=method).fit(X, y)
    assert rank_error(clf, unseen, truth) < 0.5 * always_median


@each_method
@pytest.mark.parametrize("n_axes", [1, 2])
def test_levels_of_signals_and_images_are_learned(method, n_axes):
    X, y = blobs_of_sizes(n_axes=n_axes, side=16 if n_axes == 1 else 10)
    unseen, truth = blobs_of_sizes(n_axes=n_axes, side=16 if n_axes == 1 else 10, seed=1)
    clf = OrdinalCNNClassifier(**SMALL_CNN, method=method).fit(X, y)
    assert rank_error(clf, unseen, truth) < 0.15  # always the median is 1.0


@pytest.mark.parametrize("settings", [{"mixup": 0.3}, {"label_smoothing": 0.1}], ids=str)
@each_method
def test_it_learns_from_mixtures_and_smoothed_labels(method, settings):
    X, y = table()
    clf = OrdinalMLPClassifier(**SMALL, max_iter=25, method=method, **settings).fit(X, y)
    assert rank_error(clf, X, y) < 0.55
    assert rank_inconsistency_count(y, clf.predict_cumulative(X)) == 0


@each_method
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_label_smoothing_spreads_its_share_over_the_levels(method, smoothing):
    """The best constant prediction is the smoothed mean of the targets."""
    y = np.repeat([0, 1, 2, 3], [10, 40, 25, 25])
    clf = OrdinalMLPClassifier(**OPTIMAL, method=method, label_smoothing=smoothing)
    clf.fit(np.zeros((100, 1)), y)
    expected = (1 - smoothing) * np.bincount(y) / 100 + smoothing / 4
    np.testing.assert_allclose(clf.predict_proba(np.zeros((1, 1)))[0], expected, atol=1e-4)


def test_it_is_better_than_its_baseline_without_order_on_few_rows():
    """What the order is good for: 60 rows and 8 levels."""
    errors = {"coral": [], "cross_entropy": []}
    for seed in range(3):
        X, y = table(60, n_levels=8, seed=seed)
        unseen, truth = table(500, n_levels=8, seed=100 + seed)
        for method, found in errors.items():
            clf = OrdinalMLPClassifier(**SMALL | {"random_state": seed}, method=method).fit(X, y)
            found.append(rank_error(clf, unseen, truth))
    assert np.mean(errors["coral"]) < np.mean(errors["cross_entropy"])


# Consistency of the ranks.


class Watch(Callback):
    """Count inconsistencies over some rows, and look at the thresholds, after every step."""

    def __init__(self, rows):
        self.rows = torch.tensor(rows, dtype=torch.float32).unsqueeze(0)
        self.inconsistencies, self.gaps = [], []

    @torch.no_grad()
    def on_batch_end(self, net, **kwargs):
        head = net.module_.head
        cumulative = head.cumulative(net.module_(self.rows))
        self.inconsistencies.append(int((cumulative.diff(dim=-1) > 0).sum()))
        if hasattr(head, "thresholds"):
            self.gaps.append(head.thresholds().diff(dim=1).min().item())


@pytest.mark.parametrize("rate", [0.003, 0.3])
@pytest.mark.parametrize("absent", [None, 0, 2, 4], ids="without {}".format)
@pytest.mark.parametrize("method", ["coral", "corn", "cumulative_link"])
def test_ranks_are_consistent_after_every_step(method, absent, rate):
    """Also where levels cannot be told apart, at a rate that is much too high."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 4)), rng.integers(0, 5, 80)
    kept = y != absent
    watch = Watch(5 * rng.normal(size=(100, 4)))
    clf = OrdinalMLPClassifier(
        **SMALL | {"learning_rate_init": rate, "batch_size": 16, "max_iter": 20},
        method=method,
        class_order=range(5),
        callbacks=[watch],
        n_iter_no_change=20,
    ).fit(X[kept], y[kept])
    assert len(watch.inconsistencies) == 20 * -(-kept.sum() // 16)
    assert sum(watch.inconsistencies) == 0
    if method != "corn":
        assert min(watch.gaps) > 0
        assert (np.diff(clf.threshold_) > 0).all()
    far = 1e3 * rng.normal(size=(200, 4))
    for repair in (True, False):
        assert (np.diff(clf.predict_cumulative(far, repair=repair)) <= 0).all()


@pytest.mark.parametrize("kind", ["coral", "corn", "cumulative_link"])
@settings(max_examples=8)
@given(
    seed=st.integers(0, 1000),
    n_levels=st.integers(2, 40),
    rate=st.sampled_from([0.01, 0.1, 1.0]),
    solver=st.sampled_from(["adamw", "sgd", "lbfgs"]),
    members=st.sampled_from([1, 3]),
)
def test_ranks_are_consistent_on_any_data(kind, seed, n_levels, rate, solver, members):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, 2)) * 10.0 ** rng.integers(-2, 3)
    y = rng.choice(rng.integers(0, n_levels, 4), 40)
    clf = OrdinalMLPClassifier(
        (4,),
        method=kind,
        class_order=np.arange(n_levels),
        solver=solver,
        learning_rate_init=rate,
        n_members=1 if solver == "lbfgs" else members,
        max_iter=4,
        gradient_clip=None if solver == "lbfgs" else 10.0,
        device="cpu",
        random_state=seed,
    ).fit(X, y)
    for rows in (X, 100 * X):
        cumulative = clf.predict_cumulative(rows, repair=False)
        assert rank_inconsistency_count(y, cumulative) == 0
        assert rank_inconsistency_count(y, clf.predict_cumulative(rows)) == 0
        np.testing.assert_allclose(clf.predict_cumulative(rows), cumulative, atol=1e-5)
        np.testing.assert_allclose(clf.predict_proba(rows).sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("precision", ["bfloat16", "float64"])
@pytest.mark.parametrize("method", ["coral", "corn", "cumulative_link"])
def test_ranks_are_consistent_in_every_precision(method, precision):
    X, y = table(n_levels=20)
    clf = OrdinalMLPClassifier(**SMALL, method=method, precision=precision, max_iter=10)
    clf.fit(X, y)
    assert rank_error(clf, X, y) < 0.4 * np.abs(y - np.median(y)).mean()
    assert rank_inconsistency_count(y, clf.predict_cumulative(X, repair=False)) == 0
    if method != "corn":
        assert (np.diff(clf.threshold_) > 0).all()


@pytest.mark.parametrize("kind", [OrdinalMLPClassifier, OrdinalCNNClassifier])
@each_method
def test_only_niu_contradicts_itself_and_only_unrepaired(method, kind):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 12)), rng.integers(0, 10, 60)
    settings = SMALL_CNN if kind is OrdinalCNNClassifier else SMALL
    clf = kind(**settings | {"max_iter": 12, "learning_rate_init": 0.01}, method=method).fit(X, y)
    unseen = 2 * rng.normal(size=(200, 12))
    raw, repaired = (clf.predict_cumulative(unseen, repair=repair) for repair in (False, True))
    assert ((raw >= 0) & (raw <= 1)).all()
    assert rank_inconsistency_count(unseen, repaired) == 0
    if method != "niu":
        assert rank_inconsistency_count(unseen, raw) == 0
        np.testing.assert_allclose(repaired, raw, atol=1e-6)
        return
    assert rank_inconsistency_count(unseen, raw) > 20
    consistent = (np.diff(raw) <= 0).all(axis=1)
    assert consistent.any()
    for row, own in zip(raw, repaired, strict=True):
        isotonic = isotonic_regression(row, increasing=False)
        np.testing.assert_allclose(own, isotonic, atol=1e-5)


# Early stopping.


@pytest.mark.parametrize(
    ("method", "decision"),
    [*((method, "median") for method in METHODS), ("coral", "mode"), ("niu", "mean")],
)
def test_early_stopping_keeps_the_epoch_of_the_lowest_rank_error(method, decision):
    X, ranks = table(60)
    unseen, truth = table(100, seed=1)
    order = np.array([3, 1, 4, 0, 2])
    clf = OrdinalMLPClassifier(
        **SMALL | {"learning_rate": "constant", "learning_rate_init": 0.05},
        max_iter=200,
        n_iter_no_change=5,
        method=method,
        decision=decision,
        class_order=order,
        early_stopping=True,
        scoring="neg_mean_absolute_rank_error",
    ).fit(X, order[ranks], X_val=unseen, y_val=order[truth])
    errors = np.abs(np.argsort(order)[clf.predict(unseen)] - truth)
    scores = clf.validation_scores_
    assert clf.best_validation_score_ == max(scores) == pytest.approx(-errors.mean(), abs=1e-6)
    assert 0 < np.argmax(scores) == len(scores) - 6


def test_early_stopping_sets_rows_of_each_level_aside():
    X, y = table()
    clf = OrdinalMLPClassifier(
        **SMALL,
        early_stopping=True,
        scoring="neg_mean_absolute_rank_error",
        validation_fraction=0.2,
    ).fit(X, y)
    # The scores are means over 50 rows.
    sums = np.multiply(clf.validation_scores_, 50)
    np.testing.assert_allclose(sums, np.rint(sums), atol=1e-4)
    assert clf.best_validation_score_ > -0.6


@each_method
def test_the_decision_may_change_after_the_fit(method):
    X, y = table()
    clf = OrdinalMLPClassifier(**SMALL, method=method, max_iter=10).fit(X, y)
    decided = {}
    for decision in ("median", "mode", "mean"):
        again = OrdinalMLPClassifier(**SMALL, method=method, max_iter=10, decision=decision)
        decided[decision] = clf.set_params(decision=decision).predict(X)
        np.testing.assert_array_equal(decided[decision], again.fit(X, y).predict(X))
    np.testing.assert_array_equal(decided["mode"], clf.predict_proba(X).argmax(axis=1))
    assert (decided["mode"] != decided["median"]).any()
