"""Estimators that carry noise to rows along a learned field."""

from abc import abstractmethod
from dataclasses import KW_ONLY
from numbers import Integral

from sklearn_modern._core.estimator import estimator, steers
from sklearn_modern._core.scikit_learn import Interval
from sklearn_modern._neural.generating import GeneratingEstimator
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.velocity import Velocity
from sklearn_modern.training.flow_matching import FlowMatching

__all__ = ["FlowMatchingEstimator"]


@estimator
class FlowMatchingEstimator(GeneratingEstimator):
    """A field that carries noise to rows.

    Parameters
    ----------
    n_steps : int, default=20
        In how many steps noise is carried to rows, by Heun's method: two passes of the network in
        each.
    max_iter : int or "auto", default="auto"
        Number of epochs. "auto" is as many as have 6000 batches, but 20 to 300.
    early_stopping : bool, default=False
        Set validation rows aside, stop when their score has not improved for
        ``n_iter_no_change`` epochs, and go back to the best epoch. Without, training goes on for
        ``max_iter`` epochs: the noise in the loss is larger than what is learned in an epoch.
    n_iter_no_change : int, default=30
        With ``early_stopping``, epochs without improvement after which training stops.
    """

    _: KW_ONLY
    n_steps: int = steers(default=20, differs=True)
    max_iter: int | str = steers(default="auto", differs=True)
    early_stopping: bool | str = steers(default=False, differs=True)
    n_iter_no_change: int = steers(default=30, differs=True)

    _parameter_constraints = {"n_steps": [Interval(Integral, 1, None, closed="left")]}

    _n_batches, _epochs = 6000, (20, 300)

    @abstractmethod
    def _make_network(self, n_labels: int, random: MemberRandom) -> Velocity:
        """Make the field, with initial weights."""

    def _make_objective(self, random):
        return FlowMatching(self._make_network(self._n_labels, random), random)

    @property
    def _noise_shape(self):
        return self._inputs.made_shape

    def _made(self, noise, labels):
        return self.net_.objective.draw(noise, labels, self.n_steps)
