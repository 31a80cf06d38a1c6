"""Tests that exchange values between two samples."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats
from sklearn.utils import check_random_state

from sklearn_modern.model_selection._significance import (
    SignificanceTest,
    check_aligned,
    check_choice,
    check_count,
    check_numbers,
)

__all__ = ["permutation_test"]

_ALTERNATIVES = ("two-sided", "greater", "less")
_STATISTICS = {
    "mean": lambda first, second: np.mean(first) - np.mean(second),
    "median": lambda first, second: np.median(first) - np.median(second),
}


def permutation_test(
    values1: Any,
    values2: Any,
    *,
    statistic: str | Callable[[np.ndarray, np.ndarray], float] = "mean",
    alternative: str = "two-sided",
    paired: bool = True,
    n_resamples: int = 9999,
    random_state: Any = None,
) -> SignificanceTest:
    """Compare two samples by exchanging their values at random.

    The values are the losses of two models on the rows of a test set, their scores on several data
    sets, or any others that could be exchanged if the models were equal. The test needs no
    distribution, and compares what the statistic measures.

    Parameters
    ----------
    values1, values2 : array-like of shape (n_values,)
        The samples; they may differ in length if not paired.
    statistic : "mean", "median" or callable, default="mean"
        The difference of means or of medians, first minus second, or a function of two arrays,
        which gives a number.
    alternative : {"two-sided", "greater", "less"}, default="two-sided"
        Which statistics are as extreme as the observed one: those as far from zero, as large, or as
        small.
    paired : bool, default=True
        Whether ``values1[i]`` and ``values2[i]`` belong together and are exchanged with each other
        only.
    n_resamples : int, default=9999
        If there are no more permutations than this, all are made, and the p-value is exact.
        Otherwise so many are drawn, and the observed values are counted as one of them, so that p
        is never zero.
    random_state : int, RandomState or None, default=None
        Draws the permutations.

    Returns
    -------
    SignificanceTest
        ``statistic`` and ``effect`` are the observed statistic.

    Notes
    -----
    Do not permute the scores of the folds of one cross-validation: they are correlated. Take
    :func:`corrected_resampled_t_test` for these.

    Examples
    --------
    >>> from sklearn_modern.model_selection import permutation_test
    >>> permutation_test([3, 4, 5, 6], [1, 2, 3, 4]).p_value
    0.125
    """
    check_choice(alternative, "alternative", _ALTERNATIVES)
    check_count(n_resamples, "n_resamples", 1)
    if isinstance(statistic, str):
        check_choice(statistic, "statistic", list(_STATISTICS))
    first = check_numbers(values1, "values1")
    second = check_numbers(values2, "values2")
    if paired:
        check_aligned(values1, values2, ("values1", "values2"))
        if len(first) != len(second):
            raise ValueError(
                f"values1 has {len(first)} values and values2 {len(second)}; pairs need as many. "
                "Pass paired=False if the values do not belong together."
            )
    function = _STATISTICS[statistic] if isinstance(statistic, str) else statistic
    observed = float(function(first, second))
    if not np.isfinite(observed):
        raise ValueError(f"statistic is {observed} of the values; it must be a finite number.")

    # Rounding must not tell equal statistics apart.
    unit = max(np.abs(first).max(), np.abs(second).max(), abs(observed)) or 1.0

    def extremity(one, other):
        value = np.round(function(one, other) / unit, 12)
        return abs(value) if alternative == "two-sided" else value

    found = stats.permutation_test(
        (first, second),
        extremity,
        permutation_type="samples" if paired else "independent",
        vectorized=False,
        n_resamples=n_resamples,
        alternative="less" if alternative == "less" else "greater",
        random_state=check_random_state(random_state),
    )
    return SignificanceTest(
        f"{'paired' if paired else 'unpaired'} permutation test ({alternative})",
        observed,
        float(found.pvalue),
        observed,
        f"{statistic} of first minus second" if isinstance(statistic, str) else "statistic",
        None,
        0.95,
        "values could be exchanged if the models were equal: "
        + ("pairs are independent" if paired else "all values are independent"),
    )
