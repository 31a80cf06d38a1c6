"""Utilities: discovery of the package's estimators."""

from sklearn_modern._core.lazy import lazy_submodules

__all__ = ["discovery"]

__getattr__, __dir__ = lazy_submodules(__name__, __all__)
