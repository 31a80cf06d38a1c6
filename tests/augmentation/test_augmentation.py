"""Transforms of training batches: one contract for all of them, then closed forms for each."""

import copy
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import sklearn_modern.augmentation
from sklearn_modern.augmentation import (
    ColorJitter,
    Compose,
    GaussianNoise,
    RandomBrightness,
    RandomContrast,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomScale,
    RandomShift,
    Transform,
)
from sklearn_modern.augmentation.geometric import resample, rotations
from sklearn_modern.augmentation.presets import NAMES

TRANSFORMS = [
    RandomFlip(),
    RandomShift(0.3),
    RandomRotation(40),
    RandomScale(0.4),
    RandomContrast(0.5),
    RandomBrightness(0.4),
    ColorJitter(0.5),
    RandomErasing(0.6),
    GaussianNoise(0.2),
    Compose([RandomScale(0.3), RandomShift(0.3), RandomFlip(), GaussianNoise(0.1)]),
    Compose([RandomRotation(30), RandomScale(0.2), RandomShift(0.2)]),
]
IMAGES_ONLY = [RandomRotation, ColorJitter]
SHAPES = [(3, 40), (3, 9, 12), (3, 5, 6, 7)]


def is_for_images(transform):
    parts = getattr(transform, "transforms", [transform])
    return any(type(part) in IMAGES_ONLY for part in parts)


CASES = [
    pytest.param(transform, shape, id=f"{transform}-{len(shape) - 1}d")
    for transform in TRANSFORMS
    for shape in SHAPES
    if len(shape) == 3 or not is_for_images(transform)
]
each_case = pytest.mark.parametrize(("transform", "shape"), CASES)
each_class = pytest.mark.parametrize("cls", sorted(set(NAMES.values()), key=str))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def random_batch(*shape, rows=6, dtype=torch.float32, seed=0):
    return torch.randn(rows, *shape, generator=seeded(seed)).to(dtype)


def unclamped(transform, rows):
    """Transform rows within 0 and 1 in a batch that has 0 and 1 too."""
    ends = torch.zeros_like(rows[:2])
    ends[1] = 1
    return transform(torch.cat([rows, ends]), seeded())[:-2]


def ramps(rows, *lengths, dtype=torch.float64):
    """A channel for each spatial axis, whose values are the pixels' distances from the centre."""
    axes = [torch.arange(length, dtype=dtype) - (length - 1) / 2 for length in lengths]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).repeat(rows, *[1] * (len(axes) + 1))


def assert_within(values, batch):
    tolerance = 4 * torch.finfo(batch.dtype).eps * batch.abs().max()
    assert values.min() >= batch.min() - tolerance
    assert values.max() <= batch.max() + tolerance


def assert_fills(drawn, low, high):
    """Many draws come close to both ends, go no further, and balance in the middle."""
    width = high - low
    assert low - 1e-5 <= drawn.min() < low + 0.02 * width
    assert high - 0.02 * width < drawn.max() <= high + 1e-5
    assert drawn.mean() == pytest.approx((low + high) / 2, abs=0.05 * width)


# What holds for every transform


def test_the_table_is_complete():
    public = {getattr(sklearn_modern.augmentation, n) for n in sklearn_modern.augmentation.__all__}
    assert {type(transform) for transform in TRANSFORMS} == public - {Transform}
    assert set(NAMES.values()) == public - {Transform, Compose}


@each_case
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_contract(transform, shape, dtype):
    batch = random_batch(*shape, dtype=dtype)
    before, global_state = batch.clone(), torch.get_rng_state()
    result = transform(batch, seeded())
    assert (result.shape, result.dtype) == (batch.shape, dtype)
    assert_within(result, batch)
    assert not torch.equal(result, batch)
    assert torch.equal(batch, before)
    assert torch.equal(torch.get_rng_state(), global_state)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        assert torch.equal(transform(batch, seeded()), result)
    assert not torch.equal(transform(batch, seeded(1)), result)


@each_case
def test_rows_change_independently(transform, shape):
    same_rows = random_batch(*shape, rows=1).expand(30, *shape)
    assert len(transform(same_rows, seeded()).unique(dim=0)) >= 2


