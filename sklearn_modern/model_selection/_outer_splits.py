"""Outer and inner splits of a nested cross-validation, which all models see."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)
from sklearn.utils.multiclass import type_of_target

from sklearn_modern._core.scikit_learn import check_method_params, safe_indexing

__all__ = ["OuterSplit", "nested_splits", "pair_splits", "refuse_other_folds", "splitter_of"]

Rows = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class OuterSplit:
    """An outer split, and the inner splits of its training rows.

    Parameters
    ----------
    repeat, fold : int
        Which one it is.
    rows : tuple of ndarray
        Training rows and test rows.
    inner : list of tuple of ndarray
        Training rows and test rows of the inner splits, numbered as in the whole data.
    """

    repeat: int
    fold: int
    rows: Rows
    inner: list[Rows]


def nested_splits(
    X: Any,
    y: Any,
    outer_cv: Any,
    inner_cv: Any,
    repeats: int,
    split_params: dict[str, Any],
    *,
    classifier: bool,
    random: np.random.RandomState,
) -> list[OuterSplit]:
    """Draw the splits.

    Parameters
    ----------
    X, y : array-like
        The data; y may be None.
    outer_cv, inner_cv : int, splitter or iterable
        Numbers of folds are shuffled, stratified for classifiers, and keep groups together.
    repeats : int
        How often the outer splits are drawn anew.
    split_params : dict
        Arguments of ``split`` for all rows, such as ``groups``.
    classifier : bool
        Whether models are classifiers.
    random : RandomState
        Shuffles.
    """
    found = []
    grouped = split_params.get("groups") is not None
    for repeat in range(repeats):
        seed = int(random.randint(np.iinfo(np.int32).max))
        outer = splitter_of(outer_cv, y, classifier, grouped, seed)
        if repeats > 1:
            outer = _drawn_anew(outer, outer_cv, seed)
        for fold, (train, test) in enumerate(outer.split(X, y, **split_params)):
            train, test = _positions(train), _positions(test)
            inner = _inner_splits(X, y, train, inner_cv, split_params, classifier, random)
            found.append(OuterSplit(repeat, fold, (train, test), inner))
    if not found:
        raise ValueError("outer_cv has no splits; a generator can be used up by one fit only.")
    return found


def refuse_other_folds(outer: list[OuterSplit], repeats: int, n_rows: int) -> None:
    """Refuse outer splits that are no folds, as folds within folds need."""
    tested = np.bincount(np.concatenate([split.rows[1] for split in outer]), minlength=n_rows)
    if (tested != repeats).any() or len(outer) < 3 * repeats:
        raise ValueError(
            "interval='bates' needs at least three outer folds that test each row once."
        )


def pair_splits(
    outer: list[OuterSplit],
    X: Any,
    y: Any,
    inner_cv: Any,
    split_params: dict[str, Any],
    *,
    classifier: bool,
    random: np.random.RandomState,
) -> list[tuple[OuterSplit, int]]:
    """Return a split for each two folds of a repeat, which are both tested, and the other fold.

    What is tested is the fold of the split and then the other fold; what is trained on is the rest.
    """
    found = []
    for place, one in enumerate(outer):
        for other in outer[place + 1 :]:
            if other.repeat != one.repeat:
                continue
            test = np.concatenate([one.rows[1], other.rows[1]])
            train = np.setdiff1d(one.rows[0], other.rows[1])
            inner = _inner_splits(X, y, train, inner_cv, split_params, classifier, random)
            found.append((OuterSplit(one.repeat, one.fold, (train, test), inner), other.fold))
    return found


def _inner_splits(X, y, train, inner_cv, split_params, classifier, random):
    seed = int(random.randint(np.iinfo(np.int32).max))
    grouped = split_params.get("groups") is not None
    inner = splitter_of(inner_cv, y, classifier, grouped, seed)
    params = check_method_params(X, split_params, indices=train)
    y_train = None if y is None else safe_indexing(y, train)
    return [
        (_inner_rows(train, one), _inner_rows(train, other))
        for one, other in inner.split(safe_indexing(X, train), y_train, **params)
    ]


def splitter_of(cv: Any, y: Any, classifier: bool, grouped: bool, seed: int) -> Any:
    """Return a splitter; a number of folds is shuffled by a seed."""
    if not isinstance(cv, Integral) or isinstance(cv, bool):
        return check_cv(cv, y, classifier=classifier)
    stratified = classifier and y is not None and type_of_target(y) in ("binary", "multiclass")
    if grouped and stratified:
        return StratifiedGroupKFold(int(cv), shuffle=True, random_state=seed)
    if grouped:
        return GroupKFold(int(cv), shuffle=True, random_state=seed)
    kind = StratifiedKFold if stratified else KFold
    return kind(int(cv), shuffle=True, random_state=seed)


def _drawn_anew(splitter, given, seed):
    """Return a splitter that draws other splits than those of other seeds."""
    if isinstance(given, Integral):
        return splitter
    shuffles = getattr(splitter, "shuffle", True)
    if not hasattr(splitter, "random_state") or not shuffles:
        raise ValueError(
            f"repeats draws the outer splits anew, but outer_cv={given!r} always makes the same; "
            "take a number of folds, or a splitter that shuffles."
        )
    splitter = clone(splitter, safe=False)
    splitter.random_state = seed
    return splitter


def _inner_rows(train, rows):
    """Return the rows of an inner split, numbered as in the whole data."""
    rows = _positions(rows)
    if len(rows) and rows.max() >= len(train):
        raise ValueError(
            f"inner_cv has row {rows.max()}, but an outer split has {len(train)} training rows, "
            "which inner splits number from 0."
        )
    return train[rows]


def _positions(rows):
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows
