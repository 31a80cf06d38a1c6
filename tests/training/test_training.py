"""The training engine does what a hand-written PyTorch loop does, and skorch's callbacks see it."""

import copy
import math
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback
from support.single_networks import MLPClassifier, MLPRegressor
from torch import nn

from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.neural_network import CNNClassifier
from sklearn_modern.training.callbacks import Progress, StopTraining
from sklearn_modern.training.schedules import SCHEDULES

N_ROWS, N_CLASSES = 50, 3

# Small, exact, and never stopped before ``max_iter``.
EXACT = {
    "input_scaling": "standard",
    "solver": "adam",
    "learning_rate": "constant",
    "dropout": 0.0,
    "hidden_layer_sizes": (6, 5),
    "activation": "tanh",
    "batch_size": 16,
    "max_iter": 4,
    "n_iter_no_change": 1000,
    "learning_rate_init": 0.02,
    "alpha": 0.3,
    "precision": "float64",
    "members": "independent",
    "device": "cpu",
    "random_state": 3,
}


class Start(Callback):
    """Keep the initial weights and random streams."""

    def on_train_begin(self, net, **kwargs):
        self.state = copy.deepcopy(net.module_.state_dict())
        self.random = copy.deepcopy(net.random)


class Epochs(Callback):
    """Keep the weights and the rate of every epoch."""

    def on_train_begin(self, net, **kwargs):
        self.states, self.rates = [], []

    def on_epoch_end(self, net, **kwargs):
        self.states.append(copy.deepcopy(net.module_.state_dict()))
        self.rates.append(net.optimizer_.param_groups[0]["lr"])


class Batches(Callback):
    """Keep the rate of every batch."""

    def on_train_begin(self, net, **kwargs):
        self.rates = []

    def on_batch_end(self, net, training, **kwargs):
        if training:
            self.rates.append(net.optimizer_.param_groups[0]["lr"])


class Aside(Callback):
    """Keep the numbers of the validation rows."""

    def on_train_begin(self, net, y, **kwargs):
        self.rows = y.index.numpy()


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(N_ROWS, 4))


@pytest.fixture
def labels(X):
    scores = X @ np.random.default_rng(1).normal(size=(4, N_CLASSES))
    noise = np.random.default_rng(2).gumbel(size=scores.shape)
    return (scores + noise).argmax(1)


@pytest.fixture
def numbers(X):
    noise = np.random.default_rng(3).normal(size=N_ROWS)
    return 7.0 + 2.0 * np.sin(2 * X[:, 0]) + X[:, 1] + 0.3 * noise


@pytest.fixture
def weights():
    return np.random.default_rng(4).uniform(0.2, 3.0, size=N_ROWS)


def callback(estimator, name):
    return dict(estimator.net_.callbacks_)[name]


def weights_of(estimator, member=0):
    return {k: v[member].clone() for k, v in estimator.net_.module_.state_dict().items()}


def assert_same_state(state, other, atol=0.0):
    assert state.keys() == other.keys()
    for name in state:
        np.testing.assert_allclose(state[name], other[name], rtol=0, atol=atol, err_msg=name)


# A loop by hand: modules, losses and optimisers of torch, nothing of ours but the random stream.


def bare_network(state, n_hidden=2):
    """Make a network of torch's own layers with the same initial weights."""
    layers = []
    for place in range(n_hidden):
        weight, bias = (
            state[f"body.hidden.{place}.linear.{part}"][0] for part in ("weight", "bias")
        )
        layers += [linear(weight.T, bias), nn.Tanh()]
    return nn.Sequential(
        *layers, linear(state["head.linear.weight"][0], state["head.linear.bias"][0])
    )


def linear(weight, bias):
    layer = nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
    layer.load_state_dict({"weight": weight, "bias": bias.flatten()})
    return layer


