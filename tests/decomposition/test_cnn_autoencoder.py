"""Autoencoders of images: layouts, densities by hand, what spoils rows, members."""

import pickle

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, norm
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from support.global_random import numpy_state

from sklearn_modern.decomposition import CNNAutoencoder

TINY = {
    "width": 4,
    "depth": (1, 1),
    "max_iter": 3,
    "learning_rate": "constant",
    "device": "cpu",
    "random_state": 0,
}
DIGITS = load_digits().images[:80]


def blobs(n):
    """Return images of one spot, which two numbers tell all of, but no plane holds."""
    rng = np.random.default_rng(0)
    place = rng.uniform(1, 7, (n, 2, 1))
    shape = np.exp(-((np.arange(9) - place) ** 2) / 2)
    return shape[:, 0, :, np.newaxis] * shape[:, 1, np.newaxis]


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((20, 8, 9), {}),
        ((20, 8, 9, 3), {"channels": "last"}),
        ((20, 3, 7, 7), {"architecture": "lenet"}),
        ((20, 48), {"input_shape": (3, 4, 4), "architecture": "resnet"}),
        ((20, 17), {"architecture": "efficientnetv2"}),
        ((20, 2, 9), {"spatial_dims": 1, "kernel_size": 5}),
        ((20, 1, 3, 4, 5), {"depth": 1}),
        ((20, 70), {"stem": "large", "depth": 1}),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images_have_the_layout_of_x(shape, settings, dtype):
    X = np.random.default_rng(0).integers(0, 250, shape).astype(dtype)
    model = CNNAutoencoder(2, **TINY | settings).fit(X)
    codes, again = model.transform(X), model.reconstruct(X)
    assert codes.shape == (20, 2)
    assert again.shape == shape
    assert again.dtype == (np.float64 if dtype == np.uint8 else np.float32)
    np.testing.assert_allclose(model.inverse_transform(codes), again, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("n_members", [1, 3])
def test_score_is_made_of_what_is_public(n_members):
    model = CNNAutoencoder(2, n_members=n_members, precision="float64", **TINY).fit(DIGITS)
    codes, again = model.transform(DIGITS), model.reconstruct(DIGITS)
    np.testing.assert_allclose(model.latent_mean_, codes.mean(0), atol=1e-12)
    np.testing.assert_allclose(model.latent_covariance_, np.cov(codes.T, ddof=0), atol=1e-12)
    assert model.noise_variance_.shape == (64,)
    if n_members > 1:  # then it takes what each of them makes
        return
    X = DIGITS.reshape(80, -1)
    again = again.reshape(80, -1)
    left = ((again - X) ** 2).mean(0)
    spread = np.where(X.std(0) > 0, X.std(0), 1.0)
    np.testing.assert_allclose(model.noise_variance_, np.maximum(left, 1e-6 * spread**2))
    of_code = multivariate_normal(model.latent_mean_, model.latent_covariance_).logpdf(codes)
    of_rest = norm(again, np.sqrt(model.noise_variance_)).logpdf(X).sum(1)
    np.testing.assert_allclose(model.score_samples(DIGITS), of_code + of_rest, rtol=1e-4)


def test_a_bent_plane_holds_more_than_a_flat_one():
    X = blobs(260)
    model = CNNAutoencoder(2, width=8, max_iter=30, device="cpu", random_state=0).fit(X[:200])
    flat, test = X.reshape(260, -1)[:200], X[200:]
    pca = PCA(2).fit(flat)
    plane = pca.inverse_transform(pca.transform(test.reshape(60, -1))).reshape(test.shape)
    error = ((model.reconstruct(test) - test) ** 2).mean()
    assert error < 0.5 * ((plane - test) ** 2).mean()
    # Codes between those of two spots make a spot, not two.
    assert model.score(test) > model.score(test[::-1] + test) + 10


def test_what_is_beside_a_row_does_not_matter():
    model = CNNAutoencoder(2, n_members=2, **TINY).fit(DIGITS)
    for method in (model.transform, model.reconstruct, model.score_samples):
        np.testing.assert_allclose(method(DIGITS[3:4]), method(DIGITS)[3:4], rtol=1e-12)


def test_denoising_takes_noise_away():
    X = blobs(300) / 0.2
    noisy = X + np.random.default_rng(1).normal(size=X.shape)
    settings = TINY | {"width": 8, "max_iter": 30, "learning_rate_init": 0.01}
    plain, denoising = (
        CNNAutoencoder(2, noise=noise, **settings).fit(X[:200]) for noise in (0.0, 1.0)
    )

    def error(model):
        return ((model.reconstruct(noisy[200:]) - X[200:]) ** 2).mean()

    assert error(denoising) < 0.5
    assert error(denoising) < error(plain)


def test_penalties_do_what_they_say():
    settings = TINY | {"max_iter": 20}
    plain, sparse, flat, trimmed = (
        CNNAutoencoder(3, **kind, **settings).fit(DIGITS)
        for kind in ({}, {"sparsity": 0.3}, {"contraction": 0.3}, {"trim": 0.5})
    )
    size = [np.abs(model.transform(DIGITS)).mean() for model in (plain, sparse)]
    assert size[1] < 0.5 * size[0]
    moved = DIGITS + 1.0
    change = [np.abs(m.transform(moved) - m.transform(DIGITS)).mean() for m in (plain, flat)]
    assert change[1] < 0.5 * change[0]
    assert not np.allclose(trimmed.transform(DIGITS), plain.transform(DIGITS))


def test_default_width_of_codes_and_names():
    small = CNNAutoencoder(**TINY).fit(DIGITS[:, :3, :3])
    assert small.transform(DIGITS[:, :3, :3]).shape[1] == 3
    model = CNNAutoencoder(**TINY).fit(DIGITS)
    assert model.transform(DIGITS).shape[1] == 8
    assert model.get_feature_names_out()[0] == "cnnautoencoder0"
    assert model.input_shape_ == (1, 8, 8)


def test_pickles_and_global_random_state():
    before = torch.get_rng_state(), numpy_state()
    model = CNNAutoencoder(2, noise=0.1, masking=0.1, dropout=0.1, **TINY).fit(DIGITS)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.score_samples(DIGITS), model.score_samples(DIGITS))
    np.testing.assert_array_equal(again.reconstruct(DIGITS), model.reconstruct(DIGITS))
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == numpy_state()


def test_bad_input():
    model = CNNAutoencoder(2, **TINY).fit(DIGITS)
    with pytest.raises(ValueError, match="codes of the width 3, but CNNAutoencoder makes .* 2"):
        model.inverse_transform(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"spatial shape \(9, 9\), but \(8, 8\) in fit"):
        model.transform(np.zeros((2, 9, 9)))
    with pytest.raises(ValueError, match="contains NaN in 1 of 80 rows"):
        CNNAutoencoder(2, **TINY).fit(np.where(np.arange(80)[:, None, None] == 1, np.nan, DIGITS))
    with pytest.raises(ValueError, match="kernel_size=4 must be odd"):
        CNNAutoencoder(2, kernel_size=4, **TINY).fit(DIGITS)
    with pytest.raises(ValueError, match="halves each axis 5 times"):
        CNNAutoencoder(2, **TINY | {"depth": 6}).fit(DIGITS)
