"""Tests on scores of several data sets, which compare algorithms on data sets in general."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
from scipy import stats

from sklearn_modern.model_selection._multiplicity import adjust_p_values
from sklearn_modern.model_selection._significance import (
    SignificanceTest,
    check_aligned,
    check_choice,
    check_confidence,
    check_numbers,
    named_columns,
)

__all__ = [
    "FriedmanTest",
    "RankComparison",
    "friedman_test",
    "scaled_scores",
    "wilcoxon_signed_rank",
]

# Up to so many differences the exact distribution is computed, as in scipy.
_MOST_EXACT = 50


@dataclass(frozen=True)
class RankComparison:
    """Two models of a Friedman test.

    Parameters
    ----------
    first, second : str
        Their names.
    rank_difference : float
        Mean rank of the first minus that of the second; below zero the first is better.
    statistic : float
        The difference divided by its standard error.
    p_nemenyi : float
        p-value of Nemenyi's test, for all pairs.
    p_holm : float
        Two-sided normal p-value, adjusted by Holm's method for the pairs that are compared.
    """

    first: str
    second: str
    rank_difference: float
    statistic: float
    p_nemenyi: float
    p_holm: float

    def __str__(self) -> str:
        return (
            f"{self.first} - {self.second}: rank {self.rank_difference:+.3g}, p = "
            f"{self.p_nemenyi:.3g} (Nemenyi), {self.p_holm:.3g} (Holm)"
        )


@dataclass(frozen=True)
class FriedmanTest:
    """The result of a Friedman test.

    Parameters
    ----------
    test : str
        Name of the test.
    statistic : float
        Its statistic.
    p_value : float
        How probable a statistic at least as extreme is if all models are equally good.
    effect : float
        Kendall's W: how far data sets agree on the order, from 0 to 1.
    mean_ranks : mapping of str to float
        Mean rank of each model; 1 is the best.
    critical_difference : float
        Mean ranks that differ by more are significantly different by Nemenyi's test.
    confidence : float
        One minus the level of the critical difference.
    pairs : tuple of RankComparison
        The models two by two.
    assumes : str
        What must hold for the p-values to mean anything.
    """

    test: str
    statistic: float
    p_value: float
    effect: float
    mean_ranks: Mapping[str, float]
    critical_difference: float
    confidence: float
    pairs: tuple[RankComparison, ...]
    assumes: str

    def __str__(self) -> str:
        lines = [
            f"{self.test}: statistic {self.statistic:.4g}, p = {self.p_value:.3g}, Kendall's W "
            f"{self.effect:.3g}",
            f"Mean ranks (critical difference {self.critical_difference:.3g}):",
            *(f"  {name}: {rank:.3g}" for name, rank in self.mean_ranks.items()),
            *map(str, self.pairs),
        ]
        return "\n".join([*lines, f"Assumes: {self.assumes}"])


def friedman_test(
    scores: Any,
    *,
    method: str = "chi2",
    control: str | None = None,
    confidence: float = 0.95,
) -> FriedmanTest:
    r"""Compare several algorithms over several data sets by their ranks.

    On each data set the algorithms are ranked, the best is 1, and equal ones share the mean of
    their ranks. Friedman's test asks whether mean ranks differ by more than chance [1]_; Nemenyi's
    and Holm's say which pairs do [2]_.

    Parameters
    ----------
    scores : mapping, DataFrame, array of shape (n_data_sets, n_models) or list of array-like
        One score of each model on each data set, the higher the better: a column a model.
    method : {"chi2", "iman-davenport"}, default="chi2"
        "chi2" compares Friedman's statistic with a chi-squared distribution, which is cautious;
        "iman-davenport" is the F statistic :math:`(N - 1) \chi^2 / (N (k - 1) - \chi^2)`, which
        finds more [3]_.
    control : str or None, default=None
        A model with which alone the others are compared; None compares all pairs.
    confidence : float, default=0.95
        One minus the level of the critical difference.

    Returns
    -------
    FriedmanTest
        The test of all models, their mean ranks, and the pairs.

    References
    ----------
    .. [1] Friedman (1940). A comparison of alternative tests of significance for the problem of m
       rankings. Annals of Mathematical Statistics.
    .. [2] Demšar (2006). Statistical comparisons of classifiers over multiple data sets. JMLR.
    .. [3] Iman, Davenport (1980). Approximations of the critical region of the Friedman statistic.
       Communications in Statistics.

    Examples
    --------
    >>> from sklearn_modern.model_selection import friedman_test
    >>> scores = {"a": [0.9, 0.8, 0.7, 0.9], "b": [0.8, 0.7, 0.6, 0.8], "c": [0.7, 0.6, 0.8, 0.5]}
    >>> friedman_test(scores).mean_ranks
    {'a': 1.25, 'b': 2.25, 'c': 2.5}
    """
    check_choice(method, "method", ("chi2", "iman-davenport"))
    confidence = check_confidence(confidence)
    named = named_columns(scores, "scores", item="model")
    values = _table(named)
    n, k = values.shape
    if k < 3:
        raise ValueError("scores has 2 models; Friedman's test needs 3. Take wilcoxon_signed_rank.")
    if control is not None and control not in named:
        raise ValueError(f"control={control!r} is not among the models, {list(named)}.")
    ranks = stats.rankdata(-values, axis=1)
    chi2 = 0.0 if (values == values[:, :1]).all() else stats.friedmanchisquare(*values.T).statistic
    statistic, p_value = _friedman(float(chi2), n, k, method)
    mean_ranks = dict(zip(named, ranks.mean(axis=0).tolist(), strict=True))
    error = np.sqrt(k * (k + 1) / (6 * n))
    quantile = stats.studentized_range.ppf(confidence, k, np.inf) / np.sqrt(2)
    return FriedmanTest(
        f"Friedman test ({method})",
        statistic,
        p_value,
        float(chi2 / (n * (k - 1))),
        mean_ranks,
        float(quantile * error),
        confidence,
        _pairs(mean_ranks, error, control),
        "data sets are independent; about 10 of them or more",
    )


def wilcoxon_signed_rank(
    scores1: Any,
    scores2: Any,
    *,
    zero_method: str = "pratt",
    alternative: str = "two-sided",
) -> SignificanceTest:
    """Compare two algorithms over several data sets by Wilcoxon's signed-rank test.

    Differences in score are ranked by size, and the ranks of the positive ones are summed [1]_. No
    distribution is needed, only that differences are symmetric about zero if the algorithms are
    equally good. The p-value is exact for up to 50 differences that are not zero, also where some
    are the same size.

    Parameters
    ----------
    scores1, scores2 : array-like of shape (n_data_sets,)
        One score of each algorithm on each data set.
    zero_method : {"pratt", "wilcox"}, default="pratt"
        Differences of zero take part in ranking and are left out of the sums [2]_, or are left out
        before.
    alternative : {"two-sided", "greater", "less"}, default="two-sided"
        Whether the first is different, better or worse.

    Returns
    -------
    SignificanceTest
        ``statistic`` is the smaller sum of ranks, and ``effect`` the rank-biserial correlation: the
        share of the rank sum that is positive minus the share that is negative.

    References
    ----------
    .. [1] Demšar (2006). Statistical comparisons of classifiers over multiple data sets. JMLR.
    .. [2] Pratt (1959). Remarks on zeros and ties in the Wilcoxon signed rank procedures. Journal
       of the American Statistical Association.

    Examples
    --------
    >>> from sklearn_modern.model_selection import wilcoxon_signed_rank
    >>> wilcoxon_signed_rank([0.9, 0.8, 0.9, 0.7, 0.6], [0.8, 0.6, 0.6, 0.3, 0.1]).p_value
    0.0625
    """
    check_choice(zero_method, "zero_method", ("pratt", "wilcox"))
    check_choice(alternative, "alternative", ("two-sided", "greater", "less"))
    check_aligned(scores1, scores2, ("scores1", "scores2"))
    first, second = check_numbers(scores1, "scores1"), check_numbers(scores2, "scores2")
    if len(first) != len(second):
        raise ValueError(
            f"scores1 has {len(first)} values and scores2 {len(second)}; both need one score for "
            "each of the same data sets."
        )
    # Equal differences of decimal numbers differ by rounding, which must not decide ranks.
    largest = max(np.abs(first).max(), np.abs(second).max()) or 1.0
    differences = np.round((first - second) / largest, 13)
    if zero_method == "wilcox":
        differences = differences[differences != 0]
    ranks = stats.rankdata(np.abs(differences)) * np.sign(differences)
    positive, negative = ranks[ranks > 0].sum(), -ranks[ranks < 0].sum()
    total = positive + negative
    return SignificanceTest(
        f"Wilcoxon signed-rank test ({alternative})",
        float(min(positive, negative)),
        _signed_rank_p_value(differences, ranks, zero_method, alternative),
        float((positive - negative) / total) if total else 0.0,
        "rank-biserial correlation, first against second",
        None,
        0.95,
        "data sets are independent, and differences are symmetric about zero if none is better",
    )


def scaled_scores(table: np.ndarray) -> np.ndarray:
    """Return scores by data sets and models so that equal ones are equal to the last bit.

    Means of the same numbers can differ by rounding, which must not decide ranks.
    """
    largest = np.nan_to_num(np.abs(table)).max(axis=1, keepdims=True)
    return np.round(table / np.where(largest > 0, largest, 1.0), 13)


def _table(named: Mapping[str, Any]) -> np.ndarray:
    """Return scores by data sets and models."""
    first = next(iter(named))
    for name, values in named.items():
        check_aligned(named[first], values, (first, name))
    columns = [check_numbers(values, f"scores of {name}") for name, values in named.items()]
    if len({len(column) for column in columns}) > 1:
        lengths = {name: len(column) for name, column in zip(named, columns, strict=True)}
        raise ValueError(f"scores differ in length: {lengths}; each model needs all data sets.")
    return scaled_scores(np.column_stack(columns))


def _friedman(chi2, n, k, method):
    if method == "chi2":
        return chi2, float(stats.chi2.sf(chi2, k - 1))
    rest = n * (k - 1) - chi2
    if rest <= 1e-12 * n * k:
        # All data sets have the same order, which F calls impossible. So likely it is by chance:
        return np.inf, float(factorial(k)) ** (1 - n)
    statistic = (n - 1) * chi2 / rest
    return statistic, float(stats.f.sf(statistic, k - 1, (k - 1) * (n - 1)))


def _pairs(mean_ranks, error, control):
    """Compare the mean ranks of all pairs, or of those with a control."""
    pairs = list(combinations(mean_ranks, 2))
    if control is not None:
        pairs = [(control, name) for name in mean_ranks if name != control]
    differences = np.array([mean_ranks[first] - mean_ranks[second] for first, second in pairs])
    z = differences / error
    nemenyi = stats.studentized_range.sf(np.abs(z) * np.sqrt(2), len(mean_ranks), np.inf)
    holm = adjust_p_values(2 * stats.norm.sf(np.abs(z)))
    columns = (differences.tolist(), z.tolist(), np.clip(nemenyi, 0, 1).tolist(), holm.tolist())
    return tuple(
        RankComparison(*pair, *values) for pair, *values in zip(pairs, *columns, strict=True)
    )


def _signed_rank_p_value(differences, ranks, zero_method, alternative):
    n_signed = np.count_nonzero(ranks)
    if n_signed == 0:
        return 1.0
    if n_signed > _MOST_EXACT:
        found = stats.wilcoxon(differences, zero_method=zero_method, alternative=alternative)
        return float(found.pvalue)
    # Twice a rank is a whole number. The distribution of the sum grows by one rank at a time, which
    # is positive or negative with probability 1/2.
    doubled = np.rint(2 * np.abs(ranks[ranks != 0])).astype(int)
    probabilities = np.ones(1)
    for rank in doubled:
        probabilities = np.append(probabilities, np.zeros(rank)) / 2
        probabilities[rank:] = probabilities[rank:] + probabilities[:-rank]
    observed = int(np.rint(2 * ranks[ranks > 0].sum()))
    at_least, at_most = probabilities[observed:].sum(), probabilities[: observed + 1].sum()
    if alternative == "two-sided":
        return float(min(2 * min(at_least, at_most), 1.0))
    return float(min(at_least if alternative == "greater" else at_most, 1.0))
