"""Convolutional networks over sequences of any length."""

import numpy as np
import pytest
import torch

from sklearn_modern.networks.sequence_convolution import Inception, Parallel
from sklearn_modern.neural_network import SequenceCNNClassifier, SequenceCNNRegressor

RNG = np.random.default_rng(0)
RECORDINGS = [RNG.normal(size=(n, 2)) for n in RNG.integers(1, 9, size=20)]
TEXTS = [" ".join(RNG.choice(["so", "bad", "good", "it", "is"], n)) for n in RNG.integers(1, 6, 20)]
Y = np.array([x[:, 0].max() for x in RECORDINGS])
SMALL = {"width": 4, "depth": 1, "max_iter": 2, "device": "cpu", "random_state": 0}
KINDS = {
    "parallel": {"kernel_sizes": (1, 4)},
    "inception": {"kernel_sizes": [3], "depth": 3},
}
each_kind = pytest.mark.parametrize(("architecture", "settings"), KINDS.items(), ids=list(KINDS))
each_X = pytest.mark.parametrize("X", [RECORDINGS, TEXTS], ids=["numbers", "texts"])


def fitted(X, y=Y, weight=None, **settings):
    return SequenceCNNRegressor(**SMALL | settings).fit(X, y, sample_weight=weight)


def test_auto_is_parallel_for_texts_and_inception_for_numbers():
    for X, body, sizes in ((TEXTS, Parallel, (3, 4, 5)), (RECORDINGS, Inception, (9, 19, 39))):
        model = fitted(X, width=None, max_iter=1)
        (made,) = model.body_.bodies
        assert type(made) is body
        convs = made.layers[0] if body is Parallel else made.blocks[0].chain[0].convs
        assert tuple(conv.weight.shape[2] for conv in convs) == sizes


@each_X
@each_kind
def test_a_prediction_does_not_depend_on_other_rows(architecture, settings, X):
    model = fitted(X, architecture=architecture, **settings)
    together = model.predict(X)
    alone = [model.predict([x])[0] for x in X]
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-5)


@each_X
@each_kind
def test_a_weight_counts_rows(architecture, settings, X):
    """Of one batch, in which statistics are those of the weighted steps."""
    exact = {"precision": "float64", "batch_size": 100, "dropout": 0.0, "token_dropout": 0.0}
    weight = RNG.integers(0, 3, len(X))
    repeated = np.repeat(np.arange(len(X)), weight)
    settings = settings | exact | {"architecture": architecture, "min_df": 1}
    weighted = fitted(X, weight=weight, **settings)
    other = fitted([X[row] for row in repeated], Y[repeated], **settings)
    np.testing.assert_allclose(weighted.predict(X), other.predict(X), rtol=1e-8)


@each_X
@each_kind
def test_the_bare_module_predicts_the_same(architecture, settings, X):
    model = fitted(X, architecture=architecture, **settings)
    if X is TEXTS:
        codes = [[model.vocabulary_[token] for token in text.split()] for text in X]
        x = torch.zeros(len(X), 7, dtype=torch.int64)
    else:
        codes, x = RECORDINGS, torch.full((len(X), 9, 2), torch.nan)
    for row, steps in zip(x, codes, strict=True):
        row[: len(steps)] = torch.as_tensor(steps)
    with torch.no_grad():
        found = model.to_torch()(x)
    np.testing.assert_allclose(found.flatten(), model.predict(X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("X", "n_rows", "expected"),
    [(TEXTS, 20, 10), (TEXTS, 9999, 4), (RECORDINGS, 20, 50), (RECORDINGS, 5, 100)],
)
def test_epochs_by_themselves(X, n_rows, expected):
    model = fitted(X).set_params(max_iter="auto", batch_size=1)
    assert model._n_epochs(n_rows) == expected


@pytest.mark.parametrize("wrong", [0, [], [3, 0], (2.5,), [[3], [5]], ["three"], True])
def test_kernel_sizes_are_numbers_of_steps(wrong):
    with pytest.raises(ValueError, match="kernel_sizes"):
        fitted(RECORDINGS, kernel_sizes=wrong)


def test_classifies_by_what_is_anywhere_in_a_row():
    rng = np.random.default_rng(1)
    X = [rng.normal(size=n) for n in rng.integers(5, 30, size=60)]
    y = np.arange(60) % 2
    for x, label in zip(X, y, strict=True):
        place = rng.integers(len(x) - 3)
        x[place : place + 3] = (3, -3, 3) if label else (-3, 3, -3)
    how = {"width": 8, "kernel_sizes": 3, "max_iter": 40, "batch_size": 10}
    model = SequenceCNNClassifier("parallel", **SMALL | how)
    assert model.fit(X[:40], y[:40]).score(X[40:], y[40:]) > 0.9
