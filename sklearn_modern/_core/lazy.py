"""Names of a package that are imported when they are first used (PEP 562).

Importing ``sklearn_modern`` must cost next to nothing, and a module that needs no torch must load
none; so no package imports its estimators before somebody asks for one.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

__all__ = ["lazy_names", "lazy_submodules"]


def lazy_names(package: str, modules: Mapping[str, str]) -> tuple[Callable, Callable]:
    """Make ``__getattr__`` and ``__dir__`` for a package whose names live in private modules.

    Parameters
    ----------
    package : str
        The package's ``__name__``.
    modules : mapping of str to str
        Public name -> name of the module (inside the package) that defines it.
    """
    return _lazy(package, modules, lambda name: getattr(_import(package, modules[name]), name))


def lazy_submodules(package: str, names: Sequence[str]) -> tuple[Callable, Callable]:
    """Make ``__getattr__`` and ``__dir__`` for a package whose public names are modules."""
    return _lazy(package, names, lambda name: _import(package, name))


def _import(package, module):
    return import_module(f"{package}.{module}")


def _lazy(package, names, load):
    def __getattr__(name):
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = load(name)
        setattr(sys.modules[package], name, value)
        return value

    def __dir__():
        special = [name for name in vars(sys.modules[package]) if name.startswith("__")]
        return sorted({*special, *names})

    return __getattr__, __dir__
