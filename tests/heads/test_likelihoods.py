"""Distributions of cells and pixels: against scipy's, and what is drawn of them."""

import numpy as np
import pytest
import torch
from scipy.stats import bernoulli, norm

from sklearn_modern.heads.cells import Cells
from sklearn_modern.heads.likelihoods import BinaryPixels, LikelyCells, LikelyPixels
from sklearn_modern.networks.random import MemberRandom

RANDOM = MemberRandom([0, 1])
N_ROWS = 6


def cells(seed=0):
    """Return a head of two members, with scales of their own, scores, and cells with holes."""
    head = LikelyCells(3, 2, [3, 2], RANDOM).double()
    generator = torch.Generator().manual_seed(seed)
    head.scale.log.data = 0.3 * torch.randn(2, 1, 2, generator=generator, dtype=torch.float64)
    scores = torch.randn(2, N_ROWS, 7, generator=generator, dtype=torch.float64)
    numbers = torch.randn(1, N_ROWS, 2, generator=generator, dtype=torch.float64)
    codes = torch.stack([torch.arange(N_ROWS) % n for n in (3, 2)], dim=-1).unsqueeze(0)
    y = torch.cat([numbers, codes.double()], dim=-1)
    y[0, 0, 0] = y[0, 1, 2] = np.nan
    y[0, 2] = np.nan
    return head, scores, y


def test_losses_of_cells_are_log_likelihoods():
    head, scores, y = cells()
    deviation = (3 * head.scale.log).exp().detach().numpy() + 1e-3
    expected = -norm(scores[..., :2].numpy(), deviation).logpdf(y[..., :2].numpy())
    expected = np.nansum(expected, axis=-1)
    for column, logits in ((2, scores[..., 2:5]), (3, scores[..., 5:])):
        of_each = -logits.log_softmax(-1).numpy()
        for row, code in enumerate(y[0, :, column].numpy()):
            if not np.isnan(code):
                expected[:, row] += of_each[:, row, int(code)]
    np.testing.assert_allclose(head.loss(scores, y).detach(), expected, rtol=1e-10)
    assert (head.loss(scores, y)[:, 2] == 0).all()


def test_gradients_of_rows_with_holes_are_those_of_autograd():
    head, scores, y = cells()
    scores.requires_grad_()

    def loss(scores, log):
        head.scale.log.data = log.data
        return torch.func.functional_call(head, {"scale.log": log}, (scores, y))

    head.forward = head.loss
    log = head.scale.log.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(loss, (scores, log))


@pytest.mark.parametrize("kind", [Cells, LikelyCells])
def test_rows_without_holes_have_a_shorter_way(kind):
    generator = torch.Generator().manual_seed(0)
    head = kind(3, 4, [], MemberRandom([0, 1])).double()
    scores, y = (torch.randn(n, 5, 4, generator=generator).double() for n in (2, 1))
    torch.testing.assert_close(head.whole_loss(scores, y), head.loss(scores, y))


def test_drawn_cells_follow_their_distribution():
    head, scores, _ = cells()
    n = 40_000
    uniform = torch.from_numpy(np.random.default_rng(0).uniform(size=(n, head.n_draws)))
    drawn = head.drawn(scores[:, :1].expand(2, n, 7), uniform).detach().numpy()
    deviation = (3 * head.scale.log).exp().detach().numpy()[:, 0] + 1e-3
    np.testing.assert_allclose(drawn[..., :2].mean(1), scores[:, 0, :2], atol=0.05)
    np.testing.assert_allclose(drawn[..., :2].std(1), deviation, rtol=0.02)
    for column, logits in ((2, scores[:, 0, 2:5]), (3, scores[:, 0, 5:])):
        for member, own in enumerate(logits.softmax(-1).numpy()):
            shares = np.bincount(drawn[member, :, column].astype(int)) / n
            np.testing.assert_allclose(shares, own, atol=0.01)


def test_no_random_number_is_too_extreme():
    head, scores, _ = cells()
    head, scores = head.float(), scores.float()
    for extreme in (0.0, 1.0):
        drawn = head.drawn(scores, torch.full((N_ROWS, 4), extreme))
        assert drawn.isfinite().all()
        assert (drawn[..., 2] == 2 * extreme).all()
        assert (drawn[..., 3] == extreme).all()


@pytest.mark.parametrize("shape", [(2, 5), (1, 3, 4), (2, 2, 3, 2)], ids=str)
@pytest.mark.parametrize("inference", [False, True])
def test_losses_of_pixels_are_log_likelihoods(shape, inference):
    generator = torch.Generator().manual_seed(0)
    channels, *spatial = shape
    features = torch.randn(2, N_ROWS, *spatial, 4, generator=generator)
    for kind in (LikelyPixels, BinaryPixels):
        head = kind(4, channels, RANDOM)
        wanted = torch.randint(2, (1, N_ROWS, *shape), generator=generator).float()
        with torch.inference_mode(inference):
            scores = head(features)
            found = head.loss(scores, wanted)
            assert scores.shape == (2, N_ROWS, *shape)
            drawn = head.drawn(scores, torch.empty(N_ROWS, head.n_draws))
        scores = scores.detach().double().numpy()
        if kind is LikelyPixels:
            logs = norm(scores, 0.5).logpdf(wanted.numpy())  # where scales start
            mean = scores
        else:
            mean = 1 / (1 + np.exp(-scores))
            logs = bernoulli(mean).logpmf(wanted.numpy().astype(int))
        expected = -logs.reshape(2, N_ROWS, -1).sum(-1)
        np.testing.assert_allclose(found.detach(), expected, rtol=1e-5)
        np.testing.assert_allclose(drawn.detach(), mean, rtol=1e-5)
        np.testing.assert_allclose(
            head.decode(torch.from_numpy(scores)).detach(), mean.mean(0), rtol=1e-5
        )


def test_a_scale_does_not_vanish():
    head = LikelyCells(3, 1, [], RANDOM)
    head.scale.log.data.fill_(-100.0)
    assert (head.scale() == 1e-3).all()
    scores = torch.zeros(2, 1, 1, requires_grad=True)
    assert head.loss(scores, torch.zeros(1, 1, 1)).isfinite().all()
