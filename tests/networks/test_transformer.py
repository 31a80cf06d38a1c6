"""Transformers over sequences: their attention, and that a row's features are its own.

Windowed attention is compared with full attention under a mask, and full attention with torch's own
layer, in float64.
"""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from torch import nn

from sklearn_modern.networks.given import Given
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.sequences import TokenEmbedding
from sklearn_modern.networks.transformer import ATTENTIONS, Transformer
from sklearn_modern.networks.windowed_attention import Nearby

SMALL = {
    "width": 6,
    "depth": 3,
    "n_heads": 2,
    "feedforward_factor": 2,
    "attention": "full",
    "window": 2,
    "positions": "sinusoidal",
    "longest": 20,
    "pooling": "mean",
    "dropout": 0.2,
    "n_channels": 3,
    "n_steps": 9.0,
    "embedding": None,
}
KINDS = {
    "full": {},
    "cascade": {"attention": "cascade"},
    "dilated": {"attention": "dilated"},
    "learned places": {"positions": "learned"},
    "attention pooling": {"pooling": "attention"},
    "odd width": {"width": 5, "n_heads": 5},
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def make(**settings):
    return Transformer(MemberRandom([0]), **SMALL | settings).double()


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def exists(lengths, n_steps=None):
    return torch.arange(n_steps or max(lengths)) < torch.tensor(lengths).unsqueeze(1)


def assert_close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)


# Windowed attention


def masked(near, query, key, value, mask):
    """Compute all pairs, and leave out those that are not to be seen."""
    places = torch.arange(query.shape[2])
    away = places - places.unsqueeze(1)
    seen = (away % near.stride == 0) & (away.abs() <= near.reach * near.stride)
    seen = (seen & mask.unsqueeze(1)).unsqueeze(1)
    scores = query @ key.transpose(2, 3) / query.shape[3] ** 0.5
    return scores.where(seen, -1e300).softmax(-1) @ value


@settings(max_examples=12, deadline=None)
@drawn(
    lengths=st.lists(st.integers(1, 150), min_size=1, max_size=4),
    more=st.integers(0, 40),
    reach=st.integers(1, 50),
    stride=st.sampled_from([1, 2, 4, 64]),
)
def test_windowed_attention_is_full_attention_under_a_mask(lengths, more, reach, stride):
    near, mask = Nearby(reach, stride), exists(lengths, max(lengths) + more)
    values = normal(*mask.shape, 3, 2, 4)
    found, wanted = [], []
    for attend, results in ((near, found), (lambda *parts: masked(near, *parts), wanted)):
        asked = values.clone().requires_grad_()
        heads = attend(*asked.transpose(1, 3).unbind(2), mask)
        assert heads.isfinite().all()
        there = heads * mask[:, None, :, None]
        (there**2).sum().backward()
        results += [there.detach(), asked.grad]
    for actual, expected in zip(found, wanted, strict=True):
        assert_close(actual, expected)
    if not more and len(set(lengths)) == 1:
        assert_close(near(*values.transpose(1, 3).unbind(2), None), found[0])


@pytest.mark.parametrize("attention", ["cascade", "dilated"])
def test_windowed_attention_saves_work(attention, monkeypatch):
    pairs, real = [], F.scaled_dot_product_attention

    def counting(query, key, *rest, **named):
        pairs[-1] += query.shape[0] * query.shape[2] * key.shape[2]
        return real(query, key, *rest, **named)

    monkeypatch.setattr(F, "scaled_dot_product_attention", counting)
    body = make(attention=attention, window=16).eval()
    for n_steps in (1024, 2048):
        pairs.append(0)
        body(normal(2, n_steps, 3))
    assert pairs[1] == pytest.approx(2 * pairs[0], rel=0.05)
    assert pairs[1] < 3 * 2 * 2048**2 / 10


@pytest.mark.parametrize("layer", range(4))
@pytest.mark.parametrize("attention", ["cascade", "dilated"])
def test_what_a_layer_sees(attention, layer):
    n_places, here = 150, 70
    values = normal(1, n_places, 3, 1, 2).requires_grad_()
    attend = ATTENTIONS[attention](layer, 5)
    attend(*values.transpose(1, 3).unbind(2), None)[0, 0, here].sum().backward()
    seen = values.grad[0, :, 2].flatten(1).any(1).nonzero().flatten() - here
    sides = (
        [n * 2**layer for n in range(1, 4)]
        if attention == "dilated"
        else range(1, 5 * 2**layer + 1)
    )
    assert sorted(seen.tolist()) == sorted([-n for n in sides] + [0, *sides])


