"""Posteriors from simulations: exact ones are found, calibrated, and refined."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.stats import norm
from sklearn.exceptions import DataConversionWarning

from sklearn_modern.density import PosteriorEstimator
from sklearn_modern.metrics import calibration_ranks, expected_coverage

SMALL = {
    "hidden_layer_sizes": (16,),
    "n_members": 2,
    "max_iter": 30,
    "learning_rate_init": 0.01,
    "batch_size": 64,
    "dropout": 0.0,
    "device": "cpu",
    "random_state": 0,
}


def small(prior=None, **settings):
    return PosteriorEstimator(2, prior=prior, **SMALL | settings)


class Normal:
    """A standard normal prior of one parameter."""

    def __init__(self):
        self.random = np.random.default_rng(0)

    def sample(self, n):
        return self.random.normal(size=n)

    def log_prob(self, y):
        return norm.logpdf(y)


class Positive(Normal):
    def log_prob(self, y):
        return np.where(np.asarray(y) > 0, norm.logpdf(y), -np.inf)


def noisy(y, noise=1.0, seed=1):
    """Simulate an observation of parameters, of which the posterior is known."""
    return np.reshape(
        y + noise * np.random.default_rng(seed).normal(size=np.shape(y)), (len(y), -1)
    )


def test_an_exact_posterior_is_found_and_calibrated():
    y = np.random.default_rng(0).normal(size=1200)
    X = noisy(y)
    posterior = small(Normal()).fit(X[:1000], y[:1000])
    X, y = X[1000:], y[1000:]
    found = posterior.log_prob(X, y)
    assert posterior.score(X, y) == pytest.approx(found.mean())
    truth = norm.logpdf(y, X[:, 0] / 2, np.sqrt(0.5))
    assert abs(found.mean() - truth.mean()) < 0.05
    samples = posterior.sample(X, 99, random_state=0)
    assert calibration_ranks(y, samples, random_state=0).p_value > 0.01
    rows = X.repeat(99, axis=0)
    of_samples = posterior.log_prob(rows, samples.ravel()).reshape(samples.shape)
    coverage = expected_coverage(found, of_samples, levels=[0.5, 0.9], random_state=0)
    np.testing.assert_allclose(coverage.coverage, coverage.levels, atol=0.1)


def test_no_sample_leaves_a_uniform_prior():
    low, high = np.array([0.0, -2.0]), np.array([1.0, 3.0])
    y = np.random.default_rng(0).uniform(low, high, size=(300, 2))
    posterior = small((low, high), max_iter=5).fit(noisy(y), y)
    samples = posterior.sample(noisy(y)[:20], 50, random_state=0)
    assert samples.shape == (20, 50, 2)
    assert ((samples > low) & (samples < high)).all()


@pytest.mark.parametrize("prior", [Normal(), (-4.0, 4.0)], ids=["object", "bounds"])
def test_refined_at_an_observation(prior):
    rng, calls = np.random.default_rng(0), []
    y = rng.normal(size=200) if isinstance(prior, Normal) else rng.uniform(-4, 4, size=200)

    def simulator(parameters):
        calls.append(parameters)
        return noisy(parameters, 0.05, seed=len(calls) + 5)

    X = noisy(y, 0.05)
    posterior = small(prior, max_iter=80).fit(X, y)
    grid = np.linspace(0.8, 1.2, 41)
    truth = norm.logpdf(grid, 1.0, 0.05)

    def divergence():
        found = posterior.log_prob(np.ones((41, 1)), grid)
        return np.sum(np.exp(truth) * (truth - found)) * 0.01

    before = divergence()
    refined = posterior.refine(simulator, [[1.0]], 2, 150, X, y, random_state=0)
    assert refined is posterior
    assert [len(drawn) for drawn in calls] == [150, 150]
    # Proposals are where the posterior is, not everywhere in the prior.
    assert max(drawn.std() for drawn in calls) < 0.8 * y.std()
    assert divergence() < 0.7 * before


def test_refine_takes_tables_and_several_parameters():
    y = np.random.default_rng(0).uniform(-1, 1, size=(150, 2))

    def simulator(parameters):
        return pd.DataFrame(noisy(parameters, 0.1), columns=["first", "second"])

    X = simulator(y)
    posterior = small((-1, 1), max_iter=3).fit(X, y)
    posterior.refine(simulator, X[:1], 1, 50, X, y, random_state=0)
    assert posterior.feature_names_in_.tolist() == ["first", "second"]


@pytest.mark.parametrize("kind", ["list", "pandas", "polars", "sparse"])
def test_refine_takes_what_the_simulator_returns(kind):
    names = ["first", "second"]
    form = {
        "list": np.ndarray.tolist,
        "pandas": lambda rows: pd.DataFrame(rows, columns=names),
        "polars": lambda rows: pytest.importorskip("polars").DataFrame(rows, schema=names),
        "sparse": sp.csr_matrix,
    }[kind]

    def simulator(parameters):
        return form(noisy(parameters, 0.1))

    y = np.random.default_rng(0).uniform(-1, 1, size=(150, 2))
    X = simulator(y)
    x_obs = simulator(y[:1])
    posterior = small((-1, 1), max_iter=3).fit(X, y)
    posterior.refine(simulator, x_obs, 1, 50, X, y, random_state=0)
    assert posterior.sample(x_obs, 5).shape == (1, 5, 2)
    expected = names if kind in ("pandas", "polars") else None
    assert getattr(posterior, "feature_names_in_", np.array(None)).tolist() == expected


def test_the_simulator_gets_a_copy_in_the_shape_of_y():
    shapes = []

    def in_place(parameters):
        shapes.append(parameters.shape)
        rows = noisy(parameters, 0.05)
        parameters *= 0.0
        return rows

    y = np.random.default_rng(0).uniform(-3, 3, size=(300, 1))
    with pytest.warns(DataConversionWarning):
        posterior = small((-3, 3)).fit(noisy(y, 0.05), y)
    posterior.refine(in_place, [[1.0]], 2, 300, random_state=0)
    assert shapes == [(300, 1)] * 2
    assert posterior.sample([[1.0]], 500, random_state=0).mean() == pytest.approx(1.0, abs=0.2)


def test_scores_are_weighted():
    y = np.random.default_rng(0).normal(size=60)
    posterior = small(max_iter=1).fit(noisy(y), y)
    weight = np.arange(60) % 3
    expected = posterior.score(noisy(y).repeat(weight, axis=0), y.repeat(weight))
    assert posterior.score(noisy(y), y, weight) == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(2,\), expected \(60,\)"):
        posterior.score(noisy(y), y, [1, 2])


def test_simulations_of_weight_zero_need_no_density_in_the_prior():
    y, weight = np.random.default_rng(0).normal(size=60), np.arange(60) % 2
    posterior = small(Positive(), max_iter=1)
    posterior.fit(noisy(y), np.where(weight, np.abs(y), -1.0), weight)
    with pytest.raises(ValueError, match="at 10 of 10 simulations, such as y_val = -1"):
        posterior.fit(noisy(y), np.abs(y), X_val=noisy(y)[:10], y_val=np.full(10, -1.0))
    with pytest.raises(ValueError, match="y has dtype <U1 and is not numeric"):
        posterior.fit(noisy(y), ["a"] * 60)


WRONG = {
    "no function": (3, "simulator is of type int; it must be a function"),
    "nothing": (lambda y: None, "What simulator returned must be like X of the fit, but: "),
    "wider": (lambda y: np.tile(y, 3), "X has 6 features, but PosteriorEstimator is expecting 2"),
    "frame": (
        lambda y: pd.DataFrame(y, columns=["w", "x"]),
        r"names of columns are \['w', 'x'\], those of the fit none",
    ),
    "rows": (lambda y: y[:3], "simulator returned 3 rows for 10 parameters"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("earlier", [False, True])
def test_what_the_simulator_returns_is_checked(case, earlier):
    simulator, message = WRONG[case]
    y = np.random.default_rng(0).uniform(-1, 1, size=(60, 2))
    posterior = small((-1, 1), max_iter=1).fit(noisy(y), y)
    before = {"X": noisy(y), "y": y} if earlier else {}
    with pytest.raises((TypeError, ValueError), match=message):
        posterior.refine(simulator, noisy(y)[:1], 1, 10, **before)
    assert posterior.n_features_in_ == 2


def test_names_of_what_the_simulator_returns_are_checked():
    y = np.random.default_rng(0).uniform(-1, 1, size=(60, 2))
    X = pd.DataFrame(noisy(y), columns=["u", "v"])
    posterior = small((-1, 1), max_iter=1).fit(X, y)
    wrong = (
        (noisy, r"names of columns are none, those of the fit \['u', 'v'\]"),
        (lambda y: pd.DataFrame(y, columns=["w", "x"]), "What simulator returned must be like X"),
    )
    for simulator, message in wrong:
        with pytest.raises(ValueError, match=message):
            posterior.refine(simulator, X[:1], 1, 10, X, y)


def test_what_a_prior_returns_is_checked():
    y = np.random.default_rng(0).normal(size=60)
    prior = Normal()
    posterior = small(prior, max_iter=1).fit(noisy(y), y)
    prior.sample = lambda n: np.zeros((n, 2))
    with pytest.raises(ValueError, match=r"prior.sample\(4000\) returned .* shape \(4000, 2\)"):
        posterior.refine(noisy, noisy(y)[:1], 1, 10)
    prior.log_prob = lambda y: np.zeros((len(y), 2))
    with pytest.raises(
        ValueError, match=r"shape \(60, 2\) for 60 rows of y; .* one number for each"
    ):
        posterior.fit(noisy(y), y)


def test_bad_input():
    y = np.random.default_rng(0).normal(size=60)
    X = noisy(y)
    with pytest.raises(ValueError, match="prior says that y lies between -1 and 1, but"):
        small((-1, 1)).fit(X, y)
    with pytest.raises(ValueError, match=r"prior has no density at \d+ of 60 simulations, such as"):
        small(Positive()).fit(X, y)
    plain, half_open = (small(prior, max_iter=1).fit(X, y) for prior in (None, (-9, None)))
    with pytest.raises(ValueError, match="but prior=None"):
        plain.refine(noisy, X[:1])
    with pytest.raises(ValueError, match="must be finite for refine"):
        half_open.refine(noisy, X[:1])
    uniform = small((-9, 9), max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match="x_obs has 2 rows"):
        uniform.refine(noisy, X[:2])
    with pytest.raises(ValueError, match="n_rounds=0 must be"):
        uniform.refine(noisy, X[:1], 0)
    with pytest.raises(ValueError, match="simulator returned 3 rows for 10 parameters"):
        uniform.refine(lambda parameters: X[:3], X[:1], 1, 10)
    with pytest.raises(ValueError, match="X and y go together"):
        uniform.refine(noisy, X[:1], X=X)
