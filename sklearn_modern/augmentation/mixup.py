"""Train on mixtures of pairs of rows."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sklearn_modern.device import send

__all__ = ["CutMix", "Mixup"]


class Mixup:
    """Blend each row of a batch with its neighbour, by one random proportion per batch and member.

    Rows of a training batch are in random order, so the neighbour is a random partner. The
    proportion of a row's own part follows Beta(alpha, alpha).

    Parameters
    ----------
    alpha : float
        How much to mix; the smaller, the more often one of the two parts is nearly all.
    seeds : sequence of int
        One seed per member.

    References
    ----------
    Zhang, Cisse, Dauphin, Lopez-Paz (2018). mixup: Beyond empirical risk minimization. ICLR.
    """

    def __init__(self, alpha: float, seeds: Sequence[int]) -> None:
        self.alpha = alpha
        self._generators = [np.random.default_rng(seed) for seed in seeds]

    def mix(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Mix the rows of (members, rows, ...); return each member's own proportion, too."""
        proportion = self._proportions(values)
        weight = proportion.view(-1, *[1] * (values.ndim - 1))
        return torch.lerp(self.partner(values), values, weight), proportion

    @staticmethod
    def partner(values: Tensor) -> Tensor:
        """Return what the partner of each row has, for any (members, rows, ...)."""
        return values.roll(1, dims=1)

    def _proportions(self, like):
        drawn = [[generator.beta(self.alpha, self.alpha)] for generator in self._generators]
        return send(torch.tensor(drawn, dtype=like.dtype), like.device)


class CutMix(Mixup):
    """Paste a box of its neighbour into each row of a batch, at one place per batch and member.

    The box has the shape of the whole, and its share of the pixels is the partner's proportion;
    what lies beyond the border is cut off.

    Parameters
    ----------
    alpha : float
        How much to mix, as for :class:`Mixup`.
    seeds : sequence of int
        One seed per member.

    References
    ----------
    Yun, Han, Oh, Chun, Choe, Yoo (2019). CutMix: Regularization strategy to train strong
    classifiers with localizable features. ICCV.
    """

    def mix(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Mix the rows of (members, rows, channels, *spatial), as :meth:`Mixup.mix` does."""
        shape = values.shape[3:]
        drawn = np.stack([self._box(generator, shape) for generator in self._generators])
        boxes = send(torch.from_numpy(drawn), values.device)
        mask = boxes.view(len(boxes), 1, 1, *shape)
        proportion = 1 - boxes.flatten(1).to(values.dtype).mean(1, keepdim=True)
        return torch.where(mask, self.partner(values), values), proportion

    def _box(self, generator, shape):
        """Draw which pixels come from the partner."""
        side = (1 - generator.beta(self.alpha, self.alpha)) ** (1 / len(shape))
        box = np.ones(shape, dtype=bool)
        for axis, size in enumerate(shape):
            start = round((generator.uniform() - side / 2) * size)
            position = np.arange(size)
            inside = (position >= start) & (position < start + round(side * size))
            box &= np.expand_dims(inside, [other for other in range(len(shape)) if other != axis])
        return box