def bare_optimizer(network, solver, lr, alpha):
    shrunk = [layer.weight for layer in network if isinstance(layer, nn.Linear)]
    kept = [layer.bias for layer in network if isinstance(layer, nn.Linear)]
    if solver == "sgd":
        return torch.optim.SGD(network.parameters(), lr=lr, momentum=0.9, nesterov=True)
    if solver == "adam":
        return torch.optim.Adam(network.parameters(), lr=lr)
    groups = [{"params": shrunk, "weight_decay": alpha}, {"params": kept, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=lr)


def bare_rate(schedule, progress):
    if schedule == "cosine":
        return (1 + math.cos(math.pi * progress)) / 2
    if schedule == "coslog4":
        return (1 - math.cos(2 * math.pi * math.log2(1 + 15 * progress))) / 2
    if schedule == "one_cycle":
        if progress < 0.3:
            return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / 0.3)) / 2
        return (1 + math.cos(math.pi * (progress - 0.3) / 0.7)) / 2
    return 1.0


def bare_loop(start, X, y, weight, row_loss, settings, mixed=None):
    """Train by a plain loop, and return the network and the mean loss of each epoch."""
    lr, alpha, size = (settings[k] for k in ("learning_rate_init", "alpha", "batch_size"))
    solver, schedule = settings.get("solver", "adam"), settings.get("learning_rate", "constant")
    network = bare_network(start.state)
    optimizer = bare_optimizer(network, solver, lr, alpha)
    X, y, weight = torch.tensor(X), torch.tensor(y), torch.tensor(weight)
    steps, done, curve = settings["max_iter"] * math.ceil(len(X) / size), 0, []
    for _ in range(settings["max_iter"]):
        total = 0.0
        for rows in start.random.permutations(len(X))[0].split(size):
            for group in optimizer.param_groups:
                group["lr"] = lr * bare_rate(schedule, done / steps)
            losses = (mixed or weighted)(network, X[rows], y[rows], weight[rows], row_loss)
            loss = losses.sum() / (len(rows) * weight.mean())
            squares = sum(
                layer.weight.square().sum() for layer in network if hasattr(layer, "weight")
            )
            penalty = 0.0 if solver == "adamw" else alpha / 2 * squares / (size * weight.mean())
            optimizer.zero_grad()
            (loss + penalty).backward()
            optimizer.step()
            total, done = total + losses.sum().item(), done + 1
        curve.append(total / weight.sum().item())
    return network, curve


def weighted(network, x, y, weight, row_loss):
    return weight * row_loss(network(x), y)


def squared_error(scores, y):
    return (scores[:, 0] - y).square() / 2


def cross_entropy(scores, y):
    return F.cross_entropy(scores, y, reduction="none")


def assert_same_network(network, estimator):
    assert_same_state(bare_state(estimator), network.state_dict(), atol=1e-11)


def bare_state(estimator):
    return bare_network(estimator.net_.module_.state_dict()).state_dict()


SOLVERS_AND_SCHEDULES = [
    {"solver": "adam"},
    {"solver": "sgd"},
    {"solver": "adamw"},
    {"solver": "adam", "learning_rate": "cosine"},
    {"solver": "sgd", "learning_rate": "one_cycle"},
    {"solver": "adamw", "learning_rate": "one_cycle"},
    {"solver": "adam", "learning_rate": "adaptive"},
]


def title(settings):
    return " ".join(map(str, settings.values())) or "default"


