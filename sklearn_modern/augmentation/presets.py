"""Transforms by name, and several as one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from sklearn_modern.augmentation.base import Transform, check_batch
from sklearn_modern.augmentation.erasing import RandomErasing
from sklearn_modern.augmentation.geometric import (
    RandomFlip,
    RandomRotation,
    RandomScale,
    RandomShift,
    Warp,
    warp_once,
)
from sklearn_modern.augmentation.photometric import (
    ColorJitter,
    GaussianNoise,
    RandomBrightness,
    RandomContrast,
)

__all__ = ["NAMES", "Compose", "make_augmentation"]

NAMES: dict[str, type[Transform]] = {
    "flip": RandomFlip,
    "shift": RandomShift,
    "crop": RandomShift,
    "rotate": RandomRotation,
    "scale": RandomScale,
    "contrast": RandomContrast,
    "brightness": RandomBrightness,
    "color_jitter": ColorJitter,
    "erase": RandomErasing,
    "cutout": RandomErasing,
    "noise": GaussianNoise,
}
"""Transforms by name; some go by two. "standard" names several, see :func:`make_augmentation`."""


@dataclass(frozen=True)
class Compose:
    """Several transforms, one after the other.

    Neighbouring shifts, rotations and zooms become one map, so that pixels are interpolated only
    once: that is faster, and images stay sharper.

    Parameters
    ----------
    transforms : sequence of callable
        Each is called as ``transform(batch, generator)``.

    Examples
    --------
    >>> import torch
    >>> from sklearn_modern.augmentation import Compose, GaussianNoise, RandomRotation
    >>> augment = Compose([RandomRotation(15), GaussianNoise()])
    >>> augment
    Compose(transforms=(RandomRotation(strength=15.0), GaussianNoise(strength=0.05)))
    >>> augment(torch.rand(32, 1, 28, 28), torch.Generator().manual_seed(0)).shape
    torch.Size([32, 1, 28, 28])
    """

    transforms: Sequence[Callable[[Tensor, torch.Generator], Tensor]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "transforms", tuple(self.transforms))
        for transform in self.transforms:
            if not _is_transform(transform):
                raise ValueError(
                    f"Compose has {transform!r}, but it must have transforms, which are called as "
                    "transform(batch, generator)."
                )

    def check(self, input_shape: Sequence[int]) -> None:
        """Raise ValueError unless all transforms make sense for the rows.

        Parameters
        ----------
        input_shape : sequence of int
            A row's ``(channels, *spatial)``.
        """
        for transform in self.transforms:
            if hasattr(transform, "check"):
                transform.check(input_shape)

    def __call__(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """Change each row independently; the batch itself stays as it is."""
        check_batch(self, batch)
        warps: list[Warp] = []
        for transform in self.transforms:
            if isinstance(transform, Warp):
                warps.append(transform)
                continue
            changed = transform(warp_once(warps, batch, generator), generator)
            if _described(changed) != _described(batch):
                raise ValueError(
                    f"{transform!r} must return what it got, {_described(batch)}, but returned "
                    f"{_described(changed)}."
                )
            batch, warps = changed, []
        return warp_once(warps, batch, generator)


def _described(result):
    if not isinstance(result, Tensor):
        return f"a {type(result).__name__}"
    return f"a tensor of {result.dtype} and the shape {tuple(result.shape)}"


def make_augmentation(spec: Any, input_shape: Sequence[int]) -> Compose | None:
    """Make the transform that a user asks for.

    Parameters
    ----------
    spec : str, (str, float), callable, sequence of these, or None
        A name from ``NAMES``, for its default strength; a name and a strength; a transform, which
        may be any callable with ``(batch, generator)``; several of these, applied in order. The
        name "standard" is for images: small rotations, zooms and shifts, which leave digits,
        letters and photographs what they are. None and an empty sequence are no augmentation.
    input_shape : sequence of int
        One row's ``(channels, *spatial)``.

    Returns
    -------
    Compose or None
        None where there is nothing to do.

    References
    ----------
    Simard, Steinkraus, Platt (2003), "Best Practices for Convolutional Neural Networks Applied to
    Visual Document Analysis", ICDAR.

    Examples
    --------
    >>> from sklearn_modern.augmentation.presets import make_augmentation
    >>> make_augmentation(["flip", ("erase", 0.1)], input_shape=(3, 32, 32))
    Compose(transforms=(RandomFlip(strength=0.5), RandomErasing(strength=0.1)))
    """
    transforms = [*_transforms(spec, input_shape)]
    if not transforms:
        return None
    augmentation = Compose(transforms)
    augmentation.check(input_shape)
    return augmentation


def _transforms(spec, input_shape) -> Iterator[Callable]:
    if isinstance(spec, str):
        yield from _standard(input_shape) if spec == "standard" else [_named(spec)()]
    elif _is_name_and_strength(spec):
        name, strength = spec
        yield _named(name)(strength)
    elif isinstance(spec, list | tuple):
        for part in spec:
            yield from _transforms(part, input_shape)
    elif _is_transform(spec):
        yield spec
    elif spec is not None:
        raise ValueError(
            f"augment has {spec!r}; it may have a name, a pair of name and strength, a "
            "transform, a list of these, or None."
        )


def _is_transform(spec):
    # A class is callable too, but then somebody forgot its parentheses.
    return callable(spec) and not isinstance(spec, type)


def _is_name_and_strength(spec):
    if not isinstance(spec, list | tuple) or len(spec) != 2:
        return False
    name, strength = spec
    return isinstance(name, str) and isinstance(strength, Real) and not isinstance(strength, bool)


def _named(name):
    if name in ("mixup", "cutmix"):
        raise ValueError(
            f"augment has {name!r}, which changes targets too: it is a parameter of the "
            f"estimator, {name}=."
        )
    if name == "standard":
        raise ValueError(
            "augment has a strength for 'standard', which takes none; name its transforms "
            "'rotate', 'scale' and 'shift', each with a strength."
        )
    if name not in NAMES:
        raise ValueError(f"augment has {name!r}; it may have 'standard' or one of {sorted(NAMES)}.")
    return NAMES[name]


def _standard(input_shape):
    n_axes = len(input_shape) - 1
    if n_axes != 2:
        raise ValueError(
            "augment='standard' is for images, data with 2 spatial axes, but these have "
            f"{n_axes}; name transforms instead, such as ['shift', 'scale', 'noise']."
        )
    return [RandomRotation(10.0), RandomScale(0.1), RandomShift(0.1)]
