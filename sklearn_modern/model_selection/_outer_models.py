"""The outer models of a nested cross-validation, kept or fitted again."""

from collections.abc import Sequence
from typing import Any

from sklearn.base import clone

from sklearn_modern._core.scikit_learn import check_method_params, safe_indexing
from sklearn_modern.model_selection._models import models_of

__all__ = ["outer_models"]


def outer_models(
    nested: Any, name: str, X: Any, y: Any, kept: Sequence[Any] | None = None
) -> list[Any]:
    """Return what a model was on each outer split.

    Parameters
    ----------
    nested : NestedCV
        A fitted nested cross-validation. Where no model was kept, what the inner splits chose is
        fitted again.
    name : str
        The model.
    X, y : array-like
        The data of its fit.
    kept : sequence, default=None
        The models that were kept, with None for the others. By default these are ``models_``, if
        there are any.
    """
    if kept is None:
        kept = nested.models_[name] if hasattr(nested, "models_") else [None] * len(nested.splits_)
    models = models_of(nested.models, nested.inner_cv, nested.scoring, nested.refit)
    place = [model.name for model in models].index(name)
    fit_params, found = nested._routed.of_models[place], []
    chosen = nested.best_params_[name]
    for (train, _), params, model in zip(nested.splits_, chosen, kept, strict=True):
        if model is not None:
            found.append(model)
            continue
        model = clone(models[place].estimator)
        if models[place].candidates is not None:
            model.set_params(**clone(params, safe=False))
        given = check_method_params(X, fit_params, indices=train)
        found.append(model.fit(safe_indexing(X, train), safe_indexing(y, train), **given))
    return found
