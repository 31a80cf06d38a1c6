"""What convolutional networks keep, go on from, pickle and export."""

import pickle
import random

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from skorch.callbacks import EpochScoring
from support.generated_images import stripes
from support.global_random import numpy_state, seed_numpy

from sklearn_modern.augmentation import RandomErasing
from sklearn_modern.neural_network import CNNClassifier, CNNRegressor

SMALL = {
    "architecture": "resnet",
    "width": 4,
    "depth": (1, 1),
    "dropout": 0.0,
    "batch_size": 16,
    "learning_rate": "constant",
    "learning_rate_init": 0.01,
    "max_iter": 4,
    "device": "cpu",
    "random_state": 0,
}


def slightly_noisy(batch, generator):
    return batch + 0.1 * torch.randn(batch.shape, generator=generator)


class SlightlyNoisy:
    """Its repr is its address, which no pickle keeps."""

    def __call__(self, batch, generator):
        return slightly_noisy(batch, generator)


# Everything random, and every solver with a memory.
STATEFUL = {
    "default": {},
    "dropout and transforms": {"dropout": 0.3, "augment": ["standard", "flip", "erase", "noise"]},
    "mixtures": {"mixup": 0.4, "cutmix": 1.0, "solver": "sgd"},
    "members": {
        "architecture": "efficientnetv2",
        "depth": (2, 2),
        "n_members": 2,
        "augment": "shift",
    },
    "a transform of one's own": {
        "architecture": "lenet",
        "augment": [slightly_noisy, SlightlyNoisy(), RandomErasing(0.3)],
        "mixup": 0.2,
    },
    "bfloat16": {"architecture": "vgg", "precision": "bfloat16", "augment": "rotate"},
}
each_state = pytest.mark.parametrize("settings", STATEFUL.values(), ids=list(STATEFUL))


@pytest.fixture
def X():
    return stripes()[0][:, 0]


@pytest.fixture
def y():
    return stripes()[1]


def through_pickle(estimator):
    return pickle.loads(pickle.dumps(estimator))


def assert_same_weights(estimator, other):
    state, expected = (e.net_.module_.state_dict() for e in (estimator, other))
    assert state.keys() == expected.keys()
    for name in state:
        np.testing.assert_array_equal(state[name], expected[name], err_msg=name)


# In parts.


@pytest.mark.parametrize("kind", [CNNClassifier, CNNRegressor])
@each_state
def test_partial_fit_is_fit_epoch_by_epoch(X, y, kind, settings):
    weight = np.linspace(0.5, 2, 60)
    whole = kind(**SMALL | settings).fit(X, y, sample_weight=weight)
    parts = kind(**SMALL | settings)
    for _ in range(4):
        parts.partial_fit(X, y, sample_weight=weight)
    assert_same_weights(parts, whole)
    assert parts.loss_curve_ == whole.loss_curve_


@each_state
def test_partial_fit_goes_on_exactly_after_a_pickle(X, y, settings):
    straight, pickled = CNNClassifier(**SMALL | settings), CNNClassifier(**SMALL | settings)
    for step in range(4):
        rows = slice(10 * step, 10 * step + 30)
        straight.partial_fit(X[rows], y[rows])
        pickled = through_pickle(pickled).partial_fit(X[rows], y[rows])
    assert_same_weights(pickled, straight)
    np.testing.assert_array_equal(pickled.predict_proba(X), straight.predict_proba(X))


@each_state
def test_a_warm_start_goes_on_also_after_a_pickle(X, y, settings):
    settings = SMALL | settings
    whole = CNNClassifier(**settings).fit(X, y)
    warm = CNNClassifier(**settings | {"max_iter": 2}, warm_start=True).fit(X, y)
    assert_same_weights(through_pickle(warm).fit(X, y), whole)
    assert_same_weights(warm.fit(X, y), whole)


@pytest.mark.parametrize(
    "changed", [{"architecture": "vgg"}, {"width": 5}, {"augment": "flip"}, {"cutmix": 0.5}]
)
def test_a_warm_start_refuses_another_network(X, y, changed):
    clf = CNNClassifier(**SMALL, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=f"{next(iter(changed))}=.* when this network was made"):
        clf.set_params(**changed).fit(X, y)


