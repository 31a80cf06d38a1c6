"""Normalising flows over tables of numbers."""

from dataclasses import KW_ONLY
from numbers import Integral
from typing import Any

import numpy as np
from scipy.special import logsumexp
from sklearn.base import DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import fit_context, num_samples
from sklearn_modern._core.unknown import misspelt
from sklearn_modern._neural.flow_inputs import DensityInputs
from sklearn_modern._neural.flows import FlowEstimator
from sklearn_modern._neural.settings import BATCHES
from sklearn_modern._neural.targets import Labels, NoTargets
from sklearn_modern.networks.mlp import MLP
from sklearn_modern.training.predictions import decode
from sklearn_modern.training.sources import Arrays

__all__ = ["NormalizingFlow"]


@estimator
class NormalizingFlow(DensityMixin, FlowEstimator):
    r"""Density of rows of numbers by normalising flows.

    An invertible map :math:`f` turns the numbers into standard normal noise, so that their density
    is known exactly,

    .. math:: p(x) = \mathcal{N}(f(x); 0, I) \, |\det f'(x)| ,

    and samples are :math:`f^{-1}` of noise. The map is a chain of transforms whose Jacobians are
    triangular: couplings [1]_ or autoregressive ones [2]_, with straight lines or monotone splines
    [3]_. It is fitted by maximum likelihood. Several flows are a mixture of equal weights.

    Columns are continuous numbers: a column of few values, or a constant one, has no density, and
    is refused. Densities are those of the columns in their own units.

    Parameters
    ----------
    bounds : (low, high) or None, default=None
        Between which bounds columns lie, as pairs of numbers for all columns, or of sequences with
        one number for each; None or infinite where there is no bound. Such a column is modelled by
        the logit of where it lies between its bounds, or the logarithm of the distance to a single
        one, so that no sample leaves them. Beyond bounds, and on them, the density is 0.
    conditional : bool, default=False
        Whether to learn the density given the label y. Without, y is ignored.

    dropout : float, default=0.1
        Probability with which a hidden unit is left out of a training step.
    gradient_clip : float or None, default=5.0
        Maximum norm of the gradient.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, with ``conditional=True``.
    class_prior_ : ndarray of shape (n_classes,)
        How frequent they are, by the sample weights.

    References
    ----------
    .. [1] Dinh, Sohl-Dickstein, Bengio (2017). Density estimation using Real NVP. ICLR.
    .. [2] Papamakarios, Pavlakou, Murray (2017). Masked autoregressive flow for density estimation.
       NeurIPS.
    .. [3] Durkan, Bekasov, Murray, Papamakarios (2019). Neural spline flows. NeurIPS.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from sklearn_modern.density import NormalizingFlow
    >>> X, _ = make_moons(200, noise=0.1, random_state=0)
    >>> flow = NormalizingFlow(2, n_members=1, max_iter=20, device="cpu", random_state=0).fit(X)
    >>> flow.score_samples([[0.0, 1.0], [9.0, 9.0]]) > -5.0
    array([ True, False])
    >>> flow.sample(3, random_state=0).shape
    (3, 2)
    """

    _: KW_ONLY
    bounds: Any = shapes(default=None, differs=False)
    conditional: bool = shapes(default=False, differs=False)
    dropout: float = shapes(default=0.1, differs=False, needs=BATCHES)
    gradient_clip: float | None = steers(default=5.0, differs=True, needs=BATCHES)

    _parameter_constraints = {
        "bounds": [None, tuple, list, np.ndarray],
        "conditional": ["boolean"],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None, X_val=None, y_val=None):
        """Learn the density of rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Continuous numbers, none of them missing.
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

    def score_samples(self, X, y=None):
        """Return the log-density of each row, in the units of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : label, or array-like of shape (n_samples,), default=None
            With ``conditional=True`` the label of all rows or of each, for the density given the
            label. None is the density whatever the label: the mean over the labels by their
            frequency. Without ``conditional=True`` y is ignored.

        Returns
        -------
        ndarray of float64 of shape (n_samples,)
            Natural logarithms, minus infinity on bounds and beyond.
        """
        check_is_fitted(self, "net_")
        numbers = self._inputs.check(self, X, reset=False)
        if not self.conditional:
            return self._log_density(X, numbers)
        if y is not None:
            return self._log_density(X, numbers, self._codes(y, len(numbers)))
        given = [
            self._log_density(X, numbers, np.full(len(numbers), code))
            for code in range(len(self.classes_))
        ]
        return logsumexp(given, axis=0, b=self.class_prior_[:, np.newaxis])

    def score(self, X, y=None):
        """Return the mean log-density of rows.

        :class:`sklearn.neighbors.KernelDensity` returns the sum.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : label, or array-like of shape (n_samples,), default=None
            As for :meth:`score_samples`.

        Returns
        -------
        float
            The mean of :meth:`score_samples`.
        """
        return float(self.score_samples(X, y).mean())

    def sample(self, n_samples=1, y=None, random_state=None):
        """Draw rows from the density.

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
        X : ndarray or DataFrame of shape (n_samples, n_features)
            Rows in the form of X of the fit; whole numbers become floats.
        y : ndarray of shape (n_samples,)
            Their labels; only with ``conditional=True``.
        """
        check_is_fitted(self, "net_")
        self._net_on_device()
        random = check_random_state(random_state)
        codes = self._drawn_codes(n_samples, y, random)
        nothing = self._tensor(np.empty((n_samples if codes is None else len(codes), 0)))
        if codes is None:
            source = Arrays(nothing)
        else:
            source = Arrays((nothing, self._tensor(codes).unsqueeze(1)))
        rows = self._inputs.restored(self._draw(source, np.arange(len(nothing)), random))
        return rows if codes is None else (rows, self.classes_[codes])

    # The parts of a fit, in the order of the calls.

    def _begin(self, y, **known):
        if self.conditional and y is None:
            raise ValueError(
                "conditional=True learns the density given the label, but y is None; pass the "
                "labels as y, or take conditional=False."
            )
        super()._begin(y, **known)

    def _make_inputs(self):
        return DensityInputs(self.bounds)

    def _make_targets(self, y):
        return Labels() if self.conditional else NoTargets()

    def _check(self, X, y, sample_weight, *, reset, **how):
        checked, codes, weight = super()._check(X, y, sample_weight, reset=reset, **how)
        if reset and self.conditional:
            self.class_prior_ = np.bincount(codes, weight) / weight.sum()
        return checked, codes, weight

    def _make_body(self, random):
        return MLP(0, [len(self.classes_)], (), random) if self.conditional else None

    def _decode(self, X):
        """Return the members' densities of scaled numbers, given the first label."""
        first = np.zeros(num_samples(X), dtype=np.int64) if self.conditional else None
        return self._in_chunks(X, decode, first)

    @property
    def _scaler(self):
        return self._inputs.scaler

    # Labels of rows to score, and of samples.

    def _codes(self, y, n_rows):
        """Return the codes of one label for all rows, or of one for each."""
        labels = np.asarray(y)
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
        if not isinstance(n_samples, Integral) or n_samples < 1:
            raise ValueError(f"n_samples={n_samples!r} must be a whole number, at least 1.")
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
        if n_samples not in (1, len(y)):
            raise ValueError(
                f"n_samples={n_samples}, but y has {len(y)} labels; leave n_samples out, or give "
                "one label for all."
            )
        return self._codes(y, len(y))
