"""Four small methods, written against the contracts of the package alone."""

from pathlib import Path

import numpy as np
import pytest
import support
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, cross_val_score
from support.adversarial import WassersteinGAN
from support.autoencoder import VariationalAutoencoder
from support.pixels import PixelClassifier
from support.recurrent import GRUClassifier

SMALL = {"device": "cpu", "random_state": 0}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_each_is_short():
    for name in ("adversarial", "autoencoder", "pixels", "recurrent"):
        path = Path(support.__path__[0]) / f"{name}.py"
        assert path.read_text().count("\n") <= 60


# Sequences of any length.


@pytest.fixture
def sequences(rng):
    X = [rng.normal(size=(length, 2)) for length in rng.integers(2, 9, size=80)]
    return X, np.array(["up" if x[:, 0].sum() > 0 else "down" for x in X])


def test_a_recurrent_network_learns_from_sequences(sequences):
    X, y = sequences
    clf = GRUClassifier(max_iter=30, learning_rate_init=0.03, **SMALL)
    assert cross_val_score(clf, X, y, cv=3).mean() > 0.85
    search = GridSearchCV(clf.set_params(max_iter=2), {"width": [4, 8]}, cv=2).fit(X, y)
    assert search.predict(X[:3]).shape == (3,)


def test_padding_does_not_matter(sequences):
    X, y = sequences
    clf = GRUClassifier(max_iter=2, n_members=2, **SMALL).fit(X, y)
    alone = np.concatenate([clf.predict_proba([x]) for x in X])
    np.testing.assert_allclose(clf.predict_proba(X), alone, rtol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"gradient_clip": 0.05},
        {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 15},
        {"n_iter_no_change": 2, "tol": 0.01, "max_iter": 30},
        {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 0.02},
    ],
)
def test_a_recurrent_member_is_what_it_is_alone(sequences, settings):
    X, y = sequences
    settings = {"width": 3, "max_iter": 4, "learning_rate_init": 0.05} | SMALL | settings
    among = GRUClassifier(n_members=3, **settings).fit(X, y)
    alone = GRUClassifier(**settings).fit(X, y)
    if settings.get("learning_rate") != "adaptive":  # members share a rate
        theirs = among.body_.bodies[0].state_dict()
        for name, value in alone.body_.bodies[0].state_dict().items():
            np.testing.assert_allclose(theirs[name], value, rtol=1e-4, atol=1e-6)
    first, second = (body.gru.weight_hh_l0.detach() for body in among.body_.bodies[:2])
    assert (first - second).abs().max() > 1e-3


def test_weights_and_partial_fit_of_a_recurrent_network(sequences):
    X, y = sequences
    weight = np.repeat([0.0, 1.0], 40)
    settings = {"batch_size": 80, "max_iter": 3, "solver": "sgd"} | SMALL
    weighted = GRUClassifier(**settings).fit(X, y, sample_weight=weight)
    expected = GRUClassifier(**settings).fit(X[40:], y[40:])
    np.testing.assert_allclose(weighted.predict_proba(X), expected.predict_proba(X), rtol=1e-6)
    clf = GRUClassifier(**SMALL).partial_fit(X[:50], y[:50]).partial_fit(X[50:], y[50:])
    assert clf.n_iter_ == 2


# No y.


def test_an_autoencoder_needs_no_y(rng):
    latent = rng.normal(size=(150, 2))
    X = 5 + np.hstack([latent, latent @ rng.normal(size=(2, 4))])
    vae = VariationalAutoencoder(max_iter=60, learning_rate_init=0.01, **SMALL)
    codes = vae.fit_transform(X)
    assert codes.shape == (150, 2)
    assert np.mean((vae.reconstruct(X) - X) ** 2) < 0.05 * X.var(axis=0).mean()
    linear = PCA(2).fit_transform(X)
    assert np.linalg.lstsq(linear, codes - codes.mean(0), rcond=None)[1].sum() < 0.2 * 2 * 150
    again = clone(vae).fit(X, y="ignored")
    np.testing.assert_array_equal(again.transform(X), codes)


def test_validation_rows_need_no_y(rng):
    X = rng.normal(size=(60, 3))
    vae = VariationalAutoencoder(max_iter=2, early_stopping=True, **SMALL)
    vae.fit(X, X_val=X[:20])
    assert len(vae.validation_scores_) == 2
    np.testing.assert_array_equal(
        clone(vae).fit(X, y="ignored", X_val=X[:20]).transform(X), vae.transform(X)
    )
    assert len(vae.fit(X).validation_scores_) == 2
    with pytest.raises(ValueError, match="X_val and y_val go together"):
        vae.fit(X, X_val=X[:20], y_val=np.zeros(20))


# Two players.


def test_a_generator_learns_the_distribution(rng):
    X = rng.normal(size=(300, 2)) * [1.0, 0.5] + [3.0, -1.0]
    gan = WassersteinGAN(
        max_iter=150, batch_size=32, learning_rate="constant", learning_rate_init=0.003, alpha=0,
        n_iter_no_change=1000, **SMALL,
    ).fit(X)  # fmt: skip
    made = gan.sample(1000)
    np.testing.assert_allclose(made.mean(0), [3.0, -1.0], atol=1.0)
    np.testing.assert_allclose(made.std(0), [1.0, 0.5], atol=1.0)


# Places.


def test_a_classifier_of_pixels(rng):
    X = rng.normal(size=(40, 1, 6, 5))
    y = np.where(X[:, 0] + np.roll(X[:, 0], 1, axis=2) > 0, "on", "off")
    settings = {"max_iter": 40, "learning_rate_init": 0.02, "early_stopping": True} | SMALL
    for n_members in (1, 2):
        clf = PixelClassifier(n_members=n_members, **settings).fit(X, y)
        assert clf.predict(X).shape == y.shape
        assert (clf.predict(X) == y).mean() > 0.9
        assert clf.predict_proba(X).shape == (*y.shape, 2)
        assert clf.best_validation_score_ > -0.4
