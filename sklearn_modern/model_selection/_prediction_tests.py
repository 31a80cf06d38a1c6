"""Tests on predictions of a test set, which compare models that were fitted once.

The models are fixed. How they would vary with other training data is left out of account.
"""

from typing import Any

import numpy as np
from scipy import stats

from sklearn_modern.model_selection._significance import (
    SignificanceTest,
    check_choice,
    check_confidence,
    check_count,
    correct_predictions,
    named_columns,
)

__all__ = ["cochran_q_test", "f_test", "mcnemar_test", "proportion_difference_test"]

_MCNEMAR_METHODS = ("mid-p", "exact", "corrected", "uncorrected")
_ONE_TEST_SET = "the rows of the test set are independent, and no model has seen them"


def mcnemar_test(
    y_true: Any = None,
    y_pred1: Any = None,
    y_pred2: Any = None,
    *,
    table: Any = None,
    method: str = "mid-p",
    confidence: float = 0.95,
) -> SignificanceTest:
    r"""Compare the accuracies of two classifiers on one test set by McNemar's test.

    Only rows count that one model gets right and the other wrong: of those, b are the first model's
    and c the second's [1]_. If both are equally good, b is binomial with probability 1/2.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred1, y_pred2 : array-like of shape (n_samples,)
        Labels predicted by the two models.
    table : array-like of shape (2, 2), default=None
        Counts instead of labels: ``[[both right, b], [c, both wrong]]``.
    method : {"mid-p", "exact", "corrected", "uncorrected"}, default="mid-p"
        "exact" is the binomial test, which never rejects too often, but too rarely in small
        samples; "mid-p" counts half of the observed outcome's probability, which is closer to the
        nominal level [2]_; "corrected" is :math:`(|b - c| - 1)^2 / (b + c)`, compared with a
        chi-squared distribution, and "uncorrected" the same without the -1; both need
        b + c > 25 at least.
    confidence : float, default=0.95
        Confidence of the interval of the difference in accuracy, by the adjusted Wald method [3]_.

    Returns
    -------
    SignificanceTest
        ``effect`` is the first accuracy minus the second. ``statistic`` is the smaller of b and c
        for "exact" and "mid-p", else chi-squared.

    References
    ----------
    .. [1] McNemar (1947). Note on the sampling error of the difference between correlated
       proportions or percentages. Psychometrika.
    .. [2] Fagerland, Lydersen, Laake (2013). The McNemar test for binary matched-pairs data:
       mid-p and asymptotic are better than exact conditional. BMC Medical Research Methodology.
    .. [3] Bonett, Price (2012). Adjusted Wald confidence interval for a difference of binomial
       proportions based on paired data. Journal of Educational and Behavioral Statistics.

    Examples
    --------
    >>> from sklearn_modern.model_selection import mcnemar_test
    >>> print(mcnemar_test(table=[[1, 1], [7, 12]]))
    McNemar's test (mid-p): statistic 1, p = 0.0391
    accuracy, first minus second: -0.2857, 95 % interval [-0.5084, -0.01338]
    Assumes: the rows of the test set are independent, and no model has seen them
    """
    check_choice(method, "method", _MCNEMAR_METHODS)
    confidence = check_confidence(confidence)
    n, b, c = _discordant(y_true, y_pred1, y_pred2, table)
    if method in ("mid-p", "exact"):
        statistic = min(b, c)
        p_value = 2 * stats.binom.cdf(statistic, b + c, 0.5)
        if method == "mid-p":
            p_value -= stats.binom.pmf(statistic, b + c, 0.5)
    else:
        distance = max(abs(b - c) - (method == "corrected"), 0)
        statistic = distance**2 / (b + c) if b + c else 0.0
        p_value = stats.chi2.sf(statistic, 1)
    return SignificanceTest(
        f"McNemar's test ({method})",
        float(statistic),
        float(min(p_value, 1.0)),
        (b - c) / n,
        "accuracy, first minus second",
        _paired_interval(n, b, c, confidence),
        confidence,
        _ONE_TEST_SET,
    )


