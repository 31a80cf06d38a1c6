"""The bound that variational autoencoders are trained by."""

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch.distributions import Normal, kl_divergence

from sklearn_modern.heads.likelihoods import LikelyCells
from sklearn_modern.networks.mlp import MLP
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.squeeze import Squeeze
from sklearn_modern.training.sources import Arrays
from sklearn_modern.training.variational import EvidenceBound, VariationalNetwork, normal_points

N_ROWS = 20


def objective(labels=False, **settings):
    random = MemberRandom([0, 1])
    encoder = MLP(3, [], (5,), random)
    mixer = MLP(5, [4], (6,), random) if labels else None
    decoder = MLP(2, [4] if labels else [], (5,), random)
    squeeze = Squeeze(6 if labels else 5, encoder.n_embedded, 4, random)
    head = LikelyCells(5, 3, [], random)
    network = VariationalNetwork(encoder, mixer, squeeze, decoder, head)
    return EvidenceBound(network.double(), random, **settings)


def batch(labels=False):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N_ROWS, 3, generator=generator, dtype=torch.float64)
    source = Arrays(x, y=x)
    return (source.joined(torch.arange(N_ROWS).unsqueeze(1) % 4) if labels else source).whole()


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("beta", [1.0, 0.3])
def test_losses_are_the_bound(labels, beta):
    """With noise that is known, the loss is what distributions of torch make of it."""
    bound, rows = objective(labels, beta=beta), batch(labels)
    network = bound.modules["module"]
    x, given = network.split(rows.x)
    mean, log_variance = network.encode(network.encoder.embed(x), given).chunk(2, dim=-1)
    posterior = Normal(mean, (log_variance / 2).exp())
    noise = MemberRandom(bound.random.seeds)
    noise.__setstate__(bound.random.__getstate__())
    codes = mean + posterior.stddev * noise.normal_like(mean)
    made = network.decode(codes, given)
    likely = Normal(made, network.head.scale()).log_prob(rows.y).sum(-1)
    divergence = kl_divergence(posterior, Normal(0.0, 1.0)).sum(-1)
    (names, losses), *_ = bound.steps(bound.modules, rows)
    assert names == ("module",)
    torch.testing.assert_close(losses, beta * divergence - likely)


def test_chance_stays_out_of_validations_and_of_fixed_trainings():
    bound, rows = objective(), batch()
    first, again = (bound.evaluate(bound.modules, rows)[0] for _ in range(2))
    assert torch.equal(first, again)
    (_, chance), (_, other) = (next(bound.steps(bound.modules, rows)) for _ in range(2))
    assert not torch.equal(chance, other)
    bound.fixed = True
    (_, one), (_, same) = (next(bound.steps(bound.modules, rows)) for _ in range(2))
    assert torch.equal(one, same)
    # Both estimate what many draws have as their mean.
    bound.fixed = False
    many = torch.stack([next(bound.steps(bound.modules, rows))[1] for _ in range(3000)]).mean(0)
    for found in (first, one):
        assert (found - many).abs().mean() < 0.1 * many.std()


def test_weights_of_codes_have_the_likelihood_as_their_mean():
    """The sum over a grid of codes is the exact likelihood."""
    bound, rows = objective(), batch()
    network = bound.modules["module"]
    # Codes that may be anywhere, as the networks have learned nothing.
    network.squeeze.straight.weight.data *= 0.2
    network.squeeze.bent.bias.data = torch.tensor([0.2, -0.2, 0.5, 0.4]).double().expand(2, 1, 4)
    with torch.inference_mode():
        noises = torch.from_numpy(normal_points(4096, 2))
        weights = bound.log_weights(bound.modules, rows, noises)
        found = weights.logsumexp(0) - np.log(4096)
        axis = torch.linspace(-6, 6, 121, dtype=torch.float64)
        grid = torch.cartesian_prod(axis, axis)
        made = network.decode(grid.expand(2, -1, -1), None)
        prior = torch.from_numpy(norm.logpdf(grid.numpy()).sum(1))
        for row, wanted in enumerate(rows.y[0]):
            likely = Normal(made, network.head.scale()).log_prob(wanted).sum(-1) + prior
            expected = likely.logsumexp(1) + 2 * np.log(0.1)
            torch.testing.assert_close(found[:, row], expected, atol=0.02, rtol=0)


@pytest.mark.parametrize(("n_points", "n_columns"), [(64, 2), (16, 8), (7, 3), (1, 4), (8, 30)])
def test_points_are_spread_as_normal_ones(n_points, n_columns):
    points = normal_points(n_points, n_columns)
    assert points.shape == (n_points, n_columns)
    np.testing.assert_array_equal(points, normal_points(n_points, n_columns))
    assert np.isfinite(points).all()
    if n_points % 2 == 0:
        np.testing.assert_allclose(points.mean(0), 0, atol=1e-12)
        if n_points >= 2 * n_columns:
            np.testing.assert_allclose(points.T @ points / n_points, np.eye(n_columns), atol=1e-10)
