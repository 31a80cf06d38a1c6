"""What a meta-estimator around one estimator does with its arguments, and with random states."""

import inspect
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

__all__ = ["fit_params_of", "random_states", "router_of_inner"]


def router_of_inner(meta: Any, inner: BaseEstimator) -> MetadataRouter:
    """Say where metadata goes: to the ``fit`` of the estimator.

    Parameters
    ----------
    meta : estimator
        The meta-estimator.
    inner : estimator
        What it fits.
    """
    mapping = MethodMapping().add(caller="fit", callee="fit")
    return MetadataRouter(owner=type(meta).__name__).add(estimator=inner, method_mapping=mapping)


def fit_params_of(
    meta: Any, inner: BaseEstimator, sample_weight: Any, fit_params: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments of the estimator's ``fit``, or raise if it does not take weights.

    Parameters
    ----------
    meta, inner : estimator
        As for :func:`router_of_inner`.
    sample_weight : array-like or None
        Sample weights, if there are any.
    fit_params : dict
        All other arguments.
    """
    if sample_weight is not None:
        fit_params = fit_params | {"sample_weight": sample_weight}
    if get_config()["enable_metadata_routing"]:
        return process_routing(meta, "fit", **fit_params).estimator.fit
    if sample_weight is not None and not _takes_weights(inner):
        raise ValueError(
            f"sample_weight was given, but {type(inner).__name__}.fit does not take it; for a step "
            "of a Pipeline, enable scikit-learn's metadata routing."
        )
    return fit_params


def random_states(estimator: BaseEstimator, seeds: np.random.RandomState) -> dict[str, int]:
    """Draw a seed for each ``random_state`` of an estimator, and of those inside it."""
    names = sorted(estimator.get_params())
    return {
        name: seeds.randint(2**31 - 1)
        for name in names
        if name == "random_state" or name.endswith("__random_state")
    }


def _takes_weights(estimator):
    parameters = inspect.signature(estimator.fit).parameters
    handed_on = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    # A Pipeline takes keywords, but not this one.
    return "sample_weight" in parameters or (handed_on and not isinstance(estimator, Pipeline))
