"""The loss of logistic regression and its minimum, for one set of columns or many at once."""

from dataclasses import dataclass

import numpy as np

__all__ = ["INDEPENDENT", "Loss", "Minimum", "found", "minimum", "probabilities"]

# Limit on Newton steps for one set of columns; if more are needed, classes are nearly separable.
_STEPS = 30
# Largest error of predictions when a minimum counts as found.
_ERROR = 1e-9
# Least curvature of a column, given the other columns and relative to even odds for all rows (n / 4
# for n rows). With less, columns are collinear or classes separable.
INDEPENDENT = 1e-6


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Turn logits of shape (..., n_outputs, n_rows) into probabilities, in place.

    A single output means two classes: p = 1 / (1 + exp(-eta)) is the probability of the second.
    Otherwise p_k = exp(eta_k) / sum_l exp(eta_l).
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
    """Weighted log loss plus penalty, of coefficients B of shape (..., n_outputs, n_columns).

    With the logits eta_ik = sum_j B_kj x_ji, probabilities p, targets t, row weights w, penalties a
    and the coupling c, the loss of several classes is

        L(B) = sum_i w_i (log sum_k exp(eta_ik) - sum_k t_ik eta_ik)
               + 1/2 sum_j a_j sum_k B_kj^2 + c/2 sum_j (sum_k B_kj)^2,

    For two classes there is a single output, and the loss of a row is
    log(1 + exp(eta_i)) - t_i eta_i. The derivatives of L are

        dL/dB_kj = sum_i w_i (p_ik - t_ik) x_ji + a_j B_kj + c sum_l B_lj,
        d2L/dB_kj dB_lm = sum_i w_i p_ik (1[k=l] - p_il) x_ji x_mi + 1[j=m] (1[k=l] a_j + c).

    Parameters
    ----------
    X : ndarray of shape (n_columns, n_rows)
        A row for each column of the data.
    targets : ndarray of shape (n_outputs, n_rows)
        The target probabilities.
    weight : ndarray of shape (n_rows,) or None
        Weights of the rows; None means that all are one.
    penalty : ndarray of shape (n_columns,)
        The penalties of the columns.
    """

    X: np.ndarray
    targets: np.ndarray
    weight: np.ndarray | None
    penalty: np.ndarray

    @property
    def coupling(self) -> float:
        """Penalty c on the sum of a column's coefficients over the classes.

        The probabilities do not depend on this sum, which penalties make zero anyway. The coupling
        makes the curvature regular, and changes no prediction.
        """
        return 0.0 if len(self.targets) == 1 else self.X.shape[1] / 4

    def residuals(self, probabilities: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Return the derivatives of the loss by the logits, w (p - t)."""
        residuals = np.subtract(probabilities, self.targets, out=out)
        if self.weight is not None:
            residuals *= self.weight
        return residuals

    def pull(self, coefs: np.ndarray, penalty: np.ndarray) -> np.ndarray:
        """Return the part of the gradient that is due to penalty and coupling."""
        pull = coefs * penalty
        if self.coupling:
            pull += self.coupling * coefs.sum(axis=-2, keepdims=True)
        return pull

    def spread(self, probabilities: np.ndarray, first: int, second: int) -> np.ndarray:
        """Return the second derivatives by the logits of two outputs, w p_k (1[k=l] - p_l)."""
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
    """The minimum for one set of columns, up to a last Newton step.

    Parameters
    ----------
    coefs, gradient : ndarray of shape (n_outputs, n_columns)
        Coefficients before the last step, and the gradient there.
    probabilities : ndarray of shape (n_outputs, n_rows)
        The probabilities there.
    inverse : ndarray of shape (n_parameters, n_parameters)
        Inverse of the curvature there.
    """

    coefs: np.ndarray
    gradient: np.ndarray
    probabilities: np.ndarray
    inverse: np.ndarray

    def best(self) -> np.ndarray:
        """Return the coefficients after the last step, B - H^-1 g."""
        return self.coefs - (self.inverse @ self.gradient.ravel()).reshape(self.coefs.shape)


def minimum(loss: Loss, columns: np.ndarray, coefs: np.ndarray) -> Minimum | None:
    """Minimise for one set of columns by damped Newton steps, B <- B - H^-1 g.

    H is the curvature and g the gradient. A step d = H^-1 g is halved while the loss rises at its
    end, which is while g(B - d) . d < -g(B) . d / 4.

    Parameters
    ----------
    loss : Loss
        The loss.
    columns : ndarray of int
        Positions of the columns.
    coefs : ndarray of shape (n_outputs, n_columns)
        Coefficients to start from.

    Returns
    -------
    Minimum or None
        None if there is no minimum, or none that is certain.
    """
    X, penalty = loss.X[columns], loss.penalty[columns]
    step, slope, before = np.zeros_like(coefs), 0.0, np.inf
    for _ in range(_STEPS):
        chances = probabilities((coefs - step) @ X)
        gradient = loss.residuals(chances) @ X.T + loss.pull(coefs - step, penalty)
        # The loss is convex: if it does not rise at the end of the step, it fell all the way there.
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
    """Tell from the sizes of a step and of the one before whether it ends at the minimum.

    The size of a step d is (g . d)^(1/2) = (d^T H d)^(1/2). Its square is at least the sum over
    rows of w p (1 - p) (change of the logit)^2, so that no probability changes by more. Steps
    shrink at least geometrically, with the ratio r = size / before, so that all further steps
    together are shorter than size r / (1 - r) = size^2 / (before - size).
    """
    return (size < _ERROR / 10) | ((size < 1e-6) & (size**2 < _ERROR * (before - size)))
