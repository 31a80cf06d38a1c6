"""Attention, its blocks and its poolings, in float64 and beside torch's own layers."""

import pytest
import torch
from torch import nn

from sklearn_modern.networks.attention import (
    POOLINGS,
    Attention,
    TransformerBlock,
    full_attention,
)
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.random import MemberRandom

WIDTH, N_HEADS, ROWS, PLACES = 12, 3, 5, 7
LENGTHS = torch.tensor([[7, 1, 4, 6, 2], [3, 7, 7, 1, 5]])
MASK = torch.arange(PLACES) < LENGTHS.unsqueeze(-1)  # of two members

POOLED = [f"{name} pooling" for name in POOLINGS]

each_layer = pytest.mark.parametrize("kind", ["attention", "block", *POOLED])


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def make(kind, seeds=(0, 1), **more):
    random = MemberRandom(seeds)
    if kind in POOLED:
        return POOLINGS[kind.removesuffix(" pooling")](WIDTH, random).double()
    layer = {"attention": Attention, "block": TransformerBlock}[kind]
    return layer(WIDTH, N_HEADS, random, **more).double()


def assert_close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)


def copied(ours, theirs):
    """Give a layer of torch's the weights of ours."""
    with torch.no_grad():
        for mine, its in ours.items():
            weight = mine.weight if hasattr(mine, "weight") else mine.gain
            its[0].copy_(weight[0].T if weight[0].shape[0] > 1 else weight[0, 0])
            its[1].copy_(mine.bias[0, 0])
    return theirs


@pytest.mark.parametrize("mask", [None, MASK[0]], ids=["whole", "padded"])
def test_block_is_torchs_encoder_layer(mask):
    ours = make("block", seeds=[0])
    peer = nn.TransformerEncoderLayer(
        WIDTH,
        N_HEADS,
        4 * WIDTH,
        dropout=0.0,
        activation="gelu",
        batch_first=True,
        norm_first=True,
        dtype=torch.float64,
    )
    attention = peer.self_attn
    pairs = {
        ours.attention.ask: (attention.in_proj_weight, attention.in_proj_bias),
        ours.attention.answer: (attention.out_proj.weight, attention.out_proj.bias),
        ours.widen: (peer.linear1.weight, peer.linear1.bias),
        ours.narrow: (peer.linear2.weight, peer.linear2.bias),
        ours.norm_before_attention: (peer.norm1.weight, peer.norm1.bias),
        ours.norm_before_feedforward: (peer.norm2.weight, peer.norm2.bias),
    }
    copied(pairs, peer)
    x = normal(ROWS, PLACES, WIDTH)
    given = NOTHING if mask is None else Given(mask=mask.unsqueeze(0))
    there = torch.ones(ROWS, PLACES, dtype=torch.bool) if mask is None else mask
    found = ours(x.unsqueeze(0), given)[0]
    expected = peer(x, src_key_padding_mask=~there)
    assert_close(found[there], expected[there])


@each_layer
def test_what_does_not_exist_has_no_influence(kind):
    layer, x = make(kind), normal(2, ROWS, PLACES, WIDTH)
    filled = torch.where(MASK.unsqueeze(-1), x, 1e3 * normal(1, seed=1)).requires_grad_()
    together = layer(filled, Given(mask=MASK))
    is_pooled = kind in POOLED
    there = together if is_pooled else together[MASK]
    there.backward(normal(*there.shape, seed=2))
    assert not filled.grad[~MASK].any()
    assert filled.grad[MASK].any(dim=-1).all()
    for row in range(ROWS):
        for member in range(2):
            length = LENGTHS[member, row]
            alone = make(kind, [member])(x[member : member + 1, row : row + 1, :length])
            found = together[member, row]
            assert_close(found if is_pooled else found[:length], alone[0, 0])


@each_layer
def test_a_row_without_places_leaves_the_numbers_finite(kind):
    layer, x = make(kind, [0]), normal(1, 2, PLACES, WIDTH).requires_grad_()
    mask = torch.ones(1, 2, PLACES, dtype=torch.bool)
    mask[0, 1] = False
    result = layer(x, Given(mask=mask))
    result.sum().backward()
    assert result.isfinite().all()
    assert x.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in layer.parameters())


@each_layer
def test_members_do_not_depend_on_their_neighbours(kind):
    x = normal(2, ROWS, PLACES, WIDTH)
    together = make(kind)(x)
    for member in range(2):
        assert_close(make(kind, [member])(x[member : member + 1])[0], together[member])


def test_members_may_see_the_same_rows():
    for kind in ("attention", "block"):
        x = normal(1, ROWS, PLACES, WIDTH)
        given = Given(mask=MASK[:1])
        twice = make(kind)(
            x.expand(2, -1, -1, -1), given.mapped(lambda mask: mask.expand(2, -1, -1))
        )
        assert_close(make(kind)(x, given), twice)


def test_pooling_weights_sum_to_one():
    for kind in POOLED:
        layer, x = make(kind), normal(2, ROWS, PLACES, WIDTH)
        weights = layer.weights(x, Given(mask=MASK))
        assert not weights[~MASK].any()
        assert_close(weights.sum(-1), torch.ones(2, ROWS, dtype=torch.float64))
        assert_close((weights.unsqueeze(-1) * x).sum(2), layer(x, Given(mask=MASK)))


def test_dropout_comes_from_the_members_streams():
    torch.manual_seed(0)
    before, x = torch.get_rng_state(), normal(1, ROWS, PLACES, WIDTH)
    first, again = (make("block", dropout=0.4)(x) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(first, make("block", dropout=0.0)(x))
    assert_close(make("block", [1], dropout=0.4)(x)[0], first[1])
    assert torch.equal(make("block", dropout=0.4).eval()(x), make("block").eval()(x))


def of_itself(query, key, value, mask):
    """Let each place see itself only."""
    return value


def test_another_pattern_of_attention():
    x = normal(1, ROWS, PLACES, WIDTH)
    layer = make("attention", [0], attend=of_itself)
    each = layer(x.reshape(1, ROWS * PLACES, 1, WIDTH))
    assert_close(layer(x), each.reshape(x.shape))
    assert "of_itself" in repr(layer)
    assert "full_attention" in repr(make("attention", [0], attend=full_attention))


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="n_heads=5 must divide width=12, as 1, 2, 3, 4, 6, 12 do"):
        Attention(12, 5, MemberRandom([0]))
