"""Likelihoods of rows that are unlike those of the fit."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris

from sklearn_modern.decomposition import Autoencoder, VariationalAutoencoder

IRIS = load_iris().data
TINY = {"max_iter": 3, "hidden_layer_sizes": (8,), "device": "cpu", "random_state": 0}
each_model = pytest.mark.parametrize(
    "model",
    [Autoencoder(2, **TINY), VariationalAutoencoder(**TINY)],
    ids=["autoencoder", "variational"],
)


@each_model
def test_far_rows_have_minus_infinity_and_never_nan(model):
    model = clone(model).fit(IRIS)
    far = np.full((4, 4), [[1e10], [1e22], [1e40], [-1e308]])
    scores = model.score_samples(np.vstack([far, IRIS[:1]]))
    assert (scores[2:4] == -np.inf).all()
    assert (scores[:4] < -1e10).all()
    assert scores[4] == model.score_samples(IRIS[:1])[0]


@each_model
def test_a_category_that_was_not_in_the_fit_is_unlikely(model):
    """It is as likely as one more row, so that it is less so than any that is frequent."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(size=60), "colour": rng.choice(["red", "blue"], 60)})
    X["good"] = rng.uniform(size=60) < 0.5
    weight = np.full(60, 2.0)
    new = pd.DataFrame({"size": 0.0, "colour": ["red", "blue", "green", None], "good": True})
    scores = clone(model).fit(X, sample_weight=weight).score_samples(new)
    assert scores[2] < scores[:2].min()
    assert scores[2] - scores[3] == pytest.approx(-np.log(121))
