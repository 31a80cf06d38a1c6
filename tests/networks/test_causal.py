"""Causal bodies: step by step, in pieces or in one pass they give the same features."""

import numpy as np
import pytest
import torch

from sklearn_modern.networks.bimodal import Bimodal
from sklearn_modern.networks.causal import CausalTransformer, Earlier
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.recurrent import Recurrent
from sklearn_modern.networks.sequences import TokenEmbedding, select_rows

N_CODES, CONTEXT = 7, 8


def inputs():
    random = MemberRandom([0])
    embedding = TokenEmbedding(N_CODES, 5, random, 0.0)
    return random, {"embedding": embedding, "n_channels": 0, "n_steps": 6.0, "dropout": 0.0}


def recurrent(cell):
    random, given = inputs()
    return Recurrent(
        random, (6, 4), cell=cell, bidirectional=False, pooling=("last",), **given
    ).eval()


def bimodal(cell):
    random, given = inputs()
    return Bimodal(random, (6, 4), cell=cell, **given).eval()


def transformer(attention, window=2):
    random, given = inputs()
    return CausalTransformer(
        random,
        context=CONTEXT,
        width=8,
        depth=2,
        n_heads=2,
        feedforward_factor=2,
        attention=attention,
        window=window,
        positions="sinusoidal",
        **given,
    ).eval()


BODIES_OF_ROWS = {
    **{cell: lambda cell=cell: recurrent(cell) for cell in ("lstm", "gru", "rnn")},
    **{a: lambda a=a: transformer(a) for a in ("full", "cascade", "dilated")},
}
BODIES = BODIES_OF_ROWS | {f"to both sides, {c}": lambda c=c: bimodal(c) for c in ("lstm", "gru")}
each_body = pytest.mark.parametrize("name", BODIES)


def codes(n_steps, n_rows=3, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(1, N_CODES, (n_rows, n_steps)))


def advanced(body, x, sizes):
    """Return the features of steps that come in parts of these sizes."""
    state, features = body.begin(len(x)), []
    for part in x.split(sizes, dim=1):
        found, state = body.advance(part, state)
        features.append(found)
    return torch.cat(features, dim=1)


@each_body
@pytest.mark.parametrize(("precision", "tolerance"), [("float", 1e-5), ("double", 1e-10)])
@torch.no_grad()
def test_step_by_step_is_one_pass(name, precision, tolerance):
    body = getattr(BODIES[name](), precision)()
    x = body.embed(codes(CONTEXT))
    expected = body.steps(x, NOTHING)
    for sizes in ([1] * CONTEXT, [3, 1, 4], [CONTEXT]):
        np.testing.assert_allclose(advanced(body, x, sizes), expected, atol=tolerance)


@each_body
@torch.no_grad()
def test_long_rows_are_the_same_in_parts_of_any_size(name):
    body = BODIES[name]().double()
    x = body.embed(codes(3 * CONTEXT + 1))
    expected = advanced(body, x, [len(x[0])])
    for sizes in ([1] * len(x[0]), [CONTEXT + 1, CONTEXT - 2, CONTEXT + 2]):
        np.testing.assert_allclose(advanced(body, x, sizes), expected, atol=1e-10)


@each_body
@torch.no_grad()
def test_no_step_sees_a_later_one(name):
    body = BODIES[name]().double()
    x = codes(CONTEXT)
    expected = body.steps(body.embed(x), NOTHING)
    for place in range(CONTEXT):
        changed = x.clone()
        changed[:, place] = changed[:, place] % (N_CODES - 1) + 1
        found = body.steps(body.embed(changed), NOTHING)
        assert torch.equal(found[:, :place], expected[:, :place])
        assert not torch.allclose(found[:, place], expected[:, place])


@each_body
@torch.no_grad()
def test_states_follow_their_rows(name):
    body = BODIES[name]().double()
    x, index = body.embed(codes(CONTEXT + 3)), torch.tensor([2, 0, 0])
    before, state = body.advance(x[:, :5], body.begin(3))
    found, _ = body.advance(x[index][:, 5:], select_rows(state, index))
    expected = advanced(body, x, [CONTEXT + 3])
    np.testing.assert_allclose(found, expected[index][:, 5:], atol=1e-10)
    np.testing.assert_allclose(before, expected[:, :5], atol=1e-10)


