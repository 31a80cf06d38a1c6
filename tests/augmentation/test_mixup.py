"""Mixtures of rows: what is mixed, by which share, and from whose random numbers."""

import pytest
import torch

from sklearn_modern.augmentation.mixup import CutMix, Mixup

SHAPES = {1: (3, 40), 2: (2, 12, 9), 3: (1, 6, 5, 7)}
SEEDS = [4, 5, 6]

each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=str)
each_mixer = pytest.mark.parametrize("kind", [Mixup, CutMix])


def batch(shape):
    """Make rows in which no two values are equal."""
    size = (len(SEEDS), 5, *shape)
    n_values = torch.Size(size).numel()
    order = torch.randperm(n_values, generator=torch.Generator().manual_seed(0))
    return order.double().view(size)


def draws(mixer, shape, n=600):
    return torch.cat([mixer.mix(batch(shape))[1] for _ in range(n)], dim=1)


def spread(proportion, values):
    return proportion.view(-1, *[1] * (values.ndim - 1))


@each_mixer
def test_the_partner_is_the_row_before(kind):
    values = batch((2, 3))
    partner = kind(1.0, SEEDS).partner(values)
    assert torch.equal(partner[:, 1:], values[:, :-1])
    assert torch.equal(partner[:, 0], values[:, -1])


@each_shape
def test_mixup_blends_by_the_proportion(shape):
    values, mixer = batch(shape), Mixup(0.7, SEEDS)
    mixed, proportion = mixer.mix(values)
    assert proportion.shape == (len(SEEDS), 1)
    own = spread(proportion, values)
    expected = own * values + (1 - own) * mixer.partner(values)
    torch.testing.assert_close(mixed, expected)


@each_shape
def test_cutmix_pastes_a_box_that_has_the_rest_of_the_proportion(shape):
    values, mixer, shares = batch(shape), CutMix(1.0, SEEDS), []
    for _ in range(30):
        mixed, proportion = mixer.mix(values)
        pasted = mixed == mixer.partner(values)
        assert ((mixed == values) ^ pasted).all()
        torch.testing.assert_close(1 - pasted.double().flatten(1).mean(1, keepdim=True), proportion)
        box = pasted[:, :1, :1]
        assert torch.equal(pasted, box.expand_as(pasted))  # one place for all rows and channels
        axes = range(3, values.ndim)
        sides = [box.any(dim=[other for other in axes if other != axis]) for axis in axes]
        assert torch.equal(box.sum(dim=list(axes)), torch.stack([s.sum(-1) for s in sides]).prod(0))
        for side in sides:
            edges = side.int().diff(dim=-1).abs().sum(-1)
            assert edges.max() <= 2  # without holes
        shares.append(proportion)
    shares = torch.stack(shares)
    assert shares.min() < 0.4
    assert shares.max() > 0.9


@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
def test_proportions_of_mixup_follow_beta(alpha):
    proportions = draws(Mixup(alpha, SEEDS), (1,))
    variance = 1 / (4 * (2 * alpha + 1))
    assert proportions.mean().item() == pytest.approx(0.5, abs=0.04)
    assert proportions.var().item() == pytest.approx(variance, rel=0.1)


@each_shape
def test_a_box_of_cutmix_has_the_partners_part_before_it_is_cut_off(shape):
    """Beta(1000, 1000) is a half, nearly: the largest boxes, which touch no border, have it."""
    areas = 1 - draws(CutMix(1000.0, SEEDS), shape, n=100)
    assert areas.max().item() == pytest.approx(0.5, abs=0.13)  # sides are whole pixels
    assert areas.min() < 0.4


@each_shape
@each_mixer
def test_a_member_mixes_by_its_own_seed(kind, shape):
    values = batch(shape)
    together, again = kind(0.8, SEEDS), kind(0.8, SEEDS)
    alone = [kind(0.8, [seed]) for seed in SEEDS]
    seen = []
    for _ in range(5):
        mixed, proportion = together.mix(values)
        for ours, theirs in zip((mixed, proportion), again.mix(values), strict=True):
            assert torch.equal(ours, theirs)
        for m, mixer in enumerate(alone):
            one, own = mixer.mix(values[m : m + 1])
            assert torch.equal(one[0], mixed[m])
            assert torch.equal(own[0], proportion[m])
        seen.append(proportion)
    seen = torch.cat(seen, dim=1)
    assert not torch.equal(seen[0], seen[1])
    assert len(seen[0].unique()) > 1


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
@each_shape
@each_mixer
def test_mixing_gives_on_a_gpu_what_it_gives_on_a_cpu_and_does_not_wait(kind, shape):
    values = batch(shape)
    expected = kind(0.8, SEEDS).mix(values)
    values, mixer = values.to("cuda"), kind(0.8, SEEDS)
    try:
        torch.cuda.set_sync_debug_mode("error")
        found = mixer.mix(values)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.cpu(), theirs)
