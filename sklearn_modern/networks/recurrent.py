"""Recurrent networks: LSTM, GRU and plain ones, in one or both directions."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_modern.networks.dropout import Dropout
from sklearn_modern.networks.given import Given
from sklearn_modern.networks.layers import Layer
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.sequences import SequenceBody, State, existing_max, existing_mean

__all__ = ["CELLS", "POOLINGS", "Recurrent"]

# How many gates each cell has.
CELLS = {"lstm": 4, "gru": 3, "rnn": 1}


class _Direction(Layer):
    """One layer in one direction: (rows, steps, n_in) -> (rows, steps, n_out).

    Its weights are those of torch's own layers.
    """

    decays = ("weight_in", "weight_state")

    def __init__(self, cell: str, n_in: int, n_out: int, random: MemberRandom) -> None:
        super().__init__()
        self.cell, self.n_out = cell, n_out
        n_gates, bound = CELLS[cell] * n_out, 1 / math.sqrt(n_out)
        shapes = {"in": (n_in,), "state": (n_out,)}
        for name, shape in shapes.items():
            weight = random.uniform(n_gates, *shape, bound=bound)[0]
            setattr(self, f"weight_{name}", nn.Parameter(weight))
        for name in shapes:
            setattr(self, f"bias_{name}", nn.Parameter(random.uniform(n_gates, bound=bound)[0]))

    def begin(self, n_rows):
        """Return the states from which rows start."""
        like = self.weight_state
        n_states = 2 if self.cell == "lstm" else 1
        return tuple(like.new_zeros(n_rows, self.n_out) for _ in range(n_states))

    def forward(self, x):
        return self.advance(x, self.begin(x.shape[0]))[0]

    def advance(self, x, state):
        """Return what the steps give, and the states after the last one."""
        start = tuple(part.unsqueeze(0) for part in state)
        weights = [self.weight_in, self.weight_state, self.bias_in, self.bias_state]
        # With biases; one layer, no dropout, one direction, and rows before steps.
        how = weights, True, 1, 0.0, self.training, False, True
        if self.cell == "lstm":
            outputs, *end = torch.lstm(x, start, *how)
        else:
            run = torch.gru if self.cell == "gru" else torch.rnn_tanh
            outputs, *end = run(x, *start, *how)
        return outputs, tuple(part[0] for part in end)


class Recurrent(SequenceBody):
    """Recurrent layers, whose states are pooled over the steps of a row.

    The backward direction starts at each row's own end.

    Parameters
    ----------
    random : MemberRandom
        Where weights and dropout masks come from.
    widths : sequence of int
        States of each layer, in one direction.
    cell : {"lstm", "gru", "rnn"}
        What a layer is made of.
    bidirectional : bool
        Whether each layer runs in both directions. If not, it can be advanced step by step.
    pooling : sequence of {"last", "mean", "max"}
        What features are made of the states of the last layer, side by side: those at the end of
        the run, their means and their largest values over the steps.
    dropout : float
        Probability with which an output of a layer is left out while training.
    **inputs
        As for :class:`SequenceBody`.
    """

    hands_on = True

    def __init__(
        self,
        random: MemberRandom,
        widths: Sequence[int],
        *,
        cell: str,
        bidirectional: bool,
        pooling: Sequence[str],
        dropout: float,
        **inputs: Any,
    ) -> None:
        super().__init__(random, dropout=dropout, **inputs)
        n_in, n_directions = self.n_in, 1 + bidirectional
        self.layers = nn.ModuleList()
        for width in widths:
            directions = [_Direction(cell, n_in, width, random) for _ in range(n_directions)]
            self.layers.append(nn.ModuleList(directions))
            n_in = n_directions * width
        self.between = Dropout(dropout, random)
        self.pooling = tuple(pooling)
        self.n_step_features = n_in
        self.n_features_out = n_in * len(self.pooling)
        self._widest = CELLS[cell] * max(widths)

    @property
    def widest(self) -> int:
        """Numbers that the gates of the widest layer have for a step."""
        return max(self.n_in, self._widest)

    def features(self, x: Tensor, given: Given) -> Tensor:
        """Run the layers, and pool the states of the last one."""
        # Pooling does not care for the order of steps, and so the last layer is not turned back.
        states = self._run(x, _Turn(given.mask))
        pooled = [POOLINGS[name](part, given.mask) for name in self.pooling for part in states]
        return torch.cat(pooled, dim=-1)

    def steps(self, x: Tensor, given: Given) -> Tensor:
        """Run the layers, and return the states of the last one side by side."""
        turn = _Turn(given.mask)
        return _side_by_side(self._run(x, turn), turn)

    def turned(self, x: Tensor, given: Given) -> Tensor:
        """Turn the steps of rows round, each row within its own length."""
        return _Turn(given.mask)(x)

    def begin(self, n_rows: int) -> State:
        """Return the states of all layers before the first step."""
        if any(len(layer) > 1 for layer in self.layers):
            raise ValueError(
                "A network that is bidirectional cannot be advanced step by step, since it begins "
                "at the ends of rows, too; it needs bidirectional=False."
            )
        return [layer[0].begin(n_rows) for layer in self.layers]

    def advance(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Let the layers go on from their states."""
        after = []
        for place, (layer, before) in enumerate(zip(self.layers, state, strict=True)):
            if place:
                x = self.between(x.unsqueeze(0))[0]
            x, end = layer[0].advance(x, before)
            after.append(end)
        return x, after

    def _run(self, x, turn):
        """Return the states of the last layer in each direction, in the order of its run."""
        *before, last = self.layers
        for layer in before:
            states = [run(turn(x)) if turns else run(x) for turns, run in enumerate(layer)]
            x = self.between(_side_by_side(states, turn).unsqueeze(0))[0]
        return [run(turn(x)) if turns else run(x) for turns, run in enumerate(last)]

    def parts(self) -> list[nn.Module]:
        """Return the embedding, if there is one, and the layers."""
        return [part for part in (self.embedding, *self.layers) if part is not None]


def _side_by_side(states, turn):
    forward, *backward = states
    return torch.cat([forward, *map(turn, backward)], dim=-1)


class _Turn:
    """Turns rows round, each within its own length."""

    def __init__(self, mask):
        self.source = None
        if mask is not None:
            places = torch.arange(mask.shape[1], device=mask.device)
            mirrored = mask.sum(1, keepdim=True) - 1 - places
            first = torch.arange(mask.shape[0], device=mask.device).unsqueeze(1) * mask.shape[1]
            self.source = (first + mirrored.where(mask, places)).flatten()

    def __call__(self, x):
        return x.flip(1) if self.source is None else _Exchanged.apply(x, self.source)


class _Exchanged(torch.autograd.Function):
    """Exchange pairs of steps; gradients are exchanged in the same way, without a sum."""

    @staticmethod
    def forward(ctx, x, source):
        ctx.save_for_backward(source)
        return x.flatten(0, 1).index_select(0, source).view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        (source,) = ctx.saved_tensors
        return _Exchanged.apply(gradient, source), None


def _last(states, mask):
    if mask is None:
        return states[:, -1]
    place = (mask.sum(1) - 1).view(-1, 1, 1).expand(-1, -1, states.shape[-1])
    return states.gather(1, place).squeeze(1)


POOLINGS = {"last": _last, "mean": existing_mean, "max": existing_max}
