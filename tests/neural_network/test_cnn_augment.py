"""Convolutional networks that train on changed and mixed batches."""

import numpy as np
import pytest
import torch
from support.generated_images import stripes

from sklearn_modern.augmentation import Compose, RandomErasing, RandomFlip
from sklearn_modern.neural_network import CNNClassifier, CNNRegressor

SMALL = {
    "architecture": "resnet",
    "width": 4,
    "depth": (1, 1),
    "dropout": 0.0,
    "alpha": 0.0,
    "batch_size": 16,
    "learning_rate_init": 0.02,
    "max_iter": 8,
    "device": "cpu",
    "random_state": 0,
}
BRIEF = SMALL | {"max_iter": 2}


@pytest.fixture
def X():
    return stripes()[0][:, 0]


@pytest.fixture
def y():
    return np.array(["across", "down"])[stripes()[1]]


# Transforms.


def slightly_noisy(batch, generator):
    return batch + 0.1 * torch.randn(batch.shape, generator=generator)


AUGMENTS = [
    *("flip", "shift", "crop", "rotate", "scale", "contrast", "brightness", "erase", "cutout"),
    "noise",
    "standard",
    ("rotate", 15),
    ("shift", np.float64(0.2)),
    RandomErasing(0.3),
    Compose([RandomFlip(), RandomErasing(0.2)]),
    ["flip", ("shift", 0.1), RandomErasing(0.2)],
    [["flip"], ("noise", 0.1)],
    slightly_noisy,
    [slightly_noisy, "standard"],
]


def without_address(augment):
    return repr(augment).split(" at ")[0]


@pytest.mark.parametrize("augment", AUGMENTS, ids=without_address)
def test_every_augment_changes_the_training_and_not_the_prediction(X, y, augment):
    clf = CNNClassifier(**SMALL | {"max_iter": 12}, augment=augment).fit(X, y)
    assert clf.score(X, y) > 0.9
    predicted = clf.predict_proba(X)
    np.testing.assert_array_equal(clf.predict_proba(X), predicted)
    plain = CNNClassifier(**SMALL | {"max_iter": 12}).fit(X, y).predict_proba(X)
    assert np.abs(predicted - plain).max() > 1e-4


@pytest.mark.parametrize("nothing", [None, [], (), ("flip", 0), ["shift", ("noise", 0.0)][1:]])
def test_no_augment_is_no_change(X, y, nothing):
    expected = CNNClassifier(**BRIEF).fit(X, y).predict_proba(X)
    found = CNNClassifier(**BRIEF, augment=nothing).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(found, expected)


class Recorder:
    """A transform that writes down what it was given."""

    def __init__(self):
        self.batches = []

    def __call__(self, batch, generator):
        self.batches.append(batch.clone())
        return batch


@pytest.mark.parametrize("n_members", [1, 2])
def test_only_training_batches_are_augmented_each_members_apart(X, y, n_members):
    recorder = Recorder()
    settings = BRIEF | {"early_stopping": True, "n_members": n_members, "n_iter_no_change": 50}
    clf = CNNClassifier(**settings, augment=recorder).fit(X, y)
    n_training = 54
    assert clf.history_[:, "train_batch_count"] == [4, 4]
    assert sum(map(len, recorder.batches)) == 2 * n_members * n_training
    pixels = torch.cat(recorder.batches)
    assert pixels.shape[1:] == (1, 8, 8)
    assert pixels.mean().abs() < 0.1  # standardised, so that strengths mean the same for all images
    assert pixels.std() == pytest.approx(1, abs=0.1)
    n_calls = len(recorder.batches)
    clf.predict_proba(X)
    clf.transform(X)
    assert len(recorder.batches) == n_calls


def test_a_transform_may_work_in_place(X, y):
    def inverted(batch, generator):
        return batch.neg_()

    before = X.copy()
    CNNClassifier(**BRIEF, augment=inverted).fit(X, y)
    CNNClassifier(**BRIEF, augment=inverted).fit(X.astype(np.float32), y)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        ("rotate", "RandomRotation .*2 spatial axes, but these have 1"),
        (["flip", ("rotate", 5)], "RandomRotation"),
        ("standard", "augment='standard' is for images.* these have 1"),
        ("color_jitter", "ColorJitter"),
    ],
)
def test_augment_without_a_meaning_is_named(augment, message):
    X, y = stripes(n_axes=1)
    with pytest.raises(ValueError, match=message):
        CNNClassifier(**BRIEF, augment=augment, spatial_dims=1).fit(X, y)


def test_signals_volumes_and_colours_have_augments_of_their_own():
    for n_axes, names in (
        (1, ["flip", "shift", "scale"]),
        (3, ["flip", "shift", "erase", "noise"]),
    ):
        X, y = stripes(side=6, n_axes=n_axes)
        clf = CNNClassifier(**SMALL | {"max_iter": 15}, augment=names, spatial_dims=n_axes)
        assert clf.fit(X, y).score(X, y) > 0.9
    X, y = stripes(channels=3)
    assert CNNClassifier(**SMALL, augment=["color_jitter", "standard"]).fit(X, y).score(X, y) > 0.9


def test_augment_helps_where_it_says_what_makes_no_difference():
    """Spots that were seen in one corner only are searched for anywhere."""
    rng = np.random.default_rng(0)
    images = rng.normal(0, 0.3, size=(160, 10, 10))
    y = np.arange(160) % 2
    cross, ring = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]), 1 - np.diag([0, 1, 0])
    for i, (image, code) in enumerate(zip(images, y, strict=True)):
        row, column = rng.integers(2, 4, 2) if i < 60 else rng.integers(1, 6, 2)
        image[row : row + 3, column : column + 3] += 2 * (ring if code else cross)
    settings = SMALL | {"architecture": "lenet", "max_iter": 30}
    scores = [
        CNNClassifier(**settings, augment=augment)
        .fit(images[:60], y[:60])
        .score(images[60:], y[60:])
        for augment in (None, ("shift", 0.3))
    ]
    assert scores[1] > scores[0] + 0.05


# Mixtures.


def test_mixing_learns_and_each_kind_differs(X, y):
    predicted = []
    for mixes in ({}, {"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 0.4, "cutmix": 1.0}):
        clf = CNNClassifier(**SMALL | {"max_iter": 15}, **mixes).fit(X, y)
        assert clf.score(X, y) > 0.9, mixes
        predicted.append(clf.predict_proba(X))
    for i, one in enumerate(predicted):
        for other in predicted[:i]:
            assert np.abs(one - other).max() > 1e-3


@pytest.mark.parametrize("mixes", [{"mixup": 1.0}, {"cutmix": 1.0}], ids=str)
def test_mixed_targets_make_predictions_less_sure(X, y, mixes):
    noise = np.random.default_rng(0).integers(0, 255, X.shape).astype(np.uint8)
    settings = SMALL | {"width": 8, "max_iter": 40, "architecture": "lenet"}
    sure = CNNClassifier(**settings).fit(noise, y).predict_proba(noise).max(axis=1).mean()
    mixed = CNNClassifier(**settings, **mixes).fit(noise, y).predict_proba(noise).max(axis=1).mean()
    assert mixed < sure - 0.02


def test_regression_on_mixtures(X, y):
    target = np.where(y == "down", 5.0, -3.0)
    reg = CNNRegressor(**SMALL | {"max_iter": 20}, mixup=0.3, cutmix=0.5, augment="flip")
    assert reg.fit(X, target).score(X, target) > 0.7
