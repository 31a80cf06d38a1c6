"""What y is, for a network: levels, which have an order."""

from typing import Any

import numpy as np
import torch

from sklearn_modern._inputs.levels import ordered_categories, rank_order, ranks_of
from sklearn_modern._inputs.validation import class_weights
from sklearn_modern._neural.targets import Labels
from sklearn_modern.heads.base import Head
from sklearn_modern.heads.ordinal import Coral, Corn, CrossEntropy, CumulativeLink, Niu
from sklearn_modern.networks.random import MemberRandom

__all__ = ["METHODS", "Levels"]

METHODS = {
    "coral": Coral,
    "corn": Corn,
    "niu": Niu,
    "cumulative_link": CumulativeLink,
    "cross_entropy": CrossEntropy,
}
_WITH_TASKS = ("coral", "corn", "niu")
_WITH_THRESHOLDS = ("coral", "cumulative_link")


class Levels(Labels):
    """One of several ordered levels per row.

    Parameters
    ----------
    class_order : None, "sorted" or sequence
        The levels, lowest first, or how to find them.
    method : str
        A key of ``METHODS``.
    decision, link, importance_weights, threshold_rate, label_smoothing
        For the head of the method; what the method does not use is refused.
    expected : ndarray or None, default=None
        All levels that will occur; None is those of y.

    Attributes
    ----------
    order : ndarray
        The levels, lowest first.
    columns : ndarray of int
        The position among the sorted levels of each level.
    """

    def __init__(
        self,
        class_order: Any,
        *,
        method: str,
        decision: str,
        link: str,
        importance_weights: Any,
        threshold_rate: float,
        label_smoothing: float,
        expected: np.ndarray | None = None,
    ) -> None:
        super().__init__(label_smoothing, expected)
        self.class_order, self.method = class_order, method
        self.decision, self.link = decision, link
        self.importance_weights, self.threshold_rate = importance_weights, threshold_rate

    def check(self, y: Any, *, reset: bool) -> np.ndarray:
        """Code levels by their ranks."""
        if reset:
            self._find_levels(y)
        return ranks_of(y, self.order)

    def factors(self, class_weight: Any, y: np.ndarray, weight: np.ndarray) -> np.ndarray | float:
        """Return the factors by which class weights change the sample weights."""
        return class_weights(class_weight, y, weight, self.order)

    def learn(self, y: np.ndarray, weight: np.ndarray) -> None:
        """Learn how much weight each level has."""
        self._weights = np.bincount(y, weight, minlength=len(self.order))

    def make_head(self, n_features: int, random: MemberRandom) -> Head:
        """Make the head of the method."""
        settings = {}
        if self.method in _WITH_TASKS:
            settings["importance_weights"] = self._task_weights()
        elif self.importance_weights is not None:
            raise ValueError(
                f"importance_weights are for the methods {', '.join(_WITH_TASKS)}, but "
                f"method={self.method!r}."
            )
        if self.method in _WITH_THRESHOLDS:
            settings["threshold_rate"] = self.threshold_rate
        if self.method == "cumulative_link":
            settings["link"] = self.link
        elif self.link != "logit":
            raise ValueError(
                f"link={self.link!r} is for method='cumulative_link', but method={self.method!r}."
            )
        return METHODS[self.method](
            n_features,
            torch.from_numpy(self._weights),
            random,
            columns=self.columns,
            decision=self.decision,
            label_smoothing=self.label_smoothing,
            **settings,
        )

    def named(self, decided: np.ndarray) -> np.ndarray:
        """Return the level of each rank."""
        return self.order[decided]

    def attributes(self) -> dict[str, Any]:
        """Return the levels, in their order and sorted."""
        return {"class_order_": self.order, "classes_": self.classes}

    def _find_levels(self, y):
        expected = self.expected
        # An ordered Categorical has all levels, and it alone has their order.
        is_known = expected is None or ordered_categories(y) is not None
        self.order = rank_order(y if is_known else expected, self.class_order)
        self.classes, self.columns = np.unique(self.order, return_index=True)
        if expected is not None and set(expected.tolist()) != set(self.classes.tolist()):
            raise ValueError(
                f"classes={expected.tolist()} are not the levels, {self.order.tolist()}."
            )

    def _task_weights(self):
        """Return the importance of each task, or None."""
        given, n_tasks = self.importance_weights, len(self.order) - 1
        if given is None:
            return None
        if isinstance(given, str):
            beyond = self._weights[::-1].cumsum()[-2::-1]
            larger = np.maximum(beyond, self._weights.sum() - beyond)
            return torch.from_numpy(np.sqrt(larger / larger.max()))
        try:
            weights = np.asarray(given, dtype=np.float64)
        except ValueError as error:
            raise ValueError(f"importance_weights={given!r} must be numbers: {error}.") from None
        if weights.shape != (n_tasks,):
            raise ValueError(
                f"importance_weights has the shape {weights.shape}, but {n_tasks + 1} levels have "
                f"{n_tasks} tasks: expected {(n_tasks,)}."
            )
        if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
            raise ValueError(
                f"importance_weights={weights.tolist()} must be finite, not negative and not all "
                "zero."
            )
        return torch.from_numpy(weights)
