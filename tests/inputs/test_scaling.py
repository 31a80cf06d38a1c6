"""Scaling: against plain numpy, weights against repetition, and memory in chunks."""

import pickle
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import StandardScaler

from sklearn_modern._inputs import scaling
from sklearn_modern._inputs.scaling import NumberScaler, quantile_edges, weighted_quantiles

KINDS = ["standard", "robust", None]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(params=[1, 7, 1 << 15], ids="chunk={}".format)
def chunk(request, monkeypatch):
    monkeypatch.setattr(scaling, "CHUNK_VALUES", request.param)


def hostile(rng, n=60):
    """Columns: plain, with missing values, constant, mostly zero, all missing, 1e9 plus noise."""
    X = rng.normal(size=(n, 6)) * [1, 50, 0, 1, 1, 1e-3] + [0, 3, 0.1, 0, 0, 1e9]
    X[rng.random(n) < 0.3, 1] = np.nan
    X[rng.random(n) < 0.9, 3] = 0.0
    X[:, 4] = np.nan
    return X


def smooth_clip(z):
    return z / np.sqrt(1 + (z / 3) ** 2)


def test_standard_is_scikit_learns(rng, chunk):
    X = rng.normal(size=(50, 4)) * [1, 1e-3, 1e8, 5] + [0, 5, -3, 7]
    weights = rng.random(50)
    ours = NumberScaler("standard").fit(X, weights)
    theirs = StandardScaler().fit(X, sample_weight=weights)
    np.testing.assert_allclose(ours.center, theirs.mean_)
    np.testing.assert_array_equal(NumberScaler("standard").fit(X * 0 + 0.1, weights).scale, 1)
    np.testing.assert_allclose(ours.scale, theirs.scale_)
    np.testing.assert_allclose(ours.transform(X, np.float64), theirs.transform(X), atol=1e-12)


def test_robust_is_the_published_formula(rng, chunk):
    X = np.column_stack([rng.normal(size=81), np.arange(81) < 5, np.full(81, 2.0)])
    low, median, high = np.quantile(X, [0.25, 0.5, 0.75], axis=0, method="inverted_cdf")
    scaler = NumberScaler("robust").fit(X)
    np.testing.assert_array_equal(scaler.center, median)
    np.testing.assert_array_equal(scaler.scale, [high[0] - low[0], 0.5, np.inf])
    expected = smooth_clip((X - median) / scaler.scale)
    np.testing.assert_allclose(scaler.transform(X, np.float64), expected)
    # A constant column stays constant; nothing leaves (-3, 3), however far out it is.
    later = scaler.transform(np.array([[1e200, -1e200, 5.0]]), np.float64)
    np.testing.assert_allclose(later, [[3, -3, 0]])


@pytest.mark.parametrize("kind", KINDS)
def test_missing_values_become_the_mean_with_an_indicator(kind, chunk):
    X = np.array([[1.0, np.nan], [2.0, 4.0], [3.0, 8.0]])
    scaler = NumberScaler(kind).fit(X)
    scaled = scaler.transform(X, np.float64)
    assert scaler.missing_columns.tolist() == [1]
    assert scaler.n_features_out == scaled.shape[1] == 3
    np.testing.assert_array_equal(scaled[:, 2], [1, 0, 0])
    assert scaled[0, 1] == (6.0 if kind is None else 0.0)
    # A column that had none in the fit has no indicator, and still becomes the mean.
    later = scaler.transform(np.array([[np.nan, 4.0]]), np.float64)
    assert later[0, 0] == (2.0 if kind is None else 0.0)
    assert later.shape == (1, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_attributes_are_enough_to_rebuild_the_transform(rng, kind, chunk):
    X = hostile(rng)
    scaler = NumberScaler(kind).fit(X)
    z = (X - scaler.center) / scaler.scale
    z = smooth_clip(z) if scaler.kind == "robust" else z
    rebuilt = np.column_stack(
        [np.where(np.isnan(X), scaler.fill, z), np.isnan(X)[:, scaler.missing_columns]]
    )
    np.testing.assert_array_equal(scaler.transform(X, np.float64), rebuilt)
    assert np.isfinite(rebuilt).all()


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_weights_are_repetition(kind, data):
    n = data.draw(st.integers(1, 12))
    values = st.floats(-1e6, 1e6) | st.just(np.nan) | st.sampled_from([0.0, 1.0])
    X = data.draw(hnp.arrays(np.float64, (n, 2), elements=values))
    times = data.draw(hnp.arrays(np.int64, n, elements=st.integers(0, 3)))
    weighted = NumberScaler(kind).fit(X, times * 0.7)
    repeated = NumberScaler(kind).fit(np.repeat(X, times, axis=0))
    np.testing.assert_array_equal(weighted.missing_columns, repeated.missing_columns)
    for name in ("center", "fill", "scale"):
        size = 1.0 if not n else np.nan_to_num(np.abs(X)).max()
        np.testing.assert_allclose(
            getattr(weighted, name), getattr(repeated, name), rtol=1e-7, atol=1e-9 * size
        )


@pytest.mark.parametrize("kind", KINDS)
def test_rows_without_weight_are_absent(rng, kind, chunk):
    X = hostile(rng)
    weights = rng.integers(0, 2, len(X)).astype(float)
    X[weights == 0, 0] = np.nan
    X[weights == 0, 2] = 1e300
    some = NumberScaler(kind).fit(X, weights)
    present = NumberScaler(kind).fit(X[weights > 0])
    assert 0 not in some.missing_columns
    np.testing.assert_allclose(some.center, present.center, rtol=1e-15)
    np.testing.assert_allclose(some.scale, present.scale, rtol=1e-9)


@given(offset=st.sampled_from([0.0, 1e9, -1e12]), scale=st.sampled_from([1e-200, 1.0, 1e200]))
def test_small_noise_and_extreme_scales_survive(offset, scale):
    noise = np.random.default_rng(0).integers(-4, 5, size=(200, 1)).astype(float)
    X = (offset + noise) * scale
    scaled = NumberScaler("standard").fit(X).transform(X)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, (noise - noise.mean()) / noise.std(), atol=1e-4)