@pytest.mark.parametrize("other", [[1, 8, 8], (1, 8, 8), np.array([1, 8, 8])], ids=type)
def test_a_warm_start_takes_the_same_shape_in_any_sequence(X, y, other):
    clf = CNNClassifier(**SMALL, warm_start=True, input_shape=(1, 8, 8)).fit(X.reshape(60, -1), y)
    clf.set_params(input_shape=other).fit(X.reshape(60, -1), y)
    clf.set_params(input_shape=[1, 8, 8]).fit(X.reshape(60, -1), y)
    assert clf.n_iter_ == 12
    with pytest.raises(ValueError, match=r"input_shape=\(1, 4, 16\) was \(1, 8, 8\) when"):
        clf.set_params(input_shape=np.array([1, 4, 16])).fit(X.reshape(60, -1), y)


def test_a_fit_that_fails_leaves_no_network_for_other_images(X, y):
    clf = CNNClassifier(**SMALL).fit(X, y)
    with pytest.raises(ValueError, match="kernel_size=4"):
        clf.set_params(kernel_size=4).fit(X[:, :5], y)
    with pytest.raises(NotFittedError):
        clf.predict(X)
    assert clf.set_params(kernel_size=3).fit(X, y).predict(X).shape == (60,)


def test_fit_starts_again_whatever_was_before(X, y):
    clf = CNNClassifier(**SMALL).fit(X[:, :5], y).partial_fit(X[:, :5], y).fit(X, y)
    assert_same_weights(clf, CNNClassifier(**SMALL).fit(X, y))
    colours = np.stack([X] * 3, axis=1)
    assert clf.fit(colours, y).input_shape_ == (3, 8, 8)
    assert clf.n_features_in_ == 192


# Randomness.


def disturb_globals():
    random.seed(99)
    seed_numpy(99)
    torch.manual_seed(99)


def global_states():
    return random.getstate(), numpy_state(), torch.get_rng_state().tolist()


@pytest.mark.parametrize(
    "settings", [*STATEFUL.values(), {"early_stopping": True}], ids=[*STATEFUL, "early stopping"]
)
def test_the_random_state_decides_to_the_bit_whatever_the_global_seeds(X, y, settings):
    first = CNNClassifier(**SMALL | settings).fit(X, y)
    disturb_globals()
    before = global_states()
    second = clone(first).fit(X, y)
    second.predict(X)
    second.transform(X)
    second.to_torch()
    pickle.dumps(second)
    assert global_states() == before
    assert_same_weights(first, second)
    assert first.loss_curve_ == second.loss_curve_
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    other = CNNClassifier(**SMALL | settings | {"random_state": 1}).fit(X, y)
    assert np.abs(first.predict_proba(X) - other.predict_proba(X)).max() > 1e-3


# Pickles.


@each_state
def test_a_pickle_predicts_the_same(X, y, settings):
    clf = CNNClassifier(**SMALL | settings).fit(X, y)
    loaded = through_pickle(clf)
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    np.testing.assert_array_equal(loaded.transform(X), clf.transform(X))
    assert loaded.loss_curve_ == clf.loss_curve_


@pytest.mark.parametrize(
    "settings", [{}, {"early_stopping": True}, {"augment": ["standard", "noise"], "cutmix": 1.0}]
)
def test_a_pickle_does_not_grow_with_the_data(settings):
    sizes = []
    scoring = EpochScoring("accuracy", on_train=True, lower_is_better=False)
    for n in (100, 1000):
        X, y = stripes(n)
        brief = {"max_iter": 1, "batch_size": n, "callbacks": [scoring]}
        clf = CNNClassifier(**SMALL | brief | settings).fit(X, y)
        clf.predict(X)
        sizes.append(len(pickle.dumps(clf)))
    assert sizes[1] < sizes[0] + 1000
    weights = 4 * sum(p.numel() for p in clf.net_.module_.parameters())
    assert sizes[0] < weights + 30_000
    assert len(pickle.dumps(clone(clf))) < 3000


