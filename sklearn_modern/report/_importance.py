"""How much worse a model gets when a column is shuffled, on the outer test rows."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from sklearn_modern._core.scikit_learn import check_method_params, safe_indexing
from sklearn_modern._fits.scorers import in_one, scorers_of
from sklearn_modern.model_selection._outer_models import outer_models
from sklearn_modern.report._metrics import Metric
from sklearn_modern.report._screening import most_telling

__all__ = ["importance"]

_MOST_ROWS = 500
_MOST_COLUMNS = 60


def importance(
    nested: Any,
    name: str,
    X: Any,
    y: Any,
    metric: Metric,
    classes: list[Any] | None,
    kept: Sequence[Any] | None = None,
) -> dict[str, Any]:
    """Return the permutation importance of each column, with its spread over the outer splits.

    A model of an outer split is scored on at most 500 rows of its test set, once as they are, and
    once for each column with that column shuffled. Scores are weighted as those of the outer splits
    are. Of more than 60 columns, those 60 are looked at that tell most of y, each taken alone.

    Parameters
    ----------
    nested : NestedCV
        A fitted nested cross-validation.
    name : str
        The model.
    X, y : array-like
        The data of its fit.
    metric : Metric
        What is measured.
    classes : list or None
        Labels in order; None of numbers.
    kept : sequence or None, default=None
        The outer models, of which those that are None are fitted again; see ``outer_models``.
    """
    columns = np.arange(X.shape[1])
    if len(columns) > _MOST_COLUMNS:
        columns = most_telling(X, y, classes, _MOST_COLUMNS)
    drops = []
    models = outer_models(nested, name, X, y, kept)
    for (_, test), model in zip(nested.splits_, models, strict=True):
        random = np.random.default_rng(0)
        rows = _some_rows(test, y, classes, random)
        scorer = scorers_of(model, nested.scoring)[metric.scoring]
        given = check_method_params(X, nested._routed.of_scorer, indices=rows)
        score = partial(_score, in_one({metric.scoring: scorer}), given)
        tested = safe_indexing(X, rows), safe_indexing(y, rows)
        drops.append(_drops(model, score, *tested, columns, random))
    mean, spread = np.mean(drops, axis=0), np.std(drops, axis=0, ddof=1 if len(drops) > 1 else 0)
    names = getattr(X, "columns", [f"x{i}" for i in range(X.shape[1])])
    order = np.argsort(-mean, kind="stable")
    return {
        "model": name,
        "metric": metric.label,
        "features": [
            {"name": str(names[columns[i]]), "mean": float(mean[i]), "sd": float(spread[i])}
            for i in order
        ],
    }


def _score(scorer, params, model, X, y):
    """Score as the outer splits are scored: weights go to scorers that take them."""
    (score,) = scorer(model, X, y, **params).values()
    return score


def _some_rows(test, y, classes, random):
    """Return test rows, few enough; of each class there is one, which many scorers need."""
    if len(test) <= _MOST_ROWS:
        return test
    rows = random.permutation(test)
    if classes is not None:
        _, first = np.unique(np.asarray(y)[rows], return_index=True)
        rows = np.concatenate([rows[first], np.delete(rows, first)])
    return rows[:_MOST_ROWS]


def _drops(model, scorer, X, y, columns, random):
    """Return by how much the score falls for each column."""
    whole, found = scorer(model, X, y), []
    for column in columns:
        shuffled = _shuffled(X, column, random.permutation(len(y)))
        found.append(whole - scorer(model, shuffled, y))
    return found


def _shuffled(X, column, order):
    """Return X with the values of one column in another order."""
    shuffled = X.copy()
    if hasattr(X, "iloc"):
        # As a Series: of an array of objects, pandas would infer another dtype.
        shuffled.isetitem(column, X.iloc[order, column].set_axis(X.index))
    else:
        shuffled[:, column] = X[order, column]
    return shuffled
