"""An estimator is a dataclass of its hyperparameters."""

import inspect
import re
from copy import copy
from dataclasses import dataclass, field, fields
from functools import wraps
from typing import Any, TypeVar, dataclass_transform

from sklearn.base import BaseEstimator

from sklearn_modern._core.unknown import advice_on
from sklearn_modern._core.versions import page_of_estimator

__all__ = ["Role", "estimator", "roles", "shapes", "steers"]

Estimator = TypeVar("Estimator", bound=type)


@dataclass(frozen=True)
class Role:
    """What a parameter of a network means for its training.

    Parameters
    ----------
    steers : bool
        Whether it only steers the training, and may change between two trainings of one network;
        else it shapes the network, and cannot.
    packs_with : tuple or None, default=None
        The values with which a fit may be trained as a member of one network together with others
        that have the same value; None is every value.
    differs : bool or None, default=None
        Whether the members of such a network may have different values. None says nothing, and
        lets them have equal ones.
    needs : tuple of (str, tuple) or None, default=None
        Another parameter, and those of its values with which this one has an effect. With others it
        must have its default, or be off.
    off : float, default=0
        The number that switches it off; None always does.
    """

    steers: bool
    packs_with: tuple | None = None
    differs: bool | None = None
    needs: tuple[str, tuple] | None = None
    off: float = 0


def steers(*, default: Any, **role: Any) -> Any:
    """Declare a parameter that steers a training; ``role`` is for :class:`Role`."""
    return field(default=default, metadata={"role": Role(steers=True, **role)})


def shapes(*, default: Any, **role: Any) -> Any:
    """Declare a parameter that shapes a network; ``role`` is for :class:`Role`."""
    return field(default=default, metadata={"role": Role(steers=False, **role)})


def roles(cls: type) -> dict[str, Role]:
    """Return the roles of the parameters that have one."""
    return {f.name: f.metadata["role"] for f in fields(cls) if "role" in f.metadata}


@dataclass_transform(eq_default=False, field_specifiers=(field, shapes, steers))
def estimator(cls: Estimator) -> Estimator:
    """Make a class an estimator whose annotated fields are its hyperparameters.

    The class gets an ``__init__`` that assigns its parameters and does nothing else, which is
    scikit-learn's rule, so that ``clone``, ``get_params`` and pickling work unchanged. Fields are
    inherited; a field stands, with its description and its constraints, in the one class that
    declares it. The docstring is completed by the descriptions of the inherited parameters and
    attributes, and ``_parameter_constraints`` by those of the inherited parameters.

    Examples
    --------
    >>> from dataclasses import KW_ONLY
    >>> from sklearn.base import BaseEstimator
    >>> from sklearn_modern._core.estimator import estimator
    >>> @estimator
    ... class Shrinker(BaseEstimator):
    ...     '''Shrink.
    ...
    ...     Parameters
    ...     ----------
    ...     factor : float, default=0.5
    ...         How much.
    ...     '''
    ...     _: KW_ONLY
    ...     factor: float = 0.5
    >>> Shrinker(factor=0.1)
    Shrinker(factor=0.1)
    """
    documented = cls.__doc__ is not None  # python -OO strips docstrings
    _declare_inherited(cls)
    cls = dataclass(eq=False, repr=False)(cls)
    cls.__init__ = _advising(cls)
    if getattr(cls, "set_params", None) is BaseEstimator.set_params:
        cls.set_params = _set_params
    if issubclass(cls, BaseEstimator):
        cls._get_param_names = _known_names(cls)
        # The "?" of diagrams in notebooks leads to our pages.
        cls._doc_link_module = "sklearn_modern"
        cls._doc_link_template = property(lambda self: page_of_estimator())
    cls._declared_constraints = cls.__dict__.get("_parameter_constraints", {})
    cls._parameter_constraints = {
        name: constraint
        for base in reversed(cls.__mro__)
        for name, constraint in base.__dict__.get("_declared_constraints", {}).items()
    }
    if documented:
        cls.__doc__ = _complete(cls)
    return cls


