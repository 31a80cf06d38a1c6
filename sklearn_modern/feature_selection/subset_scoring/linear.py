"""Least squares and ridge regression of many subsets, from cross-products of columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from numbers import Real
from typing import Any

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtri
from sklearn.linear_model import LinearRegression, Ridge, RidgeClassifier
from sklearn.utils.class_weight import compute_sample_weight

from sklearn_modern.feature_selection.subset_scoring.base import FoldScorer, Subset
from sklearn_modern.feature_selection.subset_scoring.changes import Changes
from sklearn_modern.feature_selection.subset_scoring.cross_products import CrossProducts
from sklearn_modern.feature_selection.subset_scoring.fold import Fold
from sklearn_modern.feature_selection.subset_scoring.metrics import Metric
from sklearn_modern.feature_selection.subset_scoring.outputs import Decisions, Outputs

__all__ = ["Linear"]

# Exact solvers; "auto" is "cholesky" for dense data.
_EXACT = ("auto", "cholesky", "svd")
# Limit on the trace of the inverse of G (see Linear), which bounds how much rounding is amplified;
# and on that trace with each column weighted by the ratio of its squared mean to its variance.
_INVERSE, _SHIFTED = 3e5, 1e11
# Limit on the condition number of the cross-products before scaling, where an ordinary fit uses
# singular values; and on their size relative to the penalty, where it uses products of rows.
_CONDITION, _ROWS = 1e12, 1e7
# Squared errors are differences; if they are smaller than this share of the terms, digits are lost.
_CANCELLED = 1e-4
# Decisions that are closer to a tie than this may fall either way.
_TIE = 1e-9
# Decisions are of the order of one; differences beyond these decimals are rounding.
_DECIMALS = 11
# Replaces pivots that vanish.
_TINY = 1e-12
# Sums of squares below this, or above its inverse, are close to underflow or overflow.
_LEAST = 1e-150
# Limit on the coefficients of subsets that are solved together, as a number of elements.
_NUMBERS = 2**20


@dataclass(frozen=True, eq=False)
class _Solutions:
    """Coefficients of subsets that differ from the reference by the same number of features.

    ``kept`` are the coefficients of the reference, of shape (n_subsets, n_targets, n_reference);
    ``added`` are those of the features ``extra``, of shape (n_subsets, n_targets, n_extra).
    """

    which: np.ndarray
    reference: np.ndarray
    kept: np.ndarray
    extra: np.ndarray
    added: np.ndarray
    sure: np.ndarray


class Linear(FoldScorer):
    """Solves the normal equations of a reference, and corrects the solution for each subset.

    Columns are centred and scaled to z_ij = (x_ij - m_j) / s_j, where m is the weighted mean (zero
    without an intercept) and s_j^2 = sum_i w_i (x_ij - m_j)^2 + alpha. The normal equations are
    then G b = c, with

        G_jk = sum_i w_i z_ij z_ik  for j != k,  G_jj = 1,  c_j = sum_i w_i z_ij (y_i - mean(y)),

    as the penalty is part of the scale. A reference R has b_R = G_RR^-1 c_R.

    Features E that are added to R need a small block of the Schur complement of G_RR:

        S = G_EE - G_ER G_RR^-1 G_RE,
        b_E = S^-1 (c_E - G_ER G_RR^-1 c_R),
        b_R <- b_R - G_RR^-1 G_RE b_E.

    Features D that are dropped from R need a small block of the inverse H = G_RR^-1:

        b_R <- b_R - H_RD (H_DD)^-1 b_D,  which makes b_D zero.
    """

    kinds = (LinearRegression, Ridge, RidgeClassifier)

    def __init__(self, estimator: Any, fold: Fold) -> None:
        super().__init__(estimator, fold)
        self._alpha = float(getattr(estimator, "alpha", 0.0))
        self._weight = _weight(estimator, fold)
        self._targets = _targets(fold)
        self._holds = self._targets is not None and self._weight is not False
        if self._holds:
            self._standardise()

    @classmethod
    def covers(cls, estimator: Any) -> dict[str, bool]:
        """Cover least squares without constraints, solved exactly."""
        alpha = getattr(estimator, "alpha", 1.0)  # LinearRegression has none
        return {
            "positive": not estimator.positive,
            "fit_intercept": estimator.fit_intercept in (True, False),
            "alpha": isinstance(alpha, Real) and 0 < float(alpha) < np.inf,
            "solver": getattr(estimator, "solver", "auto") in _EXACT,
            "class_weight": getattr(estimator, "class_weight", None) in (None, "balanced"),
        }

    def outputs(self, subsets: Sequence[Subset]) -> Outputs:
        """Return predictions, or decisions of a classifier."""
        n_targets = len(self._middle) if self._holds else 1
        raw = np.zeros((len(subsets), n_targets, len(self.fold.y_test)))
        sure: np.ndarray = np.zeros(len(subsets), dtype=bool)
        for part in self._solve(subsets):
            raw[part.which] = self._predict(part)
            sure[part.which] = part.sure
        if not self.fold.classifies:
            return Outputs(raw[:, 0], sure)
        sure &= ~_are_tied(raw)
        if n_targets > 1:
            return Decisions(raw.transpose(0, 2, 1), sure)
        # Equal rows must have equal decisions, since metrics of ranks tell apart any others.
        return Decisions(raw[:, 0].round(_DECIMALS), sure)

    def scores(
        self, subsets: Sequence[Subset], metrics: Sequence[Metric]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Score the subsets, without predictions if all metrics follow from squared errors."""
        functions = [metric.of_squared_errors(self.fold) for metric in metrics]
        known = [function for function in functions if function is not None]
        if len(known) < len(functions) or not self._holds:
            return super().scores(subsets, metrics)
        errors = np.full(len(subsets), np.nan)
        sure: np.ndarray = np.zeros(len(subsets), dtype=bool)
        for part in self._solve(subsets):
            errors[part.which] = self._squared_errors(part)
            sure[part.which] = part.sure
        scores = np.stack([function(errors) for function in known], axis=1)
        lost = np.flatnonzero(sure & np.isnan(errors)).tolist()
        if lost:
            scores[lost], sure[lost] = super().scores([subsets[i] for i in lost], metrics)
        return scores, sure & ~np.isnan(scores).any(axis=1)

    def _standardise(self):
        """Compute m, s and c of the class's docstring, and what bounds rounding."""
        fold, weight, targets = self.fold, self._weight, self._targets
        root = None if weight is None else np.sqrt(weight)
        total = len(targets) if weight is None else weight.sum()
        offset, self._middle = np.zeros(fold.n_features), np.zeros(targets.shape[1])
        if self.estimator.fit_intercept:
            offset, self._middle = _mean(fold.X_train, weight), _mean(targets, weight)
        train, test = (partial(getattr, fold, name) for name in ("X_train", "X_test"))
        with np.errstate(over="ignore"):
            spread = CrossProducts(train, offset, np.ones(len(offset)), root).diagonal + self._alpha
        # The coefficient of a column of zeros is zero, as if there were a penalty.
        empty = spread == 0
        if empty.any():
            empty &= ~fold.X_train.any(axis=0)
        flat = ((spread < _LEAST) | (spread > 1 / _LEAST)) & ~empty
        scale = np.where(flat, np.inf, np.sqrt(np.where(empty, 1.0, spread)))
        self._train = CrossProducts(train, offset, scale, root)
        self._train.diagonal = np.where(flat, 0.0, 1.0)
        self._test = CrossProducts(test, offset, scale)
        centred = targets - self._middle
        self._xy = self._train.with_targets(centred if root is None else root[:, None] * centred)
        self._squares = np.where(empty | flat, 0.0, scale) ** 2
        ones, shifts = np.ones(len(scale)), total * (offset / scale) ** 2
        self._weights = np.stack([ones, shifts, ~empty / scale**2])

    @cached_property
    def _test_targets(self):
        return self.fold.y_test - self._middle

    @cached_property
    def _test_xy(self):
        return self._test.with_targets(self._test_targets[:, None])[:, 0]

    def _solve(self, subsets) -> Iterator[_Solutions]:
        """Factor G_RR = L L^T and yield solutions; ``half`` is L^-1, so G_RR^-1 = half^T half."""
        if not self._holds:
            return
        changes = Changes.of(subsets)
        reference = changes.reference
        rows = self._train.rows(reference)
        corner = rows[:, reference]
        np.fill_diagonal(corner, self._train.diagonal[reference])
        half, failed = corner, False
        if len(reference):
            half, failed = dpotrf(corner, lower=1)
        if not failed:
            half = dtrtri(half, lower=1)[0] if len(reference) else corner
            yield from (self._add if changes.adds else self._drop)(changes, rows, half)

    def _add(self, changes, rows, half):
        """Yield the solutions of subsets that add to the reference.

        With V = G_RR^-1 G_RE and diagonal weights W, the trace that bounds rounding is

            tr(W G^-1) = tr(W_R G_RR^-1) + tr(S^-1 (W_E + V^T W_R V)).
        """
        reference, features = changes.reference, changes.features
        start = half @ self._xy[reference]
        base = half.T @ start
        cross = half @ rows[:, features]
        shifts = (half.T @ cross).T
        cross = cross.T.copy()
        gains = self._xy[features] - cross @ start
        weights = self._weights[:, reference]
        lengths = self._weights[:, features] + weights @ shifts.T**2
        traces = weights @ (half**2).sum(axis=0)
        for which, places in _parts(changes):
            extra, own = features[places], cross[places]
            blocks = self._train.blocks(extra) - np.einsum("mkr,mlr->mkl", own, own)
            inverses = _inverses(blocks)
            added = np.einsum("mkl,mlc->mck", inverses, gains[places])
            kept = base.T - np.einsum("mck,mkr->mcr", added, shifts[places])
            # The trace of a product of positive matrices is at most the product of the traces.
            more = np.trace(inverses, axis1=1, axis2=2) * lengths[:, places].sum(axis=2)
            squares = self._squares[reference].sum() + self._squares[extra].sum(axis=1)
            sure = self._are_sure(len(reference) + extra.shape[1], traces[:, None] + more, squares)
            yield _Solutions(which, reference, kept, extra, added, sure)

    def _drop(self, changes, rows, half):
        """Yield the solutions of subsets that drop from the reference."""
        reference = changes.reference
        inverse = half.T @ half
        base = inverse @ self._xy[reference]
        traces = self._weights[:, reference] @ inverse.diagonal()
        squares = self._squares[reference].sum()
        position = np.searchsorted(reference, changes.features)
        for which, places in _parts(changes):
            out = position[places]
            blocks = inverse[out[:, :, None], out[:, None, :]]
            amounts = np.einsum("mkl,mlc->mck", _inverses(blocks), base[out])
            kept = base.T - np.einsum("mck,mkr->mcr", amounts, inverse[out])
            np.put_along_axis(kept, np.broadcast_to(out[:, None], amounts.shape), 0.0, axis=2)
            # The bounds of the reference are bounds for each part of it.
            sure = self._are_sure(len(reference) - out.shape[1], traces, squares)
            sure = np.full(len(which), sure)
            yield _Solutions(which, reference, kept, out[:, :0], amounts[:, :, :0], sure)

    def _are_sure(self, size, traces, squares):
        """Tell where neither this arithmetic nor an ordinary fit can have amplified rounding."""
        n_rows = len(self._targets)
        if not self._alpha:
            n_rows = n_rows if self._weight is None else np.count_nonzero(self._weight)
            # An ordinary fit takes singular values below this share of the largest for zeros.
            share = max(getattr(self.estimator, "tol", 0.0), _CONDITION**-0.5)
            holds = traces[2] * squares < share**-2
            holds &= size + self.estimator.fit_intercept < n_rows
        elif self.estimator.solver == "svd":
            holds = traces[2] * squares < _CONDITION
        else:
            holds = (size <= n_rows) | (squares < _ROWS * self._alpha)
        return holds & (traces[0] < _INVERSE) & (traces[1] < _SHIFTED)

    def _predict(self, part):
        """Return the outputs for each subset, target and test row."""
        n_subsets, n_targets, n_reference = part.kept.shape
        raw = np.empty((n_subsets, n_targets, len(self.fold.y_test)))
        for rows, slab in self._test.slabs():
            # One product of two large matrices is faster than a product for each subset.
            kept = part.kept.reshape(n_subsets * n_targets, n_reference)
            outputs = (kept @ slab[part.reference]).reshape(n_subsets, n_targets, slab.shape[1])
            for feature, added in zip(part.extra.T, np.moveaxis(part.added, 2, 0), strict=True):
                outputs += added[:, :, None] * slab[feature][:, None, :]
            raw[:, :, rows] = outputs
        raw += self._middle[:, None]
        return raw

    def _squared_errors(self, part):
        """Return the mean squared error of each subset, NaN where too few digits are left.

        With t = y - mean(y), and Z the scaled test rows, n MSE = t^T t - 2 b^T Z^T t + b^T Z^T Z b,
        so that cross-products of the test rows replace predictions.
        """
        kept, added = part.kept[:, 0], part.added[:, 0]
        products = kept @ self._test_xy[part.reference]
        products += np.einsum("mk,mk->m", added, self._test_xy[part.extra])
        rows = self._test.rows(part.reference)
        along = kept @ rows[:, part.reference]
        for feature, each in zip(part.extra.T, added.T, strict=True):
            along += 2 * each[:, None] * rows[:, feature].T
        own = np.einsum("mk,mkl,ml->m", added, self._test.blocks(part.extra), added)
        squares = np.einsum("mr,mr->m", kept, along) + own + self._test_targets @ self._test_targets
        errors = squares - 2 * products
        errors[~(errors > _CANCELLED * squares)] = np.nan
        return errors / len(self.fold.y_test)


