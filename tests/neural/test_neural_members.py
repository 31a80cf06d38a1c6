"""What every neural estimator promises about its members, and their precision."""

import numpy as np
import pytest
import torch
from sklearn.base import is_regressor
from skorch.callbacks import Callback
from support.neural_instances import KINDS, STOPPING, each

from sklearn_modern.networks.members import owners
from sklearn_modern.training.masked import Masked
from sklearn_modern.training.objective import Objective
from sklearn_modern.training.supervised import Supervised

each_kind = each(KINDS)


def independent(instance, n_members):
    """Return the settings with which each of several members is a network of its own."""
    members = {"members": "independent"} if hasattr(instance.kind, "members") else {}
    return members | {"n_members": n_members}


def of_member(estimator, member, *, trained=False):
    """Return what is saved or trained of a member, by the names that it has alone."""
    found = {}
    for module_name, module in estimator.net_.objective.modules.items():
        values, owner_of = module.named_parameters(), owners(module)
        values = ((name, value) for name, value in values if value.requires_grad)
        for name, value in values if trained else module.state_dict().items():
            owner, own_name = owner_of.get(name), name.replace(f".bodies.{member}.", ".bodies.0.")
            if owner in (None, member):
                has_axis = owner is None and value.ndim and len(value) == estimator.n_members
                value = (value[member] if has_axis else value).detach().clone()
                found[f"{module_name}.{own_name}"] = value
    return found


@pytest.mark.parametrize(
    ("instance", "settings"),
    [
        pytest.param(instance, settings, id=f"{name} {settings}")
        for name, instance in KINDS.items()
        for settings in (
            {"early_stopping": False},
            {"early_stopping": True, "validation_fraction": 0.3},
        )
        if name in STOPPING or not settings["early_stopping"]
    ],
)
def test_a_member_does_not_depend_on_its_neighbours(instance, settings):
    settings = {"precision": "float64", "gradient_clip": 0.05} | settings
    alone, among = (
        instance.fitted(**settings),
        instance.fitted(**settings, **independent(instance, 3)),
    )
    own, first, second = of_member(alone, 0), of_member(among, 0), of_member(among, 1)
    assert own.keys() == first.keys()
    for name in own:
        np.testing.assert_allclose(first[name], own[name], rtol=0, atol=1e-10, err_msg=name)
    assert max((first[k] - second[k]).abs().max() for k in first) > 1e-3


class Epochs(Callback):
    """Keep each member's state at the start and after every epoch."""

    def __init__(self, estimator, **options):
        self.estimator, self.options, self.states = estimator, options, []

    def on_train_begin(self, net, **kwargs):
        members = range(self.estimator.n_members)
        self.states.append([of_member(self.estimator, m, **self.options) for m in members])

    def on_epoch_end(self, net, **kwargs):
        self.on_train_begin(net)


@each(STOPPING)
def test_early_stopping_keeps_each_members_best_epoch(instance, monkeypatch):
    scores = iter(torch.tensor([[1.0, 3.0], [3.0, 1.0], [2.0, 2.0], [0.0, 0.0]]))
    for kind in (Objective, Supervised, Masked):
        monkeypatch.setattr(kind, "score", lambda *args: next(scores))
    model = instance.make(early_stopping=True, max_iter=4, **independent(instance, 2))
    seen = Epochs(model)
    model.set_params(callbacks=[seen]).fit(*instance.data(40))
    for member, best in enumerate((2, 1)):
        kept, expected, last = (
            of_member(model, member),
            *(seen.states[i][member] for i in (best, 4)),
        )
        assert max(float((kept[k] - last[k]).abs().max()) for k in kept) > 1e-4
        for name, value in kept.items():
            if value.ndim:  # counters belong to all members
                np.testing.assert_array_equal(value, expected[name], err_msg=name)


# The second player's gradient depends on the first one's step.
@each({name: i for name, i in STOPPING.items() if name != "WassersteinGAN"})
@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("clip", [0.01, 1e6])
def test_the_gradient_of_each_member_is_clipped_to_its_norm(instance, n_members, clip):
    settings = {"solver": "sgd", "momentum": 0, "batch_size": 40, "max_iter": 1, "alpha": 0}
    settings |= {"precision": "float64"} | independent(instance, n_members)
    if hasattr(instance.kind, "threshold_learning_rate_factor"):
        settings["threshold_learning_rate_factor"] = 1.0

    def steps(**more):
        model = instance.make(**settings, **more)
        seen = Epochs(model, trained=True)
        model.set_params(callbacks=[seen]).fit(*instance.data(40))
        moves = (
            torch.cat([(after[k] - before[k]).flatten() for k in before])
            for before, after in zip(*seen.states, strict=True)
        )
        return torch.stack(list(moves))

    free, clipped = steps(), steps(gradient_clip=clip)
    factor = (clip * 0.01 / free.norm(dim=1, keepdim=True)).clamp(max=1.0)
    np.testing.assert_allclose(clipped, free * factor, rtol=1e-3, atol=1e-12)


# Precision.


@each_kind
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float64"])
def test_weights_and_predictions_have_the_precision(instance, precision):
    model = instance.fitted(precision=precision, n_members=2)
    expected = torch.float64 if precision == "float64" else torch.float32
    weights = [value.dtype for _, value in model.net_.get_all_learnable_params()]
    assert set(weights) == {expected}
    decoded = torch.from_numpy(model._decode(instance.data(40)[0]))
    # Values are in units of y, which are float64.
    assert decoded.dtype == (torch.float64 if is_regressor(model) else expected)
