"""Logistic regressions on subsets that differ by a few columns from one reference."""

from dataclasses import dataclass, replace

import numpy as np

from sklearn_modern.feature_selection.subset_scoring.logistic_loss import (
    INDEPENDENT,
    Loss,
    Minimum,
    found,
    probabilities,
)

__all__ = ["Bordered", "adding", "dropping", "logits", "minima"]

# A subset is left to Newton steps of its own after this many gradients, or if a step is this many
# times as large as the one before.
_GRADIENTS = 50
_GROWTH = 3
# Number of steps that correct the guess of the curvature.
_MEMORY = 3


@dataclass(frozen=True, eq=False)
class Bordered:
    """Guesses of the curvatures of the subsets' losses: that of the reference, with borders.

    A subset that adds columns has the curvature [[H, B^T], [B, C]], where H is that of the
    reference. To drop columns is to hold their coefficients at zero; in the equations of that
    constrained step B holds unit vectors, and C is zero. One inverse H^-1 serves all subsets: with
    the Schur complement S = C - B H^-1 B^T, the equations [[H, B^T], [B, C]] (d, u) = (g, h) have
    the solution

        u = S^-1 (h - B H^-1 g),  d = H^-1 g - H^-1 B^T u.

    For added columns u is the step of their coefficients, and h their gradient; for dropped ones
    u is the multiplier of the constraint, and h is zero.

    Parameters
    ----------
    inverse : ndarray of shape (n_parameters, n_parameters)
        The inverse H^-1 of the curvature of the reference.
    border : ndarray of shape (n_subsets, n_border, n_parameters)
        The products B H^-1.
    corner : ndarray of shape (n_subsets, n_border, n_border)
        The inverses S^-1.
    kept : ndarray of shape (n_subsets, 1, n_columns) or None, default=None
        0 for dropped columns of the reference, else 1; None if columns are added.
    """

    inverse: np.ndarray
    border: np.ndarray
    corner: np.ndarray
    kept: np.ndarray | None = None

    def take(self, which: np.ndarray) -> "Bordered":
        """Return the guesses for some subsets."""
        kept = None if self.kept is None else self.kept[which]
        return replace(self, border=self.border[which], corner=self.corner[which], kept=kept)

    def solve(self, gradient: np.ndarray) -> np.ndarray:
        """Return Newton steps for gradients of shape (n_subsets, n_outputs, n_columns)."""
        n, n_outputs, n_columns = gradient.shape
        n_core = len(self.inverse) // n_outputs
        core = gradient[:, :, :n_core].reshape(n, 1, -1)
        own = -core @ self.border.swapaxes(1, 2)
        if self.kept is None:
            own += gradient[:, :, n_core:].reshape(n, 1, -1)
        own = own @ self.corner
        core = (core[:, 0] @ self.inverse)[:, None] - own @ self.border
        core = core.reshape(n, n_outputs, n_core)
        if self.kept is not None:
            return core * self.kept
        return np.concatenate([core, own.reshape(n, n_outputs, n_columns - n_core)], axis=2)


