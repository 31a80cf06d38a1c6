"""Convolutional networks for sequences; numbers against torch's layers, row by row in float64."""

import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_modern.networks.given import Given
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.sequence_convolution import Inception, Parallel, StepNorm
from sklearn_modern.networks.sequences import TokenEmbedding

N_CHANNELS, WIDTH, SIZES = 3, 4, (1, 2, 5)
LENGTHS = st.lists(st.integers(1, 12), min_size=2, max_size=6)
BODIES = {
    "parallel": (Parallel, {"depth": 1}),
    "parallel, deep": (Parallel, {"depth": 2}),
    "parallel, codes": (Parallel, {"depth": 1, "n_codes": 9}),
    "inception": (Inception, {"depth": 4}),
    "inception, codes": (Inception, {"depth": 1, "n_codes": 9}),
    "inception, one channel": (Inception, {"depth": 1, "n_channels": 1}),
}
each_body = pytest.mark.parametrize("name", BODIES)


def make(name, dropout=0.0):
    kind, how = BODIES[name]
    how, random = dict(how), MemberRandom([0])
    n_codes, n_channels = how.pop("n_codes", 0), how.pop("n_channels", N_CHANNELS)
    embedding = TokenEmbedding(n_codes, N_CHANNELS, random, dropout) if n_codes else None
    inputs = {"embedding": embedding, "n_channels": n_channels, "n_steps": 5.0, "dropout": dropout}
    return kind(random, width=WIDTH, kernel_sizes=SIZES, **how, **inputs).double()


def rows_for(body, lengths):
    rng = np.random.default_rng(sum(lengths))
    if body.embedding is not None:
        return [torch.from_numpy(rng.integers(1, 9, n)) for n in lengths]
    return [torch.from_numpy(rng.normal(size=(n, body.n_in))) for n in lengths]


def padded(rows, extra=0, rubbish=0.0):
    """Fill rows up, with more than needed and with anything."""
    longest = max(map(len, rows)) + extra
    x = rows[0].new_full((len(rows), longest, *rows[0].shape[1:]), rubbish)
    mask = torch.zeros(len(rows), longest, dtype=torch.bool)
    for place, row in enumerate(rows):
        x[place, : len(row)], mask[place, : len(row)] = row, True
    return x, Given(mask=mask)


def trained_a_little(body):
    """Move the statistics of batches, and let no row of maxima be zero."""
    for seed in range(3):
        body.train()(*padded(rows_for(body, [9, 4, 7, 12 - seed])))
    return body.eval()


@each_body
@settings(max_examples=8, deadline=None)
@given(lengths=LENGTHS, extra=st.integers(0, 3))
def test_a_rows_features_are_its_own(name, lengths, extra):
    body = trained_a_little(make(name))
    rows = rows_for(body, lengths)
    alone = torch.cat([body(row.unsqueeze(0)) for row in rows])
    rubbish = 0 if body.embedding is not None else 1e3
    together = body(*padded(rows, extra, rubbish))
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)
    order = torch.arange(len(rows)).flip(0)
    turned = body(*padded([rows[place] for place in order], extra))
    torch.testing.assert_close(turned, alone[order], rtol=0, atol=1e-12)


@each_body
@settings(max_examples=4, deadline=None)
@given(lengths=LENGTHS)
def test_a_training_step_sees_existing_steps_only(name, lengths):
    features = []
    for extra, rubbish in ((0, 0), (2, 1e3)):
        body = make(name)
        x, known = padded(rows_for(body, lengths), extra, 0 if body.embedding else rubbish)
        features.append(body(x, known))
        features += [value for key, value in body.state_dict().items() if "running" in key]
    half = len(features) // 2
    for clean, other in zip(features[:half], features[half:], strict=True):
        torch.testing.assert_close(other, clean, rtol=0, atol=1e-12)


@each_body
def test_every_parameter_has_a_gradient(name):
    body = make(name)
    features = body(*padded(rows_for(body, [12, 1, 7, 3, 9, 9])))
    assert features.shape == (6, body.n_features_out)
    # Not a plain sum: that is constant after normalisation.
    (features * torch.randn(features.shape, generator=torch.Generator())).sum().backward()
    for key, parameter in body.named_parameters():
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.any(), key
    in_parts = {parameter for part in body.parts() for parameter in part.parameters()}
    assert in_parts == set(body.parameters())


