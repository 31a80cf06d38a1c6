"""What a network that has learned already needs: frozen parts, foreign modules, rates of parts."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sklearn_modern.heads.categorical import Softmax
from sklearn_modern.networks.convolutional import ConvNet
from sklearn_modern.networks.foreign import ForeignBody
from sklearn_modern.networks.mlp import MLP
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.batches import Arrays, Rows
from sklearn_modern.training.objective import Supervised
from sklearn_modern.training.optimizers import LeanAdam, make_optimizer
from sklearn_modern.training.schedules import SCHEDULES
from sklearn_modern.training.trainer import Trainer

SHAPE, N_ROWS, N_CLASSES = (2, 6, 5), 12, 3


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def rows():
    y = torch.arange(N_ROWS) % N_CLASSES
    return Rows(Arrays(normal(N_ROWS, *SHAPE), y), torch.arange(N_ROWS))


def small_net(architecture="resnet", members=1):
    random = MemberRandom(range(members))
    return ConvNet(SHAPE, random, architecture=architecture, width=4).double()


def trainer(body, members=1, body_rate=0.1, **settings):
    """Make a trainer whose batches have all rows."""
    random = MemberRandom(range(members))
    head = Softmax(body.n_features_out, N_CLASSES, random).double()
    settings = {"solver": "adamw", "lr": 0.02, "max_epochs": 4} | settings
    return Trainer(
        Supervised(body, head, body_rate=body_rate),
        random=random,
        batch_size=N_ROWS,
        train_split=None,
        callbacks=[],
        verbose=0,
        device="cpu",
        **settings,
    ).initialize()


def changed(before, module):
    """Return the names of all parameters and buffers that are not what they were."""
    return {name for name, v in module.state_dict().items() if not torch.equal(before[name], v)}


# Frozen parts


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("solver", ["adamw", "sgd", "lbfgs"])
@pytest.mark.parametrize("n_parts", [0, 2, 4])
def test_only_what_is_not_frozen_learns(n_parts, solver, members):
    if solver == "lbfgs" and members > 1:
        return
    body = small_net(members=members)
    body.freeze(n_parts)
    before = copy.deepcopy(body.state_dict())
    net = trainer(body, members, solver=solver, penalty=0.1, decay=0.1)
    net.partial_fit(rows())
    kept = tuple(f"blocks.{place}." for place in range(n_parts))
    learned = {name for name in before if not name.startswith((*kept, "standardize."))}
    assert changed(before, body) == learned
    assert changed(copy.deepcopy(trainer(body).module_.head.state_dict()), net.module_.head)


@pytest.mark.parametrize("architecture", ["resnet", "lenet"])
def test_frozen_parts_stay_in_evaluation_mode(architecture):
    body = small_net(architecture)
    parts = body.parts()
    body.freeze(2)
    for net in (body, trainer(body).module_, copy.deepcopy(body)):
        net.eval()
        net.train()
    assert [part.training for part in parts] == [False] * 2 + [True] * (len(parts) - 2)
    body.eval()
    body.freeze(1)
    assert not any(module.training for module in body.modules())


def test_a_copy_keeps_its_own_parts_frozen():
    body = small_net()
    body.freeze(2)
    twin = copy.deepcopy(body)
    body.freeze(0)
    twin.train()
    assert not twin.blocks[1].training
    assert body.blocks[1].training


@pytest.mark.parametrize("n_parts", [0, 1])
@pytest.mark.parametrize("kind", ["convolutional", "foreign", "mlp"])
def test_freezing_fewer_parts_frees_the_others(kind, n_parts):
    body = {
        "convolutional": small_net,
        "foreign": lambda: foreign(CONVOLUTIONS),
        "mlp": lambda: MLP(3, (), (4, 4), MemberRandom([0]), numerical_embedding="periodic"),
    }[kind]()
    parts = body.parts()
    body.freeze(len(parts))
    assert not any(p.requires_grad for p in body.parameters())
    body.freeze(n_parts)
    for place, part in enumerate(parts):
        assert all(p.requires_grad is (place >= n_parts) for p in part.parameters())
        assert part.training is (place >= n_parts)


# Foreign modules


class WithOwnParameter(nn.Module):
    """One whose parts are not all that it has."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(5, 1, 1))
        self.conv = nn.Conv2d(2, 5, 3)

    def forward(self, x):
        return self.conv(x) * self.scale


class Twice(nn.Module):
    def forward(self, x):
        return x, x


DENSE = nn.Sequential(nn.Flatten(), nn.Linear(2 * 6 * 5, 7), nn.Tanh())
CONVOLUTIONS = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 3))
DROPOUT = nn.Sequential(nn.Dropout(0.4), nn.Flatten(), nn.Linear(2 * 6 * 5, 40), nn.Dropout(0.4))
MODULES = {
    "dense": DENSE,
    "convolutions": CONVOLUTIONS,
    "dropout": DROPOUT,
    "own parameter": WithOwnParameter(),
}

each_module = pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)


def foreign(module, seed=0):
    mean, scale = normal(2, seed=1).numpy(), normal(2, seed=2).exp().numpy()
    return ForeignBody(module, SHAPE, MemberRandom([seed]), mean=mean, scale=scale)


@each_module
def test_foreign_features_are_the_modules_of_standardised_pixels(module):
    body, x = foreign(module).double().eval(), normal(1, 4, *SHAPE)
    mean, scale = (v.float().double().view(2, 1, 1) for v in (normal(2, seed=1), 0))
    scale = normal(2, seed=2).exp().view(2, 1, 1)
    expected = copy.deepcopy(module).double().eval()((x[0] - mean) / scale)
    expected = expected.mean((2, 3)) if expected.ndim == 4 else expected
    assert body(x).shape == (1, 4, body.n_features_out)
    torch.testing.assert_close(body(x)[0], expected, rtol=1e-5, atol=1e-6)
