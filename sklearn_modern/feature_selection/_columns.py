"""Columns that no subset can have, or should have, found before the search."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from sklearn_modern._fits.problem import Candidate, Problem
from sklearn_modern._inputs.text_columns import are_numbers

__all__ = ["refuse_numbers_as_text", "refuse_unusable_columns"]


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


def refuse_numbers_as_text(problem: Problem) -> None:
    """Raise for text columns of a DataFrame whose values the estimator reads as numbers.

    scikit-learn's estimators do so without a word, also with categories that only look like
    numbers. An estimator that encodes text can be fitted to any other text as well; one that reads
    numbers from it cannot.
    """
    X = problem.X
    if not hasattr(X, "iloc"):
        return
    texts = [at for at in _doubtful(X) if are_numbers(X.iloc[:, at].dropna().unique())]
    if not texts or _fails(problem):
        return
    if not _fails(_spelled_out(problem, texts)):
        return
    read = [at for at in texts if _fails(_spelled_out(problem, [at]))]
    kind = type(problem.estimator).__name__
    raise ValueError(
        f"The columns {[X.columns[at] for at in read or texts]} of X hold numbers as text, which "
        f"{kind} would read as numbers. Make them numbers by pandas.to_numeric, or encode them if "
        "they are categories."
    )


def _fails(problem):
    """Tell whether all columns together have no score; what the trial warns of is not said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _error(problem, range(problem.X.shape[1])) is not None


def _spelled_out(problem, columns):
    """Return the problem with other text in some columns, which is no number."""
    X = problem.X.copy(deep=False)
    for at in columns:
        values = X.iloc[:, at]
        if values.dtype == "category":
            text = values.cat.rename_categories(lambda value: f"text {value}")
        else:
            text = values.map(lambda value: f"text {value}", na_action="ignore")
        X[X.columns[at]] = text
    return replace(problem, X=X)


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
