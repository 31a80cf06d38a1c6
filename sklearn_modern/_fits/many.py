"""Many fits of one estimator, which may share work.

An estimator that can fit many settings cheaper together than apart says so by a method
``fit_many(fits)``, which yields the position of each fit with the fitted estimator, or the
exception that it raised, as they finish. What is shared is recognised by identity: two fits of the
same ``X`` hold the same object. The results are those of fits of their own. Pipelines whose steps
before the last are alike share these, fitted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from sklearn_modern._core.scikit_learn import safe_indexing

__all__ = ["Fit", "data_key", "fit_many", "outcome", "signature"]


@dataclass(frozen=True, eq=False)
class Fit:
    """One fit.

    Parameters
    ----------
    params : dict
        Parameters that are set on a clone.
    X, y : array-like
        Data.
    rows, columns : ndarray or None, default=None
        The rows of the data and the columns of ``X`` to fit; None is all.
    fit_params : dict, default={}
        More for ``fit``, already of these rows.
    """

    params: dict[str, Any]
    X: Any
    y: Any
    rows: Any = None
    columns: Any = None
    fit_params: dict[str, Any] = field(default_factory=dict)

    def data(self) -> tuple[Any, Any]:
        """Return the part of X and y to fit."""
        X, y = self.X, self.y
        if self.rows is not None:
            X = safe_indexing(X, self.rows)
            y = None if y is None else safe_indexing(y, self.rows)
        if self.columns is not None:
            X = safe_indexing(X, self.columns, axis=1)
        return X, y


def fit_many(
    estimator: BaseEstimator, fits: Sequence[Fit]
) -> Iterator[tuple[int, BaseEstimator | Exception]]:
    """Fit clones of an estimator, together where it can do that, else one after the other.

    Parameters
    ----------
    estimator : estimator
        It stays as it is.
    fits : sequence of Fit
        What to fit.

    Yields
    ------
    position : int
        Which of the fits it is; they come in any order.
    fitted : estimator or Exception
        A fitted clone, or what was raised.
    """
    if isinstance(estimator, Pipeline):
        yield from _fit_pipelines(estimator, fits)
        return
    if hasattr(estimator, "fit_many"):
        yield from estimator.fit_many(fits)
        return
    for position, fit in enumerate(fits):
        yield position, outcome(estimator, fit)


def outcome(estimator: BaseEstimator, fit: Fit) -> BaseEstimator | Exception:
    """Return a fitted clone, or what was raised: one failing fit must not end the others."""
    try:
        X, y = fit.data()
        return clone(estimator).set_params(**fit.params).fit(X, y, **fit.fit_params)
    except Exception as error:
        return error


def data_key(fit: Fit) -> tuple:
    """Return what is equal for two fits of the same data."""
    parts = (fit.X, fit.y, fit.rows, fit.columns, *fit.fit_params.values())
    return *map(id, parts), *fit.fit_params


def signature(params: dict[str, Any]) -> tuple:
    """Tell apart what differs; numpy's ``repr`` would leave out the middle of long arrays."""
    values = (params[name] for name in sorted(params))
    return tuple(
        (str(value.dtype), value.shape, value.tobytes())
        if isinstance(value, np.ndarray)
        else repr(value)
        for value in values
    )


def _fit_pipelines(pipeline, fits):
    """Fit what stands before the last steps once, and the last steps together."""
    groups = {}
    for position, fit in enumerate(fits):
        try:
            model = clone(pipeline).set_params(**fit.params)
            if _divides(model, fit):
                before = signature(model[:-1].get_params())
                key = data_key(fit), before, type(model[-1])
                groups.setdefault(key, []).append((position, fit, model))
                continue
        except Exception as error:
            yield position, error
            continue
        yield position, outcome(pipeline, fit)
    for group in groups.values():
        yield from _fit_last_steps(group)


def _divides(model, fit):
    """Tell whether the steps before the last can be fitted by themselves."""
    last, _ = model.steps[-1]
    plain = getattr(model, "transform_input", None) is None and hasattr(model[-1], "fit")
    routed = get_config()["enable_metadata_routing"] and fit.fit_params
    ours = all(name.startswith(f"{last}__") for name in fit.fit_params)
    return len(model.steps) > 1 and plain and not routed and ours


def _fit_last_steps(group):
    """Fit the last steps of Pipelines that are alike before them."""
    _, fit, first = group[0]
    try:
        X, y = fit.data()
        before = first[:-1]
        X = before.fit_transform(X, y)
    except Exception as error:
        yield from ((position, error) for position, *_ in group)
        return
    name, last = first.steps[-1]
    params = {key.removeprefix(f"{name}__"): value for key, value in fit.fit_params.items()}
    fits = [Fit(model[-1].get_params(deep=False), X, y, fit_params=params) for *_, model in group]
    for place, fitted in fit_many(last, fits):
        position, _, model = group[place]
        if not isinstance(fitted, Exception):
            model.steps = [*before.steps, (name, fitted)]
        yield position, fitted if isinstance(fitted, Exception) else model
