"""What a network that has learned already needs: frozen parts, foreign modules, rates of parts."""

import copy
import re

import numpy as np
import pytest
import torch
from torch import nn

from sklearn_modern.heads.categorical import Softmax
from sklearn_modern.networks.convnet import ConvNet
from sklearn_modern.networks.foreign import ForeignBody
from sklearn_modern.networks.mlp import MLP
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.optimizers import LeanAdam, make_optimizer
from sklearn_modern.training.schedules import SCHEDULES
from sklearn_modern.training.sources import Arrays, Part
from sklearn_modern.training.supervised import Supervised
from sklearn_modern.training.trainer import Trainer

SHAPE, N_ROWS, N_CLASSES = (2, 6, 5), 12, 3


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def rows():
    y = torch.arange(N_ROWS) % N_CLASSES
    return Part(Arrays(normal(N_ROWS, *SHAPE), y), torch.arange(N_ROWS))


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


@pytest.mark.parametrize(
    ("solver", "members"), [("adamw", 1), ("adamw", 2), ("sgd", 2), ("lbfgs", 1)]
)
@pytest.mark.parametrize("n_parts", [0, 2, 4])
def test_only_what_is_not_frozen_learns(n_parts, solver, members):
    body = small_net(members=members)
    body.freeze(n_parts)
    before = copy.deepcopy(body.state_dict())
    net = trainer(body, members, solver=solver, penalty=0.1, decay=0.1)
    net.train_on(rows())
    kept = tuple(f"blocks.{place}." for place in range(n_parts))
    learned = {name for name in before if not name.startswith((*kept, "standardize."))}
    assert changed(before, body) == learned
    head = net.module_.head
    assert changed(trainer(body, members).module_.head.state_dict(), head) == {*head.state_dict()}


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


# Exact in single precision.
MEAN, SCALE = np.array([0.5, -1.0]), np.array([2.0, 0.25])


def foreign(module, seed=0):
    random = MemberRandom([seed])
    return ForeignBody(module, SHAPE, random, mean=MEAN, scale=SCALE).double()


@each_module
def test_foreign_features_are_the_modules_of_standardised_pixels(module):
    body, x = foreign(module).eval(), normal(1, 4, *SHAPE)
    mean, scale = (torch.from_numpy(values).view(2, 1, 1) for values in (MEAN, SCALE))
    expected = copy.deepcopy(module).double().eval()((x[0] - mean) / scale)
    if expected.ndim == 4:
        expected = expected.mean((2, 3))
    assert body.n_features_out == expected.shape[1]
    torch.testing.assert_close(body(x)[0], expected)


@each_module
def test_a_foreign_module_itself_is_left_alone(module):
    module.eval()
    before, body = copy.deepcopy(module.state_dict()), foreign(module)
    start = copy.deepcopy(body.module.state_dict())
    trainer(body).train_on(rows())
    assert changed(start, body.module) == set(before)
    body.freeze(len(body.parts()))
    assert not changed(before, module)
    assert not module.training
    assert all(p.requires_grad for p in module.parameters())
    assert all(p.dtype == torch.float32 for p in module.parameters())


@each_module
def test_a_foreign_module_can_be_frozen_whole(module):
    body = foreign(module)
    body.freeze(len(body.parts()))
    before = copy.deepcopy(body.state_dict())
    net = trainer(body).train_on(rows())
    assert not changed(before, body)
    net.module_.train()
    assert not body.module.training
    assert torch.equal(body(normal(1, 4, *SHAPE)), body(normal(1, 4, *SHAPE)))


def test_a_foreign_module_draws_from_its_members_seed():
    x = normal(1, 4, *SHAPE)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    body = foreign(DROPOUT)
    with torch.no_grad():
        first = [body(x), body(x)]
    second = body(x)
    assert torch.equal(torch.get_rng_state(), before)
    assert not first[0].isclose(first[1]).all()
    torch.manual_seed(2)
    again, other = foreign(DROPOUT), foreign(DROPOUT, seed=1)
    for expected in (*first, second):  # the second does not begin anew
        assert torch.equal(again(x), expected)
        assert not other(x).isclose(expected).all()
    assert torch.equal(body.eval()(x), body(x))


@pytest.mark.gpu
def test_a_foreign_module_leaves_the_random_state_of_its_gpu_alone():
    body, x = foreign(DROPOUT).to("cuda"), normal(1, 4, *SHAPE).to("cuda")
    before = torch.cuda.get_rng_state()
    first = [body(x), body(x)]
    assert torch.equal(torch.cuda.get_rng_state(), before)
    assert not first[0].isclose(first[1]).all()
    torch.cuda.manual_seed(2)
    assert torch.equal(foreign(DROPOUT).to("cuda")(x), first[0])


