"""What links promise, against scipy's distributions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.ordinal_references import DISTRIBUTIONS, EXTREMES, log_between

from sklearn_modern.heads.links import LINKS

every_link = pytest.mark.parametrize("link", LINKS)


@every_link
def test_links_are_inverses(link):
    p = torch.cat([torch.logspace(-12, -1, 30), torch.linspace(0.1, 0.9, 30)]).double()
    p = torch.cat([p, 1 - p])
    z = LINKS[link].link(p)
    np.testing.assert_allclose(z, DISTRIBUTIONS[link].ppf(p), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(LINKS[link].log_beyond(z).exp(), p, rtol=1e-10)
    np.testing.assert_allclose(LINKS[link].log_below(z).exp(), 1 - p, rtol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@every_link
def test_links_and_their_gradients_have_digits_in_both_tails(link, dtype):
    of, distribution = LINKS[link], DISTRIBUTIONS[link]
    tolerance, small = (1e-5, 1e-4) if dtype == torch.float32 else (1e-10, 1e-14)
    lower = torch.arange(-30, 5 if link == "cloglog" else 30, 0.25, dtype=dtype).repeat(4, 1)
    upper = lower + torch.tensor([[0.01], [0.5], [2.0], [50.0]], dtype=dtype)
    low, up = lower.double().numpy(), upper.double().numpy()
    in_lower_tail = distribution.cdf(up) < distribution.sf(low)
    difference = np.where(
        in_lower_tail,
        distribution.cdf(up) - distribution.cdf(low),
        distribution.sf(low) - distribution.sf(up),
    )
    for function, arguments, probability, derivatives in [
        (of.log_beyond, [lower], distribution.cdf(low), [distribution.pdf(low)]),
        (of.log_below, [lower], distribution.sf(low), [-distribution.pdf(low)]),
        (
            of.log_between,
            [upper, lower],
            difference,
            [distribution.pdf(up), -distribution.pdf(low)],
        ),
    ]:
        arguments = [argument.clone().requires_grad_() for argument in arguments]
        found = function(*arguments)
        found.sum().backward()
        np.testing.assert_allclose(found.detach(), np.log(probability), rtol=tolerance, atol=small)
        for argument, derivative in zip(arguments, derivatives, strict=True):
            np.testing.assert_allclose(
                argument.grad, derivative / probability, rtol=100 * tolerance, atol=small
            )


@every_link
def test_links_far_out(link):
    """No probability is left there, but its logarithm, and the way back."""
    far = torch.tensor([-1e4, -300.0, -105.0]).requires_grad_()
    found = LINKS[link].log_between(far + 0.5, far)
    expected = log_between(link, far.detach().double().numpy() + 0.5, far.detach().double().numpy())
    np.testing.assert_allclose(found.detach(), expected, rtol=1e-5)
    (gradient,) = torch.autograd.grad(LINKS[link].log_beyond(far).sum(), far)
    assert (gradient > 0.9).all()
    (gradient,) = torch.autograd.grad(LINKS[link].log_below(-far / 250).sum(), far)
    assert (gradient > 0).all()


@every_link
@given(
    pairs=st.lists(
        st.tuples(st.floats(-1e4, 1e4, width=32), st.floats(0, 1e4, width=32)), min_size=1
    )
)
def test_gradients_of_links_are_finite(link, pairs):
    pairs = [*pairs, *((number, gap) for number in EXTREMES for gap in (0.0, 1e-5, 1.0))]
    lower, gap = torch.tensor(pairs).T
    upper = (lower + gap).requires_grad_()
    lower = lower.clone().requires_grad_()
    of = LINKS[link]
    logs = torch.stack([of.log_between(upper, lower), of.log_beyond(upper), of.log_below(lower)])
    assert logs.isfinite().all()
    assert (logs <= 1e-6).all()
    logs.sum().backward()
    assert upper.grad.isfinite().all()
    assert lower.grad.isfinite().all()
