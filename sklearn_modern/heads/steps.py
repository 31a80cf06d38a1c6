"""Heads that say what the next step of a sequence is: which token, or that the sequence ends."""

import math
from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor

from sklearn_modern.heads.base import Head
from sklearn_modern.heads.categorical import full_precision
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.random import MemberRandom

__all__ = ["NextToken", "StepHead"]


class StepHead(Head):
    """The distribution of the next step, for each step so far.

    A row is a sequence of *outcomes*: its steps, and in the end that it ends. What the body reads
    are the outcomes so far, after something that stands for the beginning.
    """

    @abstractmethod
    def beginning(self, n_rows: int, like: Tensor) -> Tensor:
        """Return what stands before the first outcome: (n_rows, 1, ...), as outcomes do."""

    @abstractmethod
    def ending(self, n_rows: int, like: Tensor) -> Tensor:
        """Return the outcome that there are no more steps: (n_rows, 1, ...)."""

    @abstractmethod
    def nothing(self, n_rows: int, like: Tensor) -> Tensor:
        """Return what is no outcome, and does not count: (n_rows, 1, ...)."""

    @abstractmethod
    def read(self, outcomes: Tensor) -> Tensor:
        """Return outcomes (..., rows, steps, ...) as a body reads them."""

    @abstractmethod
    def counted(self, outcomes: Tensor, mask: Tensor | None) -> Tensor:
        """Tell which outcomes have a likelihood: (members, rows, steps)."""

    @abstractmethod
    def log_likelihood(self, scores: Tensor, outcomes: Tensor) -> Tensor:
        """Return the logarithms of the likelihoods of outcomes (members, n, ...): (members, n)."""

    def loss(self, scores: Tensor, y: Tensor, given: Given = NOTHING) -> Tensor:
        """Return minus the log-likelihood of each outcome."""
        return -self.log_likelihood(scores, y)

    def decide(self, decoded: Tensor) -> Tensor:
        """Return what is decoded."""
        return decoded


class NextToken(StepHead):
    """The next token, or the end, by a softmax.

    Outcomes are codes of tokens. The code 0 is no step, and 1 an unknown token, which has no
    likelihood. Then come the tokens; the last code is the end, and as what is read the beginning.

    Parameters
    ----------
    n_features : int
        Width of the body's features.
    n_codes : int
        Number of codes, with those that are no tokens and the last one.
    random : MemberRandom
        Where the initial weights come from.
    """

    # Codes before the first token.
    n_others = 2

    def __init__(self, n_features: int, n_codes: int, random: MemberRandom) -> None:
        super().__init__(n_features, n_codes - self.n_others, random)
        self.n_codes = n_codes

    @property
    def end(self) -> int:
        """The code of the end, and of the beginning."""
        return self.n_codes - 1

    def beginning(self, n_rows: int, like: Tensor) -> Tensor:
        """Return the last code."""
        return like.new_full((n_rows, 1), self.end)

    def ending(self, n_rows: int, like: Tensor) -> Tensor:
        """Return the last code."""
        return self.beginning(n_rows, like)

    def nothing(self, n_rows: int, like: Tensor) -> Tensor:
        """Return the code of no step."""
        return like.new_zeros(n_rows, 1)

    def read(self, outcomes: Tensor) -> Tensor:
        """Return the codes."""
        return outcomes

    def counted(self, outcomes: Tensor, mask: Tensor | None) -> Tensor:
        """Tell which are known tokens, or the end."""
        return outcomes >= self.n_others

    def log_likelihood(self, scores: Tensor, outcomes: Tensor) -> Tensor:
        """Return the logarithms of the tokens' probabilities."""
        scores = full_precision(scores).flatten(0, 1)
        codes = (outcomes - self.n_others).flatten()
        return -F.cross_entropy(scores, codes, reduction="none").view(outcomes.shape)

    def log_proba(self, scores: Tensor) -> Tensor:
        """Return the logarithms of the members' mean probabilities: (rows, n_codes - 2)."""
        return mean_likelihood(full_precision(scores).log_softmax(-1))

    def decode(self, scores: Tensor) -> Tensor:
        """Return the members' mean probabilities of the tokens and of the end."""
        return self.log_proba(scores).exp()


def mean_likelihood(log_likelihoods: Tensor) -> Tensor:
    """Return the logarithm of the mean over members, whose axis is the first."""
    if len(log_likelihoods) == 1:
        return log_likelihoods[0]
    return torch.logsumexp(log_likelihoods, dim=0) - math.log(len(log_likelihoods))
