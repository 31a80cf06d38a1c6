"""Many fits of one estimator, which may share work.

An estimator that can fit many settings cheaper together than apart says so by a method
``fit_many(fits)``, which yields the position of each fit with the fitted estimator, or the
exception that it raised, as they finish. Pipelines whose steps before the last are the same share
these, fitted.

The results are those of fits of their own. Data are recognised by identity, settings by content:
see :mod:`sklearn_modern._core.same`. Whatever may write into its data gets a copy. Where separate
fits would draw anew, because a step before the last has ``random_state=None``, the fits that share
the step share what it drew.
"""

from collections.abc import Hashable, Iterator, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from sklearn_modern._core.same import Itself, key
from sklearn_modern._core.scikit_learn import safe_indexing

__all__ = ["Fit", "data_key", "fit_many", "outcome"]


@dataclass(frozen=True, eq=False)
class Fit:
    """One fit: what to fit an estimator with, and on what.

    Fits of the same data hold the same objects; that is how it is seen that they may share work.

    Parameters
    ----------
    params : dict
        Copies of these parameters are set on a clone, as by ``set_params``.
    X, y : array-like
        Data; y may be None.
    rows, columns : ndarray of int or None, default=None
        The rows of the data and the columns of ``X`` to fit; None is all.
    fit_params : dict, default={}
        More for ``fit``, such as ``sample_weight``, already of these rows.
    """

    params: dict[str, Any]
    X: Any
    y: Any
    rows: Any = None
    columns: Any = None
    fit_params: dict[str, Any] = field(default_factory=dict)

    def data(self) -> tuple[Any, Any]:
        """Return the part of X and y to fit, as copies, into which the fit may write.

        Returns
        -------
        X, y : array-like
            The data; y may be None.
        """
        X, y = self.X, self.y
        if self.rows is not None:
            X = safe_indexing(X, self.rows)
            y = None if y is None else safe_indexing(y, self.rows)
        if self.columns is not None:
            X = safe_indexing(X, self.columns, axis=1)
        return _apart(X, self.X), _apart(y, self.y)

    def clone(self, estimator: BaseEstimator) -> BaseEstimator:
        """Return a clone of an estimator with copies of the parameters.

        Parameters
        ----------
        estimator : estimator
            It stays as it is.

        Returns
        -------
        estimator
            The clone, not fitted.
        """
        params = {name: deepcopy(value) for name, value in self.params.items()}
        return clone(estimator).set_params(**params)


def fit_many(
    estimator: BaseEstimator, fits: Sequence[Fit]
) -> Iterator[tuple[int, BaseEstimator | Exception]]:
    """Fit clones of an estimator, together where it can do that, else one after the other.

    The estimator, the parameters and the data stay as they are, and a fitted clone has no part that
    another has.

    Parameters
    ----------
    estimator : estimator
        What to fit. If it has a method ``fit_many``, that is called; a Pipeline fits its steps
        before the last once for all fits for which they are the same, and goes on with the last.
    fits : sequence of Fit
        What to fit it with, and on what.

    Yields
    ------
    position : int
        Which of the fits it is; they come in any order.
    fitted : estimator or Exception
        A fitted clone, or what was raised; a failing fit does not end the others.
    """
    if hasattr(estimator, "fit_many"):
        yield from estimator.fit_many(fits)
    elif isinstance(estimator, Pipeline):
        yield from _fit_pipelines(estimator, fits)
    else:
        yield from ((position, outcome(estimator, fit)) for position, fit in enumerate(fits))


def outcome(estimator: BaseEstimator, fit: Fit) -> BaseEstimator | Exception:
    """Return a fitted clone, or what was raised: one failing fit must not end the others."""
    try:
        return _fitted(fit.clone(estimator), fit)
    except Exception as error:
        return error


def data_key(fit: Fit) -> tuple[Hashable, ...]:
    """Return what is equal for two fits of the same data."""
    parts = (fit.X, fit.y, fit.rows, fit.columns, *fit.fit_params.values())
    return *map(Itself, parts), *fit.fit_params


def _fitted(model, fit):
    params = {
        name: _apart(value, value) if hasattr(value, "__array__") else value
        for name, value in fit.fit_params.items()
    }
    return model.fit(*fit.data(), **params)


def _apart(part, whole):
    """Return a part of the data, or a copy if it is the whole."""
    if part is not whole:  # a choice of rows or columns is a copy
        return part
    if isinstance(whole, np.ndarray):
        return copy(whole) if whole.flags.writeable else whole
    return deepcopy(whole)


def _fit_pipelines(pipeline, fits):
    """Fit together the Pipelines that are the same before the last step."""
    groups = {}
    for position, fit in enumerate(fits):
        try:
            model = fit.clone(pipeline)
            group = data_key(fit), _before_last(model, fit)
        except Exception:  # the fit raises it again
            model, group = None, object()
        groups.setdefault(group, []).append((position, fit, model))
    for group in groups.values():
        if len(group) > 1:
            yield from _fit_last_steps(pipeline, group)
        else:
            yield from _fit_apart(pipeline, group)


def _before_last(model, fit):
    """Return what is equal for Pipelines that differ in nothing but parameters of the last step."""
    name, last = model.steps[-1]
    routed = get_config()["enable_metadata_routing"] and fit.fit_params
    if routed or len(model.steps) == 1 or not hasattr(last, "fit") or clone(last) is last:
        return object()
    params = last.get_params(deep=False)
    rest = {name: value for name, value in vars(last).items() if name not in params}
    return key([type(model), {**vars(model), "steps": model.steps[:-1]}, name, type(last), rest])


def _fit_last_steps(pipeline, group):
    """Fit what is before the last steps once, and the last steps together."""
    _, first, shared = group[0]
    lasts = [model.steps[-1][1] for *_, model in group]
    name, reached = shared.steps[-1][0], _Reached()
    try:
        shared.steps[-1] = name, reached
        _fitted(shared, first)
        shared.steps[-1] = name, "passthrough"
        deepcopy(shared)
    except Exception:  # of each fit, or of a step that cannot be copied
        yield from _fit_apart(pipeline, group)
        return
    fits = [Fit(last.get_params(deep=False), **reached.data) for last in lasts]
    for place, fitted in fit_many(lasts[0], fits):
        position, *_ = group[place]
        if isinstance(fitted, Exception):
            yield position, fitted
        else:
            # A model that is fitted again must not change the others.
            model = deepcopy(shared)
            model.steps[-1] = name, fitted
            yield position, model


def _fit_apart(pipeline, group):
    yield from ((position, outcome(pipeline, fit)) for position, fit, _ in group)


class _Reached(BaseEstimator):
    """A last step that keeps what it is to be fitted with."""

    def fit(self, X, y=None, **fit_params):
        self.data = {"X": X, "y": y, "fit_params": fit_params}
        return self
