"""How far predicted levels are from the true ones."""

from typing import Any

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_array, check_consistent_length

from sklearn_modern._core.warning import warn_user
from sklearn_modern._inputs.levels import common_levels, ranks_of
from sklearn_modern._inputs.validation import check_weights

__all__ = [
    "average_mean_absolute_error",
    "maximum_mean_absolute_error",
    "mean_absolute_rank_error",
    "quadratic_weighted_kappa",
    "rank_inconsistency_count",
    "ranked_probability_score",
    "root_mean_squared_rank_error",
]


def mean_absolute_rank_error(
    y_true: Any, y_pred: Any, *, labels: Any = None, sample_weight: Any = None
) -> float:
    """Mean number of levels between the true and the predicted one.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        True and predicted levels.
    labels : array-like of shape (n_levels,), default=None
        All levels, lowest first. None is the order of an ordered pandas Categorical, or the numbers
        that occur in ``y_true`` and ``y_pred``.
    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    Returns
    -------
    float
        The mean, from 0 to ``n_levels - 1``.

    Examples
    --------
    >>> from sklearn_modern.metrics import mean_absolute_rank_error
    >>> order = ["low", "mid", "high"]
    >>> mean_absolute_rank_error(["low", "high"], ["high", "high"], labels=order)
    1.0
    """
    true, predicted, weight = _check(y_true, y_pred, labels, sample_weight)
    return float(np.average(np.abs(true - predicted), weights=weight))


def root_mean_squared_rank_error(
    y_true: Any, y_pred: Any, *, labels: Any = None, sample_weight: Any = None
) -> float:
    """Root of the mean squared number of levels between the true and the predicted one.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        True and predicted levels.
    labels : array-like of shape (n_levels,), default=None
        All levels, lowest first, as for :func:`mean_absolute_rank_error`.
    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    Returns
    -------
    float
        The root, from 0 to ``n_levels - 1``.

    Examples
    --------
    >>> from sklearn_modern.metrics import root_mean_squared_rank_error
    >>> root_mean_squared_rank_error([1, 1, 1, 1], [1, 1, 1, 3], labels=[1, 2, 3])
    1.0
    """
    true, predicted, weight = _check(y_true, y_pred, labels, sample_weight)
    return float(np.sqrt(np.average((true - predicted) ** 2, weights=weight)))


def average_mean_absolute_error(
    y_true: Any, y_pred: Any, *, labels: Any = None, sample_weight: Any = None
) -> float:
    """Mean over the true levels of each one's mean absolute rank error.

    Every level that occurs in ``y_true`` counts alike, however rare it is [1]_.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        True and predicted levels.
    labels : array-like of shape (n_levels,), default=None
        All levels, lowest first, as for :func:`mean_absolute_rank_error`.
    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    Returns
    -------
    float
        The mean, from 0 to ``n_levels - 1``.

    References
    ----------
    .. [1] Baccianella, Esuli, Sebastiani (2009). Evaluation measures for ordinal regression. ISDA.

    Examples
    --------
    >>> from sklearn_modern.metrics import average_mean_absolute_error
    >>> average_mean_absolute_error([1, 1, 1, 3], [1, 1, 1, 1], labels=[1, 2, 3])
    1.0
    """
    return float(_errors_of_levels(y_true, y_pred, labels, sample_weight).mean())


def maximum_mean_absolute_error(
    y_true: Any, y_pred: Any, *, labels: Any = None, sample_weight: Any = None
) -> float:
    """Mean absolute rank error of the true level that has the largest.

    It is that of [1]_.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        True and predicted levels.
    labels : array-like of shape (n_levels,), default=None
        All levels, lowest first, as for :func:`mean_absolute_rank_error`.
    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    Returns
    -------
    float
        The largest, from 0 to ``n_levels - 1``.

    References
    ----------
    .. [1] Cruz-Ramírez, Hervás-Martínez, Sánchez-Monedero, Gutiérrez (2014). Metrics to guide a
       multi-objective evolutionary algorithm for ordinal classification. Neurocomputing.

    Examples
    --------
    >>> from sklearn_modern.metrics import maximum_mean_absolute_error
    >>> maximum_mean_absolute_error([1, 1, 1, 3], [1, 1, 1, 1], labels=[1, 2, 3])
    2.0
    """
    return float(_errors_of_levels(y_true, y_pred, labels, sample_weight).max())


def quadratic_weighted_kappa(
    y_true: Any, y_pred: Any, *, labels: Any = None, sample_weight: Any = None
) -> float:
    r"""Agreement beyond chance, which counts an error by the square of its number of levels.

    With ranks :math:`t` and :math:`p` it is :math:`1 - E[(t - p)^2] / E[(t' - p')^2]`, where
    :math:`t'` and :math:`p'` are drawn from the same levels, but independently of each other [1]_.
    1 is perfect, 0 is as good as chance. :func:`sklearn.metrics.cohen_kappa_score` with quadratic
    weights is the same for labels that are sorted in their order.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        True and predicted levels.
    labels : array-like of shape (n_levels,), default=None
        All levels, lowest first, as for :func:`mean_absolute_rank_error`.
    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    Returns
    -------
    float
        The agreement, at most 1. NaN, with a warning, if all levels are one and the same.

    References
    ----------
    .. [1] Cohen (1968). Weighted kappa: nominal scale agreement provision for scaled disagreement
       or partial credit. Psychological Bulletin.

    Examples
    --------
    >>> from sklearn_modern.metrics import quadratic_weighted_kappa
    >>> order = ["low", "mid", "high"]
    >>> quadratic_weighted_kappa(["low", "mid", "high"], ["low", "high", "high"], labels=order)
    0.8
    """
    true, predicted, weight = _check(y_true, y_pred, labels, sample_weight)
    error = np.average((true - predicted) ** 2, weights=weight)
    means = [np.average(ranks, weights=weight) for ranks in (true, predicted)]
    spread = sum(
        np.average((ranks - mean) ** 2, weights=weight)
        for ranks, mean in zip((true, predicted), means, strict=True)
    )
    by_chance = spread + (means[0] - means[1]) ** 2
    if by_chance == 0.0:
        warn_user(
            "All true and predicted levels are one and the same, so that there is no agreement "
            "beyond chance: quadratic_weighted_kappa is NaN.",
            UndefinedMetricWarning,
        )
        return float("nan")
    return float(1.0 - error / by_chance)


