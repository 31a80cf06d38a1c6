"""Densities of targets given X: known ones are found, and all that is said of them agrees."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from sklearn_modern.density import FlowRegressor

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


def small(n_transforms=2, **settings):
    return FlowRegressor(n_transforms, **SMALL | settings)


def mixed(n_rows=500):
    """Make a table with a category and gaps, on which location and width of y depend."""
    rng = np.random.default_rng(0)
    size, side = rng.normal(size=n_rows), rng.choice(["left", "right"], n_rows)
    center = 2.0 * size + 5.0 * (side == "right")
    deviation = np.where(side == "right", 0.3, 1.0)
    X = pd.DataFrame({"size": size, "side": side})
    X.loc[::50, "size"] = np.nan
    return X, center + deviation * rng.normal(size=n_rows), center, deviation


def two_targets(n_rows=400):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(n_rows, 1))
    first = X[:, 0] + 0.3 * rng.normal(size=n_rows)
    return X, np.column_stack([first, np.exp(first + 0.2 * rng.normal(size=n_rows))])


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_a_normal_density_is_found(unit):
    X, y, center, deviation = mixed()
    reg = small(max_iter=60).fit(X[:350], y[:350] * unit)
    known = np.arange(350, 500)[X["size"][350:].notna()]
    found = reg.log_prob(X.iloc[known], y[known] * unit)
    truth = norm.logpdf(y[known], center[known], deviation[known]) - np.log(unit)
    assert truth.mean() - 0.25 < found.mean() < truth.mean() + 0.1
    mean = reg.predict(X.iloc[known]) / unit
    assert np.abs(mean - center[known]).mean() < 0.25
    quantiles = reg.predict_quantiles(X.iloc[known], [0.1, 0.9]) / unit
    width = (quantiles[:, 1] - quantiles[:, 0]) / (2 * norm.ppf(0.9))
    assert np.abs(width / deviation[known] - 1).mean() < 0.25


@pytest.mark.parametrize("kind", ["spline_coupling", "spline_autoregressive"])
@pytest.mark.parametrize("bounds", [None, (-20.0, [20.0, 15.0])], ids=["open", "bounded"])
def test_densities_integrate_to_one_and_agree_with_samples(kind, bounds):
    X, y = two_targets()
    reg = small(kind=kind, bounds=bounds, max_iter=15).fit(X, y)
    edges = np.linspace(-4, 4, 161), np.linspace(-4, 12, 161)
    middles = [(one[1:] + one[:-1]) / 2 for one in edges]
    grid = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1).reshape(-1, 2)
    density = np.exp(reg.log_prob(np.full((len(grid), 1), 0.5), grid)).reshape(160, 160)
    mass = density * np.outer(*map(np.diff, edges))
    assert mass.sum() == pytest.approx(1.0, abs=0.01)
    samples = reg.sample([[0.5]], 4000, random_state=0)[0]
    counts, _, _ = np.histogram2d(*samples.T, bins=[one[::20] for one in edges])
    coarse = mass.reshape(8, 20, 8, 20).sum((1, 3))
    assert np.abs(counts / 4000 - coarse).max() < 0.04
    # What is predicted are means and quantiles of the same density.
    deviation = samples.std(axis=0)
    error = np.abs(reg.predict([[0.5]])[0] - samples.mean(axis=0)) / deviation
    assert error.max() < 0.08
    levels = [0.1, 0.5, 0.9]
    quantiles = reg.predict_quantiles([[0.5]], levels)[0]
    assert quantiles.shape == (3, 2)
    shares = [(samples < row).mean(axis=0) for row in quantiles]
    np.testing.assert_allclose(shares, np.tile(levels, (2, 1)).T, atol=0.05)


def test_no_sample_leaves_the_bounds():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 1))
    y = 1 / (1 + np.exp(-3 * X[:, 0] - rng.normal(size=300)))
    reg = small(bounds=(0, 1), max_iter=10).fit(X, y)
    samples = reg.sample(X, 20, random_state=0)
    assert samples.shape == (300, 20)
    assert ((samples > 0) & (samples < 1)).all()
    assert np.isneginf(reg.log_prob(X[:3], [0.0, 1.0, 2.0])).all()
    grid = np.linspace(0, 1, 2002)[1:-1]
    density = np.exp(reg.log_prob(np.full((2000, 1), 0.3), grid))
    assert density.sum() * (grid[1] - grid[0]) == pytest.approx(1.0, abs=0.01)


def test_scores_of_validation_rows_are_log_probabilities():
    X, y, *_ = mixed()
    settings = {"n_members": 1, "max_iter": 10}
    reg = small(**settings).fit(X[:350], y[:350] * 100, X_val=X[350:], y_val=y[350:] * 100)
    found = reg.log_prob(X[350:], y[350:] * 100).mean()
    assert found == pytest.approx(reg.best_validation_score_, abs=1e-4)


def test_samples_come_from_random_state():
    X, y, *_ = mixed(200)
    reg = small(max_iter=1).fit(X, y)
    first = reg.sample(X, 3, random_state=0)
    assert first.shape == (200, 3)
    np.testing.assert_array_equal(first, reg.sample(X, 3, random_state=0))
    assert (first != reg.sample(X, 3, random_state=1)).all()


BAD = {
    "discrete": ({}, np.arange(300) % 3, "but y is discrete: it has 3 values in 300 rows"),
    "constant": ({}, np.ones(300), "but y is constant: it is 1 in all 300 rows"),
    "named": (
        {},
        pd.DataFrame({"size": np.arange(300.0), "rate": 7.0}),
        "but column 'rate' of y is constant: it is 7 in all 300 rows",
    ),
    "outside": (
        {"bounds": (0, 100)},
        np.arange(300.0),
        "bounds says that y lies between 0 and 100",
    ),
    "bounds": ({"bounds": ([0, 0], None)}, np.arange(300.0), "but y has 1 columns"),
    "missing": ({}, np.full(300, np.nan), "NaN"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_of_fit(case):
    settings, y, message = BAD[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        small(**settings).fit(np.arange(300.0).reshape(-1, 1), y)


def test_bad_input_of_predictions():
    X, y = two_targets(120)
    reg = small(max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match=r"quantiles=\[0.5, 1.0\] must be numbers between 0 and 1"):
        reg.predict_quantiles(X, [0.5, 1.0])
    with pytest.raises(ValueError, match=r"quantiles=\['a'\] must be numbers between 0 and 1"):
        reg.predict_quantiles(X, ["a"])
    for wrong in (0, True):
        with pytest.raises(ValueError, match=f"n_samples={wrong} must be a whole number"):
            reg.sample(X, wrong)
    with pytest.raises(ValueError, match=r"targets of shape \(\), expected \(2,\)"):
        reg.log_prob(X, y[:, 0])
    with pytest.raises(ValueError, match="X and y differ in length"):
        reg.log_prob(X, y[:5])


def test_few_targets_may_have_few_values_but_not_one():
    X = np.arange(60.0).reshape(-1, 1)
    small(max_iter=1).fit(X, X[:, 0] % 3)
    with pytest.raises(ValueError, match="y is constant: it is 3 in all 60 rows"):
        small(max_iter=1).fit(X, np.full(60, 3.0))


def test_targets_of_validation_rows_and_of_later_fits_lie_within_bounds():
    X, y = two_targets(120)
    reg = small(max_iter=1, bounds=(-20, 20), warm_start=True)
    with pytest.raises(ValueError, match="column 0 of y_val lies between -20 and 20, but 10 rows"):
        reg.fit(X, y, X_val=X[:10], y_val=y[:10] + 99)
    reg.fit(X, y)
    with pytest.raises(ValueError, match="column 0 of y lies between -20 and 20, but 120 rows"):
        reg.fit(X, y + 99)
    with pytest.raises(ValueError, match="column 1 of y is constant"):
        reg.fit(X, y * [1, 0])


def test_targets_too_far_away_for_float32_have_no_density():
    X, y = two_targets(120)
    reg = small(max_iter=1).fit(X, y * 1e-3)
    far = [[1e38, 0.0], [0.0, -1e38], [1e308, -1e308]]
    assert np.isneginf(reg.log_prob(X[:3], far)).all()


def test_a_changed_parameter_changes_no_prediction():
    X, y = two_targets(100)
    reg = small(n_members=2, max_iter=1).fit(X, y)
    before = reg.predict(X)
    for n_members in (1, 3):
        np.testing.assert_array_equal(reg.set_params(n_members=n_members).predict(X), before)
