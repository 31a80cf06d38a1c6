"""Predict the next step of a sequence from those before it."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sklearn_modern.device import has_float64
from sklearn_modern.heads.steps import StepHead, mean_likelihood
from sklearn_modern.networks.decoding import Writer
from sklearn_modern.networks.members import Looped
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import by_blocks
from sklearn_modern.networks.sequences import select_rows
from sklearn_modern.networks.turns import Onward
from sklearn_modern.training.objective import Modules, Steps
from sklearn_modern.training.pieces import PieceBatches
from sklearn_modern.training.sources import Batch, Part
from sklearn_modern.training.steps_of_rows import StepObjective
from sklearn_modern.training.supervised import Network

__all__ = ["NetworkWriter", "NextToken", "StepWriter", "lengths_of", "precisely"]

# Steps of a long row that are evaluated at once.
_EVALUATED_STEPS = 512


class NextToken(StepObjective):
    r"""Predict each step of a sequence, and its end, from the steps before (teacher forcing).

    The loss of a row with the outcomes :math:`x_1, \dots, x_T`, of which the last is the end, is

    .. math:: -\frac{1}{\bar T} \sum_t \log p(x_t \mid x_1, \dots, x_{t-1}),

    where :math:`\bar T` is the mean length of the training rows, so that all outcomes weigh the
    same. Rows that are longer than ``n_steps`` are trained in pieces that follow one another; then
    :math:`\bar T` is the mean length of the pieces. The state of the body is handed on from a
    piece to the next, if it has one, but no gradient is.

    Parameters
    ----------
    body : Looped
        Causal bodies.
    head : StepHead
        Says what the next outcome is.
    n_steps : int
        Most steps of a piece.
    mean_length, mean_piece : float
        Mean number of steps of the training rows, and of their pieces.
    rate : float, default=1.0
        Learning rate of everything, as a multiple of the common one.
    """

    def __init__(
        self,
        body: Looped,
        head: StepHead,
        *,
        n_steps: int,
        mean_length: float,
        mean_piece: float,
        rate: float = 1.0,
    ) -> None:
        self.modules = {"module": Network(body, head)}
        self.n_steps, self.rate = n_steps, rate
        self.mean_length, self.mean_piece = mean_length, mean_piece
        self._handed_on: Any = None  # what the next piece goes on from

    def rows_together(self, shape: Sequence[int] = ()) -> int:
        """Return how many rows of a shape to evaluate together."""
        return self.modules["module"].body.rows_together(shape)

    def batches(self, rows: Part, batch_size: int, random: MemberRandom) -> PieceBatches:
        """Return the batches of an epoch, in pieces if rows are long."""
        self._handed_on = None
        return PieceBatches(rows, batch_size, random, self.n_steps)

    def steps(self, modules: Modules, batch: Batch) -> Steps:
        """Yield the losses of rows, or of pieces of rows."""
        network = modules["module"]
        before, states = self._taken_over(network, batch)
        lengths = _longest(network, batch)
        features, states = _forward(network, self._read(network, before, batch.x), states, lengths)
        self._hand_on(batch, states)
        yield ("module",), -_by_rows(network, features, batch) / self.mean_piece

    def evaluate(self, modules: Modules, batch: Batch) -> tuple[Tensor, None]:
        """Return the losses of whole rows."""
        network = modules["module"]
        found = sum(_by_rows(network, *piece) for piece in self.pieces(network, batch))
        return -found / self.mean_length, None

    def outputs(self, modules: Modules, batch: Batch) -> Tensor:
        """Return the log-likelihood of each row: (members, rows)."""
        return -self.mean_length * self.evaluate(modules, batch)[0]

    # What fitted networks say of rows.

    def log_likelihood(self, modules: Modules, batch: Batch) -> Tensor:
        """Return (1, rows, 2): the log-likelihood of all members together, and of how many steps.

        Members average the probabilities of each step.
        """
        network = modules["module"]
        found = 0.0
        for features, piece in self.pieces(network, batch):
            likelihood = _by_rows(network, features, piece, together=True)
            n = network.head.counted(piece.x, piece.given.mask).sum(-1)
            found = found + torch.stack(
                [likelihood, n.to(likelihood.dtype).expand_as(likelihood)], dim=-1
            )
        return found

    def last_features(self, modules: Modules, batch: Batch) -> Tensor:
        """Return the features after the last step of each row: (members, rows, features)."""
        return self.features_after(modules, batch, lengths_of(batch)[0] - 1)

    def next_log_proba(self, modules: Modules, batch: Batch) -> Tensor:
        """Return log-probabilities of the next token of each row, and of its end.

        (rows, n_codes - 2), by all members together.
        """
        head = modules["module"].head
        scores = by_blocks(head, self.last_features(modules, batch))
        return head.log_proba(precisely(scores))

    def order(self, like: Tensor) -> Onward:
        """Return the order in which steps are written; ``like`` is outcomes (rows, steps, ...)."""
        return Onward()

    def features_after(self, modules: Modules, batch: Batch, n_outcomes: Tensor) -> Tensor:
        """Return the features after so many outcomes of each row: (members, rows, features)."""
        network, found, start = modules["module"], None, 0
        for features, _ in self.pieces(network, batch):
            n = features.shape[2]
            place = (n_outcomes - start).clamp(0, n - 1).view(1, -1, 1, 1)
            place = place.expand(len(features), -1, -1, features.shape[-1])
            last = features.gather(2, place)[:, :, 0]
            here = (n_outcomes >= start).view(1, -1, 1)
            found = last if found is None else last.where(here, found)
            start += n
        return found

    def pieces(self, network: Network, batch: Batch) -> Iterator[tuple[Tensor, Batch]]:
        """Yield the features (members, rows, steps, features) of pieces of whole rows."""
        before, states = self._taken_over(network, batch)
        for start in range(0, batch.x.shape[2], _EVALUATED_STEPS):
            part = slice(start, start + _EVALUATED_STEPS)
            mask = None if batch.given.mask is None else batch.given.mask[:, :, part]
            x = batch.x[:, :, part]
            features, states = _advance(network, self._read(network, before, x), states)
            before = x[:, :, -1:]
            given = type(batch.given)(batch.given.weight, mask)
            yield features, Batch(x, None, batch.index, given)

    def __getstate__(self) -> dict:
        """Leave out what a training that was interrupted has handed on."""
        return vars(self) | {"_handed_on": None}

    # The parts of a step.

    def _taken_over(self, network, batch):
        """Return the outcome before the first step, and the states of the bodies."""
        n_rows = batch.x.shape[1]
        if batch.continues:
            before, states = self._handed_on
            kept = torch.arange(n_rows, device=before.device)
            return before[:, :n_rows], [select_rows(state, kept) for state in states]
        before = network.head.beginning(n_rows, batch.x[0]).expand(
            len(batch.x), *[-1] * (batch.x.ndim - 1)
        )
        return before, None

    def _hand_on(self, batch, states):
        self._handed_on = None
        if batch.followed:
            self._handed_on = batch.x[:, :, -1:], [_detached(state) for state in states]

    def _read(self, network, before, x):
        """Return what bodies read: the outcomes before each of these."""
        return network.head.read(torch.cat([before, x[:, :, :-1]], dim=2))


class StepWriter:
    """What members of a network say of the next step: their scores.

    Parameters
    ----------
    network : Network
        Causal bodies with a :class:`sklearn_modern.heads.steps.StepHead`, in evaluation mode.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._device = network.head.linear.weight.device

    def begin(self, n_rows: int) -> Any:
        """Return the states of all members."""
        return [body.begin(n_rows) for body in self.network.body.bodies]

    def advance(self, steps: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Take one more step (rows, ...) of each row; return scores (members, rows, outputs)."""
        x = steps.to(self._device).unsqueeze(1).unsqueeze(0)
        features, state = _advance(self.network, x, state)
        return by_blocks(self.network.head, features[:, :, 0]), state

    def select(self, state: Any, index: Tensor) -> Any:
        """Return the states of some rows."""
        index = index.to(self._device)
        return [select_rows(part, index) for part in state]


class NetworkWriter(StepWriter, Writer):
    """What members of a network say together of the next token.

    Parameters
    ----------
    network : Network
        Causal bodies with a :class:`sklearn_modern.heads.steps.NextToken`, in evaluation mode.
    """

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.n_tokens, self.n_others = network.head.n_codes, network.head.n_others

    def advance(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Take one more token of each row."""
        scores, state = super().advance(tokens, state)
        log_proba = self.network.head.log_proba(scores)
        others = log_proba.new_full((len(log_proba), self.n_others), -torch.inf)
        return torch.cat([others, log_proba], dim=1), state


def _own(looped, values):
    """Pair each body with its member's values; one copy of them is for all."""
    for member, body in enumerate(looped.bodies):
        yield body, values[member if len(values) > 1 else 0]


def _longest(network, batch):
    """Return how many steps each member has to read, since another member's rows may be longer."""
    n_members, n_steps = len(network.body.bodies), batch.x.shape[2]
    if batch.followed:
        return [n_steps] * n_members
    counted = network.head.counted(batch.x, batch.given.mask).any(1)
    steps = torch.arange(1, n_steps + 1, device=counted.device)
    return (counted * steps).amax(1).clamp(min=1).expand(n_members).tolist()


def _forward(network, x, states, lengths):
    """Return features of steps for training, with gradients, and the states after them."""
    features, after = [], []
    for member, (body, own) in enumerate(_own(network.body, x)):
        n_steps = own.shape[1]
        own = body.embed(own[:, : lengths[member]])
        if body.hands_on:
            state = body.begin(len(own)) if states is None else states[member]
            own, state = body.advance(own, state)
            after.append(state)
        else:
            own = body.steps(own)
        own = body.dropout(own.unsqueeze(0))[0]
        features.append(F.pad(own, (0, 0, 0, n_steps - own.shape[1])))
    return torch.stack(features), after


def _advance(network, x, states):
    """Return features of steps, and the states after them, without gradients."""
    features, after = [], []
    for member, (body, own) in enumerate(_own(network.body, x)):
        state = body.begin(len(own)) if states is None else states[member]
        own, state = body.advance(body.embed(own), state)
        features.append(own)
        after.append(state)
    return torch.stack(features), after


def _by_rows(network, features, batch, *, together=False):
    """Sum the log-likelihoods of the steps of each row: (members, rows), or (1, rows) of all.

    Scores of steps that do not count are not computed.
    """
    head, x, shape = network.head, batch.x, features.shape[:3]
    counted = head.counted(x, batch.given.mask).expand(shape)
    n_members, n_places = shape[0], shape[1] * shape[2]
    counted = counted.reshape(n_members, n_places)
    x = x.expand(n_members, *x.shape[1:]).flatten(1, 2)
    numbers = counted.sum(1)
    n = int(numbers.max())
    # Members have different numbers of steps; what fills them up goes to a place that is left out.
    order = counted.to(torch.int8).argsort(dim=1, descending=True, stable=True)[:, :n]
    there = torch.arange(n, device=order.device) < numbers.unsqueeze(1)
    first = torch.arange(n_members, device=order.device).unsqueeze(1) * n_places
    flat = (order + first).flatten()
    chosen = features.flatten(0, 2).index_select(0, flat).unflatten(0, (n_members, n))
    outcomes = x.flatten(0, 1).index_select(0, flat).unflatten(0, (n_members, n))
    if not bool(there.all()):
        outcomes = _replaced(outcomes, there, head)
    scores = by_blocks(head, chosen)
    if together:
        scores, outcomes = precisely(scores), precisely(outcomes)
    likelihood = head.log_likelihood(scores, outcomes)
    if together:
        likelihood = mean_likelihood(likelihood).unsqueeze(0)
        order, there = order[:1], there[:1]
    places = order.where(there, n_places)
    spread = likelihood.new_zeros(len(likelihood), n_places + 1).scatter(1, places, likelihood)
    return spread[:, :-1].unflatten(1, shape[1:]).sum(-1)


def precisely(values: Tensor) -> Tensor:
    """Return numbers in float64 where there is such, so that few rows round as many do."""
    if not values.is_floating_point() or not has_float64(str(values.device)):
        return values
    return values.double()


def _replaced(outcomes, there, head):
    """Replace what fills up by something that has a likelihood."""
    filler = head.beginning(1, outcomes)[0]
    there = there.view(*there.shape, *[1] * (outcomes.ndim - 2))
    return outcomes.where(there, filler)


def lengths_of(batch: Batch) -> Tensor:
    """Return how many outcomes rows have: (members, rows)."""
    mask = batch.given.mask
    if mask is None:
        return torch.full(batch.x.shape[:2], batch.x.shape[2], device=batch.x.device)
    return mask.sum(2)


def _detached(state):
    if isinstance(state, Tensor):
        return state.detach()
    if isinstance(state, (list, tuple)):
        return type(state)(_detached(part) for part in state)
    return state
