"""Write sequences of tokens, one token after another, by what a network says of the next one."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

__all__ = ["Choice", "Draws", "Writer", "tempered", "write"]


class Writer(ABC):
    """What says, row by row, which token is likely to be next.

    Attributes
    ----------
    n_tokens : int
        How many tokens there are; they are coded as 0, 1, 2, ...
    """

    n_tokens: int

    @abstractmethod
    def begin(self, n_rows: int) -> Any:
        """Return the state of rows that have no token yet."""

    @abstractmethod
    def advance(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Take one more token (rows,) of each row.

        Returns
        -------
        log_proba : Tensor of shape (rows, n_tokens)
            Logarithms of the probabilities of what comes next.
        state : object
            The new state; the old one must not be used any more.
        """

    @abstractmethod
    def select(self, state: Any, index: Tensor) -> Any:
        """Return the state of some rows, in the order of the index; rows may be repeated."""


@dataclass(frozen=True)
class Choice:
    r"""How a token is chosen by the probabilities of all.

    Parameters
    ----------
    temperature : float, default=1.0
        Probabilities are taken to the power of ``1 / temperature``; 0 takes the likeliest token.
    top_k : int or None, default=None
        Choose among so many of the likeliest tokens.
    top_p : float or None, default=None
        Choose among the likeliest tokens that together have this probability at least (Holtzman et
        al. 2020).

    References
    ----------
    Holtzman, Buys, Du, Forbes, Choi (2020), "The Curious Case of Neural Text Degeneration", ICLR.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def probabilities(self, log_proba: Tensor) -> Tensor:
        """Return the probabilities (rows, n_tokens) with which tokens are chosen, in float64."""
        log_proba = log_proba.double()
        if self.temperature == 0:
            likeliest = log_proba.argmax(-1, keepdim=True)
            return torch.zeros_like(log_proba).scatter_(-1, likeliest, 1.0)
        proba = tempered(log_proba, self.temperature)
        if self.top_k is None and self.top_p is None:
            return proba
        ordered, order = proba.sort(dim=-1, descending=True, stable=True)
        if self.top_k is not None:
            ordered[:, self.top_k :] = 0.0
        if self.top_p is not None:
            ordered /= ordered.sum(-1, keepdim=True)
            before = ordered.cumsum(-1) - ordered
            ordered = ordered.masked_fill(before >= self.top_p, 0.0)
        kept = torch.zeros_like(proba).scatter_(-1, order, ordered)
        return kept / kept.sum(-1, keepdim=True)

    def __call__(self, predicted: Tensor, draws: "Draws") -> tuple[Tensor, Tensor]:
        """Choose tokens by the logarithms of their probabilities; the last one is the end."""
        sums = self.probabilities(predicted.cpu()).cumsum(-1)
        places = draws.uniform() * sums[:, -1]
        # Strictly beyond the place, so that no token of probability zero is chosen.
        tokens = torch.searchsorted(sums, places.unsqueeze(-1), right=True)[:, 0]
        return tokens, tokens == sums.shape[1] - 1


def tempered(log_proba: Tensor, temperature: float) -> Tensor:
    """Return probabilities taken to the power of ``1 / temperature``, however small this is."""
    beside = log_proba - log_proba.amax(-1, keepdim=True)
    return (beside / temperature).softmax(-1)


# Rows that have ended leave the batch when they are this share of it, as to leave costs a copy.
_LEAVING = 0.25


class Draws:
    """Random numbers of the rows that are in a batch, which do not depend on who has left it.

    Parameters
    ----------
    n_rows : int
        How many rows there were in the beginning.
    rows : Tensor of int64
        Which of them there are.
    generator : torch.Generator
        Where numbers come from, on the CPU.
    """

    def __init__(self, n_rows: int, rows: Tensor, generator: torch.Generator) -> None:
        self.n_rows, self.rows, self.generator = n_rows, rows, generator

    def uniform(self, *shape: int) -> Tensor:
        """Draw (rows, *shape) uniformly from [0, 1)."""
        return self._of_rows(torch.rand, shape)

    def normal(self, *shape: int) -> Tensor:
        """Draw (rows, *shape) from the standard normal distribution."""
        return self._of_rows(torch.randn, shape)

    def _of_rows(self, draw, shape):
        of_all = draw(self.n_rows, *shape, dtype=torch.float64, generator=self.generator)
        return of_all[self.rows]


class Choose(Protocol):
    """Choose the next step of each row by what is said of it."""

    def __call__(self, predicted: Any, draws: Draws) -> tuple[Tensor, Tensor]:
        """Return steps (rows, ...), and which rows end instead: (rows,)."""


@torch.inference_mode()
def write(
    writer: Any,
    prompts: Sequence[Tensor],
    choose: Choose,
    *,
    first: Tensor,
    max_length: int,
    generator: torch.Generator,
) -> list[Tensor]:
    """Write a sequence for each prompt.

    Parameters
    ----------
    writer : Writer
        Says what is likely. Of other steps than tokens it may say anything that ``choose`` takes.
    prompts : sequence of Tensor of shape (n, ...)
        The steps with which sequences start, none or some; on the CPU, as all steps.
    choose : callable
        Called with what the writer says, and with :class:`Draws`.
    first : Tensor of shape (...)
        What a row is begun with; it is not in the result.
    max_length : int
        A sequence of so many steps stops.
    generator : torch.Generator
        Where draws come from, on the CPU.

    Returns
    -------
    list of Tensor
        The steps of each sequence, with those of its prompt.
    """
    n_rows = len(prompts)
    known = torch.tensor([len(prompt) for prompt in prompts])
    written = first.new_zeros(n_rows, max_length, *first.shape)
    for row, prompt in enumerate(prompts):
        written[row, : len(prompt)] = prompt
    lengths = torch.full((n_rows,), max_length)
    rows = torch.arange(n_rows)  # those that are in the batch
    steps, state = first.expand(n_rows, *first.shape), writer.begin(n_rows)
    for place in range(max_length):
        predicted, state = writer.advance(steps, state)
        chosen, ends = choose(predicted, Draws(n_rows, rows, generator))
        is_known = place < known[rows]
        chosen[is_known] = written[rows[is_known], place]
        ended = ends & ~is_known
        lengths[rows[ended]] = lengths[rows[ended]].clamp(max=place)
        written[rows, place] = steps = chosen
        stay = lengths[rows] > place
        if not stay.any():
            break
        if (~stay).sum() >= _LEAVING * len(rows):
            state = writer.select(state, stay.nonzero()[:, 0])
            rows, steps = rows[stay], steps[stay]
    return [row[:length] for row, length in zip(written, lengths.tolist(), strict=True)]
