"""Linear ordinal models: scores, thresholds, and agreement with maximum likelihood."""

from operator import attrgetter

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import norm
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from sklearn_modern.ordinal import OrdinalCNNClassifier, OrdinalMLPClassifier

# A linear model, trained to the end.
OPTIMAL = {
    "hidden_layer_sizes": (),
    "method": "cumulative_link",
    "solver": "lbfgs",
    "alpha": 0,
    "input_scaling": None,
    "precision": "float64",
    "max_iter": 1000,
    "tol": 1e-10,
    "device": "cpu",
    "random_state": 0,
}
INVERSE_LINKS = {
    "logit": expit,
    "probit": norm.cdf,
    "cloglog": lambda z: -np.expm1(-np.exp(z)),
}
each_link = pytest.mark.parametrize("link", INVERSE_LINKS)


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(300, 3))


@pytest.fixture
def y(X):
    latent = X @ [1.0, -0.5, 0.0] + np.random.default_rng(1).logistic(size=300)
    return np.digitize(latent, [-1.5, 0.0, 0.7])


# The maximum of the likelihood.


def most_likely(X, y, link, n_levels, weight=1.0):
    """Coefficients and thresholds by scipy; each threshold is the one before and an exp."""
    F = INVERSE_LINKS[link]
    n_features = X.shape[1]

    def unpack(parameters):
        first, gaps = parameters[n_features], np.exp(parameters[n_features + 1 :])
        return parameters[:n_features], first + np.r_[0.0, gaps.cumsum()]

    def loss(parameters):
        coef, thresholds = unpack(parameters)
        beyond = F((X @ coef)[:, None] - thresholds)
        edges = np.column_stack([np.ones(len(X)), beyond, np.zeros(len(X))])
        own = -np.diff(edges)[np.arange(len(X)), y]
        return -np.mean(weight * np.log(np.maximum(own, 1e-300)))

    start = np.r_[np.zeros(n_features), -1.0, np.zeros(n_levels - 2)]
    found = minimize(loss, start, method="BFGS", options={"gtol": 1e-8, "maxiter": 1000})
    assert np.abs(found.jac).max() < 1e-6
    return unpack(found.x)


@each_link
def test_it_is_the_maximum_of_the_likelihood(X, y, link):
    clf = OrdinalMLPClassifier(**OPTIMAL, link=link).fit(X, y)
    coef, thresholds = most_likely(X, y, link, n_levels=4)
    np.testing.assert_allclose(clf.coef_, coef, atol=1e-3)
    np.testing.assert_allclose(clf.threshold_, thresholds, atol=1e-3)


def test_it_is_the_maximum_of_the_weighted_likelihood(X, y):
    weight = np.random.default_rng(2).uniform(0, 3, size=300)
    clf = OrdinalMLPClassifier(**OPTIMAL).fit(X, y, sample_weight=weight)
    coef, thresholds = most_likely(X, y, "logit", n_levels=4, weight=weight)
    np.testing.assert_allclose(clf.coef_, coef, atol=1e-3)
    np.testing.assert_allclose(clf.threshold_, thresholds, atol=1e-3)


def test_the_maximum_is_found_with_correlated_inputs_of_unequal_scales():
    rng = np.random.default_rng(3)
    base = rng.normal(size=(400, 1))
    X = np.hstack([base, base + 0.3 * rng.normal(size=(400, 1)), 5 * rng.normal(size=(400, 2))])
    y = np.digitize(X @ [1.0, 1.0, 0.1, -0.2] + rng.normal(size=400), [-2, -1, 0, 1, 2])
    clf = OrdinalMLPClassifier(**OPTIMAL, link="probit").fit(X, y)
    coef, thresholds = most_likely(X, y, "probit", n_levels=6)
    np.testing.assert_allclose(clf.coef_, coef, atol=1e-3)
    np.testing.assert_allclose(clf.threshold_, thresholds, atol=1e-3)


