"""Estimators that squeeze rows into codes, and make rows of codes."""

from abc import abstractmethod
from dataclasses import KW_ONLY
from numbers import Real

import numpy as np
import torch
from scipy.linalg import solve_triangular
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import Interval, fit_context
from sklearn_modern._inputs.scaling import weighted_quantiles
from sklearn_modern._inputs.validation import weighted_rows
from sklearn_modern._neural.estimator import NeuralEstimator
from sklearn_modern._neural.settings import BATCHES
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.predictions import cells_of_codes, features, judged
from sklearn_modern.training.reconstruction import Autoencoder, Reconstruction

__all__ = ["AutoencoderEstimator"]

# max_iter="auto": as many epochs as have so many batches, but from and to so many.
_BATCHES, _FEWEST, _MOST = 6000, 40, 200

# The narrowest noise that is assumed of a column, as a share of its standard deviation, so that the
# density of what is made again exactly stays finite.
_NARROWEST = 1e-3


@estimator
class AutoencoderEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NeuralEstimator):
    """An encoder and a decoder, trained to make rows again from their codes.

    Parameters
    ----------
    dropout : float, default=0.0
        Probability with which a hidden unit is left out of a training step.
    noise : float, default=0.0
        Standard deviation of what is added to scaled numbers in a training step, which the network
        learns to remove.
    masking : float, default=0.0
        Share of cells that are blotted out in a training step, and made again from the others.
    sparsity : float, default=0.0
        Strength of the penalty on the sum of the absolute values of a code.
    contraction : float, default=0.0
        Strength of the penalty on the squared norm of the encoder's Jacobian: codes that change
        little where a row does.
    trim : float, default=0.0
        Share of the rows of a batch, those that are made again worst, that teach nothing; then
        outliers in the training rows do little harm. Of all rows the least likely share does not
        count in the three attributes below.
    max_iter : int or "auto", default="auto"
        Number of epochs, or of iterations for "lbfgs". "auto" is as many as have 6000 batches, but
        40 to 200.
    n_iter_no_change : int, default=50
        Epochs without improvement after which training stops.

    Attributes
    ----------
    latent_mean_ : ndarray of shape (n_features_out,)
        Mean of the codes of the training rows.
    latent_covariance_ : ndarray of shape (n_features_out, n_features_out)
        Their covariance.
    noise_variance_ : ndarray of shape (n_numbers,)
        Mean squared error of each column of numbers, in the units of X.
    """

    _: KW_ONLY
    dropout: float = shapes(default=0.0, differs=False, needs=BATCHES)
    noise: float = shapes(default=0.0, differs=False, needs=BATCHES)
    masking: float = shapes(default=0.0, differs=False, needs=BATCHES)
    sparsity: float = shapes(default=0.0, differs=False)
    contraction: float = shapes(default=0.0, differs=False, needs=BATCHES)
    trim: float = shapes(default=0.0, differs=False, needs=BATCHES)
    max_iter: int | str = steers(default="auto", differs=True)
    n_iter_no_change: int = steers(default=50, differs=True)

    _parameter_constraints = {
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "masking": [Interval(Real, 0, 1, closed="left")],
        "sparsity": [Interval(Real, 0, None, closed="left")],
        "contraction": [Interval(Real, 0, None, closed="left")],
        "trim": [Interval(Real, 0, 1, closed="left")],
    }

    @abstractmethod
    def _make_network(self, random: MemberRandom) -> Autoencoder:
        """Make the encoder and the decoder, with initial weights."""

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None, X_val=None):
        """Learn to make rows again.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Training data.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights; a row of weight 2 counts as two rows, one of weight 0 as none.
        X_val : array-like, default=None
            Validation data, instead of setting a share of X aside. Their scores are recorded, and
            with ``early_stopping`` they decide when to stop.

        Returns
        -------
        self : estimator
            The fitted estimator.
        """
        super().fit(X, None, sample_weight, X_val)
        self._learn_density(X, sample_weight)
        return self

    def transform(self, X):
        """Return the codes of rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows, as for ``fit``.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            The codes, those of several members side by side.
        """
        return self._in_chunks(X, features)

    def inverse_transform(self, X):
        """Make rows of codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features_out)
            Codes, as :meth:`transform` gives them.

        Returns
        -------
        ndarray or DataFrame of shape (n_samples, ...)
            Rows in the form of X of ``fit``; several members make them together. Whole numbers
            become floats.
        """
        check_is_fitted(self, "net_")
        codes = check_array(X, dtype=np.float64)
        if codes.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has codes of the width {codes.shape[1]}, but {type(self).__name__} makes codes "
                f"of the width {self._n_features_out}."
            )
        members = torch.from_numpy(codes).unflatten(1, (self._members, -1)).transpose(0, 1)
        net = self._net_on_device()
        cells = cells_of_codes(net.objective, members.to(self.device_, self._dtype))
        return self._inputs.restored(cells, whole=False)

    def reconstruct(self, X):
        """Make rows again: without noise, and without holes.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows, as for ``fit``.

        Returns
        -------
        ndarray or DataFrame of shape (n_samples, ...)
            All cells as the network makes them, in the form of X; several members make them
            together. Whole numbers become floats.
        """
        decoded = torch.from_numpy(self._decode(X))
        decided = self.net_.objective.decide(decoded)
        return self._inputs.restored(decided.numpy(), whole=False)

    def score_samples(self, X):
        r"""Return how likely rows are, as PCA does: the density of the code, and of what is left.

        It is :math:`\log N(z; \mu, \Sigma) + \log N(x; \hat x, \sigma^2)` with ``latent_mean_``,
        ``latent_covariance_`` and ``noise_variance_``, in the units of X, and for categories the
        logarithm of their probability instead. Missing cells are left out. Several members give
        their mean.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows, as for ``fit``.

        Returns
        -------
        ndarray of float64 of shape (n_samples,)
            Natural logarithms.
        """
        check_is_fitted(self, "net_")
        return self._in_chunks(X, self._log_density)

    def score(self, X, y=None):
        """Return the mean of :meth:`score_samples`.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows, as for ``fit``.
        y : None
            Ignored.

        Returns
        -------
        float
            The mean.
        """
        return float(self.score_samples(X).mean())

    # The parts of a fit, in the order of the calls.

    def _make_objective(self, random):
        network = self._make_network(random)
        return Reconstruction(
            network,
            random,
            sparsity=self.sparsity,
            contraction=self.contraction,
            trim=self.trim,
        )

    def _n_epochs(self, n_rows):
        if self.max_iter != "auto":
            return self.max_iter
        in_epoch = -(-n_rows // self._rows_in_a_batch(n_rows))
        return int(np.clip(round(_BATCHES / in_epoch), _FEWEST, _MOST))

    def _learn_density(self, X, sample_weight):
        """Learn mean and covariance of the codes, and the size of the errors."""
        X, _, weight = weighted_rows(X, None, sample_weight)
        codes = self._in_chunks(X, features).astype(np.float64)
        squared, wanted = np.moveaxis(self._in_chunks(X, self._squared_errors), 1, 0)
        self._learn_moments(codes, squared, wanted, weight)
        if self.trim:  # the worst rows say as little of what is usual
            likely = self.score_samples(X)
            kept = likely >= weighted_quantiles(likely, weight, self.trim)
            self._learn_moments(codes[kept], squared[kept], wanted[kept], weight[kept])

    def _learn_moments(self, codes, squared, wanted, weight):
        self.latent_mean_ = np.average(codes, axis=0, weights=weight)
        apart = codes - self.latent_mean_
        self.latent_covariance_ = (apart.T * weight) @ apart / weight.sum()
        known = ~np.isnan(wanted)
        self.noise_variance_ = _means(squared, known, weight)
        spread = _means((wanted - _means(wanted, known, weight)) ** 2, known, weight)
        narrowest = _NARROWEST**2 * np.where(spread > 0, spread, 1.0)
        self.noise_variance_ = np.maximum(self.noise_variance_, narrowest)

    # Parts of predictions.

    @property
    def _members(self):
        return len(self.net_.module_.squeeze.weight)

    @property
    def _n_features_out(self):
        return self.net_.module_.squeeze.weight.shape[2] * self._members

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _squared_errors(self, objective, batch):
        """Return the members' mean squared error of each number, and the numbers: (rows, 2, n)."""
        wanted, made, _, _ = self._judged(objective, batch)
        return np.stack([((made - wanted) ** 2).mean(axis=0), wanted], axis=1)

    def _log_density(self, objective, batch):
        wanted, made, unlikely, codes = self._judged(objective, batch)
        squared = np.nan_to_num((made - wanted) ** 2 / self.noise_variance_)
        volume = np.where(np.isnan(wanted), 0.0, np.log(2 * np.pi * self.noise_variance_))
        left = -0.5 * (squared + volume).sum(-1) - unlikely.sum(-1)
        return (left + self._log_density_of_codes(codes)).mean(axis=0)

    def _judged(self, objective, batch):
        """Return numbers and how they are made again, in the units of X, and more; see there."""
        wanted, made, unlikely, codes = judged(objective, batch)
        wanted = self._inputs.in_units(wanted)
        return wanted, np.stack([self._inputs.in_units(own) for own in made]), unlikely, codes

    def _log_density_of_codes(self, codes):
        """Return the log-density of each member's codes (members, rows, n): (members, rows)."""
        n = codes.shape[-1]
        found = []
        for member, own in enumerate(codes):
            place = slice(member * n, (member + 1) * n)
            covariance = self.latent_covariance_[place, place]
            # Codes that never vary have a density, too.
            least = _NARROWEST**2 * max(np.trace(covariance) / n, np.finfo(np.float32).tiny)
            factor = np.linalg.cholesky(covariance + least * np.eye(n))
            standard = solve_triangular(factor, (own - self.latent_mean_[place]).T, lower=True)
            volume = n * np.log(2 * np.pi) + 2 * np.log(np.diag(factor)).sum()
            found.append(-0.5 * ((standard**2).sum(axis=0) + volume))
        return np.stack(found)


def _means(values, known, weight):
    """Return the weighted mean of what is known of each column, 0 where nothing is."""
    total = weight @ known
    summed = weight @ np.where(known, values, 0.0)
    return np.divide(summed, total, out=np.zeros(values.shape[1]), where=total > 0)