@each_case
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_precision_and_memory_layout_make_no_difference(transform, shape, dtype):
    batch = random_batch(*shape, dtype=dtype)
    result = transform(batch, seeded())
    precise = transform(batch.double(), seeded()).to(dtype)
    tolerance = max(torch.finfo(dtype).eps, 1e-4)
    torch.testing.assert_close(result, precise, rtol=2 * tolerance, atol=tolerance)
    channels_last = batch.movedim(1, -1).contiguous().movedim(-1, 1)
    torch.testing.assert_close(transform(channels_last, seeded()), result)


@each_case
@given(factor=st.floats(0.01, 300), offset=st.floats(-1000, 1000))
@settings(max_examples=5)
def test_units_make_no_difference(transform, shape, factor, offset):
    batch = random_batch(*shape, dtype=torch.float64)
    expected = transform(batch, seeded()) * factor + offset
    torch.testing.assert_close(transform(batch * factor + offset, seeded()), expected)


@each_case
def test_a_constant_stays_what_it_is(transform, shape):
    batch = torch.full((6, *shape), 0.3)
    torch.testing.assert_close(transform(batch, seeded()), batch)


@each_case
def test_no_rows_and_gradients_pass(transform, shape):
    nothing = torch.zeros(0, *shape)
    assert transform(nothing, seeded()).shape == nothing.shape
    batch = random_batch(*shape).requires_grad_()
    transform(batch, seeded()).sum().backward()
    assert batch.grad.isfinite().all()
    assert torch.equal(transform(batch, seeded()), transform(batch.detach(), seeded()))


@each_case
def test_what_is_no_float_tensor_raises(transform, shape):
    whole = torch.ones(2, *shape, dtype=torch.uint8)
    message = f"{type(transform).__name__} changes float tensors .*, but got"
    with pytest.raises(TypeError, match=f"{message} a tensor of torch.uint8"):
        transform(whole, seeded())
    with pytest.raises(TypeError, match=f"{message} ndarray"):
        transform(whole.float().numpy(), seeded())


@each_class
@given(data=st.data())
@settings(max_examples=20)
def test_any_shape_and_strength(cls, data):
    n_axes = 2 if cls in IMAGES_ONLY else data.draw(st.integers(1, 3), "axes")
    n_channels = 3 if cls in IMAGES_ONLY else data.draw(st.integers(1, 4), "channels")
    lengths = [data.draw(st.integers(1, 9), "length") for _ in range(n_axes)]
    transform = cls(data.draw(st.floats(0, cls.largest_strength), "strength"))
    batch = random_batch(n_channels, *lengths, rows=data.draw(st.integers(1, 4), "rows"))
    result = transform(batch, seeded(data.draw(st.integers(0, 99), "seed")))
    assert result.shape == batch.shape
    assert_within(result, batch)


@each_class
def test_strength_zero_is_nothing(cls):
    batch = random_batch(3, 9, 12)
    assert torch.equal(cls(0)(batch, seeded()), batch)
    assert torch.equal(Compose([cls(0), cls(0)])(batch, seeded()), batch)


@each_class
@pytest.mark.parametrize("wrong", [-0.1, math.nan, math.inf, 181, None, "0.1", True, 1j])
def test_a_wrong_strength_raises(cls, wrong):
    message = f"{cls.__name__} has strength={wrong!r}, but it must be a number from 0 to "
    with pytest.raises(ValueError, match=message):
        cls(wrong)


@pytest.mark.parametrize("transform", TRANSFORMS, ids=repr)
def test_transforms_are_values(transform):
    for same in (copy.deepcopy(transform), pickle.loads(pickle.dumps(transform))):
        assert same == transform
        assert repr(same) == repr(transform)
    assert TRANSFORMS.count(transform) == 1
    assert repr(RandomRotation(np.int64(10))) == repr(RandomRotation())


