"""Where a meta-estimator sends the arguments of its ``fit``: estimator, splitter and scorers.

The meta-estimator has the parameters ``estimator``, ``cv`` and ``scoring``, as scikit-learn's
searches have them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from sklearn_modern._core.scikit_learn import num_samples
from sklearn_modern._fits.problem import Problem
from sklearn_modern._fits.scorers import scorers_of
from sklearn_modern._inputs.validation import check_weights

__all__ = ["problem_of", "router_of"]


def router_of(meta: Any, delegated: Sequence[str]) -> MetadataRouter:
    """Return the router of a meta-estimator, for its ``get_metadata_routing``.

    Parameters
    ----------
    meta : estimator
        The meta-estimator.
    delegated : sequence of str
        Methods that its fitted inner estimator performs.
    """
    # A Pipeline of an older scikit-learn asks what "fit_transform" takes.
    own, split, score = (
        MethodMapping().add(caller="fit", callee=callee).add(caller="fit_transform", callee=callee)
        for callee in ("fit", "split", "score")
    )
    for method in delegated:
        own.add(caller=method, callee=method)
    router = MetadataRouter(owner=type(meta).__name__)
    router.add(estimator=meta.estimator, method_mapping=own)
    if hasattr(meta.cv, "split"):
        router.add(splitter=meta.cv, method_mapping=split)
    for name, scorer in scorers_of(meta.estimator, meta.scoring).items():
        router.add(**{f"scorer_{name}": scorer}, method_mapping=score)
    return router


def problem_of(meta: Any, X: Any, y: Any, params: dict[str, Any]) -> Problem:
    """Make the splits, and give estimator, splitter and scorers their arguments.

    Parameters
    ----------
    meta : estimator
        The meta-estimator.
    X, y : array-like
        The data; y may be None.
    params : dict
        Further arguments of its ``fit``. Without metadata routing ``groups`` goes to the splitter,
        and all others to the estimator.
    """
    scorers = scorers_of(meta.estimator, meta.scoring)
    if get_config()["enable_metadata_routing"]:
        routed = process_routing(meta, "fit", **params)
        fit_params = routed.estimator.fit
        score_params = {name: routed[f"scorer_{name}"].score for name in scorers}
        split_params = routed.splitter.split if hasattr(meta.cv, "split") else {}
    else:
        fit_params, score_params = dict(params), {}
        split_params = {"groups": fit_params.pop("groups", None)}
    _check_weights(X, fit_params, *score_params.values())
    cv = check_cv(meta.cv, y, classifier=is_classifier(meta.estimator))
    splits = [tuple(map(np.asarray, split)) for split in cv.split(X, y, **split_params)]
    if not splits:
        raise ValueError("cv has no splits; a generator can be used up by one fit only.")
    return Problem(meta.estimator, X, y, splits, scorers, fit_params, score_params)


def _check_weights(X, *routed):
    """Check sample weights, those of a step of a Pipeline, too, before any fit sees them."""
    for params in routed:
        for name, values in params.items():
            if name.rpartition("__")[2] == "sample_weight" and values is not None:
                check_weights(values, num_samples(X))