def _declare_inherited(cls):
    """Declare again the fields that a dataclass would not take from the closest class.

    A dataclass has all fields of a base, inherited or not, override those of the bases after it.
    """
    own = inspect.get_annotations(cls)
    cls._declared_fields, taken, closest = frozenset(own), {}, {}
    for base in reversed(cls.__mro__[1:]):
        of_base = base.__dict__.get("__dataclass_fields__", {})
        taken |= of_base
        declared = base.__dict__.get("_declared_fields", ())
        closest |= {name: of_base[name] for name in declared if name in of_base}
    again = {
        name: old for name, old in closest.items() if taken[name] is not old and name not in own
    }
    cls.__annotations__ = own | {name: old.type for name, old in again.items()}
    for name, old in again.items():
        setattr(cls, name, copy(old))


def _advising(cls):
    """Return the constructor of a class, with advice on parameters that it does not have."""
    init, known = cls.__init__, [parameter.name for parameter in fields(cls) if parameter.init]

    @wraps(init)
    def __init__(self, *args, **kwargs):
        for name in kwargs:
            if name not in known and (advice := advice_on(name, known)):
                kind = type(self).__name__
                raise TypeError(f"{kind}() has no parameter {name!r}. {advice}")
        init(self, *args, **kwargs)

    return __init__


def _known_names(decorated):
    """Return the method that lists parameters; scikit-learn's reads the signature at each clone."""
    names = sorted(parameter.name for parameter in fields(decorated) if parameter.init)
    init, by_signature = decorated.__init__, BaseEstimator._get_param_names.__func__

    def _get_param_names(cls):
        return list(names) if cls.__init__ is init else by_signature(cls)

    return classmethod(_get_param_names)


@wraps(BaseEstimator.set_params)
def _set_params(self, **params):
    known = self._get_param_names()
    for name in params:
        if name.partition("__")[0] not in known and (advice := advice_on(name, known)):
            raise ValueError(f"Invalid parameter {name!r} for estimator {self}. {advice}")
    return BaseEstimator.set_params(self, **params)


def _complete(cls):
    """Append what the bases say of inherited parameters and attributes to the class's docstring."""
    text = inspect.cleandoc(cls.__doc__)
    inherited = [inspect.cleandoc(base.__dict__.get("__doc__") or "") for base in cls.__mro__[1:-1]]
    parameters = {parameter.name for parameter in fields(cls) if parameter.init}
    text = _extend(text, inherited, "Parameters", keep=parameters.__contains__)
    return _extend(text, inherited, "Attributes", keep=lambda name: True)


def _extend(text, others, section, keep):
    entries = _entries(text, section)
    missing = {}
    for other in others:
        for name, entry in _entries(other, section).items():
            if name not in entries and keep(name):
                missing.setdefault(name, entry)
    if not missing:
        return text
    body = "\n".join([*entries.values(), *missing.values()])
    start, stop = _span(text, section)
    heading = f"{section}\n{'-' * len(section)}"
    parts = [text[:start].strip(), f"{heading}\n{body}", text[stop:].strip()]
    return "\n\n".join(filter(None, parts))


# numpydoc's sections in the order in which they stand.
_ORDER = ["Parameters", "Attributes", "See Also", "Notes", "References", "Examples"]


def _span(text, section):
    """Where a section stands in a docstring; an empty span where it would stand."""
    heads = [(m[1], m.start()) for m in re.finditer(r"^([A-Z][\w ]+)\n-{3,}$", text, re.MULTILINE)]
    for index, (name, start) in enumerate(heads):
        if name == section:
            return start, heads[index + 1][1] if index + 1 < len(heads) else len(text)
        if name in _ORDER and _ORDER.index(name) > _ORDER.index(section):
            return start, start
    return len(text), len(text)


def _entries(text, section):
    """Split a section into its entries: name -> the lines that describe it."""
    start, stop = _span(text, section)
    lines = text[start:stop].strip().splitlines()[2:]
    entries = {}
    for line in lines:
        if line and not line.startswith(" "):
            name = line.partition(":")[0].strip()
            entries[name] = line
        elif entries:
            entries[name] += f"\n{line}"
    return {name: entry.rstrip() for name, entry in entries.items()}
