"""Flows: against zuko's transforms, autograd's Jacobians, and their own inverses."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Normal
from zuko.transforms import MonotonicAffineTransform, MonotonicRQSTransform

from sklearn_modern.networks.bijections import Affine
from sklearn_modern.networks.flows import FLOWS, Coupling, Order, make_flow
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.splines import RationalQuadraticSpline

N_ROWS = 7
each_kind = pytest.mark.parametrize("kind", FLOWS)
of_any_shape = given(
    n_columns=st.integers(1, 5),
    n_context=st.integers(0, 2),
    n_transforms=st.integers(1, 4),
    hidden=st.sampled_from([(), (3,), (16, 8)]),
    seed=st.integers(0, 999),
)


def make(kind, n_columns, n_context=0, n_transforms=3, hidden=(16, 8), seeds=(0,), n_bins=4):
    """Make a flow that is far from the identity."""
    random = MemberRandom(seeds)
    flow = make_flow(
        kind, n_columns, n_transforms, hidden, random, n_context=n_context, n_bins=n_bins
    )
    for transform in flow.transforms:
        if not isinstance(transform, Order):
            last = transform.conditioner.last
            last.weight.data.mul_(10.0)
            last.bias.data.copy_(random.normal(*last.bias.shape[1:], std=0.5))
    return flow.double()


def numbers(n_columns, seed=0, n_rows=N_ROWS):
    """Draw rows, some of them outside the boxes of splines."""
    generator = torch.Generator().manual_seed(seed)
    shape = 1, n_rows, n_columns
    return 2.5 * torch.randn(shape, generator=generator, dtype=torch.float64)


def drawn(n_columns, n_context, seed):
    context = numbers(n_context, seed + 1) if n_context else None
    return numbers(n_columns, seed), context


def jacobian(flow, x, context=None):
    """Return each row's Jacobian by autograd (rows, columns of z, columns of x)."""

    def of_rows(x):
        return flow(x, context)[0].sum((0, 1))

    return torch.autograd.functional.jacobian(of_rows, x)[:, 0].transpose(0, 1)


def as_zuko(bijection, parameters):
    """Return zuko's transform with the same knots, or the same line."""
    if isinstance(bijection, Affine):
        free, shift = parameters.unbind(1)
        line = MonotonicAffineTransform(shift, free)
        line.log_scale = 5.0 * free / (5.0 + free.abs())
        line.scale = line.log_scale.exp()
        return line
    n_bins, bound, least = bijection.n_bins, bijection.bound, bijection.least
    sizes = parameters[:, : 2 * n_bins].unflatten(1, (2, n_bins)).softmax(2)
    sizes = least + (1 - n_bins * least) * sizes
    corners = torch.nn.functional.pad(sizes, (0, 0, 0, 0, 1, 0)).cumsum(2) * 2 * bound - bound
    logits = parameters[:, 2 * n_bins :] + math.log(math.exp(1 - least) - 1)
    slopes = least + torch.log(1 + torch.exp(logits))
    slopes = torch.nn.functional.pad(slopes, (0, 0, 0, 0, 1, 1), value=1.0)
    spline = MonotonicRQSTransform(*parameters.movedim(1, -1).split(n_bins, -1)[:2], slopes, bound)
    spline.horizontal, spline.vertical = corners.movedim(2, -1).unbind(1)
    spline.derivatives = slopes.movedim(1, -1)
    return spline


