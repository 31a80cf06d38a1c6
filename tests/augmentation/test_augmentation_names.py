"""Transforms by name, and callables of one's own among them."""

import pytest
import torch

from sklearn_modern.augmentation import (
    Compose,
    GaussianNoise,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomScale,
    RandomShift,
)
from sklearn_modern.augmentation.presets import make_augmentation


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (None, None),
        ([], None),
        ("crop", [RandomShift()]),
        (["cutout", 1], [RandomErasing(1)]),
        (["flip", "noise"], [RandomFlip(), GaussianNoise()]),
        (["flip", ("scale", 0.3), RandomShift()], [RandomFlip(), RandomScale(0.3), RandomShift()]),
        (["standard", torch.add], [RandomRotation(), RandomScale(), RandomShift(), torch.add]),
    ],
)
def test_specifications(spec, expected):
    made = make_augmentation(spec, (3, 28, 28))
    assert made == (None if expected is None else Compose(expected))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("flipp", r"has 'flipp'; it may have 'standard' or one of \['brightness', 'color_jitter'"),
        (("turn", 0.5), "has 'turn'; it may have"),
        ("mixup", "'mixup', which changes targets too: .* parameter of the estimator, mixup="),
        (["flip", "cutmix"], "parameter of the estimator, cutmix="),
        (("standard", 0.5), "a strength for 'standard', which takes none"),
        (("flip", 2), "RandomFlip has strength=2"),
        (RandomFlip, "has <class .*RandomFlip.*>; it may have a name, a pair"),
        (["flip", 0.5, "noise"], "has 0.5; it may have"),
        (("flip", True), "has True; it may have"),
        ("color_jitter", "ColorJitter changes colours, .* have 1 and 1"),
        ("standard", "'standard' is for images, .* these have 1; name transforms instead"),
    ],
)
def test_wrong_specifications_raise(spec, message):
    with pytest.raises(ValueError, match=message):
        make_augmentation(spec, (1, 28))


def test_any_callable_is_a_transform():
    ones, generator = torch.ones(2, 1, 8), torch.Generator()
    assert torch.equal(Compose([lambda batch, generator: -batch])(ones, generator), -ones)
    with pytest.raises(ValueError, match="Compose has 'flip', but it must have transforms"):
        Compose(["flip"])


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda batch: batch[:1], r"a tensor of torch.float32 and the shape \(1, 1, 8\)"),
        (lambda batch: batch.double(), r"a tensor of torch.float64 and the shape \(2, 1, 8\)"),
        (lambda batch: batch.numpy(), "a ndarray"),
        (lambda batch: None, "a NoneType"),
    ],
)
def test_what_a_callable_returns_is_checked(change, found):
    def mine(batch, generator):
        return change(batch)

    expected = rf"mine.* must return what it got, a tensor of torch.float32 .*, but .* {found}"
    for others in ([], [RandomShift()]):
        with pytest.raises(ValueError, match=expected):
            Compose([*others, mine, *others])(torch.ones(2, 1, 8), torch.Generator())
