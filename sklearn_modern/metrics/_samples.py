"""Whether samples of a density hold what they say: calibration, and comparison with the truth."""

from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binom, kstest
from sklearn.base import clone, is_classifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_array, check_consistent_length, check_random_state

from sklearn_modern._inputs.cells import refuse_text
from sklearn_modern._inputs.validation import check_levels

__all__ = [
    "Coverage",
    "Ranks",
    "TwoSamples",
    "calibration_ranks",
    "classifier_two_sample_test",
    "expected_coverage",
]


# The default estimator sets a tenth of its rows aside, of which each sample must have one.
_FEWEST_ROWS = 11


class Ranks(NamedTuple):
    """Ranks of true values among samples.

    Attributes
    ----------
    ranks : ndarray of int of shape (n_rows,) or (n_rows, n_outputs)
        How many samples lie below the true value, from 0 to ``n_samples``.
    p_value : float or ndarray of shape (n_outputs,)
        Of a test that the ranks are uniform; small where the samples are not calibrated.
    """

    ranks: np.ndarray
    p_value: Any


class Coverage(NamedTuple):
    """How often regions of highest density hold the true values.

    Attributes
    ----------
    levels : ndarray of shape (n_levels,)
        Probability of the regions.
    coverage : ndarray of shape (n_levels,)
        Share of the true values that lie in them; equal to the levels in expectation if samples are
        calibrated, less if they are too narrow.
    p_value : float
        Of a test that both are equal at all levels.
    """

    levels: np.ndarray
    coverage: np.ndarray
    p_value: float


class TwoSamples(NamedTuple):
    """Whether a classifier can tell two samples apart.

    Attributes
    ----------
    accuracy : float
        Of predictions for rows that it has not learned: 0.5 if it cannot, 1 if it always can.
    p_value : float
        Of a test that it cannot.
    """

    accuracy: float
    p_value: float


def calibration_ranks(y_true: Any, samples: Any, *, random_state: Any = None) -> Ranks:
    """Rank true values among samples of their densities: simulation-based calibration.

    If each true value comes from the density that its samples come from, ranks are uniform,
    whatever the densities. Ranks in the middle tell of densities that are too wide, those at both
    ends of some that are too narrow, and those at one end of a bias [1]_.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,) or (n_rows, n_outputs)
        True values.
    samples : array-like of shape (n_rows, n_samples) or (n_rows, n_samples, n_outputs)
        Samples of the density of each row.
    random_state : int, RandomState instance or None, default=None
        Breaks ties.

    Returns
    -------
    Ranks
        The ranks, and for each output the p-value of a test of Kolmogorov and Smirnov.

    References
    ----------
    .. [1] Talts, Betancourt, Simpson, Vehtari, Gelman (2018). Validating Bayesian inference
       algorithms with simulation-based calibration. arXiv:1804.06788.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_modern.metrics import calibration_ranks
    >>> found = calibration_ranks([0.5, 2.5], [[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]])
    >>> found.ranks
    array([1, 3])
    """
    y_true, samples = _numbers(y_true, "y_true", (1, 2)), _numbers(samples, "samples", (2, 3))
    check_consistent_length(y_true, samples)
    if samples.ndim != y_true.ndim + 1 or samples.shape[2:] != y_true.shape[1:]:
        raise ValueError(
            f"y_true of shape {y_true.shape} needs samples of shape "
            f"{(len(y_true), 'n_samples', *y_true.shape[1:])}, got {samples.shape}."
        )
    random, true = check_random_state(random_state), y_true[:, np.newaxis]
    below, ties = (samples < true).sum(axis=1), (samples == true).sum(axis=1)
    ranks = below + random.randint(ties + 1)
    shares = _spread_ranks(ranks, samples.shape[1], random).reshape(len(ranks), -1)
    p_values = np.array([kstest(column, "uniform").pvalue for column in shares.T])
    return Ranks(ranks, p_values if y_true.ndim == 2 else float(p_values[0]))


