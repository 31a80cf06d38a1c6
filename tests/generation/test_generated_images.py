"""Made images: in the layout and the range of the fit, given labels."""

import numpy as np
import pytest
import torch
from support.global_random import numpy_state

from sklearn_modern.decomposition import CNNVariationalAutoencoder
from sklearn_modern.generation import DCGAN, CNNFlowMatching

TINY = {"width": 4, "max_iter": 1, "device": "cpu", "random_state": 0}
each_kind = pytest.mark.parametrize("kind", [CNNFlowMatching, DCGAN])


def halves(n=300):
    """Draw images of which one half is bright, by the label."""
    rng = np.random.default_rng(0)
    y = rng.choice(["left", "right"], n, p=[0.3, 0.7])
    X = rng.uniform(0, 40, size=(n, 6, 6))
    X[y == "left", :, :3] += 200
    X[y == "right", :, 3:] += 200
    return X.astype(np.uint8), y


@each_kind
@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((7, 5), {}),
        ((7, 5, 3), {"channels": "last"}),
        ((2, 9), {"spatial_dims": 1}),
        ((2, 4, 5, 3), {}),
        ((24,), {"input_shape": (2, 4, 3)}),
        ((8, 8), {"n_members": 2, "precision": "float64"}),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images_have_the_layout_and_the_range_of_the_fit(kind, shape, settings, dtype):
    X = np.random.default_rng(0).integers(10, 90, size=(20, *shape)).astype(dtype)
    made = kind(**TINY | settings).fit(X).sample(5, random_state=0)
    assert made.shape == (5, *shape)
    assert made.dtype == dtype
    assert made.min() >= X.min()
    assert made.max() <= X.max()
    assert made.std() > 0


@each_kind
def test_images_depend_on_labels(kind):
    X, y = halves()
    model = kind(conditional=True, **TINY | {"width": 8, "max_iter": 30, "batch_size": 32})
    model.fit(X, y)
    for label, bright in (("left", np.s_[:, :, :3]), ("right", np.s_[:, :, 3:])):
        rows, labels = model.sample(60, label, random_state=0)
        assert (labels == label).all()
        other = np.s_[:, :, 3:] if label == "left" else np.s_[:, :, :3]
        assert rows[bright].mean() > 170
        assert rows[other].mean() < 70
    _, labels = model.sample(1000, random_state=0)
    assert abs((labels == "left").mean() - (y == "left").mean()) < 0.06


@each_kind
def test_no_global_random_state_is_touched(kind):
    X, y = halves(40)
    before = numpy_state(), torch.get_rng_state()
    model = kind(conditional=True, **TINY).fit(X, y)
    first, labels = model.sample(7, random_state=3)
    assert numpy_state() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    again, same = model.sample(7, random_state=3)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(labels, same)


@each_kind
def test_bad_sizes_are_refused(kind):
    X, _ = halves(20)
    for name in ("width", "depth"):
        with pytest.raises(ValueError, match=name):
            kind(**TINY | {name: 0}).fit(X)
    with pytest.raises(ValueError, match=r"NaN|missing"):
        kind(**TINY).fit(np.where(X > 30, np.nan, X))


@pytest.mark.parametrize("kind", [CNNFlowMatching, DCGAN, CNNVariationalAutoencoder])
def test_boolean_images_come_back_as_such(kind):
    X = np.random.default_rng(0).uniform(size=(20, 6, 6)) < 0.5
    made = kind(**TINY).fit(X).sample(5, random_state=0)
    assert made.dtype == bool
    assert 0 < made.mean() < 1
