"""Constraints on features, by position or name."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from numbers import Integral
from typing import Any

import numpy as np

from sklearn_modern.ensemble.engines.base import column_label

__all__ = ["check_monotonic", "interaction_groups", "monotonic_directions"]


def monotonic_directions(
    asked: Any, n_features: int, names: np.ndarray | None, categorical: Sequence[int]
) -> tuple[int, ...] | None:
    """Return -1, 0 or 1 for each feature, or None if none is constrained."""
    if asked is None:
        return None
    if isinstance(asked, Mapping):
        directions = np.zeros(n_features, dtype=object)
        for name, direction in asked.items():
            directions[_position(name, n_features, names, "monotonic_cst")] = direction
    else:
        directions = np.asarray(asked, dtype=object)
    if directions.shape != (n_features,):
        raise ValueError(
            f"monotonic_cst has the shape {directions.shape}, but X has {n_features} features."
        )
    if not all(direction in (-1, 0, 1) for direction in directions):
        raise ValueError(f"monotonic_cst={asked!r} must have -1, 0 and 1 only.")
    for column in categorical:
        if directions[column]:
            label = column_label(names, column)
            raise ValueError(
                f"monotonic_cst constrains column {label}, but categories have no direction."
            )
    return tuple(int(direction) for direction in directions) if directions.any() else None


def check_monotonic(directions: tuple[int, ...] | None, loss: str, n_classes: int) -> None:
    """Refuse constraints that no library keeps, although most accept them."""
    if directions is None:
        return
    if n_classes > 2:
        raise ValueError(
            f"monotonic_cst is for two classes or a regression, but y has {n_classes} classes, "
            "whose probabilities depend on each other, so that none of them keeps to it. If the "
            "classes are ordered, take "
            "sklearn_modern.ordinal.OrdinalGradientBoostingClassifier, which has one score for "
            "all; else leave monotonic_cst out."
        )
    if loss in ("absolute_error", "quantile"):
        raise ValueError(
            f"monotonic_cst does not hold with loss={loss!r}, where leaves get new values after a "
            "tree has grown; take loss='huber', with backend='xgboost' or 'lightgbm', or "
            "loss='squared_error', or leave monotonic_cst out."
        )


def interaction_groups(
    asked: Any, n_features: int, names: np.ndarray | None
) -> tuple[tuple[int, ...], ...] | None:
    """Return groups of features that may meet in a tree, or None if all may."""
    if asked is None:
        return None
    if isinstance(asked, str):
        size = {"pairwise": 2, "no_interactions": 1}[asked]
        return tuple(combinations(range(n_features), min(size, n_features)))
    groups = []
    for group in asked:
        if isinstance(group, str) or not hasattr(group, "__iter__"):
            raise ValueError(
                f"interaction_cst={asked!r} must have groups of features, such as [[0, 1], [2]]."
            )
        found = {_position(feature, n_features, names, "interaction_cst") for feature in group}
        groups.append(tuple(sorted(found)))
    rest = set(range(n_features)).difference(*groups)
    return tuple(groups + [tuple(sorted(rest))] * bool(rest))


def _position(feature, n_features, names, parameter):
    if isinstance(feature, str):
        found = [] if names is None else np.flatnonzero(names == feature)
        if len(found) == 0:
            known = "no names" if names is None else names.tolist()
            raise ValueError(f"{parameter} has {feature!r}, but the features have {known}.")
        return int(found[0])
    if not isinstance(feature, Integral) or not 0 <= feature < n_features:
        raise ValueError(f"{parameter} has {feature}, but X has {n_features} features.")
    return int(feature)
