"""Logistic regression of many subsets, whose losses are minimised at once from one near by."""

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_class_weight

from sklearn_modern.feature_selection.subset_scoring.base import FoldScorer, Subset
from sklearn_modern.feature_selection.subset_scoring.changes import Changes
from sklearn_modern.feature_selection.subset_scoring.fold import Fold
from sklearn_modern.feature_selection.subset_scoring.logistic_changes import (
    adding,
    dropping,
    logits,
    minima,
)
from sklearn_modern.feature_selection.subset_scoring.logistic_loss import Loss, minimum
from sklearn_modern.feature_selection.subset_scoring.outputs import Logits

__all__ = ["Logistic"]

# Limit on the logits of subsets that are minimised together, so that they stay in the cache.
_NUMBERS = 2**18
# Standardised columns up to this size are kept; larger ones are made anew for each use.
_KEPT_BYTES = 2**22
# Ratio of the scales of columns up to which scikit-learn's solvers are certain to converge.
_REACH = 1e7
# Limit on the parameters of a reference: its curvature has the square of that many elements.
_PARAMETERS = 3000
# Penalties per row from which on curvatures cannot vanish.
_FIRM = 1e-6
_SOLVERS = ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga")


class Logistic(FoldScorer):
    """Finds the minimum of the loss, to which all of scikit-learn's solvers converge.

    Columns are standardised to z_j = (x_j - m_j) / s_j, and so a penalty on the coefficient of x_j
    becomes one of 1 / s_j^2 times it on that of z_j; the minimum stays the same. A fit with the
    default ``tol`` stops before the minimum; the scores are those of fits that reach it.
    """

    kinds = (LogisticRegression,)
    tolerance = 1e-6

    def __init__(self, estimator: Any, fold: Fold) -> None:
        super().__init__(estimator, fold)
        self._kept: dict[str, np.ndarray] = {}
        self._known: deque = deque(maxlen=8)
        self._weight = self._weights()
        # Versions of scikit-learn differ in how they balance classes whose rows have weights.
        plain = estimator.class_weight is None or fold.weight is None
        totals = np.bincount(fold.codes_train, self._weight)
        self._holds = plain and len(totals) > 1 and totals.min() > 0 and self._weight.min() >= 0
        if self._holds:
            self._prepare()

    @classmethod
    def covers(cls, estimator: Any) -> dict[str, bool]:
        """Cover fits without an L1 penalty that are meant to converge."""
        params = {"multi_class": "deprecated", **estimator.get_params(deep=False)}
        return {
            "solver": params["solver"] in _SOLVERS,
            "penalty": params["penalty"] in ("l2", None, "deprecated"),
            "l1_ratio": params["l1_ratio"] in (None, 0),
            "class_weight": params["class_weight"] in (None, "balanced"),
            "multi_class": params["multi_class"] == "deprecated",
            "tol": params["tol"] <= 1e-4,
            "max_iter": params["max_iter"] >= 100,
            "dual": not params["dual"],
            "warm_start": not params["warm_start"],
        }

    @classmethod
    def exactly(cls, estimator: Any) -> Any:
        """Return the estimator with a solver that goes on until it has converged."""
        return clone(estimator).set_params(solver="newton-cholesky", tol=1e-10, max_iter=10_000)

    def outputs(self, subsets: Sequence[Subset]) -> Logits:
        """Return the logits."""
        n_classes = len(self.fold.classes)
        n_outputs = n_classes if n_classes > 2 else 1
        raw = np.zeros((len(subsets), n_outputs, len(self.fold.y_test)))
        sure = np.zeros(len(subsets), dtype=bool)
        if self._holds:
            # Steps may overshoot, even to infinity; such fits count as not converged.
            with np.errstate(all="ignore"):
                self._fill(subsets, raw, sure)
        return Logits(raw[:, 0] if n_outputs == 1 else raw.swapaxes(1, 2), sure)

    def _fill(self, subsets, raw, sure):
        """Set the logits of the subsets, and which of them are exact."""
        changes = Changes.of(subsets)
        loss, X_test = self._loss(), self._columns("test")
        core = changes.reference
        if self.estimator.fit_intercept:
            core = np.append(core, self.fold.n_features)
        if len(core) * len(loss.targets) > _PARAMETERS:
            return
        least = minimum(loss, core, self._start(changes.reference)[:, core])
        if least is not None:
            self._last = np.zeros_like(self._last)
            self._last[:, core] = least.coefs
        elif changes.adds:
            return  # with more columns the minimum is no more certain
        for same, positions in changes.groups:
            for part in _parts(loss, core, positions, changes.adds):
                fits = _fits(loss, core, least, changes.features[positions[part]], changes.adds)
                raw[same[part]] = logits(X_test, core, fits.columns[:, len(core) :], fits.coefs)
                sure[same[part]] = fits.sure & self._within_reach(fits)
                self._remember([subsets[i] for i in same[part]], fits)

    def _remember(self, subsets, fits):
        """Keep fits, of which one may be the next reference."""
        self._known.append(({subset: row for row, subset in enumerate(subsets)}, fits))
        while len(self._known) > 1 and sum(f.coefs.size for _, f in self._known) > _NUMBERS:
            self._known.popleft()

    def _start(self, reference):
        """Return the coefficients of a reference if they are known, else those of the last one."""
        reference = tuple(reference.tolist())
        for rows, fits in self._known:
            if reference in rows:
                row, coefs = rows[reference], np.zeros_like(self._last)
                coefs[:, fits.columns[row]] = fits.coefs[row]
                return coefs
        return self._last

    def _within_reach(self, fits):
        """Tell for which subsets an ordinary fit, which does not standardise, finds the minimum."""
        largest = np.where(fits.used, self._extent[fits.columns], 0).max(axis=1)
        least = np.where(fits.used, self._spread[fits.columns], np.inf).min(axis=1)
        return largest < _REACH * least

    def _weights(self):
        """Return the weights of the training rows, times those of their classes."""
        fold = self.fold
        weight = np.ones(len(fold.y_train)) if fold.weight is None else fold.weight
        if self.estimator.class_weight is None:
            return weight
        of_classes = compute_class_weight("balanced", classes=fold.classes, y=fold.y_train)
        return weight * of_classes[fold.codes_train]

    def _prepare(self):
        """Scale each column so that all curvatures are about equal, penalties included.

        At even odds the loss over n rows has the curvature n var(x_j) / 4 + ridge for the
        coefficient of x_j; s_j^2 = var(x_j) + 4 ridge / n makes it n / 4 for that of z_j.
        """
        X = self.fold.X_train
        mean = self._weight.mean()
        ridge = 0.0 if self.estimator.penalty is None else 1 / (self.estimator.C * mean)
        self._weight = None if np.ptp(self._weight) == 0 else self._weight / mean
        self._center = X.mean(axis=0) if self.estimator.fit_intercept else np.zeros(X.shape[1])
        scale = np.sqrt(((X - self._center) ** 2).mean(axis=0) + 4 * ridge / len(X))
        self._scale = np.where(scale > 0, scale, 1)
        self._spread = np.append(self._scale, 1)
        self._extent = np.append(np.hypot(self._scale, self._center), 1)
        self._penalty = np.append(ridge / self._scale**2, 0)
        codes = self.fold.codes_train
        n_classes = len(self.fold.classes)
        self._targets = (codes == np.arange(n_classes)[:, None])[1 if n_classes == 2 else 0 :]
        self._targets = self._targets.astype(np.float64)
        # Coefficients of the last reference.
        self._last = np.zeros((len(self._targets), X.shape[1] + 1))

    def _loss(self):
        return Loss(self._columns("train"), self._targets, self._weight, self._penalty)

    def _columns(self, name):
        """Return the standardised columns as rows; the last row is ones, for the intercept."""
        if name in self._kept:
            return self._kept[name]
        X = self.fold.X_train if name == "train" else self.fold.X_test
        columns = np.ones((X.shape[1] + 1, X.shape[0]))
        np.subtract(X.T, self._center[:, None], out=columns[:-1])
        columns[:-1] /= self._scale[:, None]
        if columns.nbytes <= _KEPT_BYTES:
            self._kept[name] = columns
        return columns