def proportion_difference_test(
    proportion1: float,
    proportion2: float,
    n1: int,
    n2: int | None = None,
    *,
    pooled: bool = True,
    confidence: float = 0.95,
) -> SignificanceTest:
    r"""Compare accuracies, or other proportions, on two different test sets by a z-test.

    With two models on *one* test set their errors are correlated, which this test does not know:
    take :func:`mcnemar_test` there.

    Parameters
    ----------
    proportion1, proportion2 : float
        The proportions, from 0 to 1.
    n1 : int
        Number of rows of the first test set.
    n2 : int or None, default=None
        Number of rows of the second; None is as many as the first.
    pooled : bool, default=True
        Whether the variance is that of the common proportion,
        :math:`\bar p (1 - \bar p) (1 / n_1 + 1 / n_2)`, as the hypothesis has it, or the sum of
        both variances.
    confidence : float, default=0.95
        Confidence of the interval, by Newcombe's method of Wilson intervals [1]_.

    Returns
    -------
    SignificanceTest
        ``effect`` is the first proportion minus the second, and the p-value is two-sided.

    References
    ----------
    .. [1] Newcombe (1998). Interval estimation for the difference between independent proportions.
       Statistics in Medicine. Method 10.

    Examples
    --------
    >>> from sklearn_modern.model_selection import proportion_difference_test
    >>> proportion_difference_test(0.95, 0.90, 200).p_value < 0.06
    True
    """
    confidence = check_confidence(confidence)
    p, n = [], [check_count(n1, "n1", 1), check_count(n1 if n2 is None else n2, "n2", 1)]
    for name, value in (("proportion1", proportion1), ("proportion2", proportion2)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name}={value!r} must be a proportion, from 0 to 1.")
        p.append(float(value))
    shares = [np.dot(p, n) / sum(n)] * 2 if pooled else p
    error = np.sqrt(sum(share * (1 - share) / size for share, size in zip(shares, n, strict=True)))
    difference = p[0] - p[1]
    statistic = 0.0
    if difference != 0:  # without any variance the proportions are 0 and 1
        statistic = float(difference / error) if error > 0 else np.copysign(np.inf, difference)
    low1, high1 = wilson_interval(p[0], n[0], confidence)
    low2, high2 = wilson_interval(p[1], n[1], confidence)
    low = difference - np.hypot(p[0] - low1, high2 - p[1])
    high = difference + np.hypot(high1 - p[0], p[1] - low2)
    return SignificanceTest(
        "z-test of two proportions",
        float(statistic),
        float(2 * stats.norm.sf(abs(statistic))),
        difference,
        "proportion, first minus second",
        (float(low), float(high)),
        confidence,
        "two test sets without common rows, of independent rows, and large enough that each has "
        "about 5 correct and 5 wrong predictions",
    )


def cochran_q_test(y_true: Any, predictions: Any) -> SignificanceTest:
    r"""Compare the accuracies of several classifiers on one test set by Cochran's Q test.

    With :math:`G_j` the number of rows that model j gets right and :math:`L_i` the number of models
    that get row i right,

    .. math:: Q = (k - 1) \frac{k \sum_j G_j^2 - (\sum_j G_j)^2}{k \sum_j G_j - \sum_i L_i^2}

    has about a chi-squared distribution with k - 1 degrees of freedom if all k models are equally
    good [1]_. Of two models it is McNemar's test without a correction. A small p-value says that
    *some* models differ; which ones, McNemar's test of each pair says, with adjusted p-values, as
    :func:`compare_models` does it.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    predictions : mapping, DataFrame, array of shape (n_samples, n_models) or list of array-like
        Predicted labels of each model, by name if there are names.

    Returns
    -------
    SignificanceTest
        ``effect`` is :math:`\eta^2 = Q / (n (k - 1))`, from 0 to 1, and ``estimates`` are the
        accuracies.

    References
    ----------
    .. [1] Cochran (1950). The comparison of percentages in matched samples. Biometrika.

    Examples
    --------
    >>> from sklearn_modern.model_selection import cochran_q_test
    >>> y = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    >>> predictions = {"a": y, "b": [0] * 10, "c": [1] * 10}
    >>> cochran_q_test(y, predictions).estimates
    {'a': 1.0, 'b': 0.5, 'c': 0.5}
    """
    correct, accuracies = _correct_of(y_true, predictions)
    n, k = correct.shape
    between, residual = _sums_of_squares(correct)
    within = between + residual
    q = n * (k - 1) * between / within if within > 0 else 0.0
    return SignificanceTest(
        "Cochran's Q test",
        float(q),
        float(stats.chi2.sf(q, k - 1)),
        float(q / (n * (k - 1))),
        "eta squared, share of disagreement between models",
        None,
        0.95,
        f"{_ONE_TEST_SET}; about 24 rows or more on which the models disagree",
        accuracies,
    )


