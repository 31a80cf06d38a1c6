"""Made tables: in the form of the fit, with its shares, modes and dependences; given labels."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError
from support.global_random import numpy_state

from sklearn_modern.decomposition import VariationalAutoencoder
from sklearn_modern.generation import GAN, FlowMatching

TINY = {"hidden_layer_sizes": (8,), "max_iter": 2, "device": "cpu", "random_state": 0}
KINDS = [FlowMatching, GAN]
# Enough to learn two or three columns in seconds.
LEARNED = {
    FlowMatching: {"hidden_layer_sizes": (64, 64), "max_iter": 150, "batch_size": 64},
    GAN: {"hidden_layer_sizes": (32, 32), "max_iter": 120, "batch_size": 64, "loss": "standard"},
}
# A share of rows, or standard deviations.
TOLERANCE = {FlowMatching: 0.06, GAN: 0.15}

each_kind = pytest.mark.parametrize("kind", KINDS)


def learned(kind, X, y=None, **settings):
    model = kind(device="cpu", random_state=0, **LEARNED[kind] | settings)
    return model.fit(X, y)


def mixed(n=200):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(size=n), "income": rng.gamma(2.0, 1e6, n)})
    frame.loc[rng.uniform(size=n) < 0.4, "income"] = 0.0
    frame.loc[::5, "size"] = np.nan
    frame["count"] = rng.poisson(3.0, n).astype(np.int16)
    frame["gaps"] = pd.array(np.where(rng.uniform(size=n) < 0.2, None, 7), dtype="Int64")
    frame["good"] = rng.uniform(size=n) < 0.7
    frame["colour"] = pd.Categorical(rng.choice(["red", "blue"], n), ["blue", "red", "none"])
    frame["town"] = rng.choice(["Bonn", "Ulm", "Jena"], n, p=[0.6, 0.3, 0.1])
    frame.loc[::4, "town"] = None
    frame["same"] = 3
    return frame


@each_kind
def test_a_frame_has_the_form_of_the_fit(kind):
    X = mixed()
    made = kind(**TINY).fit(X).sample(500, random_state=0)
    assert made.columns.tolist() == X.columns.tolist()
    assert made.dtypes.tolist() == X.dtypes.tolist()
    assert made.index.tolist() == list(range(500))
    for name in ("good", "colour", "town", "same"):
        assert set(made[name].dropna()) <= set(X[name].dropna()), name
    for name in ("size", "income", "count"):
        assert X[name].min() <= made[name].min() <= made[name].max() <= X[name].max(), name
    assert not made[["income", "count", "good", "colour", "same"]].isna().any(axis=None)


def test_shares_of_zeros_gaps_and_levels_are_those_of_the_fit():
    X = mixed(600)
    made = learned(FlowMatching, X, max_iter=30).sample(4000, random_state=0)
    assert abs((made["income"] == 0).mean() - (X["income"] == 0).mean()) < 0.04
    for name in X:
        assert abs(made[name].isna().mean() - X[name].isna().mean()) < 0.04, name
    for name in ("count", "good", "colour", "town"):
        shares = made[name].value_counts(normalize=True)
        expected = X[name].value_counts(normalize=True)
        assert shares.sub(expected, fill_value=0).abs().max() < 0.05, name


@each_kind
def test_arrays_come_as_such(kind):
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.int64, object):
        X = rng.integers(0, 50, size=(60, 2)).astype(dtype)
        made = kind(**TINY).fit(X).sample(5, random_state=0)
        assert made.dtype == dtype
        assert made.shape == (5, 2)


@each_kind
def test_the_same_random_state_gives_the_same_rows_and_no_other_is_touched(kind):
    X, y = mixed(), np.arange(200) % 3
    before = numpy_state(), torch.get_rng_state()
    model = kind(n_members=2, conditional=True, **TINY).fit(X, y)
    first, other = (model.sample(3000, random_state=seed)[0] for seed in (0, 1))
    assert numpy_state() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    pd.testing.assert_frame_equal(first, model.sample(3000, random_state=0)[0])
    again = pickle.loads(pickle.dumps(model)).sample(3000, random_state=0)[0]
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


@each_kind
def test_labels_as_asked_for_and_by_frequency(kind):
    X, y = mixed(), np.array(["often", "seldom"])[(np.arange(200) % 4 == 0).astype(int)]
    model = kind(conditional=True, **TINY).fit(X, y)
    _, labels = model.sample(y=["seldom", "often", "seldom"], random_state=0)
    assert labels.tolist() == ["seldom", "often", "seldom"]
    _, labels = model.sample(2000, random_state=0)
    assert abs((labels == "seldom").mean() - 0.25) < 0.04
    with pytest.raises(ValueError, match="not in fit: \\['oftn'\\].*often"):
        model.sample(2, "oftn")
    with pytest.raises(ValueError, match="conditional=True learns rows given their labels"):
        kind(conditional=True, **TINY).fit(X)
    with pytest.raises(ValueError, match="has learned none"):
        kind(**TINY).fit(X, y).sample(2, "often")
    for wrong, shape in (([], r"\(0,\)"), ([["often"], ["seldom"]], r"\(2, 1\)")):
        with pytest.raises(ValueError, match=f"y has the shape {shape}, but must be one label"):
            model.sample(y=wrong)
    for wrong in (True, 0, -1, 2.0):
        with pytest.raises(ValueError, match=f"n_samples={wrong} must be a whole number, at least"):
            model.sample(wrong)
    bad = (np.zeros(200), "one class, 0.0; at least two"), (X["income"], "but labels are needed")
    for wrong, message in bad:
        with pytest.raises(ValueError, match=message):
            kind(conditional=True, **TINY).fit(X, wrong)
    with pytest.raises(NotFittedError):
        kind().sample()


@each_kind
def test_rows_depend_on_labels(kind):
    rng = np.random.default_rng(0)
    y = rng.choice(3, 900, p=[0.5, 0.3, 0.2])
    X = np.column_stack([4 * y, -4 * y]) + rng.normal(size=(900, 2))
    model = learned(kind, X, y, conditional=True)
    for label in range(3):
        rows, _ = model.sample(500, label, random_state=0)
        np.testing.assert_allclose(rows.mean(0), [4 * label, -4 * label], atol=1.0)
        assert (rows.std(0) > 0.3).all()


@each_kind
def test_mean_covariance_and_categories_of_a_normal_table(kind):
    rng = np.random.default_rng(0)
    X = rng.multivariate_normal([3.0, -1.0], [[4.0, 1.6], [1.6, 1.0]], 800)
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(c=np.where(X[:, 0] > 3.0, "high", "low"))
    made = learned(kind, frame).sample(4000, random_state=0)
    tolerance = 3 * TOLERANCE[kind]
    np.testing.assert_allclose(made[["a", "b"]].mean(), X.mean(0), atol=tolerance)
    np.testing.assert_allclose(np.cov(made[["a", "b"]].T), np.cov(X.T), atol=2 * tolerance)
    is_right = (made["c"] == "high") == (made["a"] > 3.0)
    assert is_right.mean() > 0.85


@each_kind
def test_modes_have_their_shares(kind):
    rng = np.random.default_rng(0)
    is_left = rng.uniform(size=800) < 0.3
    X = np.column_stack([np.where(is_left, -5.0, 5.0), np.where(is_left, 3.0, -3.0)])
    made = learned(kind, X + 0.5 * rng.normal(size=X.shape)).sample(3000, random_state=0)
    assert abs((made[:, 0] < 0).mean() - is_left.mean()) < TOLERANCE[kind]
    assert ((made[:, 0] < 0) == (made[:, 1] > 0)).mean() > 0.8


@each_kind
def test_weights_count_as_rows(kind):
    rng = np.random.default_rng(0)
    X = np.column_stack([np.repeat([-3.0, 0.0, 3.0], 300), np.zeros(900)])
    X += rng.normal(scale=0.2, size=X.shape)
    weight = np.repeat([3.0, 0.0, 1.0], 300)
    model = kind(device="cpu", random_state=0, **LEARNED[kind]).fit(X, sample_weight=weight)
    made = model.sample(3000, random_state=0)
    shares = np.histogram(made[:, 0], [-9, -1.5, 1.5, 9])[0] / 3000
    np.testing.assert_allclose(shares, [0.75, 0.0, 0.25], atol=TOLERANCE[kind])


@each_kind
def test_equal_weights_count_as_rows_too(kind):
    X = pd.DataFrame({"town": np.arange(20) % 6})
    X["region"] = X["town"] // 2  # which 40 rows are enough to see
    made = kind(**TINY).fit(X, sample_weight=np.full(20, 2.0)).sample(200, random_state=0)
    assert (made["region"] == made["town"] // 2).all()


@pytest.mark.parametrize("kind", [*KINDS, VariationalAutoencoder])
def test_numbers_that_are_whole_in_the_fit_are_whole_whatever_their_type(kind):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"gaps": rng.integers(0, 10_000, 200).astype(float)})
    X.loc[::5, "gaps"] = np.nan
    X["python"] = rng.integers(0, 10_000, 200).astype(object)
    X["number"], X["nothing"] = rng.normal(size=200), np.nan
    model = kind(**TINY).fit(X)
    made = model.sample(100, random_state=0)
    assert made.dtypes.tolist() == X.dtypes.tolist()
    assert (made["gaps"].dropna() % 1 == 0).all()
    assert set(map(type, made["python"])) == {int}
    assert (made["number"] % 1 != 0).any()
    assert made["nothing"].isna().all()
    if kind is VariationalAutoencoder:
        assert (model.reconstruct(X)["gaps"] % 1 != 0).any()
        assert model.reconstruct(X)["nothing"].isna().all()


@each_kind
@pytest.mark.parametrize(
    "X",
    [
        np.full((30, 2), 5.0),
        np.random.default_rng(0).normal(size=(40, 1)),
        pd.DataFrame({"a": ["x", "y"] * 20}),
        pd.DataFrame({"a": [np.nan] * 30, "b": ["x"] * 30}),
        pd.DataFrame({"a": [np.nan] * 30, "b": pd.Series([None] * 30, dtype="category")}),
        pd.DataFrame({"a": [1.0, np.nan] * 20}),
    ],
)
def test_small_and_constant_tables(kind, X):
    made = kind(**TINY).fit(X).sample(20, random_state=0)
    assert type(made) is type(X)
    frame, expected = pd.DataFrame(made), pd.DataFrame(X)
    assert (frame.dtypes == expected.dtypes).all()
    for name in frame:
        if expected[name].nunique(dropna=False) == 1:
            pd.testing.assert_series_equal(frame[name], expected[name][:20])


@each_kind
def test_members_are_a_mixture(kind):
    X = np.random.default_rng(0).normal(size=(100, 2))
    both = kind(n_members=2, **TINY).fit(X)
    other = pickle.loads(pickle.dumps(both))
    network = other.net_.module_.average
    with torch.no_grad():
        for parameter in network.parameters():
            parameter[1].zero_()
    changed = (both.sample(400, random_state=0) != other.sample(400, random_state=0)).any(1)
    assert 0.4 < changed.mean() < 0.6


@each_kind
def test_samples_are_those_of_the_average(kind):
    X = np.random.default_rng(0).normal(size=(100, 2))
    model = kind(**TINY).fit(X)
    both = model.net_.module_
    before = model.sample(5, random_state=0)
    pairs = list(zip(both.trained.parameters(), both.average.parameters(), strict=True))
    assert any(not torch.equal(one, mean) for one, mean in pairs)
    with torch.no_grad():
        for one, _ in pairs:
            one.zero_()
    np.testing.assert_array_equal(model.sample(5, random_state=0), before)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"solver": "lbfgs"}, "solver"),
        ({"n_critic": 0}, "n_critic"),
        ({"n_latent": 0}, "n_latent"),
        ({"loss": "hinge"}, "loss"),
        ({"gradient_penalty": -1.0}, "gradient_penalty"),
        ({"loss": "standard", "gradient_penalty": 3.0}, "gradient_penalty=3.0 has no effect"),
        ({"early_stopping": True}, "early_stopping=True has no effect on GAN"),
        ({"tol": 0.1}, "tol=0.1 has no effect on GAN"),
        ({"learning_rate": "adaptive"}, "learning_rate"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes"),
    ],
)
def test_settings_of_a_gan_that_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        GAN(**TINY | settings).fit(mixed())


@pytest.mark.parametrize("settings", [{"solver": "lbfgs"}, {"n_steps": 0}, {"dropout": 1.0}])
def test_settings_of_flow_matching_that_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        FlowMatching(**TINY | settings).fit(mixed())


def test_players_that_diverge_say_so():
    X = np.random.default_rng(0).normal(size=(200, 2))
    gan = GAN(**TINY | {"learning_rate_init": 1e12, "max_iter": 20}, solver="sgd")
    with pytest.raises(ValueError, match="The training diverged"):
        gan.fit(X)


def test_a_gan_keeps_the_losses_of_both():
    X = np.random.default_rng(0).normal(size=(200, 2))
    gan = GAN(**TINY | {"max_iter": 6}).fit(X)
    assert len(gan.loss_curve_) == len(gan.critic_loss_curve_) == gan.n_iter_ == 6
    assert np.isfinite(gan.critic_loss_curve_).all()
    assert gan.loss_curve_ != gan.critic_loss_curve_


def test_flow_matching_stops_early_if_it_is_told_to():
    X = np.random.default_rng(0).normal(size=(100, 2))
    settings = TINY | {"max_iter": 200, "n_iter_no_change": 3, "early_stopping": True}
    model = FlowMatching(tol=0.1, **settings | {"learning_rate": "constant"}).fit(X)
    assert model.n_iter_ < 200
    assert len(model.validation_scores_) == model.n_iter_
    patient = FlowMatching(**TINY | {"max_iter": 60, "n_iter_no_change": 3}).fit(X)
    assert patient.n_iter_ == 60
