"""Variational autoencoders: codes with a known distribution, so that rows can be drawn."""

from dataclasses import KW_ONLY
from numbers import Integral, Real

import numpy as np
import torch
from scipy.special import logsumexp
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import Interval, num_samples
from sklearn_modern._neural.coding import CodingEstimator
from sklearn_modern._neural.conditional import ConditionalDensity
from sklearn_modern.training.predictions import decode, drawn_of_codes, log_weights
from sklearn_modern.training.variational import EvidenceBound, VariationalNetwork, normal_points

__all__ = ["VariationalEstimator"]


@estimator
class VariationalEstimator(CodingEstimator, ConditionalDensity):
    """An encoder that gives a distribution of codes, and a decoder that gives one of rows.

    Parameters
    ----------
    n_components : int, default=2
        Width of a code.
    beta : float, default=1.0
        Weight of how much the codes of a row tell, beside how well they make it again. More than 1
        makes codes that are closer to normal and say less, less than 1 the opposite.
    n_importance : int, default=64
        Codes of a row by which :meth:`score_samples` measures how likely it is.
    """

    n_components: int = shapes(default=2, differs=False)
    _: KW_ONLY
    beta: float = shapes(default=1.0, differs=False)
    n_importance: int = steers(default=64, differs=False)

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "beta": [Interval(Real, 0, None, closed="left")],
        "n_importance": [Interval(Integral, 1, None, closed="left")],
    }

    def fit_transform(self, X, y=None, sample_weight=None):
        """Fit, and return the codes of the training rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Training data.
        y : array-like of shape (n_samples,), default=None
            Labels with ``conditional=True``; else ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, as for :meth:`fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            The codes.
        """
        return self.fit(X, y, sample_weight).transform(X, y)

    def transform(self, X, y=None):
        """Return the means of the codes of rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows, as for ``fit``.
        y : label, or array-like of shape (n_samples,), default=None
            With ``conditional=True`` the label of all rows or of each; else ignored.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            The means, those of several members side by side.
        """
        return self._encoded(X, self._given(y, X))

    def inverse_transform(self, X, y=None):
        """Make rows of codes: what is expected of numbers, and the likeliest categories.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features_out)
            Codes, as :meth:`transform` gives them.
        y : label, or array-like of shape (n_samples,), default=None
            With ``conditional=True`` the label of all rows or of each; else ignored.

        Returns
        -------
        ndarray or DataFrame of shape (n_samples, ...)
            Rows in the form of X of ``fit``; several members make them together. Whole numbers
            become floats.
        """
        codes = self._checked_codes(X)
        return self._made_of(codes, self._given(y, codes))

    def reconstruct(self, X, y=None):
        """Make rows again of the means of their codes, and without holes.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows, as for ``fit``.
        y : label, or array-like of shape (n_samples,), default=None
            With ``conditional=True`` the label of all rows or of each; else ignored.

        Returns
        -------
        ndarray or DataFrame of shape (n_samples, ...)
            All cells as the network makes them, in the form of X; several members make them
            together. Whole numbers become floats.
        """
        return self._reconstructed(X, self._given(y, X))

    # The parts of a fit, in the order of the calls.

    def _make_objective(self, random):
        encoder = self._make_encoder(random)
        labels = [len(self.classes_)] if self.conditional else []
        mixer = self._make_mixer(encoder.n_features_out, *labels, random) if labels else None
        n_features = (mixer or encoder).n_features_out
        squeeze = self._make_squeeze(encoder, n_features, 2 * self.n_components, random)
        decoder = self._make_decoder(encoder, self.n_components, labels, random)
        head = self._make_likelihood(decoder.n_features_out, random)
        network = VariationalNetwork(encoder, mixer, squeeze, decoder, head)
        return EvidenceBound(network, random, beta=self.beta, fixed=self.solver == "lbfgs")

    # What is done with a fitted network.

    def _decode(self, X):
        """Return rows made again, given the first label, if rows depend on one."""
        first = np.zeros(num_samples(X), dtype=np.int64) if self.conditional else None
        return self._in_chunks(X, decode, first)

    def _given(self, y, X):
        """Return the codes of the labels that rows depend on, if they do."""
        check_is_fitted(self, "net_")
        if not self.conditional:
            return None
        if y is None:
            raise ValueError(
                "y is None, but with conditional=True codes depend on labels; pass those of the "
                "rows."
            )
        return self._codes(y, num_samples(X))

    def _log_densities(self, X, codes):
        noises = torch.from_numpy(normal_points(self.n_importance, self.n_components))

        def of_members(objective, batch):
            weights = log_weights(objective, batch, noises)
            weights[np.isnan(weights)] = -np.inf  # so far away that numbers overflow
            return logsumexp(weights, axis=1, b=1 / weights.shape[1])

        checked = self._inputs.check(self, X, reset=False)
        known = self._inputs.log_slope(checked) + self._inputs.log_unseen(checked)
        return self._in_chunks(X, of_members, codes) + known

    def _drawn(self, n_samples, codes, random):
        objective, n_codes = self.net_.objective, self.net_.module_.n_codes
        members = random.randint(self._members, size=n_samples)
        normal = random.standard_normal((n_samples, n_codes))
        uniform = random.uniform(size=(n_samples, self.net_.module_.head.n_draws))
        cells = [
            drawn_of_codes(
                objective,
                self._tensor(normal[rows]),
                self._labels(codes, rows),
                self._index(members[rows]),
                self._tensor(uniform[rows]),
            )
            for rows in self._parts_of(n_samples)
        ]
        return self._inputs.restored(np.concatenate(cells), whole=True)
