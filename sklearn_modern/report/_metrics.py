"""Scores in the unit that people use, and what a report says of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
from sklearn.metrics import brier_score_loss, get_scorer_names, log_loss

from sklearn_modern._core.scikit_learn import Scorer
from sklearn_modern.metrics._scorers import SCORERS

__all__ = ["DEFAULT_SCORING", "Metric", "metric_of_scoring", "number", "scoring_of"]

DEFAULT_SCORING = {
    "classification": "neg_log_loss",
    "regression": "neg_root_mean_squared_error",
    "ordinal": "neg_mean_absolute_rank_error",
}

_NAMES = {
    "neg_log_loss": "log-loss",
    "neg_root_mean_squared_error": "RMSE",
    "neg_brier_score": "Brier score",
    "r2": "R2",
    "roc_auc": "area under the ROC curve",
    "score": "score",
}


_SHARES = (
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "f1",
    "jaccard",
    "precision",
    "recall",
    "roc_auc",
    "top_k_accuracy",
)
_AT_MOST_ONE = ("d2_", "explained_variance", "matthews_corrcoef", "quadratic_weighted_kappa", "r2")

# Of scikit-learn's own, these take the classes of the test rows for all that there are. Before
# version 1.7 the Brier score could not be told more, and was one of two classes.
_LOSSES = {"neg_log_loss": log_loss}
if "labels" in signature(brier_score_loss).parameters:
    _LOSSES["neg_brier_score"] = brier_score_loss


class _OfAllClasses(Scorer):
    """A loss of probabilities, which are zero for classes that an estimator has not seen."""

    asks_last_step = True  # it calls predict_proba, and classes_ of a Pipeline are its last step's

    def _score(self, method_caller, estimator, X, y_true, **kwargs):
        labels, seen = self._kwargs["labels"], estimator.classes_
        found = np.asarray(estimator.predict_proba(X))
        probability = np.zeros((len(found), len(labels)), dtype=found.dtype)
        probability[:, np.searchsorted(labels, seen)] = found
        return self._sign * self._score_func(
            np.asarray(y_true), probability, **self._kwargs, **kwargs
        )


@dataclass(frozen=True)
class Metric:
    """What is measured.

    Parameters
    ----------
    scoring : str
        The name of the scorer.
    label : str
        What people call it.
    lower_is_better : bool
        Whether it is a loss, of which the scorer has the negative.
    lowest, highest : float
        What no value for people is below or above, as far as that is known.
    """

    scoring: str
    label: str
    lower_is_better: bool
    lowest: float = -np.inf
    highest: float = np.inf

    @property
    def sign(self) -> float:
        """What a score is multiplied by, to be in the unit for people."""
        return -1.0 if self.lower_is_better else 1.0


def scoring_of(
    scoring: Any, kind: str, classes: list[Any] | None = None
) -> tuple[dict[str, Callable | str], str]:
    """Return the scorer by its name, as a nested cross-validation takes it, and the name.

    Parameters
    ----------
    scoring : str, callable or None
        What was asked for.
    kind : str
        The kind of the task.
    classes : list or None, default=None
        All labels, of which some may be in no training or test rows of a split.
    """
    if scoring is None:
        scoring = DEFAULT_SCORING[kind]
    if isinstance(scoring, str) and scoring in _LOSSES and classes is not None:
        labels = {"labels": np.unique(np.asarray(classes))}
        return {scoring: _OfAllClasses(_LOSSES[scoring], -1, labels, "predict_proba")}, scoring
    if isinstance(scoring, str):
        return {scoring: SCORERS.get(scoring, scoring)}, scoring
    if not callable(scoring):
        raise TypeError(f"scoring={scoring!r} must be the name of one scorer, or a scorer.")
    name = _name_of(scoring) or "score"
    return {name: scoring}, name


def metric_of_scoring(name: str, scoring: Any = None) -> Metric:
    """Say what a scorer measures.

    Parameters
    ----------
    name : str
        What the scorer is called.
    scoring : object, default=None
        The parameter ``scoring`` that has it. The scorer that it has, and not the name, decides
        whether it is a loss.
    """
    scorer = scoring.get(name) if isinstance(scoring, Mapping) else scoring
    known = scorer if isinstance(scorer, str) else _name_of(scorer)
    known = name if known is None else known
    called = known if name == "score" else name
    label = _NAMES.get(known, called.removeprefix("neg_").replace("_", " "))
    return Metric(name, label, known.startswith("neg_"), *_range_of(known))


def _name_of(scorer):
    """Return the name of a scorer by the function that it calls; None if it has no name."""
    name = getattr(getattr(scorer, "_score_func", scorer), "__name__", None)
    return f"neg_{name}" if name is not None and getattr(scorer, "_sign", 1) < 0 else name


def _range_of(name):
    """Return the bounds of what a scorer measures, in the unit for people."""
    if name.startswith("neg_"):
        known = {*SCORERS, *get_scorer_names()}
        return (0.0 if name in known else -np.inf), np.inf
    if name.startswith(_SHARES):
        return 0.0, 1.0
    return -np.inf, (1.0 if name.startswith(_AT_MOST_ONE) else np.inf)


def number(value: float) -> str:
    """Return a number with three digits that count, but no more than three decimals."""
    size, value = abs(value), value + 0.0  # without the sign of -0.0
    if size >= 100:
        return f"{value:,.0f}"
    for least, decimals in ((10, 1), (1, 2), (0.01, 3)):
        if size >= least:
            return f"{value:.{decimals}f}"
    return f"{value:.2g}"
