"""What every objective promises, and that the trainer keeps to it."""

import copy

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, EpochScoring
from support.adversarial import WassersteinGAN
from support.autoencoder import VariationalAutoencoder
from support.single_networks import MLPClassifier
from torch import nn

from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.objective import Objective
from sklearn_modern.training.sources import Arrays, Part
from sklearn_modern.training.trainer import Trainer

TRAINING = {"max_iter": 3, "batch_size": 8, "device": "cpu", "random_state": 0}
X = np.random.default_rng(0).normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)
KINDS = {
    "supervised": MLPClassifier((6,), **TRAINING),
    "without y": VariationalAutoencoder(width=6, **TRAINING),
    "two players": WassersteinGAN(width=6, **TRAINING),
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def fitted(kind, n_members=1, **settings):
    y = Y if kind == "supervised" else None
    model = copy.deepcopy(KINDS[kind]).set_params(n_members=n_members, **settings)
    return model.fit(X, y)


@each_kind
@pytest.mark.parametrize("n_members", [1, 2])
def test_steps_name_modules_and_give_one_loss_per_row(kind, n_members):
    model = fitted(kind, n_members)
    net, objective = model.net_, model.net_.objective
    y = torch.from_numpy(Y) if kind == "supervised" else None
    batch = Arrays(torch.from_numpy(X).float(), y).whole()
    named = set()
    for names, losses in objective.steps(objective.modules, batch):
        assert losses.shape == (n_members, len(X))
        assert losses.isfinite().all()
        named |= set(names)
    assert named == set(objective.modules)
    losses, _ = objective.evaluate(objective.modules, batch)
    assert losses.shape == (n_members, len(X))
    outputs = objective.outputs(objective.modules, batch)
    assert outputs.shape[:2] == (n_members, len(X))
    assert len(objective.decide(objective.decode(outputs))) == len(X)
    assert objective.products > 0
    assert objective.rows_together() > 0
    batches = objective.batches(Part(Arrays(torch.from_numpy(X)), torch.arange(40)), 16, net.random)
    assert [len(part) for part in batches] == [16, 16, 8]
    assert set(objective.rates) <= set(objective.modules)


@each_kind
@pytest.mark.parametrize("n_members", [1, 2])
def test_a_validation_has_a_score(kind, n_members):
    model = fitted(kind, n_members, early_stopping=True, validation_fraction=0.25)
    assert len(model.validation_scores_) == 3
    if kind != "supervised":
        losses = model.net_.history[:, "valid_loss"]
        np.testing.assert_allclose(model.validation_scores_, -np.array(losses), rtol=1e-6)


@each_kind
def test_callbacks_that_watch_change_nothing(kind):
    class Watcher(Callback):
        shapes = ()

        def on_batch_end(self, net, y_pred, **kwargs):
            self.shapes = (*self.shapes, y_pred.shape[:2])

    watcher = Watcher()
    watched = fitted(kind, early_stopping=True, callbacks=[("watcher", watcher)])
    alone = fitted(kind, early_stopping=True)
    assert watched.loss_curve_ == pytest.approx(alone.loss_curve_, rel=1e-6)
    shapes = dict(watched.net_.callbacks_)["watcher"].shapes
    assert set(shapes) >= {(1, 8), (1, 4)}
    for name, module in alone.net_.objective.modules.items():
        theirs = watched.net_.objective.modules[name].state_dict()
        for key, value in module.state_dict().items():
            assert torch.equal(theirs[key], value)


def test_the_best_epoch_of_all_modules_is_kept():
    """The third epoch is the best, and all modules go back to it."""

    class Played(Tug):
        scores = (1.0, 2.0, 5.0, 3.0, 4.0)

        def score(self, loss, outputs, y, weight):
            self.epoch = getattr(self, "epoch", -1) + 1
            self.seen = [*getattr(self, "seen", []), copy.deepcopy(self.modules)]
            return torch.full_like(loss, self.scores[self.epoch])

    objective = Played()
    net = trainer(objective, max_epochs=5)
    dict(net.callbacks_)["progress"].validate = True
    net.train_on(rows(), rows())
    best = objective.seen[2]
    for name, module in objective.modules.items():
        assert not torch.equal(module.weight, objective.seen[-1][name].weight)
        assert torch.equal(module.weight, best[name].weight)


# A tug of war: each side wants the sum of both on its side of zero.


class Tug(Objective):
    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        self.modules = {name: nn.Linear(2, 1, bias=False) for name in ("left", "right")}
        for module in self.modules.values():
            module.weight.data = torch.rand(1, 2, generator=generator)
        self.events = []

    def together(self, modules, batch):
        return sum(module(batch.x) for module in modules.values()).squeeze(-1)

    def steps(self, modules, batch):
        before = {name: module.weight.detach().clone() for name, module in modules.items()}
        yield ("left",), self.together(modules, batch).square()
        self.events.append(
            [name for name in modules if not torch.equal(before[name], modules[name].weight)]
        )
        yield ["right"], -self.together(modules, batch)
        self.events.append(
            [name for name in modules if not torch.equal(before[name], modules[name].weight)]
        )

    def outputs(self, modules, batch):
        return self.together(modules, batch)


def rows(weight=None):
    x = torch.randn(12, 2, generator=torch.Generator().manual_seed(1))
    return Part(Arrays(x, weight=weight), torch.arange(12))


def trainer(objective, seeds=(0,), **settings):
    from sklearn_modern.training.callbacks import Progress

    defaults = {"solver": "sgd", "lr": 0.05, "max_epochs": 2, "batch_size": 4, "verbose": 0}
    net = Trainer(
        objective,
        random=MemberRandom(list(seeds)),
        callbacks=[("progress", Progress(patience=100))],
        train_split=None,
        **defaults | settings,
    )
    return net.initialize()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("clip", [None, 0.05])
def test_two_players_do_what_a_bare_loop_does(weighted, clip):
    """Gradients reach the named module only, and what follows a yield sees its update."""
    weight = torch.linspace(0.5, 1.5, 12) if weighted else None
    objective, bare = Tug(), Tug().modules
    trainer(objective, gradient_clip=clip).train_on(rows(weight))
    assert objective.events == [["left"], ["left", "right"]] * 6
    source, random = rows(weight).source, MemberRandom([0])
    steppers = {name: torch.optim.SGD(m.parameters(), lr=0.05) for name, m in bare.items()}
    for _ in range(2):
        for index in random.permutations(12).split(4, dim=1):
            batch = source.take(index)
            share = 1 if batch.weight is None else batch.weight
            for name, power, sign in (("left", 2, 1), ("right", 1, -1)):
                steppers[name].zero_grad()
                loss = sign * Tug.together(None, bare, batch) ** power
                (share * loss).mean().backward()
                if clip:
                    nn.utils.clip_grad_norm_(bare[name].parameters(), clip)
                steppers[name].step()
    for name, module in objective.modules.items():
        torch.testing.assert_close(module.weight, bare[name].weight)


def test_each_module_has_an_optimiser_of_its_own():
    net = trainer(Tug())
    assert net.left_ is net.objective.modules["left"]
    assert net.left_optimizer_.param_groups[0]["params"] == [net.left_.weight]
    assert len(net.optimizers()) == 2


class Wrong(Tug):
    def __init__(self, names=("left",), shape=None):
        super().__init__()
        self.names, self.shape = names, shape

    def steps(self, modules, batch):
        if self.names:
            losses = self.together(modules, batch)
            yield self.names, losses if self.shape is None else losses.expand(*self.shape)


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (Wrong(names=("middle",)), r"trains the modules \('middle',\), but it has \['left', 'rig"),
        (Wrong(shape=(2, 4)), r"shape \(2, 4\), but there are 1 members and 4 rows"),
        (Wrong(names=()), "yields no losses"),
    ],
)
def test_what_an_objective_must_not_do_is_refused(objective, message):
    with pytest.raises(ValueError, match=message):
        trainer(objective).train_on(rows())


