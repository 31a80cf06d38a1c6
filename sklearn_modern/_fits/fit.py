"""One fit: what to fit an estimator with, and on what."""

from collections.abc import Hashable, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone

from sklearn_modern._core.same import Itself
from sklearn_modern._core.scikit_learn import safe_indexing

__all__ = ["Fit", "apart", "check_fits", "data_key", "outcome"]


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
    passes_y : bool, default=True
        Whether ``fit`` is called with y. A Pipeline passes None to its steps; scikit-learn's
        searches leave y out where there is none.
    """

    params: dict[str, Any]
    X: Any
    y: Any
    rows: Any = None
    columns: Any = None
    fit_params: dict[str, Any] = field(default_factory=dict)
    passes_y: bool = True

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
        return apart(X, self.X), apart(y, self.y)

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return what ``fit`` is called with, as copies: X and y, and the rest by name.

        Returns
        -------
        args : tuple
            X and y, or X alone.
        kwargs : dict
            Further arguments.
        """
        params = {
            name: apart(value, value) if hasattr(value, "__array__") else value
            for name, value in self.fit_params.items()
        }
        return self.data()[: 1 + self.passes_y], params

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
        model = clone(estimator)
        model.set_params(**params)  # which returns None where a FrozenEstimator has none to set
        return model


def check_fits(fits: Any) -> None:
    """Refuse fits that can be read only once, or are none."""
    if not isinstance(fits, Sequence):
        raise TypeError(f"fits must be a sequence of Fit, such as a list, not {type(fits)!r}.")
    for fit in fits:
        if not isinstance(fit, Fit):
            raise TypeError(f"fits must be a sequence of Fit, but it has {fit!r}.")


def outcome(estimator: BaseEstimator, fit: Fit) -> BaseEstimator | Exception:
    """Return a fitted clone, or what was raised: one failing fit must not end the others."""
    try:
        model = fit.clone(estimator)
        args, kwargs = fit.arguments()
        model.fit(*args, **kwargs)
        return model
    except Exception as error:
        return error


def data_key(fit: Fit) -> tuple[Hashable, ...]:
    """Return what is equal for two fits of the same data."""
    parts = (fit.X, fit.y, fit.rows, fit.columns, *fit.fit_params.values())
    return *map(Itself, parts), *fit.fit_params


def apart(part: Any, whole: Any) -> Any:
    """Return a part of the data, or a copy if it is the whole: a fit may write into it."""
    if part is not whole:  # a choice of rows or columns is a copy
        return part
    if isinstance(whole, np.ndarray):
        return copy(whole) if whole.flags.writeable else whole
    return deepcopy(whole)
