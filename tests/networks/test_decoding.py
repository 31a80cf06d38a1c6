"""How tokens are chosen, and written one after another."""

import numpy as np
import pytest
import torch

from sklearn_modern.networks.decoding import Choice, Draws, Writer, write

END = 3


class Chain(Writer):
    """A chain of tokens: what comes next depends on the last token only. The last one is the end.

    Its state counts the tokens of each row, to see that it follows its row.
    """

    n_tokens = 4

    def __init__(self, proba):
        self.log_proba = torch.tensor(proba, dtype=torch.float64).log()
        self.sizes = []

    def begin(self, n_rows):
        return torch.zeros(n_rows, dtype=torch.int64)

    def advance(self, tokens, state):
        self.sizes.append(len(tokens))
        assert len(tokens) == len(state)
        return self.log_proba[tokens], state + 1

    def select(self, state, index):
        return state[index]


PROBA = [[0.1, 0.4, 0.2, 0.3], [0.5, 0.0, 0.25, 0.25], [0.0, 0.0, 0.2, 0.8], [0.6, 0.3, 0.1, 0.0]]


def written(prompts, choice=Choice(), seed=0, max_length=6):  # noqa: B008
    return write(
        Chain(PROBA),
        [torch.tensor(prompt, dtype=torch.int64) for prompt in prompts],
        choice,
        first=torch.tensor(END),
        max_length=max_length,
        generator=torch.Generator().manual_seed(seed),
    )


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(), [0.1, 0.4, 0.2, 0.3]),
        (Choice(temperature=0.5), np.square([0.1, 0.4, 0.2, 0.3]) / 0.3),
        (Choice(temperature=0), [0, 1, 0, 0]),
        (Choice(top_k=2), [0, 4 / 7, 0, 3 / 7]),
        (Choice(top_p=0.4), [0, 1, 0, 0]),
        (Choice(top_p=0.41), [0, 4 / 7, 0, 3 / 7]),
        (Choice(top_p=0.95), [0.1, 0.4, 0.2, 0.3]),
        (Choice(top_k=3, top_p=0.7), [0, 4 / 7, 0, 3 / 7]),
    ],
)
def test_choices_change_probabilities(choice, expected):
    log_proba = torch.tensor([PROBA[0], PROBA[0]]).log()
    found = choice.probabilities(log_proba)
    np.testing.assert_allclose(found, [expected, expected], rtol=1e-6)


def test_the_likeliest_are_taken_until_the_end():
    assert [row.tolist() for row in written([[], [2]], Choice(temperature=0))] == [
        [0, 1, 0, 1, 0, 1],
        [2],
    ]


def test_sequences_keep_their_prompts_and_stop_at_the_longest():
    prompts = [[0, 1], [], [2, 2, 2], [0] * 4] * 20
    found = written(prompts, max_length=4)
    assert all(row[: len(p)].tolist() == p for row, p in zip(found, prompts, strict=True))
    assert max(map(len, found)) == 4
    assert all(END not in row for row in found)


def test_a_row_is_the_same_whoever_is_beside_it():
    """Others end sooner or later, and leave the batch or not."""
    found = written([[]] * 40)
    for other in ([0, 1, 0, 1], [2]):
        beside = written([[] if row % 2 else other for row in range(40)])
        assert [row.tolist() for row in beside[1::2]] == [row.tolist() for row in found[1::2]]


def test_rows_that_have_ended_leave_the_batch():
    chain = Chain(PROBA)
    prompts = [torch.tensor([], dtype=torch.int64)] * 500
    random = torch.Generator().manual_seed(0)
    write(chain, prompts, Choice(), first=torch.tensor(END), max_length=12, generator=random)
    assert chain.sizes[0] == 500
    assert chain.sizes[-1] < 100


def test_frequencies_are_those_of_the_chain():
    found = written([[]] * 4000)
    counts = np.bincount([row[0] for row in found if len(row)], minlength=3)
    assert len(found) == counts.sum()  # it never ends at once
    expected = 4000 * np.array([0.6, 0.3, 0.1])
    assert ((counts - expected) ** 2 / expected).sum() < 13.8  # one in 1000, two degrees of freedom


def test_a_draw_at_the_edge_takes_no_impossible_token():
    class Edges(Draws):
        def uniform(self, *shape):
            return torch.tensor([0.0, 1.0 - 2**-53, 0.5], dtype=torch.float64)

    log_proba = torch.tensor([[0.0, 0.5, 0.5, 0.0]] * 3).log()
    tokens, ends = Choice()(log_proba, Edges(3, torch.arange(3), torch.Generator()))
    assert tokens.tolist() == [1, 2, 2]
    assert not ends.any()
