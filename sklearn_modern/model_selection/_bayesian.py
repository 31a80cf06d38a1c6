"""How probable it is that one learning algorithm is better, or both as good as equal."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from sklearn_modern.model_selection._fold_tests import correlated_scores, mean_and_error
from sklearn_modern.model_selection._significance import check_confidence, percent

__all__ = ["BayesianComparison", "bayesian_correlated_t_test"]


@dataclass(frozen=True)
class BayesianComparison:
    """What is known of the difference of two algorithms after a cross-validation.

    Parameters
    ----------
    first_better : float
        Probability that the first is better by more than ``rope``.
    equivalent : float
        Probability that the difference is at most ``rope``.
    second_better : float
        Probability that the second is better by more than ``rope``.
    effect : float
        Mean of the difference, first minus second.
    interval : (float, float)
        Credible interval of the difference.
    confidence : float
        Probability that the difference is in the interval.
    rope : float
        The difference that does not matter in practice: the region of practical equivalence is
        from -rope to rope.
    assumes : str
        What must hold for the probabilities to mean anything.
    """

    first_better: float
    equivalent: float
    second_better: float
    effect: float
    interval: tuple[float, float]
    confidence: float
    rope: float
    assumes: str

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"first better: {self.first_better:.3f}, equivalent (within {self.rope:g}): "
            f"{self.equivalent:.3f}, second better: {self.second_better:.3f}\n"
            f"mean score, first minus second: {self.effect:.4g}, {percent(self.confidence)} "
            f"credible interval [{low:.4g}, {high:.4g}]\n"
            f"Assumes: {self.assumes}"
        )


def bayesian_correlated_t_test(
    model1: Any,
    model2: Any,
    X: Any = None,
    y: Any = None,
    *,
    rope: float = 0.01,
    test_size: float | None = None,
    cv: Any = None,
    scoring: Any = None,
    groups: Any = None,
    params: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
    random_state: Any = None,
    confidence: float = 0.95,
) -> BayesianComparison:
    r"""Say how probable it is that one of two learning algorithms is better, or neither matters.

    A p-value cannot say that two algorithms are equally good; this can. The posterior of the
    difference, from a prior that favours no value, is a t distribution with n - 1 degrees of
    freedom around the mean difference, whose scale is the standard error of
    :func:`corrected_resampled_t_test` [1]_.

    Parameters
    ----------
    model1, model2 : estimator, or array-like of shape (n_splits,)
        What is compared: estimators, of which clones are fitted, or scores of both on the same
        splits.
    X, y : array-like, default=None
        The data, if estimators are given.
    rope : float, default=0.01
        The largest difference in score that does not matter in practice; 0.01 is one per cent of
        accuracy, and rarely right for other scores.
    test_size : float, default=None
        Share of the rows that a split tests, such as 0.1 for ten folds. It is needed with scores
        only.
    cv : int, splitter or iterable, default=None
        The splits, as in scikit-learn; None is ten times ten folds, of which 200 fits are made.
    scoring : str, callable or None, default=None
        One scorer; None is the estimators' own ``score``.
    groups : array-like of shape (n_samples,), default=None
        Groups, for the splitter, which must be given then.
    params : mapping, default=None
        More arguments of ``fit``, such as ``{"sample_weight": w}``; with metadata routing enabled,
        of whoever requests them.
    n_jobs : int, default=None
        Number of fits that run at the same time.
    random_state : int, RandomState or None, default=None
        Decides the splits if ``cv`` is None.
    confidence : float, default=0.95
        Probability of the credible interval.

    Returns
    -------
    BayesianComparison
        Three probabilities, which sum to 1, and the difference.

    References
    ----------
    .. [1] Corani, Benavoli (2015). A Bayesian approach for comparing cross-validated algorithms on
       multiple data sets. Machine Learning.

    Examples
    --------
    >>> from sklearn_modern.model_selection import bayesian_correlated_t_test
    >>> first, second = [0.9, 0.8, 0.9, 0.9, 0.8], [0.8, 0.8, 0.8, 0.9, 0.8]
    >>> print(bayesian_correlated_t_test(first, second, test_size=0.2))
    first better: 0.770, equivalent (within 0.01): 0.107, second better: 0.123
    mean score, first minus second: 0.04, 95 % credible interval [-0.06201, 0.142]
    Assumes: differences are normal, and correlated by as much as the share of test rows
    """
    confidence = check_confidence(confidence)
    if not 0 <= rope < np.inf:
        raise ValueError(f"rope={rope!r} must be the largest difference without importance, >= 0.")
    data = {"X": X, "y": y, "cv": cv, "scoring": scoring, "groups": groups, "params": params}
    first, second, share = correlated_scores(model1, model2, data, test_size, n_jobs, random_state)
    mean, error = mean_and_error(first, second, 1 / len(first) + share / (1 - share))
    if error > 0:
        posterior = stats.t(len(first) - 1, loc=mean, scale=error)
        better, worse = float(posterior.sf(rope)), float(posterior.cdf(-rope))
        half = error * stats.t.ppf((1 + confidence) / 2, len(first) - 1)
    else:  # all differences are the same: it is certain where they are
        better, worse, half = float(mean > rope), float(mean < -rope), 0.0
    return BayesianComparison(
        better,
        max(1 - better - worse, 0.0),
        worse,
        mean,
        (float(mean - half), float(mean + half)),
        confidence,
        float(rope),
        "differences are normal, and correlated by as much as the share of test rows",
    )
