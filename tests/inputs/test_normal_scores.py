"""Normal scores: against ranks, weights against repetition, and the way back."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import norm, rankdata

from sklearn_modern._inputs.normal_scores import NormalScores, make_scaler


@given(hnp.arrays(np.float64, (20, 2), elements=st.sampled_from([0.0, 1.0, 2.5, -7.0, 1e9])))
def test_scores_are_those_of_ranks(X):
    """A thousand levels tell ranks of twenty rows to within a tenth of one."""
    scaled = NormalScores().fit(X).transform(X, np.float64)
    ranks = rankdata(X, axis=0)
    low, high = norm.ppf((ranks - 0.6) / 20), norm.ppf((ranks - 0.4) / 20)
    assert ((scaled > low) & (scaled < high)).all()


@given(data=st.data())
def test_there_and_back(data):
    n = data.draw(st.integers(1, 30))
    values = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0])
    X = data.draw(hnp.arrays(np.float64, (n, 2), elements=values))
    scaler = NormalScores().fit(X)
    again = scaler.inverse(scaler.transform(X, np.float64))
    np.testing.assert_allclose(again, X, rtol=1e-9, atol=1e-9)
    far = scaler.inverse(np.array([[-50.0, 50.0]]))
    np.testing.assert_array_equal(far, [[X[:, 0].min(), X[:, 1].max()]])


@given(data=st.data())
def test_weights_are_repetition(data):
    X = data.draw(hnp.arrays(np.float64, (8, 1), elements=st.floats(-9, 9)))
    times = data.draw(hnp.arrays(np.int64, 8, elements=st.integers(0, 3)).filter(np.any))
    weighted, repeated = NormalScores().fit(X, times * 0.7), NormalScores().fit(X.repeat(times, 0))
    np.testing.assert_array_equal(weighted.values[0], repeated.values[0])
    np.testing.assert_array_equal(weighted.scores[0], repeated.scores[0])


def test_missing_values_become_zero_with_an_indicator():
    X = np.array([[1.0, np.nan], [2.0, 4.0], [3.0, 8.0]])
    scaler = make_scaler("quantile").fit(X)
    scaled = scaler.transform(X)
    np.testing.assert_array_equal(scaled[:, 2], [1, 0, 0])
    np.testing.assert_array_equal(scaled[[0, 1], [1, 0]], 0)
    nothing = NormalScores().fit(np.full((3, 1), np.nan))
    np.testing.assert_array_equal(nothing.transform(X[:, :1]), [[0, 0], [0, 0], [0, 0]])


def test_pickle_and_sparse():
    X = np.random.default_rng(0).normal(size=(50, 2))
    scaler = NormalScores().fit(X)
    again = pickle.loads(pickle.dumps(scaler))
    np.testing.assert_array_equal(again.transform(X), scaler.transform(X))
    with pytest.raises(ValueError, match="needs dense X"):
        NormalScores().fit(sp.csr_matrix(X))
