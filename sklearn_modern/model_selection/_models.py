"""The models that are compared: estimators, and what is searched over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from sklearn_modern._core.scikit_learn import BaseSearchCV
from sklearn_modern.model_selection._candidates import CandidateSearchCV
from sklearn_modern.model_selection._grid import GridSearchCV

__all__ = ["Model", "combine", "models_of"]


@dataclass(frozen=True, eq=False)
class Model:
    """An estimator and its candidates.

    Parameters
    ----------
    name : str
        Its name.
    estimator : estimator
        What is fitted.
    candidates : list of dict or None
        Parameters among which the inner splits choose. None means that there is nothing to choose,
        or that the estimator chooses by itself, as a search of its own does.
    search : estimator
        What is fitted to all rows in the end: a search, or the estimator itself.
    """

    name: str
    estimator: BaseEstimator
    candidates: list[dict[str, Any]] | None
    search: BaseEstimator


def models_of(models: Any, inner_cv: Any, scoring: Any, refit: Any) -> list[Model]:
    """Read the parameter ``models`` of a nested cross-validation."""
    if not isinstance(models, Mapping):
        models = {_name_of(models): models}
    if not models:
        raise ValueError("models is empty; it must have at least one estimator.")
    found = []
    for name, value in models.items():
        if not isinstance(name, str):
            raise TypeError(f"models has the name {name!r}; names must be text.")
        found.append(_model(name, value, inner_cv, scoring, refit))
    return found


def combine(
    preprocessors: Mapping[str, Any] | Sequence[Any], models: Mapping[str, Any] | Sequence[Any]
) -> dict[str, Any]:
    """Return all Pipelines of a preprocessor and a model, by name, as ``NestedCV`` takes them.

    Parameters
    ----------
    preprocessors : mapping of str to transformer, or sequence of transformers
        First steps; "passthrough" is none. A sequence gets the names of the classes.
    models : mapping of str to model, or sequence of models
        Last steps: estimators, or pairs of an estimator and a grid of its parameters. Names of
        parameters need no prefix.

    Returns
    -------
    dict
        From "preprocessor + model" to a Pipeline, or to a pair of a Pipeline and its grid. The
        steps are called "preprocessor" and "model".

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.preprocessing import QuantileTransformer, StandardScaler
    >>> from sklearn_modern.model_selection import combine
    >>> logistic = (LogisticRegression(), {"C": [0.1, 1.0, 10.0]})
    >>> models = combine([StandardScaler(), QuantileTransformer()], {"logistic": logistic})
    >>> list(models)
    ['StandardScaler + logistic', 'QuantileTransformer + logistic']
    >>> models["StandardScaler + logistic"][1]
    {'model__C': [0.1, 1.0, 10.0]}
    """
    combined = {}
    for first_name, first in _named(preprocessors, "preprocessors").items():
        for last_name, last in _named(models, "models").items():
            estimator, grid = last if isinstance(last, tuple) else (last, None)
            first = first if isinstance(first, str) or first is None else clone(first)
            pipeline = Pipeline([("preprocessor", first), ("model", clone(estimator))])
            combined[f"{first_name} + {last_name}"] = (
                pipeline if grid is None else (pipeline, _prefixed(grid))
            )
    return combined


def _model(name, value, inner_cv, scoring, refit):
    if isinstance(value, tuple):
        if len(value) != 2:
            raise ValueError(
                f"models[{name!r}] is a tuple of {len(value)}; it must be a pair of an estimator "
                "and a grid of its parameters."
            )
        value = GridSearchCV(value[0], value[1], scoring=scoring, refit=refit, cv=inner_cv)
    if isinstance(value, type) or not hasattr(value, "fit"):
        raise TypeError(
            f"models[{name!r}] must be an estimator, a pair of an estimator and a grid, or a "
            f"search, not {value!r}."
        )
    if isinstance(value, BaseSearchCV) and not value.refit:
        raise ValueError(
            f"models[{name!r}] is a search with refit=False, but what it finds must be fitted; "
            "take refit=True, or with several scorers the name of the one that decides."
        )
    if isinstance(value, CandidateSearchCV) and _is_plain(value, inner_cv, scoring, refit):
        candidates = list(value._candidates())
        if not candidates:
            raise ValueError(f"The grid of models[{name!r}] is empty.")
        search = clone(value).set_params(cv=inner_cv, scoring=scoring, refit=refit)
        for params in candidates:
            clone(value.estimator).set_params(**clone(params, safe=False))
        return Model(name, value.estimator, candidates, search)
    return Model(name, value, None, value)


def _is_plain(search, inner_cv, scoring, refit):
    """Tell whether a search chooses by the best mean on the inner splits, which do its work."""
    same_cv = search.cv is None or search.cv is inner_cv
    one_scorer = scoring is None or isinstance(scoring, str) or callable(scoring)
    same_metric = search.scoring == scoring and (one_scorer or search.refit == refit)
    by_mean = not callable(search.refit) and search.complexity is None and search.racing is None
    return same_cv and (search.scoring is None or same_metric) and by_mean


def _named(things, parameter):
    if isinstance(things, Mapping):
        return dict(things)
    names = [_name_of(thing) for thing in things]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{parameter} has several {twice[0]}; give them names, by a dict.")
    return dict(zip(names, things, strict=True))


def _name_of(thing):
    thing = thing[0] if isinstance(thing, tuple) and thing else thing
    if isinstance(thing, str) or thing is None:
        return str(thing)
    thing = thing.estimator if isinstance(thing, BaseSearchCV) else thing
    return type(thing).__name__


def _prefixed(grid):
    if isinstance(grid, Mapping):
        return {f"model__{name}": values for name, values in grid.items()}
    return [_prefixed(one) for one in grid]
