"""Networks that start from what another estimator has learned."""

import copy
import gc
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from support.generated_images import stripes
from support.single_networks import MLPClassifier

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
# The parameters that shape a network have no say where a body is given.
NEXT = {key: SMALL[key] for key in ("batch_size", "learning_rate_init", "device", "random_state")}
NEXT |= {"max_iter": 4, "alpha": 0.0}
BLOCKS = ["blocks.0", "blocks.1", "blocks.2"]


@pytest.fixture
def X():
    return stripes()[0][:, 0]


@pytest.fixture
def y():
    return stripes()[1]


@pytest.fixture
def labels():
    """Other classes than the source has."""
    return np.array(["a", "b", "c"])[np.arange(60) % 3]


@pytest.fixture
def source(X, y):
    return CNNClassifier(**SMALL).fit(X, y)


def body_of(estimator):
    return estimator.net_.module_.body.state_dict()


def changed(ours, theirs):
    """Name the parts of the body whose weights or statistics differ."""
    state, other = body_of(ours), body_of(theirs)
    assert state.keys() == other.keys()
    names = [name for name in state if not torch.equal(state[name], other[name])]
    return sorted({".".join(name.split(".")[:2]) for name in names})


# Where it helps.


def placed_anywhere(images, side):
    rng = np.random.default_rng(0)
    length = images.shape[1]
    canvases = np.zeros((len(images), side, side), dtype=np.uint8)
    for canvas, image in zip(canvases, images, strict=True):
        row, column = rng.integers(0, side - length + 1, 2)
        canvas[row : row + length, column : column + length] = image
    return canvases


def test_few_labelled_digits_are_learned_much_better_from_other_digits():
    """Digits 0 to 4 teach what strokes are, wherever they lie; of the others there are 4 each."""
    digits = load_digits()
    X, y = placed_anywhere(digits.images, side=12), digits.target
    settings = {"architecture": "resnet", "width": 8, "device": "cpu"}
    source = CNNClassifier(**settings, max_iter=6, learning_rate_init=0.01, random_state=0)
    source = FrozenEstimator(source.fit(X[y < 5], y[y < 5]))
    X, y = X[y >= 5], y[y >= 5]
    starts = {
        "scratch": {},
        "body": {"pretrained": source},
        "none": {"pretrained": source, "freeze": "none"},
    }
    scores = {name: [] for name in starts}
    for seed in range(3):
        rng = np.random.default_rng(seed)
        few = np.concatenate([rng.choice(np.flatnonzero(y == c), 4, False) for c in range(5, 10)])
        rest = np.setdiff1d(np.arange(len(y)), few)
        for name, start in starts.items():
            clf = CNNClassifier(**settings, **start, random_state=seed)
            clf.set_params(max_iter=25, learning_rate_init=0.02).fit(X[few], y[few])
            scores[name].append(clf.score(X[rest], y[rest]))
    means = {name: np.mean(values) for name, values in scores.items()}
    assert means["body"] > means["scratch"] + 0.1
    assert means["none"] > means["scratch"] + 0.2


# What is taken over.


