"""Bodies and layers over a table of settings; numbers against float64 numpy or against torch."""

import copy
import io
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from sklearn_modern.networks.activations import ACTIVATIONS
from sklearn_modern.networks.dropout import Dropout, MemberDropout
from sklearn_modern.networks.embeddings import (
    CategoryEmbedding,
    PeriodicEmbedding,
    PiecewiseLinearEncoding,
)
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.layers import (
    BatchNorm,
    LayerNorm,
    Linear,
    NarrowLinear,
)
from sklearn_modern.networks.mlp import MLP
from sklearn_modern.networks.random import MemberRandom

N_ROWS, N_NUMBERS = 23, 4
CARDINALITIES = (2, 30, 1, 9, 12)  # three columns get indicators, two get vectors
EDGES = [
    np.array([-1.0, -0.2, 0.3, 1.0]),
    np.array([0.0, 0.0, 0.5]),
    np.array([2.0, 2.0, 2.0]),  # a constant column
    np.linspace(-2, 2, 9),
]


def but(**changes):
    """Return settings of a small network of numbers, but for these changes."""
    plain = {"n_numbers": N_NUMBERS, "cardinalities": (), "hidden_layer_sizes": (8, 5)}
    return plain | changes


NUMBERS = but()
SETTINGS = {
    "plain": NUMBERS,
    "linear": but(hidden_layer_sizes=()),
    "dropout": but(dropout=0.3),
    "batch": but(normalization="batch"),
    "layer": but(normalization="layer"),
    "periodic": but(numerical_embedding="periodic"),
    "piecewise": but(numerical_embedding="piecewise_linear", bin_edges=EDGES),
    "mixed": but(cardinalities=CARDINALITIES),
    "mixed_linear": but(cardinalities=CARDINALITIES, hidden_layer_sizes=()),
    "indicators": but(cardinalities=(3, 4)),
    "categories": but(n_numbers=0, cardinalities=CARDINALITIES),
    "no_numbers": but(n_numbers=0, cardinalities=(3,), numerical_embedding="periodic"),
    "everything": but(
        cardinalities=CARDINALITIES,
        activation="maxout",
        dropout=0.2,
        normalization="batch",
        numerical_embedding="periodic",
    ),
} | {name: but(activation=name) for name in ACTIVATIONS}

each_setting = pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS.keys())
each_size = pytest.mark.parametrize("members", [1, 3])


def make(setting, members=3, first_seed=0):
    return MLP(**setting, random=MemberRandom(range(first_seed, first_seed + members)))


def inputs(setting, members=1, n_rows=N_ROWS, seed=0):
    rng = np.random.default_rng(seed)
    numbers = torch.from_numpy(rng.normal(size=(members, n_rows, setting["n_numbers"]))).float()
    cardinalities = setting["cardinalities"]
    if not cardinalities:
        return numbers
    return numbers, torch.from_numpy(
        rng.integers(0, cardinalities, (members, n_rows, len(cardinalities)))
    )


def of_member(x, m):
    return tuple(part[m : m + 1] for part in x) if isinstance(x, tuple) else x[m : m + 1]


def assert_close(actual, expected, rtol=1e-5, atol=1e-6):
    actual, expected = (
        v.detach().double().numpy() if isinstance(v, torch.Tensor) else v
        for v in (actual, expected)
    )
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


# What holds for every setting


@each_size
@each_setting
@pytest.mark.parametrize("own_rows", [False, True])
def test_shapes_and_gradients(setting, members, own_rows):
    net = make(setting, members)
    features = net(inputs(setting, members if own_rows else 1))
    plain_inputs = not setting["hidden_layer_sizes"] and not setting["cardinalities"]
    assert features.shape == (members, N_ROWS, net.n_features_out)
    if plain_inputs:
        return
    # Not a plain sum: that is constant after normalisation.
    torch.sum(features * torch.randn(features.shape, generator=torch.Generator())).backward()
    for name, parameter in net.named_parameters():
        assert parameter.shape[0] == members, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name
    assert all(len(value) == members for value in net.state_dict().values())


@each_setting
def test_training_and_evaluation_agree_without_randomness(setting):
    net, x = make(setting), inputs(setting)
    train, evaluation = net.train()(x), net.eval()(x)
    differ = setting.get("dropout", 0) > 0 or setting.get("normalization") == "batch"
    assert torch.equal(train, evaluation) is not differ
    assert torch.equal(evaluation, net(x))