def _parts(loss, core, changed, adds):
    """Divide subsets into parts whose arrays fit into memory."""
    (n, n_changed), (n_outputs, n_rows) = changed.shape, loss.targets.shape
    n_own = max(1, n_changed if adds else 0)
    steps, borders = 4 * (len(core) + n_own), n_outputs * n_changed * len(core)
    size = max(1, _NUMBERS // (n_outputs * max(n_rows * n_own, steps, borders)))
    return (slice(start, start + size) for start in range(0, n, size))


class _Fits(NamedTuple):
    """The columns of each subset, which of them it uses, coefficients, and if they are exact."""

    columns: np.ndarray
    used: np.ndarray
    coefs: np.ndarray
    sure: np.ndarray


def _fits(loss, core, least, changed, adds):
    """Fit to subsets that all differ by the same number of columns from a reference."""
    n, n_changed = changed.shape
    columns = np.broadcast_to(core, (n, len(core)))
    if adds:
        columns = np.concatenate([columns, changed], axis=1)
        used = np.ones(columns.shape, dtype=bool)
    else:
        used = ~(core == changed[:, :, None]).any(axis=1)
    certain, sure = np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
    if least is None:
        coefs = np.zeros((n, len(loss.targets), len(core)))
    elif not n_changed:
        coefs, sure = np.repeat(least.best()[None], n, axis=0), certain
    elif adds:
        bordered, coefs, gradient, certain = adding(loss, core, least, changed)
        coefs, sure = minima(loss, core, changed, bordered, coefs, gradient)
        sure &= certain
    else:
        bordered, coefs = dropping(least, np.searchsorted(core, changed))
        coefs, sure = minima(loss, core, changed[:, :0], bordered, coefs)
    # Without firm penalties the curvature may have become so small on the way that a short step is
    # no proof of the minimum. Newton steps with the subset's own curvature give that proof.
    firm = np.append(loss.penalty[:-1] > _FIRM * loss.X.shape[1], True)
    proven = sure & (firm[columns] | ~used).all(axis=1)
    for row in np.flatnonzero(certain & ~proven):
        one = used[row]
        alone = minimum(loss, columns[row, one], coefs[row][:, one])
        sure[row] = alone is not None
        if alone is not None:
            coefs[row][:, one] = alone.best()
    return _Fits(columns, used, coefs, sure)
