"""Predict the steps of a sequence from a mark within it to both sides, in turn."""

from typing import Any

import torch
from torch import Tensor

from sklearn_modern.heads.steps import StepHead
from sklearn_modern.networks.given import Given
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.turns import Turns, in_turns
from sklearn_modern.training.next_token import NetworkWriter, NextToken, lengths_of, precisely
from sklearn_modern.training.objective import Modules
from sklearn_modern.training.pieces import PieceBatches, pieces_of
from sklearn_modern.training.sources import Batch, Part

__all__ = ["BothSides", "pieces_of_turns"]

# Scores of rows after all tokens that may be next on the left, which are computed at once.
_SCORES_TOGETHER = 2**22


class BothSides(NextToken):
    r"""Predict from a mark on the next step to the right, the next one to the left, and so on.

    Each side ends by itself. With the mark after :math:`m` of :math:`n` steps, :math:`x_{m+1},
    \dots, x_n` and the end are to the right, and :math:`x_m, \dots, x_1` and another end to the
    left. The likelihood of a row is the sum over all places of the mark,

    .. math:: p(x) = \sum_{m=0}^n p(x_{m+1} \mid m) p(x_m \mid x_{m+1}, m)
        p(x_{m+2} \mid x_m, x_{m+1}, m) \cdots,

    so that all rows together have probability one. Trained, and validated, is one place of each
    row.

    Parameters
    ----------
    body, head
        As for :class:`NextToken`; bodies are :class:`sklearn_modern.networks.bimodal.Bimodal`.
    anywhere : bool
        Whether the mark of a training row is anywhere, elsewhere in each epoch, and not in the
        middle.
    **sizes
        As for :class:`NextToken`; a step of a piece is one to the right and one to the left.

    References
    ----------
    Grisoni, Moret, Lingwood, Schneider (2020), "Bidirectional Molecule Generation with Recurrent
    Neural Networks", Journal of Chemical Information and Modeling 60(3).
    """

    def __init__(self, body: Any, head: StepHead, *, anywhere: bool, **sizes: float) -> None:
        super().__init__(body, head, **sizes)
        self.anywhere = anywhere

    def order(self, like: Tensor) -> Turns:
        """Return the order in which steps, as bodies read them, are written."""
        head = self.modules["module"].head
        return Turns(*map(head.read, _end_and_nothing(head, like)))

    def batches(self, rows: Part, batch_size: int, random: MemberRandom) -> PieceBatches:
        """Return the batches of an epoch, in turns, and in pieces if rows are long."""
        self._handed_on = None
        head = self.modules["module"].head
        return _TurnBatches(rows, batch_size, random, self.n_steps, head, anywhere=self.anywhere)

    def evaluate(self, modules: Modules, batch: Batch) -> tuple[Tensor, None]:
        """Return the losses of whole rows, with the mark in their middle."""
        return super().evaluate(modules, _halved(modules["module"].head, batch))

    def log_likelihood(self, modules: Modules, batch: Batch) -> Tensor:
        """Return (1, rows, 2): the log-likelihood of all members together, and of how many steps.

        The end counts as one of them. Members average the probabilities of each turn.
        """
        head, n_steps = modules["module"].head, lengths_of(batch)[0] - 1
        found: Any = None
        for mark in range(int(n_steps.max()) + 1):
            rows = (n_steps >= mark).nonzero()[:, 0]
            marks = torch.full((1, len(rows)), mark, device=rows.device)
            laid = _laid(head, _rows_of(batch, rows), marks)
            own = super().log_likelihood(modules, laid)[0, :, 0]
            if found is None:  # every row has the first place
                found = own
            else:
                found = found.index_copy(0, rows, torch.logaddexp(found[rows], own))
        n_counted = head.counted(batch.x, batch.given.mask)[0].sum(-1)
        return torch.stack([found, n_counted.to(found.dtype)], dim=-1).unsqueeze(0)

    def last_features(self, modules: Modules, batch: Batch) -> Tensor:
        """Return the last states of the right and the left side: (members, rows, features)."""
        n_steps = lengths_of(batch)[0] - 1
        laid = _halved(modules["module"].head, batch)
        found = self.features_after(modules, laid, n_steps)
        n_states = modules["module"].body.n_features_out // 2
        own, other = found[..., :n_states], found[..., n_states : 2 * n_states]
        is_left_next = (n_steps % 2 == 1).view(1, -1, 1)
        halves = other.where(is_left_next, own), own.where(is_left_next, other)
        return torch.cat(halves, dim=-1)

    def next_log_proba(self, modules: Modules, batch: Batch) -> Tensor:
        """Return log-probabilities of the next token to the right of each row.

        The row is a fragment with the mark in its middle. If the left side is next, all that it
        may be is summed over.
        """
        network, found = modules["module"], None
        writer, order = NetworkWriter(network), self.order(batch.x[0])
        lengths = lengths_of(batch)[0] - 1
        for n_steps in lengths.unique().tolist():
            rows = (lengths == n_steps).nonzero()[:, 0]
            codes = batch.x[0][rows, :n_steps]
            state, scores = writer.begin(len(rows)), None
            read = [network.head.beginning(len(rows), codes)[:, 0], *order.laid(codes.T)]
            for code in read:
                scores, state = writer.advance(code, state)
            own = precisely(scores)
            if n_steps % 2 == 1:
                own = self._after_the_left(writer, own, state)
            own = own[:, network.head.n_others :]
            if found is None:
                found = own.new_empty(len(lengths), own.shape[1])
            found[rows] = own
        return found

    def _after_the_left(self, writer, of_left, state):
        """Sum over all tokens to the left, whose log-probabilities are known."""
        n_rows, n_codes = of_left.shape
        found = torch.full_like(of_left, -torch.inf)
        together = max(1, _SCORES_TOGETHER // (n_rows * n_codes))
        for codes in torch.arange(writer.n_others, n_codes).split(together):
            rows = torch.arange(n_rows).repeat_interleave(len(codes))
            after, _ = writer.advance(codes.repeat(n_rows), writer.select(state, rows))
            after = precisely(after).view(n_rows, len(codes), n_codes)
            joint = (after + of_left[:, codes].unsqueeze(-1)).logsumexp(1)
            found = torch.logaddexp(found, joint)
        return found


class _TurnBatches(PieceBatches):
    """Batches of rows in turns.

    Parameters
    ----------
    rows, batch_size, random, n_steps
        As for :class:`PieceBatches`; a step is one to the right and one to the left.
    head : StepHead
        Says what is an end, and what is nothing.
    anywhere : bool
        Whether marks are drawn, and not in the middle.
    """

    def __init__(
        self,
        rows: Part,
        batch_size: int,
        random: MemberRandom,
        n_steps: int,
        head: StepHead,
        *,
        anywhere: bool,
    ) -> None:
        self.head, self.anywhere = head, anywhere
        super().__init__(rows, batch_size, random, n_steps)

    def pieces_of(self, lengths: Tensor) -> Tensor:
        """Return in how many pieces rows of these lengths are cut, wherever the mark is."""
        return pieces_of_turns(lengths, self.n_steps, anywhere=self.anywhere)

    def take(self, index: Tensor) -> Batch:
        """Take rows, and lay them out."""
        return _laid(self.head, super().take(index), self._marks(index))

    def _cutter(self, group):
        n_times = int(_times(self.rows.source.lengths(group), anywhere=self.anywhere).max())
        batch = self.rows.source.take(group)
        whole = _laid(self.head, batch, self._marks(group), n_times)

        def cut(n_rows, start):
            part = _rows_of(whole, torch.arange(n_rows, device=group.device))
            part.x = part.x[:, :, 2 * start : 2 * (start + self.n_steps)]
            return part

        return cut

    def _marks(self, index):
        lengths = self.rows.source.lengths(index)
        if not self.anywhere:
            return (lengths - 1) // 2
        draws = [
            torch.rand(index.shape[1], generator=generator, dtype=torch.float64)
            for generator in self.random.generators()
        ]
        return (torch.stack(draws).to(lengths.device) * lengths).long()


def pieces_of_turns(lengths: Tensor, n_steps: int, *, anywhere: bool) -> Tensor:
    """Return in how many pieces rows of these lengths, with their end, are cut.

    A step is one to each side. If the mark is anywhere, there are as many as where it is at one end
    of the row, so that their number does not depend on what is drawn; the last ones may be empty.
    """
    return pieces_of(_times(lengths, anywhere=anywhere), n_steps)


def _times(lengths, *, anywhere):
    """Return how many steps the longer side has at most, with its end."""
    return lengths if anywhere else lengths // 2 + 1


def _halved(head, batch):
    """Return a batch in turns, with the marks in the middle."""
    return _laid(head, batch, (lengths_of(batch) - 1) // 2)


def _laid(head, batch, marks, n_times=0):
    """Return a batch in turns; turns in which there is nothing do not count."""
    ending = _end_and_nothing(head, batch.x[0])
    x = in_turns(batch.x, lengths_of(batch), marks, *ending, n_times)
    return Batch(x, None, batch.index, Given(batch.given.weight, None))


def _end_and_nothing(head, like):
    return head.ending(1, like)[0, 0], head.nothing(1, like)[0, 0]


def _rows_of(batch, rows):
    """Return some rows of a batch."""

    def pick(known):
        return known.index_select(1, rows)

    return Batch(pick(batch.x), None, pick(batch.index), batch.given.mapped(pick))
