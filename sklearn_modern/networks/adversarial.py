"""Networks that make rows of tables of noise, and that tell made rows from real ones."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sklearn_modern.networks.layers import Linear
from sklearn_modern.networks.mlp import MLP
from sklearn_modern.networks.random import MemberRandom

__all__ = ["TableCritic", "TableGenerator"]

# How near to a corner the indicators of a made category are.
_TEMPERATURE = 0.2


class TableGenerator(nn.Module):
    """Make vectors of rows (:class:`~sklearn_modern._inputs.row_coder.RowCoder`) of normal noise.

    Indicators are drawn from the probabilities that the network gives, smoothly, so that there are
    gradients [1]_.

    Parameters
    ----------
    n_latent : int
        Numbers of noise that a row is made of. It takes more to draw indicators.
    n_scores : int
        Numbers of a row before its indicators.
    blocks : sequence of int
        How many indicators each column has.
    n_labels : int
        How many labels there are; 0 without labels.
    hidden_layer_sizes : sequence of int
        Hidden units.
    random : MemberRandom
        Where initial weights come from.
    **layers : dict
        More for :class:`~sklearn_modern.networks.mlp.MLP`.

    References
    ----------
    .. [1] Jang, Gu, Poole (2017). Categorical reparameterization with Gumbel-softmax. ICLR.
    """

    def __init__(
        self,
        n_latent: int,
        n_scores: int,
        blocks: Sequence[int],
        n_labels: int,
        hidden_layer_sizes: Sequence[int],
        random: MemberRandom,
        **layers,
    ) -> None:
        super().__init__()
        labels = [n_labels] if n_labels else []
        self.n_latent, self.n_scores, self.blocks = n_latent, n_scores, [b for b in blocks if b]
        self.body = MLP(n_latent, labels, hidden_layer_sizes, random, **layers)
        self.last = Linear(self.body.n_features_out, n_scores + sum(self.blocks), random)
        self.n_noise = n_latent + sum(self.blocks)

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Make vectors (members, rows, width) of noise (members, rows, n_noise)."""
        latent = noise[..., : self.n_latent]
        x = (latent, labels.expand(len(latent), -1, -1)) if labels.shape[-1] else latent
        found = self.last(self.body(x))
        if not self.blocks:
            return found
        scores, *logits = found.split([self.n_scores, *self.blocks], dim=-1)
        draws = _gumbel(noise[..., self.n_latent :]).split(self.blocks, dim=-1)
        hot = [
            torch.softmax((own + drawn) / _TEMPERATURE, dim=-1)
            for own, drawn in zip(logits, draws, strict=True)
        ]
        return torch.cat([scores, *hot], dim=-1)

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row by all members."""
        return self.body.products + self.last.weight.numel()


class TableCritic(nn.Module):
    """Score rows of numbers, which may have labels.

    Parameters
    ----------
    n_values : int
        Numbers of a row.
    n_labels, hidden_layer_sizes, random, **layers
        As for :class:`TableGenerator`.
    """

    def __init__(self, n_values, n_labels, hidden_layer_sizes, random, **layers) -> None:
        super().__init__()
        labels = [n_labels] if n_labels else []
        self.body = MLP(n_values, labels, hidden_layer_sizes, random, **layers)
        self.last = Linear(self.body.n_features_out, 1, random)

    def forward(self, rows: Tensor, labels: Tensor) -> Tensor:
        """Return scores (members, rows)."""
        x = (rows, labels.expand(len(rows), -1, -1)) if labels.shape[-1] else rows
        return self.last(self.body(x)).squeeze(-1)

    def seen(self, rows: Tensor) -> Tensor:
        """Return rows of the data as the networks see them."""
        return rows

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row by all members."""
        return self.body.products + self.last.weight.numel()

    def rows_together(self, shape: Sequence[int] = ()) -> int:
        """Return how many rows to evaluate together."""
        return self.body.rows_together(shape)


def _gumbel(noise):
    """Turn normal noise into noise whose largest value, added to logits, draws a category."""
    share = torch.special.ndtr(noise).clamp(1e-6, 1 - 1e-6)
    return -torch.log(-torch.log(share))
