"""Transformers as estimators over sequences and texts."""

import numpy as np
import pytest

from sklearn_modern.neural_network import TransformerClassifier, TransformerRegressor

SMALL = {
    "width": 8,
    "depth": 2,
    "n_heads": 2,
    "feedforward_factor": 2,
    "max_iter": 3,
    "device": "cpu",
    "random_state": 0,
}
RNG = np.random.default_rng(0)
LENGTHS = RNG.integers(1, 90, 24)
SEQUENCES = [RNG.normal(size=(n, 2)) for n in LENGTHS]
LABELS = np.arange(24) % 3


@pytest.mark.parametrize("attention", ["full", "cascade", "dilated"])
def test_predictions_of_long_rows_are_their_own(attention):
    """By default settings, in single precision: rows of several blocks of steps."""
    clf = TransformerClassifier(attention=attention, depth=3, max_iter=1, device="cpu")
    clf.set_params(random_state=0).fit(SEQUENCES, LABELS)
    longer = [*SEQUENCES[:4], RNG.normal(size=(300, 2))]
    together = clf.predict_proba(longer)
    for row, probabilities in zip(longer, together, strict=True):
        np.testing.assert_allclose(clf.predict_proba([row])[0], probabilities, atol=1e-5)


def test_features_of_members_are_side_by_side():
    clf = TransformerClassifier(**SMALL, n_members=2).fit(SEQUENCES, LABELS)
    features = clf.transform(SEQUENCES)
    assert features.shape == (24, 16)
    assert not np.allclose(features[:, :8], features[:, 8:])


def test_places_count():
    """The same steps in another order are another row."""
    row = SEQUENCES[int(LENGTHS.argmax())]
    for positions in ("sinusoidal", "learned"):
        reg = TransformerRegressor(**SMALL, positions=positions).fit(SEQUENCES, LENGTHS)
        there, back = reg.transform([row, row[::-1]])
        assert np.abs(there - back).max() > 1e-3


def test_weights_of_zero_leave_the_longest_row_out():
    weight = np.where(LENGTHS.max() == LENGTHS, 0.0, 1.0)
    reg = TransformerRegressor(**SMALL, positions="learned").fit(SEQUENCES, LENGTHS, weight)
    (body,) = reg.body_.bodies
    assert body.enter[1].vectors.shape[2] == LENGTHS[weight > 0].max()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_heads": 3}, "n_heads=3 must divide width=8, as 1, 2, 4, 8 do"),
        ({"window": 5}, "window=5 has no effect with attention='full'"),
        ({"attention": "windowed"}, "'attention' parameter"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        TransformerClassifier(**SMALL | settings).fit(SEQUENCES, LABELS)
