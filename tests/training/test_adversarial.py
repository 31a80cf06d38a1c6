"""Two players: losses by hand, turns, and what the contract was widened by."""

import pytest
import torch
from torch import nn

from sklearn_modern.networks.adversarial import TableCritic, TableGenerator
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.adversarial import StandardGame, WassersteinGame
from sklearn_modern.training.optimizers import make_optimizer
from sklearn_modern.training.sources import Arrays, Part
from sklearn_modern.training.trainer import Trainer


def game(kind=WassersteinGame, n_members=1, **settings):
    penalty = {"gradient_penalty": 10.0} if kind is WassersteinGame else {}
    random = MemberRandom(range(n_members))
    generator = TableGenerator(3, 2, [2], 0, (8,), random)
    critic = TableCritic(4, 0, (8,), random, activation="leaky_relu")
    return kind(generator, critic, random, **{"n_critic": 2} | penalty | settings)


def rows(n=12):
    numbers = torch.randn(n, 4, generator=torch.Generator().manual_seed(1))
    return Arrays(numbers[:, :0], y=numbers)


def played(objective):
    """Return the names and losses of the turns of one step, in which nothing is updated."""
    return [
        (tuple(names), loss) for names, loss in objective.steps(objective.modules, rows().whole())
    ]


@pytest.mark.parametrize("n_critic", [1, 3])
def test_the_critic_has_its_turns_after_the_generators(n_critic):
    turns = played(game(StandardGame, n_critic=n_critic))
    assert [names for names, _ in turns] == [("module",), *[("critic",)] * n_critic]


def streams():
    """Return streams that are where those of a new game are, after its weights are drawn."""
    return game().random


@pytest.mark.parametrize("kind", [WassersteinGame, StandardGame])
def test_losses_are_those_of_the_papers(kind):
    objective, random, batch = game(kind, n_critic=1), streams(), rows().whole()
    (_, of_generator), (_, of_critic) = played(objective)
    critic, generator = objective.modules["critic"], objective.modules["module"].trained
    made = [generator(random.normal_like(torch.empty(1, 12, 5)), batch.x) for _ in range(2)]
    first, second, real = (critic(own, batch.x) for own in (*made, batch.y))
    if kind is StandardGame:
        torch.testing.assert_close(of_generator, -first.sigmoid().log())
        expected = -real.sigmoid().log() - (1 - second.sigmoid()).log()
        torch.testing.assert_close(of_critic, expected)
        return
    torch.testing.assert_close(of_generator, -first)
    share = random.uniform_like(torch.empty(1, 12)).unsqueeze(-1)
    between = (batch.y + share * (made[1] - batch.y)).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(between, batch.x).sum(), between)
    expected = second - real + 10.0 * (slope.norm(dim=-1) - 1).square()
    torch.testing.assert_close(of_critic, expected, rtol=1e-4, atol=1e-4)


def test_the_penalty_trains_the_critic():
    """Its gradient is that of finite differences: it goes through a gradient."""
    objective = game(n_critic=1, gradient_penalty=5.0)
    critic = objective.modules["critic"].double()
    real, made = torch.randn(2, 1, 6, 4, dtype=torch.float64)

    def penalty():
        objective.random = MemberRandom([0])
        return objective._penalty(critic, real, made, real[..., :0]).sum()

    weight = critic.body.hidden[0].linear.weight
    (found,) = torch.autograd.grad(penalty(), weight)
    expected = []
    for sign in (1, -1):
        weight.data[0, 0, 0] += sign * 1e-5
        expected.append(penalty().item())
        weight.data[0, 0, 0] -= sign * 1e-5
    assert found[0, 0, 0].item() == pytest.approx((expected[0] - expected[1]) / 2e-5, rel=1e-4)


def test_what_an_objective_counts_is_recorded_and_its_betas_are_used():
    objective = game(n_critic=3, gradient_penalty=1.0)
    net = Trainer(
        objective, random=objective.random, solver="adam", lr=0.01, max_epochs=3, batch_size=4,
        train_split=None, verbose=0,
    ).initialize()  # fmt: skip
    groups = [group for optimizer in net.optimizers() for group in optimizer.param_groups]
    assert {group["betas"] for group in groups} == {(0.5, 0.9)}
    net.train_on(Part(rows(), torch.arange(12)))
    assert len(net.history[:, "critic_loss"]) == 3
    assert net.history[:, "critic_loss"] != net.history[:, "train_loss"]
    assert objective._critic_losses == []


def test_adam_with_other_betas_is_that_of_torch():
    module, other = (nn.Linear(3, 2) for _ in range(2))
    other.load_state_dict(module.state_dict())
    ours = make_optimizer(module, "adam", 0.1, 0.0, betas=(0.5, 0.9))
    theirs = torch.optim.Adam(other.parameters(), lr=0.1, betas=(0.5, 0.9))
    for _ in range(4):
        x = torch.randn(5, 3)
        for net, optimizer in ((module, ours), (other, theirs)):
            optimizer.zero_grad()
            net(x).square().sum().backward()
            optimizer.step()
    torch.testing.assert_close(module.weight, other.weight)
