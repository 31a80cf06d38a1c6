"""Convolutional bodies over a table of architectures and numbers of axes.

Numbers are compared in float64 with torch's own layers, and members with networks of their own.
"""

import copy
import math
import pickle
import re

import pytest
import torch
from torch import nn

from sklearn_modern.networks.convnet import ARCHITECTURES, ConvNet
from sklearn_modern.networks.given import Given
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.spatial_layers import ChannelNorm, ConvLayer, StochasticDepth
from sklearn_modern.networks.stages import Residual

SHAPES = {1: (2, 13), 2: (3, 9, 8), 3: (1, 5, 6, 4)}
RESIDUAL = ["resnet", "se_resnet", "efficientnetv2"]

each_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES)
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=str)
each_size = pytest.mark.parametrize("members", [1, 3])
each_number_of_axes = pytest.mark.parametrize("n_axes", SHAPES)


def make(architecture, shape=SHAPES[2], members=1, first_seed=0, **more):
    """Make a small network in double precision whose residual branches have a say already."""
    random = MemberRandom(range(first_seed, first_seed + members))
    net = ConvNet(shape, random, architecture=architecture, **{"width": 4} | more)
    for norm in norms(net):
        nn.init.constant_(norm.gain, 0.8)
    return net.double()


def norms(net):
    return [module for module in net.modules() if isinstance(module, ChannelNorm)]


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def assert_close(actual, expected, rtol=1e-9, atol=1e-11):
    torch.testing.assert_close(actual, expected, rtol=rtol, atol=atol)


def gradients(net):
    return {name: parameter.grad for name, parameter in net.named_parameters()}


# What holds for every architecture, with any number of axes


@each_size
@each_shape
@each_architecture
def test_shapes_and_gradients(architecture, shape, members):
    net = make(architecture, shape, members).float()
    assert net.n_features_out == (5 * 4 if architecture == "lenet" else 4 * 4)
    for n_copies in {1, members}:
        features = net(normal(n_copies, 6, *shape, dtype=torch.float32))
        assert features.shape == (members, 6, net.n_features_out)
    features.backward(normal(*features.shape, dtype=torch.float32))
    for name, gradient in gradients(net).items():
        assert gradient.isfinite().all(), name
        assert gradient.any(), name
    assert all(len(value) == members for value in net.state_dict().values())


@each_shape
@each_architecture
def test_members_do_not_depend_on_their_neighbours(architecture, shape):
    net, x = make(architecture, shape, members=3, dropout=0.3), normal(3, 6, *shape)
    weight = normal(3, 6, seed=1).exp()
    assert not net(x, Given(weight)).isclose(net(x, Given(weight))).all()
    net = make(architecture, shape, members=3, dropout=0.3)
    outputs = [net(x), net(x, Given(weight))]
    outer = normal(*outputs[0].shape, seed=2)
    torch.sum((outputs[0] + 2 * outputs[1]) * outer).backward()
    evaluated = net.eval()(x[:1])
    for m in range(3):
        alone, own = make(architecture, shape, first_seed=m, dropout=0.3), slice(m, m + 1)
        alone_outputs = [alone(x[own]), alone(x[own], Given(weight[own]))]
        for actual, expected in zip(alone_outputs, outputs, strict=True):
            assert_close(actual, expected[own])
        torch.sum((alone_outputs[0] + 2 * alone_outputs[1]) * outer[own]).backward()
        for name, gradient in gradients(net).items():
            assert_close(gradients(alone)[name], gradient[own])
        for name, value in net.state_dict().items():  # the running statistics are among them
            assert_close(alone.state_dict()[name], value[own])
        assert_close(alone.eval()(x[:1]), evaluated[own])


@each_shape
@each_architecture
def test_weights_count_rows(architecture, shape):
    times = torch.tensor([[2, 0, 1, 1, 3, 0], [1, 1, 0, 3, 0, 2]])
    weighted, repeated = (make(architecture, shape, members=2) for _ in range(2))
    for net in (weighted, repeated):
        for module in net.modules():
            if isinstance(module, StochasticDepth):  # would skip other rows
                module.rate = 0.0

    def repeat(values):
        return torch.stack([v.repeat_interleave(n, 0) for v, n in zip(values, times, strict=True)])

    x = normal(2, 6, *shape)
    actual, expected = weighted(x, Given(times.double())), repeated(repeat(x))
    assert_close(repeat(actual), expected)
    outer = normal(*actual.shape, seed=1)
    torch.sum(actual * outer * times.unsqueeze(-1)).backward()
    expected.backward(repeat(outer))
    for name, gradient in gradients(weighted).items():
        assert_close(gradient, gradients(repeated)[name])
    for name, value in weighted.state_dict().items():
        assert_close(value, repeated.state_dict()[name])
    assert_close(weighted(x, Given(torch.ones(2, 6).double())), repeated(x))


