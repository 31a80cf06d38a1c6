"""Scores that are means over rows, row by row."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
)

from sklearn_modern._core.scikit_learn import PassthroughScorer, Scorer
from sklearn_modern.model_selection._models import Model
from sklearn_modern.model_selection._rowwise_scores import usual_scorer

__all__ = ["refuse_other_scores", "row_scorer"]


def _of_labels(y, outcome):
    return y == outcome["prediction"]


def _log_losses(y, outcome):
    probability, classes = outcome["probability"], outcome["classes"]
    places = np.searchsorted(classes, y)
    known = classes[np.minimum(places, len(classes) - 1)] == y
    shares = probability / probability.sum(axis=1, keepdims=True)
    found = shares[np.arange(len(y)), np.minimum(places, len(classes) - 1)]
    least = np.finfo(probability.dtype).eps
    return -np.log(np.clip(np.where(known, found, 0.0), least, 1.0))


def _brier_losses(y, outcome):
    return (outcome["probability"][:, 1] - (y == outcome["classes"][1])) ** 2


_OF_ROWS: dict[Callable, Callable] = {
    accuracy_score: _of_labels,
    brier_score_loss: _brier_losses,
    log_loss: _log_losses,
    mean_absolute_error: lambda y, outcome: np.abs(y - outcome["prediction"]),
    mean_squared_error: lambda y, outcome: (y - outcome["prediction"]) ** 2,
}


def row_scorer(scorer: Any, estimator: Any) -> Callable[[Any, dict], np.ndarray] | None:
    """Return a function from y and what was predicted to a score of each row.

    None is returned if the score is not a mean over rows, or not known to be one.

    Parameters
    ----------
    scorer : callable
        A scorer.
    estimator : estimator
        What it scores.
    """
    if isinstance(scorer, PassthroughScorer):
        scorer = usual_scorer(estimator)
    if type(scorer) is not Scorer or scorer._kwargs or scorer._score_func not in _OF_ROWS:
        return None
    of_rows, sign = _OF_ROWS[scorer._score_func], scorer._sign
    return lambda y, outcome: sign * np.asarray(of_rows(y, outcome), dtype=float)


def refuse_other_scores(models: Sequence[Model], scorers: Mapping[str, Any], interval: str) -> None:
    """Refuse scores that are no means over rows, as the interval needs."""
    for model in models:
        for name, scorer in scorers.items():
            if row_scorer(scorer, model.estimator) is None:
                raise ValueError(
                    f"interval={interval!r} needs scores that are means over rows, but {name!r} of "
                    f"{model.name!r} is none; take accuracy, neg_log_loss, neg_brier_score, "
                    "neg_mean_squared_error or neg_mean_absolute_error, or interval='corrected-t'."
                )
