"""A Wasserstein GAN of tables: two networks, and a moving average (Arjovsky et al., 2017)."""

import copy

import torch
from torch import nn

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._neural.estimator import NeuralEstimator
from sklearn_modern._neural.inputs import TableInputs
from sklearn_modern.networks.layers import Linear
from sklearn_modern.training.objective import Objective


def layers(n_in, width, n_out, random):
    hidden = Linear(n_in, width, random), nn.ReLU(), Linear(width, width, random), nn.ReLU()
    return nn.Sequential(*hidden, Linear(width, n_out, random))


class WassersteinGame(Objective):
    def __init__(self, generator, critic, n_latent, random):
        average = copy.deepcopy(generator).requires_grad_(False)
        generators = nn.ModuleDict({"trained": generator, "average": average})
        self.modules = {"generator": generators, "critic": critic}
        self.n_latent, self.random = n_latent, random

    def noise(self, batch):
        return self.random.normal(len(batch), self.n_latent, std=1.0).to(batch.x)

    def steps(self, modules, batch):
        (generator, average), critic = modules["generator"].values(), modules["critic"]
        made = generator(self.noise(batch)).detach()
        yield ("critic",), (critic(made) - critic(batch.x)).squeeze(-1)
        for parameter in critic.parameters():
            parameter.data.clamp_(-0.1, 0.1)
        yield ("generator",), -critic(generator(self.noise(batch))).squeeze(-1)
        for mean, now in zip(average.parameters(), generator.parameters(), strict=True):
            mean.lerp_(now.detach(), 0.05)

    def outputs(self, modules, batch):
        return modules["critic"](batch.x)


@estimator
class WassersteinGAN(NeuralEstimator):
    width: int = shapes(default=32, differs=False)
    n_latent: int = shapes(default=2, differs=False)

    def _make_inputs(self):
        return TableInputs(None, None)

    def _make_objective(self, random):
        generator = layers(self.n_latent, self.width, self.n_features_in_, random)
        critic = layers(self.n_features_in_, self.width, 1, random)
        return WassersteinGame(generator, critic, self.n_latent, random)

    def sample(self, n_samples, seed=0):
        random = torch.Generator().manual_seed(seed)
        noise = torch.randn(1, n_samples, self.n_latent, generator=random)
        return self.net_.generator_["average"](noise.to(self._dtype)).mean(0).numpy()