@each_shape
@each_architecture
def test_evaluated_rows_do_not_depend_on_their_neighbours(architecture, shape):
    net, x = make(architecture, shape, members=2, dropout=0.5), normal(2, 6, *shape)
    net(x)
    together = net.eval()(x)
    assert_close(net(x[:, 2:3]), together[:, 2:3])
    assert_close(net(x, torch.rand(2, 6)), together)
    assert not together.isclose(net.train()(x)).all()


@each_shape
@each_architecture
def test_single_precision(architecture, shape):
    double, x = make(architecture, shape, members=2), normal(2, 6, *shape)
    for training in (True, False):
        single = copy.deepcopy(double).float().train(training)
        expected = double.train(training)(x).float()
        torch.testing.assert_close(single(x.float()), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 9, 8), (3, 9, 8), (1, 4, 4, 4)])
@each_architecture
def test_channels_lie_together_where_kernels_are_faster_so(architecture, shape):
    order = torch.channels_last if len(shape) == 3 else torch.channels_last_3d
    net = make(architecture, shape).float()
    outputs = []
    for block in net.blocks:
        block.register_forward_hook(lambda block, args, output: outputs.append(output))
    net(normal(1, 16, *shape, dtype=torch.float32))  # for fewer rows torch has other kernels
    assert len(outputs) == len(net.blocks)
    assert all(output.is_contiguous(memory_format=order) for output in outputs)


@each_architecture
def test_save_load_pickle_and_copy(architecture):
    net, x = make(architecture, members=2, dropout=0.3), normal(1, 6, *SHAPES[2])
    net(x)  # moves running statistics and random streams
    other = make(architecture, members=2, first_seed=100)
    other.load_state_dict(net.state_dict())
    assert torch.equal(other.eval()(x), net.eval()(x))
    net.train()
    twins = [pickle.loads(pickle.dumps(net)), copy.deepcopy(net)]
    expected = net(x)
    assert all(torch.equal(twin(x), expected) for twin in twins)


@pytest.mark.parametrize(
    "shape", [(1, 1), (2, 2), (1, 1, 1), (1, 1, 7), (3, 1, 9, 2), (2, 1, 1, 1)]
)
@each_architecture
def test_axes_that_cannot_be_halved_are_left_alone(architecture, shape):
    net = make(architecture, shape)
    features = net(normal(1, 6, *shape))
    assert features.shape == (1, 6, net.n_features_out)
    features.backward(normal(*features.shape))
    assert all(gradient.isfinite().all() for gradient in gradients(net).values())


@each_architecture
def test_a_single_row_trains(architecture):
    net = make(architecture)
    features = net(normal(1, 1, *SHAPES[2]))
    features.backward(torch.ones_like(features))
    assert all(gradient.isfinite().all() for gradient in gradients(net).values())
    assert all(norm.running_mean.any() for norm in norms(net))
    net = make(architecture, (3, 1, 1))  # of a single pixel, which says nothing about a spread
    before = copy.deepcopy(net.state_dict())
    net(normal(1, 1, 3, 1, 1))
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


@each_architecture
def test_inputs_of_other_sizes(architecture):
    net, x = make(architecture).eval(), normal(1, 2, 3, 12, 11)
    if ARCHITECTURES[architecture].dense:
        with pytest.raises(RuntimeError):
            net(x)
    else:
        assert net(x).shape == (1, 2, net.n_features_out)


def test_any_type_of_number_is_standardised():
    mean, scale = [3.0, -1.0, 0.5], [2.0, 0.1, 1.0]
    net = make("vgg", mean=torch.tensor(mean).numpy(), scale=torch.tensor(scale).numpy()).float()
    x = torch.arange(2 * math.prod(SHAPES[2])).view(1, 2, *SHAPES[2]) % 200
    column = (-1, 1, 1)
    expected = (x - torch.tensor(mean).view(column)) / torch.tensor(scale).view(column)
    for dtype in (torch.uint8, torch.int64, torch.float16, torch.float64):
        torch.testing.assert_close(net.embed(x.to(dtype)), expected)


# Depth and stem


def test_depth_is_a_number_of_stages_or_the_blocks_of_each():
    def widths(architecture, depth):
        net = make(architecture, (1, 32, 32), depth=depth)
        return [layer.conv.weight.shape[1] for layer in net.blocks if isinstance(layer, ConvLayer)]

    assert widths("vgg", None) == widths("vgg", 3) == [4, 4, 8, 8, 16, 16]
    assert widths("vgg", 4) == [4, 4, 8, 8, 16, 16, 32, 32]
    assert widths("vgg", (1, 3)) == [4, 8, 8, 8]
    assert widths("lenet", 1) == [4]
    for depth, n_blocks in {1: 1, 4: 4, (2, 3): 5}.items():
        net = make("resnet", (1, 32, 32), depth=depth)
        assert sum(isinstance(block, Residual) for block in net.blocks) == n_blocks
    rates = [m.rate for m in make("efficientnetv2", depth=(3, 3)).modules() if hasattr(m, "rate")]
    assert_close(rates, [0.0, 0.0, 0.02, 0.04, 0.08, 0.1])  # the first is the dropout's


