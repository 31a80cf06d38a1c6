"""Vision transformers as estimators; tests/networks has the networks by themselves."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from support.generated_images import stripes

from sklearn_modern.neural_network import CNNClassifier, ViTClassifier, ViTRegressor

SMALL = {
    "width": 8,
    "depth": 1,
    "n_heads": 2,
    "dropout": 0.0,
    "batch_size": 16,
    "learning_rate_init": 0.02,
    "max_iter": 8,
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture(scope="module")
def X():
    return stripes()[0][:, 0]


@pytest.fixture(scope="module")
def y():
    return stripes()[1]


@pytest.fixture(scope="module")
def source(X, y):
    return ViTClassifier(**SMALL).fit(X, y)


@pytest.mark.parametrize("patches", ["convolution", "linear"])
def test_tells_stripes_apart(X, y, patches):
    clf = ViTClassifier(**SMALL | {"max_iter": 20}, patches=patches).fit(X, y)
    assert clf.score(X, y) > 0.9
    assert clf.transform(X).shape == (len(X), 8)


def test_flat_rows_and_other_layouts_are_the_same_images(X, y, source):
    shape = (1, *X.shape[1:])
    flat = ViTClassifier(**SMALL, input_shape=shape).fit(X.reshape(len(X), -1), y)
    last = ViTClassifier(**SMALL, channels="last").fit(X[..., None], y)
    expected = source.predict_proba(X)
    np.testing.assert_array_equal(flat.predict_proba(X.reshape(len(X), -1)), expected)
    np.testing.assert_array_equal(last.predict_proba(X[..., None]), expected)


def test_members_are_the_fits_alone(X, y):
    settings = SMALL | {"precision": "float64", "dropout": 0.2}
    two = ViTClassifier(**settings, n_members=2).fit(X, y)
    seeds = two.body_.random.seeds
    one = ViTClassifier(**settings).fit(X, y)
    assert one.body_.random.seeds == seeds[:1]
    np.testing.assert_allclose(two.transform(X)[:, :8], one.transform(X), rtol=1e-7, atol=1e-9)


def test_searches_fit_what_separate_fits_do(X, y):
    search = GridSearchCV(ViTClassifier(**SMALL), {"alpha": [0.0, 0.1]}, cv=2).fit(X, y)
    alone = clone(search.estimator).set_params(**search.best_params_).fit(X, y)
    np.testing.assert_array_equal(search.predict_proba(X), alone.predict_proba(X))


def test_goes_on_from_a_fitted_one(X, source):
    labels = np.array(["a", "b", "c"])[np.arange(len(X)) % 3]
    before = source.transform(X)
    again = ViTClassifier(**SMALL, pretrained=FrozenEstimator(source)).fit(X, labels)
    np.testing.assert_array_equal(again.transform(X), before)
    tuned = ViTClassifier(**SMALL, pretrained=FrozenEstimator(source), freeze=1).fit(X, labels)
    weights = source.body_.state_dict()
    moved = {
        name.split(".")[0]
        for name, value in tuned.body_.state_dict().items()
        if not torch.equal(value, weights[name])
    }
    assert moved == {"blocks", "pooling"}
    regressor = ViTRegressor(**SMALL, pretrained=FrozenEstimator(source)).fit(X, X.mean((1, 2)))
    np.testing.assert_array_equal(regressor.transform(X), before)
    with pytest.raises(ValueError, match="freeze=4, but pretrained has 3 blocks"):
        ViTClassifier(**SMALL, pretrained=FrozenEstimator(source), freeze=4).fit(X, labels)


def test_networks_of_other_kinds_and_sizes(X, y, source):
    cnn = CNNClassifier(width=4, max_iter=1, device="cpu", random_state=0).fit(X, y)
    clf = ViTClassifier(**SMALL, pretrained=FrozenEstimator(cnn)).fit(X, y)
    np.testing.assert_array_equal(clf.transform(X), cnn.transform(X))
    larger = np.pad(X, [(0, 0), (0, 3), (0, 5)])
    clf = ViTClassifier(**SMALL, pretrained=FrozenEstimator(source)).fit(larger, y)
    np.testing.assert_array_equal(clf.transform(larger), source.transform(larger))
    with pytest.raises(ValueError, match="rows of the shape .*, but pretrained was fitted to"):
        ViTClassifier(**SMALL, pretrained=FrozenEstimator(source)).fit(np.stack([X, X], 1), y)


def test_to_torch_has_the_probabilities(X, source):
    images = torch.from_numpy(X[:, None])
    module = source.to_torch()
    expected = source.predict_proba(X)
    np.testing.assert_allclose(module(images).detach(), expected, rtol=1e-5, atol=1e-6)
    rows = {"x": {0: torch.export.Dim.DYNAMIC}}
    program = torch.export.export(module, (images[:5],), dynamic_shapes=rows)
    exported = program.module()(images).detach()
    np.testing.assert_allclose(exported, expected, rtol=1e-5, atol=1e-6)


def test_augmentation_and_mixtures_change_the_training(X, y):
    plain = ViTClassifier(**SMALL | {"max_iter": 1}).fit(X, y)
    for change in ({"augment": "shift"}, {"cutmix": 1.0}, {"mixup": 0.5}, {"dropout": 0.3}):
        other = ViTClassifier(**SMALL | change | {"max_iter": 1}).fit(X, y)
        assert other.loss_curve_ != plain.loss_curve_


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_heads": 3}, "n_heads=3 must divide width=8, as 1, 2, 4, 8 do"),
        ({"patch_size": 100}, "patch_size=100.*is smaller than a patch"),
        ({"patch_size": 3}, "patch_size=3 must be a power of two"),
        ({"patch_size": "large"}, "'patch_size' parameter of ViTClassifier must be"),
        ({"patches": "square"}, "'patches' parameter of ViTClassifier must be"),
        ({"pooling": "max"}, "'pooling' parameter of ViTClassifier must be"),
        ({"depth": (1, 1)}, "'depth' parameter of ViTClassifier must be"),
    ],
)
def test_bad_parameters(X, y, settings, message):
    with pytest.raises(ValueError, match=message):
        ViTClassifier(**SMALL | settings).fit(X, y)
