"""How the steps of one sequence look at those of another."""

import pytest
import torch

from sklearn_modern.networks import source_attention
from sklearn_modern.networks.random import MemberRandom


@pytest.mark.parametrize("block", [700, 120, 1])
def test_additive_scores_and_gradients_do_not_depend_on_blocks(monkeypatch, block):
    attention = source_attention.ATTENTIONS["additive"](5, 7, MemberRandom([0])).double()
    states = torch.randn(4, 6, 5, dtype=torch.float64, requires_grad=True)
    memory = torch.randn(4, 11, 7, dtype=torch.float64, requires_grad=True)
    factors = torch.randn(4, 6, 11, dtype=torch.float64)
    leaves = [states, memory, *attention.parameters()]

    def computed():
        scores = attention.scores(states, attention.keys(memory))
        return scores.detach(), *torch.autograd.grad((scores * factors).sum(), leaves)

    expected = computed()
    monkeypatch.setattr(source_attention, "_BLOCK", block)
    for found, wanted in zip(computed(), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)
    with torch.inference_mode():
        found = attention.scores(states, attention.keys(memory))
    torch.testing.assert_close(found, expected[0], rtol=0, atol=1e-12)
