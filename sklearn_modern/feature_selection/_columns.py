"""Columns that no subset can have, found before the search."""

from typing import Any

import numpy as np

from sklearn_modern._fits.problem import Candidate, Problem

__all__ = ["refuse_unusable_columns"]


def refuse_unusable_columns(problem: Problem) -> None:
    """Raise for columns of a DataFrame with which the estimator cannot be fitted and scored.

    Only columns of other types than numbers, and those with infinities, are in doubt. They are
    tried if all columns together fail on the first split: a single one is to blame if all others
    do not fail, and several are if they fail with columns that do not fail without them.
    """
    X = problem.X
    if not (hasattr(X, "columns") and hasattr(X, "dtypes")):
        return
    names, everything = list(X.columns), frozenset(range(X.shape[1]))
    doubtful = [position for position, name in enumerate(names) if _is_doubtful(X[name])]
    if not doubtful or _error(problem, everything) is None:
        return
    errors = _errors(problem, everything, doubtful)
    if errors:
        kind = type(problem.estimator).__name__
        raise ValueError(
            f"{kind} cannot be fitted with the columns {[names[at] for at in errors]} of X, so "
            "that no subset with them has a score. Leave them out, or encode them. The first fails "
            f"with: {next(iter(errors.values()))}"
        )


def _errors(problem, everything, doubtful):
    """Return the columns that fail where the others do not, with what they raise."""
    for at in doubtful:
        if _error(problem, everything - {at}) is None:
            return {at: _error(problem, everything)}
    sure = everything.difference(doubtful)
    if not sure or _error(problem, sure) is not None:
        return {}
    errors = {at: _error(problem, sure | {at}) for at in doubtful}
    return {at: error for at, error in errors.items() if error is not None}


def _is_doubtful(column: Any) -> bool:
    if not isinstance(column.dtype, np.dtype) or column.dtype.kind not in "biuf":
        return True
    return column.dtype.kind == "f" and bool(np.isinf(column.to_numpy()).any())


def _error(problem, columns):
    """Return why some columns have no score on the first split, None if they have one."""
    return problem.evaluate(Candidate(columns=sorted(columns)), 0).error
