"""Every fast scorer of subsets agrees with ordinary fits, on any data."""

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.covariance import OAS
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import check_scoring
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.utils.validation import has_fit_parameter

from sklearn_modern.feature_selection.subset_scoring.discriminant import Discriminant
from sklearn_modern.feature_selection.subset_scoring.fold import Fold
from sklearn_modern.feature_selection.subset_scoring.linear import Linear
from sklearn_modern.feature_selection.subset_scoring.logistic import Logistic
from sklearn_modern.feature_selection.subset_scoring.metrics import metric_of
from sklearn_modern.feature_selection.subset_scoring.naive_bayes import NaiveBayes
from sklearn_modern.feature_selection.subset_scoring.neighbors import Neighbors

# How a logistic regression without a penalty is spelled depends on the version.
NO_PENALTY = {"C": np.inf} if LogisticRegression().penalty == "deprecated" else {"penalty": None}
# Each scorer with settings that it knows: (scorer, estimator, metrics).
CASES = [
    (NaiveBayes, GaussianNB(), ("accuracy", "neg_log_loss")),
    (NaiveBayes, GaussianNB(var_smoothing=0.1), ("roc_auc_ovr", "balanced_accuracy")),
    (Linear, LinearRegression(), ("r2", "neg_mean_squared_error")),
    (Linear, LinearRegression(fit_intercept=False), ("r2", "explained_variance")),
    (Linear, Ridge(), ("r2", "neg_root_mean_squared_error")),
    (Linear, Ridge(0.1, fit_intercept=False, solver="svd"), ("neg_mean_absolute_error",)),
    (Linear, RidgeClassifier(), ("accuracy",)),
    (Linear, RidgeClassifier(5.0, class_weight="balanced"), ("balanced_accuracy",)),
    (Logistic, LogisticRegression(), ("accuracy", "neg_log_loss")),
    (Logistic, LogisticRegression(C=50, fit_intercept=False), ("roc_auc_ovr", "neg_log_loss")),
    (Logistic, LogisticRegression(C=0.01, solver="sag"), ("balanced_accuracy",)),
    (Logistic, LogisticRegression(**NO_PENALTY), ("neg_log_loss",)),
    (Discriminant, LinearDiscriminantAnalysis(), ("accuracy", "neg_log_loss")),
    (Discriminant, LinearDiscriminantAnalysis(solver="lsqr"), ("neg_log_loss",)),
    (
        Discriminant,
        LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.2),
        ("roc_auc_ovr", "balanced_accuracy"),
    ),
    (Neighbors, KNeighborsClassifier(), ("accuracy", "roc_auc_ovr")),
    (Neighbors, KNeighborsClassifier(7, weights="distance", p=1), ("neg_log_loss",)),
    (Neighbors, KNeighborsClassifier(2, algorithm="brute"), ("balanced_accuracy",)),
    (Neighbors, KNeighborsRegressor(3), ("r2", "neg_mean_absolute_error")),
    (Neighbors, KNeighborsRegressor(weights="distance", algorithm="ball_tree"), ("r2",)),
    (Neighbors, KNeighborsRegressor(metric="manhattan", algorithm="kd_tree"), ("r2",)),
]
# Settings that it must leave to ordinary fits: (scorer, estimator).
UNKNOWN = [
    (NaiveBayes, GaussianNB(priors=[0.5, 0.5])),
    (Linear, LinearRegression(positive=True)),
    (Linear, Ridge(0.0)),
    (Linear, Ridge([1.0])),
    (Linear, Ridge(positive=True)),
    (Linear, Ridge(solver="lsqr")),
    (Linear, RidgeClassifier(class_weight={"a": 2.0})),
    (Logistic, LogisticRegression(penalty="l1", solver="saga")),
    (Logistic, LogisticRegression(solver="liblinear")),
    (Logistic, LogisticRegression(class_weight={"a": 2.0})),
    (Logistic, LogisticRegression(max_iter=50)),
    (Discriminant, LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")),
    (Discriminant, LinearDiscriminantAnalysis(shrinkage=0.5)),
    (Discriminant, LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=OAS())),
    (Neighbors, KNeighborsClassifier(weights=np.exp)),
    (Neighbors, KNeighborsClassifier(p=3)),
    (Neighbors, KNeighborsClassifier(metric="chebyshev")),
    (Neighbors, KNeighborsRegressor(metric_params={"w": np.ones(2)})),
]


class Sub(GaussianNB):
    """A subclass may do anything."""


def make_data(kind, classifies, n_classes=3):
    """Data of one hostile kind: X, y, weight of rows or None."""
    rng = np.random.RandomState(0)
    n, p = (30, 50) if kind == "wide" else (90, 8)
    X = rng.standard_normal((n, p)) * rng.uniform(0.1, 30, p) + rng.uniform(-20, 20, p)
    if kind == "collinear":
        X[:, 3] = X[:, 0] - 2 * X[:, 1]
        X[:, 5] = X[:, 2]
    if kind == "constant":
        X[:, 1] = 3.0
        X[:, 4] = 0.0
    if kind == "counts":
        X = rng.poisson(2, (n, p)).astype(float)
    if kind == "scales":
        X = X * 10.0 ** np.arange(-4, p - 4)
    signal = (X[:, 0] - X[:, 0].mean()) / X[:, 0].std() + (X[:, 2] > X[:, 2].mean())
    y = signal + 0.5 * rng.standard_normal(n)
    if classifies:
        edges = np.quantile(y, np.linspace(0, 1, n_classes + 1)[1:-1])
        y = np.array(["c", "a", "b", "d"])[np.searchsorted(edges, y)]
    weight = rng.randint(1, 4, n).astype(float) if kind == "weights" else None
    return X, y, weight


def batches(p):
    """Lists of subsets as searches ask for them."""
    yield [(j,) for j in range(p)]
    yield [tuple(sorted({0, 2, 5} | {j})) for j in range(p) if j not in (0, 2, 5)]
    everything = range(min(p, 9))
    yield [tuple(j for j in everything if j != out) for out in everything]
    yield [(0, 1), (2, 3, 4), (5,), (0, 1, 6, 7), tuple(everything)]


def expected(estimator, X, y, weight, train, test, subset, metrics):
    fit_params = {} if weight is None else {"sample_weight": weight[train]}
    columns = list(subset)
    fitted = clone(estimator).fit(X[train][:, columns], y[train], **fit_params)
    return [metric.scorer(fitted, X[test][:, columns], y[test]) for metric in metrics]


KINDS = ["plain", "weights", "collinear", "constant", "counts", "scales", "wide"]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("scorer", "estimator", "scorings"), CASES, ids=str)
def test_scores_are_those_of_ordinary_fits(scorer, estimator, scorings, kind, n_classes):
    classifies = is_classifier(estimator)
    if not classifies and n_classes == 3:
        return
    X, y, weight = make_data(kind, classifies, n_classes)
    train = np.arange(len(X)) % 3 != 0
    train, test = np.flatnonzero(train), np.flatnonzero(~train)
    fold = Fold(
        X,
        y,
        train,
        test,
        weight=None if weight is None else weight[train],
        classifies=classifies,
    )
    takes_weight = weight is None or has_fit_parameter(estimator, "sample_weight")
    metrics = [metric_of(name, check_scoring(estimator, name), estimator) for name in scorings]
    exact = scorer.exactly(estimator)
    assert scorer.recognises(estimator)
    fast = scorer(estimator, fold)
    held = 0
    for subsets in batches(X.shape[1]):
        scores, sure = fast.scores(subsets, metrics)
        assert takes_weight or not sure.any()
        for subset, row, holds in zip(subsets, scores, sure, strict=True):
            if holds:
                held += 1
                loop = expected(exact, X, y, weight, train, test, subset, metrics)
                np.testing.assert_allclose(row, loop, rtol=scorer.tolerance, atol=scorer.tolerance)
    least = 1 if kind in ("collinear", "constant", "wide", "scales") else len(subsets)
    if not takes_weight or (scorer is Neighbors and kind == "counts"):
        least = 0  # which of many rows at the same distance are neighbours is anyone's guess
    assert held >= least


@pytest.mark.parametrize(("scorer", "estimator"), [*UNKNOWN, (NaiveBayes, Sub())], ids=str)
def test_anything_else_is_left_to_ordinary_fits(scorer, estimator):
    assert not scorer.recognises(estimator)


@pytest.mark.parametrize("scoring", ["roc_auc", "average_precision", "neg_log_loss"])
def test_probabilities_near_one_are_rounded_as_by_ordinary_fits(scoring):
    """Which of them are equal decides ranks; what they lack to one decides losses."""
    X, y = load_digits(n_class=2, return_X_y=True)
    train, test = np.arange(0, len(X), 2), np.arange(1, len(X), 2)
    estimator = GaussianNB()
    fast = NaiveBayes(estimator, Fold(X, y, train, test, classifies=True))
    metric = metric_of(scoring, check_scoring(estimator, scoring), estimator)
    for subsets in batches(60):
        scores, sure = fast.scores(subsets, [metric])
        for subset, row in zip(np.array(subsets, dtype=object)[sure], scores[sure], strict=True):
            loop = expected(estimator, X, y, None, train, test, subset, [metric])
            np.testing.assert_allclose(row, loop, rtol=1e-8, atol=1e-8)