@pytest.mark.parametrize("is_weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("settings", SOLVERS_AND_SCHEDULES, ids=title)
def test_a_classifier_is_trained_as_by_hand(X, labels, weights, settings, is_weighted):
    settings = EXACT | settings
    weight = weights if is_weighted else np.ones(N_ROWS)
    clf = MLPClassifier(**settings | {"input_scaling": None}, callbacks=[("start", Start())])
    clf.fit(X, labels, sample_weight=weight if is_weighted else None)
    start = callback(clf, "start")
    network, curve = bare_loop(start, X, labels, weight, cross_entropy, settings)
    assert_same_network(network, clf)
    np.testing.assert_allclose(clf.loss_curve_, curve, rtol=1e-11)


@pytest.mark.parametrize("settings", [{}, {"solver": "sgd"}, {"solver": "adamw"}], ids=title)
def test_a_regressor_is_trained_as_by_hand_on_scaled_numbers(X, numbers, weights, settings):
    settings = EXACT | settings
    reg = MLPRegressor(**settings, callbacks=[("start", Start())])
    reg.fit(X, numbers, sample_weight=weights)
    scaled = StandardScaler().fit(X, sample_weight=weights).transform(X)
    mean = np.average(numbers, weights=weights)
    scale = np.sqrt(np.average((numbers - mean) ** 2, weights=weights))
    start = callback(reg, "start")
    network, curve = bare_loop(
        start, scaled, (numbers - mean) / scale, weights, squared_error, settings
    )
    assert_same_network(network, reg)
    np.testing.assert_allclose(reg.loss_curve_, curve, rtol=1e-11)
    by_hand = network(torch.tensor(scaled))[:, 0].detach().numpy() * scale + mean
    np.testing.assert_allclose(reg.predict(X), by_hand, rtol=1e-10)


@pytest.mark.parametrize("is_weighted", [False, True], ids=["unweighted", "weighted"])
def test_mixup_mixes_inputs_and_weighted_losses_as_by_hand(X, labels, weights, is_weighted):
    weight = weights if is_weighted else np.ones(N_ROWS)
    clf = MLPClassifier(
        **EXACT | {"mixup": 0.4, "input_scaling": None}, callbacks=[("start", Start())]
    )
    clf.fit(X, labels, sample_weight=weight if is_weighted else None)
    start = callback(clf, "start")
    draw = np.random.default_rng(start.random.seeds[0])

    def mixed(network, x, y, weight, row_loss):
        part = draw.beta(0.4, 0.4)
        scores = network(part * x + (1 - part) * x.roll(1, 0))
        own, other = row_loss(scores, y) * weight, row_loss(scores, y.roll(1)) * weight.roll(1)
        return part * own + (1 - part) * other

    network, curve = bare_loop(start, X, labels, weight, cross_entropy, EXACT, mixed)
    assert_same_network(network, clf)
    np.testing.assert_allclose(clf.loss_curve_, curve, rtol=1e-11)


# The optimum of a linear model is known.


LINEAR = {
    "activation": "relu",
    "input_scaling": "standard",
    "solver": "lbfgs",
    "hidden_layer_sizes": (),
    "max_iter": 60,
    "n_iter_no_change": 60,
    "tol": 0,
    "precision": "float64",
    "members": "independent",
    "device": "cpu",
    "random_state": 0,
}


@pytest.mark.parametrize("is_weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("alpha", [0.05, 3.0])
def test_lbfgs_reaches_the_optimum_of_ridge_regression(X, numbers, weights, alpha, is_weighted):
    weight = weights if is_weighted else None
    reg = MLPRegressor(**LINEAR, alpha=alpha).fit(X, numbers, sample_weight=weight)
    scaler = StandardScaler().fit(X, sample_weight=weight)
    ridge = Ridge(alpha).fit(scaler.transform(X), numbers, sample_weight=weight)
    np.testing.assert_allclose(reg.predict(X), ridge.predict(scaler.transform(X)), rtol=1e-4)


@pytest.mark.parametrize("is_weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("alpha", [0.05, 3.0])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_lbfgs_reaches_the_optimum_of_logistic_regression(
    X, labels, weights, alpha, n_classes, is_weighted
):
    weight = weights if is_weighted else None
    y = np.minimum(labels, n_classes - 1)
    clf = MLPClassifier(**LINEAR, alpha=alpha).fit(X, y, sample_weight=weight)
    scaler = StandardScaler().fit(X, sample_weight=weight)
    # A softmax of two scores spreads one coefficient over two, which halves its penalty.
    strength = alpha / 2 if n_classes == 2 else alpha
    logistic = LogisticRegression(C=1 / strength, tol=1e-10, max_iter=1000)
    logistic.fit(scaler.transform(X), y, sample_weight=weight)
    expected = logistic.predict_proba(scaler.transform(X))
    np.testing.assert_allclose(clf.predict_proba(X), expected, atol=1e-4)


# Rates and gradients.


def test_schedules_have_the_values_of_their_papers():
    progress = np.linspace(0, 0.999, 100)
    for name, schedule in SCHEDULES.items():
        expected = [bare_rate(name, p) for p in progress]
        np.testing.assert_allclose([schedule(p) for p in progress], expected, rtol=1e-12)
    assert SCHEDULES["one_cycle"](0.3) == pytest.approx(1.0)
    assert SCHEDULES["one_cycle"](0.0) == pytest.approx(1 / 25)
    ends_of_cycles = [SCHEDULES["coslog4"]((2**cycle - 1) / 15) for cycle in range(5)]
    np.testing.assert_allclose(ends_of_cycles, 0, atol=1e-12)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle", "coslog4"])
def test_each_step_has_the_rate_of_the_schedule_whatever_the_batch_size(X, labels, schedule):
    for batch_size in (16, 50):
        settings = EXACT | {"batch_size": batch_size, "learning_rate": schedule}
        clf = MLPClassifier(**settings, callbacks=[("seen", Batches())]).fit(X, labels)
        rates = callback(clf, "seen").rates
        steps = 4 * math.ceil(N_ROWS / batch_size)
        expected = [0.02 * bare_rate(schedule, step / steps) for step in range(steps)]
        np.testing.assert_allclose(rates, expected, rtol=1e-12)


def test_adaptive_divides_the_rate_by_5_whenever_training_stalls_and_stops_below_1e_6(X, labels):
    settings = {"learning_rate_init": 1e-3, "n_iter_no_change": 2, "tol": 10.0, "max_iter": 100}
    clf = MLPClassifier(
        **EXACT | settings | {"learning_rate": "adaptive"}, callbacks=[("seen", Batches())]
    )
    rates = callback(clf.fit(X, labels), "seen").rates[:: math.ceil(N_ROWS / 16)]
    # The first epoch is an improvement on nothing; then each two epochs bring none.
    expected = 1e-3 / 5.0 ** np.repeat(np.arange(6), [3, 2, 2, 2, 2, 2])
    np.testing.assert_allclose(rates, expected, rtol=1e-12)


def test_training_without_improvement_stops_after_n_iter_no_change_epochs(X, labels):
    clf = MLPClassifier(**EXACT | {"n_iter_no_change": 3, "tol": 10.0, "max_iter": 100})
    assert clf.fit(X, labels).n_iter_ == 1 + 3


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("clip", [0.01, 1e6])
def test_the_gradient_of_each_member_is_clipped_to_its_norm(X, labels, n_members, clip):
    settings = EXACT | {"batch_size": N_ROWS, "max_iter": 1, "alpha": 0, "n_members": n_members}
    settings |= {"solver": "sgd", "momentum": 0, "callbacks": [("start", Start())]}

    def steps(**more):
        clf = MLPClassifier(**settings, **more).fit(X, labels)
        state, start = clf.net_.module_.state_dict(), callback(clf, "start").state
        return torch.cat([(state[k] - start[k]).flatten(1) for k in state], dim=1)

    free, clipped = steps(), steps(gradient_clip=clip)
    factor = (clip * 0.02 / free.norm(dim=1, keepdim=True)).clamp(max=1.0)
    np.testing.assert_allclose(clipped, free * factor, rtol=1e-3, atol=1e-12)


# Stopping early.


@pytest.fixture
def validation():
    rng = np.random.default_rng(8)
    return rng.normal(size=(40, 4)), rng.integers(0, N_CLASSES, 40)


def test_early_stopping_goes_back_to_the_best_epoch(X, labels, validation):
    settings = EXACT | {"max_iter": 200, "n_iter_no_change": 6, "alpha": 0}
    clf = MLPClassifier(
        **settings, early_stopping=True, scoring="accuracy", callbacks=[("seen", Epochs())]
    )
    clf.fit(X, labels, X_val=validation[0], y_val=validation[1])
    scores = clf.validation_scores_
    best = int(np.argmax(scores))
    assert 0 < best < clf.n_iter_ - 1
    assert_same_state(clf.net_.module_.state_dict(), callback(clf, "seen").states[best])
    assert clf.best_validation_score_ == max(scores) == pytest.approx(clf.score(*validation))
    assert clf.n_iter_ == len(scores) == len(clf.loss_curve_) < 200


def test_validation_data_without_early_stopping_are_only_recorded(X, labels, validation):
    settings = EXACT | {"max_iter": 30}
    clf = MLPClassifier(**settings, callbacks=[("seen", Epochs())])
    clf.fit(X, labels, X_val=validation[0], y_val=validation[1])
    assert len(clf.validation_scores_) == 30
    loss = log_loss(validation[1], clf.predict_proba(validation[0]))
    assert clf.validation_scores_[-1] == pytest.approx(-loss)
    plain = MLPClassifier(**settings).fit(X, labels)
    assert_same_state(weights_of(clf), weights_of(plain))
    assert plain.validation_scores_ is None
    assert plain.best_validation_score_ is None


def test_rows_set_aside_are_not_learned_from(X, labels):
    """Neither scaling nor training sees them, so that spoiling them changes no weight."""
    settings = EXACT | {"early_stopping": True, "validation_fraction": 0.3, "max_iter": 1}
    clf = MLPClassifier(**settings, callbacks=[("aside", Aside())]).fit(X, labels)
    aside = callback(clf, "aside").rows
    assert len(aside) == 15
    X[aside] = 100 * np.random.default_rng(0).normal(size=(15, 4))
    assert_same_state(weights_of(clf), weights_of(MLPClassifier(**settings).fit(X, labels)))


# Members.


class Played:
    """A net of three members whose only weight says in which epoch it is."""

    def __init__(self, module):
        self.objective = SimpleNamespace(modules={"module": module})
        self.random = MemberRandom(range(3))
        self.optimizer = torch.optim.SGD(module.parameters(), lr=0.1)

    def optimizers(self):
        return [self.optimizer]

    def has_settled(self):
        return True


@pytest.mark.parametrize("validate", [True, False])
def test_a_member_keeps_what_it_would_have_kept_alone(validate):
    """With a patience of two the first stops after epoch 3, whatever it would reach later."""
    scores = [[5, 4, 4, 9, 9, 9], [1, 2, 3, 4, 4, 4], [3, 3, 7, 7, 7, 7]]
    module = nn.ParameterList([nn.Parameter(torch.zeros(3, 1))])
    net, progress = Played(module), Progress(0.0, 2, validate, adaptive=False)
    progress.on_train_begin(net)
    for epoch, now in enumerate(torch.tensor(scores, dtype=torch.float64).T, start=1):
        module[0].data.fill_(epoch)
        net.member_scores_, net.member_losses_ = now, -now
        with pytest.raises(StopTraining) if epoch == 6 else nullcontext():
            progress.on_epoch_end(net)
    progress.on_train_end(net)
    # With validation rows its best epoch, else that in which it stopped.
    assert module[0].flatten().tolist() == ([1, 4, 3] if validate else [3, 6, 5])


MEMBERS = {
    "plain": {},
    "dropout": {"dropout": 0.3},
    "mixup": {"mixup": 0.4},
    "batch normalisation": {"normalization": "batch"},
    "gradient clip": {"gradient_clip": 0.05},
    "embeddings": {"numerical_embedding": "periodic"},
    "early stopping": {
        "early_stopping": True,
        "n_iter_no_change": 3,
        "max_iter": 100,
        "input_scaling": None,  # which is learned from all rows that any member trains on
    },
    "stopping by the training loss": {"n_iter_no_change": 2, "tol": 0.01, "max_iter": 100},
}


@pytest.mark.parametrize("case", MEMBERS)
def test_a_member_does_not_depend_on_its_neighbours(X, labels, case):
    settings = EXACT | {"alpha": 1e-3} | MEMBERS[case]
    alone = MLPClassifier(**settings).fit(X, labels)
    among = MLPClassifier(**settings, n_members=3).fit(X, labels)
    assert_same_state(weights_of(alone), weights_of(among, 0), atol=1e-10)
    first, second = weights_of(among, 0), weights_of(among, 1)
    assert max((first[k] - second[k]).abs().max() for k in first) > 1e-3


# Threads.


class Threads(Callback):
    """Keep the number of threads that an epoch had."""

    def on_epoch_end(self, net, **kwargs):
        self.seen = torch.get_num_threads()


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("side", "n_threads"), [(8, 1), (28, 2)])
def test_only_steps_with_much_work_in_each_layer_take_both(two_threads, side, n_threads):
    X, y = np.random.default_rng(0).random((32, side, side)), np.arange(32) % 2
    threads = [("threads", Threads())]
    clf = CNNClassifier(max_iter=1, device="cpu", random_state=0, callbacks=threads).fit(X, y)
    assert callback(clf, "threads").seen == n_threads
