"""Transforms that change values and leave pixels where they are."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sklearn_modern.augmentation.base import Transform, either_way

__all__ = ["ColorJitter", "GaussianNoise", "RandomBrightness", "RandomContrast"]


class Photometric(Transform):
    """A transform of values, which are clamped to the range of the batch."""

    def _change(self, batch, generator):
        values = batch.to(torch.promote_types(batch.dtype, torch.float32))
        low, high = values.aminmax()
        return self._shade(values, low, high, generator).clamp_(low, high)

    @abstractmethod
    def _shade(
        self, batch: Tensor, low: Tensor, high: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Change values into new ones, given the least and the greatest of the batch."""


@dataclass(frozen=True)
class RandomContrast(Photometric):
    """Bring the values of each row closer to their mean, or farther away from it.

    Parameters
    ----------
    strength : float, default=0.2
        Deviations from the mean change by a factor between 1 - strength and 1 + strength.
    """

    strength: float = 0.2

    def _shade(self, batch, low, high, generator):
        mean = batch.mean(tuple(range(1, batch.ndim)), keepdim=True)
        deviations = batch - mean
        return deviations.mul_(_factors(self.strength, batch, generator)).add_(mean)


@dataclass(frozen=True)
class RandomBrightness(Photometric):
    """Make each row brighter or darker by adding a number to its values.

    All channels get the same number. In an estimator, which standardises each channel before, the
    pixels of a channel thus change in proportion to its standard deviation in the fit.

    Parameters
    ----------
    strength : float, default=0.2
        Largest change either way, as a share of the range of the batch.
    """

    strength: float = 0.2

    def _shade(self, batch, low, high, generator):
        drawn = either_way(batch, generator, *[1] * (batch.ndim - 1))
        return torch.addcmul(batch, drawn, self.strength * (high - low))


@dataclass(frozen=True)
class ColorJitter(Photometric):
    """Change the balance of red, green and blue in each image, and how colourful it is.

    The least value of the batch counts as black, and a pixel as grey if its channels are equal. In
    an estimator, which standardises each channel before, a pixel is grey if all its channels differ
    from their means in the fit by as many standard deviations.

    Parameters
    ----------
    strength : float, default=0.2
        Each channel, and the distances from grey, change by factors between 1 - strength and
        1 + strength.
    """

    strength: float = 0.2

    def check(self, input_shape: Sequence[int]) -> None:
        """Raise ValueError unless rows are images of three channels.

        Parameters
        ----------
        input_shape : sequence of int
            A row's ``(channels, *spatial)``.
        """
        n_channels, n_axes = input_shape[0], len(input_shape) - 1
        if n_channels != 3 or n_axes != 2:
            raise ValueError(
                "ColorJitter changes colours, data with 3 channels and 2 spatial axes, but these "
                f"have {n_channels} and {n_axes}."
            )

    def _shade(self, batch, low, high, generator):
        grey = batch.mean(1, keepdim=True)
        saturation = _factors(self.strength, batch, generator)
        gains = _factors(self.strength, batch, generator, n_channels=3)
        colours = (batch - grey).mul_(saturation)
        return colours.add_(grey - low).mul_(gains).add_(low)


@dataclass(frozen=True)
class GaussianNoise(Photometric):
    """Add independent normal noise to every value.

    Parameters
    ----------
    strength : float, default=0.05
        Standard deviation, as a share of the range of the batch.
    """

    strength: float = 0.05

    def _shade(self, batch, low, high, generator):
        noise = torch.randn(
            batch.shape, generator=generator, dtype=torch.float32, device=batch.device
        )
        return torch.addcmul(batch, noise, self.strength * (high - low))


def _factors(strength, batch, generator, n_channels=1):
    drawn = either_way(batch, generator, n_channels, *[1] * (batch.ndim - 2))
    return 1 + strength * drawn
