"""Networks that say how noise moves to become rows."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_modern.networks.layers import Linear
from sklearn_modern.networks.mlp import MLP
from sklearn_modern.networks.random import MemberRandom

__all__ = ["TIME_FEATURES", "TableVelocity", "Velocity", "time_features"]

# Waves of the time: their slowest goes through half a turn, the others are twice as fast each.
_N_WAVES = 6
TIME_FEATURES = 2 * _N_WAVES

# The time before the end at which indicators count as known.
_LEAST = 0.02

# The least share of a level given a label: others may come that the fit did not have.
_LEAST_SHARE = 1e-3


def time_features(time: Tensor) -> Tensor:
    """Return waves of times from 0 to 1: (...) becomes (..., TIME_FEATURES)."""
    speeds = math.pi * 2.0 ** torch.arange(_N_WAVES, dtype=time.dtype, device=time.device)
    angles = time.unsqueeze(-1) * speeds
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def _of_labels(values, labels):
    """Return each row's entry (members, rows, n) of (members, n_labels, n); one for all without."""
    if values.shape[1] == 1:
        return values
    return values.gather(1, labels.expand(-1, -1, values.shape[2]))


class Velocity(nn.Module, ABC):
    """Says where rows are going that are on a straight way from noise to data.

    At the time 0 a row is noise, at the time 1 it is data.
    """

    @abstractmethod
    def forward(self, rows: Tensor, time: Tensor, labels: Tensor) -> Tensor:
        """Return scores in the shape of the rows.

        Parameters
        ----------
        rows : Tensor of shape (members, rows, ...)
            Where they are.
        time : Tensor of shape (members, rows)
            When.
        labels : Tensor of shape (members or 1, rows, 1 or 0)
            Their labels, if there are any.
        """

    def seen(self, rows: Tensor) -> Tensor:
        """Return rows of the data as the network sees them."""
        return rows

    def loss(self, scores: Tensor, noise: Tensor, rows: Tensor) -> Tensor:
        """Return what scores cost (members, rows), if rows go from some noise to some data.

        By default scores are velocities, which cost their mean squared error.
        """
        return (scores - (rows - noise)).square().flatten(2).mean(-1)

    def velocity(self, scores: Tensor, rows: Tensor, time: float) -> Tensor:
        """Turn the scores of rows, where they are at a time, into velocities."""
        return scores

    @property
    @abstractmethod
    def products(self) -> int:
        """Multiplications of a forward pass of one row by all members, or about as many."""

    @property
    def rows_together(self) -> int:
        """How many rows to evaluate together."""
        return 8192


