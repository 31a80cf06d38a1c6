"""Many fits of one estimator, which may share work.

An estimator that can fit many settings cheaper together than apart says so by a method
``fit_many(fits)``, which yields the position of each fit with the fitted estimator, or the
exception that it raised, as they finish. What is shared is recognised by identity: two fits of the
same ``X`` hold the same object. The results are those of fits of their own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sklearn.base import BaseEstimator, clone
from sklearn.utils import _safe_indexing

__all__ = ["Fit", "fit_many", "outcome"]


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
            X = _safe_indexing(X, self.rows)
            y = None if y is None else _safe_indexing(y, self.rows)
        if self.columns is not None:
            X = _safe_indexing(X, self.columns, axis=1)
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
