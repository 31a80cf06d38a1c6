"""Outputs of the estimators of many subsets for the same rows."""

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
        The outputs.
    sure : ndarray of bool of shape (n_subsets,) or None, default=None
        Subsets whose outputs are exact; the others are left to ordinary fits. None means all.
    """

    raw: np.ndarray
    sure: np.ndarray | None = None

    def predict(self) -> np.ndarray:
        """Return predicted numbers, or the positions of predicted classes."""
        return self.raw


class Decisions(Outputs):
    """Decision functions of a linear classifier; for two classes there is no last axis."""

    def predict(self) -> np.ndarray:
        """Return the positions of predicted classes."""
        return (self.raw > 0).astype(np.intp) if self.raw.ndim == 2 else self.raw.argmax(axis=2)

    def decision_function(self) -> np.ndarray:
        """Return the decision functions."""
        return self.raw


class Logits(Decisions):
    """Log-odds of two classes, or log-probabilities of several up to a constant."""

    def predict_proba(self) -> np.ndarray:
        """Return probabilities of shape (n_subsets, n_rows, n_classes)."""
        if self.raw.ndim == 3:
            return softmax(self.raw, axis=2)
        second = expit(self.raw)
        return np.stack([1 - second, second], axis=2)


class LogLikelihoods(Outputs):
    """Log-probabilities of classes, up to a constant for each row."""

    def predict(self) -> np.ndarray:
        """Return the positions of predicted classes."""
        return self.raw.argmax(axis=2)

    def predict_proba(self) -> np.ndarray:
        """Return probabilities of shape (n_subsets, n_rows, n_classes).

        They are computed, and so rounded, as in scikit-learn: many are close to one, and metrics of
        ranks tell them apart by their last digits.
        """
        return np.exp(self.raw - logsumexp(self.raw, axis=2, keepdims=True))


class Probabilities(Outputs):
    """Probabilities of classes."""

    def predict(self) -> np.ndarray:
        """Return the positions of predicted classes."""
        return self.raw.argmax(axis=2)

    def predict_proba(self) -> np.ndarray:
        """Return the probabilities."""
        return self.raw


def decided(raw: np.ndarray) -> np.ndarray:
    """Tell for each subset whether all predicted classes are certain despite rounding.

    Parameters
    ----------
    raw : ndarray of shape (n_subsets, n_rows) or (n_subsets, n_rows, n_classes)
        Decision functions, or one number for each class.

    Returns
    -------
    decided : ndarray of bool of shape (n_subsets,)
        Whether in each row the best class is clearly ahead of the second.
    """
    size = np.abs(raw).max(axis=tuple(range(1, raw.ndim)), initial=1.0)
    margin = (1e-9 * size)[:, None]
    if raw.ndim == 2:
        return (np.abs(raw) > margin).all(axis=1)
    level = (raw.max(axis=2) - margin)[:, :, None]
    return ((raw >= level).sum(axis=2) == 1).all(axis=1)
