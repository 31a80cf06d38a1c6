"""Intervals for the mean of scores on overlapping splits."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student_t

__all__ = ["bates_interval", "bootstrap_interval", "corrected_t_interval"]


def corrected_t_interval(
    scores: np.ndarray, splits: Sequence[tuple[np.ndarray, np.ndarray]], confidence: float
) -> tuple[float, float]:
    """Return an interval for a mean score, which allows for training rows that overlap.

    The variance of the mean of n scores is taken for ``(1/n + n_test/n_train) s**2``, where s is
    their standard deviation: scores of models that were trained on much the same rows are
    correlated, and the naive ``s**2 / n`` is too small.

    References
    ----------
    Nadeau, C. & Bengio, Y. (2003). Inference for the generalization error. Machine Learning 52,
    239-281.
    """
    n = len(scores)
    if n < 2 or np.isnan(scores).any():
        return np.nan, np.nan
    ratio = np.mean([len(test) / len(train) for train, test in splits])
    error = np.sqrt((1.0 / n + ratio) * np.var(scores, ddof=1))
    half = error * student_t.ppf((1.0 + confidence) / 2.0, n - 1)
    return float(scores.mean() - half), float(scores.mean() + half)


def bootstrap_interval(
    scores: np.ndarray, groups: np.ndarray | None, confidence: float, seed: int
) -> tuple[float, float]:
    """Return the interval of percentiles of the mean of rows that are drawn anew.

    It tells how much the score varies with the rows that are tested, and not how much it varies
    with those that are trained on.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        The mean score of each row over the repeats.
    groups : ndarray of shape (n_samples,) or None
        Groups of rows, which are drawn as wholes.
    confidence : float
        Confidence of the interval.
    seed : int
        Draws.
    """
    known = ~np.isnan(scores)
    scores = scores[known]
    places = np.arange(len(scores))
    if groups is not None:
        places = np.unique(np.asarray(groups)[known], return_inverse=True)[1]
    sums, counts = np.bincount(places, scores), np.bincount(places)
    random = np.random.default_rng(seed)
    means = []
    for _ in range(2000):
        drawn = random.integers(len(sums), size=len(sums))
        means.append(sums[drawn].sum() / counts[drawn].sum())
    lower, upper = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(lower), float(upper)


def bates_interval(
    inner: Sequence[np.ndarray], outer: Sequence[np.ndarray], n_folds: int, confidence: float
) -> tuple[float, float, float]:
    """Return an interval by folds within folds, and the bias of the mean score.

    The scores of K - 2 folds' models on another fold estimate how far their mean is from the score
    of the model that is tested on the fold that was set aside: ``mean(a) - mean(b)`` is the mean
    squared error, where ``a`` is the squared difference of the two means for each fold, and ``b``
    is the variance of the second. The error is at least the naive one, and at most
    ``sqrt(n_folds)`` times it. The bias is that of models that are trained on fewer rows.

    Parameters
    ----------
    inner : sequence of ndarray
        For each fold of each repeat, the scores of all rows outside of it, by models that were
        trained neither on their fold nor on this one.
    outer : sequence of ndarray
        For each fold of each repeat, the scores of its rows, by the model that was trained on all
        other folds.
    n_folds : int
        Number of folds.
    confidence : float
        Confidence of the interval.

    Returns
    -------
    lower, upper : float
        The interval.
    bias : float
        What is subtracted from the mean of the inner scores.

    References
    ----------
    Bates, S., Hastie, T. & Tibshirani, R. (2024). Cross-validation: What does it estimate and how
    well does it do it? JASA 119, 1434-1445.
    """
    every = np.concatenate(inner)
    squares = [(one.mean() - other.mean()) ** 2 for one, other in zip(inner, outer, strict=True)]
    variances = [other.var(ddof=1) / len(other) for other in outer]
    n_rows = np.mean([len(one) for one in inner]) * n_folds / (n_folds - 1)
    shrink = np.sqrt((n_folds - 1) / n_folds)
    naive = every.std(ddof=1) / np.sqrt(n_rows)
    error = shrink * np.sqrt(max(0.0, np.mean(squares) - np.mean(variances)))
    error = np.clip(error, naive, np.sqrt(n_folds) * naive)
    mean = every.mean()
    bias = (1 + (n_folds - 2) / n_folds) * (mean - np.concatenate(outer).mean())
    half = norm.ppf((1.0 + confidence) / 2.0) * error
    return float(mean - bias - half), float(mean - bias + half), float(bias)
