"""Scale numbers by their ranks, so that each column becomes normal."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.special import ndtri

from sklearn_modern._inputs.scaling import NumberScaler, weighted_quantiles

__all__ = ["NormalScores", "make_scaler"]

# The quantiles that tell the shape of a column, and the probabilities that they stand for: those of
# the smallest and the largest value are between 0 and 1, so that their scores are finite.
_LEVELS = np.linspace(0, 1, 1001)
_PROBABILITIES = np.clip(_LEVELS, 1e-4, 1 - 1e-4)


class NormalScores(NumberScaler):
    r"""Turn columns into normal scores, and back into the range that they had in the fit.

    A value that lies between the shares :math:`a` and :math:`b` of the weight becomes
    :math:`\Phi^{-1}((a + b) / 2)`; between values that are known the scores are interpolated. What
    lies beyond the smallest and the largest of the fit counts as these. Missing values and their
    indicators are as in :class:`~sklearn_modern._inputs.scaling.NumberScaler`.

    Attributes
    ----------
    values, scores : list of ndarray
        Known values of each column, increasing, and their scores.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_modern._inputs.normal_scores import NormalScores
    >>> scaler = NormalScores().fit(np.array([[0.0], [0.0], [1.0], [1e6]]))
    >>> scaler.transform(np.array([[0.0], [1.0], [1e9]])).ravel().round(2)
    array([-0.67,  0.32,  1.15], dtype=float32)
    >>> scaler.inverse(np.array([[-0.67], [9.0]])).ravel().round(2).tolist()
    [0.0, 1000000.0]
    """

    def __init__(self) -> None:
        super().__init__(None)
        self.kind = "quantile"

    def fit(self, numbers: Any, weights: Any = None) -> "NormalScores":
        """Learn the quantiles of the columns."""
        if sp.issparse(numbers):
            raise ValueError("input_scaling='quantile' needs dense X; pass X.toarray().")
        super().fit(numbers, weights)
        self.center = self.fill = np.zeros_like(self.center)
        weights = None if weights is None else np.asarray(weights, dtype=np.float64)
        found = [_normal_scores(column, weights) for column in numbers.T]
        self.values, self.scores = [part[0] for part in found], [part[1] for part in found]
        return self

    def _scaled(self, block):
        return self._interpolated(block, self.values, self.scores)

    def _unscaled(self, block):
        return self._interpolated(block, self.scores, self.values)

    def _interpolated(self, block, known, wanted):
        for index in range(block.shape[1]):
            block[:, index] = np.interp(block[:, index], known[index], wanted[index])
        return block


def make_scaler(kind: str | None) -> NumberScaler:
    """Make a scaler of a kind: "standard", "robust", "quantile" or None."""
    return NormalScores() if kind == "quantile" else NumberScaler(kind)


def _normal_scores(column, weights):
    """Return the known values of a column and their scores."""
    found = np.nan_to_num(weighted_quantiles(column, weights, _LEVELS))
    values, first, repeats = np.unique(found, return_index=True, return_counts=True)
    last = first + repeats - 1
    return values, ndtri((_PROBABILITIES[first] + _PROBABILITIES[last]) / 2)
