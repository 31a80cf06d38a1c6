"""One split of the data, as arrays."""

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

__all__ = ["Fold"]

# Copies of rows up to this size are kept; larger ones are made anew for each use.
_KEPT_BYTES = 2**24


class Fold:
    """The training and the test rows of one split.

    Parameters
    ----------
    X : ndarray of float64 of shape (n_samples, n_features)
        The data, which are finite.
    y : ndarray of shape (n_samples,)
        Labels or numbers.
    train, test : ndarray of int
        Positions of the rows.
    weight : ndarray or None, default=None
        Weights of the training rows.
    prefix : transformer or None, default=None
        Fitted to the training rows; it transforms each column by itself.
    classifies : bool, default=False
        Whether y holds labels.
    score_params : dict of str to dict, default={}
        For each metric further arguments of its scorer, for the test rows.
    """

    def __init__(
        self,
        X: np.ndarray,
        y: np.ndarray,
        train: np.ndarray,
        test: np.ndarray,
        *,
        weight: np.ndarray | None = None,
        prefix: Any = None,
        classifies: bool = False,
        score_params: Mapping[str, dict[str, Any]] = MappingProxyType({}),
    ) -> None:
        self._X, self._train, self._test, self._prefix = X, train, test, prefix
        self.y_train, self.y_test = y[train], y[test]
        self.weight = weight
        self.classifies = classifies
        self.score_params = score_params
        self._kept: dict[str, np.ndarray] = {}

    @property
    def X_train(self) -> np.ndarray:
        """Training rows."""
        return self._matrix("train", self._train)

    @property
    def X_test(self) -> np.ndarray:
        """Test rows."""
        return self._matrix("test", self._test)

    @property
    def n_features(self) -> int:
        """Number of features."""
        return self._X.shape[1]

    @cached_property
    def classes(self) -> np.ndarray | None:
        """Labels of the training rows, sorted; None for a regressor."""
        return np.unique(self.y_train) if self.classifies else None

    @cached_property
    def codes_train(self) -> np.ndarray:
        """Positions of the training rows' labels in ``classes``."""
        return np.searchsorted(self.classes, self.y_train)

    @cached_property
    def codes_test(self) -> np.ndarray:
        """Positions of the test rows' labels in ``classes``, -1 for labels that are not there."""
        codes = np.searchsorted(self.classes, self.y_test).clip(max=len(self.classes) - 1)
        return np.where(self.classes[codes] == self.y_test, codes, -1)

    def _matrix(self, name, rows):
        if name in self._kept:
            return self._kept[name]
        matrix = self._X[rows]
        if self._prefix is not None:
            matrix = np.asarray(self._prefix.transform(matrix))
        if matrix.nbytes <= _KEPT_BYTES:
            self._kept[name] = matrix
        return matrix