def expected_coverage(
    log_prob_true: Any, log_prob_samples: Any, *, levels: Any = None, random_state: Any = None
) -> Coverage:
    """Tell how often regions of highest density hold the true values.

    The region with probability 0.9 of a row's density has the 90% of its samples that are densest.
    Calibrated densities have the true value there in 90% of the rows [1]_.

    Parameters
    ----------
    log_prob_true : array-like of shape (n_rows,)
        Log-densities of the true values.
    log_prob_samples : array-like of shape (n_rows, n_samples)
        Log-densities of samples, each by the density that it comes from.
    levels : array-like of shape (n_levels,), default=None
        Probabilities of regions; None is 0.05, 0.1, ..., 0.95.
    random_state : int, RandomState instance or None, default=None
        Breaks ties.

    Returns
    -------
    Coverage
        Levels, coverage, and the p-value of a test of Kolmogorov and Smirnov.

    References
    ----------
    .. [1] Hermans, Delaunoy, Rozet, Wehenkel, Begy, Louppe (2022). A trust crisis in
       simulation-based inference? Your posterior approximations can be unfaithful. TMLR.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_modern.metrics import expected_coverage
    >>> rng = np.random.default_rng(0)
    >>> true, samples = rng.normal(size=500), rng.normal(size=(500, 200))
    >>> expected_coverage(-(true**2), -(samples**2), levels=[0.5, 0.9]).coverage.round(1)
    array([0.5, 0.9])
    """
    true = _numbers(log_prob_true, "log_prob_true", (1,))
    samples = _numbers(log_prob_samples, "log_prob_samples", (2,))
    check_consistent_length(true, samples)
    levels = check_levels(np.linspace(0.05, 0.95, 19) if levels is None else levels, "levels")
    random, true = check_random_state(random_state), true[:, np.newaxis]
    ties = (samples == true).sum(axis=1)
    denser = (samples > true).sum(axis=1) + random.randint(ties + 1)
    smallest = _spread_ranks(denser, samples.shape[1], random)
    coverage = (smallest[:, np.newaxis] <= levels).mean(axis=0)
    return Coverage(levels, coverage, float(kstest(smallest, "uniform").pvalue))


def classifier_two_sample_test(
    X: Any, Y: Any, *, estimator: Any = None, cv: int = 5, random_state: Any = None
) -> TwoSamples:
    """Ask whether a classifier can tell two samples apart.

    Parameters
    ----------
    X, Y : array-like of shape (n_samples, n_features)
        The samples, at least ``cv`` rows of each, and 11 for the default estimator. If one is
        larger, as many of its rows are drawn.
    estimator : classifier, default=None
        What is to tell them apart; None is scikit-learn's ``MLPClassifier`` with two hidden layers
        of ten units a column, on standardised columns.
    cv : int, default=5
        Number of folds.
    random_state : int, RandomState instance or None, default=None
        Determines folds, rows that are drawn, and the default estimator.

    Returns
    -------
    TwoSamples
        The accuracy, and the p-value of a binomial test, one-sided, which takes the rows for
        independent although they share classifiers.

    References
    ----------
    .. [1] Lopez-Paz, Oquab (2017). Revisiting classifier two-sample tests. ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_modern.metrics import classifier_two_sample_test
    >>> X = np.arange(20.0).reshape(-1, 1)
    >>> classifier_two_sample_test(X, X + 100, estimator=LogisticRegression()).accuracy
    1.0
    """
    if estimator is not None and not is_classifier(estimator):
        raise TypeError(f"estimator={estimator!r} must be a classifier, or None.")
    names = [list(getattr(rows, "columns", ())) for rows in (X, Y)]
    if all(names) and names[0] != names[1]:
        raise ValueError(
            f"X has the columns {names[0]}, but Y has {names[1]}; both must have the same, in the "
            "same order."
        )
    X, Y = check_array(X, input_name="X"), check_array(Y, input_name="Y")
    if X.shape[1] != Y.shape[1]:
        raise ValueError(f"X has {X.shape[1]} columns, but Y has {Y.shape[1]}.")
    random, n_rows = check_random_state(random_state), min(len(X), len(Y))
    fewest = cv if estimator is not None else max(cv, _FEWEST_ROWS)
    if n_rows < fewest:
        raise ValueError(
            f"X has {len(X)} rows and Y has {len(Y)}, but each needs at least {fewest}: one for "
            f"each of the cv={cv} folds, and {_FEWEST_ROWS} for the default estimator. Pass more "
            "rows, or a smaller cv and an estimator."
        )
    X, Y = (rows[random.permutation(len(rows))[:n_rows]] for rows in (X, Y))
    if estimator is None:
        units = (10 * X.shape[1],) * 2
        network = MLPClassifier(units, early_stopping=True, random_state=random.randint(2**31 - 1))
        estimator = make_pipeline(StandardScaler(), network)
    rows, label = np.concatenate([X, Y]), np.arange(2 * n_rows) // n_rows
    folds = StratifiedKFold(cv, shuffle=True, random_state=random.randint(2**31 - 1))
    right = (cross_val_predict(clone(estimator), rows, label, cv=folds) == label).sum()
    p_value = binom.sf(right - 1, 2 * n_rows, 0.5)
    return TwoSamples(float(right / (2 * n_rows)), float(p_value))


def _numbers(values, name, n_axes):
    refuse_text(np.asarray(values), name, "it must be")
    values = np.asarray(values, dtype=np.float64)
    if values.ndim not in n_axes or 0 in values.shape:
        allowed = " or ".join(map(str, n_axes))
        raise ValueError(f"{name} must have {allowed} axes and no empty one, got {values.shape}.")
    if np.isnan(values).any():
        raise ValueError(f"{name} contains NaN.")
    return values


def _spread_ranks(ranks, n_samples, random):
    """Return numbers within (0, 1) that are uniform if the ranks from 0 to n_samples are."""
    return (ranks + random.uniform(size=ranks.shape)) / (n_samples + 1)
