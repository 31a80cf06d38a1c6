"""Estimators that make rows, which may depend on labels."""

from abc import abstractmethod
from dataclasses import KW_ONLY
from typing import Any

import numpy as np
from scipy.special import logsumexp
from sklearn.base import DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import fit_context, num_samples
from sklearn_modern._core.unknown import misspelt
from sklearn_modern._inputs.validation import check_count
from sklearn_modern._neural.estimator import NeuralEstimator
from sklearn_modern._neural.targets import Labels, NoTargets

__all__ = ["ConditionalDensity", "ConditionalSampler"]


@estimator
class ConditionalSampler(NeuralEstimator):
    """A network that makes rows like those of X.

    Parameters
    ----------
    conditional : bool, default=False
        Whether to learn the rows given the label y. Without, y is ignored.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, with ``conditional=True``.
    class_prior_ : ndarray of shape (n_classes,)
        How frequent they are, by the sample weights.
    """

    _: KW_ONLY
    conditional: bool = shapes(default=False, differs=False)

    _parameter_constraints = {"conditional": ["boolean"]}

    @abstractmethod
    def _drawn(
        self, n_samples: int, codes: np.ndarray | None, random: np.random.RandomState
    ) -> Any:
        """Draw rows in the form of X, given the codes of their labels, if there are any."""

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None, X_val=None, y_val=None):
        """Learn what rows are like.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Training data, of the kind that the class is for.
        y : array-like of shape (n_samples,), default=None
            Labels of any type with ``conditional=True``; else ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights; a row of weight 2 counts as two rows, one of weight 0 as none.
        X_val, y_val : array-like, default=None
            Validation data, instead of setting a share of X aside. Their scores are recorded, and
            with ``early_stopping`` they decide when to stop.

        Returns
        -------
        self : estimator
            The fitted estimator.
        """
        return super().fit(X, y, sample_weight, X_val, y_val)

    def sample(self, n_samples=1, y=None, random_state=None):
        """Draw rows.

        Parameters
        ----------
        n_samples : int, default=1
            How many.
        y : label, or array-like of shape (n_samples,), default=None
            With ``conditional=True`` the label of all rows or of each; None draws labels by their
            frequency. An array says by its length how many rows there are.
        random_state : int, RandomState instance or None, default=None
            Determines the samples.

        Returns
        -------
        X : ndarray or DataFrame of shape (n_samples, ...)
            Rows in the form of X of the fit.
        y : ndarray of shape (n_samples,)
            Their labels; only with ``conditional=True``.
        """
        check_is_fitted(self, "net_")
        self._net_on_device()
        random = check_random_state(random_state)
        codes = self._drawn_codes(n_samples, y, random)
        rows = self._drawn(n_samples if codes is None else len(codes), codes, random)
        return rows if codes is None else (rows, self.classes_[codes])

    # The parts of a fit, in the order of the calls.

    def _begin(self, y, **known):
        if self.conditional and y is None:
            raise ValueError(
                "conditional=True learns rows given their labels, but y is None; pass the labels "
                "as y, or take conditional=False."
            )
        super()._begin(y, **known)

    def _make_targets(self, y):
        return Labels() if self.conditional else NoTargets()

    def _check(self, X, y, sample_weight, *, reset, **how):
        checked, codes, weight = super()._check(X, y, sample_weight, reset=reset, **how)
        if reset and self.conditional:
            self.class_prior_ = np.bincount(codes, weight) / weight.sum()
        return checked, codes, weight

    # Labels of rows.

    def _codes(self, y, n_rows):
        """Return the codes of one label for all rows, or of one for each."""
        labels = np.asarray(y)
        if labels.ndim > 1 or not labels.size:
            raise ValueError(
                f"y has the shape {labels.shape}, but must be one label for all rows, or an array "
                "with one for each."
            )
        if labels.ndim == 0:
            labels = np.full(n_rows, y, dtype=object if labels.dtype.kind == "O" else labels.dtype)
        if len(labels) != n_rows:
            raise ValueError(f"y has {len(labels)} labels for {n_rows} rows; give one for each.")
        known = {label: code for code, label in enumerate(self.classes_.tolist())}
        unknown = sorted({label for label in labels.tolist() if label not in known}, key=str)
        if unknown:
            raise ValueError(
                f"y has labels that were not in fit: {unknown}. Those of the fit are "
                f"{list(known)}. {misspelt(unknown, list(known))}".strip()
            )
        return np.array([known[label] for label in labels.tolist()])

    def _drawn_codes(self, n_samples, y, random):
        """Return the codes of the labels of samples; None without labels."""
        check_count(n_samples, "n_samples")
        if not self.conditional:
            if y is not None:
                raise ValueError(
                    "y asks for labels, but with conditional=False the fit has learned none; take "
                    "conditional=True."
                )
            return None
        if y is None:
            return random.choice(len(self.classes_), size=n_samples, p=self.class_prior_)
        if np.ndim(y) == 0:
            return self._codes(y, n_samples)
        if n_samples not in (1, len(y)) and len(y):
            raise ValueError(
                f"n_samples={n_samples}, but y has {len(y)} labels; leave n_samples out, or give "
                "one label for all."
            )
        return self._codes(y, len(y))


@estimator
class ConditionalDensity(DensityMixin, ConditionalSampler):
    """A network that makes rows like those of X, and tells how likely rows are."""

    @abstractmethod
    def _log_densities(self, X: Any, codes: np.ndarray | None) -> np.ndarray:
        """Return the log-density of rows, given the codes of their labels, if there are any."""

    def score_samples(self, X, y=None):
        """Return the log-density of each row, in the units of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows.
        y : label, or array-like of shape (n_samples,), default=None
            With ``conditional=True`` the label of all rows or of each, for the density given the
            label. None is the density whatever the label: the mean over the labels by their
            frequency. Without ``conditional=True`` y is ignored.

        Returns
        -------
        ndarray of float64 of shape (n_samples,)
            Natural logarithms.
        """
        check_is_fitted(self, "net_")
        if not self.conditional:
            return self._log_densities(X, None)
        n_rows = num_samples(X)
        if y is not None:
            return self._log_densities(X, self._codes(y, n_rows))
        codes = range(len(self.classes_))
        given = [self._log_densities(X, np.full(n_rows, code)) for code in codes]
        return logsumexp(given, axis=0, b=self.class_prior_[:, np.newaxis])

    def score(self, X, y=None):
        """Return the mean log-density of rows.

        :class:`sklearn.neighbors.KernelDensity` returns the sum.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows.
        y : label, or array-like of shape (n_samples,), default=None
            As for :meth:`score_samples`.

        Returns
        -------
        float
            The mean of :meth:`score_samples`.
        """
        return float(self.score_samples(X, y).mean())
