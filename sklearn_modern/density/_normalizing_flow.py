"""Normalising flows over tables of numbers."""

from dataclasses import KW_ONLY
from typing import Any

import numpy as np

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import num_samples
from sklearn_modern._neural.conditional import ConditionalDensity
from sklearn_modern._neural.flow_inputs import DensityInputs
from sklearn_modern._neural.flows import FlowEstimator
from sklearn_modern._neural.settings import BATCHES
from sklearn_modern.networks.mlp import MLP
from sklearn_modern.training.predictions import decode
from sklearn_modern.training.sources import Arrays

__all__ = ["NormalizingFlow"]


@estimator
class NormalizingFlow(ConditionalDensity, FlowEstimator):
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
    dropout : float, default=0.1
        Probability with which a hidden unit is left out of a training step.
    gradient_clip : float or None, default=5.0
        Maximum norm of the gradient.

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
    dropout: float = shapes(default=0.1, differs=False, needs=BATCHES)
    gradient_clip: float | None = steers(default=5.0, differs=True, needs=BATCHES)

    _parameter_constraints = {
        "bounds": [None, tuple, list, np.ndarray],
    }

    # The parts of a fit, in the order of the calls.

    def _make_inputs(self):
        return DensityInputs(self.bounds)

    def _check(self, X, y, sample_weight, *, reset, **how):
        checked, codes, weight = super()._check(X, y, sample_weight, reset=reset, **how)
        self._inputs.refuse(checked)
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

    # What is done with a fitted density.

    def _log_densities(self, X, codes):
        return self._log_density(X, self._inputs.check(self, X, reset=False), codes)

    def _drawn(self, n_samples, codes, random):
        nothing = self._tensor(np.empty((n_samples, 0)))
        labels = () if codes is None else (self._tensor(codes).unsqueeze(1),)
        source = Arrays((nothing, *labels) if labels else nothing)
        return self._inputs.restored(self._draw(source, np.arange(n_samples), random))
