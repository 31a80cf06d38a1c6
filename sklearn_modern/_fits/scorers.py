"""Which scorers a meta-estimator has, and which of them decides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

from sklearn.metrics import check_scoring
from sklearn.utils.metadata_routing import get_routing_for_object

from sklearn_modern._core.scikit_learn import (
    BaseScorer,
    MultimetricScorer,
    PassthroughScorer,
)
from sklearn_modern.metrics._scorers import SCORERS, get_scorer

__all__ = ["deciding_metric", "in_one", "scorers_of", "with_our_scorers"]

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


def in_one(scorers: Mapping[str, Callable], *, raise_exc: bool = True) -> MultimetricScorer:
    """Return scorers as one, which gives ``sample_weight`` to those that take it.

    Parameters
    ----------
    scorers : mapping of str to callable
        Scorers by name; plain functions of an estimator, X and y are among them.
    raise_exc : bool, default=True
        Whether an error of a scorer is raised; if not, its text takes the place of the score.
    """
    return MultimetricScorer(
        scorers={
            name: one if isinstance(one, (BaseScorer, PassthroughScorer)) else _Function(one)
            for name, one in scorers.items()
        },
        raise_exc=raise_exc,
    )


def deciding_metric(scorers: dict[str, Callable], refit: bool | str) -> str:
    """Return the name of the metric that decides which candidate is best."""
    if isinstance(refit, str) and refit in scorers:
        return refit
    if isinstance(refit, str) or len(scorers) > 1:
        raise ValueError(
            f"refit={refit!r} must name the metric that decides, one of {list(scorers)}."
        )
    return next(iter(scorers))


@dataclass(frozen=True)
class _Function:
    """A function that scores, and can be asked what scikit-learn asks of each of several scorers.

    Parameters
    ----------
    function : callable
        The function.
    """

    function: Callable

    def __call__(self, *args: Any, **params: Any) -> Any:
        return self.function(*args, **params)

    def __repr__(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))

    def get_metadata_routing(self) -> Any:
        """Return what the function requests, if it is an object that can say so."""
        return get_routing_for_object(self.function)

    def _accept_sample_weight(self):
        return "sample_weight" in signature(self.function).parameters


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
