"""Units that a search adds or removes: single features, and groups of them."""

from collections.abc import Iterable, Sequence
from typing import Any

from sklearn_modern._inputs.features import feature_positions

__all__ = ["Units"]


class Units:
    """The features of X as units: groups of features, and single ones.

    Parameters
    ----------
    n_features : int
        Number of columns.
    names : sequence of str or None
        Names of the columns, if there are any.
    feature_groups : sequence of array-like or None
        Groups of columns; each other column is a unit of its own.
    fixed_features : array-like or None
        Columns that belong to every subset.

    Attributes
    ----------
    members : list of tuple of int
        The columns of each unit.
    fixed : frozenset of int
        Units that belong to every subset.
    """

    def __init__(
        self,
        n_features: int,
        names: Sequence[str] | None,
        feature_groups: Any,
        fixed_features: Any,
    ) -> None:
        groups = _groups(feature_groups, n_features, names)
        grouped = {column for group in groups for column in group}
        alone = [(column,) for column in range(n_features) if column not in grouped]
        self.members = sorted(groups + alone)
        self._alone = not groups  # then units are columns: a shortcut that halves the time
        fixed = set()
        if fixed_features is not None:
            positions = feature_positions(fixed_features, n_features, names, "fixed_features")
            fixed = set(positions.tolist())
        for group in groups:
            if fixed & set(group) and not fixed >= set(group):
                label = [column if names is None else str(names[column]) for column in group]
                raise ValueError(
                    f"fixed_features has a part of the group {label}, which stays together; give "
                    "all of it."
                )
        self.fixed = frozenset(
            unit for unit, columns in enumerate(self.members) if fixed.issuperset(columns)
        )

    def __len__(self) -> int:
        return len(self.members)

    def columns(self, units: Iterable[int]) -> tuple[int, ...]:
        """Return the columns of units."""
        if self._alone:
            return tuple(sorted(units))
        return tuple(sorted(column for unit in units for column in self.members[unit]))


def _groups(asked, n_features, names):
    groups, seen = [], set()
    for group in asked if asked is not None else ():
        if isinstance(group, str) or not hasattr(group, "__iter__"):
            raise ValueError(
                f"feature_groups={asked!r} must be a list of groups, such as [[0, 1], [2]]."
            )
        columns = feature_positions(list(group), n_features, names, "feature_groups").tolist()
        if not columns:
            raise ValueError("feature_groups has a group without features.")
        if seen & set(columns) or len(set(columns)) < len(columns):
            twice = sorted((seen & set(columns)) or {c for c in columns if columns.count(c) > 1})
            label = [column if names is None else str(names[column]) for column in twice]
            raise ValueError(f"feature_groups has {label} more than once.")
        seen |= set(columns)
        groups.append(tuple(sorted(columns)))
    return groups
