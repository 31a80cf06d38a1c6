"""How much worse a model gets when a column is shuffled, on the outer test rows."""

from functools import partial
from typing import Any

import numpy as np

from sklearn_modern._core.scikit_learn import (
    MultimetricScorer,
    check_method_params,
    safe_indexing,
)
from sklearn_modern._fits.scorers import scorers_of
from sklearn_modern.model_selection._outer_models import outer_models
from sklearn_modern.report._metrics import Metric

__all__ = ["importance"]

_MOST_ROWS = 500
_MOST_COLUMNS = 60


def importance(
    nested: Any, name: str, X: Any, y: Any, metric: Metric, classes: list[Any] | None
) -> dict[str, Any] | None:
    """Return the permutation importance of each column, with its spread over the outer splits.

    A model of an outer split is scored on at most 500 rows of its test set, once as they are, and
    once for each column with that column shuffled. Scores are weighted as those of the outer splits
    are. With more than 60 columns there is none.

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
    """
    n_columns = X.shape[1]
    if n_columns > _MOST_COLUMNS:
        return None
    params = nested._fitted_on[2].of_scorer if hasattr(nested, "_fitted_on") else {}
    drops = []
    for (_, test), model in zip(nested.splits_, outer_models(nested, name, X, y), strict=True):
        random = np.random.default_rng(0)
        rows = _some_rows(test, y, classes, random)
        scorer = scorers_of(model, nested.scoring)[metric.scoring]
        given = check_method_params(X, params, indices=rows)
        score = partial(_score, MultimetricScorer(scorers={metric.scoring: scorer}), given)
        drops.append(_drops(model, score, safe_indexing(X, rows), safe_indexing(y, rows), random))
    mean, spread = np.mean(drops, axis=0), np.std(drops, axis=0, ddof=1 if len(drops) > 1 else 0)
    names = getattr(X, "columns", [f"x{i}" for i in range(n_columns)])
    order = np.argsort(-mean, kind="stable")
    return {
        "model": name,
        "metric": metric.label,
        "features": [
            {"name": str(names[i]), "mean": float(mean[i]), "sd": float(spread[i])} for i in order
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


def _drops(model, scorer, X, y, random):
    """Return by how much the score falls for each column."""
    whole, found = scorer(model, X, y), []
    for column in range(X.shape[1]):
        shuffled, order = X.copy(), random.permutation(len(y))
        if hasattr(X, "iloc"):
            shuffled.isetitem(column, X.iloc[order, column].array)
        else:
            shuffled[:, column] = X[order, column]
        found.append(whole - scorer(model, shuffled, y))
    return found
