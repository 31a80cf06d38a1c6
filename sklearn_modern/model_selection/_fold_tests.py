"""Tests on scores of folds, which compare learning algorithms on data of this kind.

Models are fitted anew on each split, so that the variation of the training data counts. Scores of
overlapping training sets are correlated, and the tests differ in what they do about it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import stats
from sklearn.base import is_classifier
from sklearn.model_selection import (
    GroupShuffleSplit,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedShuffleSplit,
    check_cv,
)

from sklearn_modern._inputs.validation import check_lengths
from sklearn_modern.model_selection._fold_scores import (
    differences_of,
    fold_scores,
    given_scores,
    t_ratio,
)
from sklearn_modern.model_selection._significance import (
    SignificanceTest,
    check_confidence,
    check_count,
    check_share,
    negligible,
)

__all__ = [
    "corrected_resampled_t_test",
    "corrected_t_test",
    "correlated_scores",
    "mean_and_error",
    "paired_t_test_kfold_cv",
    "paired_t_test_resampled",
    "share_of_tests",
]

_EFFECT = "mean score, first minus second"


def paired_t_test_kfold_cv(
    model1: Any,
    model2: Any,
    X: Any = None,
    y: Any = None,
    *,
    cv: Any = None,
    scoring: Any = None,
    groups: Any = None,
    params: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
    confidence: float = 0.95,
) -> SignificanceTest:
    """Compare two learning algorithms by a paired t test of the scores of k folds.

    Training sets share rows, so that differences are correlated and the test rejects somewhat too
    often [1]_. :func:`corrected_resampled_t_test` allows for that.

    Parameters
    ----------
    model1, model2 : estimator, or array-like of shape (n_folds,)
        What is compared: estimators, of which clones are fitted, or scores of both on the same
        folds.
    X, y : array-like, default=None
        The data, if estimators are given.
    cv : int, splitter or iterable, default=None
        The folds, as in scikit-learn; None is 10 folds. Each row is tested at most once.
    scoring : str, callable or None, default=None
        One scorer; None is the estimators' own ``score``.
    groups : array-like of shape (n_samples,), default=None
        Groups, for the splitter.
    params : mapping, default=None
        More arguments of ``fit``, as for :func:`paired_t_test_5x2cv`.
    n_jobs : int, default=None
        Number of fits that run at the same time.
    confidence : float, default=0.95
        Confidence of the interval.

    Returns
    -------
    SignificanceTest
        ``effect`` is the mean difference.

    References
    ----------
    .. [1] Dietterich (1998). Approximate statistical tests for comparing supervised classification
       learning algorithms. Neural Computation.

    Examples
    --------
    >>> from sklearn_modern.model_selection import paired_t_test_kfold_cv
    >>> round(paired_t_test_kfold_cv([0.9, 0.8, 0.9], [0.8, 0.8, 0.8]).p_value, 3)
    0.184
    """
    confidence = check_confidence(confidence)
    data = {"X": X, "y": y, "cv": cv, "scoring": scoring, "groups": groups, "params": params}
    scores = given_scores(model1, model2, data)
    if scores is None:
        splits = splits_of(model1, X, y, 10 if cv is None else cv, groups)
        _check_disjoint(splits)
        scores = fold_scores(model1, model2, splits, data, n_jobs)
    return _t_test(
        "paired t test of k folds",
        *scores,
        variance_factor=1 / len(scores[0]),
        confidence=confidence,
        assumes="differences are normal and independent; they are not quite, as training sets "
        "share rows, and p-values are somewhat too small",
    )


def paired_t_test_resampled(
    model1: Any,
    model2: Any,
    X: Any = None,
    y: Any = None,
    *,
    n_splits: int | None = None,
    test_size: float | int | None = None,
    scoring: Any = None,
    groups: Any = None,
    params: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
    random_state: Any = None,
    confidence: float = 0.95,
) -> SignificanceTest:
    """Compare two learning algorithms by a paired t test of random splits, which is unsound.

    It is here to reproduce what others report. Random splits share training *and* test rows, so
    that differences are strongly correlated; more splits make the p-value as small as one likes,
    whatever the models are. Dietterich [1]_ found that it calls equal algorithms different far too
    often. Take :func:`corrected_resampled_t_test` or :func:`combined_f_test_5x2cv`.

    Parameters
    ----------
    model1, model2 : estimator, or array-like of shape (n_splits,)
        What is compared: estimators, of which clones are fitted, or scores of both on the same
        splits.
    X, y : array-like, default=None
        The data, if estimators are given.
    n_splits : int, default=None
        Number of random splits; None is 30.
    test_size : float or int, default=None
        Share or number of test rows; None is 0.3.
    scoring : str, callable or None, default=None
        One scorer; None is the estimators' own ``score``.
    groups : array-like of shape (n_samples,), default=None
        Rows of one group stay together. Without groups, splits are stratified for classifiers.
    params : mapping, default=None
        More arguments of ``fit``, as for :func:`paired_t_test_5x2cv`.
    n_jobs : int, default=None
        Number of fits that run at the same time.
    random_state : int, RandomState or None, default=None
        Decides the splits.
    confidence : float, default=0.95
        Confidence of the interval.

    Returns
    -------
    SignificanceTest
        ``effect`` is the mean difference.

    References
    ----------
    .. [1] Dietterich (1998). Approximate statistical tests for comparing supervised classification
       learning algorithms. Neural Computation.

    Examples
    --------
    >>> from sklearn_modern.model_selection import paired_t_test_resampled
    >>> print(paired_t_test_resampled([0.9, 0.8, 0.9], [0.8, 0.8, 0.8]).assumes)
    differences are independent, which is never true of random splits: p-values are far too small
    """
    confidence = check_confidence(confidence)
    data = {"X": X, "y": y, "n_splits": n_splits, "test_size": test_size}
    data |= {"scoring": scoring, "groups": groups, "params": params}
    scores = given_scores(model1, model2, data)
    if scores is None:
        n_splits = 30 if n_splits is None else check_count(n_splits, "n_splits", 2)
        splitter = StratifiedShuffleSplit if is_classifier(model1) else ShuffleSplit
        splitter = splitter if groups is None else GroupShuffleSplit
        size = 0.3 if test_size is None else test_size
        cv = splitter(n_splits, test_size=size, random_state=random_state)
        splits = splits_of(model1, X, y, cv, groups)
        scores = fold_scores(model1, model2, splits, data, n_jobs)
    return _t_test(
        "resampled paired t test",
        *scores,
        variance_factor=1 / len(scores[0]),
        confidence=confidence,
        assumes="differences are independent, which is never true of random splits: p-values are "
        "far too small",
    )


def corrected_resampled_t_test(
    model1: Any,
    model2: Any,
    X: Any = None,
    y: Any = None,
    *,
    test_size: float | None = None,
    cv: Any = None,
    scoring: Any = None,
    groups: Any = None,
    params: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
    random_state: Any = None,
    confidence: float = 0.95,
) -> SignificanceTest:
    r"""Compare two learning algorithms by the corrected t test of Nadeau and Bengio.

    With differences :math:`d_1, \dots, d_n` of any number of splits, their mean and their variance
    :math:`s^2`,

    .. math:: t = \bar d \Big/ \sqrt{\Big(\frac 1 n + \frac{n_\text{test}}{n_\text{train}}\Big) s^2}

    has about a t distribution with n - 1 degrees of freedom [1]_. The second term allows for the
    correlation of splits that share rows; it does not vanish with more splits. Ten times ten-fold
    cross-validation gives results that hardly depend on the random splits [2]_.

    Parameters
    ----------
    model1, model2 : estimator, or array-like of shape (n_splits,)
        What is compared: estimators, of which clones are fitted, or scores of both on the same
        splits.
    X, y : array-like, default=None
        The data, if estimators are given.
    test_size : float, default=None
        Share of the rows that a split tests, such as 0.1 for ten folds. It is needed with scores
        only; with estimators, splits tell.
    cv : int, splitter or iterable, default=None
        The splits, as in scikit-learn; None is ten times ten folds, of which 200 fits are made.
    scoring : str, callable or None, default=None
        One scorer; None is the estimators' own ``score``.
    groups : array-like of shape (n_samples,), default=None
        Groups, for the splitter, which must be given then.
    params : mapping, default=None
        More arguments of ``fit``, as for :func:`paired_t_test_5x2cv`.
    n_jobs : int, default=None
        Number of fits that run at the same time.
    random_state : int, RandomState or None, default=None
        Decides the splits if ``cv`` is None.
    confidence : float, default=0.95
        Confidence of the interval.

    Returns
    -------
    SignificanceTest
        ``effect`` is the mean difference.

    References
    ----------
    .. [1] Nadeau, Bengio (2003). Inference for the generalization error. Machine Learning.
    .. [2] Bouckaert, Frank (2004). Evaluating the replicability of significance tests for comparing
       learning algorithms. PAKDD.

    Examples
    --------
    >>> from sklearn_modern.model_selection import corrected_resampled_t_test
    >>> first, second = [0.9, 0.8, 0.9, 0.9, 0.8], [0.8, 0.8, 0.8, 0.9, 0.8]
    >>> print(corrected_resampled_t_test(first, second, test_size=0.2))
    corrected resampled t test: statistic 1.089, p = 0.338
    mean score, first minus second: 0.04, 95 % interval [-0.06201, 0.142]
    Assumes: differences are normal, and correlated by as much as the share of test rows
    """
    confidence = check_confidence(confidence)
    data = {"X": X, "y": y, "cv": cv, "scoring": scoring, "groups": groups, "params": params}
    first, second, share = correlated_scores(model1, model2, data, test_size, n_jobs, random_state)
    return corrected_t_test(first, second, share, confidence)


def corrected_t_test(
    first: np.ndarray, second: np.ndarray, share: float, confidence: float
) -> SignificanceTest:
    """Test scores of which each comes from a split that tests a share of the rows."""
    return _t_test(
        "corrected resampled t test",
        first,
        second,
        variance_factor=1 / len(first) + share / (1 - share),
        confidence=confidence,
        assumes="differences are normal, and correlated by as much as the share of test rows",
    )


def correlated_scores(
    model1: Any,
    model2: Any,
    data: Mapping[str, Any],
    test_size: float | None,
    n_jobs: int | None,
    random_state: Any,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the scores of two models on the same splits, and the share of rows that are tested.

    Parameters
    ----------
    model1, model2 : estimator or array-like
        What is compared, or its scores.
    data : mapping
        The arguments X, y, cv, scoring, groups and params.
    test_size : float or None
        The share, if scores are given.
    n_jobs : int or None
        Number of fits that run at the same time.
    random_state : int, RandomState or None
        Decides the splits if ``cv`` is None.
    """
    scores = given_scores(model1, model2, data)
    if scores is not None:
        if test_size is None:
            raise ValueError("Scores need test_size, the share of test rows: 0.1 for ten folds.")
        return *scores, check_share(test_size, "test_size", "such as 0.1 for ten folds")
    if test_size is not None:
        raise ValueError("test_size would not be used: the splits of cv tell. Pass scores, or cv.")
    cv = data["cv"]
    if cv is None:
        if data["groups"] is not None:
            raise ValueError("groups needs a splitter that uses them: pass cv=GroupKFold(10).")
        repeated = RepeatedStratifiedKFold if is_classifier(model1) else RepeatedKFold
        cv = repeated(n_splits=10, n_repeats=10, random_state=random_state)
    splits = splits_of(model1, data["X"], data["y"], cv, data["groups"])
    return *fold_scores(model1, model2, splits, data, n_jobs), share_of_tests(splits)