def _weight(estimator, fold):
    """Return the weights of the training rows, None if all are one, False if none can be fitted."""
    weight = fold.weight
    if getattr(estimator, "class_weight", None) is not None:
        balanced = compute_sample_weight(estimator.class_weight, fold.y_train)
        weight = balanced if weight is None else weight * balanced
    if weight is None:
        return None
    weight = np.asarray(weight, dtype=np.float64)
    return weight if (weight >= 0).all() and weight.sum() > 0 else False


def _targets(fold):
    """Return the targets of shape (n_rows, n_targets), classes coded as -1 and 1; None if unfit."""
    if not fold.classifies:
        y = fold.y_train
        return np.asarray(y, dtype=np.float64)[:, None] if y.ndim == 1 else None
    n_classes = len(fold.classes)
    if n_classes < 2:
        return None
    members = fold.codes_train[:, None] == np.arange(n_classes)
    return np.where(members[:, 1:] if n_classes == 2 else members, 1.0, -1.0)


def _mean(rows, weight):
    return rows.mean(axis=0) if weight is None else weight @ rows / weight.sum()


def _parts(changes):
    """Divide the subsets of each group into parts whose coefficients fit into memory."""
    for which, places in changes.groups:
        size = places.shape[1]
        step = max(1, _NUMBERS // ((size + 1) * (len(changes.reference) + size + 1)))
        for start in range(0, len(which), step):
            yield which[start : start + step], places[start : start + step]


def _inverses(blocks):
    """Invert many positive definite matrices; singular ones get huge inverses.

    Gauss-Jordan elimination in place turns, for each pivot i,

        a_kl into a_kl - a_ki a_il / a_ii,  a_il into a_il / a_ii,  a_ki into -a_ki / a_ii,
        and a_ii into 1 / a_ii  (k, l != i).
    """
    result = blocks.copy()
    for i in range(blocks.shape[1]):
        pivot = np.maximum(result[:, i, i], _TINY)[:, None]
        row, column = result[:, i] / pivot, result[:, :, i].copy()
        result -= column[:, :, None] * row[:, None, :]
        result[:, i] = row
        result[:, :, i] = -column / pivot
        result[:, i, i] = 1 / pivot[:, 0]
    return result


def _are_tied(raw):
    """Tell for which subsets rounding could change the class of some row."""
    if raw.shape[1] == 1:
        return (np.abs(raw[:, 0]) < _TIE).any(axis=1)
    closest = raw > raw.max(axis=1, keepdims=True) - _TIE
    return (np.count_nonzero(closest, axis=1) > 1).any(axis=1)
