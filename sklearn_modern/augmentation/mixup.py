"""Mixup: train on convex combinations of pairs of rows."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

__all__ = ["Mixup"]


class Mixup:
    """Mix each row of a batch with its neighbour, by one random proportion a batch and member.

    Rows of a training batch are in random order, so the neighbour is a random partner. The
    proportion of a row's own part follows Beta(alpha, alpha).

    Parameters
    ----------
    alpha : float
        How much to mix; the smaller, the more often one of the two parts is nearly all.
    seeds : sequence of int
        One seed a member.

    References
    ----------
    Zhang, Cisse, Dauphin, Lopez-Paz (2018). mixup: Beyond empirical risk minimization. ICLR.
    """

    def __init__(self, alpha: float, seeds: Sequence[int]) -> None:
        self.alpha = alpha
        self._generators = [np.random.default_rng(seed) for seed in seeds]

    def proportions(self, like: Tensor) -> Tensor:
        """Draw each member's proportion of a row's own part: (members, 1), like ``like``."""
        drawn = [[generator.beta(self.alpha, self.alpha)] for generator in self._generators]
        return torch.tensor(drawn, dtype=like.dtype, device=like.device)

    @staticmethod
    def partner(values: Tensor) -> Tensor:
        """Return what the partner of each row has, for any (members, rows, ...)."""
        return values.roll(1, dims=1)

    @staticmethod
    def mix(values: Tensor, proportion: Tensor) -> Tensor:
        """Mix each row of (members, rows, ...) with its partner."""
        weight = proportion.view(-1, *[1] * (values.ndim - 1))
        return torch.lerp(Mixup.partner(values), values, weight)
