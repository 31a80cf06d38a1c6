"""Every architecture learns from signals, images and volumes, in every kind of training."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback, EpochScoring
from support.generated_images import blobs, stripes

from sklearn_modern.augmentation import RandomErasing
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


def title(settings):
    return " ".join(f"{key}={value}" for key, value in settings.items()) or "default"


@pytest.fixture
def X():
    return stripes()[0][:, 0]


@pytest.fixture
def y():
    return np.array(["across", "down"])[stripes()[1]]


# Architectures.


ARCHITECTURES = [
    *(
        {"architecture": name, "depth": depth}
        for name in ("lenet", "vgg", "resnet", "se_resnet", "efficientnetv2")
        for depth in (None, 2, (2, 1))
    ),
    {"bottleneck": True},
    {"architecture": "se_resnet", "bottleneck": True},
    {"stem": "large", "depth": None},
    {"kernel_size": 5},
    {"width": 1, "max_iter": 30},
    {"dropout": 0.3},
]


@pytest.mark.parametrize("settings", ARCHITECTURES, ids=title)
def test_every_architecture_learns(X, y, settings):
    clf = CNNClassifier(**SMALL | settings).fit(X, y)
    fresh, codes = stripes(seed=1)
    assert clf.score(fresh[:, 0], clf.classes_[codes]) > 0.9
    target = np.where(y == "down", 5.0, -3.0)
    assert CNNRegressor(**SMALL | settings | {"max_iter": 15}).fit(X, target).score(X, target) > 0.9


@pytest.mark.parametrize("architecture", ["lenet", "vgg", "resnet", "se_resnet", "efficientnetv2"])
@pytest.mark.parametrize(
    "shape", [(1,), (2,), (1, 1), (2, 1), (1, 3), (1, 1, 1), (1, 2, 4)], ids=str
)
def test_tiny_inputs_work(architecture, shape):
    X = np.random.default_rng(0).normal(size=(20, *shape))
    clf = CNNClassifier(**BRIEF | {"architecture": architecture, "depth": None})
    clf.set_params(spatial_dims=len(shape)).fit(X, X.reshape(20, -1)[:, 0] > 0)
    assert np.isfinite(clf.predict_proba(X)).all()


# What is learned.


@pytest.mark.parametrize("n_axes", [1, 2, 3])
def test_patterns_in_signals_images_and_volumes_are_learned(n_axes):
    X, y = stripes(90, side=16 if n_axes == 1 else 6, n_axes=n_axes)
    clf = CNNClassifier(**SMALL | {"max_iter": 12}, spatial_dims=n_axes).fit(X[:60], y[:60])
    assert clf.score(X[60:], y[60:]) > 0.9


def test_waves_are_told_by_their_form():
    """Sine and square waves, of any phase and length."""
    rng = np.random.default_rng(0)
    angles = np.arange(48) * rng.uniform(0.3, 0.6, size=(160, 1)) + rng.uniform(0, 6, size=(160, 1))
    y = np.where(np.arange(160) % 2, "square", "sine")
    X = np.where((y == "square")[:, None], np.sign(np.sin(angles)), 1.2 * np.sin(angles))
    X += rng.normal(0, 0.1, X.shape)
    clf = CNNClassifier(**SMALL | {"max_iter": 15}).fit(X[:100], y[:100])
    assert clf.score(X[100:], y[100:]) > 0.9
    linear = LogisticRegression(max_iter=1000).fit(X[:100], y[:100])
    assert linear.score(X[100:], y[100:]) < 0.7


def test_balls_and_boxes_are_told_apart_anywhere_in_a_volume():
    rng = np.random.default_rng(0)
    places = np.indices((8, 8, 8))
    volumes = []
    for i in range(120):
        centre = rng.uniform(2.5, 4.5, size=(3, 1, 1, 1))
        distances = np.abs(places - centre)
        ball = (distances**2).sum(axis=0) < rng.uniform(2.4, 3.2) ** 2
        box = distances.max(axis=0) < rng.uniform(1.9, 2.6)
        volumes.append(box if i % 2 else ball)
    X, y = np.array(volumes) + rng.normal(0, 0.2, (120, 8, 8, 8)), np.arange(120) % 2
    clf = CNNClassifier(**SMALL | {"max_iter": 20}, spatial_dims=3).fit(X[:80], y[:80])
    assert clf.score(X[80:], y[80:]) > 0.85


def test_digits_are_learned():
    digits = load_digits()
    X, y = digits.images, digits.target
    clf = CNNClassifier(width=8, max_iter=10, device="cpu", random_state=0).fit(X[::2], y[::2])
    assert clf.score(X[1::2], y[1::2]) > 0.96


# Targets and weights.


# Adam would blow up rounding errors where a gradient is zero.
EXACT = SMALL | {"precision": "float64", "batch_size": 1000, "solver": "sgd", "alpha": 0.01}
FAMILIES = ["lenet", "vgg", "resnet", "se_resnet", "efficientnetv2"]


@pytest.mark.parametrize("kind", [CNNClassifier, CNNRegressor])
@pytest.mark.parametrize("architecture", FAMILIES)
def test_a_weight_equals_the_row_repeated(X, kind, architecture):
    rng = np.random.default_rng(0)
    counts, y = rng.integers(0, 4, size=60), rng.integers(0, 2, size=60)
    settings = EXACT | {"architecture": architecture}
    weighted = kind(**settings).fit(X, y, sample_weight=counts)._decode(X)
    repeated = kind(**settings).fit(X.repeat(counts, axis=0), y.repeat(counts))._decode(X)
    np.testing.assert_allclose(weighted, repeated, atol=1e-9)
    unweighted = kind(**settings).fit(X, y)._decode(X)
    assert np.abs(weighted - unweighted).max() > 1e-3


def test_class_weights_are_weights_of_the_rows(X, y):
    weights = {"across": 1.0, "down": 5.0}
    found = CNNClassifier(**EXACT, class_weight=weights).fit(X, y).predict_proba(X)
    of_rows = np.where(y == "down", 5.0, 1.0)
    expected = CNNClassifier(**EXACT).fit(X, y, sample_weight=of_rows).predict_proba(X)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    rare = (y == "across") | (np.arange(60) < 20)
    X, y = X[rare], y[rare]
    balanced = CNNClassifier(**EXACT, class_weight="balanced").fit(X, y).predict_proba(X)
    of_rows = np.where(y == "down", 40 / (2 * 10), 40 / (2 * 30))
    expected = CNNClassifier(**EXACT).fit(X, y, sample_weight=of_rows).predict_proba(X)
    np.testing.assert_allclose(balanced, expected, atol=1e-9)


def test_several_labels(X, y):
    bright = np.arange(60) % 3 == 0
    X = X // 2 + 100 * bright[:, None, None].astype(np.uint8)
    labels = np.column_stack([y == "down", bright]).astype(int)
    clf = CNNClassifier(**SMALL | {"max_iter": 15}).fit(X, labels)
    assert clf.predict_proba(X).shape == (60, 2)
    assert (clf.predict(X) == labels).mean() > 0.95


@pytest.mark.parametrize(
    "loss", ["squared_error", "absolute_error", "huber", "poisson", "gaussian"]
)
def test_key_points_are_found(loss):
    X, places = blobs(160)
    reg = CNNRegressor(**SMALL | {"architecture": "lenet", "max_iter": 15}, loss=loss)
    reg.fit(X[:100], places[:100])
    assert reg.score(X[100:], places[100:]) > 0.9
    if loss == "gaussian":
        mean, std = reg.predict(X, return_std=True)
        assert mean.shape == std.shape == (160, 2)
        assert (std > 0).all()


def test_quantiles():
    X, places = blobs(200)
    y = places[:, 0] + np.random.default_rng(0).normal(0, 1, 200)
    reg = CNNRegressor(**SMALL | {"max_iter": 25}, loss="quantile", quantiles=(0.1, 0.5, 0.9))
    low, middle, high = reg.fit(X, y).predict_quantiles(X).T
    assert (low <= middle).all()
    assert (middle <= high).all()
    assert np.mean((low < y) & (y < high)) == pytest.approx(0.8, abs=0.12)


# Training.


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle", "adaptive"])
@pytest.mark.parametrize("solver", ["adamw", "adam", "sgd"])
def test_every_schedule_and_solver_learns(X, y, schedule, solver):
    settings = {"learning_rate": schedule, "solver": solver, "max_iter": 16}
    clf = CNNClassifier(**SMALL | settings).fit(X, y)
    assert clf.score(X, y) > 0.9


def test_lbfgs_learns(X, y):
    clf = CNNClassifier(**SMALL | {"solver": "lbfgs", "batch_size": "auto", "max_iter": 15}).fit(
        X, y
    )
    assert clf.score(X, y) > 0.9


@pytest.mark.parametrize("architecture", ["vgg", "efficientnetv2"])
def test_lbfgs_drops_nothing(X, y, architecture):
    settings = {"architecture": architecture, "depth": (2, 2)}
    settings |= {"solver": "lbfgs", "batch_size": "auto"}
    clf = CNNClassifier(**BRIEF | settings | {"dropout": 0.1}).fit(X, y)  # the default
    expected = CNNClassifier(**BRIEF | settings).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(clf.predict_proba(X), expected)
    network, images = clf.net_.module_.train(), torch.tensor(X[None, :, None])
    assert torch.equal(network(images), network(images))


def test_early_stopping_keeps_the_best_epoch(X):
    """Labels are noise, so that the validation rows see how it gets worse."""
    y = np.random.default_rng(0).integers(0, 2, 60)
    settings = SMALL | {"max_iter": 60, "early_stopping": True, "n_iter_no_change": 4}
    clf = CNNClassifier(**settings | {"learning_rate": "constant"}).fit(X, y)
    assert clf.n_iter_ < 60
    assert clf.best_validation_score_ == max(clf.validation_scores_)
    given = clone(clf).fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    assert given.n_iter_ < 60
    predicted = given.predict_proba(X[40:])
    log_likelihood = np.log(predicted[np.arange(20), y[40:]]).mean()
    assert given.best_validation_score_ in (
        pytest.approx(log_likelihood, rel=1e-4),
        pytest.approx(given.score(X[40:], y[40:])),
    )


def test_skorch_callbacks_see_the_training(X, y):
    scoring = EpochScoring("accuracy", name="accuracy", on_train=True, lower_is_better=False)
    clf = CNNClassifier(**SMALL, callbacks=[scoring], n_members=2).fit(X, y)
    assert len(clf.history_[:, "accuracy"]) == 8
    assert clf.history_[-1, "accuracy"] > 0.9


class Deterministic(Callback):
    """Notes whether cuDNN may take kernels whose results differ from call to call."""

    def __init__(self):
        self.seen = []

    def on_epoch_end(self, net, **kwargs):
        self.seen.append(torch.backends.cudnn.deterministic)


@pytest.mark.parametrize("before", [False, True])
def test_kernels_are_deterministic_while_training(X, y, monkeypatch, before):
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", before)
    callback = Deterministic()
    CNNClassifier(**BRIEF, callbacks=[callback]).fit(X, y)
    assert callback.seen == [True, True]
    assert torch.backends.cudnn.deterministic is before


@pytest.mark.gpu
@pytest.mark.parametrize("architecture", FAMILIES)
def test_a_seed_decides_a_fit_on_a_gpu(architecture):
    X, y = stripes(side=16)
    settings = BRIEF | {"device": "cuda", "architecture": architecture, "width": 8, "depth": None}
    first, *others = (CNNClassifier(**settings).fit(X, y).predict_proba(X) for _ in range(3))
    for other in others:
        np.testing.assert_array_equal(other, first)


class Interrupt(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 5:
            raise KeyboardInterrupt


def test_an_interrupted_fit_is_usable(X, y):
    settings = SMALL | {"callbacks": [Interrupt()], "learning_rate": "constant", "max_iter": 20}
    with pytest.warns(UserWarning, match="interrupted after 5 epochs"):
        clf = CNNClassifier(**settings, augment="flip").fit(X, y)
    assert clf.n_iter_ == 5
    assert clf.score(X, y) > 0.9
    assert clf.to_torch()(torch.tensor(X[:, None])).shape == (60, 2)


def test_predictions_of_members_are_their_mean(X, y):
    clf = CNNClassifier(**BRIEF, n_members=3).fit(X, y)
    network = clf.net_.module_.eval()
    with torch.no_grad():
        scores = network(torch.tensor(X[None, :, None]))
    assert scores.shape[:2] == (3, 60)
    members = scores.softmax(-1).numpy()
    assert np.abs(members[0] - members[1]).max() > 1e-3
    np.testing.assert_allclose(clf.predict_proba(X), members.mean(axis=0), atol=1e-6)
    reg = CNNRegressor(**BRIEF, n_members=2).fit(X, np.arange(60.0))
    assert reg.predict(X).shape == (60,)


def test_mixed_precision_learns_with_weights_in_float32(X, y):
    clf = CNNClassifier(**SMALL | {"precision": "bfloat16"}, augment="standard", cutmix=0.5)
    clf.fit(X, y)
    assert clf.score(X, y) > 0.9
    assert {p.dtype for p in clf.net_.module_.parameters()} == {torch.float32}
    exact = CNNClassifier(**SMALL, augment="standard", cutmix=0.5).fit(X, y)
    assert np.abs(clf.predict_proba(X) - exact.predict_proba(X)).max() > 1e-6


@pytest.mark.parametrize("batch_size", [59, 1, 10_000, "auto"])
def test_batches_of_any_size(X, y, batch_size):
    clf = CNNClassifier(**BRIEF | {"batch_size": batch_size}, mixup=0.1, cutmix=0.1).fit(X, y)
    assert np.isfinite(clf.predict_proba(X)).all()


# As a step.


@pytest.mark.parametrize("n_members", [1, 2])
@pytest.mark.parametrize("architecture", ["lenet", "resnet"])
def test_features_are_what_the_last_layer_sees(X, y, architecture, n_members):
    settings = BRIEF | {"architecture": architecture, "n_members": n_members, "dropout": 0.5}
    clf = CNNClassifier(**settings).fit(X, y)
    features = clf.transform(X)
    names = clf.get_feature_names_out()
    assert features.shape == (60, len(names))
    assert list(names[:2]) == ["cnnclassifier0", "cnnclassifier1"]
    network = clf.to_torch().network
    with torch.no_grad():
        own = network.body(torch.tensor(X[None, :, None]))
        probabilities = network.head(own).softmax(-1).mean(0)
    expected = own.transpose(0, 1).flatten(1)
    np.testing.assert_allclose(features, expected, atol=1e-5)
    np.testing.assert_allclose(clf.predict_proba(X), probabilities, atol=1e-5)


def test_features_come_as_a_frame_and_feed_a_pipeline(X, y):
    frame = pd.DataFrame(X.reshape(60, -1), index=np.arange(100, 160)).add_prefix("pixel ")
    clf = CNNClassifier(**SMALL, input_shape=(1, 8, 8)).set_output(transform="pandas")
    pipeline = make_pipeline(clf, LogisticRegression()).fit(frame, y)
    assert pipeline.score(frame, y) > 0.9
    features = pipeline[0].transform(frame)
    assert list(features.index) == list(frame.index)
    assert list(features.columns) == list(pipeline[0].get_feature_names_out())
    assert list(pipeline[0].feature_names_in_) == list(frame.columns)
    with config_context(transform_output="default"):
        array = CNNRegressor(**BRIEF).fit_transform(X, np.arange(60.0))
    assert isinstance(array, np.ndarray)


def test_searches_choose_architecture_and_augment(X, y):
    augments = [None, "flip", ("shift", 0.2), ["flip", RandomErasing(0.3)]]
    grid = {"architecture": ["lenet", "resnet"], "augment": augments}
    search = GridSearchCV(CNNClassifier(**SMALL), grid, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 8
    assert search.best_score_ > 0.9
    assert search.score(X, y) > 0.9


# Where there is a GPU.


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("architecture", FAMILIES)
@pytest.mark.parametrize("n_axes", [1, 2, 3])
def test_every_architecture_learns_on_a_gpu(n_axes, architecture, precision):
    X, y = stripes(side=8, n_axes=n_axes)
    settings = {"device": "cuda", "architecture": architecture, "precision": precision}
    settings |= {"spatial_dims": n_axes, "augment": ["flip", "shift"], "max_iter": 15}
    clf = CNNClassifier(**SMALL | settings).fit(X, y)
    assert clf.device_ == "cuda:0"
    assert clf.score(X, y) > 0.9
