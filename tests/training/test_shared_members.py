"""Members that share weights, compared with a plain loop over each member's own formula."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from skorch.callbacks import Callback
from support.single_networks import MLPClassifier, MLPRegressor

from sklearn_modern.networks.layers import AdaptedLinear
from sklearn_modern.networks.mlp import MLP
from sklearn_modern.networks.random import MemberRandom

MEMBERS, N_ROWS, SIZE = 3, 40, 16
SETTINGS = {
    "hidden_layer_sizes": (6, 5),
    "activation": "tanh",
    "input_scaling": None,
    "dropout": 0.0,
    "learning_rate": "constant",
    "learning_rate_init": 0.02,
    "batch_size": SIZE,
    "max_iter": 3,
    "n_members": MEMBERS,
    "members": "shared",
    "precision": "float64",
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(N_ROWS, 4))


@pytest.fixture
def y(X):
    return (X[:, 0] * X[:, 1] > 0).astype(int)


class Start(Callback):
    """Keep the initial weights and random streams."""

    def on_train_begin(self, net, **kwargs):
        self.state = copy.deepcopy(net.module_.state_dict())
        self.random = copy.deepcopy(net.random)


def scores(state, member, x):
    """Return what a member makes of rows."""
    for layer in ("body.hidden.0.linear", "body.hidden.1.linear"):
        before, after = state[f"{layer}.before"][member, :, 0], state[f"{layer}.after"][member, 0]
        x = ((x * before) @ state[f"{layer}.weight"][0]) * after + state[f"{layer}.bias"][member, 0]
        x = x.tanh()
    return x @ state["head.linear.weight"][member].T + state["head.linear.bias"][member, :, 0]


def by_hand(start, X, y, solver, alpha):
    """Train for the mean of the members' losses."""
    state = {name: value.clone().requires_grad_() for name, value in start.state.items()}
    optimizer = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
        "adam": lambda p: torch.optim.Adam(p, lr=0.02),
    }[solver](state.values())
    X, y = torch.tensor(X), torch.tensor(y)
    for _ in range(SETTINGS["max_iter"]):
        orders = start.random.permutations(len(X))
        for begin in range(0, len(X), SIZE):
            loss = 0.0
            for member, order in enumerate(orders):
                rows = order[begin : begin + SIZE]
                head = state["head.linear.weight"][member].square().sum() * alpha / 2 / SIZE
                loss = loss + head + F.cross_entropy(scores(state, member, X[rows]), y[rows])
            shared = sum(state[f"body.hidden.{i}.linear.weight"].square().sum() for i in (0, 1))
            optimizer.zero_grad()
            (loss / MEMBERS + alpha / 2 / SIZE * shared).backward()
            optimizer.step()
    return state


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_they_train_for_the_mean_of_their_losses_as_by_hand(X, y, solver):
    start = Start()
    clf = MLPClassifier(**SETTINGS, solver=solver, alpha=0.3, callbacks=[("start", start)])
    clf.fit(X, y)
    start = dict(clf.net_.callbacks_)["start"]
    expected = by_hand(start, X, y, solver, 0.3)
    for name, value in clf.net_.module_.state_dict().items():
        np.testing.assert_allclose(value, expected[name].detach(), atol=1e-11, err_msg=name)
    probabilities = [scores(expected, m, torch.tensor(X)).softmax(1) for m in range(MEMBERS)]
    np.testing.assert_allclose(
        clf.predict_proba(X), torch.stack(probabilities).mean(0).detach(), atol=1e-11
    )


def test_their_gradient_is_clipped_as_one(X, y):
    settings = SETTINGS | {"solver": "sgd", "momentum": 0, "max_iter": 1, "batch_size": N_ROWS}

    def move(**more):
        clf = MLPClassifier(**settings | more, alpha=0, callbacks=[("start", Start())]).fit(X, y)
        before = dict(clf.net_.callbacks_)["start"].state
        after = clf.net_.module_.state_dict()
        return torch.cat([(after[name] - before[name]).flatten() for name in before])

    free, clipped = move(), move(gradient_clip=0.01)
    np.testing.assert_allclose(clipped, free * (0.01 * 0.02 / free.norm()), rtol=1e-3)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_one_member_shares_nothing(X, y, kind):
    settings = SETTINGS | {"n_members": 1, "precision": "float32"}
    kinds = "shared", "independent"
    shared, alone = (kind(**settings | {"members": members}).fit(X, y) for members in kinds)
    assert shared.net_.module_.state_dict().keys() == alone.net_.module_.state_dict().keys()
    np.testing.assert_array_equal(shared.predict(X), alone.predict(X))


def test_they_stop_as_one(X, y):
    settings = SETTINGS | {"max_iter": 200, "n_iter_no_change": 3, "learning_rate_init": 0.05}
    clf = MLPClassifier(**settings, early_stopping=True, validation_fraction=0.3).fit(X, y)
    scores = clf.validation_scores_
    assert len(scores) < 200
    progress = dict(clf.net_.callbacks_)["progress"]
    assert progress.best_score_.tolist() == [pytest.approx(max(scores))]


@pytest.mark.parametrize("embedding", [None, "periodic", "piecewise_linear"])
def test_rows_of_members_are_embedded_as_rows_of_one(embedding):
    edges = [np.linspace(-1, 1, 5)] * 2
    random = MemberRandom(range(4), team=4)
    body = MLP(
        2, [3, 12], [6], random, numerical_embedding=embedding, bin_edges=edges, activation="tanh"
    ).eval()
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randn(4, 7, 2, generator=generator)
    codes = torch.randint(0, 3, (4, 7, 2), generator=generator)
    together = body((numbers, codes))
    for member in range(4):
        own = body((numbers[member : member + 1], codes[member : member + 1]))
        torch.testing.assert_close(together[member], own[member])


def test_adapters_start_with_signs_in_the_first_layer_only():
    body = MLP(5, [], [6, 6], MemberRandom(range(8), team=8))
    first, second = (layer.linear for layer in body.hidden)
    assert isinstance(first, AdaptedLinear)
    assert set(first.before.flatten().tolist()) == {-1.0, 1.0}
    assert len(torch.unique(first.before.detach(), dim=0)) > 4
    assert (torch.cat([second.before.flatten(), second.after.flatten()]) == 1).all()


@pytest.mark.parametrize("team", [1, 3])
def test_bins_start_silent(team):
    edges = [np.linspace(-1, 1, 5)] * 4
    bodies = [
        MLP(4, [3], [6, 5], MemberRandom(range(3), team), numerical_embedding=e, bin_edges=edges)
        for e in (None, "piecewise_linear")
    ]
    generator = torch.Generator().manual_seed(0)
    x = (
        torch.randn(3, 7, 4, generator=generator),
        torch.randint(0, 3, (3, 7, 1), generator=generator),
    )
    plain, binned = (body.eval()(x) for body in bodies)
    if team == 1:
        torch.testing.assert_close(binned, plain)
    weight = bodies[1].hidden[0].linear.weight
    assert not weight[:, 4:20].any()
    assert weight[:, :4].all()
    assert weight[:, 20:].all()
    binned.sum().backward()
    assert weight.grad[:, 4:20].any()
