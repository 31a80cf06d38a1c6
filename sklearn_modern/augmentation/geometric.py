"""Transforms that move pixels: mirror, shift, rotate, zoom."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from sklearn_modern.augmentation.base import Transform, along, either_way, uniform

__all__ = [
    "RandomFlip",
    "RandomRotation",
    "RandomScale",
    "RandomShift",
    "Warp",
    "resample",
    "rotations",
    "warp_once",
]


@dataclass(frozen=True)
class RandomFlip(Transform):
    """Mirror some rows along their last spatial axis: left and right change sides.

    Parameters
    ----------
    strength : float, default=0.5
        Probability that a row is mirrored.
    """

    strength: float = 0.5

    def _change(self, batch, generator):
        chosen = uniform(batch, generator, *[1] * (batch.ndim - 1)) < self.strength
        return torch.where(chosen, batch.flip(-1), batch)


class Warp(Transform):
    """A transform that is an affine map of places, with the centre of the data as the origin."""

    @abstractmethod
    def _matrices(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """Draw each row's map from a place in the result to the place that it shows.

        Places are in pixels and homogeneous, so this is (rows, axes + 1, axes + 1).
        """

    def _change(self, batch, generator):
        return resample(batch, self._matrices(batch, generator))


@dataclass(frozen=True)
class RandomShift(Warp):
    """Shift each row along every spatial axis, by whole pixels; the border is repeated.

    It does what padding and cropping at random does.

    Parameters
    ----------
    strength : float, default=0.1
        Largest shift, as a share of the axis's length and to the nearest pixel.
    """

    strength: float = 0.1

    def _matrices(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """Draw each row's shift."""
        matrices = _identities(batch)
        matrices[:, :-1, -1] = self._offsets(batch, generator)
        return matrices

    def _offsets(self, batch, generator):
        offsets = []
        for length in batch.shape[2:]:
            largest = round(self.strength * length)
            drawn = uniform(batch, generator) * (2 * largest + 1)
            offsets.append(drawn.floor() - largest)
        return torch.stack(offsets, dim=1)

    def _change(self, batch, generator):
        # Whole pixels need no interpolation, and picking them is faster.
        rows, channels, *lengths = batch.shape
        offsets = self._offsets(batch, generator).long()
        shown = 0
        for axis, length in enumerate(lengths):
            place = torch.arange(length, device=batch.device) + offsets[:, axis, None]
            shown = shown * length + along(place.clamp_(0, length - 1), axis, len(lengths))
        shown = shown.view(rows, 1, -1).expand(-1, channels, -1)
        return batch.flatten(2).gather(2, shown).view(batch.shape)


@dataclass(frozen=True)
class RandomRotation(Warp):
    """Rotate each image about its centre; the border is repeated.

    Parameters
    ----------
    strength : float, default=10.0
        Largest angle in degrees, either way.
    """

    strength: float = 10.0

    largest_strength: ClassVar[float] = 180.0

    def check(self, input_shape: Sequence[int]) -> None:
        """Raise ValueError unless rows are images.

        Parameters
        ----------
        input_shape : sequence of int
            A row's ``(channels, *spatial)``.
        """
        n_axes = len(input_shape) - 1
        if n_axes != 2:
            raise ValueError(
                f"RandomRotation turns images, data with 2 spatial axes, but these have {n_axes}."
            )

    def _matrices(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """Draw each row's rotation."""
        return rotations(math.radians(self.strength) * either_way(batch, generator))


@dataclass(frozen=True)
class RandomScale(Warp):
    """Zoom each row in or out about its centre, all axes alike; the border is repeated.

    Parameters
    ----------
    strength : float, default=0.1
        The factor is log-uniform between ``1 / (1 + strength)`` and ``1 + strength``.
    """

    strength: float = 0.1

    def _matrices(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """Draw each row's zoom."""
        exponents = math.log1p(self.strength) * either_way(batch, generator, 1, 1)
        matrices = _identities(batch)
        matrices[:, :-1, :-1] *= exponents.exp()
        return matrices


def rotations(angles: Tensor) -> Tensor:
    """Make the maps (rows, 3, 3) that turn images by angles in radians, counter-clockwise."""
    cos, sin = angles.cos(), angles.sin()
    zero, one = torch.zeros_like(angles), torch.ones_like(angles)
    flat = torch.stack([cos, sin, zero, -sin, cos, zero, zero, zero, one], dim=-1)
    return flat.view(-1, 3, 3)


def warp_once(warps: Sequence[Warp], batch: Tensor, generator: torch.Generator) -> Tensor:
    """Apply warps in order, as one map: faster, and pixels are interpolated only once."""
    warps = [warp for warp in warps if warp.strength > 0]
    if not warps or len(batch) == 0:
        return batch
    if len(warps) == 1:
        return warps[0](batch, generator)
    # Each map leads from a result back to the one before it. So the map of the last warp acts on a
    # place first, and stands on the right.
    return resample(batch, reduce(torch.matmul, [w._matrices(batch, generator) for w in warps]))


def resample(batch: Tensor, matrices: Tensor) -> Tensor:
    """Fill each row's pixels with its values at the places to which its map takes them.

    Parameters
    ----------
    batch : Tensor of shape ``(rows, channels, *spatial)``
        With one to three spatial axes.
    matrices : Tensor of shape (rows, axes + 1, axes + 1)
        Maps of homogeneous places, in pixels from the centre.

    Returns
    -------
    Tensor
        Linear interpolations, in the batch's shape and dtype; the border is repeated.
    """
    # Half precision could not tell neighbouring places apart.
    values = batch.to(torch.promote_types(batch.dtype, torch.float32))
    grid = _places(values, matrices.to(values.dtype))
    if batch.ndim == 3:  # torch cannot sample in one dimension
        values, grid = values.unsqueeze(2), F.pad(grid, (0, 1)).unsqueeze(1)
    sampled = F.grid_sample(values, grid, padding_mode="border", align_corners=False)
    return sampled.view(batch.shape).to(batch.dtype)


def _places(batch, matrices):
    """Map every pixel to torch's grid: (rows, *spatial, axes), -1 to 1, last axis first."""
    lengths = batch.shape[2:]
    scaled = [matrices[:, axis] * (2 / length) for axis, length in enumerate(lengths)]
    maps = torch.stack(scaled[::-1], dim=1)
    maps = maps.view(*maps.shape, *[1] * len(lengths))
    grid = maps[:, :, -1]
    # A sum over the axes, with coordinates as planes: several times faster than affine_grid.
    for axis, length in enumerate(lengths):
        pixels = torch.arange(length, dtype=batch.dtype, device=batch.device) - (length - 1) / 2
        grid = grid + maps[:, :, axis] * along(pixels, axis, len(lengths))
    return grid.movedim(1, -1)


def _identities(batch):
    n_axes = batch.ndim - 2
    return torch.eye(n_axes + 1, device=batch.device).repeat(len(batch), 1, 1)
