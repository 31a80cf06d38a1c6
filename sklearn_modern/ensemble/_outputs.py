"""Several outputs, each with its own booster."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from sklearn_modern.ensemble.engines.base import Engine, Rows

__all__ = ["Outputs", "column"]


class Outputs:
    """Answers for engines of several outputs as one of them does for its own.

    Parameters
    ----------
    outputs : sequence of Engine
        One for each output. They are trained one by one, and each may stop on its own.
    """

    def __init__(self, outputs: Sequence[Engine]) -> None:
        self.outputs = list(outputs)

    def predict(self, X: Any) -> np.ndarray:
        """Predict by all iterations: (rows, outputs)."""
        return np.stack([engine.predict(X) for engine in self.outputs], axis=1)

    def staged(self, X: Any) -> Iterator[np.ndarray]:
        """Predict by the first iteration, and so on; an output that has ended stays as it is."""
        latest: list[Any] = [None] * len(self.outputs)
        for stage in zip_longest(*(engine.staged(X) for engine in self.outputs)):
            latest = [old if new is None else new for old, new in zip(latest, stage, strict=True)]
            yield np.stack(latest, axis=1)

    def input(self, X: Any) -> Any:
        """Return rows as the library's own objects take them."""
        return self.outputs[0].input(X)

    def leaves(self, X: Any) -> np.ndarray:
        """Return leaves: (rows, iterations, outputs), -1 where an output has fewer iterations."""
        longest = max(self.n_estimators)
        every = np.full((X.shape[0], longest, len(self.outputs)), -1)
        for i, engine in enumerate(self.outputs):
            every[:, : engine.n_estimators, i] = engine.leaves(X)
        return every

    def contributions(self, X: Any) -> np.ndarray:
        """Share out margins: (rows, outputs, features + 1)."""
        return np.stack([engine.contributions(X) for engine in self.outputs], axis=1)

    def gains(self) -> np.ndarray:
        """Return the sum over the outputs of the shares of each feature."""
        gains = np.stack([engine.gains() for engine in self.outputs])
        total = gains.sum(axis=1, keepdims=True)
        return (gains / np.where(total > 0, total, 1)).sum(axis=0)

    @property
    def n_estimators(self) -> list[int]:
        """Number of iterations of each output."""
        return [engine.n_estimators for engine in self.outputs]

    @property
    def native(self) -> list[Any]:
        """The library's own objects."""
        return [engine.native for engine in self.outputs]


def column(rows: Rows, output: int) -> Rows:
    """Return rows with the targets of one output; those of the only one as they are."""
    return rows if rows.y.ndim == 1 else rows._replace(y=np.ascontiguousarray(rows.y[:, output]))
