"""Intervals cover what they are of, and are what their papers say."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, ShuffleSplit
from sklearn.naive_bayes import GaussianNB

from sklearn_modern.model_selection import NestedCV
from sklearn_modern.model_selection._intervals import bates_interval, corrected_t_interval
from sklearn_modern.model_selection._row_scores import row_scorer

N_ROWS, N_FOLDS, N_FEATURES = 60, 5, 5


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(X))[:90]
    return X[rows][:, :5], y[rows]


def draw(rng, n):
    y = np.arange(n) % 2
    shift = np.zeros(N_FEATURES)
    shift[0] = 0.5
    return rng.normal(size=(n, N_FEATURES)) + np.where(y[:, None], shift, -shift), y


def correct(X, y, train, X_test, y_test):
    """Whether the nearest of two centroids is that of the own class."""
    one, other = (X[train][y[train] == label].mean(0) for label in (0, 1))
    return (((X_test - (one + other) / 2) @ (other - one) > 0) == y_test).astype(float)


def folds_within_folds(X, y, tests):
    rows, inner, outer = np.arange(len(y)), [], []
    for test in tests:
        train = np.setdiff1d(rows, test)
        outer.append(correct(X, y, train, X[test], y[test]))
        inner.append(
            np.concatenate(
                [
                    correct(X, y, np.setdiff1d(train, other), X[other], y[other])
                    for other in tests
                    if other is not test
                ]
            )
        )
    return inner, outer


def test_intervals_cover_where_naive_ones_do_not():
    rng = np.random.default_rng(0)
    tests = np.array_split(rng.permutation(N_ROWS), N_FOLDS)
    rows = np.arange(N_ROWS)
    splits = [(np.setdiff1d(rows, test), test) for test in tests]
    large = draw(rng, 20_000)
    corrected, bates, naive, of_all, of_folds = [], [], [], [], []
    for _ in range(400):
        X, y = draw(rng, N_ROWS)
        inner, outer = folds_within_folds(X, y, tests)
        scores = np.array([one.mean() for one in outer])
        corrected.append(corrected_t_interval(scores, splits, 0.9))
        bates.append(bates_interval(inner, outer, N_FOLDS, 0.9)[:2])
        half = scores.std(ddof=1) / np.sqrt(N_FOLDS) * norm.ppf(0.95)
        naive.append((scores.mean() - half, scores.mean() + half))
        of_all.append(correct(X, y, rows, *large).mean())
        of_folds.append(correct(X, y, splits[0][0], *large).mean())

    def covered(intervals, truth):
        return np.mean([lower <= truth <= upper for lower, upper in intervals])

    assert 0.85 <= covered(corrected, np.mean(of_folds)) <= 0.95
    assert 0.85 <= covered(bates, np.mean(of_all)) <= 0.95
    assert covered(naive, np.mean(of_folds)) < 0.85


def test_the_interval_of_bates_is_that_of_folds_within_folds_by_hand(cancer):
    X, y = cancer
    model = LogisticRegression(max_iter=5000)
    nested = NestedCV(model, outer_cv=KFold(3), scoring="neg_log_loss", interval="bates").fit(X, y)
    assert nested.n_fits_ == 3 + 3
    tests = [test for _, test in KFold(3).split(X)]

    def scores(train, test):
        shares = clone(model).fit(X[train], y[train]).predict_proba(X[test])
        return np.log(shares[np.arange(len(test)), y[test]])

    inner, outer = [], []
    for k, test in enumerate(tests):
        train = np.setdiff1d(np.arange(len(y)), test)
        outer.append(scores(train, test))
        others = [tests[m] for m in range(3) if m != k]
        inner.append(
            np.concatenate([scores(np.setdiff1d(train, other), other) for other in others])
        )
    row = nested.summary(0.8).iloc[0]
    every = np.concatenate(inner)
    naive = every.std(ddof=1) / np.sqrt(len(y))
    squares = np.mean(
        [
            (a.mean() - b.mean()) ** 2 - b.var(ddof=1) / len(b)
            for a, b in zip(inner, outer, strict=True)
        ]
    )
    error = min(max(np.sqrt(2 / 3 * max(squares, 0)), naive), np.sqrt(3) * naive)
    bias = (1 + 1 / 3) * (every.mean() - np.concatenate(outer).mean())
    middle = every.mean() - bias
    assert row["bias"] == pytest.approx(bias)
    assert row["lower"] == pytest.approx(middle - norm.ppf(0.9) * error)
    assert row["upper"] == pytest.approx(middle + norm.ppf(0.9) * error)
    assert nested.best_params_ == {"LogisticRegression": [{}] * 3}
    assert len(nested.scores_frame()) == 3


def test_the_procedure_within_folds_searches_too(cancer):
    models = {"a": (GaussianNB(), {"var_smoothing": [1e-9, 1.0]}), "b": GaussianNB()}
    settings = {"outer_cv": 3, "inner_cv": 2, "repeats": 2, "random_state": 0}
    nested = NestedCV(models, interval="bates", **settings).fit(*cancer)
    assert nested.n_fits_ == 2 * (3 + 3) * (2 * 2 + 2)
    plain = NestedCV(models, **settings).fit(*cancer)
    columns = ["model", "repeat", "fold", "outer", "inner", "train"]
    assert nested.scores_frame()[columns].equals(plain.scores_frame()[columns])
    assert nested.predictions_.equals(plain.predictions_)


def test_the_bootstrap_draws_rows_or_groups(cancer):
    X, y = cancer
    X, y, groups = np.repeat(X, 4, axis=0), np.repeat(y, 4), np.repeat(np.arange(len(y)), 4)
    X = X + 1e-9 * np.arange(len(X))[:, None]
    settings = {"outer_cv": 4, "random_state": 0, "interval": "bootstrap"}
    row = NestedCV(GaussianNB(), **settings).fit(X, y).summary().iloc[0]
    assert row["lower"] < row["mean"] < row["upper"]
    error = np.sqrt(row["mean"] * (1 - row["mean"]) / len(y))
    assert row["upper"] - row["lower"] == pytest.approx(2 * 1.96 * error, rel=0.1)
    grouped = NestedCV(GaussianNB(), **settings).fit(X, y, groups=groups).summary().iloc[0]
    assert grouped["upper"] - grouped["lower"] > 1.7 * (row["upper"] - row["lower"])


METRICS = ["accuracy", "neg_log_loss", "neg_brier_score"]
ERRORS = ["neg_mean_squared_error", "neg_mean_absolute_error"]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("metric", [*METRICS, *ERRORS])
def test_scores_of_rows_have_the_score_for_mean(cancer, metric, dtype):
    X, y = cancer if metric in METRICS else load_diabetes(return_X_y=True)
    model = (LogisticRegression(max_iter=50, tol=1) if metric in METRICS else Ridge()).fit(
        X[:60].astype(dtype), y[:60]
    )
    outcome = {"prediction": model.predict(X.astype(dtype))}
    if metric in METRICS:
        outcome |= {"probability": model.predict_proba(X.astype(dtype)), "classes": model.classes_}
    found = row_scorer(get_scorer(metric), model)(y, outcome)
    assert len(found) == len(y)
    assert found.mean() == pytest.approx(get_scorer(metric)(model, X.astype(dtype), y), rel=1e-5)


@pytest.mark.parametrize(
    ("model", "params", "message"),
    [
        (Ridge(), {}, "'score' of 'Ridge' is none; take accuracy"),
        (GaussianNB(), {"scoring": "roc_auc"}, "means over rows, but 'roc_auc'"),
        (GaussianNB(), {"outer_cv": ShuffleSplit(3)}, "three outer folds that test each row once"),
        (GaussianNB(), {"outer_cv": 2}, "three outer folds"),
        (KMeans(n_clusters=2), {}, "means over rows"),
    ],
)
def test_intervals_of_rows_need_such_scores_and_folds(cancer, model, params, message):
    with pytest.raises(ValueError, match=message):
        NestedCV(model, interval="bates", **params).fit(*cancer)
    with pytest.raises(ValueError, match="and no groups"):
        NestedCV(GaussianNB(), interval="bates").fit(*cancer, groups=np.arange(90))
