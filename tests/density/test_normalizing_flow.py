"""Densities of rows: they integrate to one, agree with samples, and are in the units of X."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.datasets import make_moons
from sklearn.model_selection import GridSearchCV
from support.global_random import numpy_state

from sklearn_modern.density import NormalizingFlow

SMALL = {
    "hidden_layer_sizes": (16,),
    "n_members": 2,
    "max_iter": 10,
    "learning_rate_init": 0.01,
    "batch_size": 64,
    "device": "cpu",
    "random_state": 0,
}
KINDS = ["spline_coupling", "affine_coupling", "affine_autoregressive", "spline_autoregressive"]
UNITS = (1e-6, 1e6)


def small(n_transforms=3, **settings):
    return NormalizingFlow(n_transforms, **SMALL | settings)


def moons(n_rows=300):
    return make_moons(n_rows, noise=0.1, random_state=0)[0]


def skewed(n_rows=300):
    """Draw a column between 0 and 1, and one above 0 that depends on it."""
    rng = np.random.default_rng(0)
    share = rng.beta(1.2, 2.0, n_rows)
    return np.column_stack([share, np.exp(rng.normal(3 * share, 0.5))])


def two_classes(n_rows=300):
    rng = np.random.default_rng(0)
    y = rng.choice(["left", "right"], n_rows, p=[0.3, 0.7])
    return rng.normal(size=(n_rows, 2)) + 6 * (y == "right")[:, np.newaxis], y


def masses(flow, edges, y=None):
    """Return the mass of each cell between edges, by the density in its middle."""
    middles = [(one[1:] + one[:-1]) / 2 for one in edges]
    grid = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1)
    density = np.exp(flow.score_samples(grid.reshape(-1, 2), y)).reshape(grid.shape[:2])
    return density * np.outer(*map(np.diff, edges))


# Rows, the bounds that they have, and where nearly all of the density is.
CASES = {
    "open": (moons(), ((None, None), (None, None)), ((-4, 5), (-4, 4))),
    "bounded": (skewed(), ((0.0, 0.0), (1.0, None)), ((0, 1), (0, 400))),
    "from above": (-skewed(), ((None, None), (None, 0.0)), ((-2, 2), (-400, 0))),
}


def in_units(limits):
    pairs = zip(limits, UNITS, strict=True)
    return [None if limit is None else limit * unit for limit, unit in pairs]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_density_integrates_to_one_and_agrees_with_samples(kind, case):
    X, (low, high), ranges = CASES[case]
    low, high = in_units(low), in_units(high)
    flow = small(kind=kind, bounds=(low, high)).fit(X * UNITS)
    # Steps are finer where a bound is, as the density may rise there.
    shares = np.linspace(0, 1, 161)
    shares = {"open": shares, "bounded": shares**3, "from above": 1 - (1 - shares) ** 3}[case]
    edges = [(a + (b - a) * shares) * unit for (a, b), unit in zip(ranges, UNITS, strict=True)]
    mass = masses(flow, edges)
    assert abs(mass.sum() - 1.0) < 0.02
    samples = flow.sample(2000, random_state=1)
    counts, _, _ = np.histogram2d(*samples.T, bins=[one[::20] for one in edges])
    coarse = mass.reshape(8, 20, 8, 20).sum((1, 3))
    error = np.sqrt(coarse.clip(1e-3) / 2000)
    assert (np.abs(counts / 2000 - coarse) < 4 * error + 0.005).all()
    for column, (below, above) in enumerate(zip(low, high, strict=True)):
        assert below is None or (samples[:, column] > below).all()
        assert above is None or (samples[:, column] < above).all()


@pytest.mark.parametrize("kind", KINDS)
def test_units_change_the_density_by_their_product(kind):
    X, units = moons(), np.array([1e-6, 1e6]) * 4
    plain, changed = small(kind=kind).fit(X), small(kind=kind).fit(X * units + [0.0, 1e6])
    expected = plain.score_samples(X) - np.log(units).sum()
    np.testing.assert_allclose(changed.score_samples(X * units + [0.0, 1e6]), expected, atol=1e-3)
    samples = plain.sample(5, random_state=0) * units + [0.0, 1e6]
    np.testing.assert_allclose(changed.sample(5, random_state=0), samples, rtol=1e-4)


def test_a_single_column_has_the_density_of_its_samples():
    X = np.random.default_rng(0).gamma(2.0, size=(400, 1))
    flow = small(bounds=(0, None)).fit(X)
    edges = np.linspace(0, 12, 1201)
    density = np.exp(flow.score_samples(((edges[1:] + edges[:-1]) / 2).reshape(-1, 1)))
    shares = np.cumsum(density * 0.01)
    assert abs(shares[-1] - 1.0) < 0.01
    samples = flow.sample(4000, random_state=0)
    at = np.searchsorted(np.sort(samples.ravel()), edges[1:]) / 4000
    assert np.abs(at - shares).max() < 0.03


def test_members_are_a_mixture():
    X = moons()
    flow = small(n_members=3).fit(X)
    network = flow.net_.objective.modules["module"].eval()
    scaler = flow._inputs.scaler
    rows = torch.tensor(scaler.transform(X)).unsqueeze(0)
    with torch.no_grad():
        z, log_det = network.flow(rows)
    of_members = norm.logpdf(z).sum(2) + log_det.numpy() - np.log(scaler.scale).sum()
    expected = logsumexp(of_members, axis=0) - np.log(3)
    np.testing.assert_allclose(flow.score_samples(X), expected, atol=1e-5)
    assert np.abs(of_members - expected).max() > 0.1


def test_scores_are_means_in_the_units_of_x():
    X = skewed() * 1e3
    settings = {"n_members": 1, "early_stopping": True, "bounds": (0, None)}
    flow = small(**settings).fit(X[:200], X_val=X[200:])
    assert flow.score(X[200:]) == flow.score_samples(X[200:]).mean()
    assert flow.score(X[200:]) == pytest.approx(flow.best_validation_score_, abs=1e-4)
    assert flow.loss_curve_[-1] < flow.loss_curve_[0]


def test_labels():
    X, y = two_classes()
    flow = small(conditional=True, max_iter=30).fit(X, y)
    assert flow.classes_.tolist() == ["left", "right"]
    np.testing.assert_allclose(flow.class_prior_, [np.mean(y == "left"), np.mean(y == "right")])
    each = [flow.score_samples(X, label) for label in ("left", "right")]
    assert ((each[1] > each[0]) == (y == "right")).mean() > 0.95
    np.testing.assert_array_equal(flow.score_samples(X, y), np.where(y == "left", *each))
    marginal = np.exp(each[0]) * flow.class_prior_[0] + np.exp(each[1]) * flow.class_prior_[1]
    np.testing.assert_allclose(np.exp(flow.score_samples(X)), marginal)
    edges = [np.linspace(-15, 20, 151)] * 2
    assert masses(flow, edges).sum() == pytest.approx(1.0, abs=0.02)
    assert masses(flow, edges, "left").sum() == pytest.approx(1.0, abs=0.02)


def test_samples_of_labels():
    X, y = two_classes()
    flow = small(conditional=True, max_iter=30).fit(X, y)
    rows, labels = flow.sample(1000, random_state=0)
    assert abs((labels == "left").mean() - flow.class_prior_[0]) < 0.05
    assert ((rows.mean(1) > 3) == (labels == "right")).mean() > 0.95
    asked = ["right", "left", "left"]
    rows, labels = flow.sample(y=asked, random_state=0)
    assert rows.shape == (3, 2)
    assert labels.tolist() == asked
    rows, labels = flow.sample(3, "left", random_state=0)
    assert labels.tolist() == ["left"] * 3
    assert (rows.mean(1) < 3).all()


def test_weights_of_rows_are_frequencies_of_labels():
    X, y = two_classes()
    weight = np.where(y == "left", 2.0, 1.0)
    flow = small(conditional=True, max_iter=2).fit(X, y, weight)
    expected = weight[y == "left"].sum() / weight.sum()
    assert flow.class_prior_[0] == pytest.approx(expected)


@pytest.mark.parametrize("labels", [[1, 0], [True, False], [2.0, -1.0], ["b", "a"]])
def test_labels_keep_their_type(labels):
    X, y = two_classes(60)
    y = np.where(y == "left", labels[0], labels[1])
    _, found = small(conditional=True, max_iter=1).fit(X, y).sample(5, labels[0])
    assert found.dtype == y.dtype
    assert (found == labels[0]).all()


def test_without_conditional_y_is_ignored():
    X, y = two_classes(100)
    alone, beside = small(max_iter=2).fit(X), small(max_iter=2).fit(X, y)
    np.testing.assert_array_equal(alone.score_samples(X), beside.score_samples(X, y))


def test_samples_have_the_form_of_x():
    X = pd.DataFrame(moons(), columns=["long", "high"]).astype({"high": "float32"})
    X["whole"] = np.random.default_rng(0).integers(0, 10_000, len(X))
    samples = small(max_iter=2).fit(X).sample(4, random_state=0)
    assert samples.dtypes.to_dict() == {"long": float, "high": np.float32, "whole": float}


def test_samples_come_from_random_state_alone():
    flow, state = small(max_iter=2).fit(moons()), numpy_state()
    torch_state = torch.get_rng_state()
    first = flow.sample(2500, random_state=3)
    np.testing.assert_array_equal(first, flow.sample(2500, random_state=3))
    assert (first != flow.sample(2500, random_state=4)).all()
    assert numpy_state() == state
    assert torch.equal(torch.get_rng_state(), torch_state)


def test_beyond_bounds_and_on_them_there_is_no_density():
    flow = small(max_iter=2, bounds=([0, 0], [1, None])).fit(skewed())
    found = flow.score_samples([[0.5, 1.0], [0.0, 1.0], [1.0, 1.0], [1.5, 1.0], [0.5, -1.0]])
    assert np.isfinite(found[0])
    assert np.isneginf(found[1:]).all()


def polars_frame(X, **types):
    pl = pytest.importorskip("polars")
    return pl.DataFrame(X, schema={name: getattr(pl, kind) for name, kind in types.items()})


@pytest.mark.parametrize(
    "form",
    [
        lambda X: X.astype(np.float32),
        lambda X: X.astype(np.float16),
        lambda X: pd.DataFrame(X).astype({0: "Float32"}),
        lambda X: polars_frame(X, one="Float64", other="Float32"),
    ],
    ids=["float32", "float16", "pandas", "polars"],
)
def test_no_sample_lies_on_a_bound_in_the_type_of_x(form):
    # As float32 0.7 is less, and 1.1 is more.
    X = np.random.default_rng(0).uniform([0.71, 0.01], [1.09, 0.99], size=(100, 2))
    flow = small(max_iter=1, bounds=([0.7, 0.0], [1.1, 1.0])).fit(form(X))
    farthest = flow._inputs.restored(np.array([[1e3, 1e3], [-1e3, -1e3]]))
    assert np.isfinite(flow.score_samples(farthest)).all()
    np.testing.assert_allclose(np.asarray(farthest, float), [[1.1, 1.0], [0.7, 0.0]], atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_too_far_away_for_float32_have_no_density(kind):
    flow = small(kind=kind, max_iter=1).fit(moons(100) * 1e-3)
    found = flow.score_samples([[0.0, 0.0], [1e38, 0.0], [0.0, -1e38], [1e308, -1e308]])
    assert np.isfinite(found[0])
    assert np.isneginf(found[1:]).all()


def test_rows_of_a_later_fit_are_checked_as_those_of_the_first():
    X = skewed()
    flow = small(max_iter=1, bounds=(0, None), warm_start=True).fit(X)
    with pytest.raises(ValueError, match="column 0 of X lies between 0 and inf, but 300 rows"):
        flow.fit(X - [2.0, 0.0])
    with pytest.raises(ValueError, match="column 1 of X is constant"):
        flow.fit(X * [1.0, 0.0] + 1.0)


def test_settings_can_be_compared():
    search = GridSearchCV(small(max_iter=5), {"kind": KINDS[:2]}, cv=2).fit(moons())
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()


def frame(**columns):
    return pd.DataFrame({"size": np.random.default_rng(0).normal(size=100)} | columns)


BAD = {
    "constant": (frame(rate=3.0), {}, "column 'rate' of X is constant: it is 3 in all 100 rows"),
    "discrete": (
        frame(rooms=np.arange(100) % 4),
        {},
        "column 'rooms' of X is discrete: it has 4 values in 100 rows, 25 times 0",
    ),
    "many zeros": (
        frame(rain=np.where(np.arange(100) < 40, 0.0, np.arange(100))),
        {},
        "column 'rain' of X is discrete: it has 61 values in 100 rows, 40 times 0",
    ),
    "missing": (frame(gap=np.where(np.arange(100) < 2, np.nan, 1.0)), {}, "contains NaN in 2 of"),
    "text": (frame(colour=["red", "blue"] * 50), {}, "Column 'colour' of X holds text"),
    "one row": (np.ones((1, 2)), {}, "n_samples=1; a density needs at least 2 rows"),
    "outside": (
        frame(share=np.linspace(0.1, 1.2, 100)),
        {"bounds": ([None, 0], [None, 1])},
        "column 'share' of X lies between 0 and 1, but 18 rows are there or beyond, such as 1",
    ),
    "no pair": (frame(), {"bounds": (0, 1, 2)}, "must be a pair"),
    "swapped": (
        frame(),
        {"bounds": (9, -9)},
        "bounds says that column 'size' of X lies between 9 and -9",
    ),
    "no number": (
        frame(),
        {"bounds": (-9, "a")},
        "bounds has high='a', but bounds must be numbers",
    ),
    "widths": (frame(), {"bounds": ([0, 1], None)}, "has low of shape (2,), but X has 1 columns"),
    "no labels": (
        frame(),
        {"conditional": True},
        "conditional=True learns rows given",
    ),
    "bins": (frame(), {"kind": "affine_coupling", "n_bins": 9}, "n_bins=9 has no effect with kind"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_of_fit(case):
    X, settings, message = BAD[case]
    with pytest.raises(ValueError, match=re.escape(message)):
        small(**settings).fit(X)


def test_validation_rows_outside_of_bounds():
    X, shift = skewed(), np.array([1.0, 0.0])
    with pytest.raises(ValueError, match="column 0 of X_val lies between 0 and 1"):
        small(bounds=([0, 0], [1, None]), early_stopping=True).fit(X, X_val=X + shift)


def test_bad_input_of_samples():
    X, y = two_classes(60)
    plain, labelled = small(max_iter=1).fit(X), small(conditional=True, max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match="with conditional=False the fit has learned none"):
        plain.sample(2, "left")
    with pytest.raises(ValueError, match=r"not in fit: \['Left'\].* is nearly 'left'"):
        labelled.sample(2, "Left")
    with pytest.raises(ValueError, match="n_samples=2, but y has 3 labels"):
        labelled.sample(2, ["left", "left", "right"])
    with pytest.raises(ValueError, match="n_samples=0 must be a whole number"):
        plain.sample(0)
    with pytest.raises(ValueError, match="y has 2 labels for 60 rows"):
        labelled.score_samples(X, ["left", "right"])


def test_a_changed_parameter_changes_no_sample():
    flow = small(n_members=2, max_iter=1).fit(moons())
    before = flow.sample(20, random_state=0)
    for n_members in (1, 3):
        again = flow.set_params(n_members=n_members).sample(20, random_state=0)
        np.testing.assert_array_equal(again, before)
