"""X is read once, however many fits it has."""

import copy
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from sklearn_modern._core.same import key
from sklearn_modern.training.sources import Source

__all__ = ["ANEW", "Readings"]

Found = TypeVar("Found")

# What reading X tells the estimator itself.
_ATTRIBUTES = ("n_features_in_", "feature_names_in_")


class _Anew:
    """Every fit reads for itself."""

    def once(self, estimator: Any, step: Hashable, read: Callable[[], Found]) -> Found:
        """Return what a step gives."""
        return read()

    def source(
        self, estimator: Any, step: Hashable, make: Callable[..., Source], **labels: Any
    ) -> Source:
        """Return a source of rows with their targets and weights."""
        return make(**labels)


ANEW = _Anew()


class Readings(_Anew):
    """What fits of the same data found when they read X, for others of the same data.

    A step of reading is done by the first fit whose inputs get there. The others, whose inputs are
    equal to what those were, go on with copies of what they have become.
    """

    def __init__(self) -> None:
        self._found: dict[Hashable, tuple] = {}

    def once(self, estimator: Any, step: Hashable, read: Callable[[], Found]) -> Found:
        """Return what a step gives, and lead the estimator's inputs to where it ends."""
        where = step, key(estimator._inputs)
        if where not in self._found:
            found = read()
            known = {
                name: vars(estimator)[name] for name in _ATTRIBUTES if hasattr(estimator, name)
            }
            self._found[where] = found, copy.deepcopy(estimator._inputs), known
            return found
        found, inputs, known = self._found[where]
        estimator._inputs = copy.deepcopy(inputs)
        vars(estimator).update(known)
        return found

    def source(
        self, estimator: Any, step: Hashable, make: Callable[..., Source], **labels: Any
    ) -> Source:
        """Return a source with the inputs of one that there is, where it can share them."""
        where = step, key(estimator._inputs)
        if where in self._found:
            (source,) = self._found[where]
            return source.relabelled(**labels)
        source = make(**labels)
        if source.stands_beside:
            self._found[where] = (source.relabelled(),)
        return source
