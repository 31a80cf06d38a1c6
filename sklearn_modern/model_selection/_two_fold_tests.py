"""Tests on five divisions of the rows into halves, each of which is the training set once."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import stats
from sklearn.base import is_classifier
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold
from sklearn.utils import check_random_state

from sklearn_modern._inputs.validation import check_lengths
from sklearn_modern.model_selection._fold_scores import (
    differences_of,
    fold_scores,
    given_scores,
    t_ratio,
)
from sklearn_modern.model_selection._significance import SignificanceTest, negligible

__all__ = ["combined_f_test_5x2cv", "paired_t_test_5x2cv"]

_EFFECT = "mean score, first minus second"
_HALVES = "differences are normal, and those of the two halves of a division independent"


def paired_t_test_5x2cv(
    model1: Any,
    model2: Any,
    X: Any = None,
    y: Any = None,
    *,
    scoring: Any = None,
    groups: Any = None,
    params: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
    random_state: Any = None,
) -> SignificanceTest:
    r"""Compare two learning algorithms by Dietterich's 5x2cv paired t test.

    Five times the rows are divided into random halves, of which each is the training set once. With
    :math:`d_{ij}` the difference in score of fold j of division i, and :math:`s_i^2` the variance
    of the two of a division,

    .. math:: t = d_{11} \Big/ \sqrt{\tfrac 1 5 \sum_i s_i^2}

    has about a t distribution with 5 degrees of freedom [1]_. It depends on which fold comes
    first; :func:`combined_f_test_5x2cv` does not, and is to be preferred.

    Parameters
    ----------
    model1, model2 : estimator, or array-like of shape (5, 2)
        What is compared: estimators, of which clones are fitted, or scores of both on the same
        folds.
    X, y : array-like, default=None
        The data, if estimators are given.
    scoring : str, callable or None, default=None
        One scorer; None is the estimators' own ``score``.
    groups : array-like of shape (n_samples,), default=None
        Rows of one group go into the same half.
    params : mapping, default=None
        More arguments of ``fit``, such as ``{"sample_weight": w}``; with metadata routing enabled,
        of whoever requests them.
    n_jobs : int, default=None
        Number of fits that run at the same time.
    random_state : int, RandomState or None, default=None
        Decides the halves.

    Returns
    -------
    SignificanceTest
        ``effect`` is the mean of all ten differences.

    References
    ----------
    .. [1] Dietterich (1998). Approximate statistical tests for comparing supervised classification
       learning algorithms. Neural Computation.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn_modern.model_selection import paired_t_test_5x2cv
    >>> X, y = load_iris(return_X_y=True)
    >>> paired_t_test_5x2cv(GaussianNB(), DummyClassifier(), X, y, random_state=0).p_value < 0.01
    True
    """
    data = {"X": X, "y": y, "scoring": scoring, "groups": groups, "params": params}
    differences, deviation = _halved(model1, model2, data, n_jobs, random_state)
    # Without any variance it must not depend on whether the first difference is zero.
    first = differences[0, 0] if deviation > 0 else differences.mean()
    statistic = t_ratio(first, deviation)
    return SignificanceTest(
        "5x2cv paired t test",
        statistic,
        float(2 * stats.t.sf(abs(statistic), 5)),
        float(differences.mean()),
        _EFFECT,
        None,
        0.95,
        _HALVES,
    )


def combined_f_test_5x2cv(
    model1: Any,
    model2: Any,
    X: Any = None,
    y: Any = None,
    *,
    scoring: Any = None,
    groups: Any = None,
    params: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
    random_state: Any = None,
) -> SignificanceTest:
    r"""Compare two learning algorithms by Alpaydin's combined 5x2cv F test.

    It is made of the same differences as :func:`paired_t_test_5x2cv`, but of all of them:

    .. math:: f = \sum_{ij} d_{ij}^2 \Big/ \Big(2 \sum_i s_i^2\Big)

    has about an F distribution with 10 and 5 degrees of freedom [1]_. This is the test that
    Raschka [2]_ recommends for two algorithms on a small data set.

    Parameters
    ----------
    model1, model2 : estimator, or array-like of shape (5, 2)
        What is compared: estimators, of which clones are fitted, or scores of both on the same
        folds.
    X, y : array-like, default=None
        The data, if estimators are given.
    scoring : str, callable or None, default=None
        One scorer; None is the estimators' own ``score``.
    groups : array-like of shape (n_samples,), default=None
        Rows of one group go into the same half.
    params : mapping, default=None
        More arguments of ``fit``, as for :func:`paired_t_test_5x2cv`.
    n_jobs : int, default=None
        Number of fits that run at the same time.
    random_state : int, RandomState or None, default=None
        Decides the halves.

    Returns
    -------
    SignificanceTest
        ``effect`` is the mean of all ten differences.

    References
    ----------
    .. [1] Alpaydin (1999). Combined 5x2 cv F test for comparing supervised classification learning
       algorithms. Neural Computation.
    .. [2] Raschka (2018). Model evaluation, model selection, and algorithm selection in machine
       learning. arXiv:1811.12808.

    Examples
    --------
    >>> from sklearn_modern.model_selection import combined_f_test_5x2cv
    >>> first = [[0.9, 0.8], [0.8, 0.9], [0.9, 0.9], [0.8, 0.8], [0.9, 0.8]]
    >>> second = [[0.8, 0.8], [0.8, 0.8], [0.8, 0.8], [0.8, 0.8], [0.8, 0.8]]
    >>> round(combined_f_test_5x2cv(first, second).statistic, 3)
    1.667
    """
    data = {"X": X, "y": y, "scoring": scoring, "groups": groups, "params": params}
    differences, deviation = _halved(model1, model2, data, n_jobs, random_state)
    # The mean of the squares is the numerator: f = (sum d^2 / 10) / (sum s^2 / 5).
    statistic = t_ratio(np.sqrt((differences**2).mean()), deviation) ** 2
    return SignificanceTest(
        "combined 5x2cv F test",
        statistic,
        float(stats.f.sf(statistic, 10, 5)),
        float(differences.mean()),
        _EFFECT,
        None,
        0.95,
        _HALVES,
    )


def _halved(model1, model2, data, n_jobs, random_state):
    """Return the differences of 5 x 2 folds, and the root of their mean variance."""
    scores = given_scores(model1, model2, data, ndim=2)
    if scores is None:
        splits = _random_halves(model1, data, random_state)
        first, second = fold_scores(model1, model2, splits, data, n_jobs)
        scores = first.reshape(5, 2), second.reshape(5, 2)
    if scores[0].shape != (5, 2):
        raise ValueError(
            f"model1 and model2 have the shape {scores[0].shape}; expected (5, 2), a row for each "
            "division into halves."
        )
    differences = differences_of(*scores)
    deviation = np.sqrt(differences.var(axis=1, ddof=1).mean())
    return differences, 0.0 if negligible(deviation, *scores) else deviation


def _random_halves(estimator, data, random_state):
    """Return two-fold splits of five random divisions of the rows, stratified for classifiers."""
    X, y, groups = data["X"], data["y"], data["groups"]
    check_lengths(X, y)
    splitters = (KFold, StratifiedKFold) if groups is None else (GroupKFold, StratifiedGroupKFold)
    splitter = splitters[is_classifier(estimator)]
    rng = check_random_state(random_state)
    return [
        split
        for seed in rng.randint(np.iinfo(np.int32).max, size=5)
        for split in splitter(2, shuffle=True, random_state=int(seed)).split(X, y, groups)
    ]
