"""The loss of logistic regression and its minimum, for one set of columns or many at once."""

from dataclasses import dataclass

import numpy as np

__all__ = ["INDEPENDENT", "Loss", "Minimum", "found", "minimum", "probabilities"]

# Newton's steps for one set of columns; where more are needed the classes are (nearly) separable.
_STEPS = 30
# Predictions are off by no more than this when a minimum counts as found.
_ERROR = 1e-9
# The share of a column's curvature, compared with even odds for all rows, that must be left when
# other columns have explained theirs: with less, columns are collinear or classes separable.
INDEPENDENT = 1e-6


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Turn logits of shape (..., n_outputs, n_rows) into probabilities, in place.

    A single output is that of the second of two classes.
    """
    if logits.shape[-2] == 1:
        np.negative(logits, out=logits)
        np.exp(logits, out=logits)
        logits += 1
        return np.reciprocal(logits, out=logits)
    logits -= logits.max(axis=-2, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=-2, keepdims=True)
    return logits


@dataclass(frozen=True, eq=False)
class Loss:
    """Weighted log loss plus penalty, of coefficients of shape (..., n_outputs, n_columns).

    Parameters
    ----------
    X : ndarray of shape (n_columns, n_rows)
        A row for each column of the data.
    targets : ndarray of shape (n_outputs, n_rows)
        The wanted probabilities.
    weight : ndarray of shape (n_rows,) or None
        Weights of rows.
    penalty : ndarray of shape (n_columns,)
        Penalty of each column's squared coefficients.
    """

    X: np.ndarray
    targets: np.ndarray
    weight: np.ndarray | None
    penalty: np.ndarray

    @property
    def coupling(self) -> float:
        """Penalty of the square of the outputs' sum, a column.

        The probabilities of several classes do not depend on the sum, and at the minimum it is
        zero: this takes nothing but the singularity away.
        """
        return 0.0 if len(self.targets) == 1 else self.X.shape[1] / 4

    def residuals(self, probabilities: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Return the derivatives by the logits."""
        residuals = np.subtract(probabilities, self.targets, out=out)
        if self.weight is not None:
            residuals *= self.weight
        return residuals

    def pull(self, coefs: np.ndarray, penalty: np.ndarray) -> np.ndarray:
        """Return what penalties add to the gradient."""
        pull = coefs * penalty
        if self.coupling:
            pull += self.coupling * coefs.sum(axis=-2, keepdims=True)
        return pull

    def spread(self, probabilities: np.ndarray, first: int, second: int) -> np.ndarray:
        """Return the second derivatives by the logits of two outputs."""
        own = probabilities[first] * ((first == second) - probabilities[second])
        return own if self.weight is None else own * self.weight

    def curvature(
        self, X: np.ndarray, probabilities: np.ndarray, penalty: np.ndarray
    ) -> np.ndarray:
        """Return the second derivatives of shape (..., n_parameters, n_parameters).

        X has the shape (..., n_columns, n_rows) and the penalty (..., n_columns).
        """
        n_outputs, n_columns = len(probabilities), X.shape[-2]
        curvature = np.empty((*X.shape[:-2], n_outputs, n_columns, n_outputs, n_columns))
        diagonal = np.arange(n_columns)
        for first in range(n_outputs):
            for second in range(first + 1):
                spread = self.spread(probabilities, first, second)
                block = (X * spread) @ np.swapaxes(X, -1, -2)
                own = penalty if first == second else 0
                block[..., diagonal, diagonal] += self.coupling + own
                curvature[..., first, :, second, :] = block
                curvature[..., second, :, first, :] = block
        size = n_outputs * n_columns
        return curvature.reshape(*X.shape[:-2], size, size)


@dataclass(frozen=True, eq=False)
class Minimum:
    """The minimum for one set of columns, up to a last step.

    Parameters
    ----------
    coefs, gradient : ndarray of shape (n_outputs, n_columns)
        Where it nearly is, and the gradient there.
    probabilities : ndarray of shape (n_outputs, n_rows)
        What is predicted there.
    inverse : ndarray of shape (n_parameters, n_parameters)
        Inverse of the curvature.
    """

    coefs: np.ndarray
    gradient: np.ndarray
    probabilities: np.ndarray
    inverse: np.ndarray

    def best(self) -> np.ndarray:
        """Return the coefficients after the last step."""
        return self.coefs - (self.inverse @ self.gradient.ravel()).reshape(self.coefs.shape)


def minimum(loss: Loss, columns: np.ndarray, coefs: np.ndarray) -> Minimum | None:
    """Minimise for one set of columns by damped Newton steps.

    Parameters
    ----------
    loss : Loss
        The loss.
    columns : ndarray of int
        Columns to use.
    coefs : ndarray of shape (n_outputs, n_columns)
        Where to start.

    Returns
    -------
    Minimum or None
        None where there is none, or it is not certain.
    """
    X, penalty = loss.X[columns], loss.penalty[columns]
    step, slope, before = np.zeros_like(coefs), 0.0, np.inf
    for _ in range(_STEPS):
        chances = probabilities((coefs - step) @ X)
        gradient = loss.residuals(chances) @ X.T + loss.pull(coefs - step, penalty)
        # The loss is convex: if it does not rise at the end of the step, it fell all the way.
        if -np.vdot(gradient, step) > slope / 4:
            step, slope = step / 2, slope / 2
            continue
        coefs = coefs - step
        try:
            inverse = np.linalg.inv(loss.curvature(X, chances, penalty))
        except np.linalg.LinAlgError:
            return None
        if not (np.diag(inverse) * (X.shape[1] / 4) < 1 / INDEPENDENT).all():
            return None
        step = (inverse @ gradient.ravel()).reshape(coefs.shape)
        slope = np.vdot(gradient, step)
        size = np.sqrt(slope)
        if found(size, before):
            return Minimum(coefs, gradient, chances, inverse)
        before = size
    return None


def found(size: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Tell from the sizes of this step and the one before whether it ends at the minimum.

    Steps shrink at least geometrically. The size is the root of the sum of the squared changes of
    the logits, each times its spread, so that no probability of a row changes by more.
    """
    return (size < _ERROR / 10) | ((size < 1e-6) & (size**2 < _ERROR * (before - size)))