@pytest.mark.parametrize("method", ["coral", "corn", "niu", "cumulative_link"])
def test_two_levels_are_a_logistic_regression(X, y, method):
    two = np.where(y > 1, "yes", "no")
    clf = OrdinalMLPClassifier(**OPTIMAL | {"method": method}, class_order=["no", "yes"])
    clf.fit(X, two)
    expected = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(X, two)
    np.testing.assert_allclose(clf.coef_, expected.coef_[0], atol=1e-3)
    np.testing.assert_allclose(clf.predict_proba(X), expected.predict_proba(X), atol=1e-3)
    if method in ("coral", "cumulative_link"):
        np.testing.assert_allclose(clf.threshold_, -expected.intercept_, atol=1e-3)


def test_cross_entropy_is_multinomial_logistic_regression(X, y):
    clf = OrdinalMLPClassifier(**OPTIMAL | {"method": "cross_entropy"}).fit(X, y)
    expected = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(clf.predict_proba(X), expected.predict_proba(X), atol=1e-3)


def test_corn_is_a_chain_of_logistic_regressions(X, y):
    """Each one is fitted to the rows that have passed the one before."""
    clf = OrdinalMLPClassifier(**OPTIMAL | {"method": "corn"}).fit(X, y)
    steps = [LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000) for _ in range(3)]
    for level, step in enumerate(steps):
        step.fit(X[y >= level], y[y >= level] > level)
    np.testing.assert_allclose(clf.coef_, np.vstack([s.coef_ for s in steps]), atol=1e-2)
    passed = np.column_stack([s.predict_proba(X)[:, 1] for s in steps])
    np.testing.assert_allclose(clf.predict_cumulative(X), passed.cumprod(axis=1), atol=2e-3)


def test_niu_is_independent_logistic_regressions(X, y):
    clf = OrdinalMLPClassifier(**OPTIMAL | {"method": "niu"}).fit(X, y)
    steps = [
        LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(X, y > level)
        for level in range(3)
    ]
    np.testing.assert_allclose(clf.coef_, np.vstack([s.coef_ for s in steps]), atol=1e-2)
    passed = np.column_stack([s.predict_proba(X)[:, 1] for s in steps])
    np.testing.assert_allclose(clf.predict_cumulative(X, repair=False), passed, atol=2e-3)


def test_coral_is_logistic_regressions_that_share_their_coefficients(X, y):
    """A row a question, with indicators of the question instead of an intercept."""
    clf = OrdinalMLPClassifier(**OPTIMAL | {"method": "coral"}).fit(X, y)
    questions = np.repeat(np.eye(3), len(X), axis=0)
    stacked = np.hstack([np.tile(X, (3, 1)), -questions])
    answers = (y > np.arange(3)[:, None]).ravel()
    expected = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000, fit_intercept=False)
    expected.fit(stacked, answers)
    np.testing.assert_allclose(clf.coef_, expected.coef_[0, :3], atol=1e-3)
    np.testing.assert_allclose(clf.threshold_, expected.coef_[0, 3:], atol=1e-3)


# What scores and thresholds mean.


@each_link
def test_probabilities_come_from_coefficients_and_thresholds(X, y, link):
    settings = {"hidden_layer_sizes": (), "input_scaling": None, "link": link, "max_iter": 3}
    clf = OrdinalMLPClassifier(**settings, method="cumulative_link", device="cpu", random_state=0)
    clf.fit(X, y)
    expected = INVERSE_LINKS[link]((X @ clf.coef_)[:, None] - clf.threshold_)
    np.testing.assert_allclose(clf.predict_cumulative(X), expected, atol=1e-6)
    np.testing.assert_allclose(clf.predict_cumulative(X, repair=False), expected, atol=1e-6)
    levels = -np.diff(np.column_stack([np.ones(300), expected, np.zeros(300)]))
    np.testing.assert_allclose(clf.predict_proba(X), levels, atol=1e-6)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_coral_has_coefficients_and_thresholds_of_the_logit(X, y, precision):
    clf = OrdinalMLPClassifier(
        (), input_scaling=None, precision=precision, max_iter=3, device="cpu", random_state=0
    )
    clf.fit(X, y)
    assert clf.coef_.shape == (3,)
    assert clf.coef_.dtype == clf.threshold_.dtype == precision
    assert clf.threshold_.shape == (3,)
    assert (np.diff(clf.threshold_) > 0).all()
    expected = expit((X @ clf.coef_)[:, None] - clf.threshold_)
    np.testing.assert_allclose(clf.predict_cumulative(X), expected, atol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 1 / 300])