def share_of_tests(splits: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Return the mean share of test rows such that it gives the mean ratio of test to training."""
    ratio = np.mean([len(test) / len(train) for train, test in splits])
    return float(ratio / (1 + ratio))


def splits_of(estimator: Any, X: Any, y: Any, cv: Any, groups: Any) -> list:
    """Return the splits of scikit-learn's ``cv``, of which there must be at least two."""
    check_lengths(X, y)
    splitter = check_cv(cv, y, classifier=is_classifier(estimator))
    splits = [tuple(map(np.asarray, split)) for split in splitter.split(X, y, groups)]
    if len(splits) < 2:
        raise ValueError(f"cv has {len(splits)} splits; a variance needs at least 2.")
    return splits


def _check_disjoint(splits):
    tested = np.concatenate([test for _, test in splits])
    if len(np.unique(tested)) < len(tested):
        raise ValueError(
            "cv tests some rows more than once, which this test does not allow for; take "
            "corrected_resampled_t_test."
        )


def _t_test(name, first, second, *, variance_factor, confidence, assumes):
    """Return a t test whose variance of the mean is a multiple of that of the differences."""
    mean, error = mean_and_error(first, second, variance_factor)
    statistic, df = t_ratio(mean, error), len(first) - 1
    half = stats.t.ppf((1 + confidence) / 2, df) * error
    return SignificanceTest(
        name,
        statistic,
        float(2 * stats.t.sf(abs(statistic), df)),
        mean,
        _EFFECT,
        (float(mean - half), float(mean + half)),
        confidence,
        assumes,
    )


def mean_and_error(
    first: np.ndarray, second: np.ndarray, variance_factor: float
) -> tuple[float, float]:
    """Return the mean of differences, and its standard error."""
    differences = differences_of(first, second)
    deviation = float(differences.std(ddof=1))
    if negligible(deviation, first, second):
        deviation = 0.0
    return float(differences.mean()), deviation * np.sqrt(variance_factor)