def test_losses_of_low_precision_are_summed_in_single_precision():
    class Low(Tug):
        def steps(self, modules, batch):
            losses = 0 * modules["left"](batch.x).squeeze(-1) + 1
            yield ("left",), losses.bfloat16()

    part = Part(Arrays(torch.zeros(257, 2)), torch.arange(257))
    net = trainer(Low(), batch_size=257, max_epochs=1).train_on(part, part)
    assert net.history[-1]["train_loss"] == net.history[-1]["valid_loss"] == 1
    assert net.history[-1]["valid_score"] == -1


def test_parameters_that_members_would_share_are_refused():
    with pytest.raises(ValueError, match=r"'weight' of Linear has the shape \(1, 2\).*2 members"):
        trainer(Tug(), seeds=(0, 1)).train_on(rows())


def test_lbfgs_refuses_a_second_update():
    class Twice(Tug):
        def __init__(self):
            super().__init__()
            del self.modules["right"]

        def steps(self, modules, batch):
            yield ("left",), modules["left"](batch.x).squeeze(-1).square()
            yield ("left",), -modules["left"](batch.x).squeeze(-1)

        def outputs(self, modules, batch):
            return modules["left"](batch.x)

    with pytest.raises(ValueError, match="lbfgs' minimises one loss"):
        trainer(Twice(), solver="lbfgs", batch_size=12).train_on(rows())


def test_losses_of_a_validation_must_be_of_each_member():
    class Short(Tug):
        def evaluate(self, modules, batch):
            return torch.zeros(1, len(batch) - 1), None

    with pytest.raises(ValueError, match=r"shape \(1, 11\), but there are 1 members and 12 rows"):
        trainer(Short()).train_on(rows(), rows())


def test_parameters_without_a_part_in_the_losses_stay():
    class Idle(Tug):
        def steps(self, modules, batch):
            yield ("left", "right"), modules["left"](batch.x).squeeze(-1).square()

    objective = Idle()
    before = copy.deepcopy(objective.modules)
    trainer(objective, solver="adam").train_on(rows())
    assert torch.equal(objective.modules["right"].weight, before["right"].weight)
    assert not torch.equal(objective.modules["left"].weight, before["left"].weight)


def test_lbfgs_trains_one_module():
    with pytest.raises(ValueError, match=r"one module, but there are \['generator', 'critic'\]"):
        fitted("two players", solver="lbfgs", batch_size="auto")
    model = fitted("without y", solver="lbfgs", batch_size="auto", max_iter=10, alpha=0)
    assert model.loss_curve_[-1] < model.loss_curve_[0]


def test_epoch_scores_of_members_see_the_outputs_that_steps_return():
    scoring = EpochScoring("accuracy", name="seen", lower_is_better=False, on_train=True)
    model = fitted("supervised", 2, callbacks=[scoring])
    assert all(0 <= score <= 1 for score in model.history_[:, "seen"])
