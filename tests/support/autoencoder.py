"""A variational autoencoder of tables: an objective without y (Kingma and Welling, 2014)."""

import numpy as np
from sklearn.base import TransformerMixin
from torch import nn

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._neural.estimator import NeuralEstimator
from sklearn_modern._neural.inputs import TableInputs
from sklearn_modern.networks.layers import Linear
from sklearn_modern.training.objective import Objective
from sklearn_modern.training.predictions import decode


class Coder(nn.Module):
    def __init__(self, n_features, width, n_latent, random):
        super().__init__()
        self.encoder = nn.Sequential(
            Linear(n_features, width, random), nn.Tanh(), Linear(width, 2 * n_latent, random)
        )
        self.decoder = nn.Sequential(
            Linear(n_latent, width, random), nn.Tanh(), Linear(width, n_features, random)
        )


class EvidenceBound(Objective):
    def __init__(self, coder, random):
        self.modules, self.random = {"module": coder}, random

    def steps(self, modules, batch):
        mean, log_variance = modules["module"].encoder(batch.x).chunk(2, dim=-1)
        noise = self.random.normal(*mean.shape[1:], std=1.0).to(mean)
        latent = mean + (log_variance / 2).exp() * noise
        error = (modules["module"].decoder(latent) - batch.x).square().sum(-1)
        divergence = (mean.square() + log_variance.exp() - log_variance - 1).sum(-1)
        yield ("module",), (10 * error + divergence) / 2

    def outputs(self, modules, batch):
        return modules["module"].encoder(batch.x).chunk(2, dim=-1)[0]


@estimator
class VariationalAutoencoder(TransformerMixin, NeuralEstimator):
    n_components: int = shapes(default=2, differs=False)
    width: int = shapes(default=32, differs=False)

    def _make_inputs(self):
        return TableInputs(None, "standard")

    def _make_objective(self, random):
        n_features = self._inputs.scaler.n_features_out
        return EvidenceBound(Coder(n_features, self.width, self.n_components, random), random)

    def transform(self, X):
        return self._decode(X)

    def reconstruct(self, X):
        decoder = self.net_.module_.decoder
        scaled = self._in_chunks(X, lambda *rows: decode(*rows, lambda z: decoder(z).mean(0)))
        return np.asarray(scaled) * self._inputs.scaler.scale + self._inputs.scaler.center
