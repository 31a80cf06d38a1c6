"""Calibration of samples: uniform for exact posteriors, and far from it for wrong ones."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression

from sklearn_modern.metrics import (
    calibration_ranks,
    classifier_two_sample_test,
    expected_coverage,
)

N_ROWS, N_SAMPLES = 1500, 99


def conjugate(width=1.0, bias=0.0, seed=0):
    """Draw means with a normal prior, an observation of each, and samples of its posterior.

    The exact posterior has ``width=1`` and ``bias=0``.
    """
    rng = np.random.default_rng(seed)
    true = rng.normal(size=(N_ROWS, 2))
    seen = true + rng.normal(size=true.shape)
    center = seen[:, np.newaxis] / 2 + bias
    noise = rng.normal(size=(N_ROWS, N_SAMPLES, 2))
    samples = center + width * np.sqrt(0.5) * noise

    def log_prob(values):
        return norm.logpdf(values, center, width * np.sqrt(0.5)).sum(-1)

    return true, samples, log_prob(true[:, np.newaxis])[:, 0], log_prob(samples)


def test_ranks_of_an_exact_posterior_are_uniform():
    true, samples, *_ = conjugate()
    found = calibration_ranks(true, samples, random_state=0)
    assert found.ranks.shape == true.shape
    assert found.ranks.min() == 0
    assert found.ranks.max() == N_SAMPLES
    assert (found.p_value > 0.01).all()
    counts = np.bincount(found.ranks[:, 0] // 10, minlength=10)
    assert np.abs(counts - N_ROWS / 10).max() < 5 * np.sqrt(N_ROWS / 10)
    alone = calibration_ranks(true[:, 0], samples[..., 0], random_state=0)
    np.testing.assert_array_equal(alone.ranks, found.ranks[:, 0])
    assert alone.p_value > 0.01


@pytest.mark.parametrize("wrong", [{"width": 0.7}, {"width": 1.5}, {"bias": 0.4}])
def test_wrong_posteriors_are_found(wrong):
    true, samples, *log_probs = conjugate(**wrong)
    assert (calibration_ranks(true, samples).p_value < 1e-4).all()
    assert expected_coverage(*log_probs).p_value < 1e-4


def test_coverage_of_an_exact_posterior_is_the_level():
    *_, of_true, of_samples = conjugate()
    found = expected_coverage(of_true, of_samples)
    assert np.abs(found.coverage - found.levels).max() < 0.04
    assert found.p_value > 0.01


def test_narrow_posteriors_cover_too_little_and_wide_ones_too_much():
    *_, of_true, of_samples = conjugate(width=0.7)
    # Of two columns the square is exponential, so that the coverage is known.
    found = expected_coverage(of_true, of_samples, levels=[0.5, 0.9])
    expected = 1 - (1 - np.array([0.5, 0.9])) ** 0.7**2
    np.testing.assert_allclose(found.coverage, expected, atol=0.05)
    *_, of_true, of_samples = conjugate(width=1.5)
    assert (expected_coverage(of_true, of_samples, levels=[0.5, 0.9]).coverage > [0.6, 0.93]).all()


def test_ties_are_broken_at_random():
    true, samples = np.zeros(2000), np.zeros((2000, 9))
    ranks = calibration_ranks(true, samples, random_state=0).ranks
    assert np.abs(np.bincount(ranks, minlength=10) - 200).max() < 70
    assert expected_coverage(true, samples, random_state=0).p_value > 0.01


def test_two_samples():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(400, 1)), rng.normal(size=(500, 1))
    same = classifier_two_sample_test(X, Y, random_state=0)
    assert abs(same.accuracy - 0.5) < 0.07
    assert same.p_value > 0.01
    # Normal distributions a distance d apart are told apart with probability Phi(d / 2).
    model = LinearDiscriminantAnalysis()
    apart = classifier_two_sample_test(X, Y + 2.0, estimator=model, cv=2, random_state=0)
    assert apart.accuracy == pytest.approx(norm.cdf(1.0), abs=0.04)
    assert apart.p_value < 1e-9


FIVE, LDA = np.arange(5.0)[:, np.newaxis], LinearDiscriminantAnalysis()
FRAME = pd.DataFrame({"a": np.arange(20.0), "b": 5.0})
BAD = [
    (calibration_ranks, ([1.0], [[[1.0]]]), {}, "y_true of shape (1,) needs samples of shape"),
    (calibration_ranks, ([1.0, 2.0], [[1.0]]), {}, "inconsistent numbers of samples"),
    (calibration_ranks, ([np.nan], [[1.0]]), {}, "y_true contains NaN"),
    (calibration_ranks, (["a"], [[1.0]]), {}, "y_true has dtype <U1 and is not numeric"),
    (calibration_ranks, (1.0, [[1.0]]), {}, "y_true must have 1 or 2 axes"),
    (expected_coverage, ([1.0], [1.0]), {}, "log_prob_samples must have 2 axes"),
    (expected_coverage, ([1.0], [[1.0]]), {"levels": [1.5]}, "levels=[1.5] must be numbers"),
    (expected_coverage, ([1.0], [[1.0]]), {"levels": ["a"]}, "levels=['a'] must be numbers"),
    (classifier_two_sample_test, ([[1.0]], [[1.0, 2.0]]), {}, "X has 1 columns, but Y has 2"),
    (classifier_two_sample_test, (FIVE, FIVE), {}, "each needs at least 11: one for each of"),
    (
        classifier_two_sample_test,
        (FIVE, FIVE[:4]),
        {"estimator": LDA},
        "Y has 4, but each needs at ",
    ),
    (
        classifier_two_sample_test,
        (FRAME, FRAME[["b", "a"]]),
        {},
        "X has the columns ['a', 'b'], but",
    ),
]


@pytest.mark.parametrize(("function", "values", "how", "message"), BAD)
def test_bad_input(function, values, how, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        function(*values, **how)


def test_what_tells_two_samples_apart_is_a_classifier_and_few_rows_are_enough_for_it():
    found = classifier_two_sample_test(FIVE, FIVE + 100, estimator=LDA)
    assert found.accuracy == 1.0
    assert 0 <= classifier_two_sample_test(FRAME[:11], FRAME[9:], cv=2).accuracy <= 1
    with pytest.raises(TypeError, match=r"estimator=LinearRegression\(\) must be a classifier"):
        classifier_two_sample_test(FIVE, FIVE, estimator=LinearRegression())