@pytest.mark.parametrize(
    ("transform", "shape", "message"),
    [
        (RandomFlip(), (5,), "RandomFlip changes data with 1, 2 or 3 spatial axes, .* have 0"),
        (RandomRotation(), (3, 8), "turns images, data with 2 spatial axes, but these have 1"),
        (RandomRotation(0), (3, 8, 8, 8), "turns images, .* but these have 3"),
        (ColorJitter(), (1, 8, 8), "data with 3 channels and 2 spatial axes, .* have 1 and 2"),
        (Compose([RandomShift(), RandomRotation()]), (3, 8), "turns images, .* have 1"),
    ],
)
def test_data_without_a_meaning_raise(transform, shape, message):
    with pytest.raises(ValueError, match=message):
        transform.check(shape)
    with pytest.raises(ValueError, match=message):
        transform(torch.zeros(2, *shape), seeded())


# Moving pixels


@pytest.mark.parametrize("shape", SHAPES)
def test_flip_mirrors_the_last_axis_as_often_as_it_says(shape):
    batch = random_batch(*shape)
    assert torch.equal(RandomFlip(1)(batch, seeded()), batch.flip(-1))
    signs = RandomFlip(0.3)(torch.tensor([-1.0, 1.0]).repeat(5000, 1, 1), seeded())[:, 0, 1]
    assert (signs < 0).float().mean() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("lengths", [(20,), (8, 15), (5, 10, 6)])
