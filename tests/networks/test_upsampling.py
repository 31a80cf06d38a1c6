"""Networks from codes to images: shapes, members apart, and what they mirror."""

from itertools import pairwise

import pytest
import torch

from sklearn_modern.networks.convnet import ARCHITECTURES, ConvNet
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.upsampling import Enlarge, Upsampling

SHAPES = [(1, 9), (2, 1), (1, 8, 8), (3, 7, 5), (1, 1, 6), (2, 3, 4, 5)]


def decoder_of(shape, seeds=(0,), cardinalities=(), **settings):
    encoder = ConvNet(shape, MemberRandom(seeds), width=3, pooled=False, **settings)
    return encoder, Upsampling(2, cardinalities, encoder.levels, MemberRandom(seeds))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_pixels_are_those_of_the_input(shape, architecture):
    encoder, decoder = decoder_of(shape, (0, 1), architecture=architecture)
    features = decoder(torch.randn(2, 5, 2))
    assert features.shape == (2, 5, *shape[1:], decoder.n_features_out)
    x = torch.randn(1, 5, *shape)
    assert encoder(x).shape == (2, 5, encoder.n_features_out)
    # Each resolution is half of the one before, and the last is what the encoder leaves.
    sizes = [size for _, size in encoder.levels]
    assert sizes[0] == shape[1:]
    assert all(b == tuple(-(-n // 2) for n in a) for a, b in pairwise(sizes))


def test_a_large_stem_has_levels_of_its_own():
    encoder, decoder = decoder_of((1, 70), stem="auto", depth=2)
    assert encoder.levels == [(3, (70,)), (3, (35,)), (3, (18,)), (6, (9,))]
    assert decoder(torch.randn(1, 2, 2)).shape == (1, 2, 70, 3)


def test_features_of_all_pixels_say_where_things_are():
    x = torch.zeros(1, 2, 1, 8, 8)
    x[0, 0, 0, 2:4, 2:4] = x[0, 1, 0, 4:6, 4:6] = 1.0  # the same, elsewhere
    body = ConvNet((1, 8, 8), MemberRandom([0]), width=4, depth=1, pooled=False)
    one, other = body.eval()(x)[0].unflatten(1, (4, 8, 8))
    torch.testing.assert_close(one.roll((2, 2), (1, 2)), other)


@pytest.mark.parametrize("shape", [(1, 8, 8), (2, 9), (1, 3, 4, 5)], ids=str)
def test_members_do_not_depend_on_their_neighbours(shape):
    codes, labels = torch.randn(2, 6, 2), torch.randint(3, (1, 6, 1))
    _, both = decoder_of(shape, (3, 4), (3,))
    together = both((codes, labels))
    for member, seed in enumerate((3, 4)):
        _, alone = decoder_of(shape, (seed,), (3,))
        torch.testing.assert_close(alone((codes[[member]], labels))[0], together[member])
    assert both.products == 2 * alone.products
    assert both.values == alone.values


def test_labels_count():
    _, decoder = decoder_of((1, 8, 8), (0,), (3,))
    codes = torch.randn(1, 1, 2).expand(1, 3, 2)
    found = decoder.eval()((codes, torch.arange(3).view(1, 3, 1)))[0]
    assert (found[0] - found[1]).abs().max() > 1e-3
    assert (found[1] - found[2]).abs().max() > 1e-3


@pytest.mark.parametrize("shape", [(5,), (5, 4), (2, 3, 5)], ids=str)
def test_an_enlarged_pixel_is_that_of_the_same_place(shape):
    small = tuple(-(-n // 2) for n in shape)
    x = torch.randn(2, 3, *small)
    found = Enlarge(shape)(x)
    for axis, size in enumerate(shape):
        x = x.index_select(axis + 2, torch.arange(size) // 2)
    assert torch.equal(found, x)


def test_products_are_those_of_the_layers():
    from torch.utils.flop_counter import FlopCounterMode

    _, decoder = decoder_of((1, 6, 6))
    with FlopCounterMode(display=False) as counter:
        decoder(torch.randn(1, 1, 2))
    assert decoder.products == pytest.approx(counter.get_total_flops() / 2, rel=0.05)