@each_body
def test_pickles_and_draws_from_its_own_stream(name):
    body, other = make(name, dropout=0.5), make(name, dropout=0.5)
    x = padded(rows_for(body, [5, 2, 8]))
    body(*x)
    twin, before = pickle.loads(pickle.dumps(body)), torch.get_rng_state()
    second = body(*x)
    assert torch.equal(twin(*x), second)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(other(*x), second)  # the masks go on


def test_parallel_is_kims_network():
    body, (row,) = make("parallel"), rows_for(make("parallel"), [7])
    maxima = []
    for conv, before, after in zip(body.layers[0], (0, 0, 2), (0, 1, 2), strict=True):
        steps = F.pad(row.T, (before, after))
        maxima.append(F.conv1d(steps, conv.weight, conv.bias).relu().amax(1))
    torch.testing.assert_close(body(row.unsqueeze(0))[0], torch.cat(maxima))


def test_inception_is_made_of_torchs_layers():
    body = make("inception").eval()
    x = torch.stack(rows_for(body, [8, 8]))
    block, last = body.blocks

    def module(m, x):
        narrow = F.conv1d(x, m.narrow.weight)
        parts = [
            F.conv1d(F.pad(narrow, sides), conv.weight)
            for conv, sides in zip(m.convs, ((0, 0), (0, 1), (2, 2)), strict=True)
        ]
        parts.append(F.conv1d(F.max_pool1d(x, 3, 1, 1), m.of_maxima.weight))
        return (torch.cat(parts, 1) / np.sqrt(1 + 1e-5)).relu()

    start = y = x.transpose(1, 2)
    for part in block.chain:
        y = module(part, y)
    shortcut = F.conv1d(start, block.shortcut.weight) / np.sqrt(1 + 1e-5)
    y = module(last.chain[0], (y + shortcut).relu())
    torch.testing.assert_close(body(x), y.mean(2))


@pytest.mark.parametrize("weight", [[1, 1, 1], [1, 0, 2]], ids=["equal", "weighted"])
@pytest.mark.parametrize("lengths", [[5, 5, 5], [5, 1, 3]], ids=["equal lengths", "ragged"])
def test_norm_counts_existing_steps_by_their_weights(lengths, weight):
    norm, rows = StepNorm(3, MemberRandom([0])).double(), rows_for(make("inception"), lengths)
    with torch.no_grad():
        norm.gain += torch.tensor([0.5, -0.3, 0.1])
    x, known = padded(rows, rubbish=9.0)
    is_weighted, is_ragged = weight != [1, 1, 1], len(set(lengths)) > 1
    known = Given(
        weight=torch.tensor(weight, dtype=torch.float64) if is_weighted else None,
        mask=known.mask if is_ragged else None,
    )
    x.requires_grad_()
    there = padded(rows)[1].mask
    y = norm(x, known)
    # The same steps one after the other, as often as they weigh, by torch's own rules.
    steps = x[there]
    counted = steps.repeat_interleave(torch.tensor(weight).repeat_interleave(there.sum(1)), 0)
    mean, variance = counted.mean(0), counted.var(0, correction=0)
    expected = (steps - mean) / (variance + norm.eps).sqrt() * norm.gain[0] + norm.bias[0]
    torch.testing.assert_close(y[there], expected)
    assert not y[~there].any()
    torch.testing.assert_close(norm.running_mean[0, 0], 0.1 * mean)
    torch.testing.assert_close(norm.running_variance[0, 0], 0.9 + 0.1 * variance)
    towards = torch.from_numpy(np.random.default_rng(1).normal(size=tuple(expected.shape)))
    wanted = [x, norm.gain, norm.bias]
    found = torch.autograd.grad((y[there] * towards).sum(), wanted, retain_graph=True)
    by_rules = torch.autograd.grad((expected * towards).sum(), wanted)
    for one, other in zip(found, by_rules, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("weight", [None, [0.0, 3.0], [0.0, 0.0]])
def test_one_step_is_normalised_by_the_running_statistics(weight):
    norm, x = StepNorm(3, MemberRandom([0])), torch.randn(2, 1, 3, generator=torch.Generator())
    x = x[:1] if weight is None else x
    known = Given(weight=None if weight is None else torch.tensor(weight))
    torch.testing.assert_close(norm(x, known), x / np.sqrt(1 + norm.eps))
    assert not norm.running_mean.any()
    assert (norm.running_variance == 1).all()