def test_another_label_set_gets_a_head_of_its_own(X, labels, source):
    clf = CNNClassifier(**NEXT, pretrained=FrozenEstimator(source)).fit(X, labels)
    assert list(clf.classes_) == ["a", "b", "c"]
    assert clf.predict_proba(X).shape == (60, 3)
    np.testing.assert_array_equal(clf.transform(X), source.transform(X))
    with torch.no_grad():
        found = clf.to_torch()(torch.tensor(X[:, None]))
    np.testing.assert_allclose(found, clf.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("kind", [CNNClassifier, CNNRegressor])
@pytest.mark.parametrize("source_kind", [CNNClassifier, CNNRegressor])
def test_classifiers_and_regressors_take_each_others_bodies(X, y, kind, source_kind):
    source = source_kind(**SMALL | {"max_iter": 15}).fit(X, y)
    reached = kind(**NEXT | {"max_iter": 20}, pretrained=FrozenEstimator(source)).fit(X, y)
    assert reached.score(X, y) > 0.8
    assert not changed(reached, source)


@pytest.mark.parametrize(
    "settings",
    [{}, {"architecture": "lenet"}, {"architecture": "efficientnetv2"}, {"n_members": 2}],
    ids=str,
)
def test_a_frozen_body_keeps_weights_and_statistics(X, y, labels, settings):
    source = CNNClassifier(**SMALL | settings).fit(X, y)
    start = {"pretrained": FrozenEstimator(source), "n_members": settings.get("n_members", 1)}
    for more in ({}, {"augment": "flip", "mixup": 0.2}, {"early_stopping": True}):
        clf = CNNClassifier(**NEXT | more, **start).fit(X // 2, labels)
        assert not changed(clf, source)
        assert clf.predict_proba(X).shape == (60, 3)


@pytest.mark.parametrize("solver", ["adamw", "adam", "sgd", "lbfgs"])
def test_a_body_that_is_not_frozen_learns_and_leaves_the_source_alone(X, labels, source, solver):
    before = copy.deepcopy(body_of(source))
    start = {"pretrained": FrozenEstimator(source), "freeze": "none", "solver": solver}
    start["batch_size"] = "auto" if solver == "lbfgs" else NEXT["batch_size"]
    clf = CNNClassifier(**NEXT | start).fit(X // 2, labels)
    assert changed(clf, source) == BLOCKS
    assert all(torch.equal(value, before[name]) for name, value in body_of(source).items())


@pytest.mark.parametrize("n_blocks", [0, 1, 2, 3])
def test_a_number_freezes_as_many_blocks_from_the_input(X, labels, source, n_blocks):
    clf = CNNClassifier(**NEXT, pretrained=FrozenEstimator(source), freeze=n_blocks)
    assert changed(clf.fit(X // 2, labels), source) == BLOCKS[n_blocks:]


def test_a_body_that_was_frozen_can_be_trained_further(X, y, labels, source):
    middle = CNNClassifier(**NEXT, pretrained=FrozenEstimator(source)).fit(X, labels)
    last = CNNClassifier(**NEXT, pretrained=FrozenEstimator(middle), freeze="none").fit(X, y)
    assert changed(last, source) == BLOCKS


def test_the_body_learns_at_a_rate_of_its_own(X, labels, source):
    moved = []
    for factor in (0.01, 0.1, 1.0):
        start = {"pretrained": FrozenEstimator(source), "freeze": "none"}
        clf = CNNClassifier(**NEXT, **start, body_learning_rate_factor=factor).fit(X, labels)
        name = "blocks.0.conv.weight"
        moved.append((body_of(clf)[name] - body_of(source)[name]).norm().item())
    assert moved[0] < 0.3 * moved[1]
    assert moved[1] < 0.3 * moved[2]


def test_clones_and_cross_validation_keep_what_was_learned(X, y, source):
    clf = CNNClassifier(**NEXT | {"max_iter": 5}, pretrained=FrozenEstimator(source))
    assert not changed(clone(clf).fit(X, y), source)
    noise = np.random.default_rng(0).integers(0, 256, X.shape).astype(np.uint8)
    untaught = CNNClassifier(**SMALL | {"max_iter": 1}).fit(noise, y)
    start_over = clone(clf).set_params(pretrained=FrozenEstimator(untaught))
    taught = cross_val_score(clf, X, y, cv=3).mean()
    assert taught > 0.95
    assert taught > cross_val_score(start_over, X, y, cv=3).mean() + 0.1


@pytest.mark.parametrize("architecture", ["resnet", "efficientnetv2"])
def test_dropout_and_random_numbers_are_the_new_ones(X, y, architecture):
    settings = {"architecture": architecture, "depth": (1, 2), "dropout": 0.5}
    source = CNNClassifier(**SMALL | settings).fit(X, y)
    before = source.net_.random.__getstate__()["states"]["cpu"][0]
    start = {"pretrained": FrozenEstimator(source), "freeze": "none", "dropout": 0.3}
    clf = CNNClassifier(**NEXT | {"random_state": 1}, **start).fit(X, y)
    body = clf.net_.module_.body
    assert body.dropout.rate == 0.3
    drawing = [module for module in body.modules() if hasattr(module, "random")]
    assert len(drawing) == (2 if architecture == "resnet" else 4)  # the body itself is one
    assert all(module.random is clf.net_.random for module in drawing)
    assert torch.equal(source.net_.random.__getstate__()["states"]["cpu"][0], before)
    frozen = [
        CNNClassifier(**NEXT, pretrained=FrozenEstimator(source), dropout=rate).fit(X, y)
        for rate in (0.0, 0.5)
    ]
    assert np.abs(frozen[0].predict_proba(X) - frozen[1].predict_proba(X)).max() > 1e-3


def test_lbfgs_drops_nothing(X, y):
    settings = {"architecture": "efficientnetv2", "depth": (1, 2), "dropout": 0.5}
    source = CNNClassifier(**SMALL | settings).fit(X, y)
    start = {"pretrained": FrozenEstimator(source), "freeze": "none", "dropout": 0.1}
    by_lbfgs = CNNClassifier(**NEXT | start | {"solver": "lbfgs", "batch_size": "auto"})
    network = by_lbfgs.fit(X, y).net_.module_.train()
    images = torch.tensor(X[None, :, None])
    assert torch.equal(network(images), network(images))
    body = source.net_.module_.train().body
    assert not torch.equal(body(images), body(images))


def test_float64_keeps_all_digits():
    noise = np.random.default_rng(0).normal(size=(30, 8, 8))
    X, y = 1e9 + noise, np.arange(30) % 2
    precise = {"precision": "float64", "max_iter": 1}
    source = CNNClassifier(**SMALL | precise).fit(X, y)
    clf = CNNClassifier(**NEXT | precise, pretrained=FrozenEstimator(source)).fit(X, y)
    np.testing.assert_array_equal(clf.transform(X), source.transform(X))
    embedded = source.net_.module_.body.embed(torch.tensor(X[None, :, None])).numpy()
    np.testing.assert_allclose(embedded[0, :, 0], (noise - noise.mean()) / noise.std(), atol=1e-6)


def test_statistics_that_nobody_needs_are_not_computed(X, y, source, monkeypatch):
    def refuse(images, weights):
        raise AssertionError("channel_statistics")

    monkeypatch.setattr("sklearn_modern._neural.inputs.channel_statistics", refuse)
    CNNClassifier(**NEXT, pretrained=FrozenEstimator(source)).fit(X, y)
    with pytest.raises(AssertionError, match="channel_statistics"):
        CNNClassifier(**SMALL).fit(X, y)


def test_a_pickle_works_without_the_source(X, labels, source):
    clf = CNNClassifier(**NEXT, pretrained=FrozenEstimator(source), freeze=1).fit(X, labels)
    expected, data = clf.predict_proba(X), pickle.dumps(clf)
    del clf, source
    gc.collect()
    loaded = pickle.loads(data)
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)
    np.testing.assert_array_equal(clone(loaded).fit(X, labels).predict_proba(X), expected)


def test_what_the_source_learns_later_changes_nothing(X, y, labels, source):
    clf = CNNClassifier(**NEXT, pretrained=FrozenEstimator(source)).fit(X, labels)
    expected = clf.predict_proba(X)
    source.partial_fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), expected)


@pytest.mark.parametrize("freeze", ["body", "none", 1])
def test_training_goes_on_exactly(X, labels, source, freeze):
    start = {"pretrained": FrozenEstimator(source), "freeze": freeze}
    settings = start | {"learning_rate": "constant"}
    whole = CNNClassifier(**NEXT, **settings).fit(X, labels)
    warm = CNNClassifier(**NEXT | {"max_iter": 2}, **settings, warm_start=True).fit(X, labels)
    parts = CNNClassifier(**NEXT, **settings)
    for _ in range(4):
        parts = pickle.loads(pickle.dumps(parts.partial_fit(X, labels)))
    loaded = pickle.loads(pickle.dumps(warm)).fit(X, labels)
    for other in (warm.fit(X, labels), loaded, parts):
        assert not changed(other, whole)
        np.testing.assert_array_equal(other.predict_proba(X), whole.predict_proba(X))


@pytest.mark.parametrize("freeze", ["body", "none"])
@pytest.mark.parametrize("precision", ["float64", "bfloat16"])
def test_other_precisions(X, y, source, precision, freeze):
    start = {"pretrained": FrozenEstimator(source), "precision": precision, "freeze": freeze}
    assert CNNClassifier(**NEXT | {"max_iter": 10}, **start).fit(X, y).score(X, y) > 0.9


def test_images_may_have_another_size_unless_the_source_needs_its_own(X, y, source):
    larger = np.tile(X, (1, 2, 1))
    clf = CNNClassifier(**NEXT, pretrained=FrozenEstimator(source)).fit(larger, y)
    assert clf.input_shape_ == (1, 16, 8)
    assert clf.predict(X).shape == (60,)
    own = CNNClassifier(**SMALL).fit(larger, y).net_.module_.body
    taken = clf.net_.module_.body
    assert (taken.products, taken.rows_together()) == (own.products, own.rows_together())
    lenet = FrozenEstimator(CNNClassifier(**SMALL | {"architecture": "lenet"}).fit(X, y))
    with pytest.raises(ValueError, match=r"\(1, 16, 8\), but pretrained was fitted to \(1, 8, 8\)"):
        CNNClassifier(**NEXT, pretrained=lenet).fit(larger, y)
    clf = CNNClassifier(**NEXT, pretrained=lenet).fit(X, y)
    with pytest.raises(ValueError, match=r"X has spatial shape \(16, 8\), but \(8, 8\) in fit"):
        clf.predict(larger)


# What is refused.


TABLE, TWO_ROWS = {"max_iter": 1, "device": "cpu"}, ([[0.0], [1.0]], [0, 1])
WRONG = {
    "a bare estimator": (
        lambda source: {"pretrained": source},
        "bare CNNClassifier, which clone would return unfitted.*FrozenEstimator",
    ),
    "a bare unfitted estimator": (lambda source: {"pretrained": clone(source)}, "FrozenEstimator"),
    "a frozen unfitted estimator": (
        lambda source: {"pretrained": FrozenEstimator(clone(source))},
        "holds a CNNClassifier that is not fitted yet",
    ),
    "a class": (lambda source: {"pretrained": CNNClassifier}, "must be a FrozenEstimator of"),
    "a name": (lambda source: {"pretrained": "resnet18"}, "pretrained='resnet18' must be a Froz"),
    "an estimator without a body": (
        lambda source: {"pretrained": FrozenEstimator(LogisticRegression())},
        "must be a FrozenEstimator of a fitted CNNClassifier",
    ),
    "an unfitted estimator with another body": (
        lambda source: {"pretrained": FrozenEstimator(MLPClassifier())},
        "holds a MLPClassifier that is not fitted yet",
    ),
    "a body for tables": (
        lambda source: {"pretrained": FrozenEstimator(MLPClassifier(**TABLE).fit(*TWO_ROWS))},
        r"rows of the shape \(1, 8, 8\), but pretrained was fitted to rows of another kind",
    ),
    "members": (
        lambda source: {"pretrained": FrozenEstimator(source), "n_members": 2},
        "n_members=2, but pretrained has 1",
    ),
    "too many blocks": (
        lambda source: {"pretrained": FrozenEstimator(source), "freeze": 4},
        "freeze=4, but pretrained has 3 blocks",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_start_is_refused(X, y, source, case):
    make, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        CNNClassifier(**NEXT, **make(source)).fit(X, y)


def test_images_must_have_the_channels_and_axes_of_the_source(X, y, source):
    clf = CNNClassifier(**NEXT, pretrained=FrozenEstimator(source))
    with pytest.raises(ValueError, match=r"\(3, 8, 8\), but pretrained was fitted to \(1, 8, 8\)"):
        clf.fit(np.stack([X] * 3, axis=1), y)
    with pytest.raises(ValueError, match=r"\(1, 64\), but pretrained was fitted to \(1, 8, 8\)"):
        clone(clf).set_params(spatial_dims=1).fit(X.reshape(60, -1), y)
