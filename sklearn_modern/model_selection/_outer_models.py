"""The outer models of a nested cross-validation, kept or fitted again."""

from typing import Any

from sklearn.base import clone

from sklearn_modern._core.scikit_learn import check_method_params, safe_indexing
from sklearn_modern.model_selection._models import models_of

__all__ = ["outer_models"]


def outer_models(nested: Any, name: str, X: Any, y: Any) -> list[Any]:
    """Return what a model was on each outer split.

    Parameters
    ----------
    nested : NestedCV
        A fitted nested cross-validation. If it has not kept its models, what the inner splits chose
        is fitted again.
    name : str
        The model.
    X, y : array-like
        The data of its fit.
    """
    if hasattr(nested, "models_"):
        return nested.models_[name]
    models = models_of(nested.models, nested.inner_cv, nested.scoring, nested.refit)
    place = [model.name for model in models].index(name)
    fit_params: dict[str, Any] = {}
    if hasattr(nested, "_fitted_on"):
        fit_params = nested._fitted_on[2].of_models[place]
    found = []
    for (train, _), params in zip(nested.splits_, nested.best_params_[name], strict=True):
        model = clone(models[place].estimator)
        if models[place].candidates is not None:
            model.set_params(**clone(params, safe=False))
        given = check_method_params(X, fit_params, indices=train)
        found.append(model.fit(safe_indexing(X, train), safe_indexing(y, train), **given))
    return found
