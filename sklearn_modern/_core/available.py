"""Methods that an estimator has under conditions only."""

from collections.abc import Callable
from functools import wraps
from typing import Any

__all__ = ["available_if"]


def available_if(check: Callable[[Any], Any]) -> Callable[[Callable], Any]:
    """Decorate a method that is there only if a check of the estimator does not raise.

    As scikit-learn's decorator of this name, but the message of the error itself says what the
    method needs, which scikit-learn leaves to the error's cause.

    Parameters
    ----------
    check : callable
        Called with the estimator; it raises an error that says what the method needs.

    Returns
    -------
    callable
        The decorator.

    Examples
    --------
    >>> from sklearn_modern._core.available import available_if
    >>> def is_refitted(selector):
    ...     raise AttributeError("it needs refit=True.")
    >>> class Selector:
    ...     @available_if(is_refitted)
    ...     def predict(self, X):
    ...         return X
    >>> hasattr(Selector(), "predict")
    False
    >>> Selector().predict
    Traceback (most recent call last):
    AttributeError: This 'Selector' has no attribute 'predict': it needs refit=True.
    """
    return lambda method: _Conditional(method, check)


class _Conditional:
    """A method that looks absent while its check raises."""

    def __init__(self, method, check):
        self._method, self._check = method, check
        self.__doc__ = method.__doc__

    def __get__(self, estimator, owner=None):
        if estimator is not None:
            return self._checked(estimator).__get__(estimator, owner)

        @wraps(self._method)
        def method(estimator, *args, **kwargs):
            return self._checked(estimator)(estimator, *args, **kwargs)

        return method

    def _checked(self, estimator):
        try:
            self._check(estimator)
        except Exception as error:
            kind, name = type(estimator).__name__, self._method.__name__
            raise AttributeError(f"This {kind!r} has no attribute {name!r}: {error}") from error
        return self._method
