"""Models of one kind, each fitted on rows of its own: where arguments go, and the fits.

The meta-estimator has the parameter ``cv``, and takes ``groups`` beside the estimator's arguments.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from sklearn_modern._core.parallel import for_workers, results
from sklearn_modern._core.scikit_learn import num_samples, safe_indexing
from sklearn_modern._fits.fit import Fit
from sklearn_modern._fits.inner import random_states
from sklearn_modern._fits.many import fit_many

__all__ = ["VALIDATION", "arguments_of", "fit_members", "positions", "routed", "router_of_members"]

# What is not of the training rows, and reaches each member whole.
VALIDATION = {"X_val", "y_val"}


def router_of_members(meta: Any, estimator: BaseEstimator) -> MetadataRouter:
    """Say where metadata goes: to the estimator's ``fit``, and to the splitter."""
    fit = MethodMapping().add(caller="fit", callee="fit")
    router = MetadataRouter(owner=type(meta).__name__).add_self_request(meta)
    router.add(estimator=estimator, method_mapping=fit)
    if hasattr(meta.cv, "split"):
        split = MethodMapping().add(caller="fit", callee="split")
        router.add(splitter=meta.cv, method_mapping=split)
    return router


def routed(
    meta: Any, groups: Any, fit_params: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments of the estimator's ``fit``, and those of the splitter."""
    splits_groups = {} if groups is None else {"groups": groups}
    if not get_config()["enable_metadata_routing"]:
        return fit_params, splits_groups
    found = process_routing(meta, "fit", **fit_params, **splits_groups)
    if not hasattr(meta.cv, "split"):
        return found.estimator.fit, splits_groups
    return found.estimator.fit, found.splitter.split


def positions(rows: Any) -> np.ndarray:
    """Return the positions of rows that a splitter gives as positions or as a mask."""
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows


def arguments_of(fit_params: dict[str, Any], rows: np.ndarray, n_rows: int) -> dict[str, Any]:
    """Return the arguments of a member's fit: of its rows, where there is one entry for each."""
    return {
        name: value if name in VALIDATION else _of_rows(value, rows, n_rows)
        for name, value in fit_params.items()
    }


def fit_members(
    estimator: BaseEstimator, fits: Sequence[Fit], n_jobs: int | None, random_state: Any
) -> list[BaseEstimator]:
    """Fit all members, together where that is possible, or raise what the first failure raised.

    Parameters
    ----------
    estimator : estimator
        What to fit.
    fits : sequence of Fit
        One for each member; they get random states of their own.
    n_jobs : int or None
        Number of processes.
    random_state : int, RandomState instance or None
        Of the members; None keeps the estimator's.

    Returns
    -------
    list of estimator
        In the order of the fits.
    """
    seeds = check_random_state(random_state)
    for fit in fits if random_state is not None else ():
        fit.params.update(random_states(estimator, seeds))
    together = getattr(estimator, "fits_at_once", 0) > 0  # which takes one process
    n_parts = 1 if together else min(len(fits), effective_n_jobs(n_jobs))
    parts = np.array_split(np.arange(len(fits)), n_parts)
    tasks = [(for_workers(estimator), [fits[i] for i in part]) for part in parts]
    members = [member for part in results(_fit_part, tasks, n_jobs) for member in part]
    for fold, member in enumerate(members):
        if isinstance(member, Exception):
            if len(members) > 1:
                member.add_note(f"It was raised by the member of fold {fold}.")
            raise member
    return members


def _fit_part(model, fits):
    found = dict(fit_many(model, fits))
    return [found[position] for position in range(len(fits))]


def _of_rows(value, rows, n_rows):
    """Return the rows of what has one entry for each, and all else as it is."""
    has_rows = hasattr(value, "__len__") or hasattr(value, "shape")
    return safe_indexing(value, rows) if has_rows and num_samples(value) == n_rows else value
