"""When to stop adding trees."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sklearn_modern._core.progress import ProgressBar
from sklearn_modern._fits.stand_in import StandIn
from sklearn_modern.ensemble.engines.base import TWEEDIE_POWER, Rows, Settings
from sklearn_modern.metrics._scorers import get_scorer

__all__ = ["Stopper", "scores_of"]


class Stopper:
    """Follows the scores, and says when the validation score has stopped improving.

    Parameters
    ----------
    score_training, score_validation : callable
        From predictions to a score, where greater is better. Without a ``score_validation`` it
        never says so.
    patience : int
        Iterations without improvement after which to stop.
    tol : float
        Smallest change that counts as an improvement.
    verbose : int, default=0
        Whether to show the scores: 1 by a bar with the time left on a terminal, and by lines
        elsewhere; more by lines everywhere.
    total : int, default=0
        Iterations to come, for the bar.
    earlier : int, default=0
        Iterations of earlier fits that a warm start goes on from.
    label : str, default=""
        What is followed, before the scores.
    """

    def __init__(
        self,
        score_training: Callable[[np.ndarray], float],
        score_validation: Callable[[np.ndarray], float] | None,
        patience: int,
        tol: float,
        verbose: int = 0,
        total: int = 0,
        earlier: int = 0,
        label: str = "",
    ) -> None:
        self.score_training = score_training
        self.score_validation = score_validation
        self.patience = patience
        self.tol = tol
        self.verbose = verbose
        self.total = total
        self.earlier, self._done = earlier, 0
        self.label = label
        self.training: list[float] = []
        self.validation: list[float] = []
        self._reference, self._waited = -np.inf, 0
        self._bar = ProgressBar("stdout")

    def __call__(self, training: np.ndarray, validation: np.ndarray | None = None) -> bool:
        """Score the predictions after one more iteration; tell whether to stop."""
        self._done += 1
        stop = self._add(training, validation)
        if self.verbose:
            self._show()
        return stop

    def replay(self, *stages: Iterator[np.ndarray]) -> bool:
        """Score the iterations of earlier fits, and tell whether these have to be the last.

        Parameters
        ----------
        *stages : iterator of ndarray
            Predictions after each of these iterations: for the training rows, and the validation
            rows. The rows may be others than in the earlier fits, and so may their scores be.

        Returns
        -------
        bool
            Whether there was no improvement for too long, up to the last of them.
        """
        stop = False
        for predicted in zip(*stages, strict=True):
            stop = self._add(*predicted)
        return stop

    def _add(self, training, validation=None):
        self.training.append(self.score_training(training))
        if self.score_validation is None:
            return False
        self.validation.append(self.score_validation(validation))
        improved = self.validation[-1] > self._reference + self.tol
        self._waited = 0 if improved else self._waited + 1
        self._reference = max(self._reference, self.validation[-1])
        return self._waited >= self.patience

    def close(self) -> None:
        """End the line of the bar."""
        self._bar.close()

    def _show(self):
        scores = f"training score {self.training[-1]:.6g}"
        if self.validation:
            scores += f", validation score {self.validation[-1]:.6g}"
        if self.verbose == 1 and self._bar.is_drawn:
            self._bar.show(self._done, self.total, self.label + scores)
        else:
            print(f"{self.label}iteration {self._done}: {scores}")

    @property
    def best(self) -> int:
        """Number of iterations with the best validation score, at least those of earlier fits."""
        least = max(self.earlier, 1)
        scores = self.validation[least - 1 :]
        return least + int(np.argmax(scores)) if scores else self.earlier


def scores_of(
    rows: Rows, scoring: Any, settings: Settings, classifier: Any = None
) -> Callable[[np.ndarray], float]:
    """Return a function from predictions of rows to their score.

    Parameters
    ----------
    rows : Rows
        Whose predictions are scored.
    scoring : str or callable
        "loss", or a scorer.
    settings : Settings
        Which loss it is.
    classifier : BoostedClassifier or None, default=None
        What is fitted, if it is a classifier.

    Returns
    -------
    callable
        From predictions to a number, where greater is better.
    """
    if scoring == "loss":
        return lambda predicted: (
            -float(np.average(_losses(settings, rows.y, predicted), weights=rows.weight))
        )
    scorer = get_scorer(scoring)
    offset = settings.offset
    y = rows.y + offset if classifier is None else classifier._labels[rows.y]
    X = np.empty((len(y), 1))
    weight = {} if rows.weight is None else {"sample_weight": rows.weight}

    def score(predicted: np.ndarray) -> float:
        if classifier is None:
            model = StandIn({"predict": predicted + offset})
        else:
            model = classifier._stand_in(predicted)
        return float(scorer(model, X, y, **weight))

    return score


def _losses(settings, y, predicted):
    loss = settings.loss
    predicted = predicted.astype(np.float64)
    tiny = np.finfo(np.float64).tiny
    if loss == "log_loss":
        if predicted.ndim == 1:
            own = np.where(y == 1, predicted, 1 - predicted)
        else:
            own = predicted[np.arange(len(y)), y]
        return -np.log(np.maximum(own, tiny))
    error = y - predicted
    if loss == "squared_error":
        return error**2 / 2
    if loss == "absolute_error":
        return np.abs(error)
    if loss == "quantile":
        return np.where(error > 0, settings.quantile, settings.quantile - 1) * error
    if loss == "huber":
        return settings.delta**2 * (np.sqrt(1 + (error / settings.delta) ** 2) - 1)
    if loss == "poisson":
        return predicted - y * np.log(predicted)
    if loss == "gamma":
        return np.log(predicted) + y / predicted
    p = TWEEDIE_POWER
    return predicted ** (2 - p) / (2 - p) - y * predicted ** (1 - p) / (1 - p)