def f_test(y_true: Any, predictions: Any) -> SignificanceTest:
    r"""Compare the accuracies of several classifiers on one test set by Looney's F test.

    This is a repeated-measures analysis of variance of right (1) and wrong (0) predictions, whose
    statistic has about an F distribution with :math:`k - 1` and :math:`(k - 1)(n - 1)` degrees of
    freedom if all k models are equally good [1]_.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    predictions : mapping, DataFrame, array of shape (n_samples, n_models) or list of array-like
        Predicted labels of each model, by name if there are names.

    Returns
    -------
    SignificanceTest
        ``effect`` is :math:`\eta^2`, the models' share of the variance within rows, and
        ``estimates`` are the accuracies.

    Notes
    -----
    mlxtend's ``ftest`` has the same statistic, but takes :math:`(k - 1) n` degrees of freedom.

    References
    ----------
    .. [1] Looney (1988). A statistical technique for comparing the accuracies of several
       classifiers. Pattern Recognition Letters.

    Examples
    --------
    >>> from sklearn_modern.model_selection import f_test
    >>> round(f_test([0, 0, 1, 1], [[0, 0, 1, 0], [0, 1, 0, 1]]).p_value, 3)
    0.638
    """
    correct, accuracies = _correct_of(y_true, predictions)
    n, k = correct.shape
    if n < 2:
        raise ValueError(f"y_true has {n} sample; the variance needs at least 2.")
    between, residual = _sums_of_squares(correct)
    f, df = 0.0, ((k - 1), (k - 1) * (n - 1))
    if between > 0:
        f = np.inf if residual == 0 else between / df[0] / (residual / df[1])
    return SignificanceTest(
        "F test of accuracies",
        float(f),
        float(stats.f.sf(f, *df)),
        float(between / (between + residual)) if between > 0 else 0.0,
        "eta squared, share of disagreement between models",
        None,
        0.95,
        f"{_ONE_TEST_SET}; many rows, as 0 and 1 are not normal",
        accuracies,
    )


def wilson_interval(proportion: float, n: int, confidence: float) -> tuple[float, float]:
    """Return Wilson's interval of a proportion, which need not be that of a whole count."""
    z = stats.norm.ppf((1 + confidence) / 2)
    center = (proportion + z**2 / (2 * n)) / (1 + z**2 / n)
    variance = proportion * (1 - proportion) / n + z**2 / (4 * n**2)
    half = z * np.sqrt(variance) / (1 + z**2 / n)
    # At 0 and 1 the bound is exactly there, which rounding would miss.
    low = 0.0 if proportion == 0 else max(center - half, 0.0)
    high = 1.0 if proportion == 1 else min(center + half, 1.0)
    return float(low), float(high)


def discordant_counts(correct: np.ndarray) -> tuple[int, int]:
    """Count the rows that only the first, and only the second of two models gets right."""
    first, second = correct.T
    return int((first & ~second).sum()), int((second & ~first).sum())


def _discordant(y_true, y_pred1, y_pred2, table):
    """Return the number of rows, and of those that only one of the models gets right."""
    labels = {"y_true": y_true, "y_pred1": y_pred1, "y_pred2": y_pred2}
    if table is None:
        if missing := [name for name, values in labels.items() if values is None]:
            raise ValueError(f"Pass {', '.join(missing)}, or a table.")
        correct = correct_predictions(y_true, {"y_pred1": y_pred1, "y_pred2": y_pred2})
        return len(correct), *discordant_counts(correct)
    if any(values is not None for values in labels.values()):
        raise ValueError("Pass either labels or a table, not both.")
    counts = np.asarray(table)
    if counts.shape != (2, 2) or counts.dtype.kind not in "iuf":
        raise ValueError(
            f"table has the shape {counts.shape} and dtype {counts.dtype}; expected 2 x 2 counts."
        )
    if not (counts >= 0).all() or (counts != np.floor(counts)).any() or not counts.any():
        raise ValueError(f"table={counts.tolist()} must have whole counts, not all of them zero.")
    return int(counts.sum()), int(counts[0, 1]), int(counts[1, 0])


def _paired_interval(n, b, c, confidence):
    p1, p2 = (b + 1) / (n + 2), (c + 1) / (n + 2)
    error = np.sqrt((p1 + p2 - (p1 - p2) ** 2) / (n + 2))
    half = stats.norm.ppf((1 + confidence) / 2) * error
    return float(max(p1 - p2 - half, -1.0)), float(min(p1 - p2 + half, 1.0))


def _correct_of(y_true, predictions):
    named = named_columns(predictions, "predictions", item="model")
    correct = correct_predictions(y_true, named)
    return correct, dict(zip(named, correct.mean(axis=0).tolist(), strict=True))


def _sums_of_squares(correct):
    """Return the sums of squares of models and of the residuals, times the number of cells.

    Counts are whole numbers, and so is each sum until the last division: equal models have exactly
    nothing between them.
    """
    n, k = correct.shape
    of_models, of_rows = correct.sum(axis=0).tolist(), correct.sum(axis=1).tolist()
    total, n, k = sum(of_models), int(n), int(k)
    between = k * sum(count**2 for count in of_models) - total**2
    rows = n * sum(count**2 for count in of_rows) - total**2
    return between, n * k * total - total**2 - between - rows