@each_size
@each_setting
def test_save_load_pickle_and_copy(setting, members):
    net, x = make(setting, members), inputs(setting)
    net(x)  # moves running statistics and dropout's streams
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    other = make(setting, members, first_seed=100)
    other.load_state_dict(torch.load(file))
    assert torch.equal(other.eval()(x), net.eval()(x))
    net.train()
    copies = [pickle.loads(pickle.dumps(net)), copy.deepcopy(net)]
    expected = net(x)
    for twin in copies:  # the masks go on where they were
        assert torch.equal(twin(x), expected)


@each_setting
@pytest.mark.parametrize("training", [True, False])
def test_member_does_not_depend_on_its_neighbours(setting, training):
    net, x = make(setting).train(training), inputs(setting, members=3)
    together = [net(x), net(x)]
    for m in range(3):
        alone = make(setting, members=1, first_seed=m).train(training)
        for name, value in alone.state_dict().items():
            if "running" not in name:
                assert torch.equal(value[0], net.state_dict()[name][m]), name
        for features in together:  # twice, so that the second dropout mask is compared too
            assert_close(alone(of_member(x, m))[0], features[m])
        for name, value in alone.state_dict().items():
            assert_close(value[0], net.state_dict()[name][m])


@each_setting
def test_global_random_state_is_left_alone(setting):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = make(setting)(inputs(setting))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(make(setting)(inputs(setting)), first)


@each_setting
def test_double_precision(setting):
    net, x = make(setting).double(), inputs(setting)
    x = (x[0].double(), x[1]) if isinstance(x, tuple) else x.double()
    for training in (True, False):
        assert net.train(training)(x).dtype == torch.float64
        assert net(x, Given(torch.ones(3, N_ROWS, dtype=torch.float64))).dtype == torch.float64


@each_size
@pytest.mark.parametrize("name", ["plain", "batch", "layer", "periodic", "piecewise", "everything"])
def test_exports_with_any_number_of_rows(name, members):
    setting = SETTINGS[name]
    net, x = make(setting, members).eval(), inputs(setting)
    rows = {1: torch.export.Dim.DYNAMIC}
    shapes = (rows, rows) if isinstance(x, tuple) else rows
    program = torch.export.export(net, (x,), dynamic_shapes=(shapes,))
    more = inputs(setting, n_rows=7, seed=1)
    assert_close(program.module()(more), net(more))


# Layers against torch's own


@pytest.mark.parametrize("bias", [True, False])
def test_linear_is_torch_linear(bias):
    ours, theirs = Linear(4, 3, MemberRandom([0]), bias=bias), nn.Linear(4, 3, bias=bias)
    with torch.no_grad():
        theirs.weight.copy_(ours.weight[0].T)
        if bias:
            ours.bias.normal_(generator=torch.Generator())
            theirs.bias.copy_(ours.bias[0, 0])
    x = inputs(NUMBERS)
    assert_close(ours(x)[0], theirs(x[0]))


def test_linear_initial_scale():
    layer = Linear(400, 300, MemberRandom([0, 1]), gain=1.5)
    assert_close(layer.weight.std(dim=(1, 2)), np.full(2, 1.5 / 20), rtol=0.02)
    assert 0.04 < layer.bias.abs().max() <= 1 / 20


def test_narrow_linear_is_linear():
    narrow = NarrowLinear(4, 3, MemberRandom([0, 1]))
    x = torch.randn(1, 7, 4, generator=torch.Generator())
    weight, bias = narrow.weight.transpose(1, 2), narrow.bias.transpose(1, 2)
    assert_close(narrow(x), x @ weight + bias)
    assert narrow.weight.abs().max() <= 1 / 2


@pytest.mark.parametrize(
    ("name", "module"),
    {
        "identity": nn.Identity(),
        "logistic": nn.Sigmoid(),
        "tanh": nn.Tanh(),
        "relu": nn.ReLU(),
        "leaky_relu": nn.LeakyReLU(),
        "elu": nn.ELU(),
        "selu": nn.SELU(),
        "gelu": nn.GELU(),
        "silu": nn.SiLU(),
        "mish": nn.Mish(),
    }.items(),
)
def test_mlp_is_torch_sequential(name, module):
    net = make(but(activation=name), members=1)
    peer = nn.Sequential(nn.Linear(N_NUMBERS, 8), module, nn.Linear(8, 5), module)
    with torch.no_grad():
        for ours, theirs in zip(net.hidden, [peer[0], peer[2]], strict=True):
            theirs.weight.copy_(ours.linear.weight[0].T)
            theirs.bias.copy_(ours.linear.bias[0, 0])
    x = inputs(NUMBERS)
    assert_close(net(x)[0], peer(x[0]))


