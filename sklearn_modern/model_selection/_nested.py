"""What a nested cross-validation tells the tests.

Needed are ``scores_frame()``, a table with the columns "model", "repeat", "fold", "metric" and
"outer"; ``splits_``, the training and test rows in the order of repeat and fold; and for tests of
models ``predictions_``, a table with the columns "model", "repeat", "row" and "prediction".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_modern._core.scikit_learn import num_samples, safe_indexing
from sklearn_modern.model_selection._fold_tests import share_of_tests
from sklearn_modern.model_selection._significance import check_numbers

__all__ = ["OuterScores", "metric_of", "out_of_fold", "outer_scores"]


@dataclass(frozen=True)
class OuterScores:
    """Scores of all models on the same outer splits.

    Parameters
    ----------
    scores : dict of str to ndarray of shape (n_splits,)
        Outer scores of each model, in the order of repeat and fold.
    metric : str
        What they measure.
    n_repeats : int
        Number of repeats.
    n_folds : int
        Number of folds of each.
    test_share : float
        Share of the rows that a split tests.
    """

    scores: dict[str, np.ndarray]
    metric: str
    n_repeats: int
    n_folds: int
    test_share: float


def outer_scores(nested: Any, metric: str | None) -> OuterScores:
    """Read the outer scores of a nested cross-validation, of one metric.

    Parameters
    ----------
    nested : NestedCV
        A fitted nested cross-validation.
    metric : str or None
        The metric; None if there is one.
    """
    frame = nested.scores_frame()
    models, repeats, folds, metrics = (
        np.asarray(frame[name]) for name in ("model", "repeat", "fold", "metric")
    )
    metric = metric_of(metrics.tolist(), metric)
    chosen = metrics == metric
    values = np.asarray(frame["outer"], dtype=float)
    scores, first = {}, None
    for model in dict.fromkeys(models.tolist()):
        rows = np.flatnonzero(chosen & (models == model))
        rows = rows[np.lexsort((folds[rows], repeats[rows]))]
        splits = list(zip(repeats[rows].tolist(), folds[rows].tolist(), strict=True))
        first = splits if first is None else first
        if splits != first or len(splits) != len(nested.splits_):
            raise ValueError(
                f"{model} has scores of {len(splits)} splits, of {len(nested.splits_)} that there "
                "are; all models need a score on each of the same splits."
            )
        scores[str(model)] = check_numbers(values[rows], f"The outer score of {model}")
    if len(scores) < 2:
        raise ValueError(f"There are scores of {list(scores)} only; at least 2 are compared.")
    n_repeats = len(set(repeats.tolist()))
    share = share_of_tests(nested.splits_)
    return OuterScores(scores, metric, n_repeats, len(nested.splits_) // n_repeats, share)


def metric_of(metrics: Iterable[str], metric: str | None) -> str:
    """Return the metric that is asked for, or the only one.

    Parameters
    ----------
    metrics : iterable of str
        What there is; names may occur more than once.
    metric : str or None
        What is asked for; None if there is one.
    """
    known = list(dict.fromkeys(metrics))
    if metric is None and len(known) > 1:
        raise ValueError(f"The metrics are {known}; choose one by metric={known[0]!r}.")
    metric = known[0] if metric is None else metric
    if metric not in known:
        raise ValueError(f"metric={metric!r} is not among the metrics, {known}.")
    return metric


def out_of_fold(nested: Any, y: Any) -> tuple[dict[str, np.ndarray], Any]:
    """Return the predictions of the first repeat by model, and the true values of their rows.

    Parameters
    ----------
    nested : NestedCV
        A fitted nested cross-validation that kept its predictions.
    y : array-like of shape (n_samples,)
        The true values of all rows.
    """
    table = nested.predictions_
    models, repeats, rows = (np.asarray(table[name]) for name in ("model", "repeat", "row"))
    predicted = np.asarray(table["prediction"])
    chosen = repeats == repeats.min()
    if chosen.any() and rows.max() >= num_samples(y):
        raise ValueError(
            f"y has {num_samples(y)} values, but row {rows.max()} was predicted; pass the y of fit."
        )
    predictions, common = {}, None
    for model in dict.fromkeys(models.tolist()):
        places = np.flatnonzero(chosen & (models == model))
        places = places[np.argsort(rows[places], kind="stable")]
        common = rows[places] if common is None else common
        if not np.array_equal(rows[places], common) or len(np.unique(common)) < len(common):
            raise ValueError(
                f"{model} has not predicted each row of one repeat once, as the others have; "
                "take goal='algorithms'."
            )
        predictions[str(model)] = predicted[places]
    return predictions, safe_indexing(y, common)
