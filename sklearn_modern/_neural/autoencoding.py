"""Estimators that squeeze rows into codes, and make rows of codes."""

import math
from collections.abc import Callable
from dataclasses import KW_ONLY
from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import Interval, fit_context
from sklearn_modern._inputs.scaling import weighted_quantiles
from sklearn_modern._inputs.validation import weighted_rows
from sklearn_modern._neural.coding import CodingEstimator
from sklearn_modern._neural.settings import BATCHES
from sklearn_modern.training.objective import Objective
from sklearn_modern.training.predictions import judged
from sklearn_modern.training.reconstruction import Autoencoder, Reconstruction
from sklearn_modern.training.sources import Batch

__all__ = ["AutoencoderEstimator"]

# n_components=None: a third of what the encoder takes, but at most so many.
_SHARE, _MOST = 3, 8

# The narrowest noise that is assumed of a column, as a share of its standard deviation, so that the
# density of what is made again exactly stays finite.
_NARROWEST = 1e-3


@estimator
class AutoencoderEstimator(CodingEstimator):
    """An encoder and a decoder, trained to make rows again from their codes.

    Parameters
    ----------
    n_components : int or None, default=None
        Width of a code. None is a third of the columns after categories are encoded, or of the
        pixels, but at most 8.
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

    Attributes
    ----------
    latent_mean_ : ndarray of shape (n_features_out,)
        Mean of the codes of the training rows.
    latent_covariance_ : ndarray of shape (n_features_out, n_features_out)
        Their covariance.
    noise_variance_ : ndarray of shape (n_numbers,)
        Mean squared error of each column of numbers, in the units of X.
    """

    n_components: int | None = shapes(default=None, differs=False)
    _: KW_ONLY
    noise: float = shapes(default=0.0, differs=False, needs=BATCHES)
    masking: float = shapes(default=0.0, differs=False, needs=BATCHES)
    sparsity: float = shapes(default=0.0, differs=False)
    contraction: float = shapes(default=0.0, differs=False, needs=BATCHES)
    trim: float = shapes(default=0.0, differs=False, needs=BATCHES)

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "noise": [Interval(Real, 0, None, closed="left")],
        "masking": [Interval(Real, 0, 1, closed="left")],
        "sparsity": [Interval(Real, 0, None, closed="left")],
        "contraction": [Interval(Real, 0, None, closed="left")],
        "trim": [Interval(Real, 0, 1, closed="left")],
    }

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
        return self._encoded(X)

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
        return self._made_of(self._checked_codes(X))

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
        return self._reconstructed(X)

    def score_samples(self, X):
        r"""Return how likely rows are, as PCA does: the density of the code, and of what is left.

        It is :math:`\log N(z; \mu, \Sigma) + \log N(x; \hat x, \sigma^2)` with ``latent_mean_``,
        ``latent_covariance_`` and ``noise_variance_``, in the units of X, and for categories the
        logarithm of their probability instead. Missing cells are left out. A category that was not
        in the fit has the probability 1 / (n + 1) after n training rows, by their weights. Several
        members give their mean. A row so far away that numbers overflow has minus infinity.

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
        unseen = self._inputs.log_unseen(self._inputs.check(self, X, reset=False))
        return self._in_chunks(X, self._log_density) + unseen

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
        encoder = self._make_encoder(random)
        n_embedded = self._n_embedded(encoder)
        n_codes = self.n_components or max(1, min(_MOST, n_embedded // _SHARE))
        squeeze = self._make_squeeze(encoder, encoder.n_features_out, n_codes, random)
        decoder = self._make_decoder(encoder, n_codes, (), random)
        return Reconstruction(
            Autoencoder(
                self._make_corruption(self.noise, self.masking, encoder, random),
                encoder,
                squeeze,
                decoder,
                self._make_head(decoder.n_features_out, random),
            ),
            random,
            sparsity=self.sparsity,
            contraction=self.contraction,
            trim=self.trim,
        )

    def _learn_density(self, X, sample_weight):
        """Learn mean and covariance of the codes, and the size of the errors."""
        X, _, weight = weighted_rows(X, None, sample_weight)
        self._learn_moments(X, weight)
        if self.trim:  # the worst rows say as little of what is usual
            likely = self.score_samples(X)
            kept = likely >= weighted_quantiles(likely, weight, self.trim)
            self._learn_moments(X, weight * kept)

    def _learn_moments(self, X, weight):
        errors = _Errors(self._judged, weight)
        codes = self._in_chunks(X, errors)
        self.latent_mean_ = np.average(codes, axis=0, weights=weight)
        apart = codes - self.latent_mean_
        self.latent_covariance_ = (apart.T * weight) @ apart / weight.sum()
        spread = errors.variances()
        narrowest = _NARROWEST**2 * np.where(spread > 0, spread, 1.0)
        self.noise_variance_ = np.maximum(errors.means(errors.squared), narrowest)

    # Parts of predictions.

    def _log_density(self, objective, batch):
        wanted, made, unlikely, codes = self._judged(objective, batch)
        variance = self.noise_variance_
        with np.errstate(over="ignore", invalid="ignore"):
            apart = (made - wanted) ** 2 / variance + np.log(2 * np.pi * variance)
            left = -0.5 * np.where(np.isnan(wanted), 0.0, apart).sum(-1) - unlikely.sum(-1)
            found = (left + self._log_density_of_codes(codes)).mean(axis=0)
        found[np.isnan(found)] = -np.inf  # so far away that numbers overflow
        return found

    def _judged(self, objective, batch):
        """Return numbers and how they are made again, in the units of X, and more; see there."""
        wanted, made, unlikely, codes = judged(objective, batch)
        flat = self._inputs.in_units(made.reshape(math.prod(made.shape[:2]), made.shape[2]))
        return self._inputs.in_units(wanted), flat.reshape(made.shape), unlikely, codes

    def _log_density_of_codes(self, codes):
        """Return the log-density of each member's codes (members, rows, n): (members, rows)."""
        n = codes.shape[-1]
        found = []
        for member, own in enumerate(codes):
            place = slice(member * n, (member + 1) * n)
            covariance = self.latent_covariance_[place, place]
            variances, axes = np.linalg.eigh(covariance)
            # Codes that never vary have a density, too.
            least = _NARROWEST**2 * max(variances.mean(), np.finfo(np.float32).tiny)
            variances = np.maximum(variances, least)
            apart = own - self.latent_mean_[place]
            # Column by column, as a product of matrices rounds a row by its neighbours.
            turned = sum(apart[:, [column]] * axis for column, axis in enumerate(axes))
            standard = turned / np.sqrt(variances)
            volume = np.log(2 * np.pi * variances).sum()
            found.append(-0.5 * ((standard**2).sum(axis=1) + volume))
        return np.stack(found)