def adding(
    loss: Loss, core: np.ndarray, least: Minimum, own: np.ndarray
) -> tuple[Bordered, np.ndarray, np.ndarray, np.ndarray]:
    """Border the curvature of a reference by added columns.

    Parameters
    ----------
    loss : Loss
        The loss.
    core : ndarray of int
        Columns of the reference.
    least : Minimum
        Minimum of the reference.
    own : ndarray of int of shape (n_subsets, n_own)
        Columns to add.

    Returns
    -------
    bordered : Bordered
        The curvatures.
    coefs, gradient : ndarray of shape (n_subsets, n_outputs, n_columns)
        Coefficients to start from, those of the reference and zeros, and the gradients there.
    sure : ndarray of bool of shape (n_subsets,)
        Subsets that are not numerically singular.
    """
    X, (n, n_own), (n_outputs, n_core) = loss.X[own], own.shape, least.coefs.shape
    border = np.empty((n, n_outputs, n_own, n_outputs, n_core))
    for first in range(n_outputs):
        for second in range(first + 1):
            spread = loss.spread(least.probabilities, first, second)
            block = X.reshape(n * n_own, -1) @ (loss.X[core] * spread).T
            block = block.reshape(n, n_own, n_core)
            border[:, first, :, second] = border[:, second, :, first] = block
    border = border.reshape(n, n_outputs * n_own, n_outputs * n_core)
    curvature = loss.curvature(X, least.probabilities, loss.penalty[own])
    complement = curvature - border @ least.inverse @ border.swapaxes(1, 2)
    scale = np.sqrt(np.diagonal(curvature, axis1=1, axis2=2))
    scale = np.where(scale > 0, scale, 1)
    shares = np.linalg.eigvalsh(complement / scale[:, :, None] / scale[:, None])
    sure = shares[:, 0] > INDEPENDENT
    complement[~sure] = np.eye(n_outputs * n_own)
    coefs, gradient = np.zeros((2, n, n_outputs, n_core + n_own))
    coefs[:, :, :n_core], gradient[:, :, :n_core] = least.coefs, least.gradient
    gradient[:, :, n_core:] = loss.residuals(least.probabilities) @ X.swapaxes(1, 2)
    bordered = Bordered(least.inverse, border @ least.inverse, np.linalg.inv(complement))
    return bordered, coefs, gradient, sure


def dropping(least: Minimum, dropped: np.ndarray) -> tuple[Bordered, np.ndarray]:
    """Border the curvature of a reference by unit vectors, which drop columns.

    The best coefficients b of the reference change by -(H^-1)_RD ((H^-1)_DD)^-1 b_D, the least
    increase of the quadratic model of the loss that makes those of the columns D zero.

    Parameters
    ----------
    least : Minimum
        Minimum of the reference.
    dropped : ndarray of int of shape (n_subsets, n_dropped)
        Columns to drop, as positions in the reference.

    Returns
    -------
    bordered : Bordered
        The curvatures.
    coefs : ndarray of shape (n_subsets, n_outputs, n_columns)
        Coefficients to start from: those of the reference after that change.
    """
    (n, _), (n_outputs, n_core) = dropped.shape, least.coefs.shape
    places = (np.arange(n_outputs)[:, None] * n_core + dropped[:, None]).reshape(n, -1)
    border = least.inverse[places]
    corner = np.linalg.inv(np.take_along_axis(border, places[:, None], axis=2))
    kept = np.ones((n, 1, n_core))
    np.put_along_axis(kept, dropped[:, None], 0, axis=2)
    best = least.best()
    step = best.ravel()[places][:, None] @ corner @ border
    coefs = (best - step.reshape(n, n_outputs, n_core)) * kept
    return Bordered(least.inverse, border, -corner, kept), coefs


def logits(X: np.ndarray, core: np.ndarray, own: np.ndarray, coefs: np.ndarray) -> np.ndarray:
    """Return the logits of shape (n_subsets, n_outputs, n_rows).

    Parameters
    ----------
    X : ndarray of shape (n_columns, n_rows)
        A row for each column of the data.
    core : ndarray of int of shape (n_core,)
        Columns of the reference.
    own : ndarray of int of shape (n_subsets, n_own)
        Columns that each subset adds.
    coefs : ndarray of shape (n_subsets, n_outputs, n_core + n_own)
        The coefficients.
    """
    n, n_outputs, _ = coefs.shape
    flat = coefs[:, :, : len(core)].reshape(n * n_outputs, -1) @ X[core]
    logits = flat.reshape(n, n_outputs, -1)
    for place, columns in enumerate(own.T, start=len(core)):
        logits += coefs[:, :, place, None] * X[columns][:, None]
    return logits


