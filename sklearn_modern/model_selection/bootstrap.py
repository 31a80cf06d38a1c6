"""Intervals of scores, by formula or by resampling rows, and where errors come from."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_random_state

from sklearn_modern._core.warning import warn_user
from sklearn_modern._inputs.validation import check_lengths
from sklearn_modern.model_selection._bias_variance import (
    BiasVariance,
    bias_variance_decomposition,
)
from sklearn_modern.model_selection._prediction_tests import wilson_interval
from sklearn_modern.model_selection._resampled_fits import (
    out_of_bag_scores,
    resampled_rows,
    units_of,
)
from sklearn_modern.model_selection._rowwise_scores import score_function
from sklearn_modern.model_selection._significance import (
    check_choice,
    check_confidence,
    check_count,
    correct_predictions,
    percent,
)

__all__ = [
    "BiasVariance",
    "ScoreInterval",
    "accuracy_interval",
    "bias_variance_decomposition",
    "bootstrap_score",
]

_OF_PREDICTIONS = ("percentile", "bca")
_OF_FITS = ("oob", ".632", ".632+")
_MOST_JACKKNIFED = 1000


@dataclass(frozen=True)
class ScoreInterval:
    """A score and its interval.

    Parameters
    ----------
    score : float
        The score.
    interval : (float, float)
        Its interval.
    confidence : float
        Confidence of the interval.
    method : str
        How the interval was found.
    assumes : str
        What must hold for the interval to mean anything.
    resampled : ndarray of shape (n_resamples,) or None, default=None
        Scores of the resamples, if rows were resampled.
    """

    score: float
    interval: tuple[float, float]
    confidence: float
    method: str
    assumes: str
    resampled: np.ndarray | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"{self.score:.4g}, {percent(self.confidence)} interval [{low:.4g}, {high:.4g}] "
            f"({self.method})\nAssumes: {self.assumes}"
        )


def accuracy_interval(
    y_true: Any, y_pred: Any, *, method: str = "wilson", confidence: float = 0.95
) -> ScoreInterval:
    r"""Return the accuracy on a test set, with its interval.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.
    method : {"wilson", "normal"}, default="wilson"
        "normal" is :math:`p \pm z \sqrt{p (1 - p) / n}`, which covers too rarely near 0 and 1, and
        in small samples [2]_; "wilson" inverts the score test [1]_.
    confidence : float, default=0.95
        Confidence of the interval.

    Returns
    -------
    ScoreInterval
        The accuracy and its interval.

    References
    ----------
    .. [1] Wilson (1927). Probable inference, the law of succession, and statistical inference.
       Journal of the American Statistical Association.
    .. [2] Brown, Cai, DasGupta (2001). Interval estimation for a binomial proportion. Statistical
       Science.

    Examples
    --------
    >>> from sklearn_modern.model_selection import accuracy_interval
    >>> print(accuracy_interval([0, 0, 1, 1, 1], [0, 0, 1, 1, 0]))
    0.8, 95 % interval [0.3755, 0.9638] (wilson)
    Assumes: the rows of the test set are independent, and the model has not seen them
    """
    check_choice(method, "method", ("wilson", "normal"))
    confidence = check_confidence(confidence)
    correct = correct_predictions(y_true, {"y_pred": y_pred})
    n, accuracy = len(correct), float(correct.mean())
    if method == "wilson":
        interval = wilson_interval(accuracy, n, confidence)
    else:
        half = stats.norm.ppf((1 + confidence) / 2) * np.sqrt(accuracy * (1 - accuracy) / n)
        interval = float(max(accuracy - half, 0.0)), float(min(accuracy + half, 1.0))
    return ScoreInterval(accuracy, interval, confidence, method, _NOT_SEEN)


def bootstrap_score(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    method: str = "bca",
    scoring: str | Callable | None = None,
    n_resamples: int | None = None,
    groups: Any = None,
    params: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
    random_state: Any = None,
    confidence: float = 0.95,
) -> ScoreInterval:
    r"""Return a score with an interval by resampling rows.

    "percentile" and "bca" resample the rows of a *test set*, on which a fitted estimator is scored:
    how much would its score vary with the test set? "oob", ".632" and ".632+" resample *all* rows,
    fit a clone to each resample, and score it on the rows that are not in it: what does the
    estimator reach on data of this kind, where there are too few rows for a test set?

    Parameters
    ----------
    estimator : estimator or None
        For "percentile" and "bca" a fitted one, or None if X are predictions; for the others one of
        which clones are fitted.
    X : array-like of shape (n_samples, n_features) or (n_samples,)
        The data; if ``estimator`` is None, what was predicted of each row: labels, numbers, or for
        scorers of probabilities a column for each class, in the order of the sorted labels.
    y : array-like of shape (n_samples,)
        True labels or numbers.
    method : {"bca", "percentile", "oob", ".632", ".632+"}, default="bca"
        "percentile" takes quantiles of the resampled scores; "bca" corrects them for bias and
        skewness [1]_. "oob" is the mean score of the rows out of the bag, which is pessimistic, as
        a resample has about 63.2 % of the rows; ".632" adds 0.368 times the score on the training
        rows [2]_; ".632+" gives this less weight the more the estimator overfits, and is right also
        where ".632" is too optimistic [3]_.
    scoring : str, callable or None, default=None
        One scorer; None is the estimator's own ``score``, and accuracy or R2 of predictions.
    n_resamples : int, default=None
        Number of resamples; None is 2000 for "percentile" and "bca" and 200 for the others.
    groups : array-like of shape (n_samples,), default=None
        Groups, which are resampled as wholes, if rows of one group are not independent.
    params : mapping, default=None
        More arguments of ``fit``, such as ``{"sample_weight": w}``, if there are fits; with
        metadata routing enabled, of whoever requests them.
    n_jobs : int, default=None
        Number of fits that run at the same time.
    random_state : int, RandomState or None, default=None
        Draws the resamples.
    confidence : float, default=0.95
        Confidence of the interval.

    Returns
    -------
    ScoreInterval
        Score, interval, and the scores of the resamples. The interval of ".632" and ".632+" has the
        quantiles of the resampled scores, each weighted with the score on the training rows as the
        score is; it is a rough one, since resamples share rows.

    Notes
    -----
    The no-information rate of ".632+" pairs each prediction with each y, by any scorer that is made
    of predictions; beyond 1000 rows a million random pairs are taken. The training score is that of
    one fit to all rows, as in [3]_, whereas mlxtend scores each resampled fit on all rows.

    References
    ----------
    .. [1] Efron (1987). Better bootstrap confidence intervals. JASA.
    .. [2] Efron (1983). Estimating the error rate of a prediction rule. JASA.
    .. [3] Efron, Tibshirani (1997). Improvements on cross-validation: the .632+ bootstrap method.
       JASA.

    Examples
    --------
    >>> from sklearn_modern.model_selection import bootstrap_score
    >>> y_true, y_pred = [0, 0, 1, 1, 1, 0, 1, 0], [0, 0, 1, 1, 0, 0, 1, 0]
    >>> bootstrap_score(None, y_pred, y_true, scoring="accuracy", random_state=0).score
    0.875
    """
    check_choice(method, "method", _OF_PREDICTIONS + _OF_FITS)
    confidence = check_confidence(confidence)
    check_lengths(X, y)
    default = 2000 if method in _OF_PREDICTIONS else 200
    count = default if n_resamples is None else check_count(n_resamples, "n_resamples", 2)
    rng = check_random_state(random_state)
    if method in _OF_FITS:
        if estimator is None:
            raise ValueError(f"method={method!r} makes fits, and needs an estimator.")
        settings = {"scoring": scoring, "groups": groups, "params": params, "n_jobs": n_jobs}
        score, resampled = out_of_bag_scores(estimator, X, y, method, count, settings, rng)
        interval = _quantiles(resampled, confidence)
        return ScoreInterval(score, interval, confidence, method, _NO_TEST_SET, resampled)
    if unused := [name for name, value in (("params", params), ("n_jobs", n_jobs)) if value]:
        raise ValueError(f"{', '.join(unused)} would not be used: method={method!r} fits nothing.")
    score_rows = score_function(estimator, X, y, scoring)
    score, resampled, jackknifed = _resampled_scores(score_rows, y, groups, count, method, rng)
    level = None if jackknifed is None else _bca_levels(score, resampled, jackknifed, confidence)
    interval = _quantiles(resampled, confidence, level)
    return ScoreInterval(score, interval, confidence, method, _NOT_SEEN, resampled)


_NOT_SEEN = "the rows of the test set are independent, and the model has not seen them"
_NO_TEST_SET = "rows (or groups) are independent; nothing was chosen with their help before"


def _quantiles(resampled, confidence, levels=None):
    """Return the quantiles of resampled scores, at a confidence or at given levels."""
    levels = ((1 - confidence) / 2, (1 + confidence) / 2) if levels is None else levels
    low, high = np.quantile(resampled, levels)
    return float(low), float(high)


def _resampled_scores(score_rows, y, groups, count, method, rng):
    """Return the score of all rows, those of resamples, and for "bca" those without each row."""
    n = len(y)
    rows = np.arange(n)
    score = score_rows(rows)
    if not np.isfinite(score):
        raise ValueError(f"The score of all rows is {score}; there is no interval around it.")
    resampled = _scores_of(score_rows, resampled_rows(n, groups, count, rng))
    defined = np.isfinite(resampled)
    if defined.sum() < 2:
        raise ValueError("The score is undefined on all resamples but one at most.")
    if not defined.all():
        warn_user(
            f"The score is undefined on {(~defined).sum()} of {count} resamples, which perhaps "
            "lack a class; they are left out."
        )
    if method == "percentile":
        return score, resampled[defined], None
    units = units_of(n, groups)
    # Beyond so many, several are left out at a time, from which the acceleration is the same.
    blocks = np.array_split(rng.permutation(len(units)), min(len(units), _MOST_JACKKNIFED))
    left_out = (np.concatenate([units[i] for i in block]) for block in blocks)
    jackknifed = _scores_of(score_rows, (np.delete(rows, block) for block in left_out))
    return score, resampled[defined], jackknifed[np.isfinite(jackknifed)]


def _scores_of(score_rows, choices):
    """Return the scores of several choices of rows, NaN where there is none."""

    def score(chosen):
        try:
            return score_rows(chosen)
        except ValueError:  # all rows have a score: these lack something that it needs
            return np.nan

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        return np.array([score(chosen) for chosen in choices])


def _bca_levels(score, resampled, jackknifed, confidence):
    """Return the levels of the quantiles, corrected for bias and for acceleration."""
    below = (np.mean(resampled < score) + np.mean(resampled <= score)) / 2
    deviations = jackknifed.mean() - jackknifed
    spread = (deviations**2).sum() ** 1.5
    if spread == 0 or not 0 < below < 1:  # all scores are the same, or on one side of the score
        return None
    bias, acceleration = stats.norm.ppf(below), (deviations**3).sum() / (6 * spread)
    z = bias + stats.norm.ppf([(1 - confidence) / 2, (1 + confidence) / 2])
    return stats.norm.cdf(bias + z / (1 - acceleration * z))