@settings(max_examples=30, deadline=None)
@given(
    n_bins=st.integers(1, 9),
    bound=st.sampled_from([0.5, 5.0, 40.0]),
    wildness=st.sampled_from([0.0, 1.0, 5.0]),
    seed=st.integers(0, 999),
)
def test_spline_is_zukos(n_bins, bound, wildness, seed):
    generator = torch.Generator().manual_seed(seed)
    spline = RationalQuadraticSpline(n_bins, bound)
    shape = 2, spline.n_parameters, 3, 11
    parameters = wildness * torch.randn(shape, generator=generator, dtype=torch.float64)
    x = bound * torch.randn((2, 3, 11), generator=generator, dtype=torch.float64)
    z, log_slope = spline.forward(x, parameters)
    expected = as_zuko(spline, parameters).call_and_ladj(x)
    torch.testing.assert_close((z, log_slope), expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(spline.inverse(z, parameters), x, rtol=0, atol=1e-7 * bound)


@each_kind
@pytest.mark.parametrize("n_context", [0, 2])
def test_density_is_that_of_zukos_transforms(kind, n_context):
    flow = make(kind, 5, n_context, seeds=(0, 1))
    x, context = drawn(5, n_context, 0)
    z, log_det = flow.float()(x.float(), None if context is None else context.float())
    density = Normal(0.0, 1.0).log_prob(z).sum(2) + log_det
    flow.double()
    columns = x.transpose(1, 2).expand(2, -1, -1)
    context = None if context is None else context.transpose(1, 2).expand(2, -1, -1)
    expected = torch.zeros(2, N_ROWS, dtype=torch.float64)
    for transform in flow.transforms:
        if isinstance(transform, Order):
            columns = columns[:, transform.order]
            continue
        couples = isinstance(transform, Coupling)
        n_kept = transform.n_kept if couples else 0
        seen = columns[:, :n_kept] if couples else columns
        seen = seen if context is None else torch.cat([seen, context], dim=1)
        theirs = as_zuko(transform.bijection, transform.conditioner(seen))
        changed, log_slope = theirs.call_and_ladj(columns[:, n_kept:])
        columns = torch.cat([changed, columns[:, :n_kept]], dim=1)
        expected += log_slope.sum(1)
    expected += Normal(0.0, 1.0).log_prob(columns).sum(1)
    torch.testing.assert_close(density.double(), expected, rtol=1e-5, atol=1e-5)


@each_kind
@settings(max_examples=10, deadline=None)
@of_any_shape
def test_inverse_and_determinant(kind, n_columns, n_context, n_transforms, hidden, seed):
    flow = make(kind, n_columns, n_context, n_transforms, hidden, seeds=(seed,))
    x, context = drawn(n_columns, n_context, seed)
    z, log_det = flow(x, context)
    torch.testing.assert_close(flow.inverse(z, context), x, rtol=0, atol=1e-10)
    expected = torch.linalg.slogdet(jacobian(flow, x, context)).logabsdet
    torch.testing.assert_close(log_det[0], expected, rtol=0, atol=1e-9)


@each_kind
def test_inverse_in_single_precision(kind):
    flow = make(kind, 6, 1, seeds=(0, 1)).float()
    x, context = drawn(6, 1, 0)
    x, context = x.float(), context.float()
    z, _ = flow(x, context)
    assert (flow.inverse(z, context) - x).abs().max() < 1e-4


@each_kind
@pytest.mark.parametrize("n_columns", [2, 3, 8])
def test_who_depends_on_whom(kind, n_columns):
    x = numbers(n_columns, n_rows=60) / 4
    once = jacobian(make(kind, n_columns, n_transforms=1, hidden=(64, 32)), x)
    n_kept = n_columns // 2
    if FLOWS[kind][0] is Coupling:
        n_changed = n_columns - n_kept
        eye = torch.eye(n_kept, dtype=torch.float64).expand(60, -1, -1)
        torch.testing.assert_close(once[:, n_changed:, :n_kept], eye)
        assert (once[:, n_changed:, n_kept:] == 0).all()
        own = once[:, :n_changed, n_kept:]
        assert (own == torch.diag_embed(own.diagonal(dim1=1, dim2=2))).all()
    else:
        assert (once.triu(1) == 0).all()
        below = once.tril(-1) != 0
        assert below.any(0).sum() == n_columns * (n_columns - 1) // 2
    through = jacobian(make(kind, n_columns, n_transforms=5), x)
    assert (through != 0).any(0).all()


@each_kind
def test_context_counts_row_by_row(kind):
    flow, x = make(kind, 3, 2), numbers(3) / 4
    context = numbers(2, 1)
    moved = context.clone()
    moved[:, 0] += 1.0
    z, log_det = flow(x, context)
    z_moved, log_det_moved = flow(x, moved)
    assert (z[:, 0] != z_moved[:, 0]).all()
    assert (log_det[:, 0] != log_det_moved[:, 0]).all()
    assert (z[:, 1:] == z_moved[:, 1:]).all()


@each_kind
def test_members_are_networks_of_their_own(kind):
    x, context = drawn(4, 2, 0)
    whole = make(kind, 4, 2, seeds=(3, 1, 2))
    z, log_det = whole(x, context)
    for member, seed in enumerate((3, 1, 2)):
        alone = make(kind, 4, 2, seeds=(seed,))
        own = slice(member, member + 1)
        torch.testing.assert_close(alone(x, context), (z[own], log_det[own]))
        back = whole.inverse(z, context)[own]
        torch.testing.assert_close(alone.inverse(z[own], context), back)


@each_kind
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_predictions_do_not_depend_on_the_batch(kind, dtype):
    flow = make(kind, 19, 3, seeds=(0, 1)).to(dtype).eval()
    x, context = numbers(19, n_rows=50).to(dtype), numbers(3, 1, n_rows=50).to(dtype)
    with torch.inference_mode():
        z, log_det = flow(x, context)
        back = flow.inverse(x, context)
        for rows in (slice(0, 1), slice(3, 20), slice(49, 50)):
            own = x[:, rows], context[:, rows]
            assert torch.equal(flow(*own)[0], z[:, rows])
            assert torch.equal(flow(*own)[1], log_det[:, rows])
            assert torch.equal(flow.inverse(*own), back[:, rows])


def test_gradient_of_a_spline():
    generator = torch.Generator().manual_seed(0)
    spline = RationalQuadraticSpline(4, bound=2.0)
    x = 2.0 * torch.randn(2, 3, 9, generator=generator, dtype=torch.float64)
    parameters = torch.randn(2, 11, 3, 9, generator=generator, dtype=torch.float64)
    assert (x.abs() > 2.0).any()
    inputs = x.requires_grad_(), parameters.requires_grad_()
    assert torch.autograd.gradcheck(spline.forward, inputs, atol=1e-6)


@pytest.mark.parametrize(
    "bijection", [Affine(), RationalQuadraticSpline(6)], ids=["affine", "spline"]
)
def test_parameters_of_zero_are_the_identity(bijection):
    x = torch.linspace(-9, 9, 50, dtype=torch.float64).expand(1, 2, -1)
    zeros = x.new_zeros(1, bijection.n_parameters, 2, 50)
    z, log_slope = bijection.forward(x, zeros)
    torch.testing.assert_close(z, x, rtol=0, atol=1e-12)
    torch.testing.assert_close(log_slope, torch.zeros_like(x), rtol=0, atol=1e-12)


def test_spline_is_the_identity_outside_of_its_box():
    spline = RationalQuadraticSpline(5, bound=2.0)
    generator = torch.Generator().manual_seed(0)
    x = torch.tensor([-1e6, -7.0, -2.0, 2.0, 2.5, 1e6], dtype=torch.float64).expand(1, 1, -1)
    parameters = 4.0 * torch.randn(1, 14, 1, 6, generator=generator, dtype=torch.float64)
    parameters.requires_grad_()
    z, log_slope = spline.forward(x, parameters)
    torch.testing.assert_close(z, x, rtol=0, atol=1e-9)
    torch.testing.assert_close(log_slope, torch.zeros_like(x), rtol=0, atol=1e-12)
    gradient = torch.autograd.grad(z.sum() + log_slope.sum(), parameters)[0]
    assert gradient.abs().max() < 1e-9
