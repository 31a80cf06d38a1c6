"""Spoil rows at random while training, for networks that learn to mend them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sklearn_modern.networks.layers import Noise
from sklearn_modern.networks.random import MemberRandom

__all__ = ["Corruption"]


class Corruption(Noise):
    """Add noise to numbers, and blot out whole cells, while training.

    Parameters
    ----------
    noise : float
        Standard deviation of what is added to numbers.
    masking : float
        Probability with which a cell becomes zeros, in [0, 1).
    random : MemberRandom
        Where each member's changes come from.
    sources : sequence of int or None, default=None
        The cell that each entry of an embedded row belongs to. With None each is one by itself.
    n_numbers : int or None, default=None
        The first so many entries are numbers; None is all.

    References
    ----------
    Vincent, Larochelle, Bengio, Manzagol (2008), "Extracting and Composing Robust Features with
    Denoising Autoencoders", ICML.
    """

    def __init__(
        self,
        noise: float,
        masking: float,
        random: MemberRandom,
        sources: Sequence[int] | None = None,
        n_numbers: int | None = None,
    ) -> None:
        super().__init__(masking, random)
        self.noise, self.n_numbers = noise, n_numbers
        places = None if sources is None else torch.tensor(sources, dtype=torch.int64)
        self.register_buffer("sources", places, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return spoilt rows (members, rows, ...); in evaluation mode ``x`` as it is."""
        if not self.training or not (self.noise or self.rate):
            return x
        x = x.expand(len(self.random), *x.shape[1:])
        if self.noise:
            numbers = x[..., : self.n_numbers]
            spoilt = torch.add(numbers, self.random.normal_like(numbers), alpha=self.noise)
            x = torch.cat([spoilt, x[..., numbers.shape[-1] :]], dim=-1)
        if self.rate:
            x = x * self._kept(x)
        return x

    def _kept(self, x):
        if self.sources is None:
            return self.random.keep_mask(x, 1.0 - self.rate)
        n_cells = int(self.sources.max()) + 1 if len(self.sources) else 0
        kept = self.random.keep_mask(x.new_empty(*x.shape[:-1], n_cells), 1.0 - self.rate)
        return kept.index_select(-1, self.sources)
