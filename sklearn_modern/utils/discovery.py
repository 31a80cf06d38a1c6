"""Find every estimator of the package."""

import inspect
import pkgutil
from importlib import import_module

from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClusterMixin,
    RegressorMixin,
    TransformerMixin,
)

import sklearn_modern

__all__ = ["all_estimators"]

_MIXINS = {
    "classifier": ClassifierMixin,
    "regressor": RegressorMixin,
    "transformer": TransformerMixin,
    "cluster": ClusterMixin,
}


def all_estimators(type_filter: str | list[str] | None = None) -> list[tuple[str, type]]:
    """List the public estimators, in the manner of :func:`sklearn.utils.discovery.all_estimators`.

    Estimators whose optional library is not installed are left out.

    Parameters
    ----------
    type_filter : {"classifier", "regressor", "transformer", "cluster"} or list of these, optional
        Keep only estimators of these types; None keeps all.

    Returns
    -------
    list of (str, type)
        Name and class, sorted by name.

    Examples
    --------
    >>> from sklearn_modern.utils.discovery import all_estimators
    >>> [name for name, _ in all_estimators("regressor") if name.startswith("MLP")]
    ['MLPRegressor']
    """
    wanted = [type_filter] if isinstance(type_filter, str) else type_filter
    for kind in wanted or ():
        if kind not in _MIXINS:
            raise ValueError(f"type_filter has {kind!r}; it may have {sorted(_MIXINS)}.")
    kinds = tuple(_MIXINS[kind] for kind in wanted) if wanted is not None else (BaseEstimator,)
    found = {
        cls.__name__: cls
        for package in _public_packages()
        for cls in _public_classes(package)
        if issubclass(cls, BaseEstimator) and issubclass(cls, kinds)
    }
    return sorted(found.items())


def _public_packages():
    for module in pkgutil.walk_packages(sklearn_modern.__path__, "sklearn_modern."):
        if module.ispkg and "._" not in module.name:
            yield import_module(module.name)


def _public_classes(package):
    for name in package.__all__:
        try:
            value = getattr(package, name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] == "sklearn_modern":
                raise
            continue  # an extra that is not installed
        if inspect.isclass(value) and not inspect.isabstract(value):
            yield value