class TableVelocity(Velocity):
    r"""The velocity of vectors of rows (:class:`~sklearn_modern._inputs.row_coder.RowCoder`).

    Scores of numbers are velocities. Those of a block of indicators are the logits of where it will
    arrive: with the probabilities :math:`p` the velocity at the time :math:`t` is
    :math:`(p - x_t) / (1 - t)`, which is the same mean, and cross-entropy teaches it better [1]_.

    Parameters
    ----------
    n_scores : int
        Numbers of a row before its indicators.
    shares : sequence of ndarray
        The share of each indicator of each column, from which the network starts.
    n_labels : int
        How many labels there are; 0 without labels.
    hidden_layer_sizes : sequence of int
        Hidden units.
    random : MemberRandom
        Where initial weights and dropout masks come from.
    **layers : dict
        More for :class:`~sklearn_modern.networks.mlp.MLP`.

    References
    ----------
    .. [1] Eijkelboom, Bartosh, Naesseth, Welling, van de Meent (2024). Variational flow matching
       for graph generation. NeurIPS.
    """

    def __init__(
        self,
        n_scores: int,
        shares: Sequence[np.ndarray],
        n_labels: int,
        hidden_layer_sizes: Sequence[int],
        random: MemberRandom,
        **layers: Any,
    ) -> None:
        super().__init__()
        self.parts = [n_scores, *map(len, shares)]
        labels, n_values = [n_labels] if n_labels else [], sum(self.parts)
        self.body = MLP(n_values + TIME_FEATURES, labels, hidden_layer_sizes, random, **layers)
        self.last = Linear(self.body.n_features_out, n_values, random)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        middles, spreads = (np.zeros((1, n_scores)), np.ones((1, n_scores)))
        log_shares = np.log(np.concatenate([np.empty(0), *shares]))[np.newaxis]
        self._know("middles", middles, random)
        self._know("spreads", spreads, random)
        self._know("log_shares", log_shares, random)

    def start_from(self, vectors: np.ndarray, labels: np.ndarray, weight: np.ndarray) -> None:
        """Start from columns that are independent given the label, not altogether.

        Parameters
        ----------
        vectors : ndarray of shape (n_samples, n_values)
            Rows of the data.
        labels : ndarray of int of shape (n_samples,)
            Their labels.
        weight : ndarray of shape (n_samples,)
            Their weights.
        """
        n_scores, found = self.parts[0], []
        for label in range(labels.max() + 1):
            own = labels == label
            share = weight[own] / weight[own].sum()
            mean = share @ vectors[own]
            square = share @ (vectors[own, :n_scores] - mean[:n_scores]) ** 2
            rare = np.log(np.maximum(mean[n_scores:], _LEAST_SHARE))
            found.append((mean[:n_scores], np.sqrt(np.maximum(square, _LEAST)), rare))
        names = "middles", "spreads", "log_shares"
        for name, values in zip(names, zip(*found, strict=True), strict=True):
            self._know(name, np.stack(values), self.body.random)

    def _know(self, name, values, random):
        values = torch.as_tensor(values, dtype=torch.float32).unsqueeze(0)
        self.register_buffer(name, values.repeat(len(random), 1, 1))

    def forward(self, rows: Tensor, time: Tensor, labels: Tensor) -> Tensor:
        """Return velocities of numbers and logits of indicators (members, rows, n_values)."""
        numbers = torch.cat([rows, time_features(time)], dim=-1)
        labels = labels.expand(len(rows), -1, -1)
        x = (numbers, labels) if labels.shape[-1] else numbers
        return self._alone(rows, time.unsqueeze(-1), labels) + self.last(self.body(x))

    def _alone(self, rows, time, labels):
        """Return the scores that would be right if columns were independent given the label."""
        middle, spread, log_shares = (
            _of_labels(values, labels) for values in (self.middles, self.spreads, self.log_shares)
        )
        left, variance = 1.0 - time, spread.square()
        speed = (time * variance - left) / (time.square() * variance + left.square())
        numbers, hot = rows[..., : self.parts[0]], rows[..., self.parts[0] :]
        ways = middle + speed * (numbers - time * middle)
        known = time / left.clamp_min(_LEAST).square()
        return torch.cat([ways, hot * known + log_shares], dim=-1)

    def loss(self, scores: Tensor, noise: Tensor, rows: Tensor) -> Tensor:
        """Return the mean over the columns of squared errors and cross-entropies."""
        speeds, *logits = scores.split(self.parts, dim=-1)
        wanted, *hot = rows.split(self.parts, dim=-1)
        total = (speeds - (wanted - noise[..., : self.parts[0]])).square().sum(-1)
        for own, where in zip(logits, hot, strict=True):
            total = total - (F.log_softmax(own, dim=-1) * where).sum(-1)
        return total / max(1, self.parts[0] + len(logits))

    def velocity(self, scores: Tensor, rows: Tensor, time: float) -> Tensor:
        """Return velocities; those of indicators point to where they will arrive on average."""
        speeds, *logits = scores.split(self.parts, dim=-1)
        _, *places = rows.split(self.parts, dim=-1)
        ways = [own.softmax(-1) - at for own, at in zip(logits, places, strict=True)]
        return torch.cat([speeds, *(way / (1.0 - time) for way in ways)], dim=-1)

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row by all members."""
        return self.body.products + self.last.weight.numel()
