"""A body over sequences, and what guesses the steps that it does not see."""

import math
from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_modern.networks.base import Body
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.layers import Layer, Linear
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import by_blocks, product

__all__ = ["Guesser", "MaskedNetwork", "NumberGuesses", "SideBySide", "TokenGuesses"]


class Guesser(Layer, ABC):
    """Makes guesses of features of steps, for one member at a time."""

    @abstractmethod
    def of_member(self, member: int, body: Body, steps: Tensor) -> Tensor:
        """Map features (n, n_step_features) of a member's body to what is guessed of each."""


class TokenGuesses(Guesser):
    """Scores of the tokens of a vocabulary; the weights are the vectors of the tokens themselves.

    Parameters
    ----------
    n_in : int
        Width of the features.
    n_embedding : int
        Length of a token's vector.
    first : int
        The code of the first token.
    frequencies : ndarray of shape (n_tokens,)
        How frequent each token is. The scores start from that, which would take long to learn.
    random : MemberRandom
        Where initial weights come from.

    References
    ----------
    Press, Wolf (2017), "Using the Output Embedding to Improve Language Models", EACL.
    """

    def __init__(
        self,
        n_in: int,
        n_embedding: int,
        first: int,
        frequencies: np.ndarray,
        random: MemberRandom,
    ) -> None:
        super().__init__()
        self.first, self.n_tokens = first, len(frequencies)
        self.project = Linear(n_in, n_embedding, random) if n_in != n_embedding else None
        start = torch.from_numpy(np.log(frequencies / frequencies.sum())).float()
        self.bias = nn.Parameter(start.repeat(len(random), 1, 1))
        # The vectors have about the norm sqrt(n_embedding).
        self.scale = 1.0 / math.sqrt(n_embedding)

    def of_member(self, member: int, body: Body, steps: Tensor) -> Tensor:
        """Map features (n, n_in) to scores (n, n_tokens)."""
        vectors = body.embedding.table[self.first : self.first + self.n_tokens]
        # Not by an index, whose gradient copies all scores.
        scores = by_blocks(lambda x: self._scores(member, vectors, x), steps.unsqueeze(0))
        return scores.squeeze(0)

    def _scores(self, member, vectors, steps):
        if self.project is not None:
            own = slice(member, member + 1)
            steps = product(steps, self.project.weight[own], self.project.bias[own])
        return product(steps * self.scale, vectors.t().unsqueeze(0), self.bias[member].unsqueeze(0))


class NumberGuesses(Guesser):
    """A number for each channel.

    Parameters
    ----------
    n_in : int
        Width of the features.
    start : ndarray of shape (n_channels,)
        What is guessed in the beginning, or about that.
    random : MemberRandom
        Where initial weights come from.
    """

    def __init__(self, n_in: int, start: np.ndarray, random: MemberRandom) -> None:
        super().__init__()
        self.map = Linear(n_in, len(start), random)
        with torch.no_grad():
            self.map.bias += torch.from_numpy(start).to(self.map.bias)

    def of_member(self, member: int, body: Body, steps: Tensor) -> Tensor:
        """Map features (n, n_in) to numbers (n, n_channels)."""
        own = slice(member, member + 1)
        weight, bias = self.map.weight[own], self.map.bias[own]
        return by_blocks(lambda x: product(x, weight, bias), steps.unsqueeze(0))[0]


class MaskedNetwork(nn.Module):
    """A body of members, with what guesses hidden steps.

    Parameters
    ----------
    body : Looped
        The members' bodies over sequences.
    guesser : Guesser
        Makes guesses of their features.
    """

    def __init__(self, body: Body, guesser: Guesser) -> None:
        super().__init__()
        self.body, self.guesser = body, guesser

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Map rows to their features (members, rows, n_features_out)."""
        return self.body(x, given)


class SideBySide(nn.Identity):
    """Takes the features of rows for scores, and decodes them as the features of all members."""

    def decode(self, features: Tensor) -> Tensor:
        """Map (members, rows, features) to (rows, members * features)."""
        return features.transpose(0, 1).flatten(1)