def test_a_single_row_trains_a_foreign_module_but_not_its_statistics():
    body = foreign(nn.Sequential(*DENSE, nn.BatchNorm1d(7)))
    body.freeze(1)
    before = copy.deepcopy(body.state_dict())
    body(normal(1, 1, *SHAPE)).square().sum().backward()
    assert not changed(before, body)
    assert all(p.grad.any() for p in body.parameters() if p.requires_grad)
    assert [part.training for part in body.parts()] == [False, True]


def test_the_work_of_a_foreign_module_is_counted_by_pixels():
    body = foreign(CONVOLUTIONS)
    assert body.products == 4 * 3 * (9 * 2 * 4) + 2 * 1 * (9 * 4 * 5)
    assert body.rows_together() == 2**21 // (2 * 6 * 5)  # the input is the widest
    assert foreign(DENSE).products == 2 * 6 * 5 * 7 + 7  # not less than there are parameters


def test_what_was_not_to_be_trained_stays_so():
    module = WithOwnParameter()
    module.unused = nn.Linear(2, 2)
    module.scale.requires_grad_(False)
    body = foreign(module)
    for n_parts in (0, 2, 1, 0):
        body.freeze(n_parts)
        trained = {name for name, p in body.named_parameters() if p.requires_grad}
        assert trained == ({"module.conv.weight", "module.conv.bias"} if n_parts == 0 else set())
    assert all(p.grad is None for p in body.parameters())


@pytest.mark.parametrize(
    ("module", "found"),
    [
        (nn.Flatten(0), "the shape (120,)"),
        (nn.Flatten(0, 1), "the shape (4, 6, 5)"),
        (Twice(), "tuple"),
    ],
)
def test_what_is_no_feature_is_named(module, found):
    with pytest.raises(ValueError, match=re.escape(f"the shape {SHAPE} to {found}; it must give")):
        foreign(module)


# Rates of parts


def two_layers(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1)).double()


def test_lean_adam_with_rates_is_torch_adam_with_groups():
    ours, theirs, x = two_layers(), two_layers(), normal(9, 6)
    optimizer = make_optimizer(ours, "adam", 0.05, 0.0, {ours[0]: 0.1})
    assert isinstance(optimizer, LeanAdam)
    groups = [{"params": theirs[0].parameters(), "lr": 0.005}, {"params": theirs[2].parameters()}]
    reference = torch.optim.Adam(groups, lr=0.05)
    for step in range(6):
        for net, stepper in ((ours, optimizer), (theirs, reference)):
            stepper.zero_grad()
            (net(x) - step).square().mean().backward()
            stepper.step()
    for actual, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-13)


def test_frozen_parameters_are_in_no_group():
    net = two_layers()
    net[0].weight.requires_grad_(False)
    for solver in ("adam", "sgd", "lbfgs"):
        groups = make_optimizer(net, solver, 0.05, 0.9, {net[0]: 0.1}).param_groups
        trained = [parameter for group in groups for parameter in group["params"]]
        assert {id(p) for p in trained} == {id(net[0].bias), *map(id, net[2].parameters())}
        assert len(groups) == (1 if solver == "lbfgs" else 2)


@pytest.mark.parametrize("n_frozen", [0, 3])
@pytest.mark.parametrize("schedule", ["constant", "one_cycle"])
@pytest.mark.parametrize("solver", ["adamw", "sgd"])
def test_rates_and_decay_of_parts_are_those_of_a_bare_loop(solver, schedule, n_frozen):
    """torch decays by the rate of each group, which follows the schedule."""
    body, decay, lr, n_steps = small_net("vgg"), 0.3 * (solver == "adamw"), 0.02, 6
    body.freeze(n_frozen)
    net = trainer(body, solver=solver, schedule=schedule, decay=decay, max_epochs=n_steps, lr=lr)
    bare = copy.deepcopy(net.module_)
    groups = []
    for part, factor in ((bare.body, 0.1), (bare.head, 1.0)):
        for name, parameter in part.named_parameters():
            shrinks = decay if name.endswith("weight") else 0.0
            groups.append({"params": [parameter], "factor": factor, "weight_decay": shrinks})
    kind = torch.optim.AdamW if solver == "adamw" else torch.optim.SGD
    optimizer = kind(groups, lr=lr)
    net.train_on(rows())
    batch = rows().source.whole()
    x, y = batch.x, batch.y
    for step in range(n_steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * group["factor"] * SCHEDULES[schedule](step / n_steps)
        optimizer.zero_grad()
        bare.head.loss(bare(x), y).mean().backward()
        optimizer.step()
    for name, value in bare.state_dict().items():
        torch.testing.assert_close(net.module_.state_dict()[name], value, rtol=0, atol=1e-10)
    # The schedule is over: the next training starts from the whole rates.
    rates = {g["factor"]: g["lr"] for g in net.optimizer_.param_groups}
    assert rates == {0.1: lr * 0.1, 1.0: lr}