def minima(
    loss: Loss,
    core: np.ndarray,
    own: np.ndarray,
    bordered: Bordered,
    coefs: np.ndarray,
    gradient: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Minimise for many subsets by quasi-Newton steps (L-BFGS) with a good guess of the curvature.

    The last steps s and changes of the gradient y correct the guess by the two-loop recursion [1]_
    to the step d. From the newest pair to the oldest

        a_i = s_i . g / s_i . y_i,  g <- g - a_i y_i,

    then d is the step that the guess gives for g, and from the oldest pair to the newest

        d <- d + (a_i - y_i . d / s_i . y_i) s_i.

    Parameters
    ----------
    loss : Loss
        The loss.
    core : ndarray of int of shape (n_core,)
        Columns of the reference.
    own : ndarray of int of shape (n_subsets, n_own)
        Columns that each subset adds.
    bordered : Bordered
        The guess.
    coefs : ndarray of shape (n_subsets, n_outputs, n_columns)
        Coefficients to start from.
    gradient : ndarray or None, default=None
        The gradients there, if they are known.

    Returns
    -------
    coefs : ndarray of shape (n_subsets, n_outputs, n_columns)
        The coefficients at the minima.
    sure : ndarray of bool of shape (n_subsets,)
        Which minima were found.

    References
    ----------
    .. [1] Nocedal (1980). Updating quasi-Newton matrices with limited storage. Mathematics of
       Computation 35.
    """
    best, sure, active = coefs.copy(), np.zeros(len(coefs), dtype=bool), np.arange(len(coefs))
    pairs, before = [], np.full(len(coefs), np.inf)
    gradients = _Gradients(loss, core, len(coefs))
    if gradient is None:
        gradient = gradients(own, coefs)
    for _ in range(_GRADIENTS):
        step = _step(bordered, pairs, gradient)
        size = np.sqrt(_dot(gradient, step))
        coefs = coefs - step
        done = found(size, before)
        best[active[done]], sure[active[done]] = coefs[done], True
        going = ~done & (size < _GROWTH * before)
        if not going.any():
            break
        if not going.all():
            active, own, coefs, gradient, step, size = (
                array[going] for array in (active, own, coefs, gradient, step, size)
            )
            bordered = bordered.take(going)
            pairs = [tuple(array[going] for array in pair) for pair in pairs]
        before, last = size, gradient
        gradient = gradients(own, coefs)
        bend = last - gradient
        pairs = [*pairs[1 - _MEMORY :], (step, bend, _dot(step, bend))]
    return best, sure


class _Gradients:
    """Computes gradients in memory that is allocated once, which saves time."""

    def __init__(self, loss, core, n_subsets):
        self._loss, self._core, self._X = loss, core, loss.X[core]
        n_outputs, n_rows = loss.targets.shape
        self._logits = np.empty((n_subsets, n_outputs, n_rows))
        self._products = np.empty((2, n_subsets, n_rows))

    def __call__(self, own, coefs):
        (n, n_outputs, _), n_core, loss = coefs.shape, len(self._X), self._loss
        logits, columns, product = self._logits[:n], self._products[0, :n], self._products[1, :n]
        flat = logits.reshape(n * n_outputs, -1)
        np.matmul(coefs[:, :, :n_core].reshape(n * n_outputs, n_core), self._X, out=flat)
        for place, which in enumerate(own.T, start=n_core):
            np.take(loss.X, which, axis=0, out=columns, mode="clip")
            for output in range(n_outputs):
                np.multiply(columns, coefs[:, output, place, None], out=product)
                logits[:, output] += product
        residuals = loss.residuals(probabilities(logits), out=logits)
        gradient = np.empty_like(coefs)
        gradient[:, :, :n_core] = (flat @ self._X.T).reshape(n, n_outputs, n_core)
        for place, which in enumerate(own.T, start=n_core):
            np.take(loss.X, which, axis=0, out=columns, mode="clip")
            gradient[:, :, place] = (residuals @ columns[:, :, None])[:, :, 0]
        gradient[:, :, :n_core] += loss.pull(coefs[:, :, :n_core], loss.penalty[self._core])
        gradient[:, :, n_core:] += loss.pull(coefs[:, :, n_core:], loss.penalty[own][:, None])
        return gradient


def _step(bordered, pairs, gradient):
    """Return the step by the two-loop recursion."""
    shares = []
    for moved, bend, curved in reversed(pairs):
        share = _dot(moved, gradient) / curved
        gradient = gradient - share[:, None, None] * bend
        shares.append(share)
    step = bordered.solve(gradient)
    for (moved, bend, curved), share in zip(pairs, reversed(shares), strict=True):
        step += (share - _dot(bend, step) / curved)[:, None, None] * moved
    return step


def _dot(a, b):
    return np.einsum("skc,skc->s", a, b)