@pytest.mark.parametrize(
    ("architecture", "shape", "settings"),
    [
        ("resnet", (1, 8, 8), {"depth": 5}),
        ("resnet", (1, 8, 8), {"depth": (1, 1, 1, 1, 1)}),
        ("resnet", (1, 1, 3), {"depth": 4}),
        ("lenet", (1, 8), {"depth": 4}),
        ("vgg", (1, 8, 8), {"depth": 3, "stem": "large"}),
        ("resnet", (1, 8, 8), {"depth": True}),
        ("resnet", (1, 8, 8), {"depth": (1, True)}),
        ("vgg", (1, 8, 8), {"depth": 0}),
        ("vgg", (1, 8, 8), {"depth": -1}),
        ("vgg", (1, 8, 8), {"depth": ()}),
        ("resnet", (1, 8, 8), {"depth": (1, 0, 1)}),
        ("resnet", (1, 8, 8), {"depth": (1, 1.5)}),
    ],
)
def test_impossible_depths_are_named(architecture, shape, settings):
    with pytest.raises(ValueError, match=re.escape(f"depth={settings['depth']!r} ")):
        make(architecture, shape, **settings)


@pytest.mark.parametrize(
    ("shape", "settings", "advice"),
    [
        ((1, 8, 8), {"depth": 5}, "4 times, but .* 3 times; lower depth by 1 stage, or leave"),
        ((1, 8, 8), {"depth": 6}, "5 times.* lower depth by 2 stages, or leave"),
        ((1, 2, 2), {"depth": 1, "stem": "large"}, '2 times.* 1 time; take stem="small", or leave'),
        ((1, 4, 4), {"depth": 3, "stem": "large"}, '2 times; take stem="small", or leave'),
        ((1, 4, 4), {"depth": 4, "stem": "large"}, 'take stem="small" and lower depth by 1 stage,'),
    ],
)
def test_impossible_depths_come_with_advice_that_helps(shape, settings, advice):
    with pytest.raises(ValueError, match=advice):
        make("resnet", shape, **settings)
    stem = "small" if "small" in advice else settings.get("stem", "auto")
    lower = re.search(r"by (\d)", advice)
    make("resnet", shape, depth=settings["depth"] - (int(lower[1]) if lower else 0), stem=stem)


@pytest.mark.parametrize("architecture", ["lenet", "vgg", "efficientnetv2"])
def test_bottlenecks_are_refused_where_there_are_none(architecture):
    with pytest.raises(ValueError, match="bottleneck=True is for .* resnet, se_resnet, but"):
        make(architecture, bottleneck=True)


@pytest.mark.parametrize("stem", ["small", "large"])
@each_architecture
def test_each_part_learns_something(architecture, stem):
    """So that freezing one part more always freezes more."""
    parts = make(architecture, stem=stem).parts()
    assert all(part.state_dict() for part in parts)
    if stem == "small":
        expected = {"lenet": 4, "vgg": 6, "resnet": 4, "se_resnet": 4, "efficientnetv2": 6}
        assert len(parts) == expected[architecture]


def test_a_depth_may_halve_until_one_pixel_is_left():
    for architecture, depth in {"resnet": 4, "vgg": 4, "lenet": 3}.items():
        make(architecture, (1, 8, 1, 7), depth=depth)
    make("vgg", (1, 8, 8), depth=2, stem="large")


@pytest.mark.parametrize(
    ("stem", "length", "large"),
    [("auto", 64, False), ("auto", 65, True), ("small", 65, False), ("large", 9, True)],
)
@each_architecture
def test_a_large_stem_quarters_the_resolution(architecture, stem, length, large):
    net = make(architecture, (1, 1, length), stem=stem)
    first, second = net.blocks[:2]
    kernel = 5 if architecture == "lenet" else 3
    assert first.conv.weight.shape[-1] == (7 if large else kernel)
    if large:
        x = second(first(normal(2, 1, 1, length)))
        assert x.shape == (2, 4, 1, math.ceil(length / 4))
    else:
        assert first(normal(2, 1, 1, length)).shape == (2, 4, 1, length)


