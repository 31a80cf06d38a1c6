"""Losses that libraries do not have, with parameters of their own beside the trees."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Alternation", "Fitted", "Objective"]


class Fitted(NamedTuple):
    """Parameters that were fitted to scores.

    Attributes
    ----------
    parameters : ndarray
        The parameters.
    gradient, hessian : ndarray of shape (n_samples,)
        First and second derivatives of the loss by the scores, at the parameters; weighted.
    """

    parameters: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray


class Objective(ABC):
    """A loss of one score per row, which is the sum of its trees, and of parameters for all rows.

    Trees and parameters take turns: after each iteration the parameters are fitted to the scores,
    and the next tree is grown on the derivatives by the scores.
    """

    @abstractmethod
    def on(self, rows: Any) -> Callable[..., Fitted]:
        """Return what fits the parameters to the rows' scores, from those before, if there are."""

    @abstractmethod
    def predict(self, scores: np.ndarray, parameters: Any) -> np.ndarray:
        """Turn scores into what they mean."""


class Alternation:
    """Lets a library's trees and the parameters of an objective take turns.

    Parameters
    ----------
    objective : Objective
        The loss.
    rows : Rows
        The training rows.
    path : sequence of ndarray
        The parameters before the first iteration of earlier fits, and after each of them.
    scores : ndarray of shape (n_samples,)
        The scores of the training rows after these iterations.

    Attributes
    ----------
    path : list of ndarray
        The same with those of this fit.
    """

    def __init__(
        self,
        objective: Objective,
        rows: Any,
        path: Sequence[np.ndarray],
        scores: np.ndarray,
    ) -> None:
        self.objective = objective
        self.path = list(path)
        self._fit = objective.on(rows)
        # The last turn is taken again, for its derivatives; what came of it stays as it was.
        self._fitted = self._fit(scores, self.path[-2] if self.path else None)
        if not self.path:
            self.path = [self._fitted.parameters]
        self._has_grown = False

    def follow(self, scores: np.ndarray) -> None:
        """Fit the parameters to the scores of the training rows, if there is another tree."""
        if self._has_grown:
            self._fitted = self._fit(scores, self.path[-1])
            self.path.append(self._fitted.parameters)
            self._has_grown = False

    def derivatives(self, scores: np.ndarray, data: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return what the next tree is grown on, as libraries ask for it."""
        self.follow(scores)
        self._has_grown = True
        return self._fitted.gradient, self._fitted.hessian

    def watching(self, watch: Callable[..., bool]) -> Callable[..., bool]:
        """Return a Watch of scores that fits the parameters, and hands predictions on."""

        def follow(training: np.ndarray, *validation: np.ndarray) -> bool:
            self.follow(training)
            seen = (training, *validation)
            return watch(*(self.objective.predict(scores, self.path[-1]) for scores in seen))

        return follow
