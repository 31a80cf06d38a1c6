"""What a transform of training batches promises."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import torch
from torch import Tensor

__all__ = ["Transform", "along", "check_batch", "either_way", "uniform"]


@dataclass(frozen=True)
class Transform(ABC):
    """A random change of the rows of a batch that leaves their targets as they are.

    Called as ``transform(batch, generator)`` with a float tensor ``(rows, channels, *spatial)``
    and a generator on its device, it returns a tensor of the same shape, dtype and device. Every
    row draws its own change, all of them from ``generator``. Values stay within the range of the
    batch. Scaling or shifting the values of a whole batch does the same to the result, so that it
    does not matter whether pixels are 0 to 255 or 0 to 1. An estimator standardises each channel
    before it augments, so that a strength means the same for all images and channels.

    A subclass says what strength means, and implements ``_change``.

    Parameters
    ----------
    strength : float
        How much may change; 0 is nothing.
    """

    strength: float

    largest_strength: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        strength, largest = self.strength, self.largest_strength
        is_number = isinstance(strength, Real) and not isinstance(strength, bool)
        if not (is_number and 0 <= strength <= largest):
            raise ValueError(
                f"{type(self).__name__} has strength={strength!r}, but it must be a number from 0 "
                f"to {largest:g}."
            )
        # Equal transforms should look the same, whichever library their numbers come from.
        object.__setattr__(self, "strength", float(strength))

    def check(self, input_shape: Sequence[int]) -> None:
        """Raise ValueError unless the transform makes sense for the rows.

        Parameters
        ----------
        input_shape : sequence of int
            A row's ``(channels, *spatial)``.
        """
        n_axes = len(input_shape) - 1
        if n_axes not in (1, 2, 3):
            raise ValueError(
                f"{type(self).__name__} changes data with 1, 2 or 3 spatial axes, but these have "
                f"{n_axes}."
            )

    def __call__(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """Change each row independently; the batch itself stays as it is."""
        check_batch(self, batch)
        if self.strength == 0 or len(batch) == 0:
            return batch
        return self._change(batch, generator).to(batch.dtype)

    @abstractmethod
    def _change(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """Change the rows; the result may have any dtype that holds the batch's."""


def check_batch(transform, batch: Tensor) -> None:
    """Raise an error unless a transform can change the batch."""
    if not isinstance(batch, Tensor) or not batch.is_floating_point():
        found = f"a tensor of {batch.dtype}" if isinstance(batch, Tensor) else type(batch).__name__
        raise TypeError(
            f"{type(transform).__name__} changes float tensors (rows, channels, *spatial), but got "
            f"{found}."
        )
    transform.check(batch.shape[1:])


def uniform(batch: Tensor, generator: torch.Generator, *shape: int) -> Tensor:
    """Draw (rows of the batch, *shape) from the uniform distribution over [0, 1).

    Single precision whatever that of the batch, so that a seed gives the same changes.
    """
    size = (len(batch), *shape)
    return torch.rand(size, generator=generator, dtype=torch.float32, device=batch.device)


def either_way(batch: Tensor, generator: torch.Generator, *shape: int) -> Tensor:
    """Draw (rows of the batch, *shape) from the uniform distribution over [-1, 1)."""
    return 2 * uniform(batch, generator, *shape) - 1


def along(values: Tensor, axis: int, n_axes: int) -> Tensor:
    """View (..., length) as lying along one of several spatial axes: (..., 1, length, 1)."""
    return values.view(*values.shape[:-1], *[1] * axis, -1, *[1] * (n_axes - 1 - axis))