def test_maxout_takes_the_larger_piece():
    net, x = make(but(activation="maxout", hidden_layer_sizes=(5,))), inputs(NUMBERS)
    weight, bias = (v.detach().double().numpy() for v in net.hidden[0].linear.parameters())
    assert weight.shape == (3, N_NUMBERS, 10)
    scores = x.double().numpy() @ weight + bias
    assert_close(net(x), np.maximum(scores[..., :5], scores[..., 5:]))


RECTIFIERS = ["relu", "leaky_relu", "elu", "gelu", "silu", "mish"]


@pytest.mark.parametrize("name", RECTIFIERS)
def test_rectifiers_start_at_the_scale_of_torch(name):
    ours, theirs = make(but(activation=name, hidden_layer_sizes=(400, 400))), nn.Linear(400, 400)
    assert_close(ours.hidden[1].linear.weight.std(), theirs.weight.std(), rtol=0.02)


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"logistic", *RECTIFIERS}))
def test_gain_keeps_signals_alive_in_deep_nets(name):
    net = make(but(activation=name, hidden_layer_sizes=(256,) * 10), members=1)
    x = torch.randn(1, 200, N_NUMBERS, generator=torch.Generator())
    assert 0.05 < net(x).square().mean() < 20


@each_size
def test_layer_norm_is_torch_layer_norm(members):
    ours, theirs = LayerNorm(N_NUMBERS, MemberRandom(range(members))), nn.LayerNorm(N_NUMBERS)
    x = inputs(NUMBERS, members)
    for parameter in ours.parameters():
        nn.init.normal_(parameter, generator=torch.Generator())
    for m in range(members):
        theirs.weight.data, theirs.bias.data = ours.gain[m, 0], ours.bias[m, 0]
        assert_close(ours(x)[m], theirs(x[m]))


@pytest.mark.parametrize("rates", [[0.4] * 3, [0.0, 0.3, 0.0, 0.6, 0.0], [0.0, 0.0]])
def test_rectified_dropout_is_dropout_of_rectified_values(rates):
    def make(random):
        same = len(set(rates)) == 1
        return Dropout(rates[0], random) if same else MemberDropout(rates, random)

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(len(rates), 7, 5, generator=generator, requires_grad=True)
    gradient = torch.randn(x.shape, generator=generator)
    random = MemberRandom(range(len(rates)))
    random.rows = [7, 4, 7, 2, 7][: len(rates)]
    exists = torch.arange(7) < torch.tensor(random.rows).unsqueeze(1)
    expected = make(copy.deepcopy(random))(torch.relu(x))
    y = make(random).rectified(x.clone())
    assert torch.equal(y[exists], expected[exists])
    ours, theirs = (torch.autograd.grad(out, x, gradient)[0][exists] for out in (y, expected))
    assert torch.equal(ours, theirs)