# The body


def torch_layer(block):
    """Make torch's own layer of the weights of a block."""
    width, hidden = block.widen.weight.shape[1:]
    layer = nn.TransformerEncoderLayer(
        width,
        block.attention.n_heads,
        hidden,
        dropout=0.0,
        activation="gelu",
        batch_first=True,
        norm_first=True,
        dtype=torch.float64,
    )
    norms = {"norm1": block.norm_before_attention, "norm2": block.norm_before_feedforward}
    state = {}
    for name, norm in norms.items():
        state |= {f"{name}.weight": norm.gain, f"{name}.bias": norm.bias}
    maps = {
        "self_attn.in_proj_": block.attention.ask,
        "self_attn.out_proj.": block.attention.answer,
        "linear1.": block.widen,
        "linear2.": block.narrow,
    }
    for name, one in maps.items():
        state |= {f"{name}weight": one.weight[0].T, f"{name}bias": one.bias}
    layer.load_state_dict(
        {key: value.view_as(layer.state_dict()[key]) for key, value in state.items()}
    )
    return layer


def test_blocks_are_torchs_own():
    body, mask = make(dropout=0.0), exists([4, 9, 1])
    steps = normal(*mask.shape, SMALL["width"])
    found, wanted = steps.unsqueeze(0), steps
    for block in body.blocks:
        found = block(found, Given(mask=mask.unsqueeze(0)))
        wanted = torch_layer(block)(wanted, src_key_padding_mask=~mask)
    assert_close(found[0][mask], wanted[mask])


@each_kind
@settings(max_examples=4, deadline=None)
@drawn(lengths=st.lists(st.integers(1, 90), min_size=1, max_size=4), more=st.integers(0, 9))
def test_features_of_a_row_are_its_own(kind, lengths, more):
    """What fills rows up does not matter either; a careless mask would let it through."""
    body, mask = make(**KINDS[kind]).eval(), exists(lengths, max(lengths) + more)
    x = normal(*mask.shape, 3)
    order = list(reversed(range(len(lengths))))
    together = body(x, Given(mask=mask))
    assert_close(body(x[order], Given(mask=mask[order])), together[order])
    for row, length in enumerate(lengths):
        assert_close(body(x[row : row + 1, :length]), together[row : row + 1])


@each_kind
def test_every_parameter_learns(kind):
    random = MemberRandom([0])
    for embedding in (None, TokenEmbedding(7, 4, random, 0.0)):
        body = make(**KINDS[kind], embedding=embedding)
        mask = exists([20, 3, 70])
        x = normal(*mask.shape, 3)
        if embedding is not None:
            x = torch.arange(1, 7).repeat(36)[: mask.numel()].view_as(mask).where(mask, 0)
        (body(x, Given(mask=mask)) * normal(3, body.n_features_out, seed=1)).sum().backward()
        for name, parameter in body.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.any(), name


def test_steps_beyond_the_longest_row_have_the_last_place():
    places = make(positions="learned", longest=4).enter[1]
    vectors = places(torch.zeros(1, 1, 7, 6, dtype=torch.float64))[0, 0]
    assert torch.equal(vectors[:4], places.vectors[0, 0])
    assert torch.equal(vectors[4:], places.vectors[0, 0, 3:].expand(3, -1))


def test_dropout_comes_from_the_stream_of_the_member():
    x, before = normal(2, 5, 3), torch.get_rng_state()
    features = [make()(x) for _ in range(2)]
    assert torch.equal(*features)
    assert not torch.equal(features[0], make(dropout=0.0)(x))
    assert torch.equal(torch.get_rng_state(), before)


def test_parts_hold_all_parameters():
    body = make(
        positions="learned",
        pooling="attention",
        embedding=TokenEmbedding(5, 4, MemberRandom([0]), 0.1),
    )
    body.freeze(len(body.parts()))
    assert not any(parameter.requires_grad for parameter in body.parameters())
    body.freeze(2)
    assert all(parameter.requires_grad for parameter in body.blocks.parameters())
    assert not any(parameter.requires_grad for parameter in body.enter.parameters())


def test_work_grows_with_what_is_seen():
    work = {
        (attention, n): make(attention=attention, n_steps=float(n)).products
        for attention in ATTENTIONS
        for n in (500, 1000)
    }
    assert work["full", 1000] > 2.5 * work["full", 500]
    for attention in ("cascade", "dilated"):
        assert work[attention, 1000] == pytest.approx(2 * work[attention, 500], rel=1e-3)
