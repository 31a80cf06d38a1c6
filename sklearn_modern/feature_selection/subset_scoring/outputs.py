"""What the estimators of many subsets say of the same rows."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp, softmax

__all__ = ["Decisions", "LogLikelihoods", "Logits", "Outputs", "Probabilities", "decided"]


@dataclass(frozen=True, eq=False)
class Outputs:
    """Predictions of a regressor.

    Parameters
    ----------
    raw : ndarray of shape (n_subsets, n_rows) or (n_subsets, n_rows, n_outputs)
        What the arithmetic gives.
    sure : ndarray of bool of shape (n_subsets,) or None, default=None
        Which subsets the arithmetic holds for; the others are left to ordinary fits. None is all.
    """

    raw: np.ndarray
    sure: np.ndarray | None = None

    def predict(self) -> np.ndarray:
        """Return values, or the positions of classes."""
        return self.raw


class Decisions(Outputs):
    """Decisions of a linear classifier; those between two classes have no last axis."""

    def predict(self) -> np.ndarray:
        """Return the positions of classes."""
        return (self.raw > 0).astype(np.intp) if self.raw.ndim == 2 else self.raw.argmax(axis=2)

    def decision_function(self) -> np.ndarray:
        """Return the decisions."""
        return self.raw


class Logits(Decisions):
    """Decisions that are the logarithms of odds, or of probabilities up to a constant."""

    def predict_proba(self) -> np.ndarray:
        """Return probabilities of shape (n_subsets, n_rows, n_classes)."""
        if self.raw.ndim == 3:
            return softmax(self.raw, axis=2)
        second = expit(self.raw)
        return np.stack([1 - second, second], axis=2)


class LogLikelihoods(Outputs):
    """Logarithms of the probabilities of classes, up to a constant."""

    def predict(self) -> np.ndarray:
        """Return the positions of classes."""
        return self.raw.argmax(axis=2)

    def predict_proba(self) -> np.ndarray:
        """Return probabilities of shape (n_subsets, n_rows, n_classes).

        They are rounded as scikit-learn's are: many are near one, and ranks tell those apart.
        """
        return np.exp(self.raw - logsumexp(self.raw, axis=2, keepdims=True))


class Probabilities(Outputs):
    """Probabilities of classes."""

    def predict(self) -> np.ndarray:
        """Return the positions of classes."""
        return self.raw.argmax(axis=2)

    def predict_proba(self) -> np.ndarray:
        """Return the probabilities."""
        return self.raw


def decided(raw: np.ndarray) -> np.ndarray:
    """Tell of each subset whether rounding could change no predicted class.

    Parameters
    ----------
    raw : ndarray of shape (n_subsets, n_rows) or (n_subsets, n_rows, n_classes)
        Decisions between two classes, or what each class gets.

    Returns
    -------
    decided : ndarray of bool of shape (n_subsets,)
        Whether each row's first class is clearly ahead of its second.
    """
    size = np.abs(raw).max(axis=tuple(range(1, raw.ndim)), initial=1.0)
    margin = (1e-9 * size)[:, None]
    if raw.ndim == 2:
        return (np.abs(raw) > margin).all(axis=1)
    level = (raw.max(axis=2) - margin)[:, :, None]
    return ((raw >= level).sum(axis=2) == 1).all(axis=1)