@given(hnp.arrays(np.float32, (9, 2), elements=st.floats(-(2.0**100), 2.0**100, width=32)))
def test_scaled_values_are_finite(X):
    for kind in KINDS:
        assert np.isfinite(NumberScaler(kind).fit(X).transform(X)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_result_is_contiguous_and_input_untouched(rng, dtype, order, chunk):
    X = np.asarray(hostile(rng), dtype=dtype, order=order)
    before = X.copy()
    scaler = NumberScaler("robust").fit(X)
    scaled = scaler.transform(X, dtype)
    assert scaled.flags.c_contiguous
    assert scaled.dtype == dtype
    out = np.empty((len(X), scaler.n_features_out), dtype=dtype)
    assert scaler.transform(X, out=out) is out
    np.testing.assert_array_equal(out, scaled)
    np.testing.assert_array_equal(X, before)


def test_memory_is_the_output_and_a_chunk(rng):
    X = rng.normal(size=(200_000, 10)).astype(np.float32)
    weights = np.ones(len(X))
    scaler = NumberScaler("standard")
    tracemalloc.start()
    try:
        scaler.fit(X, weights)
        fit_peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        scaler.transform(X)
        transform_peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert fit_peak < 0.3 * X.nbytes
    assert transform_peak < 1.3 * X.nbytes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("container", [sp.csr_matrix, sp.csr_array])
def test_sparse_equals_dense_without_centring(rng, kind, weighted, container):
    X = rng.normal(size=(40, 5)) * (rng.random((40, 5)) < 0.4) + [0, 0, 0, 0.3, 0]
    X[:, 4] = 2.0  # constant, and all of it is stored
    weights = rng.integers(0, 3, 40).astype(float) if weighted else None
    dense, sparse = (
        NumberScaler(kind).fit(X, weights),
        NumberScaler(kind).fit(container(X), weights),
    )
    np.testing.assert_allclose(sparse.scale, dense.scale)
    np.testing.assert_array_equal(sparse.center, 0)
    scaled = sparse.transform(container(X), np.float64)
    assert scaled.format == "csr"
    expected = X / dense.scale
    expected = smooth_clip(expected) if kind == "robust" else expected
    np.testing.assert_allclose(scaled.toarray(), expected)
    # The two kinds of matrix may be mixed: what was fitted decides about the centre.
    np.testing.assert_allclose(sparse.transform(X, np.float64), expected)
    np.testing.assert_array_equal(dense.transform(container(X)), dense.transform(X))
    if kind == "standard":
        mean = dense.center / dense.scale
        missing = sparse.transform(np.full((1, 5), np.nan), np.float64)
        np.testing.assert_allclose(missing[0], mean)


def test_sparse_refuses_missing_values():
    X = sp.csr_matrix([[np.nan, 1.0]])
    with pytest.raises(ValueError, match="sparse and contains NaN"):
        NumberScaler().fit(X)
    with pytest.raises(ValueError, match="sparse and contains NaN"):
        NumberScaler().fit(sp.csr_matrix(np.eye(2))).transform(X)


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(rng, kind):
    X = hostile(rng)
    scaler = NumberScaler(kind).fit(X)
    again = scaler.inverse(scaler.transform(X, np.float64))
    known = ~np.isnan(X)
    # Numbers near the ends of "robust" lose digits, in proportion to how far out they are.
    np.testing.assert_allclose(again[known], X[known], rtol=1e-9, atol=1e-9)
    filled = scaler.center if kind is not None else scaler.fill
    np.testing.assert_allclose(again[~known], np.broadcast_to(filled, X.shape)[~known])
    assert np.isfinite(scaler.inverse(np.full((1, 6), 3.0))).all()


@pytest.mark.parametrize("kind", KINDS)
def test_no_columns(kind):
    assert NumberScaler(kind).fit(np.empty((3, 0))).transform(np.empty((3, 0))).shape == (3, 0)


def test_unknown_kind():
    with pytest.raises(ValueError, match="'minmax' is unknown"):
        NumberScaler("minmax")


@pytest.mark.parametrize("kind", KINDS)
def test_pickle(rng, kind):
    X = hostile(rng)
    scaler = NumberScaler(kind).fit(X)
    again = pickle.loads(pickle.dumps(scaler))
    np.testing.assert_array_equal(again.transform(X), scaler.transform(X))


@given(data=st.data())
def test_quantiles_are_numpys_inverted_cdf(data):
    n = data.draw(st.integers(1, 20))
    column = data.draw(hnp.arrays(np.float64, n, elements=st.floats(-1e3, 1e3)))
    times = data.draw(hnp.arrays(np.int64, n, elements=st.integers(0, 4)).filter(np.any))
    q = np.array([0, 0.1, 0.25, 0.5, 0.73, 0.75, 1])
    expected = np.quantile(np.repeat(column, times), q, method="inverted_cdf")
    np.testing.assert_array_equal(weighted_quantiles(column, times, q), expected)
    np.testing.assert_array_equal(weighted_quantiles(column, times / 7, q), expected)
    unweighted = np.quantile(column, q, method="inverted_cdf")
    np.testing.assert_array_equal(weighted_quantiles(column, None, q), unweighted)


def test_quantiles_ignore_missing_values():
    column = np.array([np.nan, 3.0, 1.0, 2.0])
    assert weighted_quantiles(column, None, 0.5) == 2.0
    assert weighted_quantiles(column, np.array([9.0, 0, 1, 1]), 1.0) == 2.0
    assert np.isnan(weighted_quantiles(np.full(3, np.nan), None, 0.5))
    assert np.isnan(weighted_quantiles(column, np.array([1.0, 0, 0, 0]), 0.5))


def test_edges_hold_equal_weight(rng):
    X = rng.normal(size=(1000, 1))
    (edges,) = quantile_edges(X, None, 10)
    np.testing.assert_array_equal(np.histogram(X, edges[1:])[0], 100 + (np.arange(9) == 8))
    assert edges[0] == X.min()
    assert edges[-1] == X.max()


@given(
    hnp.arrays(
        np.float32, (8, 3), elements=st.floats(-1e9, 1e9, width=32) | st.just(np.float32(np.nan))
    ),
    st.integers(1, 12),
)
def test_edges_are_strictly_increasing(X, n_bins):
    for edges in quantile_edges(X, None, n_bins):
        assert 2 <= len(edges) <= max(2, n_bins + 1)
        assert (np.diff(edges.astype(np.float32)) > 0).all()


def test_edges_of_sparse_columns(rng):
    X = rng.normal(size=(50, 3)) * (rng.random((50, 3)) < 0.5)
    weights = rng.integers(0, 3, 50).astype(float)
    for sparse, dense in zip(
        quantile_edges(sp.csr_matrix(X), weights, 8), quantile_edges(X, weights, 8), strict=True
    ):
        np.testing.assert_array_equal(sparse, dense)


def test_a_constant_column_counts_later_if_more_is_expected():
    scaler = NumberScaler("robust").fit(np.array([[1.0, 5.0], [3.0, 5.0]]))
    assert scaler.transform(np.array([[1.0, 6.0]]))[0, 1] == 0
    scaler.expect_more()
    assert scaler.transform(np.array([[1.0, 6.0]]))[0, 1] == pytest.approx(1 / np.sqrt(1 + 1 / 9))


@pytest.mark.parametrize("kind", ["standard", None])
def test_log_slopes_are_those_of_the_scaling(kind):
    numbers = np.array([[0.0, 5.0, 1e6], [1.0, np.nan, 3e6], [5.0, 6.0, 4e6]])
    scaler = NumberScaler(kind).fit(numbers)
    scaled = scaler.transform(numbers, np.float64)[:, :3]
    slopes = (scaler.transform(numbers + 1e-3, np.float64)[:, :3] - scaled) / 1e-3
    slopes[1, 1] = 1.0  # what is missing has none
    np.testing.assert_allclose(scaler.log_slope(numbers), np.log(slopes).sum(1), atol=1e-5)
