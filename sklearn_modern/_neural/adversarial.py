"""Estimators that are two players: a generator and a critic."""

from abc import abstractmethod
from dataclasses import KW_ONLY
from numbers import Integral, Real

from torch import nn

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._neural.generating import GeneratingEstimator
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.adversarial import StandardGame, WassersteinGame

__all__ = ["AdversarialEstimator"]

# What is about when to stop.
_STOPPING = ("early_stopping", "validation_fraction", "n_iter_no_change", "tol")


@estimator
class AdversarialEstimator(GeneratingEstimator):
    """A generator, which makes rows of noise, and a critic, which tells them from real ones.

    Parameters
    ----------
    n_latent : int, default=16
        Numbers of noise that a row is made of.
    loss : {"wasserstein", "standard"}, default="wasserstein"
        What the two play for. "wasserstein": how far the critic's scores of real and made rows are
        apart, with a gradient penalty; "standard": the probability that the critic gives to what is
        true.
    gradient_penalty : float, default=10.0
        With "wasserstein", how strongly the critic's slope is held at 1.
    n_critic : int, default=3
        Turns of the critic for each one of the generator.
    max_iter : int or "auto", default="auto"
        Number of epochs. "auto" is as many as have 6000 batches, but 20 to 300.
    learning_rate : {"one_cycle", "cosine", "coslog4", "constant"}, default="cosine"
        How the learning rate changes: up and then down to zero; down to zero along half a cosine;
        in four cosine cycles, each twice as long as the one before; or not at all.
    learning_rate_init : float, default=0.001
        The learning rate, for "one_cycle" its highest value.
    early_stopping : False
        The losses of two players do not tell when to stop.
    validation_fraction, n_iter_no_change, tol : float, int, float
        Nor do these have an effect.

    Attributes
    ----------
    loss_curve_ : list of float
        Mean loss of the generator in each epoch. It need not fall: the critic learns, too.
    critic_loss_curve_ : list of float
        Mean loss of the critic in each epoch. With "wasserstein" it is about minus the distance
        between real and made rows, and so rises towards 0.
    """

    n_latent: int = shapes(default=16, differs=False)
    _: KW_ONLY
    loss: str = shapes(default="wasserstein", differs=False)
    gradient_penalty: float = shapes(default=10.0, differs=False, needs=("loss", ("wasserstein",)))
    n_critic: int = shapes(default=3, differs=False)
    max_iter: int | str = steers(default="auto", differs=True)
    learning_rate: str = steers(default="cosine", differs=True)
    learning_rate_init: float = steers(default=0.001, differs=True)
    early_stopping: bool = steers(default=False, differs=True)

    _parameter_constraints = {
        "n_latent": [Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions({"wasserstein", "standard"})],
        "gradient_penalty": [Interval(Real, 0, None, closed="left")],
        "n_critic": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"one_cycle", "cosine", "coslog4", "constant"})],
    }

    _n_batches, _epochs = 6000, (20, 300)

    @abstractmethod
    def _make_players(self, n_labels: int, random: MemberRandom) -> tuple[nn.Module, nn.Module]:
        """Make the generator and the critic, with initial weights."""

    # The parts of a fit, in the order of the calls.

    def _begin(self, y, **known):
        for name in _STOPPING:
            value, default = getattr(self, name), getattr(type(self), name)
            if value != default:
                raise ValueError(
                    f"{name}={value!r} has no effect on {type(self).__name__}, as the losses of "
                    f"two players do not tell when to stop; leave it at {default!r}."
                )
        super()._begin(y, **known)

    def _make_objective(self, random):
        generator, critic = self._make_players(self._n_labels, random)
        if self.loss == "standard":
            return StandardGame(generator, critic, random, n_critic=self.n_critic)
        return WassersteinGame(
            generator,
            critic,
            random,
            n_critic=self.n_critic,
            gradient_penalty=self.gradient_penalty,
        )

    def _store_training(self):
        super()._store_training()
        known = (epoch for epoch in self.history_ if "critic_loss" in epoch)
        self.critic_loss_curve_ = [float(epoch["critic_loss"]) for epoch in known]

    # Samples.

    @property
    def _noise_shape(self):
        return (self.net_.module_.average.n_noise,)

    def _made(self, noise, labels):
        return self.net_.objective.draw(noise, labels)
