"""How the subsets of a batch differ from their common reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np

__all__ = ["Batch", "Changes"]


@dataclass(frozen=True, eq=False)
class Changes:
    """Subsets, written as a few changes to one reference.

    Parameters
    ----------
    reference : ndarray of int
        The intersection or the union of the subsets, whichever needs fewer changes; in rising
        order.
    adds : bool
        Whether the changes add features to the reference (the intersection) or drop features from
        it (the union).
    features : ndarray of int
        The features that some change adds or drops; in rising order.
    groups : tuple of (ndarray of int, ndarray of int)
        For each number of changed features: the positions of the subsets, and their changes of
        shape (n_subsets, size) as positions in ``features``.
    """

    reference: np.ndarray
    adds: bool
    features: np.ndarray
    groups: tuple[tuple[np.ndarray, np.ndarray], ...]

    @classmethod
    def of(cls, subsets: Sequence[tuple[int, ...]]) -> "Changes":
        """Find the changes; those of a Batch are found once."""
        return subsets.changes if isinstance(subsets, Batch) else cls._find(subsets)

    @classmethod
    def _find(cls, subsets):
        n_subsets = len(subsets)
        sizes = np.fromiter(map(len, subsets), dtype=np.intp, count=n_subsets)
        members = np.fromiter(chain.from_iterable(subsets), dtype=np.intp, count=sizes.sum())
        owners = np.repeat(np.arange(n_subsets), sizes)
        counts = np.bincount(members)
        features = np.flatnonzero((counts > 0) & (counts < n_subsets))
        common = np.flatnonzero(counts == n_subsets)
        n_added = len(members) - n_subsets * len(common)
        adds = 2 * n_added <= n_subsets * len(features)
        position = np.zeros(len(counts), dtype=np.intp)
        position[features] = np.arange(len(features))
        changed = counts[members] < n_subsets
        owners, places = owners[changed], position[members[changed]]
        if not adds:
            missing = np.ones((n_subsets, len(features)), dtype=bool)
            missing[owners, places] = False
            owners, places = np.nonzero(missing)
        reference = common if adds else np.flatnonzero(counts)
        return cls(reference, adds, features, tuple(_by_size(owners, places, n_subsets)))


class Batch(list):
    """Subsets that are scored on all folds."""

    @cached_property
    def changes(self) -> Changes:
        """The subsets, written as changes to their common reference."""
        return Changes._find(self)


def _by_size(owners, places, n_subsets):
    """Yield the subsets that change the same number of features, and their changes."""
    sizes = np.bincount(owners, minlength=n_subsets)
    starts = np.cumsum(sizes) - sizes
    for size in np.unique(sizes):
        same = np.flatnonzero(sizes == size)
        yield same, places[starts[same][:, None] + np.arange(size)]
