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
    if not hasattr(X, "iloc"):
        return
    names, everything = list(X.columns), frozenset(range(X.shape[1]))
    doubtful = _doubtful(X)
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


def _doubtful(X: Any) -> list[int]:
    """Return the columns that are no numbers, or infinite somewhere."""
    kinds = [dtype.kind if isinstance(dtype, np.dtype) else "O" for dtype in X.dtypes]
    floats = [position for position, kind in enumerate(kinds) if kind == "f"]
    infinite = np.isinf(X.iloc[:, floats].to_numpy()).any(axis=0) if floats else ()
    doubtful = {at for at, found in zip(floats, infinite, strict=False) if found}
    return [at for at, kind in enumerate(kinds) if kind not in "biuf" or at in doubtful]


def _error(problem, columns):
    """Return why some columns have no score on the first split, None if they have one."""
    return problem.evaluate(Candidate(columns=sorted(columns)), 0).error