# As a bare module.


EXPORTED = {
    **{name: (CNNClassifier, {"architecture": name}) for name in ("lenet", "vgg", "resnet")},
    "se_resnet": (CNNClassifier, {"architecture": "se_resnet", "bottleneck": True}),
    "efficientnetv2": (CNNClassifier, {"architecture": "efficientnetv2", "depth": (1, 2)}),
    "large stem": (CNNClassifier, {"stem": "large", "depth": None}),
    "members": (CNNClassifier, {"n_members": 3}),
    "labels": (CNNClassifier, {}),
    "float64": (CNNRegressor, {"precision": "float64"}),
    "bfloat16": (CNNRegressor, {"precision": "bfloat16"}),
    "quantiles": (CNNRegressor, {"loss": "quantile", "quantiles": (0.1, 0.5, 0.9)}),
    "gaussian": (CNNRegressor, {"loss": "gaussian"}),
}


def predicted(estimator, X):
    if hasattr(estimator, "predict_proba"):
        return estimator.predict_proba(X)
    if estimator.loss == "quantile":
        return estimator.predict_quantiles(X)
    if estimator.loss == "gaussian":
        return np.stack(estimator.predict(X, return_std=True), axis=-1)[:, None]
    return estimator.predict(X)[:, None]


@pytest.mark.parametrize("case", EXPORTED)
def test_to_torch_predicts_the_same_and_can_be_exported(X, y, case):
    kind, settings = EXPORTED[case]
    targets = np.column_stack([y, 1 - y, y]) if case == "labels" else y
    estimator = kind(**SMALL | {"dropout": 0.3} | settings).fit(X, targets)
    expected = predicted(estimator, X)
    module = estimator.to_torch()
    pixels = torch.tensor(X[:, None])
    rows = torch.export.Dim("rows", min=2)
    for inputs in (pixels, pixels.float()):
        exported = torch.export.export(module, (inputs,), dynamic_shapes=[{0: rows}]).module()
        with torch.no_grad():
            np.testing.assert_allclose(module(inputs), expected, rtol=1e-4, atol=1e-5)
            some = exported(inputs[:9])
        np.testing.assert_allclose(some, expected[:9], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n_axes", [1, 3])
def test_signals_and_volumes_can_be_exported(n_axes):
    X, y = stripes(side=6, n_axes=n_axes, channels=2)
    clf = CNNClassifier(**SMALL, spatial_dims=n_axes).fit(X, y)
    inputs = torch.tensor(X)
    rows = torch.export.Dim("rows", min=2)
    exported = torch.export.export(clf.to_torch(), (inputs,), dynamic_shapes=[{0: rows}])
    with torch.no_grad():
        found = exported.module()(inputs[:7])
    np.testing.assert_allclose(found, clf.predict_proba(X[:7]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_to_torch_takes_numbers_of_any_type(X, y, precision):
    clf = CNNClassifier(**SMALL | {"precision": precision}).fit(X, y)
    module, expected = clf.to_torch(), clf.predict_proba(X)
    pixels = torch.tensor(X[:, None])
    for dtype in (torch.uint8, torch.int16, torch.int64, torch.float16, torch.float64):
        with torch.no_grad():
            found = module(pixels.to(dtype))
        np.testing.assert_allclose(found, expected, atol=1e-6, err_msg=str(dtype))
    black_and_white = X > 128
    with torch.no_grad():
        found = module(torch.tensor(black_and_white[:, None]))
    np.testing.assert_allclose(found, clf.predict_proba(black_and_white), atol=1e-6)


def test_to_torch_is_a_copy_that_later_training_leaves_alone(X, y):
    clf = CNNClassifier(**SMALL | {"dropout": 0.5}).fit(X, y)
    module, inputs = clf.to_torch(), torch.tensor(X[:, None])
    assert not module.training
    before = module(inputs).detach()
    clf.partial_fit(X, y)
    assert torch.equal(module(inputs), before)
    assert np.abs(clf.predict_proba(X) - before.numpy()).max() > 1e-4
