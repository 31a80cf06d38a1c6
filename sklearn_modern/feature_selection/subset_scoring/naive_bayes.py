"""Gaussian naive Bayes of many subsets: log-likelihoods are sums over features."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.naive_bayes import GaussianNB

from sklearn_modern.feature_selection.subset_scoring.base import FoldScorer, Subset
from sklearn_modern.feature_selection.subset_scoring.fold import Fold
from sklearn_modern.feature_selection.subset_scoring.outputs import LogLikelihoods

__all__ = ["NaiveBayes"]

# Limit on the terms of features that are added up together, as a number of elements.
_NUMBERS = 2**20


class NaiveBayes(FoldScorer):
    """Adds up the log-likelihoods of the features of each subset.

    Class k with the share p_k has, for the features j of a subset,

        log p_k - 1/2 sum_j [log(2 pi (v_kj + e)) + (x_j - m_kj)^2 / (v_kj + e)],

    with weighted means m and variances v, and e = var_smoothing * max_j var(x_j), so that e
    depends on the subset.
    """

    kinds = (GaussianNB,)

    def __init__(self, estimator: Any, fold: Fold) -> None:
        super().__init__(estimator, fold)
        X = fold.X_train
        weight = np.ones(len(X)) if fold.weight is None else fold.weight
        members = (fold.codes_train == np.arange(len(fold.classes))[:, None]) * weight
        self._totals = members.sum(axis=1)
        self._holds = not np.isclose(self._totals, 0).any()
        if self._holds:
            shares = members / self._totals[:, None]
            self._means = shares @ X
            self._variances = np.stack(
                [share @ (X - mean) ** 2 for share, mean in zip(shares, self._means, strict=True)]
            )
        self._spread = X.var(axis=0)

    @classmethod
    def covers(cls, estimator: Any) -> dict[str, bool]:
        """Cover priors that are the class shares."""
        return {"priors": estimator.priors is None}

    def outputs(self, subsets: Sequence[Subset]) -> LogLikelihoods:
        """Return the joint log-likelihoods of the classes."""
        shape = len(subsets), len(self.fold.classes), len(self.fold.y_test)
        raw, sure = np.zeros(shape), np.zeros(len(subsets), dtype=bool)
        if not self._holds:
            return LogLikelihoods(raw.transpose(0, 2, 1), sure)
        # Subsets with the same e, which belongs to the feature that varies most, share their terms.
        widest = np.array([self._spread[list(subset)].max() for subset in subsets])
        for spread in np.unique(widest[widest > 0]):
            same = np.flatnonzero(widest == spread)
            added = self.estimator.var_smoothing * spread
            raw[same] = self._sums([subsets[i] for i in same], added)
            sure[same] = True
        raw += np.log(self._totals / self._totals.sum())[:, None]
        return LogLikelihoods(np.ascontiguousarray(raw.transpose(0, 2, 1)), sure)

    def _sums(self, subsets, added):
        """Add up the terms of features; to subtract some again would cost digits."""
        features = sorted(set().union(*subsets))
        belongs = np.array(
            [[float(feature in subset) for feature in features] for subset in subsets]
        )
        n_rows, n_classes = len(self.fold.y_test), len(self.fold.classes)
        sums = np.zeros((len(subsets), n_classes, n_rows))
        step = max(1, _NUMBERS // (n_rows * n_classes))
        for start in range(0, len(features), step):
            part = slice(start, start + step)
            sums += np.tensordot(belongs[:, part], self._terms(features[part], added), axes=1)
        return sums

    def _terms(self, features, added):
        """Return the term of each feature, of shape (n_features, n_classes, n_rows)."""
        variances = self._variances.T[features, :, None] + added
        distances = self.fold.X_test.T[features][:, None] - self._means.T[features, :, None]
        distances **= 2
        distances /= variances
        distances += np.log(2 * np.pi * variances)
        distances *= -0.5
        return distances
