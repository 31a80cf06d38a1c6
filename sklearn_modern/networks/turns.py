"""The order in which a sequence is written: from its beginning on, or from a mark to both sides."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sklearn_modern.networks.decoding import Choose, Draws
from sklearn_modern.networks.sequences import select_rows

__all__ = ["Onward", "Turns", "in_turns"]


class Onward:
    """Steps are written in their order."""

    def n_turns(self, n_steps: int) -> int:
        """Return how many turns it may take to write so many steps."""
        return n_steps

    def laid(self, steps: Tensor) -> Tensor:
        """Return the steps (n, ...) of a prompt as they are written."""
        return steps

    def gathered(self, turns: Tensor) -> Tensor:
        """Return what was written as steps (n, ...) in their order."""
        return turns

    def over(self, writer: Any, choose: Choose, max_length: int) -> tuple[Any, Choose]:
        """Return a writer and a choice of turns, made of those of steps."""
        return writer, choose


@dataclass
class Turns(Onward):
    """Steps are written from a mark to the right and to the left in turn, the right one first.

    Each side has its own end. A side that has ended has nothing when it is its turn; when both
    have, the sequence is written.

    Parameters
    ----------
    end, nothing : Tensor of shape (...)
        What stands for the end of a side, and for its turns after that.
    """

    end: Tensor
    nothing: Tensor

    def n_turns(self, n_steps: int) -> int:
        """Return as many as one side takes that has them all, with its end."""
        return 2 * (n_steps + 1)

    def laid(self, steps: Tensor) -> Tensor:
        """Return the steps of a prompt with the mark in their middle."""
        mark = len(steps) // 2
        order = [mark + n // 2 if n % 2 == 0 else mark - 1 - n // 2 for n in range(len(steps))]
        return steps[order]

    def gathered(self, turns: Tensor) -> Tensor:
        """Return the left side from its end on, and then the right side."""
        right, left = turns[::2], turns[1::2].flip(0)
        steps = torch.cat([left, right])
        return steps[~(_same(steps, self.end) | _same(steps, self.nothing))]

    def over(self, writer: Any, choose: Choose, max_length: int) -> tuple[Any, Choose]:
        """Return a writer that knows which sides have ended, and a choice that heeds it."""
        return _TurnWriter(writer, self, max_length), _TurnChoice(choose, self)


class _TurnWriter:
    """Says what is likely, and what is certain.

    Parameters
    ----------
    writer : Writer
        Says what is likely.
    turns : Turns
        The order.
    max_length : int
        A row of so many steps stops.
    """

    def __init__(self, writer: Any, turns: Turns, max_length: int) -> None:
        self.writer, self.turns, self.max_length = writer, turns, max_length

    def begin(self, n_rows: int) -> Any:
        """Return the state: that of the writer, which sides have ended, steps, and turns so far."""
        ended = torch.zeros(n_rows, 2, dtype=torch.bool)
        return self.writer.begin(n_rows), ended, torch.zeros(n_rows, dtype=torch.int64), 0

    def advance(self, steps: Tensor, state: Any) -> tuple[Any, Any]:
        """Take one more turn of each row."""
        own, ended, n_steps, turn = state
        predicted, own = self.writer.advance(steps, own)
        if turn:  # before that is the beginning
            ends, empty = _same(steps, self.turns.end), _same(steps, self.turns.nothing)
            n_steps = n_steps + ~(ends | empty)
            ended = ended.clone()
            ended[:, (turn - 1) % 2] |= ends
        side = turn % 2
        certain = ended[:, side], ended[:, 1 - side], n_steps >= self.max_length
        return (predicted, *certain), (own, ended, n_steps, turn + 1)

    def select(self, state: Any, index: Tensor) -> Any:
        """Return the states of some rows."""
        own, *known = state
        return self.writer.select(own, index), *select_rows(known, index)


class _TurnChoice:
    """Chooses what is not certain.

    Parameters
    ----------
    choose : callable
        Chooses a step, or the end.
    turns : Turns
        The order.
    """

    def __init__(self, choose: Choose, turns: Turns) -> None:
        self.choose, self.turns = choose, turns

    def __call__(self, predicted: Any, draws: Draws) -> tuple[Tensor, Tensor]:
        """Choose turns; a row ends with its last side, or if it is as long as it may be."""
        predicted, has_ended, other_has_ended, is_full = predicted
        chosen, ends = self.choose(predicted, draws)
        chosen = _replaced(chosen, ends, self.turns.end)
        chosen = _replaced(chosen, has_ended, self.turns.nothing)
        return chosen, (ends & other_has_ended & ~has_ended) | is_full


def in_turns(
    x: Tensor, lengths: Tensor, marks: Tensor, end: Tensor, nothing: Tensor, n_times: int = 0
) -> Tensor:
    """Lay rows out in turns: to the right of a mark and to the left of it.

    Parameters
    ----------
    x : Tensor of shape (members, rows, steps, ...)
        Rows, whose last step is their end.
    lengths : Tensor of shape (members or 1, rows)
        Their numbers of steps, with the end.
    marks : Tensor of shape (members or 1, rows)
        How many steps are to the left of the mark.
    end, nothing : Tensor of shape (...)
        The end of the left side; and what stands where a side has ended.
    n_times : int, default=0
        How often the turn is each side's, at least.

    Returns
    -------
    Tensor of shape (members, rows, turns, ...)
        As many turns as the longest row takes, or more.
    """
    lengths, marks = lengths.unsqueeze(-1), marks.unsqueeze(-1)
    n_times = max(n_times, int(torch.maximum(lengths - marks, marks + 1).max()))
    times, n_steps = torch.arange(n_times, device=x.device), x.shape[2]
    empty, ended = n_steps, n_steps + 1
    right, left = marks + times, marks - 1 - times
    right = right.where(right < lengths, empty)
    left = left.where(left >= -1, empty).where(left != -1, ended)
    place = torch.stack([right, left], dim=-1).flatten(-2)
    more = [one.expand(*x.shape[:2], 1, *x.shape[3:]).to(x) for one in (nothing, end)]
    rows = torch.cat([x, *more], dim=2)
    place = place.view(*place.shape, *[1] * (x.ndim - 3))
    return rows.gather(2, place.expand(*x.shape[:2], -1, *x.shape[3:]))


def _same(steps: Tensor, one: Tensor) -> Tensor:
    """Tell which steps (n, ...) are this one."""
    return (steps == one).flatten(1).all(1) if steps.ndim > 1 else steps == one


def _replaced(steps: Tensor, where: Tensor, by: Tensor) -> Tensor:
    return by.to(steps).where(where.view(-1, *[1] * (steps.ndim - 1)), steps)