def test_products_are_those_counted_by_hand():
    net = make("se_resnet", (3, 8, 8), members=2, depth=(1, 1))
    stem = 64 * 9 * 3 * 4
    first = 2 * 64 * 9 * 4 * 4 + 2 * 4 * 4
    second = 16 * (9 * 4 * 8 + 9 * 8 * 8 + 4 * 8) + 2 * 8 * 4
    assert net.products == 2 * (stem + first + second)
    net = make("lenet", (1, 8), depth=1)
    assert net.products == 8 * 5 * 4 + 4 * 4 * 32 + 32 * 20
    net = make("efficientnetv2", (1, 8), depth=(1, 1, 1))
    stem, first = 8 * 3 * 1 * 4, 8 * 3 * 4 * 4
    fused = 4 * (3 * 4 * 16 + 16 * 8)
    depthwise = 4 * 8 * 32 + 2 * 3 * 32 + 2 * 32 * 4 + 2 * 32 * 16
    assert net.products == stem + first + fused + depthwise


def test_large_inputs_are_evaluated_in_fewer_rows():
    small, large = make("resnet", (1, 8, 8)), make("resnet", (1, 256, 128), stem="small")
    assert small.rows_together() == 2**21 // (4 * 8 * 8)
    assert large.rows_together() == 2**21 // (4 * 256 * 128)
    assert make("vgg", (1, 2**20), width=8, stem="small").rows_together() == 1


# Networks against torch's own


class TorchResidual(nn.Module):
    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.branch = nn.Sequential(
            *(nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU()),
            *(nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False), nn.BatchNorm2d(n_out)),
        )
        shortcut = nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out)
        self.shortcut = nn.Sequential(*shortcut) if stride > 1 else nn.Identity()

    def forward(self, x):
        return (self.branch(x) + self.shortcut(x)).relu()


def torch_layers(n_in, n_out, kernel_size):
    conv = nn.Conv2d(n_in, n_out, kernel_size, padding="same", bias=False)
    return conv, nn.BatchNorm2d(n_out), nn.ReLU()


def torch_network(architecture):
    pool = nn.MaxPool2d(2, ceil_mode=True)
    layers = {
        "resnet": (*torch_layers(3, 4, 3), TorchResidual(4, 4, 1), TorchResidual(4, 8, 2)),
        "vgg": (*torch_layers(3, 4, 3), *torch_layers(4, 4, 3), pool, *torch_layers(4, 8, 3)),
        "lenet": (*torch_layers(3, 4, 5), pool, *torch_layers(4, 8, 5), pool, nn.Flatten()),
    }[architecture]
    if architecture == "lenet":
        units = nn.Linear(8 * 3 * 2, 32), nn.ReLU(), nn.Linear(32, 20), nn.ReLU()
    else:
        units = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return nn.Sequential(*layers, *units).double()


@pytest.mark.parametrize(
    ("architecture", "depth"), [("resnet", (1, 1)), ("vgg", (2, 1)), ("lenet", 2)]
)
def test_networks_are_those_of_torch(architecture, depth):
    ours, theirs, x = (
        make(architecture, depth=depth),
        torch_network(architecture),
        normal(6, 3, 9, 8),
    )
    their_norms = [m for m in theirs.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        for place, norm in enumerate(norms(ours)):
            norm.gain.copy_(normal(*norm.gain.shape, seed=place))
            norm.bias.copy_(normal(*norm.bias.shape, seed=100 + place))
        for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            own = own[0].T if own.ndim == 3 and own.shape[1] > 1 else own
            other.copy_(own.reshape(other.shape))
    actual, expected = ours(x.unsqueeze(0))[0], theirs(x)
    assert_close(actual, expected)
    outer = normal(*actual.shape, seed=1)
    actual.backward(outer)
    expected.backward(outer)
    for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        gradient = own.grad[0].T if own.ndim == 3 and own.shape[1] > 1 else own.grad
        assert_close(gradient.reshape(other.shape), other.grad)
    for own, other in zip(norms(ours), their_norms, strict=True):
        assert_close(own.running_mean.flatten(), other.running_mean)
        other.running_var.copy_(own.running_variance.flatten())  # theirs is unbiased
    assert_close(ours.eval()(x.unsqueeze(0))[0], theirs.eval()(x))


@each_number_of_axes
@pytest.mark.parametrize("architecture", RESIDUAL)
def test_a_fresh_residual_branch_adds_nothing(architecture, n_axes):
    # Not make, which wakes the branches.
    random, shape = MemberRandom([0, 1]), SHAPES[n_axes]
    net = ConvNet(shape, random, architecture=architecture, width=4, depth=(2, 2, 2)).train()
    x = net.blocks[0](normal(6, 2 * shape[0], *shape[1:], dtype=torch.float32))
    fresh = 0
    for block in net.blocks[1:]:
        if isinstance(block, Residual):
            expected = x if block.shortcut is None else block.shortcut(x)
            expected = expected if block.activation is None else expected.relu()
            assert torch.equal(block(x), expected)
            fresh += 1
        x = block(x)
    assert fresh == (4 if architecture == "efficientnetv2" else 6)