@pytest.mark.parametrize("name", BODIES_OF_ROWS)
@torch.no_grad()
def test_features_of_a_row_are_those_of_its_last_step(name):
    body = BODIES[name]().double()
    x, lengths = codes(CONTEXT), torch.tensor([CONTEXT, 3, 5])
    mask = torch.arange(CONTEXT) < lengths.unsqueeze(1)
    found = body(x * mask, Given(mask=mask))
    steps = body.steps(body.embed(x), NOTHING)
    np.testing.assert_allclose(found, steps[torch.arange(3), lengths - 1], atol=1e-10)


@pytest.mark.parametrize("attention", ["full", "cascade", "dilated"])
@torch.no_grad()
def test_what_falls_out_of_the_window_has_no_say(attention):
    body = transformer(attention, window=100).double()
    x = codes(2 * CONTEXT)
    changed = x.clone()
    changed[:, : CONTEXT // 2] = 1
    found, expected = (
        advanced(body, body.embed(one), [2 * CONTEXT])[:, CONTEXT:] for one in (x, changed)
    )
    np.testing.assert_allclose(found, expected, atol=1e-12)
    changed[:, CONTEXT // 2 : CONTEXT] = 1
    found = advanced(body, body.embed(changed), [2 * CONTEXT])[:, CONTEXT]
    assert not np.allclose(found, expected[:, 0], atol=1e-3)


@pytest.mark.parametrize(
    ("earlier", "seen"),
    [
        (Earlier(), [0, 1, 2, 3, 4, 5]),
        (Earlier(2), [3, 4, 5]),
        (Earlier(2, 2), [1, 3, 5]),
        (Earlier(9, 3), [2, 5]),
    ],
)
def test_whom_a_step_sees(earlier, seen):
    query, key = torch.randn(1, 1, 6, 4), torch.randn(1, 1, 6, 4)
    value = torch.eye(6).expand(1, 1, 6, 6)
    weights = earlier(query, key, value, None)
    assert weights[0, 0, 5].nonzero()[:, 0].tolist() == seen
    np.testing.assert_allclose(
        earlier(query[:, :, 4:], key, value, None), weights[:, :, 4:], atol=1e-6
    )


def test_a_bidirectional_network_cannot_be_advanced():
    random, given = inputs()
    both = Recurrent(random, (3,), cell="gru", bidirectional=True, pooling=("last",), **given)
    with pytest.raises(ValueError, match="bidirectional=False"):
        both.begin(1)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@torch.no_grad()
def test_both_sides_are_two_networks_whose_states_meet(cell):
    """Each side reads the beginning and its own steps, beside the last step of the other one."""
    body = bimodal(cell).double()
    # The beginning, four steps to the right, and two to the left.
    begin, right, left = codes(1), codes(4, seed=1), codes(2, seed=2)
    nothing = torch.zeros(3, 2, dtype=torch.int64)
    turns = torch.stack([right, torch.cat([left, nothing], dim=1)], dim=2).flatten(1)
    found = body.steps(body.embed(torch.cat([begin, turns], dim=1)))

    def states(side, own, other):
        """Read pairs: the step before, on the other side, with whether it is one; and the step."""
        own, other = torch.cat([begin, own], dim=1), torch.cat([nothing[:, :1], other], dim=1)
        there = (other > 0).unsqueeze(-1).double()
        pairs = [body.embedding(other), there, body.embedding(own)]
        return side.steps(torch.cat(pairs, dim=-1), NOTHING)

    of_right = states(body.right, right, torch.cat([begin, left, nothing[:, :1]], dim=1))
    of_left = states(body.left, left, right[:, :2])
    n_right, n_left = [0, 1, 1, 2, 2, 3, 3, 4, 4], [0, 0, 1, 1, 2, 2, 2, 2, 2]
    one, other = of_right[:, n_right], of_left[:, n_left]
    own_first = (torch.arange(9) % 2 == 0).unsqueeze(-1)
    both = torch.cat([one.where(own_first, other), other.where(own_first, one)], dim=-1)
    joined = torch.nn.functional.gelu(both @ body.join.weight[0] + body.join.bias[0])
    expected = torch.cat([both, joined], dim=-1)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(
        advanced(body, body.embed(torch.cat([begin, turns], dim=1)), [1] * 9), expected, atol=1e-10
    )
