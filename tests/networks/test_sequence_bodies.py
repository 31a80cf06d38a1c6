"""What bodies over sequences give for each step."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_modern.networks.given import Given
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.recurrent import Recurrent
from sklearn_modern.networks.sequence_convolution import Parallel
from sklearn_modern.networks.sequences import existing_mean
from sklearn_modern.networks.transformer import Transformer

INPUTS = {"embedding": None, "n_channels": 3, "n_steps": 5.0, "dropout": 0.3}
ATTENTION = {
    "width": 8,
    "depth": 2,
    "n_heads": 2,
    "feedforward_factor": 2,
    "window": 1,
    "positions": "sinusoidal",
    "longest": 9,
    "pooling": "mean",
}
MEAN = {"pooling": ("mean",)}
BODIES = {
    "lstm": (Recurrent, {"widths": (5, 4), "cell": "lstm", "bidirectional": False, **MEAN}),
    "gru": (Recurrent, {"widths": (5, 4), "cell": "gru", "bidirectional": True, **MEAN}),
    "full": (Transformer, ATTENTION | {"attention": "full"}),
    "cascade": (Transformer, ATTENTION | {"attention": "cascade"}),
}


def make(kind):
    body, settings = BODIES[kind]
    return body(MemberRandom([0]), **settings, **INPUTS).double().eval()


@pytest.mark.parametrize("kind", BODIES)
@settings(max_examples=10, deadline=None)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4), more=st.integers(0, 2))
def test_steps_are_what_features_are_made_of(kind, lengths, more):
    body, n_steps = make(kind), max(lengths) + more
    mask = torch.arange(n_steps) < torch.tensor(lengths).unsqueeze(1)
    x = torch.randn(*mask.shape, 3, dtype=torch.float64) * mask.unsqueeze(-1)
    with torch.no_grad():
        steps = body.steps(x, Given(mask=mask))
        assert steps.shape == (*mask.shape, body.n_step_features)
        pooled = body.features(x, Given(mask=mask))
        assert torch.allclose(existing_mean(steps, mask), pooled, atol=1e-12)
        for row, length in enumerate(lengths):
            alone = body.steps(x[row : row + 1, :length], Given())
            assert torch.allclose(steps[row, :length], alone[0], atol=1e-12)


def test_convolutions_that_keep_no_steps_say_so():
    body = Parallel(MemberRandom([0]), width=4, depth=1, kernel_sizes=(2,), **INPUTS)
    with pytest.raises(NotImplementedError, match="Parallel has features of rows only"):
        body.steps(torch.zeros(1, 4, 3), Given())
