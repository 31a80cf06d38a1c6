"""Predict sequences from sequences."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_modern.heads.categorical import full_precision
from sklearn_modern.heads.steps import NextToken, mean_likelihood
from sklearn_modern.networks.decoding import Writer
from sklearn_modern.networks.members import Looped
from sklearn_modern.networks.rowwise import by_blocks
from sklearn_modern.networks.sequences import select_rows
from sklearn_modern.training.next_token import precisely
from sklearn_modern.training.objective import Modules, Steps
from sklearn_modern.training.sources import Batch
from sklearn_modern.training.steps_of_rows import StepObjective
from sklearn_modern.training.supervised import Network

__all__ = ["Seq2Seq", "TargetWriter", "alignments"]

# Scores of tokens that are evaluated together.
_SCORES = 2**23


class Seq2Seq(StepObjective):
    r"""Predict each token of a target, and its end, from the source and the tokens before.

    The loss of a row with the target :math:`y_1, \dots, y_T`, of which the last is the end, is

    .. math:: -\frac{1}{\bar T} \sum_t \log p(y_t \mid x, y_1, \dots, y_{t-1}),

    where :math:`\bar T` is the mean length of the training targets, so that all tokens weigh the
    same. A target has one token at least, so that the first one cannot be the end.

    Parameters
    ----------
    body : Looped
        Bodies of the kind :class:`sklearn_modern.networks.seq2seq.EncoderDecoder`.
    head : NextToken
        Says what the next token is. Targets are codes (rows, steps) as it takes them.
    mean_length : float
        Mean length of the training targets, their ends included.
    rate : float, default=1.0
        Learning rate of everything, as a multiple of the common one.
    """

    def __init__(
        self, body: Looped, head: NextToken, *, mean_length: float, rate: float = 1.0
    ) -> None:
        self.modules = {"module": Network(body, head)}
        self.mean_length, self.rate = mean_length, rate

    def rows_together(self, shape: Sequence[int] = ()) -> int:
        """Return how many rows of a shape to evaluate together, given what targets need."""
        network = self.modules["module"]
        of_body, of_head = network.body.rows_together(shape), _SCORES // network.head.n_codes
        # Sources are counted by their steps, and the targets of these may have more.
        longer = max(1.0, self.mean_length / network.body.bodies[0].n_steps)
        return max(1, int(min(of_body, of_head) / longer))

    def steps(self, modules: Modules, batch: Batch) -> Steps:
        """Yield the losses of rows."""
        network, y = modules["module"], _shortened(batch.y)
        yield ("module",), -self._by_rows(network, y, batch) / self.mean_length

    def outputs(self, modules: Modules, batch: Batch) -> Tensor:
        """Return the scores of the first token of each target: (members, rows, tokens)."""
        network = modules["module"]
        begin = batch.index.new_full((1, len(batch), 1), network.head.end)
        features = network.body((batch.x, begin), batch.given)
        return _not_ended(by_blocks(network.head, features[:, :, 0]))

    def decode(self, outputs: Tensor) -> Tensor:
        """Return the members' mean probabilities."""
        return self.modules["module"].head.decode(outputs)

    def log_likelihood(self, modules: Modules, batch: Batch) -> Tensor:
        """Return that of all members together, who average probabilities: (rows,)."""
        y = _shortened(batch.y)
        return self._by_rows(modules["module"], y, batch, together=True)[0]

    def features(self, modules: Modules, batch: Batch) -> Tensor:
        """Return what the encoders make of sources: (members, rows, features)."""
        return torch.stack(
            [body.features(x, given) for body, x, given in _sources(modules["module"], batch)]
        )

    def _by_rows(self, network, y, batch, *, together=False):
        """Sum the log-likelihoods of each row: (members, rows).

        One member computes no scores of steps that do not exist.
        """
        head = network.head
        begin = y.new_full((*y.shape[:2], 1), head.end)
        features = network.body((batch.x, torch.cat([begin, y[:, :, :-1]], dim=2)), batch.given)
        y = y.expand(len(features), *y.shape[1:])
        counted = head.counted(y, None)
        if len(features) == 1 and not together:
            places = counted.flatten().nonzero()[:, 0]
            chosen = features.flatten(0, 2).index_select(0, places).unsqueeze(0)
            firsts = (places % y.shape[2] == 0).nonzero()[:, 0]
            outcomes = y.flatten().index_select(0, places).unsqueeze(0)
            found = _log_likelihood(head, head(chosen), outcomes, firsts)
            sums = found.new_zeros(y.shape[1])
            return sums.index_add(0, places // y.shape[2], found[0]).unsqueeze(0)
        # Members have rows of their own, with different numbers of steps.
        scores = by_blocks(head, features.flatten(1, 2))
        scores = precisely(scores) if together else scores
        outcomes = y.where(counted, head.end).flatten(1)
        firsts = torch.arange(0, outcomes.shape[1], y.shape[2], device=y.device)
        found = _log_likelihood(head, scores, outcomes, firsts)
        if together:
            found, counted = mean_likelihood(found).unsqueeze(0), counted[:1]
        return found.unflatten(1, y.shape[1:]).masked_fill(~counted, 0.0).sum(-1)


class TargetWriter(Writer):
    """What members of a network say together of the next token of each row's target.

    A target has one token at least.

    Parameters
    ----------
    network : Network
        Encoders and decoders with a head :class:`sklearn_modern.heads.steps.NextToken`.
    batch : Batch
        The sources.
    max_length : int
        Most tokens of a target.
    """

    def __init__(self, network: Network, batch: Batch, max_length: int) -> None:
        self.network, self.max_length = network, max_length
        self.n_tokens, self.n_others = network.head.n_codes, network.head.n_others
        self._device = network.head.linear.weight.device
        self._memory = [body.memory(x, given) for body, x, given in _sources(network, batch)]

    def begin(self, n_rows: int) -> Any:
        """Return the states of all members; there must be as many rows as sources."""
        states = [
            body.start(memory, self.max_length + 1)
            for body, memory in zip(self.network.body.bodies, self._memory, strict=True)
        ]
        rows = torch.arange(n_rows, device=self._device)
        return {"steps": 0, "of": rows, "states": states, "memory": self._memory}

    def advance(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Take one more token of each row."""
        tokens, features, states = tokens.to(self._device), [], []
        parts = zip(self.network.body.bodies, state["states"], state["memory"], strict=True)
        for body, own, memory in parts:
            found, own = body.go_on(tokens, own, memory)
            features.append(found)
            states.append(own)
        scores = by_blocks(self.network.head, torch.stack(features))
        if state["steps"] == 0:
            scores = _not_ended(scores)
        log_proba = self.network.head.log_proba(precisely(scores))
        others = log_proba.new_full((len(log_proba), self.n_others), -torch.inf)
        after = state | {"steps": state["steps"] + 1, "states": states}
        return torch.cat([others, log_proba], dim=1), after

    def select(self, state: Any, index: Tensor) -> Any:
        """Return the states of some rows."""
        index = index.to(self._device)
        rows, memory = state["of"][index], state["memory"]
        # Beginnings that take each other's places have the same source, of which no copy is made.
        if not torch.equal(rows, state["of"]):
            memory = select_rows(memory, index)
        return state | {
            "of": rows,
            "states": select_rows(state["states"], index),
            "memory": memory,
        }


def _not_ended(scores):
    """Say that a first token is not the end."""
    end = torch.tensor([scores.shape[-1] - 1], device=scores.device)
    return scores.index_fill(-1, end, -torch.inf)


def _log_likelihood(head, scores, outcomes, firsts):
    """Return log-likelihoods of tokens, of which those at some places are the first of a row.

    The share that the end would have is that of the others.
    """
    first = full_precision(scores.index_select(1, firsts))
    more = first.logsumexp(-1) - first[..., :-1].logsumexp(-1)
    return head.log_likelihood(scores, outcomes).index_add(1, firsts, more)


def _sources(network, batch):
    """Pair each body with its sources."""
    for body in network.body.bodies:
        yield body, batch.x[0], batch.given.mapped(lambda known: known[0])


def _shortened(y):
    """Leave out the steps that no target has."""
    return y[:, :, : int((y != 0).sum(-1).max())]


@torch.inference_mode()
def alignments(objective: Seq2Seq, batch: Batch) -> np.ndarray:
    """Return where the attention is while targets are written.

    Returns
    -------
    ndarray of object of shape (rows,)
        Arrays (target steps, source steps) whose rows sum to 1; the mean over members.
    """
    network, y = objective.modules["module"].eval(), _shortened(batch.y)
    before = torch.cat([y.new_full((*y.shape[:2], 1), network.head.end), y[:, :, :-1]], dim=2)[0]
    found = [
        body.weights(before, body.memory(x, given)).double()
        for body, x, given in _sources(network, batch)
    ]
    mean = torch.stack(found).mean(0).cpu().numpy()
    mask = batch.given.mask
    n_source = np.full(len(mean), mean.shape[2]) if mask is None else mask[0].sum(1).tolist()
    rows = np.empty(len(mean), dtype=object)
    for place, n in enumerate(n_source):
        rows[place] = mean[place, :, :n] / mean[place, :, :n].sum(axis=1, keepdims=True)
    return rows
