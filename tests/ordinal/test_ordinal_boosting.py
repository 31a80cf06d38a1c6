"""Ordinal gradient boosting: its likelihood, its thresholds, and what it promises."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning
from support.graded_rows import ORDER, graded
from support.ordinal_tables import table
from support.small_boosters import WHOLE

from sklearn_modern.ensemble import GradientBoostingClassifier
from sklearn_modern.ensemble._cumulative import CumulativeLink, _Likelihood, _Point
from sklearn_modern.ensemble._links import LINKS
from sklearn_modern.ensemble.engines.base import Rows
from sklearn_modern.metrics import get_scorer
from sklearn_modern.ordinal import OrdinalGradientBoostingClassifier
from sklearn_modern.shared_fits import Fit

INVERSES = {"logit": expit, "probit": norm.cdf}
each_link = pytest.mark.parametrize("link", LINKS)
each_backend = pytest.mark.parametrize("backend", ["xgboost", "lightgbm"])


def small(backend="xgboost", **settings):
    given = WHOLE | {"n_estimators": 8, "min_samples_leaf": 5, "n_jobs": 1, "random_state": 0}
    return OrdinalGradientBoostingClassifier(backend=backend, **given | settings)


@pytest.fixture(scope="module")
def rows():
    return table(n=200)


# The likelihood.


@each_link
@pytest.mark.parametrize("level", range(4))
def test_derivatives_by_the_score(link, level):
    """Beside differences of the logarithm, near the thresholds and far away."""
    edges = np.array([-1e100, -1.0, -0.5, 2.0, 1e100])
    scores = np.r_[np.linspace(-6, 6, 25), -900.0, -60.0, 60.0, 900.0]

    def log(s):
        return LINKS[link].log_between(edges[level] - s, edges[level + 1] - s)

    def slopes(s):
        return LINKS[link].slopes(edges[level] - s, edges[level + 1] - s)

    h = 1e-4
    found = slopes(scores)
    expected = (log(scores - h) - log(scores + h)) / (2 * h)
    np.testing.assert_allclose(found.gradient, expected, rtol=1e-6, atol=1e-8)
    expected = (slopes(scores + h).gradient - slopes(scores - h).gradient) / (2 * h)
    np.testing.assert_allclose(found.hessian, expected, rtol=1e-4, atol=1e-8)
    assert (found.hessian >= 0).all()
    np.testing.assert_allclose(
        np.exp(log(scores)),
        LINKS[link].between(edges[level] - scores, edges[level + 1] - scores),
        rtol=1e-9,
    )


@each_link
def test_derivatives_by_the_thresholds(link, rows):
    """Beside differences of the whole, weighted likelihood."""
    y = rows[1]
    scores = np.random.default_rng(0).normal(size=len(y))
    weight = np.random.default_rng(1).uniform(0.5, 2, size=len(y))
    model = CumulativeLink(link, 5)
    likelihood = _Likelihood(LINKS[link], y, weight, np.bincount(y, weight))
    scores_by_level, thresholds = scores[likelihood.order], np.array([-1.0, -0.9, 0.3, 2.0])

    def total(t):
        return np.sum(weight * model.log_predict(scores, t)[np.arange(len(y)), y])

    point, h = likelihood.at(scores_by_level, thresholds), 1e-5 * np.eye(4)
    slopes = [(total(thresholds + step) - total(thresholds - step)) / 2e-5 for step in h]
    np.testing.assert_allclose(point.slope, slopes, rtol=1e-5, atol=1e-5)
    changes = [
        likelihood.at(scores_by_level, thresholds - step).slope
        - likelihood.at(scores_by_level, thresholds + step).slope
        for step in h
    ]
    found = np.diag(point.diagonal) + np.diag(point.beside, 1) + np.diag(point.beside, -1)
    np.testing.assert_allclose(found, np.array(changes) / 2e-5, rtol=1e-5, atol=1e-4)


@each_link
@pytest.mark.parametrize(
    "before",
    [[-3.0, -2.9, -2.8, 40.0], [20.0, 21.0, 22.0, 23.0], [0.0, 0.0, 1.0, 2.0], None],
    ids=str,
)
def test_newton_steps_find_the_best_thresholds_from_anywhere(link, before, rows):
    """Also from thresholds far off, and from some that are not in order."""
    y, scores = rows[1], 3 * rows[0][:, 0]
    fit = CumulativeLink(link, 5).on(Rows(None, y, None))
    found = fit(scores, None if before is None else np.array(before)).parameters
    for _ in range(3):
        found = fit(scores, found).parameters
    assert (np.diff(found) > 0).all()
    likelihood = _Likelihood(LINKS[link], y, None, np.bincount(y))
    assert np.abs(likelihood.at(scores[likelihood.order], found).slope).max() < 1e-9


def test_a_step_keeps_the_thresholds_in_order():
    thresholds = np.array([0.0, 1.0, 1.5])
    pushed = np.array([9.0, -9.0, -900.0])
    point = _Point(thresholds, pushed, np.ones(3), np.zeros(2), np.zeros(1), np.zeros(1))
    step = point.newton_step(0.0)
    assert np.allclose(step / step[0], pushed / pushed[0])
    gaps = np.diff(thresholds + step)
    assert gaps.min() > 0
    assert (gaps / np.diff(thresholds)).min() == pytest.approx(0.1)


@each_backend
@each_link
def test_thresholds_are_the_best_for_the_scores(backend, link, rows):
    X, y = rows
    clf = small(backend, link=link).fit(X, y)
    likelihood = _Likelihood(LINKS[link], y, None, np.bincount(y))
    assert len(clf._engine.path) == clf.n_estimators_ + 1
    for scores, thresholds in zip(clf._engine.staged_margins(X), clf._engine.path[1:], strict=True):
        slope = likelihood.at(scores[likelihood.order], thresholds).slope
        assert np.abs(slope).max() < 1e-3  # of 200 rows
    assert np.abs(likelihood.at(np.zeros(200), clf.threshold_).slope).max() > 1


# What is predicted.


@each_backend
@each_link
def test_scores_and_thresholds_make_consistent_probabilities(backend, link, rows):
    X, y = rows
    clf = small(backend, link=link).fit(X, y)
    assert (np.diff(clf.threshold_) > 0).all()
    expected = INVERSES[link](clf.predict_score(X)[:, None] - clf.threshold_)
    beyond = clf.predict_cumulative(X)
    np.testing.assert_allclose(beyond, expected, rtol=1e-9)
    assert (np.diff(beyond) <= 0).all()
    levels = -np.diff(np.column_stack([np.ones(200), beyond, np.zeros(200)]))
    np.testing.assert_allclose(clf.predict_proba(X), levels, atol=1e-12)
    np.testing.assert_allclose(np.exp(clf.predict_log_proba(X)), levels, atol=1e-12)
    assert np.abs(clf.predict(X) - y).mean() < 0.6
    *_, last = clf.staged_predict_proba(X)
    np.testing.assert_allclose(last, clf.predict_proba(X), rtol=1e-5)
    *_, last = clf.staged_predict(X)
    np.testing.assert_array_equal(last, clf.predict(X))
    contributions = clf.predict_contributions(X)
    np.testing.assert_allclose(contributions.sum(axis=1), clf.predict_score(X), atol=1e-5)
    assert clf.apply(X).shape == (200, 8)
    again = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


def test_labels_have_their_own_order_in_columns_and_decisions():
    X, ranks, grades = graded()
    clf = small(class_order=ORDER).fit(X, grades)
    plain = small().fit(X, ranks)
    np.testing.assert_array_equal(clf.classes_, sorted(ORDER))
    places = [ORDER.index(label) for label in clf.classes_]
    np.testing.assert_array_equal(clf.predict_proba(X), plain.predict_proba(X)[:, places])
    beyond = clf.predict_cumulative(X)
    expected = {
        "median": (beyond > 0.5).sum(axis=1),
        "mean": np.floor(beyond.sum(axis=1) + 0.5).astype(int),
        "mode": plain.predict_proba(X).argmax(axis=1),
    }
    for decision, found in expected.items():
        clf.set_params(decision=decision)
        np.testing.assert_array_equal(clf.predict(X), np.array(ORDER)[found])
    assert len({tuple(found) for found in expected.values()}) == 3


@each_backend
def test_two_levels_are_binary_boosting(backend, rows):
    """The first trees are the same; then thresholds move, which binary boosting has fixed."""
    X, y = rows[0], (rows[1] > 1).astype(int)
    settings = WHOLE | {"backend": backend, "min_samples_leaf": 5, "n_jobs": 1}
    binary = GradientBoostingClassifier(**settings, n_estimators=1).fit(X, y)
    clf = small(backend, n_estimators=1).fit(X, y)
    start = np.log(y.mean() / (1 - y.mean()))
    found = binary.decision_function(X) - start
    np.testing.assert_allclose(
        clf.predict_score(X), found, atol=2e-3
    )  # old XGBoosts start beside it
    binary.set_params(n_estimators=20).fit(X, y)
    clf.set_params(n_estimators=20).fit(X, y)
    assert np.abs(clf.predict_proba(X) - binary.predict_proba(X)).max() < 0.05


@each_backend
def test_mixed_tables_missing_values_and_constraints(backend):
    rng = np.random.default_rng(0)
    size = rng.normal(size=300)
    town = rng.choice(["here", "there"], 300)
    y = np.digitize(size + 2 * (town == "here") + rng.normal(size=300), [0, 1, 2])
    X = pd.DataFrame({"size": np.where(rng.random(300) < 0.1, np.nan, size), "town": town})
    clf = small(backend, min_samples_leaf=20, monotonic_cst={"size": 1}).fit(X, y)
    assert (clf.feature_importances_ > 0.05).all()
    line = pd.DataFrame({"size": np.linspace(-3, 3, 50), "town": "here"})
    beyond = clf.predict_cumulative(line)
    assert (np.diff(beyond, axis=0) >= 0).all()
    assert beyond[-1, 1] > beyond[0, 1] + 0.2
    assert (clf.predict_cumulative(line.assign(town="there"))[:, 1] < beyond[:, 1]).all()


# Fits that should agree.


@each_backend
def test_weights_are_repetition_and_have_no_scale(backend, rows):
    X, y = rows
    weight = np.random.default_rng(0).integers(0, 4, len(y))
    bins = {"min_data_in_bin": 1} if backend == "lightgbm" else None
    few = {"min_samples_leaf": 1, "max_leaf_nodes": 6, "n_estimators": 4}
    clf = small(backend, **few, backend_params=bins)
    weighted = clf.fit(X, y, sample_weight=weight).predict_proba(X)
    scaled = clf.fit(X, y, sample_weight=weight / 7).predict_proba(X)
    np.testing.assert_array_equal(scaled, weighted)
    seen = weight > 0
    repeated = clf.fit(X.repeat(weight, axis=0), y.repeat(weight)).predict_proba(X)
    np.testing.assert_allclose(repeated[seen], weighted[seen], atol=1e-5)
    assert np.abs(clf.fit(X, y).predict_proba(X) - weighted).max() > 0.01
    heavy = small(backend, class_weight={0: 4}).fit(X, y).predict_proba(X)
    assert heavy[:, 0].mean() > small(backend).fit(X, y).predict_proba(X)[:, 0].mean() + 0.05


@each_backend
def test_fits_that_share_trees_are_separate_fits(backend, rows):
    X, y = rows
    settings = [
        {"n_estimators": 3},
        {"n_estimators": 8, "decision": "mode"},
        {"n_estimators": 5, "learning_rate": 0.3},
        {"link": "probit"},
    ]
    found = dict(small(backend).fit_many([Fit(params, X, y) for params in settings]))
    for i, params in enumerate(settings):
        apart = small(backend, **params).fit(X, y)
        np.testing.assert_array_equal(found[i].threshold_, apart.threshold_)
        np.testing.assert_array_equal(found[i].predict_proba(X), apart.predict_proba(X))
        np.testing.assert_array_equal(found[i].predict(X), apart.predict(X))
    assert found[0]._engine.n_estimators == 3


@each_backend
def test_a_warm_start_goes_on(backend, rows):
    X, y = rows
    clf = small(backend, n_estimators=3, warm_start=True).fit(X, y)
    before = clf.threshold_
    clf.set_params(n_estimators=8).fit(X, y)
    np.testing.assert_array_equal(clf._engine.path[3], before)
    expected = small(backend).fit(X, y)
    np.testing.assert_allclose(clf.threshold_, expected.threshold_, rtol=1e-4)
    np.testing.assert_allclose(clf.predict_proba(X), expected.predict_proba(X), atol=1e-4)
    with pytest.raises(ValueError, match="link='probit' was 'logit'"):
        clf.set_params(link="probit").fit(X, y)


# Early stopping.


@each_backend
@pytest.mark.parametrize("scoring", ["loss", "neg_mean_absolute_rank_error"])
def test_early_stopping_follows_the_exact_loss_or_a_scorer(backend, scoring, rows):
    X, y = rows
    labels = np.array([*ORDER, "best"])
    given = {"X_val": X[150:], "y_val": labels[y[150:]]}
    clf = small(
        backend, n_estimators=60, learning_rate=0.5, scoring=scoring, class_order=labels
    ).fit(X[:150], labels[y[:150]], **given)
    assert 1 <= clf.n_estimators_ <= len(clf.validation_scores_) < 60
    assert clf.n_estimators_ == np.argmax(clf.validation_scores_) + 1
    if scoring == "loss":
        place = np.searchsorted(clf.classes_, given["y_val"])
        own = clf.predict_proba(X[150:])[np.arange(50), place]
        expected = np.log(own).mean()
    else:
        expected = get_scorer(scoring)(clf, X[150:], given["y_val"])
    assert max(clf.validation_scores_) == pytest.approx(expected, rel=1e-5)


@each_backend
def test_an_interrupted_fit_is_a_shorter_one(backend, rows, monkeypatch):
    X, y = rows
    expected = small(backend, n_estimators=2).fit(X, y)
    clf = small(backend)
    owner = type(expected.booster_)
    update, calls = owner.update, []

    def interrupted(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return update(*args, **kwargs)

    monkeypatch.setattr(owner, "update", interrupted)
    with pytest.warns(ConvergenceWarning, match="after 2 iterations"):
        clf.fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))


# Levels that are missing, and what is refused.


@each_backend
@each_link
def test_absent_levels_have_no_probability(backend, link, rows):
    X, y = rows
    clf = small(backend, link=link, class_order=range(8)).fit(X, y + 1 + (y > 1))  # 0, 3, 7 lack
    found = clf.predict_proba(X)
    present = [1, 2, 4, 5, 6]
    np.testing.assert_array_equal(found[:, [0, 3, 7]], 0)
    expected = small(backend, link=link).fit(X, y)
    np.testing.assert_array_equal(found[:, present], expected.predict_proba(X))
    np.testing.assert_array_equal(clf.predict(X), np.array(present)[expected.predict(X)])
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(clf.predict_log_proba(X), np.log(found), rtol=1e-9)
    assert (np.diff(clf.predict_cumulative(X)) <= 0).all()


@each_backend
def test_a_fold_with_one_level_or_a_rare_one(backend, rows):
    X, y = rows
    clf = small(backend, class_order=[0, 1, 2]).fit(X, np.ones(200, dtype=int))
    np.testing.assert_array_equal(clf.predict_proba(X), np.tile([0.0, 1.0, 0.0], (200, 1)))
    rare = np.r_[5, y[1:]]
    clf = small(backend).fit(X, rare)
    assert np.isfinite(clf.threshold_).all()
    assert 0.002 < clf.predict_proba(X)[:, 5].mean() < 0.01  # one row of 200
    weight = np.where(np.isin(y, [0, 4]), 1e-25, 1.0)
    clf.fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(clf.predict_proba(X)[:, [0, 4]], 0)
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1)


@pytest.mark.parametrize(
    ("settings", "y", "complaint"),
    [
        ({}, ["low", "high"] * 100, "order that cannot be known.*class_order"),
        ({}, [1] * 200, "one class"),
        ({"class_order": [0, 1]}, [0, 2] * 100, "2"),
        ({"class_order": [0, 0, 1]}, [0, 1] * 100, "twice"),
        ({"backend": "hist"}, [0, 1] * 100, "'backend' parameter.*'lightgbm'"),
        ({"link": "cloglog"}, [0, 1] * 100, "'link' parameter"),
        ({"backend_params": {"objective": "x"}}, [0, 1] * 100, "objective"),
    ],
    ids=str,
)
def test_bad_input_is_named(settings, y, complaint, rows):
    with pytest.raises(ValueError, match=complaint):
        small(**settings).fit(rows[0], y)


def test_collections_are_refused(rows):
    da = pytest.importorskip("dask.array")
    with pytest.raises(ValueError, match="OrdinalGradientBoosting.*dask.*pass arrays"):
        small().fit(da.from_array(rows[0]), da.from_array(rows[1]))


def test_a_fitted_model_keeps_its_link(rows):
    X, y = rows
    clf = small().fit(X, y)
    before = clf.predict_cumulative(X), clf.predict_log_proba(X)
    clf.set_params(link="probit")
    np.testing.assert_array_equal(clf.predict_cumulative(X), before[0])
    np.testing.assert_array_equal(clf.predict_log_proba(X), before[1])


@pytest.mark.parametrize(
    ("backend", "parameters"),
    [
        ("xgboost", {"objective": "count:poisson"}),
        ("lightgbm", {"objective": "poisson"}),
        ("lightgbm", {"scale_pos_weight": 3}),
        ("lightgbm", {"is_unbalance": True}),
    ],
)
def test_a_loss_beside_the_likelihood_is_refused(rows, backend, parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        small(backend, backend_params=parameters).fit(*rows)
