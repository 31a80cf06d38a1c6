"""Vision transformers over one, two and three axes, in float64."""

import copy
import pickle

import pytest
import torch
import torch.nn.functional as F

from sklearn_modern.networks.given import Given
from sklearn_modern.networks.positions import sinusoids, with_positions
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.vision import PATCHES, VisionTransformer

SHAPES = {1: (2, 13), 2: (3, 9, 8), 3: (1, 5, 1, 4)}
CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}

each_kind = pytest.mark.parametrize("patches", PATCHES)
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=str)


def make(patches="convolution", shape=SHAPES[2], seeds=(0,), **more):
    small = {"width": 8, "depth": 1, "n_heads": 2}
    return VisionTransformer(shape, MemberRandom(seeds), patches=patches, **small | more).double()


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def assert_close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-11)


@each_shape
@each_kind
@pytest.mark.parametrize("pooling", ["attention", "mean"])
def test_shapes_and_gradients(patches, shape, pooling):
    for seeds in ((0,), (0, 1)):
        net = make(patches, shape, seeds, pooling=pooling, depth=2)
        features = net(normal(1, 6, *shape))
        assert features.shape == (len(seeds), 6, net.n_features_out)
        features.backward(normal(*features.shape))
        for name, parameter in net.named_parameters():
            assert len(parameter) == len(seeds), name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.any(), name
        assert all(len(value) == len(seeds) for value in net.state_dict().values())


@each_shape
@each_kind
def test_members_do_not_depend_on_their_neighbours(patches, shape):
    x, weight = normal(3, 6, *shape), normal(3, 6, seed=1).exp()
    net = make(patches, shape, range(3), dropout=0.3)
    together = net(x, Given(weight))
    for member in range(3):
        own = slice(member, member + 1)
        alone = make(patches, shape, [member], dropout=0.3)(x[own], Given(weight[own]))
        assert_close(alone, together[own])


@each_kind
def test_pickles_and_copies_go_on_alike(patches):
    net, x = make(patches, dropout=0.3), normal(1, 6, *SHAPES[2])
    net(x)
    twins = [pickle.loads(pickle.dumps(net)), copy.deepcopy(net)]
    expected = net(x)
    assert all(torch.equal(twin(x), expected) for twin in twins)


@pytest.mark.parametrize("size", [1, 2, 3])
@each_shape
def test_linear_patches_are_a_convolution_that_steps_over_patches(shape, size):
    channels, *spatial = shape
    size = min(size, *spatial)
    layer = PATCHES["linear"](channels, 8, (size,) * len(spatial), MemberRandom([0])).double()
    x = normal(1, 4, *shape)
    padding = [n for length in reversed(spatial) for n in (0, -length % size)]
    # Pixels of a patch come last axis first, then the channels.
    weight = layer.linear.weight[0].T.reshape(8, *[size] * len(spatial), channels)
    weight = weight.permute(0, -1, *range(len(spatial), 0, -1))
    convolve = CONVOLUTIONS[len(spatial)]
    expected = convolve(F.pad(x[0], padding), weight, layer.linear.bias[0, 0], stride=size)
    assert_close(layer(x)[0], expected.movedim(1, -1))


@pytest.mark.parametrize(
    ("shape", "grid"),
    {
        (1, 1): (1,),
        (1, 2): (1,),
        (3, 150): (38,),
        (1, 8, 8): (4, 4),
        (3, 28, 28): (7, 7),
        (3, 64, 48): (8, 6),
        (1, 1, 200): (1, 50),
        (1, 3, 200): (2, 25),
        (1, 16, 16, 16): (4, 4, 4),
    }.items(),
)
def test_patches_of_auto(shape, grid):
    for patches in PATCHES:
        weights = make(patches, shape).patch_weights(normal(1, 2, *shape))
        assert weights.shape == (1, 2, *grid)
        assert_close(weights.flatten(2).sum(2), torch.ones(1, 2, dtype=torch.float64))


def test_bad_patches():
    with pytest.raises(ValueError, match=r"patch_size=9.*shape \(9, 8\) is smaller.*be 8 at most"):
        make(patch_size=9)
    with pytest.raises(ValueError, match="patch_size=3 must be a power of two.*linear"):
        make(patch_size=3)
    for size, patches, grid in ((3, "linear", (3, 3)), (8, "convolution", (2, 1))):
        net = make(patches, patch_size=size)
        assert net.patch_weights(normal(1, 1, *SHAPES[2])).shape == (1, 1, *grid)


@pytest.mark.parametrize("axis", [-1, -2])
def test_order_of_patches_matters(axis):
    net, x = make("linear", patch_size=1, shape=(1, 4, 4)), normal(1, 3, 1, 4, 4)
    assert not torch.isclose(net(x), net(x.flip(axis))).any()


def test_positions_are_waves_along_each_axis():
    x = normal(2, 3, 5, 4, 11)  # of which the first axis gets five numbers and the second six
    added = with_positions(x) - x
    waves = [sinusoids(5, 5, x)[:, None].expand(5, 4, 5), sinusoids(4, 6, x).expand(5, 4, 6)]
    assert_close(added, torch.cat(waves, dim=-1).expand_as(x))
    rates = torch.tensor([1.0, 10_000 ** (-1 / 2)], dtype=torch.float64)
    assert_close(sinusoids(9, 4, x)[7], torch.cat([(7 * rates).sin(), (7 * rates).cos()]))
    late = sinusoids(2000, 4, x.bfloat16())[-9:].double()
    torch.testing.assert_close(late, sinusoids(2000, 4, x)[-9:], rtol=0, atol=0.01)


@each_kind
def test_takes_images_of_other_sizes(patches):
    net = make(patches)
    assert net.takes((3, 30, 7))
    assert net(normal(1, 2, 3, 30, 7)).shape == (1, 2, net.n_features_out)
    assert not net.takes((2, 9, 8))


def test_frozen_parts_stay():
    net = make(depth=2)
    assert len(net.parts()) == 4
    net.freeze(2)
    net(normal(1, 6, *SHAPES[2])).square().sum().backward()
    frozen = {name for name, p in net.named_parameters() if not p.requires_grad}
    parts = ("patches", "blocks.0")
    assert frozen == {name for name, _ in net.named_parameters() if name.startswith(parts)}
    assert not net.patches.training
    assert net.blocks[1].training
