"""Autoencoders of tables: PCA where they are linear, densities by hand, holes and forms."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.linalg import subspace_angles
from scipy.stats import multivariate_normal, norm
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from support.global_random import numpy_state

from sklearn_modern.decomposition import Autoencoder

TINY = {
    "hidden_layer_sizes": (8,),
    "max_iter": 3,
    "learning_rate": "constant",
    "device": "cpu",
    "random_state": 0,
}
IRIS = load_iris().data


def mixed(n=60):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(n, 3)) * [1, 1e-3, 1e6], columns=list("abc"))
    frame["whole"] = rng.integers(0, 9, n)
    frame["colour"] = rng.choice(["red", "green", "blue"], n)
    frame.loc[::5, "a"] = np.nan
    frame.loc[::7, "colour"] = None
    return frame


def test_a_linear_one_finds_the_plane_of_pca():
    X = StandardScaler().fit_transform(IRIS)
    linear = Autoencoder(
        2, hidden_layer_sizes=(), solver="lbfgs", max_iter=500, tol=1e-10, precision="float64",
        device="cpu", random_state=0,
    ).fit(X)  # fmt: skip
    pca = PCA(2).fit(X)
    codes = np.vstack([np.zeros(2), np.eye(2)])
    plane = np.diff(linear.inverse_transform(codes)[[0, 1, 0, 2]], axis=0)[[0, 2]]
    assert subspace_angles(plane.T, pca.components_.T).max() < 1e-3
    again = pca.inverse_transform(pca.transform(X))
    np.testing.assert_allclose(linear.reconstruct(X), again, atol=2e-3)


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("scaling", ["standard", "robust", "quantile", None])
def test_score_is_made_of_what_is_public(n_members, scaling):
    model = Autoencoder(2, input_scaling=scaling, precision="float64", **TINY).fit(IRIS)
    model.set_params(n_members=n_members).fit(IRIS)
    codes = model.transform(IRIS)
    np.testing.assert_allclose(model.latent_mean_, codes.mean(0), atol=1e-12)
    np.testing.assert_allclose(model.latent_covariance_, np.cov(codes.T, ddof=0), atol=1e-12)
    if n_members > 1:  # then it takes what each of them makes
        return
    again = model.reconstruct(IRIS)
    np.testing.assert_allclose(model.noise_variance_, ((again - IRIS) ** 2).mean(0), rtol=1e-6)
    of_code = multivariate_normal(model.latent_mean_, model.latent_covariance_).logpdf(codes)
    of_rest = norm(again, np.sqrt(model.noise_variance_)).logpdf(IRIS).sum(1)
    np.testing.assert_allclose(model.score_samples(IRIS), of_code + of_rest, rtol=1e-4)
    assert model.score(IRIS) == pytest.approx(model.score_samples(IRIS).mean())


@pytest.mark.parametrize("n_components", [2, 9, 17])
def test_a_row_has_the_same_score_to_the_bit_whatever_is_beside_it(n_components):
    model = Autoencoder(n_components, **TINY).fit(IRIS)
    one_by_one = [model.score_samples(IRIS[[row]])[0] for row in range(0, len(IRIS), 5)]
    np.testing.assert_array_equal(model.score_samples(IRIS)[::5], one_by_one)


def test_members_give_their_mean():
    both = Autoencoder(2, n_members=2, **TINY).fit(IRIS)
    codes = both.transform(IRIS)
    assert codes.shape == (len(IRIS), 4)
    np.testing.assert_allclose(both.inverse_transform(codes), both.reconstruct(IRIS), rtol=1e-4)
    one, other = codes.copy(), codes.copy()
    one[:, 2:], other[:, :2] = codes[:1, 2:], codes[:1, :2]
    first = both.reconstruct(IRIS[:1])
    parts = both.inverse_transform(one) + both.inverse_transform(other)
    np.testing.assert_allclose(parts - first, both.reconstruct(IRIS), rtol=1e-3, atol=1e-3)


def test_a_frame_comes_back_without_holes():
    X = mixed()
    model = Autoencoder(2, **TINY).fit(X)
    again = model.reconstruct(X)
    assert again.columns.tolist() == X.columns.tolist()
    assert not again.isna().any(axis=None)
    assert set(again["colour"]) <= {"red", "green", "blue"}
    assert again["whole"].dtype == np.float64
    pd.testing.assert_frame_equal(model.inverse_transform(model.transform(X)), again, rtol=1e-3)
    assert model.get_feature_names_out().tolist() == ["autoencoder0", "autoencoder1"]
    named = clone(model).set_output(transform="pandas").fit_transform(X)
    assert named.columns.tolist() == ["autoencoder0", "autoencoder1"]


def test_what_is_missing_has_no_loss_and_no_density():
    X = mixed()
    hollow = X.assign(b=np.where(np.arange(len(X)) % 2, np.nan, X["b"]))
    model = Autoencoder(2, **TINY).fit(hollow)
    scores = model.score_samples(hollow)
    assert np.isfinite(scores).all()
    assert np.isfinite(model.loss_curve_).all()
    # The column's noise is that of the rows that have it.
    known = hollow["b"].notna().to_numpy()
    errors = (model.reconstruct(hollow)["b"] - X["b"])[known] ** 2
    assert model.noise_variance_[1] == pytest.approx(errors.mean(), rel=1e-3)
    # A row with no known cell has the density of its code alone.
    empty = hollow.iloc[:1].assign(**dict.fromkeys(X.columns, np.nan))
    code = model.transform(empty)[0]
    of_code = multivariate_normal(model.latent_mean_, model.latent_covariance_).logpdf(code)
    assert model.score_samples(empty)[0] == pytest.approx(of_code, rel=1e-3)


def test_scales_of_columns_only_move_the_density():
    factors = np.array([1e-6, 1.0, 1e3, 1e6])
    plain = Autoencoder(2, **TINY).fit(IRIS)
    scaled = Autoencoder(2, **TINY).fit(IRIS * factors)
    apart = plain.score_samples(IRIS) - scaled.score_samples(IRIS * factors)
    np.testing.assert_allclose(apart, np.log(factors).sum(), atol=1e-2)


def test_constant_columns_have_a_finite_density():
    X = np.column_stack([IRIS, np.full(len(IRIS), 1e9)])
    model = Autoencoder(2, **TINY).fit(X)
    assert np.isfinite(model.score_samples(X)).all()
    np.testing.assert_allclose(model.reconstruct(X)[:, 4], 1e9, rtol=1e-6)


def test_tables_without_numbers():
    X = mixed()[["colour"]].assign(is_red=lambda frame: frame["colour"] == "red")
    model = Autoencoder(1, **TINY).fit(X)
    assert np.isfinite(model.score_samples(X)).all()
    assert model.noise_variance_.shape == (0,)
    assert set(model.reconstruct(X)["colour"]) <= {"red", "green", "blue"}


def test_denoising_takes_noise_away():
    rng = np.random.default_rng(0)
    X = np.tanh(rng.normal(size=(600, 1)) * np.linspace(-2, 2, 8))
    noisy = X + 0.5 * rng.normal(size=X.shape)
    settings = {"max_iter": 60, "device": "cpu", "random_state": 0}
    plain, denoising = (
        Autoencoder(4, noise=noise, **settings).fit(X[:400]) for noise in (0.0, 0.5)
    )

    def error(model):
        return ((model.reconstruct(noisy[400:]) - X[400:]) ** 2).mean()

    assert error(denoising) < 0.4 * ((noisy - X) ** 2).mean()
    assert error(denoising) < 0.8 * error(plain)


def test_masking_fills_holes_better_than_the_mean():
    rng = np.random.default_rng(0)
    common = rng.normal(size=(600, 1))
    X = common + 0.1 * rng.normal(size=(600, 5))
    model = Autoencoder(1, masking=0.3, max_iter=60, device="cpu", random_state=0).fit(X[:400])
    hollow = X[400:].copy()
    hollow[:, 2] = np.nan
    assert ((model.reconstruct(hollow)[:, 2] - X[400:, 2]) ** 2).mean() < 0.2 * X[400:, 2].var()


def test_trimmed_rows_teach_nothing():
    outliers = np.vstack([IRIS, IRIS[:15] * [1, -1, 2, -3]])
    line = {"hidden_layer_sizes": (), "input_scaling": None}
    settings = TINY | line | {"max_iter": 200, "learning_rate_init": 0.03}
    plain = Autoencoder(1, **settings).fit(outliers)
    trimmed = Autoencoder(1, trim=0.2, **settings).fit(outliers)

    def error(model):
        return ((model.reconstruct(IRIS) - IRIS) ** 2).mean()

    assert error(trimmed) < 0.5 * error(plain)


def test_trimmed_rows_do_not_count_in_the_density():
    """The least likely share by the density of all rows is left out of it."""
    outliers = np.vstack([IRIS, IRIS[:15] * [1, -1, 2, -3]])
    model = Autoencoder(1, trim=0.2, precision="float64", **TINY).fit(outliers)
    codes, errors = model.transform(outliers), model.reconstruct(outliers) - outliers

    def moments(rows):
        return codes[rows].mean(), codes[rows].var(), (errors[rows] ** 2).mean(0)

    center, spread, variance = moments(slice(None))
    likely = norm(center, np.sqrt(spread)).logpdf(codes[:, 0])
    likely += norm(0, np.sqrt(variance)).logpdf(errors).sum(1)
    kept = likely >= np.sort(likely)[32]  # all but 32 of 165
    found = model.latent_mean_, model.latent_covariance_, model.noise_variance_
    for value, expected in zip(found, moments(kept), strict=True):
        np.testing.assert_allclose(value.ravel(), np.ravel(expected), rtol=1e-6)


def test_penalties_do_what_they_say():
    settings = TINY | {"max_iter": 60}
    plain, sparse, flat = (
        Autoencoder(3, **kind, **settings).fit(IRIS)
        for kind in ({}, {"sparsity": 0.3}, {"contraction": 0.3})
    )
    size = [np.abs(model.transform(IRIS)).mean() for model in (plain, sparse)]
    assert size[1] < 0.5 * size[0]
    moved = IRIS + 0.1
    change = [np.abs(m.transform(moved) - m.transform(IRIS)).mean() for m in (plain, flat)]
    assert change[1] < 0.5 * change[0]


def test_default_width_of_codes():
    assert Autoencoder(**TINY).fit(IRIS).transform(IRIS).shape[1] == 1
    wide = np.random.default_rng(0).normal(size=(40, 60))
    assert Autoencoder(**TINY).fit(wide).transform(wide).shape[1] == 8
    # 4 numbers with an indicator of missing ones, and 3 or 4 indicators of colours.
    assert Autoencoder(**TINY).fit(mixed()).transform(mixed()).shape[1] == 3


def test_weights_count_in_the_density():
    weight = np.random.default_rng(0).integers(0, 3, len(IRIS))
    settings = TINY | {"batch_size": 1000, "precision": "float64"}
    weighted = Autoencoder(2, **settings).fit(IRIS, sample_weight=weight)
    repeated = Autoencoder(2, **settings).fit(IRIS.repeat(weight, axis=0))
    for name in ("latent_mean_", "latent_covariance_", "noise_variance_"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-6)


def test_y_is_ignored_and_pipelines_work():
    pipeline = make_pipeline(StandardScaler(), Autoencoder(2, **TINY))
    codes = pipeline.fit(IRIS, ["label"] * len(IRIS)).transform(IRIS)
    assert pipeline.inverse_transform(codes).shape == IRIS.shape
    again = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(again.score_samples(IRIS), pipeline.score_samples(IRIS))


def test_global_random_state_is_left_alone():
    before = torch.get_rng_state(), numpy_state()
    Autoencoder(2, noise=0.1, masking=0.1, contraction=0.1, dropout=0.1, **TINY).fit(IRIS)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == numpy_state()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise": -1.0}, "'noise' parameter"),
        ({"trim": 1.0}, "'trim' parameter"),
        ({"n_components": 0}, "'n_components' parameter"),
        ({"solver": "lbfgs", "noise": 0.1}, "noise=0.1 has no effect with solver='lbfgs'"),
        ({"input_scaling": "auto"}, "'input_scaling' parameter"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        Autoencoder(**settings).fit(IRIS)


def test_before_a_fit_and_after_parameters_have_changed():
    model = Autoencoder(2, **TINY)
    for method in (model.reconstruct, model.inverse_transform, model.score_samples):
        with pytest.raises(NotFittedError):
            method(IRIS)
    codes = model.fit(IRIS).transform(IRIS)
    before = model.inverse_transform(codes)
    np.testing.assert_array_equal(model.set_params(n_members=3).inverse_transform(codes), before)


def test_codes_of_another_width_are_refused():
    model = Autoencoder(2, **TINY).fit(IRIS)
    with pytest.raises(ValueError, match="codes of the width 3, but Autoencoder makes .* width 2"):
        model.inverse_transform(np.zeros((2, 3)))
