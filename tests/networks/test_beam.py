"""A beam finds what an exhaustive search finds, and never less than a greedy one."""

from itertools import product

import numpy as np
import pytest
import torch

from sklearn_modern.networks.beam import Beam
from sklearn_modern.networks.decoding import Writer

END, FIRST, LONGEST, N_ROWS = 2, 2, 4, 30


class Table(Writer):
    """Says for each beginning, of each row, what its table has."""

    n_tokens = 3

    def __init__(self, seed):
        generator = torch.Generator().manual_seed(seed)
        self.of = {
            beginning: (2 * torch.randn(N_ROWS, 3, generator=generator)).double().log_softmax(-1)
            for n in range(LONGEST + 1)
            for beginning in product((0, 1), repeat=n)
        }

    def begin(self, n_rows):
        return torch.arange(n_rows), [None] * n_rows

    def advance(self, tokens, state):
        rows, before = state
        pairs = zip(before, tokens.tolist(), strict=True)
        now = [() if own is None else (*own, token) for own, token in pairs]
        # What has ended may be asked for, but nobody hears it.
        known = [self.of.get(own, self.of[()]) for own in now]
        return torch.stack([said[row] for said, row in zip(known, rows, strict=True)]), (rows, now)

    def select(self, state, index):
        rows, before = state
        return rows[index], [before[place] for place in index.tolist()]

    def likelihood(self, row, tokens):
        steps = [self.of[tokens[:n]][row, token].item() for n, token in enumerate(tokens)]
        return sum(steps) + self.of[tokens][row, END].item()


def search(writer, width, penalty=0.0):
    return Beam(width, LONGEST, penalty).search(writer, N_ROWS, first=FIRST, end=END)


def sequences(found):
    pairs = zip(found.tokens.tolist(), found.lengths.tolist(), strict=True)
    return [tuple(row[:n]) for row, n in pairs]


@pytest.mark.parametrize("penalty", [0.0, 0.8])
def test_a_wide_beam_is_an_exhaustive_search(penalty):
    writer = Table(0)
    found = search(writer, 3**LONGEST, penalty)
    every = [t for n in range(LONGEST + 1) for t in product((0, 1), repeat=n)]
    for row, tokens in enumerate(sequences(found)):
        scores = [writer.likelihood(row, one) / ((6 + len(one)) / 6) ** penalty for one in every]
        assert tokens == every[int(np.argmax(scores))]
        assert found.log_likelihood[row].item() == pytest.approx(writer.likelihood(row, tokens))


def test_a_beam_of_one_is_greedy():
    writer = Table(1)
    for row, tokens in enumerate(sequences(search(writer, 1))):
        for n in range(len(tokens) + 1):
            if n == LONGEST:
                break
            expected = tokens[n] if n < len(tokens) else END
            assert writer.of[tokens[:n]][row].argmax() == expected


@pytest.mark.parametrize("width", [2, 3, 5])
def test_a_wider_beam_is_never_less_likely_than_a_greedy_one(width):
    for seed in range(20):
        writer = Table(seed)
        greedy, wider = search(writer, 1), search(writer, width)
        assert (wider.log_likelihood >= greedy.log_likelihood - 1e-12).all()


def test_the_greedy_beginning_stays_although_others_are_likelier():
    """Two others are likelier than (0, 0), and lead to nothing."""
    writer = Table(0)
    for beginning, own in writer.of.items():
        shares = {(): (0.4, 0.35, 0.25), (0,): (0.34, 0.33, 0.33), (1,): (0.498, 0.498, 0.004)}
        shares[0, 0] = (0.001, 0.001, 0.998)
        own[0] = torch.tensor(shares.get(beginning, (0.34, 0.33, 0.33))).double().log()
    found = search(writer, 2)
    assert sequences(search(writer, 1))[0] == (0, 0)
    assert sequences(found)[0] == (0, 0)
