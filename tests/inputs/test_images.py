"""Images in every layout, what is refused with which words, and statistics against numpy."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.base import BaseEstimator

from sklearn_modern._inputs import images as reading
from sklearn_modern._inputs.images import SpatialReader, channel_statistics


class Network(BaseEstimator):
    pass


def numbers(*shape, dtype=np.float32):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def read(X, **settings):
    return SpatialReader(**settings).fit_transform(Network(), X)


def refit(fitted, X, *, any_size=False, **settings):
    """Fit on one array and read another."""
    estimator, reader = Network(), SpatialReader(**settings)
    reader.fit_transform(estimator, fitted)
    return reader.transform(estimator, X, any_size=any_size)


# settings, the shape of X, and how the result's axes come out of it
LAYOUTS = [
    ({}, (4, 6), lambda X: X.reshape(4, 1, 6)),
    ({}, (4, 5, 6), lambda X: X.reshape(4, 1, 5, 6)),
    ({}, (4, 3, 5, 6), lambda X: X),
    ({}, (4, 2, 3, 5, 6), lambda X: X),
    ({"spatial_dims": 1}, (4, 6), lambda X: X.reshape(4, 1, 6)),
    ({"spatial_dims": 1}, (4, 5, 6), lambda X: X),
    ({"spatial_dims": 2}, (4, 5, 6), lambda X: X.reshape(4, 1, 5, 6)),
    ({"spatial_dims": 2}, (4, 3, 5, 6), lambda X: X),
    ({"spatial_dims": 3}, (4, 3, 5, 6), lambda X: X.reshape(4, 1, 3, 5, 6)),
    ({"spatial_dims": 3}, (4, 2, 3, 5, 6), lambda X: X),
    ({"channels": "last"}, (4, 6), lambda X: X.reshape(4, 1, 6)),
    ({"channels": "last"}, (4, 5, 6), lambda X: X.reshape(4, 1, 5, 6)),
    ({"channels": "last"}, (4, 5, 6, 3), lambda X: X.transpose(0, 3, 1, 2)),
    ({"channels": "last"}, (4, 2, 5, 6, 3), lambda X: X.transpose(0, 4, 1, 2, 3)),
    ({"channels": "last", "spatial_dims": 1}, (4, 5, 3), lambda X: X.transpose(0, 2, 1)),
    ({"channels": "last", "spatial_dims": 3}, (4, 3, 5, 6), lambda X: X[:, None]),
    ({"input_shape": (3, 10)}, (4, 30), lambda X: X.reshape(4, 3, 10)),
    ({"input_shape": [3, 2, 5]}, (4, 30), lambda X: X.reshape(4, 3, 2, 5)),
    ({"input_shape": np.array([1, 3, 2, 5])}, (4, 30), lambda X: X.reshape(4, 1, 3, 2, 5)),
    ({"input_shape": (3, 2, 5), "spatial_dims": 2}, (4, 30), lambda X: X.reshape(4, 3, 2, 5)),
    (
        {"input_shape": (3, 2, 5), "channels": "last"},
        (4, 30),
        lambda X: X.reshape(4, 2, 5, 3).transpose(0, 3, 1, 2),
    ),
]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize(("settings", "shape", "arrange"), LAYOUTS)
def test_layouts(settings, shape, arrange, dtype):
    X = numbers(*shape, dtype=dtype)
    X.flags.writeable = False
    expected = arrange(X)
    estimator, reader = Network(), SpatialReader(**settings)
    images = reader.fit_transform(estimator, X)
    assert images.dtype == dtype
    assert np.shares_memory(images, X)
    np.testing.assert_array_equal(images, expected)
    assert reader.shape == expected.shape[1:]
    assert estimator.n_features_in_ == X[0].size
    for known in (reader, pickle.loads(pickle.dumps(reader))):
        np.testing.assert_array_equal(known.transform(estimator, X[1:]), expected[1:])


@pytest.mark.parametrize("shape", [(4, 6), (4, 5, 6)])
@pytest.mark.parametrize("asked", [np.float32, np.float64])
@pytest.mark.parametrize(
    "dtype", [bool, np.int8, np.uint16, np.int64, np.float16, ">f4", "f8", "O"]
)
def test_other_types_become_floats(shape, asked, dtype):
    X = numbers(*shape).astype(dtype)
    images = read(X, dtype=asked)
    assert images.dtype == asked
    np.testing.assert_array_equal(images[:, 0], X.astype(np.float64))
    assert np.shares_memory(images, X) == (X.dtype == asked)


def test_the_same_image_with_and_without_a_channel_axis():
    grey = numbers(4, 5, 6)
    np.testing.assert_array_equal(refit(grey, grey[:, None]), grey[:, None])
    np.testing.assert_array_equal(refit(grey[:, None], grey), grey[:, None])
    signals = numbers(4, 6)
    np.testing.assert_array_equal(
        refit(signals[:, None], signals, spatial_dims=1), signals[:, None]
    )


class WithArray:
    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


def objects(X):
    """A one-dimensional array whose elements are arrays."""
    array = np.empty(len(X), dtype=object)
    array[:] = list(X)
    return array


CONTAINERS = [list, tuple, np.ndarray.tolist, objects, lambda X: pd.Series(list(X)), WithArray]


@pytest.mark.parametrize("shape", [(4, 6), (4, 5, 6), (4, 3, 5, 6)])
@pytest.mark.parametrize("container", CONTAINERS)
def test_containers(shape, container):
    X = numbers(*shape)
    np.testing.assert_array_equal(read(container(X)), read(X))


def test_objects_in_several_axes_may_be_signals():
    X = numbers(4, 2, 6)
    signals = np.empty((4, 2), dtype=object)
    signals[:] = [list(row) for row in X]
    np.testing.assert_array_equal(read(signals, spatial_dims=1), X)


@pytest.mark.parametrize("shape", [(4, 6), (4, 5, 6)])
def test_a_list_of_bytes_stays_bytes(shape):
    assert read(list(numbers(*shape, dtype=np.uint8))).dtype == np.uint8


@pytest.mark.parametrize("shape", [(4, 6), (4, 3, 5, 6)])
def test_torch_tensors(shape):
    X = numbers(*shape)
    tensor = torch.from_numpy(X)
    np.testing.assert_array_equal(read(tensor), read(X))
    np.testing.assert_array_equal(read(list(tensor)), read(X))
    assert np.shares_memory(read(tensor), X)


def test_feature_names_are_kept_for_frames_only():
    frame = pd.DataFrame(numbers(4, 6), columns=list("abcdef"))
    estimator, reader = Network(), SpatialReader(input_shape=(2, 3))
    np.testing.assert_array_equal(
        reader.fit_transform(estimator, frame), numbers(4, 6).reshape(4, 2, 3)
    )
    assert estimator.feature_names_in_.tolist() == list("abcdef")
    with pytest.raises(ValueError, match="same order"):
        reader.transform(estimator, frame[list("fedcba")])
    SpatialReader().fit_transform(estimator, numbers(4, 2, 3))
    assert estimator.n_features_in_ == 6
    assert not hasattr(estimator, "feature_names_in_")


BAD_SETTINGS = [
    ({"spatial_dims": 4}, 'spatial_dims=4 is unknown; it is "auto", 1, 2 or 3'),
    ({"channels": "middle"}, "channels='middle' is unknown"),
    ({"input_shape": (1, 8, 8), "spatial_dims": 1}, "2 spatial axes .* but spatial_dims=1"),
    *(
        ({"input_shape": shape}, r"input_shape=.* is not understood; .* 2 to 4 positive integers")
        for shape in [64, (64,), (1, 2, 2, 2, 8), (0, 64), (-8, -8), (8.0, 8), "ab"]
    ),
]


@pytest.mark.parametrize(("settings", "message"), BAD_SETTINGS)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        SpatialReader(**settings)


LAST = r'read as 32 channels of {}\. If the channels are last, pass channels="last"'
DOUBTS = [
    ({}, (2, 32, 32, 3), LAST.format("32 x 3")),
    ({"spatial_dims": 2}, (2, 32, 28, 4), LAST.format("28 x 4")),
    ({}, (2, 32, 9, 9, 1), LAST.format("9 x 9 x 1")),
    ({"spatial_dims": 1}, (2, 32, 3), LAST.format("3")),
    ({"input_shape": (32, 32, 3)}, (2, 3072), rf"{LAST.format('32 x 3')} and .*=\(3, 32, 32\)"),
    (
        {},
        (2, 100, 3),
        'grey images.*signals of 3 channels, pass spatial_dims=1 and channels="last"',
    ),
    ({}, (2, 64), r"64 numbers, .* input_shape=\(1, 8, 8\); if they are signals, spatial_dims=1"),
    ({}, (2, 784), r"input_shape=\(1, 28, 28\)"),
    ({"input_shape": (8, 8)}, (2, 64), r"8 channels of length 8.*pass input_shape=\(1, 8, 8\)"),
]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize(("settings", "shape", "message"), DOUBTS)
def test_what_may_have_been_read_wrongly(settings, shape, message, dtype):
    estimator, reader = Network(), SpatialReader(**settings)
    with pytest.warns(UserWarning, match=message) as warned:
        reader.fit_transform(estimator, np.zeros(shape, dtype))
    assert warned[0].filename == __file__
    reader.transform(estimator, np.zeros(shape, dtype))  # once is enough


NO_DOUBTS = [
    ({}, (2, 3, 32, 32)),
    ({}, (2, 1, 28, 28)),
    ({}, (2, 8, 8)),
    ({}, (2, 4, 3)),
    ({}, (2, 3, 4, 4)),
    ({}, (2, 49)),
    ({}, (2, 63)),
    ({"spatial_dims": 2}, (2, 100, 3)),
    ({"spatial_dims": 1}, (2, 64)),
    ({"spatial_dims": 1}, (2, 3, 64)),
    ({"input_shape": (1, 64)}, (2, 64)),
    ({"input_shape": (1, 8, 8)}, (2, 64)),
    ({"input_shape": (8, 8), "spatial_dims": 1}, (2, 64)),
    ({"channels": "last"}, (2, 32, 32, 3)),
]


@pytest.mark.parametrize(("settings", "shape"), NO_DOUBTS)
def test_what_is_read_without_a_doubt(settings, shape):
    read(np.zeros(shape, np.float32), **settings)


FLAT = {"input_shape": (2, 3)}
BAD_AXES = [
    ({}, (4,), "Expected 2D array, got 1D array instead.*Reshape your data"),
    (FLAT, (6,), "Expected 2D array, got 1D array instead.*Reshape your data"),
    ({}, (), "Expected 2D array, got scalar"),
    ({}, (1,) * 6, r"X has 6 axes, but should have 2 \(n_samples, length\) or 3 .* or 4 .* or 5 "),
    ({"spatial_dims": 1}, (1,) * 4, r"4 axes.* 2 \(.*\) or 3 \(n_samples, channels, length\)\.$"),
    ({"spatial_dims": 2}, (4,), r"X has 1 axis, but should have 3 \(n_samples, height, width\)"),
    ({"spatial_dims": 2}, (4, 6), r"X has 2 axes.* 4 \(.*\); flat rows .* need input_shape"),
    (
        {"spatial_dims": 2, "channels": "last"},
        (1,) * 5,
        r"X has 5 axes.* or 4 \(n_samples, height, width, channels\)",
    ),
    ({"spatial_dims": 3}, (1,) * 3, r"X has 3 axes.* 4 \(n_samples, depth, height, width\) or 5"),
    (FLAT, (4, 2, 3), r"X has 3 axes, but must be flat \(n_samples, n_features\) with input_shape"),
    (FLAT, (4, 7), r"input_shape=\(2, 3\) makes 6 features, but X has 7"),
    ({}, (0, 6), r"0 sample\(s\) \(shape=\(0, 6\)\) while a minimum of 1 is required by Network"),
    ({}, (4, 0), r"0 feature\(s\)"),
    ({}, (0, 5, 6), r"0 sample\(s\) \(shape=\(0, 5, 6\)\) while a minimum of 1 is .* by Network"),
    ({}, (4, 3, 0, 6), r"X has shape \(4, 3, 0, 6\), but axis 2 must not have length 0"),
]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize(("settings", "shape", "message"), BAD_AXES)
def test_bad_axes(settings, shape, message, dtype):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        read(np.ones(shape, dtype=dtype), **settings)


def with_values(shape, *values, dtype=np.float64):
    """Ones, with each value twice in a row of its own."""
    X = np.ones(shape, dtype=dtype)
    for row, value in enumerate(values, start=1):
        X.reshape(len(X), -1)[row, -2:] = value
    return X


ragged_signals = np.empty((4, 2), dtype=object)
ragged_signals[:] = [[np.ones(3), np.ones(4)]]
TOO_LARGE = r"contains infinity or a value too large for dtype\('float32'\) in"
BAD_VALUES = [
    (with_values((4, 5, 6), np.nan), "Input X contains NaN in 1 of 4 rows. Network"),
    (with_values((4, 3, 5, 6), np.nan, np.nan), "Input X contains NaN in 2 of 4 rows"),
    (with_values((4, 5, 6), np.inf, -np.inf), f"{TOO_LARGE} 2 of 4 rows. Network"),
    (with_values((4, 5, 6), 1e300), f"{TOO_LARGE} 1 of 4 rows"),
    (with_values((4, 5, 6), None, dtype=object), "NaN in 1 of 4 rows"),
    (with_values((4, 6), np.nan), "Input X contains NaN in 1 of 4 rows of column 4. Network"),
    (with_values((4, 6), 1e300), "infinity or a value too large for float32 in 1 of 4 rows"),
    (numbers(4, 6) * 1j, "Complex data not supported"),
    (numbers(4, 5, 6) * 1j, "Complex data not supported"),
    (with_values((4, 5, 6), 1j, dtype=object), "dtype object and is not numeric"),
    (numbers(4, 5, 6).astype(str), "dtype <U32 and is not numeric"),
    (with_values((4, 5, 6), "7", dtype=object), "dtype object and is not numeric"),
    (numbers(4, 5, 6).astype("M8[s]"), "datetime64.* is not numeric"),
    ([[[1.0], ["2"]]], "is not numeric"),
    ([[1.0, "red"], ["blue", 2.0]], "Column 0 of X mixes text with other values"),
    (numbers(4, 6).astype(str), "text, which is not numeric"),
    ([np.ones((5, 6)), np.ones((5, 7))], r"shapes: \(5, 6\) in row 0, \(5, 7\) in row 1; all must"),
    (objects([np.ones((5, 6)), np.ones(5)]), r"shapes: \(5, 6\) in row 0, \(5,\) in row 1; all"),
    ([np.ones((5, n)) for n in range(1, 9)], r"\(5, 1\) in row 0, .* in row 4, \.\.\.; all"),
    ([[1.0], [2.0, 3.0]], r"rows of different shapes: \(1,\) in row 0, \(2,\) in row 1"),
    ([np.ones(5), np.ones(5), None], r"different shapes: \(5,\) in row 0, None in row 2; all"),
    ([[[1], [2]], [[1, 2], [3]]], r"shapes: \(2, 1\) in row 0, ragged \(2,\) and \(1,\) in row 1"),
    (ragged_signals, r"rows of different shapes: ragged \(3,\) and \(4,\) in row 0; all must"),
]


@pytest.mark.parametrize(("X", "message"), BAD_VALUES)
def test_bad_values(X, message):
    with pytest.raises(ValueError, match=message):
        read(X)


def test_sparse_tables_are_refused():
    with pytest.raises(TypeError, match="sparse matrix, but Network takes dense data only"):
        read(sp.csr_matrix(np.eye(4)))


def test_a_number_too_large_for_float32_fits_float64():
    assert read(with_values((4, 5, 6), 1e300), dtype=np.float64).max() == 1e300


# settings, shapes in the fit and later, and the error without and with `any_size`, or None
LATER = [
    ({}, (4, 3, 5, 6), (2, 1, 5, 6), *[r"X has 1 channel\(s\), but 3 in fit"] * 2),
    ({"channels": "last"}, (4, 5, 6, 3), (2, 5, 6, 4), *[r"X has 4 channel\(s\), but 3"] * 2),
    ({}, (4, 3, 5, 6), (2, 3, 6, 5), r"X has spatial shape \(6, 5\), but \(5, 6\) in fit", None),
    ({}, (4, 5, 6), (2, 7, 6), r"X has spatial shape \(7, 6\), but \(5, 6\) in fit", None),
    ({}, (4, 3, 5, 6), (2, 5, 6), *[r"X has 1 channel\(s\), but 3 in fit"] * 2),
    ({}, (4, 5, 6), (2, 6), *[r"X has 2 axes, but should have 3 .* or 4 \(.*\), as in fit"] * 2),
    ({}, (4, 6), (2, 1, 6), *[r"X has 3 axes, but should have 2 \(.*\), as in fit"] * 2),
    ({}, (4, 3, 5, 6), (2, 1, 3, 5, 6), *["X has 5 axes, but should have 3 .* or 4"] * 2),
    ({}, (4, 6), (2, 7), *["X has 7 features, but Network is expecting 6"] * 2),
    ({"spatial_dims": 1}, (4, 1, 6), (2, 7), *["X has 7 features, but Network is expecting 6"] * 2),
    ({"spatial_dims": 1}, (4, 2, 3), (2, 6), *[r"X has 1 channel\(s\), but 2 in fit"] * 2),
    (FLAT, (4, 6), (2, 7), *["X has 7 features, but Network is expecting 6"] * 2),
    (FLAT, (4, 6), (2, 2, 3), *[r"3 axes, but was flat \(n_samples, n_features\) in fit"] * 2),
    ({}, (4, 6), (6,), *["Expected 2D array, got 1D array instead"] * 2),
]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("any_size", [False, True])
@pytest.mark.parametrize(("settings", "before", "after", "strict", "lenient"), LATER)
def test_other_shapes_than_in_fit(settings, before, after, strict, lenient, any_size, dtype):
    fitted, X = numbers(*before, dtype=dtype), numbers(*after, dtype=dtype)
    message = lenient if any_size else strict
    if message is None:
        images = refit(fitted, X, any_size=True, **settings)
        np.testing.assert_array_equal(images, read(X, **settings))
        return
    with pytest.raises(ValueError, match=message):
        refit(fitted, X, any_size=any_size, **settings)


def reference(images, weights):
    """Mean and deviation by numpy, which sees all pixels of a channel as one column."""
    pixels = np.moveaxis(images, 1, 0).reshape(images.shape[1], -1).astype(np.float64)
    weights = np.repeat(weights, pixels.shape[1] // len(images))
    mean = np.average(pixels, axis=1, weights=weights)
    return mean, np.sqrt(np.average((pixels - mean[:, None]) ** 2, axis=1, weights=weights))


@pytest.mark.parametrize("chunk", [1, 100, 1 << 15])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(20, 2, 9), (20, 3, 4, 5), (20, 1, 2, 3, 4)])
def test_statistics_are_numpys(shape, dtype, chunk, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK_VALUES", chunk)
    rng = np.random.default_rng(0)
    images = (rng.random(shape) * 255).astype(dtype)
    weights = rng.random(len(images)) * (rng.random(len(images)) < 0.7)
    last = np.moveaxis(np.moveaxis(images, 1, -1).copy(), -1, 1)
    for layout in (images, last):
        for given_weights, all_weights in ((None, np.ones(len(images))), (weights, weights)):
            found = channel_statistics(layout, given_weights)
            np.testing.assert_allclose(found, reference(images, all_weights), rtol=1e-12)
            assert found[0].dtype == found[1].dtype == np.float64


@given(data=st.data())
def test_weights_are_repetition(data):
    shape = data.draw(hnp.array_shapes(min_dims=3, max_dims=4, max_side=4))
    values = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0])
    images = data.draw(hnp.arrays(np.float64, shape, elements=values))
    times = data.draw(hnp.arrays(np.int64, shape[0], elements=st.integers(0, 3)).filter(np.any))
    weighted = channel_statistics(images, times * 0.7)
    repeated = channel_statistics(np.repeat(images, times, axis=0), None)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-7, atol=1e-9 * np.abs(images).max())


@pytest.mark.parametrize("offset", [0.0, 1e9, -1e12])
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_small_noise_and_extreme_scales_survive(offset, scale):
    noise = np.random.default_rng(0).integers(-4, 5, size=(50, 2, 3, 4)).astype(float)
    mean, deviation = channel_statistics((offset + noise) * scale, None)
    expected_mean, expected = reference(noise, np.ones(50))
    np.testing.assert_allclose(mean, (offset + expected_mean) * scale, rtol=1e-12)
    np.testing.assert_allclose(deviation, expected * scale, rtol=1e-4)


@pytest.mark.parametrize("value", [np.uint8(7), np.float32(0.1), 1e9 + 0.1])
def test_a_constant_channel_has_scale_1(value):
    images = np.full((6, 2, 3, 3), value)
    images[:, 1, 0, 0] += 1
    images[5, 0] = 99  # a row without weight varies nothing
    mean, scale = channel_statistics(images, np.array([1, 1, 2, 0.3, 1, 0]))
    assert mean[0] == value
    assert scale[0] == 1
    assert scale[1] == pytest.approx(np.sqrt(8) / 9, rel=1e-6)


def test_statistics_need_memory_for_a_chunk_only():
    images = np.zeros((2000, 3, 16, 16), dtype=np.float32)
    tracemalloc.start()
    try:
        channel_statistics(images, np.arange(2000) % 2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.2 * images.nbytes