class _Errors:
    """Sums up errors chunk by chunk, since all of an image's pixels have their own.

    Parameters
    ----------
    judged : callable
        Returns numbers of the rows of a batch, how members make them again, and more.
    weight : ndarray of shape (n_samples,)
        Weights of the rows, which come in this order.
    """

    def __init__(self, judged: Callable, weight: np.ndarray) -> None:
        self.judged, self.weight, self.n_rows = judged, weight, 0

    def __call__(self, objective: Objective, batch: Batch) -> np.ndarray:
        """Add a chunk; return its codes (rows, members * n)."""
        wanted, made, _, codes = self.judged(objective, batch)
        weight = self.weight[self.n_rows :][: len(wanted)]
        missing = np.isnan(wanted)
        if self.n_rows == 0:
            # Far from zero, squares would hide how numbers vary.
            self.middle = np.where(missing, 0.0, wanted).sum(0) / np.maximum((~missing).sum(0), 1)
            self.total = self.squared = self.first = self.second = np.zeros(wanted.shape[1])
        self.n_rows += len(wanted)
        total = weight.sum()
        if missing.any():
            total = weight @ ~missing
            wanted, made = (np.where(missing, self.middle, numbers) for numbers in (wanted, made))
        apart, left = wanted - self.middle, made - wanted
        self.total = self.total + total
        self.first = self.first + weight @ apart
        self.second = self.second + weight @ np.square(apart, out=apart)
        self.squared = self.squared + (weight @ np.square(left, out=left)).mean(axis=0)
        return np.moveaxis(codes, 0, 1).reshape(len(wanted), -1)

    def means(self, sums: np.ndarray) -> np.ndarray:
        """Return means over known numbers, 0 where there are none."""
        return np.divide(sums, self.total, out=np.zeros(len(sums)), where=self.total > 0)

    def variances(self) -> np.ndarray:
        """Return the variances of the columns."""
        return np.maximum(self.means(self.second) - self.means(self.first) ** 2, 0.0)
