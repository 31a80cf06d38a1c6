"""Flow matching: losses by hand, Heun's order, and fields that are known."""

import math

import pytest
import torch

from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.velocity import TableVelocity
from sklearn_modern.training.flow_matching import FlowMatching, heun
from sklearn_modern.training.sources import Arrays


def error_of(n_steps):
    """Return the error of going along dx/dt = -2x + t, whose path is known."""
    found = heun(lambda x, t: t - 2.0 * x, torch.ones(1, dtype=torch.float64), n_steps)
    exact = 0.5 - 0.25 + 1.25 * math.exp(-2.0)
    return abs(found.item() - exact)


def test_heun_is_of_second_order():
    for n_steps in (16, 32, 64):
        assert error_of(n_steps) / error_of(2 * n_steps) == pytest.approx(4.0, rel=0.15)


def test_heun_never_asks_for_the_velocity_at_the_end():
    times = []

    def velocity(x, t):
        times.append(t)
        return x

    heun(velocity, torch.zeros(1), 4)
    assert times == pytest.approx([0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75])


def network(n_scores=2, shares=((0.2, 0.8), (0.5, 0.3, 0.2)), n_members=1):
    random = MemberRandom(range(n_members))
    return TableVelocity(n_scores, shares, 0, (8,), random).double()


def test_it_starts_as_columns_that_are_independent():
    """The mean of a row's velocity, given where it is, is the score of the untrained network."""
    field, rng = network(1, ((0.2, 0.8),)), torch.Generator().manual_seed(0)
    n, time = 400_000, 0.6
    noise = torch.randn(1, n, 3, dtype=torch.float64, generator=rng)
    rows = torch.randn(1, n, 3, dtype=torch.float64, generator=rng)
    second = torch.rand(n, generator=rng) < 0.8
    rows[0, :, 1], rows[0, :, 2] = (~second).double(), second.double()
    place = (1 - time) * noise + time * rows
    scores = field(place, place.new_full((1, n), time), place[..., :0])
    found = field.velocity(scores, place, time).detach()
    # What is left is uncorrelated with every function of the place.
    left = rows - noise - found
    for seen in (torch.ones_like(place[..., :1]), place, place**2, place.sign()):
        assert (left.unsqueeze(-1) * seen.unsqueeze(-2)).mean((0, 1)).abs().max() < 0.01


def test_losses_are_squared_errors_and_cross_entropies():
    field = network()
    rows = torch.tensor([[[0.5, -1.0, 1, 0, 0, 0, 1], [1.0, 2.0, 0, 0, 1, 0, 0]]]).double()
    noise, scores = torch.randn_like(rows), torch.randn_like(rows)
    found = field.loss(scores, noise, rows)
    squared = (scores[..., :2] - (rows - noise)[..., :2]).square().sum(-1)
    first, second = scores[..., 2:4].log_softmax(-1), scores[..., 4:].log_softmax(-1)
    # The second row has no level of the first block: it costs nothing there.
    expected = squared - torch.stack([first[0, 0, 0] + second[0, 0, 2], second[0, 1, 0]])
    torch.testing.assert_close(found, expected / 4)


def test_times_are_spread_over_each_batch_and_members_draw_apart():
    objective = FlowMatching(network(n_members=2), MemberRandom([0, 1]))
    times = objective._times(torch.zeros(2, 50, 7), objective.random)
    assert (times.mul(50).floor() == torch.arange(50)).all()
    assert not torch.equal(times[0], times[1])


def test_validation_has_the_same_noise_each_time_and_the_average_follows():
    field = network()
    objective = FlowMatching(field, MemberRandom([0]))
    rows = torch.randn(20, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    batch = Arrays(rows[:, :0], y=rows).whole()
    first = objective.evaluate(objective.modules, batch)[0]
    assert torch.equal(first, objective.evaluate(objective.modules, batch)[0])
    before = field.last.weight.clone()
    means = [objective.modules["module"].average.last.weight.clone()]
    for _ in range(3):
        steps = objective.steps(objective.modules, batch)
        next(steps)
        field.last.weight.data += 1.0
        with pytest.raises(StopIteration):
            next(steps)
        means.append(objective.modules["module"].average.last.weight.clone())
    expected = before
    for step, mean in enumerate(means):
        if step:
            expected = torch.lerp(expected, before + step, 10 / (10 + step))
        torch.testing.assert_close(mean, expected)
