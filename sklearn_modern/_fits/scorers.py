"""Which scorers a meta-estimator has, and which of them decides."""

from collections.abc import Callable
from typing import Any

from sklearn.metrics import check_scoring

from sklearn_modern._core.scikit_learn import BaseScorer
from sklearn_modern.metrics._scorers import SCORERS, get_scorer

__all__ = ["deciding_metric", "scorers_of", "with_our_scorers"]

_METHODS = ("decision_function", "predict", "predict_log_proba", "predict_proba")


def scorers_of(estimator: Any, scoring: Any) -> dict[str, Callable]:
    """Return scorers by name, which may be one of ours.

    Parameters
    ----------
    estimator : estimator
        The estimator that they score; it must have the methods that they call.
    scoring : str, callable, list, tuple, dict or None
        One scorer, a list of their names, or a dict of scorers by name. None means the estimator's
        own ``score``.
    """
    if isinstance(scoring, dict):
        named = scoring
    elif isinstance(scoring, (list, tuple)):
        named = {name: name for name in scoring}
    else:
        named = {scoring if isinstance(scoring, str) else "score": scoring}
    if not named or not all(isinstance(name, str) for name in named):
        raise ValueError(f"scoring={scoring!r} must have names of scorers, or scorers by name.")
    scorers = {
        name: check_scoring(estimator, scoring=with_our_scorers(one)) for name, one in named.items()
    }
    for name, scorer in scorers.items():
        _check_methods(estimator, name, scorer)
    return scorers


def with_our_scorers(scoring: Any) -> Any:
    """Return what ``scoring`` is with scorers for names, which scikit-learn need not know.

    Lists of scikit-learn's names stay as they are, as does all that is no name.
    """
    if isinstance(scoring, str):
        return get_scorer(scoring)
    if isinstance(scoring, dict):
        return {name: with_our_scorers(one) for name, one in scoring.items()}
    if isinstance(scoring, (list, tuple)) and any(
        isinstance(name, str) and name in SCORERS for name in scoring
    ):
        return {name: with_our_scorers(name) for name in scoring}
    return scoring


def deciding_metric(scorers: dict[str, Callable], refit: bool | str) -> str:
    """Return the name of the metric that decides which candidate is best."""
    if isinstance(refit, str) and refit in scorers:
        return refit
    if isinstance(refit, str) or len(scorers) > 1:
        raise ValueError(
            f"refit={refit!r} must name the metric that decides, one of {list(scorers)}."
        )
    return next(iter(scorers))


def _check_methods(estimator, name, scorer):
    if not isinstance(scorer, BaseScorer):
        return
    methods = scorer._response_method
    methods = [methods] if isinstance(methods, str) else list(methods)
    known = set(methods) <= set(_METHODS)
    if known and not any(hasattr(estimator, method) for method in methods):
        raise ValueError(
            f"scoring={name!r} needs {' or '.join(methods)}, which "
            f"{type(estimator).__name__} does not have."
        )
