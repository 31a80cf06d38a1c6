import pytest
import torch

from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.squeeze import Squeeze


@pytest.mark.parametrize("n_inputs", [0, 3])
def test_codes_are_linear_in_features_and_in_rows(n_inputs):
    squeeze = Squeeze(5, n_inputs, 2, MemberRandom([0, 1]))
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 7, 5, generator=generator)
    rows = torch.randn(1, 7, 3, generator=generator)  # the same for all members
    expected = features @ squeeze.bent.weight + squeeze.bent.bias
    if n_inputs:
        expected = expected + rows @ squeeze.straight.weight
    torch.testing.assert_close(squeeze(features, rows), expected)


def test_beside_a_straight_way_features_start_small():
    """Drawn as without one, they are a tenth of it, to the bit."""
    plain, both = (Squeeze(50, n, 20, MemberRandom([0])) for n in (0, 40))
    assert plain.straight is None
    assert torch.equal(both.bent.bias, plain.bent.bias)
    torch.testing.assert_close(both.bent.weight, 0.1 * plain.bent.weight)
    assert both.straight.weight.std().item() == pytest.approx(40**-0.5, rel=0.1)
