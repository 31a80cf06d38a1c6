"""Layers over spatial axes, against torch's own and formulas written out, in float64."""

import copy

import pytest
import torch
import torch.nn.functional as F

from sklearn_modern.networks.given import Given
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.spatial_layers import (
    ChannelNorm,
    Conv,
    MaxPool,
    SqueezeExcite,
    StochasticDepth,
)

each_number_of_axes = pytest.mark.parametrize("n_axes", [1, 2, 3])


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def assert_close(actual, expected, rtol=1e-9, atol=1e-11):
    torch.testing.assert_close(actual, expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize(("kernel_size", "step", "groups"), [(3, 1, 1), (5, 2, 1), (3, 2, 4)])
@each_number_of_axes
def test_conv_is_torch_conv(n_axes, kernel_size, step, groups):
    stride = (step, 1, step)[:n_axes]
    conv = Conv(4, 8, kernel_size, stride, MemberRandom([0, 1]), groups=groups).double()
    x = normal(2, 5, 4, *(7, 6, 5)[:n_axes])
    convolve = (F.conv1d, F.conv2d, F.conv3d)[n_axes - 1]
    beside = conv(x.transpose(0, 1).flatten(1, 2)).unflatten(1, (2, 8))
    for m in range(2):
        padding = kernel_size // 2
        expected = convolve(x[m], conv.weight[m], None, stride, padding, groups=groups)
        assert_close(beside[:, m], expected)


def test_initial_weights_have_the_variance_of_he():
    conv = Conv(64, 48, 3, (1, 1), MemberRandom([0, 1]))
    assert_close(conv.weight.var(dim=(1, 2, 3, 4)), torch.full((2,), 2 / (64 * 9)), rtol=0.03)
    depthwise = Conv(2048, 2048, 3, (1,), MemberRandom([0]), groups=2048)
    assert_close(depthwise.weight.var(), torch.tensor(2 / 3), rtol=0.05)


@each_number_of_axes
def test_channel_norm_is_the_formula(n_axes):
    shape = (5, 4, 3)[:n_axes]
    norm, x = ChannelNorm(4, MemberRandom([0, 1])).double(), normal(6, 8, *shape) * 3 + 1
    norm.gain.data, norm.bias.data = normal(2, 1, 4, seed=1), normal(2, 1, 4, seed=2)
    weight = normal(2, 6, seed=3).exp()
    weight[:, 2] = 0
    for weights in (weight, 7 * weight, None):
        before, y = copy.deepcopy(norm), norm(x, Given(weights))
        for m in range(2):
            w = torch.ones(6).double() if weights is None else weights[m]
            pixels = x[:, 4 * m : 4 * m + 4].flatten(2)
            w = w.view(6, 1, 1).expand_as(pixels)
            mean = (w * pixels).sum((0, 2)) / w.sum((0, 2))
            variance = (w * (pixels - mean[:, None]) ** 2).sum((0, 2)) / w.sum((0, 2))
            scaled = (pixels - mean[:, None]) / (variance[:, None] + 1e-5).sqrt()
            expected = scaled * norm.gain[m].T + norm.bias[m].T
            assert_close(y[:, 4 * m : 4 * m + 4].flatten(2), expected)
            for now, old, batch in (
                (norm.running_mean, before.running_mean, mean),
                (norm.running_variance, before.running_variance, variance),
            ):
                assert_close(now[m, 0], 0.9 * old[m, 0] + 0.1 * batch)


def test_channel_norm_gradients():
    norm, x = ChannelNorm(2, MemberRandom([0, 1])).double(), normal(5, 4, 3).requires_grad_()
    weight = normal(2, 5, seed=1).exp()
    weight[:, 3] = 0
    assert torch.autograd.gradcheck(norm, (x,))
    assert torch.autograd.gradcheck(lambda x: norm(x, Given(weight)), (x,))


def test_channel_norm_learns_nothing_from_less_than_two_values():
    norm, x = ChannelNorm(4, MemberRandom(range(3))).double(), normal(5, 12, 1).requires_grad_()
    norm(normal(5, 12, 1, seed=1))
    before = copy.deepcopy(norm)
    weight = torch.tensor([[1.0] * 5, [0, 2, 0, 0, 0], [0] * 5], dtype=torch.float64)
    y = norm(x, Given(weight))
    y.square().sum().backward()
    assert x.grad.isfinite().all()
    assert_close(y[:, 4:], copy.deepcopy(before).eval()(x)[:, 4:])
    for name, value in norm.named_buffers():
        assert_close(value[1:], getattr(before, name)[1:])
        assert not value[0].isclose(getattr(before, name)[0]).any()
    pair = normal(5, 12, 2)  # of pixels: enough, even in a single row
    assert_close(norm(pair, Given(weight))[1:2, 4:8], copy.deepcopy(before)(pair[1:2])[:, 4:8])


def test_max_pool_keeps_a_last_odd_pixel():
    x = torch.tensor([[[1.0, 5, 2, 3, 4]]])
    assert MaxPool((2,))(x).tolist() == [[[5, 3, 4]]]
    assert torch.equal(MaxPool((1,))(x), x)
    assert MaxPool((2, 1))(x.view(1, 1, 5, 1).expand(1, 1, 5, 3)).shape == (1, 1, 3, 3)


def test_squeeze_excite_is_the_formula():
    layer, x = SqueezeExcite(6, 4, MemberRandom([0, 1]), F.relu).double(), normal(5, 12, 3, 2)
    actual = layer(x)
    for m, channels in enumerate((slice(0, 6), slice(6, 12))):
        hidden = x[:, channels].mean((2, 3)) @ layer.squeeze.weight[m] + layer.squeeze.bias[m]
        gates = (hidden.relu() @ layer.excite.weight[m] + layer.excite.bias[m]).sigmoid()
        assert gates.min() > 0
        assert gates.max() < 1
        assert_close(actual[:, channels], x[:, channels] * gates[:, :, None, None])


@each_number_of_axes
def test_stochastic_depth(n_axes):
    layer, x = StochasticDepth(0.2, MemberRandom([0, 1])), torch.ones(2000, 6, *[2] * n_axes)
    kept = layer(x).unflatten(1, (2, 3)).flatten(2)
    assert set(kept.unique().tolist()) == {0.0, 1.25}
    assert torch.equal(kept, kept[:, :, :1].expand_as(kept))  # all of a row, or nothing
    choices = kept[:, :, 0] > 0
    assert_close(choices.double().mean(0), torch.full((2,), 0.8).double(), rtol=0.03)
    both = choices.all(1).double().mean().item()
    assert both == pytest.approx(0.64, abs=0.03)
    alone = StochasticDepth(0.2, MemberRandom([1]))(x[:, :3])
    assert torch.equal(alone.flatten(1)[:, 0] > 0, choices[:, 1])
    assert layer.eval()(x) is x
    assert StochasticDepth(0.0, MemberRandom([0])).train()(x) is x
