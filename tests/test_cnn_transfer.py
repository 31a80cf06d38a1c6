"""Networks that start from others."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import cross_val_score
from torch import nn

from sklearn_modern.neural_network import CNNClassifier, CNNRegressor

COMMON = {"max_iter": 12, "batch_size": 32, "device": "cpu", "random_state": 0}


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.images.astype(np.float32), data.target


@pytest.fixture(scope="module")
def source(digits):
    X, y = digits
    return CNNClassifier(width=8, **COMMON).fit(X[y < 5], y[y < 5])


def body_of(estimator):
    return estimator.net_.module_.body.state_dict()


def changed(ours, theirs):
    return {name for name, value in body_of(ours).items() if (value != body_of(theirs)[name]).any()}


def test_transfer_helps_where_labels_are_few(digits):
    X, y = digits
    source = CNNClassifier(**COMMON | {"max_iter": 20}).fit(X[y < 7], y[y < 7])
    X, y = X[y >= 7], y[y >= 7]
    params = {"max_iter": 60, "batch_size": 8, "device": "cpu"}
    start = {"freeze": "none", "body_learning_rate_factor": 1.0}
    gains = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        train = np.concatenate([rng.choice(np.flatnonzero(y == c), 2, False) for c in (7, 8, 9)])
        test = np.setdiff1d(np.arange(len(y)), train)
        scratch = CNNClassifier(random_state=seed, **params)
        transfer = clone(scratch).set_params(pretrained=FrozenEstimator(source), **start)
        scores = [m.fit(X[train], y[train]).score(X[test], y[test]) for m in (transfer, scratch)]
        gains.append(scores[0] - scores[1])
    assert np.mean(gains) > 0.03


def test_a_cross_validation_keeps_what_was_learned(digits, source):
    X, y = digits[0][:300], digits[1][:300]
    clf = CNNClassifier(pretrained=FrozenEstimator(source), **COMMON)
    fitted = clone(clf).fit(X, y)
    assert not changed(fitted, source)
    assert cross_val_score(clf, X, y, cv=2).mean() > 0.4
    with pytest.raises(ValueError, match="FrozenEstimator"):
        CNNClassifier(pretrained=source, **COMMON).fit(X, y)


@pytest.mark.parametrize("freeze", ["none", 2])
def test_what_is_not_frozen_learns(digits, source, freeze):
    X, y = digits[0][:200], digits[1][:200]
    clf = CNNClassifier(pretrained=FrozenEstimator(source), freeze=freeze, **COMMON).fit(X, y)
    parts = {name.split(".")[1] for name in changed(clf, source) if name.startswith("blocks")}
    everything = {name.split(".")[1] for name in body_of(source) if name.startswith("blocks")}
    assert parts == (everything if freeze == "none" else everything - {"0", "1"})


def test_the_body_has_a_rate_of_its_own(digits, source):
    X, y = digits[0][:200], digits[1][:200]
    distance = []
    for factor in (0.01, 1.0):
        clf = CNNClassifier(
            pretrained=FrozenEstimator(source),
            freeze="none",
            body_learning_rate_factor=factor,
            alpha=0.0,
            **COMMON,
        ).fit(X, y)
        name = "blocks.0.conv.weight"
        distance.append((body_of(clf)[name] - body_of(source)[name]).norm().item())
    assert distance[0] < 0.1 * distance[1]


def test_any_module_is_a_start(digits):
    X, y = digits[0][:200], digits[1][:200]
    module = nn.Sequential(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 12, 3))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    clf = CNNClassifier(pretrained=module, freeze="none", body_learning_rate_factor=1.0, **COMMON)
    state = torch.get_rng_state()
    clf = clone(clf).fit(X, y)
    assert clf.score(X, y) > 0.5
    assert clf.transform(X).shape == (200, 12)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"pretrained": "resnet50"}, "must be a FrozenEstimator"),
        ({"pretrained": FrozenEstimator(CNNClassifier())}, "not fitted yet"),
        ({"pretrained": nn.Conv2d(3, 4, 3)}, "takes no images"),
        ({"pretrained": nn.Flatten(), "n_members": 2}, "n_members=2"),
        ({"pretrained": nn.Flatten(), "freeze": 3}, "1 blocks"),
    ],
    ids=str,
)
def test_bad_starts_are_explained(digits, params, complaint):
    X, y = digits[0][:100], digits[1][:100]
    with pytest.raises(ValueError, match=complaint):
        CNNClassifier(**COMMON | params).fit(X, y)


def test_images_must_be_like_those_of_the_source(digits, source):
    X, y = digits[0][:100], digits[1][:100]
    start = FrozenEstimator(source)
    with pytest.raises(ValueError, match=r"\(2, 8, 8\), but pretrained was fitted to \(1, 8, 8\)"):
        CNNClassifier(pretrained=start, **COMMON).fit(np.stack([X, X], axis=1), y)
    with pytest.raises(ValueError, match="n_members=3, but pretrained has 1"):
        CNNClassifier(pretrained=start, n_members=3, **COMMON).fit(X, y)
    reg = CNNRegressor(pretrained=start, **COMMON).fit(X[:, :7], y)
    assert reg.predict(X[:, :7]).shape == (100,)