def test_shift_picks_pixels_and_repeats_the_border(lengths):
    batch = ramps(400, *lengths)
    result = RandomShift(0.2)(batch, seeded())
    choices = [2 * round(0.2 * length) + 1 for length in lengths]
    assert len(result.unique(dim=0)) == math.prod(choices)
    for axis, length in enumerate(lengths):
        largest, border = round(0.2 * length), (length - 1) / 2
        before, after = (x[:, axis].movedim(axis + 1, -1) for x in (batch, result))
        middle = (..., slice(length // 2, length // 2 + 1))
        offsets = after[middle] - before[middle]
        assert offsets.unique().tolist() == [*range(-largest, largest + 1)]
        assert torch.equal(after, (before + offsets).clamp(-border, border))


@pytest.mark.parametrize("lengths", [(9,), (7, 12), (4, 6, 5)])
def test_resampling_is_linear_and_repeats_the_border(lengths):
    rows, n_axes = 8, len(lengths)
    batch = ramps(rows, *lengths)
    maps = torch.eye(n_axes + 1, dtype=torch.float64).repeat(rows, 1, 1)
    maps[:, :-1] += 0.5 * random_batch(n_axes, n_axes + 1, rows=rows).double()
    places = torch.einsum("rij,rj...->ri...", maps[:, :-1, :-1], batch)
    places += maps[:, :-1, -1].view(rows, n_axes, *[1] * n_axes)
    # A ramp shows in each pixel the place that it comes from, which stays within the borders.
    borders = torch.tensor([(length - 1) / 2 for length in lengths]).view(-1, *[1] * n_axes)
    torch.testing.assert_close(resample(batch, maps), places.clamp(-borders, borders))


def test_rotation_is_one_in_pixels():
    image = random_batch(2, 6, 10, rows=3)
    quarter, half = (resample(image, rotations(torch.full((3,), a * math.pi))) for a in (0.5, 1))
    square = image[..., 2:8]
    torch.testing.assert_close(quarter[..., 2:8], square.rot90(1, (2, 3)), rtol=0, atol=1e-5)
    torch.testing.assert_close(half, image.flip(2, 3), rtol=0, atol=1e-5)


def test_angles_and_factors_fill_their_ranges():
    batch = torch.zeros(2000, 1, 8, 8)
    turns = RandomRotation(30)._matrices(batch, seeded())
    assert_fills(torch.atan2(turns[:, 0, 1], turns[:, 0, 0]).rad2deg(), -30, 30)
    zooms = RandomScale(0.5)._matrices(batch, seeded())
    assert torch.equal(zooms[:, 0, 0], zooms[:, 1, 1])
    assert_fills(zooms[:, 0, 0].log(), -math.log(1.5), math.log(1.5))


def test_neighbouring_warps_are_one():
    warps = [RandomRotation(15), RandomShift(0.1), RandomScale(0.15)]
    down, across = torch.meshgrid(torch.arange(40.0), torch.arange(50.0), indexing="ij")
    smooth = torch.sin(down / 9 + across / 12).repeat(20, 1, 1, 1)
    noisy = torch.randn(smooth.shape, generator=seeded())

    def both(image):
        generator, one_by_one = seeded(1), image
        for warp in warps:
            one_by_one = warp(one_by_one, generator)
        inside = (..., slice(15, 25), slice(18, 32))  # what came from beyond the border may differ
        return Compose(warps)(image, seeded(1))[inside], one_by_one[inside]

    torch.testing.assert_close(*both(smooth), rtol=0, atol=0.01)
    once, one_by_one = both(noisy)
    assert once.std() > 1.1 * one_by_one.std()  # each interpolation blurs


# Changing values


def test_contrast_scales_deviations_from_each_rows_mean():
    rows = 0.4 + 0.2 * torch.rand(500, 2, 3, 4, generator=seeded())
    mean = rows.mean((1, 2, 3), keepdim=True)
    deviations = unclamped(RandomContrast(0.3), rows) - mean
    factors = deviations.flatten(1).norm(dim=1) / (rows - mean).flatten(1).norm(dim=1)
    torch.testing.assert_close(deviations, factors.view(-1, 1, 1, 1) * (rows - mean))
    assert_fills(factors, 0.7, 1.3)


def test_brightness_adds_a_share_of_the_range():
    rows = 0.4 + 0.2 * torch.rand(500, 2, 9, generator=seeded())
    added = unclamped(RandomBrightness(0.3), rows) - rows
    torch.testing.assert_close(added, added[:, :1, :1].expand_as(added), rtol=0, atol=1e-6)
    assert_fills(added[:, 0, 0], -0.3, 0.3)


def test_colours_change_in_gain_and_saturation():
    pixels = torch.tensor([[0.5, 0.5, 0.5], [0.6, 0.5, 0.4]]).T.reshape(1, 3, 1, 2)
    jittered = unclamped(ColorJitter(0.2), pixels.repeat(500, 1, 1, 1))
    grey, coloured = jittered.squeeze(2).unbind(-1)
    gains = grey / 0.5
    assert gains.T.corrcoef().triu(1).abs().max() < 0.2
    saturations = (coloured / gains - 0.5) / 0.1
    torch.testing.assert_close(saturations[:, 0], -saturations[:, 2], rtol=0, atol=1e-5)
    assert saturations[:, 1].abs().max() < 1e-5
    for factors in (*gains.unbind(1), saturations[:, 0]):
        assert_fills(factors, 0.8, 1.2)


def test_noise_is_normal():
    rows = torch.full((60, 1, 400), 0.5)
    noise = unclamped(GaussianNoise(0.1), rows) - rows
    assert noise.mean().abs() < 0.005
    assert noise.std() == pytest.approx(0.1, rel=0.03)
    assert (noise.abs() < 0.1).float().mean() == pytest.approx(0.683, abs=0.01)


@pytest.mark.parametrize("lengths", [(50,), (16, 24), (9, 10, 11)])
def test_erasing_fills_a_box_with_the_mean(lengths):
    strength = 0.4
    batch = 1 + torch.rand(400, 2, *lengths, generator=seeded())
    result = RandomErasing(strength)(batch, seeded())
    erased = result != batch
    mean = batch.mean((0, *range(2, batch.ndim)), keepdim=True)
    torch.testing.assert_close(result[erased], mean.expand_as(batch)[erased])
    assert torch.equal(erased[:, 0], erased[:, 1])
    box = torch.ones_like(erased[:, 0])
    for axis in range(len(lengths)):
        others = [1 + other for other in range(len(lengths)) if other != axis]
        line = erased[:, 0].any(dim=others, keepdim=True) if others else erased[:, 0]
        assert (line.diff(dim=axis + 1).sum(axis + 1) <= 2).all()  # in one piece
        assert line.any(0).all()  # anywhere
        box = box & line
    assert torch.equal(erased[:, 0], box)
    shares = box.flatten(1).float().mean(1)
    assert 0.8 * strength < shares.max() <= strength
    assert shares.min() < 0.1 * strength


def test_importing_the_package_loads_no_torch():
    code = "import sys, sklearn_modern.augmentation; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
