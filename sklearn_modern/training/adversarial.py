"""Let a generator and a critic learn from each other."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_modern.networks.averaged import Averaged
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.objective import Modules, Objective, Steps
from sklearn_modern.training.sources import Batch

__all__ = ["Adversarial", "StandardGame", "WassersteinGame"]

# Noise with which rows are validated comes from seeds of its own.
_SEED = 20

# Less momentum than usual, as the other player moves what is minimised.
_BETAS = 0.5, 0.9


class Adversarial(Objective, ABC):
    """Train a generator to make rows that a critic takes for real.

    In each step the generator has a turn, and then the critic ``n_critic`` turns with the same rows
    and new noise. Inputs of a batch are the labels, if there are any, and its targets are the rows.

    Parameters
    ----------
    generator : nn.Module
        Makes rows of noise (members, rows, ``n_noise``) given labels.
    critic : nn.Module
        Gives scores (members, rows) to rows given labels; those of real ones are greater.
    random : MemberRandom
        Where the noise comes from.
    n_critic : int
        Turns of the critic in each step.
    """

    def __init__(
        self, generator: nn.Module, critic: nn.Module, random: MemberRandom, *, n_critic: int
    ) -> None:
        self.modules = {"module": Averaged(generator), "critic": critic}
        self.random, self.n_critic = random, n_critic
        self._critic_losses: list[Tensor] = []

    @abstractmethod
    def _of_generator(self, scores: Tensor) -> Tensor:
        """Return what made rows with such scores cost the generator."""

    @abstractmethod
    def _of_critic(self, real: Tensor, made: Tensor) -> Tensor:
        """Return what scores of real and made rows cost the critic."""

    def _penalty(
        self, critic: nn.Module, real: Tensor, made: Tensor, labels: Tensor
    ) -> Tensor | float:
        """Return what the critic pays besides, for each row."""
        return 0.0

    def steps(self, modules: Modules, batch: Batch) -> Steps:
        """Yield the losses of the generator, and then those of the critic's turns."""
        both, critic = modules["module"], modules["critic"]
        real, labels = self._real(critic, batch), batch.x
        made = both.trained(self._noise(real, self.random), labels)
        yield ("module",), self._of_generator(critic(made, labels))
        both.follow()
        for _ in range(self.n_critic):
            with torch.no_grad():
                made = both.trained(self._noise(real, self.random), labels)
            scores = critic(torch.cat([real, made], dim=1), _twice(labels))
            losses = self._of_critic(*scores.chunk(2, dim=1))
            losses = losses + self._penalty(critic, real, made, labels)
            yield ("critic",), losses
        self._critic_losses.append(losses.detach().mean())

    def tallied(self) -> Mapping[str, Tensor]:
        """Return the mean loss of the critic in its last turns."""
        losses, self._critic_losses = self._critic_losses, []
        return {"critic_loss": torch.stack(losses).mean()}

    def evaluate(self, modules: Modules, batch: Batch) -> tuple[Tensor, None]:
        """Return the losses of the critic on rows, beside others made of noise that stays."""
        critic, labels = modules["critic"], batch.x
        real = self._real(critic, batch)
        noise = self._noise(real, MemberRandom([_SEED] * len(self.random)))
        made = modules["module"].average(noise, labels)
        return self._of_critic(critic(real, labels), critic(made, labels)), None

    def outputs(self, modules: Modules, batch: Batch) -> Tensor:
        """Return the scores of rows."""
        critic = modules["critic"]
        return critic(self._real(critic, batch), batch.x)

    @property
    def betas(self) -> tuple[float, float]:
        """How much of the moments of the gradient Adam keeps in a step."""
        return _BETAS

    @property
    def settles(self) -> bool:
        """Whether a loss that no longer falls tells anything: not with two players."""
        return False

    @property
    def products(self) -> int:
        """Multiplications of a step for one row, as of one forward pass."""
        generator, critic = self.modules["module"].trained, self.modules["critic"]
        # A row goes forward through both, and then n_critic times through each again, made and real
        # and between the two.
        return (1 + self.n_critic) * generator.products + (1 + 3 * self.n_critic) * critic.products

    def rows_together(self, shape=()) -> int:
        """Return how many rows to evaluate together."""
        return self.modules["critic"].rows_together(shape)

    def draw(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Turn noise (members, rows, n_noise) into rows, by the average."""
        with torch.inference_mode():
            return self.modules["module"].eval().average(noise, labels)

    def _real(self, critic, batch):
        real = critic.seen(batch.y)
        return real.expand(len(self.random), *real.shape[1:])

    def _noise(self, real, random):
        n_noise = self.modules["module"].trained.n_noise
        return random.normal_like(real.new_empty(*real.shape[:2], n_noise))


class WassersteinGame(Adversarial):
    r"""The critic's scores of real and made rows are to be far apart, but its slope about 1.

    The generator loses :math:`-D(\tilde x)`, the critic
    :math:`D(\tilde x) - D(x) + \lambda (\|\nabla D(\hat x)\| - 1)^2`
    with :math:`\hat x` somewhere between the two.

    Parameters
    ----------
    gradient_penalty : float
        :math:`\lambda`.
    *args, **kwargs
        As for :class:`Adversarial`.

    References
    ----------
    Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville (2017). Improved training of Wasserstein GANs.
    NeurIPS.
    """

    def __init__(self, *args, gradient_penalty: float, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.gradient_penalty = gradient_penalty

    def _of_generator(self, scores):
        return -scores

    def _of_critic(self, real, made):
        return made - real

    def _penalty(self, critic, real, made, labels):
        if not self.gradient_penalty:
            return 0.0
        share = self.random.uniform_like(real.new_empty(real.shape[:2]))
        share = share.view(*share.shape, *[1] * (real.ndim - 2))
        between = torch.lerp(real, made, share).requires_grad_()
        scores = critic(between, labels)
        (slope,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
        # The root has no slope at zero.
        norms = slope.flatten(2).square().sum(-1).add(1e-12).sqrt()
        return self.gradient_penalty * (norms - 1.0).square()


class StandardGame(Adversarial):
    r"""The critic tells the probability that a row is real, the logarithm of whose odds is D.

    The generator loses :math:`-\log \sigma(D(\tilde x))`, which does not saturate, and the critic
    :math:`-\log \sigma(D(x)) - \log \sigma(-D(\tilde x))`.

    References
    ----------
    Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville, Bengio (2014). Generative
    adversarial nets. NeurIPS.
    """

    def _of_generator(self, scores):
        return F.softplus(-scores)

    def _of_critic(self, real, made):
        return F.softplus(-real) + F.softplus(made)


def _twice(labels):
    return torch.cat([labels, labels], dim=1)
