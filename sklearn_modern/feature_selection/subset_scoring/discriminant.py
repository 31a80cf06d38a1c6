"""Linear discriminant analysis of many subsets, from blocks of one covariance matrix."""

from collections.abc import Sequence
from functools import cache
from numbers import Real
from typing import Any

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from sklearn_modern.feature_selection.subset_scoring.base import FoldScorer, Subset
from sklearn_modern.feature_selection.subset_scoring.fold import Fold
from sklearn_modern.feature_selection.subset_scoring.outputs import Logits, decided

__all__ = ["Discriminant"]

# Where rounding is amplified more than this it may show in scores.
_AMPLIFIED = 1e6
# Limit on the blocks of subsets that are solved together, as a number of elements.
_NUMBERS = 2**20
# Columns that vary less are as good as constant.
_TINY = 1e-100


class Discriminant(FoldScorer):
    """Solves a small system for each subset; subsets of one size are solved together.

    Class k with the prior p_k and the mean m_k has the discriminant

        d_k(x) = x^T C^-1 m_k - m_k^T C^-1 m_k / 2 + log p_k,

    where C is the block of the covariance within classes for the columns of the subset,
    C = sum_i v_i (x_i - m_{y_i}) (x_i - m_{y_i})^T. The solver "svd" has the row weights
    v_i = 1 / (n_rows - n_classes), in older scikit-learn 1 / n_rows, and x and m_k relative to
    sum_k p_k m_k; other solvers have v_i = p_{y_i} / n_{y_i}. Shrinkage s turns C into
    (1 - s) C + s tr(C) / size I. Two classes have the log-odds d_2 - d_1.
    """

    kinds = (LinearDiscriminantAnalysis,)

    def __init__(self, estimator: Any, fold: Fold) -> None:
        super().__init__(estimator, fold)
        X, codes = fold.X_train, fold.codes_train
        self._sizes = np.bincount(codes)
        self._priors = self._sizes / len(X)
        if estimator.priors is not None:
            self._priors = np.asarray(estimator.priors, dtype=np.float64)
        self._holds = self._has_ordinary_classes()
        if self._holds:
            members = codes == np.arange(len(self._sizes))[:, None]
            means = (members / self._sizes[:, None]) @ X
            inner = (X - means[codes]) * np.sqrt(self._row_weight())[:, None]
            self._within = inner.T @ inner
            self._largest = np.abs(means).max(axis=0)
            # Only this solver centres the data.
            self._centre = self._priors @ means if estimator.solver == "svd" else 0 * means[0]
            self._means = means - self._centre

    @classmethod
    def covers(cls, estimator: Any) -> dict[str, bool]:
        """Cover all solvers, without shrinkage or with a number for it."""
        shrinkage = estimator.shrinkage
        numeric = isinstance(shrinkage, Real) and 0 <= shrinkage <= 1
        return {
            "shrinkage": shrinkage is None or (numeric and estimator.solver != "svd"),
            "solver": estimator.solver in ("svd", "lsqr", "eigen"),
            "covariance_estimator": estimator.covariance_estimator is None,
        }

    def outputs(self, subsets: Sequence[Subset]) -> Logits:
        """Return the log-odds of two classes, or the discriminants of several."""
        n_subsets, n_rows = len(subsets), len(self.fold.y_test)
        n_functions = len(self._sizes) if len(self._sizes) > 2 else 1
        sure = np.zeros(n_subsets, dtype=bool)
        if not self._holds:
            shape = (n_subsets, n_rows, n_functions)[: 3 if n_functions > 1 else 2]
            return Logits(np.zeros(shape), sure)
        used = np.array(sorted(set().union(*subsets)))
        coef = np.zeros((n_subsets, n_functions, len(used)))
        intercept = np.zeros((n_subsets, n_functions))
        lengths = np.array([len(subset) for subset in subsets])
        for same in self._batches(lengths):
            columns = np.array([subsets[i] for i in same])
            places = same[:, None], slice(None), np.searchsorted(used, columns)
            coef[places], intercept[same], sure[same] = self._solve(columns)
        X = self.fold.X_test[:, used] - self._centre[used]
        raw = (coef.reshape(-1, len(used)) @ X.T).reshape(n_subsets, n_functions, n_rows)
        raw += intercept[:, :, None]
        raw = raw[:, 0] if n_functions == 1 else raw.swapaxes(1, 2)
        return Logits(raw, sure & decided(raw))

    def _batches(self, lengths):
        """Yield subsets of one size whose blocks fit into memory; leave out singular ones."""
        rank = len(self.fold.y_train) - len(self._sizes)
        shrinks = bool(self.estimator.shrinkage)
        for length in np.unique(lengths[shrinks | (lengths <= rank)]):
            same = np.flatnonzero(lengths == length)
            step = max(1, _NUMBERS // length**2)
            yield from (same[start : start + step] for start in range(0, len(same), step))

    def _has_ordinary_classes(self):
        """Tell whether an ordinary fit raises neither an error nor a warning."""
        n_classes, priors = len(self._sizes), self._priors
        return (
            self.fold.weight is None
            and 1 < n_classes < len(self.fold.y_train)
            and priors.shape == (n_classes,)
            and priors.min() > 0
            and abs(priors.sum() - 1) <= 1e-5
        )

    def _row_weight(self):
        """Return the weights v of the training rows in the covariance within classes."""
        if self.estimator.solver != "svd":
            return (self._priors / self._sizes)[self.fold.codes_train]
        n_rows = len(self.fold.y_train)
        lost = len(self._sizes) if _svd_is_unbiased() else 0
        return np.full(n_rows, 1 / (n_rows - lost))

    def _solve(self, columns):
        """Return coefficients, intercepts and whether they are exact, for subsets of one size.

        With D = diag(C)^(1/2) and the eigenvectors V and eigenvalues L of D^-1 C D^-1,
        C^-1 m = D^-1 V L^-1 V^T D^-1 m.
        """
        size = columns.shape[1]
        within = self._within[columns[:, :, None], columns[:, None, :]]
        diagonal = np.arange(size)
        if self.estimator.shrinkage is not None:
            shrinkage = self.estimator.shrinkage
            added = shrinkage * np.trace(within, axis1=1, axis2=2) / size
            within *= 1 - shrinkage
            within[:, diagonal, diagonal] += added[:, None]
        scale = np.sqrt(within[:, diagonal, diagonal])
        scale[scale < _TINY] = 1  # the subset then has an eigenvalue near zero
        values, vectors = np.linalg.eigh(within / (scale[:, :, None] * scale[:, None, :]))
        means = self._means.T[columns] / scale[:, :, None]
        inverse = 1 / np.where(values > 0, values, 1)
        solved = vectors @ (inverse[:, :, None] * (vectors.swapaxes(1, 2) @ means))
        distances = means.swapaxes(1, 2) @ solved
        sure = self._is_sure(columns, scale, values, distances)
        coef = solved / scale[:, :, None]
        intercept = np.log(self._priors) - 0.5 * np.einsum("ikk->ik", distances)
        if len(self._sizes) == 2:
            coef, intercept = np.diff(coef, axis=2), np.diff(intercept, axis=1)
        return coef, intercept, sure

    def _is_sure(self, columns, scale, values, distances):
        """Tell where rounding is harmless, and scikit-learn drops no direction."""
        size, n_classes = columns.shape[1], len(self._sizes)
        smallest = values[:, 0].clip(min=1e-30)
        amplified = values[:, -1].clip(min=1) / smallest
        offset = 1 + (self._largest[columns] / scale).max(axis=1)
        if self.estimator.solver == "svd":
            amplified *= offset
        else:  # a fit subtracts large squares
            amplified *= offset**2
        if self.estimator.solver == "lsqr":
            amplified *= (scale.max(axis=1) / scale.min(axis=1)) ** 2
        sure = amplified < _AMPLIFIED
        if self.estimator.n_components is not None:
            sure &= self.estimator.n_components <= min(size, n_classes - 1)
        if self.estimator.solver == "svd":
            # A fit drops directions whose singular values, within or between classes, are below
            # `tol`; these are the squares. Between classes they are the eigenvalues of
            # P^(1/2) M^T C^-1 M P^(1/2), with the means M and the priors P.
            cut = (2 * self.estimator.tol) ** 2
            sure &= smallest > cut
            root = np.sqrt(self._priors)
            between = np.linalg.eigvalsh(root[:, None] * distances * root)
            sure &= between[:, -min(size, n_classes - 1)] > cut * between[:, -1]
        return sure


@cache
def _svd_is_unbiased() -> bool:
    """Tell whether this scikit-learn divides by n_rows - n_classes, rather than by n_rows."""
    probe = LinearDiscriminantAnalysis().fit([[-1.0], [1.0], [3.0], [5.0]], [0, 0, 1, 1])
    return bool(probe.coef_.item() < 3)
