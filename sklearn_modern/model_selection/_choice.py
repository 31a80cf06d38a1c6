"""Which candidate of a search is taken."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

__all__ = ["ONE_STANDARD_ERROR", "simplest_within_one_standard_error"]

ONE_STANDARD_ERROR = "one-standard-error"


def simplest_within_one_standard_error(
    results: dict[str, Any], complexity: str | Callable[[dict], float], n_splits: int
) -> int:
    """Return the position of the simplest candidate that scores about as well as the best.

    That is one whose mean is at most one standard error of the best candidate's mean below it. Of
    equally simple ones the better is taken.

    Parameters
    ----------
    results : dict
        A search's ``cv_results_``.
    complexity : str or callable
        A parameter's name, "-name" where larger values are simpler, or what returns a number for
        the parameters of a candidate, which is smaller for simpler ones.
    n_splits : int
        Number of splits.

    References
    ----------
    Breiman, L., Friedman, J., Olshen, R., & Stone, C. (1984). Classification and Regression Trees.
    Section 3.4.3.
    """
    means = results["mean_test_score"]
    if np.isnan(means).all():
        return int(results["rank_test_score"].argmin())
    best = int(np.nanargmax(means))
    scores = [results[f"split{split}_test_score"][best] for split in range(n_splits)]
    error = np.std(scores, ddof=1) / np.sqrt(n_splits)
    good = np.flatnonzero(means >= means[best] - error)
    sizes = [_complexity(results["params"][i], complexity) for i in good]
    return int(min(zip(sizes, -means[good], good, strict=True))[-1])


def _complexity(params, complexity):
    if callable(complexity):
        value, source = complexity(params), "complexity(params)"
    else:
        name = complexity.removeprefix("-")
        if name not in params:
            raise ValueError(
                f"complexity={complexity!r} must name a parameter of the search, one of "
                f"{sorted(params)}; the candidate {params} has no {name!r}."
            )
        value, source = params[name], f"The parameter {name!r}"
    if not isinstance(value, Real) or np.isnan(value):
        raise ValueError(
            f"{source} is {value!r}, which is no number; give a callable as complexity that "
            "returns a number for the parameters of a candidate."
        )
    reverse = isinstance(complexity, str) and complexity.startswith("-")
    return -float(value) if reverse else float(value)
