"""Fitted networks without pickle: tensors as numpy arrays, objects as their types and states.

skops writes arrays, containers, types and objects, but no tensors. What it reads it checks against
a list of types that the user trusts, before it makes anything; so types are written as types.
"""

import copyreg
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from sklearn_modern.training.trainer import Trainer

__all__ = ["PlainObject", "plain", "restored"]

_KNOWN_TO_SKOPS = (
    *(bool, int, float, str, bytes, dict, list, tuple, set, np.ndarray, np.generic, np.dtype),
    *(BaseEstimator, type, partial, FunctionType, BuiltinFunctionType, MethodType),
)


class PlainTensor:
    """A tensor on the CPU.

    Parameters
    ----------
    tensor : Tensor
        It may be a parameter of a module.
    """

    def __init__(self, tensor: Tensor) -> None:
        self.values = tensor.detach().cpu().numpy()
        self.is_parameter = isinstance(tensor, nn.Parameter)
        self.requires_grad = tensor.requires_grad

    def restore(self) -> Tensor:
        """Make the tensor."""
        tensor = torch.from_numpy(np.array(self.values))
        return nn.Parameter(tensor, self.requires_grad) if self.is_parameter else tensor


class PlainDtype:
    """A type of torch's numbers.

    Parameters
    ----------
    dtype : torch.dtype
        The type.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        self.name = str(dtype).removeprefix("torch.")

    def restore(self) -> torch.dtype:
        """Look up the type."""
        dtype = getattr(torch, self.name)
        if not isinstance(dtype, torch.dtype):
            raise ValueError(f"torch.{self.name} is no type of numbers.")
        return dtype


class PlainGenerator:
    """A random generator of numpy's, without what it would spawn others from.

    Parameters
    ----------
    generator : numpy.random.Generator
        The generator.
    """

    def __init__(self, generator: np.random.Generator) -> None:
        self.kind, self.state = type(generator.bit_generator), generator.bit_generator.state

    def restore(self) -> np.random.Generator:
        """Make a generator that goes on where the other was."""
        bits = self.kind()
        bits.state = self.state
        return np.random.Generator(bits)


class PlainNoneType:
    """The type of None, which has no name that could be imported."""

    def restore(self) -> type:
        """Return the type."""
        return type(None)


class PlainObject:
    """An object that pickle would make of its type and its state.

    Parameters
    ----------
    kind : type
        The type.
    """

    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.state: Any = None  # set later, as the state may lead back to the object


def plain(thing: Any) -> Any:
    """Return what skops can write; objects that occur twice do so in the result, too."""
    return _plain(thing, {})


def restored(thing: Any) -> Any:
    """Return what :func:`plain` was given."""
    return _restored(thing, {})


def _plain(thing, known):
    if id(thing) in known:
        return known[id(thing)][1]
    if type(thing) is dict:
        found = {key: _plain(value, known) for key, value in thing.items()}
    elif type(thing) in (list, tuple, set):
        found = type(thing)(_plain(value, known) for value in thing)
    elif isinstance(thing, Tensor):
        found = PlainTensor(thing)
    elif isinstance(thing, torch.dtype):
        found = PlainDtype(thing)
    elif isinstance(thing, partial):
        keywords = _plain(thing.keywords, known)
        found = partial(thing.func, *_plain(thing.args, known), **keywords)
    elif isinstance(thing, np.random.Generator):
        found = PlainGenerator(thing)
    elif thing is type(None):
        found = PlainNoneType()
    elif _is_ordinary(thing):
        found = PlainObject(type(thing))
        known[id(thing)] = (thing, found)
        found.state = _plain(thing.__reduce_ex__(4)[2], known)
    else:
        found = thing
    known[id(thing)] = (thing, found)  # the thing itself, too, so that its id stays its own
    return found


def _is_ordinary(thing):
    """Tell whether an object is its type and its state, and skops does not know it anyway."""
    # A net is an estimator of scikit-learn's, too, but it has tensors.
    if thing is None or (isinstance(thing, _KNOWN_TO_SKOPS) and not isinstance(thing, Trainer)):
        return False
    reduced = thing.__reduce_ex__(4)
    return (
        isinstance(reduced, tuple)
        and reduced[0] is copyreg.__newobj__
        and reduced[1] == (type(thing),)
        and not any(reduced[3:])
    )


def _restored(thing, known):
    if id(thing) in known:
        return known[id(thing)]
    if type(thing) is dict:
        return {key: _restored(value, known) for key, value in thing.items()}
    if type(thing) in (list, tuple, set):
        return type(thing)(_restored(value, known) for value in thing)
    if isinstance(thing, PlainTensor | PlainDtype | PlainGenerator | PlainNoneType):
        known[id(thing)] = thing.restore()
        return known[id(thing)]
    if isinstance(thing, partial):
        keywords = _restored(thing.keywords, known)
        return partial(thing.func, *_restored(thing.args, known), **keywords)
    if not isinstance(thing, PlainObject):
        return thing
    made = known[id(thing)] = thing.kind.__new__(thing.kind)
    state = _restored(thing.state, known)
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
    elif state is not None:
        vars(made).update(state)
    return made