def ranked_probability_score(
    y_true: Any, y_pred: Any, *, labels: Any = None, sample_weight: Any = None
) -> float:
    r"""Mean squared distance of cumulative probabilities from the truth.

    For a row it is :math:`\sum_k (P(y > k) - [y > k])^2` [1]_. It is a proper score: no forecast
    has a better expectation than the true distribution, and, unlike the log loss, it rewards
    probability close to the true level.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True levels.
    y_pred : array-like of shape (n_samples, n_levels)
        Probabilities as ``predict_proba`` gives them, with one column per level in **sorted**
        order. For two levels, the probability of the second, (n_samples,), is enough.
    labels : array-like of shape (n_levels,), default=None
        All levels, lowest first. None is the order of an ordered pandas Categorical, or the numbers
        that occur in ``y_true``.
    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    Returns
    -------
    float
        The mean, from 0 to ``n_levels - 1``.

    References
    ----------
    .. [1] Epstein (1969). A scoring system for probability forecasts of ranked categories. Journal
       of Applied Meteorology.

    Examples
    --------
    >>> from sklearn_modern.metrics import ranked_probability_score
    >>> probabilities = [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]]
    >>> ranked_probability_score([0, 2], probabilities, labels=[0, 1, 2])
    0.125
    """
    levels = common_levels(labels, y_true)
    true, weight = _ranks_and_weights(y_true, levels, sample_weight)
    y_pred = check_array(y_pred, ensure_2d=False, dtype=np.float64, input_name="y_pred")
    if y_pred.ndim == 1:
        y_pred = np.column_stack([1 - y_pred, y_pred])
    check_consistent_length(true, y_pred)
    if y_pred.shape[1] != len(levels):
        raise ValueError(
            f"y_pred has {y_pred.shape[1]} columns, but there are {len(levels)} levels: "
            f"{levels.tolist()}. Give all of them as labels."
        )
    if (y_pred < -1e-5).any() or not np.allclose(y_pred.sum(axis=1), 1.0, atol=1e-5):
        raise ValueError("y_pred must have probabilities, which are not negative and sum to 1.")
    below = y_pred[:, np.argsort(np.argsort(levels))].cumsum(axis=1)[:, :-1]
    truly_below = true[:, None] <= np.arange(len(levels) - 1)
    return float(np.average(((below - truly_below) ** 2).sum(axis=1), weights=weight))


def rank_inconsistency_count(
    y_true: Any, y_pred: Any, *, labels: Any = None, sample_weight: Any = None
) -> float:
    """Count where the probability of being beyond a level rises with the level.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True levels, one per row of ``y_pred``. They do not affect the count.
    y_pred : array-like of shape (n_samples, n_levels - 1)
        P(y > k) in column k, as ``predict_cumulative(X, repair=False)`` gives it.
    labels : array-like of shape (n_levels,), default=None
        All levels: one more than there are columns.
    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    Returns
    -------
    float
        Number of neighbours out of order, summed over all rows by their weights.

    Examples
    --------
    >>> from sklearn_modern.metrics import rank_inconsistency_count
    >>> rank_inconsistency_count([0, 2], [[0.3, 0.1], [0.6, 0.7]])
    1.0
    """
    y_pred = check_array(y_pred, dtype=np.float64, input_name="y_pred")
    check_consistent_length(y_true, y_pred)
    if labels is not None:
        levels = common_levels(labels)
        ranks_of(y_true, levels, name="y_true")
        if len(levels) != y_pred.shape[1] + 1:
            raise ValueError(
                f"y_pred has {y_pred.shape[1]} columns, but {len(levels)} levels have "
                f"{len(levels) - 1} steps between them."
            )
    weight = check_weights(sample_weight, len(y_pred), dtype=np.float64)
    return float(weight @ (np.diff(y_pred) > 0).sum(axis=1))


def _check(y_true, y_pred, labels, sample_weight):
    check_consistent_length(y_true, y_pred)
    levels = common_levels(labels, y_true, y_pred)
    true, weight = _ranks_and_weights(y_true, levels, sample_weight)
    return true, ranks_of(y_pred, levels, name="y_pred"), weight


def _ranks_and_weights(y_true, levels, sample_weight):
    true = ranks_of(y_true, levels, name="y_true")
    return true, check_weights(sample_weight, len(true), dtype=np.float64)


def _errors_of_levels(y_true, y_pred, labels, sample_weight):
    true, predicted, weight = _check(y_true, y_pred, labels, sample_weight)
    total = np.bincount(true, weight)
    errors = np.bincount(true, weight * np.abs(true - predicted))
    return errors[total > 0] / total[total > 0]
