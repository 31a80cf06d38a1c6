"""Hide a part of each row."""

from dataclasses import dataclass

import torch

from sklearn_modern.augmentation.base import Transform, along, either_way, uniform

__all__ = ["RandomErasing"]


@dataclass(frozen=True)
class RandomErasing(Transform):
    """Fill a box at a random place in each row with the mean of each channel over the batch.

    The network must then recognise a thing from any part of it. Sides are rounded down to whole
    pixels, and differ from those of a box in the row's own proportions by factors of up to 2
    between them.

    Parameters
    ----------
    strength : float, default=0.25
        Largest share of a row's area (or length, or volume) that is filled; shares are uniform.

    References
    ----------
    DeVries, Taylor (2017), "Improved Regularization of Convolutional Neural Networks with Cutout",
    arXiv:1708.04552.

    Zhong, Zheng, Kang, Li, Yang (2020), "Random Erasing Data Augmentation", AAAI.
    """

    strength: float = 0.25

    def _change(self, batch, generator):
        mean = batch.mean((0, *range(2, batch.ndim)), keepdim=True)
        return torch.where(self._boxes(batch, generator), mean, batch)

    def _boxes(self, batch, generator):
        """Draw which pixels to fill: ``(rows, 1, *spatial)``."""
        n_axes = batch.ndim - 2
        share = self.strength * uniform(batch, generator, 1)
        stretch = either_way(batch, generator, n_axes) / 2
        stretch = 2 ** (stretch - stretch.mean(1, keepdim=True))
        sides = (share ** (1 / n_axes) * stretch).clamp_(max=1)
        places = uniform(batch, generator, n_axes)
        boxes = True
        for axis, length in enumerate(batch.shape[2:]):
            side = (sides[:, axis, None] * length).floor()
            first = (places[:, axis, None] * (length - side + 1)).floor()
            pixels = torch.arange(length, device=batch.device)
            boxes = boxes & along((pixels >= first) & (pixels < first + side), axis, n_axes)
        return boxes.unsqueeze(1)
