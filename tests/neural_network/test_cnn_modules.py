"""Networks that start from a module of torch's."""

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from support.generated_images import stripes
from torch import nn

from sklearn_modern.neural_network import CNNClassifier, CNNRegressor

NEXT = {
    "alpha": 0.0,
    "batch_size": 16,
    "learning_rate_init": 0.02,
    "max_iter": 4,
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture
def X():
    return stripes()[0][:, 0]


@pytest.fixture
def y():
    return stripes()[1]


@pytest.fixture
def labels():
    """Other classes than the images have."""
    return np.array(["a", "b", "c"])[np.arange(60) % 3]


def small_module(channels=1):
    """Make a net that ends in pixels, (rows, 6, *spatial), whose means are the features."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(channels, 6, 3),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Conv2d(6, 6, 3),
        )


def pooled_module():
    return nn.Sequential(small_module(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def module_of_one_size():
    return nn.Sequential(small_module(), nn.Flatten(), nn.Linear(96, 6))


class Particular(nn.Module):
    """One that says in its own way which images it takes."""

    def __init__(self, error, side=8):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3)
        self.error, self.side = error, side

    def forward(self, x):
        if x.shape[2] != self.side:
            raise self.error
        return self.conv(x)


class WithUnused(nn.Module):
    """One with a layer that its features have no need of."""

    def __init__(self):
        super().__init__()
        self.conv, self.unused = nn.Conv2d(1, 6, 3), nn.Linear(3, 3)

    def forward(self, x):
        return self.conv(x)


def body_of(estimator):
    return estimator.net_.module_.body.state_dict()


def learned(estimator, module):
    """Name the parameters and statistics of the module that the training has changed."""
    state = body_of(estimator)
    before = module.state_dict()
    return {name for name in before if not torch.equal(state[f"module.{name}"], before[name])}


# What is learned.


@pytest.mark.parametrize("make", [small_module, pooled_module, module_of_one_size])
def test_a_module_is_a_body_that_is_copied(X, y, make):
    module = make()
    before = copy.deepcopy(module.state_dict())
    start = {"pretrained": module, "freeze": "none", "body_learning_rate_factor": 1.0}
    clf = CNNClassifier(**NEXT | {"max_iter": 9}, **start)
    global_state = torch.get_rng_state()
    clf.fit(X, y)
    assert torch.equal(torch.get_rng_state(), global_state)
    assert module.training
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert clf.score(X, y) > 0.9
    assert clf.transform(X).shape == (60, 6)
    torch.manual_seed(99)
    np.testing.assert_array_equal(clone(clf).fit(X, y).predict_proba(X), clf.predict_proba(X))
    with torch.no_grad():
        found = clf.to_torch()(torch.tensor(X[:, None]))
    np.testing.assert_allclose(found, clf.predict_proba(X), atol=1e-6)
    reached = CNNRegressor(**NEXT, pretrained=FrozenEstimator(clf)).fit(X, y)
    np.testing.assert_array_equal(reached.transform(X), clf.transform(X))


@pytest.mark.parametrize("freeze", ["body", "none", 1])
def test_training_goes_on_exactly(X, labels, freeze):
    settings = {"pretrained": small_module(), "freeze": freeze, "learning_rate": "constant"}
    whole = CNNClassifier(**NEXT, **settings).fit(X, labels)
    warm = CNNClassifier(**NEXT | {"max_iter": 2}, **settings, warm_start=True).fit(X, labels)
    parts = CNNClassifier(**NEXT, **settings)
    for _ in range(4):
        parts = pickle.loads(pickle.dumps(parts.partial_fit(X, labels)))
    loaded = pickle.loads(pickle.dumps(warm)).fit(X, labels)
    for other in (warm.fit(X, labels), loaded, parts):
        assert all(torch.equal(value, body_of(whole)[n]) for n, value in body_of(other).items())
        np.testing.assert_array_equal(other.predict_proba(X), whole.predict_proba(X))


def test_counters_of_a_module_go_back_with_its_weights(X, y):
    noise = np.random.default_rng(0).integers(0, 2, 60)
    start = {"pretrained": small_module(), "freeze": "none", "learning_rate": "constant"}
    settings = NEXT | start | {"max_iter": 20, "n_iter_no_change": 3}
    clf = CNNClassifier(**settings, early_stopping=True).fit(X, noise)
    best = 1 + np.argmax(clf.validation_scores_)
    assert best < clf.n_iter_ < 20
    batches = clf.history_[0, "train_batch_count"]
    assert body_of(clf)["module.1.num_batches_tracked"] == best * batches
    stalled = CNNClassifier(**settings, tol=10.0).fit(X, noise)
    assert stalled.n_iter_ == 4


@pytest.mark.parametrize("solver", ["adamw", "adam", "sgd", "lbfgs"])
def test_what_has_no_part_in_the_features_is_left_alone(X, y, solver):
    module, start = WithUnused(), {"freeze": "none", "solver": solver, "alpha": 0.1}
    start |= {"batch_size": "auto"} if solver == "lbfgs" else {}
    clf = CNNClassifier(**NEXT | start, pretrained=module).fit(X, y)
    assert learned(clf, module) == {"conv.weight", "conv.bias"}
    again = CNNClassifier(**NEXT | start, pretrained=FrozenEstimator(clf))
    assert learned(again.fit(X, y), module) == {"conv.weight", "conv.bias"}


def test_what_a_module_does_not_train_is_not_trained(X, y):
    module = small_module()
    module[0].requires_grad_(False)
    clf = CNNClassifier(**NEXT, pretrained=module, freeze="none").fit(X, y)
    assert {name[0] for name in learned(clf, module)} == {"1", "4"}
    first = CNNClassifier(**NEXT, pretrained=FrozenEstimator(clf)).fit(X, y)
    second = CNNClassifier(**NEXT, pretrained=FrozenEstimator(first), freeze="none").fit(X, y)
    assert {name[0] for name in learned(second, module)} == {"1", "4"}


# What stays.


@pytest.mark.parametrize(
    ("freeze", "n"), [("body", 5), ("none", 0), (0, 0), (1, 1), (2, 4), (3, 5)]
)
def test_blocks_are_children_with_weights_and_what_follows_each(X, y, freeze, n):
    """The n first children stay as they are."""
    module = small_module()
    clf = CNNClassifier(**NEXT, pretrained=module, freeze=freeze).fit(X, y)
    assert {int(name[0]) for name in learned(clf, module)} == {0, 1, 4} - set(range(n))
    body = clf.net_.module_.train().body
    assert [child.training for child in body.module] == [False] * n + [True] * (5 - n)


def test_a_module_sees_channels_that_are_standardised_by_themselves():
    X = np.random.default_rng(0).normal([3, -40, 1e6], [1, 7, 2], size=(30, 5, 6, 3))
    module = nn.Conv2d(3, 4, 3).double()
    clf = CNNClassifier(**NEXT, pretrained=module, channels="last", precision="float64")
    found = clf.fit(X, np.arange(30) % 2).transform(X)
    scaled = (X - X.mean((0, 1, 2))) / X.std((0, 1, 2))
    with torch.no_grad():
        expected = module(torch.tensor(scaled).movedim(-1, 1)).mean((2, 3))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_features_of_a_module_are_dropped_as_the_estimator_says(X, y):
    settings = NEXT | {"pretrained": nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU())}
    predicted = [
        CNNClassifier(**settings, dropout=rate).fit(X, y).predict_proba(X) for rate in (0.0, 0.5)
    ]
    assert np.abs(predicted[0] - predicted[1]).max() > 1e-3
    source = CNNClassifier(**settings, dropout=0.5).fit(X, y)
    clf = CNNClassifier(**NEXT | {"random_state": 1}, pretrained=FrozenEstimator(source))
    body = clf.set_params(dropout=0.3).fit(X, y).net_.module_.body
    assert body.dropout.rate == 0.3
    assert body.random is body.dropout.random is clf.net_.random


# Sizes.


def test_a_module_takes_other_sizes_if_it_can(X, y):
    larger = np.tile(X, (1, 2, 1))
    for module in (small_module(), pooled_module()):
        clf = CNNClassifier(**NEXT, pretrained=module).fit(X, y)
        assert clf.predict_proba(larger).shape == (60, 2)
    particular = [Particular(error("8")) for error in (AssertionError, ValueError, IndexError)]
    for module in (module_of_one_size(), nn.Flatten(), *particular):
        clf = CNNClassifier(**NEXT, pretrained=module).fit(X, y)
        with pytest.raises(ValueError, match=r"X has spatial shape \(16, 8\), but \(8, 8\) in fit"):
            clf.predict_proba(larger)


# What is refused.


WRONG = {
    "too many blocks": ({"freeze": 4}, "freeze=4, but pretrained has 3 blocks"),
    "several members": ({"n_members": 2}, "one network, but n_members=2"),
    "other channels": (
        {"pretrained": small_module(3)},
        r"pretrained takes no images of the shape \(1, 8, 8\): RuntimeError.*3 channels",
    ),
    "another size": (
        {"pretrained": Particular(AssertionError("must be 9 high"), side=9)},
        "pretrained takes no images of .*: AssertionError: must be 9 high",
    ),
    "no rows": ({"pretrained": nn.Flatten(0)}, "pretrained maps 2 rows.* must give features"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_start_is_refused(X, y, case):
    settings, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        CNNClassifier(**NEXT | {"pretrained": small_module()} | settings).fit(X, y)


def test_images_that_are_too_small_for_the_module_of_a_source_are_refused(X, y):
    source = FrozenEstimator(CNNClassifier(**NEXT, pretrained=small_module()).fit(X, y))
    with pytest.raises(ValueError, match=r"pretrained takes no images of the shape \(1, 2, 2\)"):
        CNNClassifier(**NEXT, pretrained=source).fit(X[:, :2, :2], y)
