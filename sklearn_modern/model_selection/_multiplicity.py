"""Adjust p-values for the number of tests."""

from typing import Any

import numpy as np

from sklearn_modern._inputs.cells import refuse_text
from sklearn_modern.model_selection._significance import check_choice

__all__ = ["ADJUSTMENTS", "adjust_p_values"]

ADJUSTMENTS = (
    "holm",
    "bonferroni",
    "sidak",
    "hochberg",
    "benjamini-hochberg",
    "benjamini-yekutieli",
)


def adjust_p_values(p_values: Any, method: str = "holm") -> np.ndarray:
    r"""Adjust p-values of several tests, so that each may be compared with the level as it is.

    Of 20 tests of true hypotheses one has a p-value below 0.05 on average. "holm", "bonferroni",
    "sidak" and "hochberg" bound the probability of *any* false rejection; the two by Benjamini
    bound the expected share of false ones among the rejections.

    Parameters
    ----------
    p_values : array-like
        The p-values, from 0 to 1, in any shape.
    method : str, default="holm"
        "holm" always holds, and rejects at least what "bonferroni" does [1]_. "sidak" needs
        independent tests; "hochberg" [2]_ and "benjamini-hochberg" [3]_ need tests that are
        independent or positively dependent, which "benjamini-yekutieli" [4]_ does not.

    Returns
    -------
    ndarray
        Adjusted p-values, in the shape of ``p_values``.

    References
    ----------
    .. [1] Holm (1979). A simple sequentially rejective multiple test procedure. Scandinavian
       Journal of Statistics.
    .. [2] Hochberg (1988). A sharper Bonferroni procedure for multiple tests of significance.
       Biometrika.
    .. [3] Benjamini, Hochberg (1995). Controlling the false discovery rate. Journal of the Royal
       Statistical Society B.
    .. [4] Benjamini, Yekutieli (2001). The control of the false discovery rate in multiple testing
       under dependency. Annals of Statistics.

    Examples
    --------
    >>> from sklearn_modern.model_selection import adjust_p_values
    >>> adjust_p_values([0.01, 0.04, 0.03]).round(3)
    array([0.03, 0.06, 0.06])
    """
    check_choice(method, "method", ADJUSTMENTS)
    given = np.asarray(p_values)
    refuse_text(given, "p_values", "p-values must be")
    given = given.astype(float)
    if not ((given >= 0) & (given <= 1)).all():
        wrong = given[~((given >= 0) & (given <= 1))].ravel()
        raise ValueError(f"p_values has {wrong[0]}; p-values are numbers from 0 to 1.")
    m = given.size
    if m == 0:
        return given.copy()
    order = np.argsort(given, axis=None, kind="stable")
    p, rank = given.ravel()[order], np.arange(1, m + 1)
    if method == "bonferroni":
        adjusted = p * m
    elif method == "sidak":
        adjusted = -np.expm1(m * np.log1p(-np.minimum(p, 1 - 1e-16)))
    elif method == "holm":
        adjusted = np.maximum.accumulate(p * (m + 1 - rank))
    else:
        factor = m + 1.0 - rank if method == "hochberg" else m / rank
        if method == "benjamini-yekutieli":
            factor = factor * (1 / rank).sum()
        adjusted = np.minimum.accumulate((p * factor)[::-1])[::-1]
    result = np.empty(m)
    result[order] = np.minimum(adjusted, 1.0)
    return result.reshape(given.shape)
