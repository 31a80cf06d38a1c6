"""Images go in in every layout and type, and what is wrong with them is said."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback
from support.generated_images import stripes

from sklearn_modern.augmentation import RandomFlip
from sklearn_modern.networks.convnet import ConvNet
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


# Layouts.


def layouts(images):
    """Yield all that users call the images (n, channels, *spatial)."""
    n_axes, channels = images.ndim - 2, images.shape[1]
    last, flat = np.moveaxis(images, 1, -1), {"input_shape": images.shape[1:]}
    said = {"spatial_dims": n_axes}
    yield "channels first", images, said
    yield "channels last", last, said | {"channels": "last"}
    yield "flat", images.reshape(len(images), -1), flat
    yield "flat, last", last.reshape(len(images), -1), flat | {"channels": "last"}
    yield "frame", pd.DataFrame(images.reshape(len(images), -1)), flat
    yield "list", list(images), said
    if n_axes > 1:
        yield "channels first, auto", images, {}
        yield "channels last, auto", last, {"channels": "last"}
    if channels == 1:
        yield "no channels", images[:, 0], said
        yield "no channels, last", images[:, 0], said | {"channels": "last"}
        if n_axes < 3:
            yield "no channels, auto", images[:, 0], {}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("n_axes", [1, 2, 3])
def test_all_layouts_of_the_same_images_give_the_same_model(n_axes, channels):
    images, codes = stripes(36, side=6, n_axes=n_axes, channels=channels)
    if channels > 1:
        images[:, 1] //= 2  # else nobody would see channels change places
    expected = None
    for name, X, settings in layouts(images):
        clf = CNNClassifier(**BRIEF, **settings).fit(X, codes)
        assert clf.input_shape_ == images.shape[1:], name
        assert clf.n_features_in_ == images[0].size, name
        predicted = clf.predict_proba(X)
        expected = predicted if expected is None else expected
        np.testing.assert_allclose(predicted, expected, rtol=0, atol=1e-5, err_msg=name)


def test_flat_rows_pass_a_pipeline(X, y):
    clf = CNNClassifier(**SMALL, input_shape=(1, 8, 8))
    pipeline = make_pipeline(StandardScaler(), clf).fit(X.reshape(60, -1), y)
    assert pipeline.score(X.reshape(60, -1), y) > 0.9
    assert pipeline[-1].input_shape_ == (1, 8, 8)
    assert pipeline[-1].n_features_in_ == 64


# Bytes.


class Seen(Callback):
    """Keeps the data that a training works on."""

    def __init__(self):
        self.x = []

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        self.x.append(X.source.whole().x)


@pytest.mark.parametrize("layout", list(layouts(stripes(channels=3)[0]))[:4])
def test_bytes_are_held_once_at_a_byte_a_pixel(layout):
    _, X, settings = layout
    X, seen = X.copy(), Seen()
    CNNClassifier(**BRIEF, **settings, callbacks=[seen]).fit(X, stripes()[1])
    assert seen.x[0].dtype == torch.uint8
    assert np.shares_memory(seen.x[0].numpy(), X)


@pytest.mark.gpu
def test_bytes_stay_bytes_on_a_gpu(X, y):
    seen = Seen()
    CNNClassifier(**BRIEF | {"device": "cuda"}, callbacks=[seen]).fit(X, y)
    assert seen.x[0].dtype == torch.uint8
    assert seen.x[0].device == torch.device("cuda:0")


def test_bytes_are_never_all_floats():
    X, y = np.zeros((800, 48, 48), dtype=np.uint8), np.arange(800) % 2
    X[1::2, ::2] = 200
    clf = CNNClassifier(**BRIEF | {"width": 1, "max_iter": 1})
    clf.fit(X, y).predict(X)  # what a process loads with its first fit is not of the images
    peaks = []
    for _ in range(3):  # of which the least, as a process has more to do than the fit
        tracemalloc.start()
        try:
            clf.fit(X, y).predict(X)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert min(peaks) < 0.8 * X.nbytes  # mostly chunks that the statistics are computed from


def test_bytes_equal_the_same_numbers_in_any_type(X, y):
    clf = CNNClassifier(**BRIEF).fit(X, y)
    expected = clf.predict_proba(X)
    for dtype in (np.float32, np.float64, np.int64, ">i2"):
        np.testing.assert_array_equal(clf.predict_proba(X.astype(dtype)), expected)
        again = CNNClassifier(**BRIEF).fit(X.astype(dtype), y)
        np.testing.assert_array_equal(again.predict_proba(X), expected)


def test_units_of_pixels_make_no_difference(X, y):
    expected = CNNClassifier(**BRIEF).fit(X, y).predict_proba(X)
    scaled = X / 255 - 7
    found = CNNClassifier(**BRIEF).fit(scaled, y).predict_proba(scaled)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


VIEWS = {
    "read-only": read_only,
    "backwards": lambda X: X[::-1].copy()[::-1],
    "mirrored": lambda X: X[..., ::-1].copy()[..., ::-1],
    "every second": lambda X: np.repeat(X, 2, axis=0)[::2],
    "columns first": np.asfortranarray,
    "broadcast": lambda X: np.broadcast_to(X, (2, *X.shape))[1],
}


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("view", VIEWS)
def test_views_are_read_and_left_alone(X, y, view, dtype):
    X = X.astype(dtype)
    expected = CNNClassifier(**BRIEF).fit(X, y).predict_proba(X)
    seen = VIEWS[view](X)
    np.testing.assert_array_equal(CNNClassifier(**BRIEF).fit(seen, y).predict_proba(seen), expected)
    np.testing.assert_array_equal(seen, X)


# What is refused.


def ragged(X):
    array = np.empty(len(X), dtype=object)
    array[:] = [image[:5] if i == 3 else image for i, image in enumerate(X)]
    return array


def with_pixel(X, value):
    X = X.astype(float)
    X[3, 4, 5] = value
    return X


FLAT = {"input_shape": (1, 8, 8)}
BAD_IMAGES = {
    "one axis": (lambda X: X[:, 0, 0], {}, "Expected 2D array, got 1D array"),
    "six axes": (lambda X: X[:, None, None, None], {}, "X has 6 axes, but should have 2 .* 5 "),
    "flat without a shape": (
        lambda X: X.reshape(60, -1),
        {"spatial_dims": 2},
        "X has 2 axes.*flat rows .* need input_shape",
    ),
    "input_shape and images": (lambda X: X, FLAT, "X has 3 axes, but must be flat"),
    "input_shape of another size": (
        lambda X: X.reshape(60, -1)[:, :-1],
        FLAT,
        r"input_shape=\(1, 8, 8\) makes 64 features, but X has 63",
    ),
    "input_shape of other axes": (
        lambda X: X.reshape(60, -1),
        FLAT | {"spatial_dims": 1},
        r"input_shape=\(1, 8, 8\) has 2 spatial axes .*, but spatial_dims=1",
    ),
    "NaN": (lambda X: with_pixel(X, np.nan), {}, "Input X contains NaN in 1 of 60 rows"),
    "infinity": (lambda X: with_pixel(X, -np.inf), {}, "infinity .* in 1 of 60 rows"),
    "ragged": (ragged, {}, r"rows of different shapes: \(8, 8\) in row 0, \(5, 8\) in row 3"),
    "ragged list": (lambda X: list(ragged(X)), {}, r"shapes: \(8, 8\) in row 0, \(5, 8\) in"),
    "text": (lambda X: X.astype(str), {}, "dtype <U.* is not numeric"),
    "complex": (lambda X: X * 1j, {}, "Complex data not supported"),
    "no rows": (lambda X: X[:0], {}, r"0 sample\(s\)"),
    "no pixels": (lambda X: X[:, :0], {}, "axis 1 must not have length 0"),
}


@pytest.mark.parametrize("kind", [CNNClassifier, CNNRegressor])
@pytest.mark.parametrize("case", BAD_IMAGES)
def test_bad_images_are_refused_in_fit(X, y, kind, case):
    spoil, settings, message = BAD_IMAGES[case]
    bad = spoil(X)
    y = y if kind is CNNClassifier else np.arange(60.0)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        kind(**BRIEF, **settings).fit(bad, y[: len(bad)])


def test_sparse_rows_are_refused(X, y):
    with pytest.raises(TypeError, match="sparse matrix, but CNNClassifier takes dense data only"):
        CNNClassifier(**BRIEF, **FLAT).fit(sp.csr_matrix(X.reshape(60, -1)), y)


LATER = {
    "two axes": (lambda X: X.reshape(60, -1), "X has 2 axes, but should have 3 .* as in fit"),
    "five axes": (lambda X: X[:, None, None], "X has 5 axes, but should have 3 .* as in fit"),
    "channels": (lambda X: np.stack([X] * 3, 1), r"X has 3 channel\(s\), but 1 in fit"),
    "size": (lambda X: X[:, 1:], r"X has spatial shape \(7, 8\), but \(8, 8\) in fit"),
    **{case: BAD_IMAGES[case][::2] for case in ("NaN", "infinity", "ragged", "text", "no rows")},
}


@pytest.mark.parametrize("method", ["predict", "predict_proba", "transform"])
@pytest.mark.parametrize("case", LATER)
def test_bad_images_are_refused_later(X, y, method, case):
    spoil, message = LATER[case]
    clf = CNNClassifier(**BRIEF | {"architecture": "lenet"}).fit(X, y)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        getattr(clf, method)(spoil(X))
    with pytest.raises(ValueError, match=f"(?s){message}"):
        clf.fit(X, y, X_val=spoil(X), y_val=y[: len(spoil(X))])


def test_flat_rows_of_another_length_are_refused(X, y):
    clf = CNNClassifier(**BRIEF, **FLAT).fit(X.reshape(60, -1), y)
    with pytest.raises(ValueError, match="X has 63 features, but CNNClassifier is expecting 64"):
        clf.predict(X.reshape(60, -1)[:, 1:])
    with pytest.raises(ValueError, match="X has 3 axes, but was flat .* in fit"):
        clf.predict(X)


@pytest.mark.parametrize("architecture", ["vgg", "resnet", "se_resnet", "efficientnetv2"])
def test_other_sizes_just_work_where_features_are_means(X, y, architecture):
    clf = CNNClassifier(**SMALL | {"architecture": architecture}).fit(X, y)
    assert clf.score(np.tile(X, (1, 2, 3)), y) > 0.9
    for shape in [(3, 8), (1, 1), (9, 5)]:
        assert np.isfinite(clf.predict_proba(np.ones((2, *shape)))).all()
    before = clf.loss_curve_[-1]
    clf.partial_fit(np.tile(X, (1, 2, 1)), y)
    assert clf.loss_curve_[-1] < before + 0.2


def test_larger_images_are_evaluated_in_fewer_rows(X, y, monkeypatch):
    """Memory is for one chunk, however large the images are."""
    clf, seen = CNNClassifier(**BRIEF).fit(X, y), []
    rows = clf.net_.module_.body.rows_together()
    trunk = ConvNet.trunk

    def watched(body, embedded, given):
        if not body.training:
            seen.append(embedded.shape[1:])
        return trunk(body, embedded, given)

    monkeypatch.setattr(ConvNet, "trunk", watched)
    larger = np.tile(X[:20], (1, 40, 40))
    assert rows * 64 < larger.size
    clf.predict(larger)
    clf.fit(X, y, X_val=larger, y_val=y[:20])
    chunks = [shape for shape in seen if shape[2:] == (320, 320)]
    assert sum(shape[0] for shape in chunks) == 20 * (1 + 2)  # two epochs
    assert all(shape.numel() <= rows * 64 for shape in chunks)


BAD_PARAMETERS = [
    ({"architecture": "alexnet"}, "architecture"),
    ({"width": 0}, "width"),
    ({"depth": 0}, "depth"),
    ({"depth": (1, 0)}, "depth"),
    ({"depth": (1, 1.5)}, "depth"),
    ({"depth": ()}, "depth"),
    ({"depth": 9}, r"depth=9 halves each axis 8 times.*\(8, 8\) can be halved 3 times"),
    ({"depth": (1,) * 9}, r"depth=\(1, 1, .*8 times.*\(8, 8\) can be halved 3"),
    (
        {"depth": 3, "stem": "large"},
        "depth=3 halves each axis 4 times, two of them in the large stem",
    ),
    ({"depth": True}, "depth=True must be a number of stages"),
    ({"kernel_size": 4}, "kernel_size=4 must be odd"),
    ({"stem": "huge"}, "stem"),
    ({"bottleneck": True, "architecture": "vgg"}, "bottleneck=True is for .*resnet"),
    ({"dropout": 1.0}, "dropout"),
    ({"spatial_dims": 4}, "spatial_dims"),
    ({"channels": "middle"}, "channels"),
    ({"input_shape": (64,)}, "input_shape"),
    ({"cutmix": -1.0}, "cutmix"),
    ({"freeze": "head"}, "freeze"),
    ({"freeze": True}, "freeze=True must be .* number of blocks"),
    ({"body_learning_rate_factor": 0.0}, "body_learning_rate_factor"),
    ({"augment": "zoom"}, "augment has 'zoom'; it may have .*'rotate'"),
    ({"augment": ("flip", 2.0)}, "strength=2.0"),
    ({"augment": ("standard", 0.1)}, "strength for 'standard'"),
    ({"augment": 5}, "augment has 5"),
    ({"augment": RandomFlip}, "augment has <class"),
    ({"augment": "mixup"}, "parameter of the estimator, mixup="),
    ({"augment": lambda batch, generator: batch[:2]}, "lambda.* must return what it got"),
    ({"augment": lambda batch, generator: None}, "but returned a NoneType"),
    ({"augment": lambda batch, generator: batch.numpy()}, "but returned a ndarray"),
    (
        {"augment": lambda batch, generator: batch.double()},
        r"lambda.* a tensor of torch.float32 .*, but returned a tensor of torch.float64 and",
    ),
    (
        {"solver": "lbfgs", "batch_size": "auto", "augment": "flip"},
        "augment='flip' has no effect with solver='lbfgs'",
    ),
    (
        {"solver": "lbfgs", "batch_size": "auto", "mixup": 0.2},
        "mixup=0.2 has no effect with solver='lbfgs'",
    ),
    (
        {"solver": "lbfgs", "batch_size": "auto", "cutmix": 0.2},
        "cutmix=0.2 has no effect with solver='lbfgs'",
    ),
]


@pytest.mark.parametrize(("settings", "message"), BAD_PARAMETERS)
def test_a_wrong_parameter_is_named(X, y, settings, message):
    with pytest.raises(ValueError, match=message):
        CNNClassifier(**BRIEF | settings).fit(X, y)