@pytest.mark.parametrize(
    ("method", "link"), [("coral", "logit"), *(("cumulative_link", link) for link in INVERSE_LINKS)]
)
def test_thresholds_start_at_the_shares_of_the_levels(X, y, method, link, scale):
    """A rate of nearly zero leaves them there, and weights may as well sum to one."""
    clf = OrdinalMLPClassifier(
        (), method=method, link=link, learning_rate_init=1e-12, max_iter=1, device="cpu"
    ).fit(X, y, sample_weight=np.full(300, scale))
    beyond = np.array([(y > level).mean() for level in range(3)])
    np.testing.assert_allclose(INVERSE_LINKS[link](-clf.threshold_), beyond, atol=1e-5)


@pytest.mark.parametrize(
    ("method", "n_scores"), [("corn", 3), ("niu", 3), ("cross_entropy", 4)], ids=str
)
def test_methods_with_several_scores_have_coefficients_of_each(X, y, method, n_scores):
    clf = OrdinalMLPClassifier((), method=method, max_iter=1, device="cpu").fit(X, y)
    assert clf.coef_.shape == (n_scores, 3)
    with pytest.raises(AttributeError, match=f"method='{method}' has no thresholds"):
        attrgetter("threshold_")(clf)
    assert not hasattr(clf, "threshold_")


@pytest.mark.parametrize("none", [(), [], np.array([], dtype=int)], ids=type)
def test_no_hidden_layers_in_any_sequence(X, y, none):
    clf = OrdinalMLPClassifier(none, max_iter=1, device="cpu").fit(X, y)
    assert clf.coef_.shape == (3,)


@pytest.mark.parametrize("layers", [(8,), 8, (4, 4)], ids=str)
def test_hidden_layers_leave_no_coefficients_of_inputs(X, y, layers):
    clf = OrdinalMLPClassifier(layers, max_iter=1, device="cpu").fit(X, y)
    with pytest.raises(AttributeError, match=r"Only hidden_layer_sizes=\(\) has coef_"):
        attrgetter("coef_")(clf)
    assert clf.threshold_.shape == (3,)
    assert not hasattr(clf, "coef_")


def test_several_members_have_no_common_coefficients(X, y):
    clf = OrdinalMLPClassifier((), n_members=2, max_iter=1, device="cpu").fit(X, y)
    for name in ("coef_", "threshold_"):
        with pytest.raises(AttributeError, match=f"Each of the 2 members has a {name} of its own"):
            getattr(clf, name)


@pytest.mark.parametrize("kind", [OrdinalMLPClassifier, OrdinalCNNClassifier])
def test_nothing_before_fit(kind, X):
    clf = kind()
    for read in (
        lambda: clf.threshold_,
        lambda: clf.predict_cumulative(X),
        lambda: clf.predict_cumulative(X, repair=False),
        lambda: clf.predict(X),
    ):
        with pytest.raises(NotFittedError):
            read()
    if kind is OrdinalMLPClassifier:
        with pytest.raises(NotFittedError):
            attrgetter("coef_")(clf)
    assert not hasattr(clf, "threshold_")
    assert not hasattr(clf, "coef_")


def test_coefficients_are_of_the_scaled_inputs(X, y):
    clf = OrdinalMLPClassifier(**OPTIMAL | {"input_scaling": "standard"}).fit(10 * X + 3, y)
    coef, thresholds = most_likely((X - X.mean(axis=0)) / X.std(axis=0), y, "logit", n_levels=4)
    np.testing.assert_allclose(clf.coef_, coef, atol=1e-3)
    np.testing.assert_allclose(clf.threshold_, thresholds, atol=1e-3)


def test_coefficients_of_a_mixed_table_are_those_of_indicators(X, y):
    frame = pd.DataFrame({"a": X[:, 0], "town": np.where(X[:, 1] > 0, "here", "there")})
    clf = OrdinalMLPClassifier((), max_iter=1, device="cpu").fit(frame, y)
    assert clf.coef_.shape == (3,)