@each_size
def test_dropout(members):
    dropout = Dropout(0.25, MemberRandom(range(members)))
    x = torch.ones(members, 500, 40)
    dropped = dropout(x)
    assert set(dropped.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    assert_close((dropped == 0).double().mean(dim=(1, 2)), np.full(members, 0.25), atol=0.015)
    assert not torch.equal(dropout(x), dropped)
    assert dropout.eval()(x) is x
    assert Dropout(0.0, MemberRandom([0]))(x) is x


# Batch normalisation


def batch_norm(members=1, n_units=N_NUMBERS):
    layer = BatchNorm(n_units, MemberRandom(range(members)))
    generator = torch.Generator().manual_seed(0)
    nn.init.normal_(layer.gain, generator=generator)
    nn.init.normal_(layer.bias, generator=generator)
    return layer


def reference(layer, x, weight):
    """Return outputs and the batch's mean and variance in float64."""
    gain, bias, x, weight = (
        v.detach().double().numpy() for v in (layer.gain, layer.bias, x, weight[..., None])
    )
    mean = (weight * x).sum(1, keepdims=True) / weight.sum(1, keepdims=True)
    variance = (weight * (x - mean) ** 2).sum(1, keepdims=True) / weight.sum(1, keepdims=True)
    return gain * (x - mean) / np.sqrt(variance + layer.eps) + bias, mean, variance


@each_size
@pytest.mark.parametrize("weighted", [False, True])
def test_batch_norm_is_the_float64_reference(members, weighted):
    layer, x = batch_norm(members), inputs(NUMBERS, members) * 3 + 1
    weight = torch.rand(members, N_ROWS, generator=torch.Generator()) * 0.01 + 1e-6
    weight[:, ::4] = 0
    weight = weight if weighted else torch.ones(members, N_ROWS)
    expected, mean, variance = reference(layer, x, weight)
    assert_close(layer(x, Given(weight) if weighted else NOTHING), expected, atol=1e-5)
    assert_close(layer.running_mean, 0.1 * mean)
    assert_close(layer.running_variance, 0.9 + 0.1 * variance)


@each_size
def test_batch_norm_gradients(members):
    layer, x = batch_norm(members).double(), inputs(NUMBERS, members).double().requires_grad_()
    weight = torch.rand(members, N_ROWS, generator=torch.Generator(), dtype=torch.float64)
    weight[:, 3] = 0
    assert torch.autograd.gradcheck(layer, (x,))
    assert torch.autograd.gradcheck(lambda x: layer(x, Given(weight)), (x,))


def test_batch_norm_is_torch_batch_norm():
    ours, theirs = batch_norm(), nn.BatchNorm1d(N_NUMBERS)
    theirs.weight.data, theirs.bias.data = ours.gain[0, 0], ours.bias[0, 0]
    for seed in range(3):
        x = inputs(NUMBERS, seed=seed)
        assert_close(ours(x)[0], theirs(x[0]), atol=1e-5)
    assert_close(ours.running_mean[0, 0], theirs.running_mean)
    unbiased = (ours.running_variance - 0.9**3) * N_ROWS / (N_ROWS - 1) + 0.9**3
    assert_close(unbiased[0, 0], theirs.running_var)
    theirs.running_var = ours.running_variance[0, 0]
    assert_close(ours.eval()(x)[0], theirs.eval()(x[0]), atol=1e-5)


def test_batch_norm_weight_zero_is_absence_and_whole_weights_are_repetition():
    x = inputs(NUMBERS, members=2)
    times = torch.from_numpy(np.random.default_rng(0).integers(0, 4, N_ROWS))
    weighted, repeated = batch_norm(2), batch_norm(2)
    actual = weighted(x, Given(times.float().expand(2, -1)))
    expected = repeated(x.repeat_interleave(times, dim=1))
    assert_close(actual.repeat_interleave(times, dim=1), expected, atol=1e-5)
    assert_close(weighted.running_mean, repeated.running_mean)
    assert_close(weighted.running_variance, repeated.running_variance)


def test_batch_norm_does_not_learn_from_a_single_row():
    layer, single, x = batch_norm(3), batch_norm(3), inputs(NUMBERS, members=3)
    layer(x)
    single.load_state_dict(layer.state_dict())
    expected = copy.deepcopy(single).eval()(x[:, :1])
    assert torch.equal(single(x[:, :1]), expected)
    # In a pack: one row, no row, and all rows.
    weight = torch.zeros(3, N_ROWS)
    weight[0, 0] = 2.0
    weight[2] = 1.0
    x = x.requires_grad_()
    y = single(x, Given(weight))
    y.sum().backward()
    assert x.grad.isfinite().all()
    assert_close(y[0, :1], expected[0])
    for name, moved in {
        "running_mean": layer.running_mean,
        "running_variance": layer.running_variance,
    }.items():
        now = getattr(single, name)
        assert torch.equal(now[:2], moved[:2])
        assert not torch.isclose(now[2], moved[2]).any()


# Embeddings


@each_size
def test_periodic_embedding_is_the_float64_reference(members):
    layer = PeriodicEmbedding(N_NUMBERS, MemberRandom(range(members)))
    x = inputs(NUMBERS, members)
    actual = layer(x)
    assert actual.shape[-1] == layer.n_out == 4 * N_NUMBERS
    frequency, phase, weight = (p.detach().double().numpy() for p in layer.parameters())
    numbers = x.double().numpy()
    assert_close(actual[..., :N_NUMBERS], numbers)
    for j in range(N_NUMBERS):
        waves = np.cos(2 * np.pi * numbers[..., [j]] * frequency[:, j] + phase[:, j])
        outputs = actual[..., N_NUMBERS + 3 * j : N_NUMBERS + 3 * j + 3]
        assert_close(outputs, waves @ weight[:, j])


def piecewise(x, edges):
    """Encode one number by the published formula; equal edges make no bin."""
    edges = np.unique(edges)
    values = []
    for t in range(1, len(edges)):
        low, high = edges[t - 1], edges[t]
        if x < low and t > 1:
            values.append(0.0)
        elif x >= high and t < len(edges) - 1:
            values.append(1.0)
        else:
            values.append((x - low) / (high - low))
    return values


def test_piecewise_linear_encoding_is_the_float64_reference():
    layer = PiecewiseLinearEncoding(EDGES)
    x = inputs(NUMBERS) * 2
    x[0, :9, 3] = torch.from_numpy(EDGES[3])  # on the edges
    expected = [
        [
            value
            for column, edges in zip(row, EDGES, strict=True)
            for value in piecewise(column, edges)
        ]
        for row in x[0].double().numpy()
    ]
    assert layer.n_out == 3 + 1 + 0 + 8
    assert_close(layer(x)[0], np.array(expected), atol=1e-5)


def test_piecewise_linear_encoding_with_each_members_own_edges():
    # Equal edges pad the shorter of two members; what no member has is left out.
    edges = [np.array([[0.0, 1, 2, 2], [0, 3, 3, 3]]), np.array([[5.0, 5, 5], [5, 5, 5]])]
    layer = PiecewiseLinearEncoding(edges, members=2)
    x = torch.tensor([-1.0, 0.5, 1.5, 4.0])[None, :, None].expand(1, 4, 2)
    assert_close(layer(x)[0], [[-1, 0], [0.5, 0], [1, 0.5], [1, 3]])
    assert_close(layer(x)[1], np.array([[-1, 0], [0.5, 0], [1.5, 0], [4, 0]]) / 3)


def test_constant_columns_have_no_bins():
    setting = but(n_numbers=1, numerical_embedding="piecewise_linear", bin_edges=[np.array([1.0])])
    net = make(setting)
    assert net.hidden[0].linear.weight.shape == (3, 1, 8)
    assert net(inputs(setting)).isfinite().all()


@each_size
def test_category_embedding(members):
    layer = CategoryEmbedding(CARDINALITIES, MemberRandom(range(members)))
    small, large = [0, 2, 3], [1, 4]
    _, codes = inputs(but(cardinalities=CARDINALITIES), members)
    codes[:, 0] = torch.tensor(CARDINALITIES)  # not seen in training
    actual = layer(codes)
    assert actual.shape == (members, N_ROWS, layer.n_out)
    parts = [np.eye(CARDINALITIES[j] + 1)[codes[..., j]][..., :-1] for j in small]
    (table,) = (p.detach().double().numpy() for p in layer.parameters())
    start = 0
    for j in large:
        rows = np.zeros((members, CARDINALITIES[j] + 1, 8))
        rows[:, :-1] = table[:, start : start + CARDINALITIES[j]]
        parts.append(np.stack([rows[m][codes[m, :, j]] for m in range(members)]))
        start += CARDINALITIES[j]
    assert start == table.shape[1]
    assert_close(actual, np.concatenate(parts, axis=-1))
    assert not actual[:, 0].any()


def test_unseen_category_trains_nothing():
    layer = CategoryEmbedding((30, 12), MemberRandom([0, 1]))
    layer(torch.tensor([[[30, 12]]])).sum().backward()
    assert not layer.parts[0].table.grad.any()


# Random streams


def test_streams_go_on_after_pickling():
    random = MemberRandom([3, 4])
    random.normal(5, std=1.0)
    twin = pickle.loads(pickle.dumps(random))
    assert torch.equal(random.permutations(20), twin.permutations(20))
    mask = random.keep_mask(torch.ones(2, 50), 0.5)
    assert torch.equal(mask, twin.keep_mask(torch.ones(2, 50), 0.5))
    assert not torch.equal(mask[0], mask[1])


def test_unknown_numerical_embedding_is_named():
    with pytest.raises(ValueError, match="got 'waves'"):
        make(but(numerical_embedding="waves"))


def test_public_names_resolve():
    import sklearn_modern.networks as networks

    assert all(hasattr(networks, name) for name in networks.__all__)
    assert set(networks.__all__) <= set(dir(networks))
    assert networks.MLP is MLP
