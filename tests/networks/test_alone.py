"""Members side by side round as each of them does alone."""

import pytest
import torch

from sklearn_modern.networks.alone import alone, ordered_gradient, together
from sklearn_modern.networks.convnet import ARCHITECTURES, ConvNet
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.random import MemberRandom

MEMBERS = 3


def make(seeds, architecture, shape):
    net = ConvNet(shape, MemberRandom(seeds), architecture=architecture, width=3, dropout=0.2)
    for weight in net.parameters():  # branches that start at zero would hide what follows them
        if not weight.any():
            weight.data.fill_(0.5)
    return net


@pytest.mark.parametrize("n_rows", [1, 9])
@pytest.mark.parametrize("shape", [(3, 7, 5), (2, 9), (1, 4, 4)])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_members_have_the_digits_that_they_have_alone(architecture, shape, n_rows):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(MEMBERS, n_rows, *shape, generator=generator)
    weight = torch.rand(MEMBERS, n_rows, generator=generator)
    for given in (NOTHING, Given(weight)) if n_rows > 1 else (NOTHING,):
        net = make(range(MEMBERS), architecture, shape)
        features = net(x, given)
        outer = torch.randn(features.shape, generator=torch.Generator().manual_seed(1))
        features.backward(outer)
        for member in range(MEMBERS):
            own = slice(member, member + 1)
            one = make([member], architecture, shape)
            alone_features = one(x[own], given.mapped(lambda values, own=own: values[own]))
            alone_features.backward(outer[own])
            assert torch.equal(alone_features, features[own])
            pairs = zip(one.named_parameters(), net.parameters(), strict=True)
            for (name, parameter), joint in pairs:
                assert torch.equal(parameter.grad, joint.grad[own]), name
            for statistics, joint in zip(one.buffers(), net.buffers(), strict=True):
                assert torch.equal(statistics, joint[own])


def lanes(x, own):
    """Round by how many channels there are."""
    calls.append(x.shape[1])
    return x * own.view(-1, 1) * (1.0 + x.shape[1] * 1e-6)


calls: list[int] = []


def test_what_rounds_otherwise_is_done_one_by_one():
    x, own = torch.randn(4, 6, 5), torch.rand(6)
    calls.clear()
    y = alone(lanes, 3, x, own)
    assert calls[-3:] == [2, 2, 2]
    assert torch.equal(y, torch.cat([lanes(x[:, i : i + 2], own[i : i + 2]) for i in (0, 2, 4)], 1))
    with together():
        assert torch.equal(alone(lanes, 3, x, own), lanes(x, own))


def test_gradients_lie_in_memory_as_values_do():
    x = torch.randn(2, 3, 4, 5, requires_grad=True)
    y = ordered_gradient(x.contiguous(memory_format=torch.channels_last))
    strides = []
    y.register_hook(lambda gradient: strides.append(gradient.stride()))
    y.backward(torch.randn(2, 3, 4, 5))
    assert strides == [y.stride()]
