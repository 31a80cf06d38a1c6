"""An estimator is a dataclass of its hyperparameters."""

import inspect
import re
from dataclasses import dataclass, field, fields
from typing import TypeVar, dataclass_transform

__all__ = ["estimator"]

Estimator = TypeVar("Estimator", bound=type)


@dataclass_transform(eq_default=False, field_specifiers=(field,))
def estimator(cls: Estimator) -> Estimator:
    """Make a class an estimator whose annotated fields are its hyperparameters.

    The class gets an ``__init__`` that assigns its parameters and does nothing else, which is
    scikit-learn's rule, so that ``clone``, ``get_params`` and pickling work unchanged. Fields are
    inherited; a field stands, with its description, in the one class that declares it, and the
    docstring is completed by the descriptions of the inherited parameters and attributes.

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
    cls = dataclass(eq=False, repr=False)(cls)
    if documented:
        cls.__doc__ = _complete(cls)
    return cls


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
