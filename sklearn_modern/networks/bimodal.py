"""Recurrent networks that read a sequence from a mark within it to both sides, in turn."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.layers import Linear
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.recurrent import Recurrent
from sklearn_modern.networks.sequences import SequenceBody, State, TokenEmbedding

__all__ = ["Bimodal"]


class Bimodal(SequenceBody):
    """Two recurrent networks, of which one reads to the right of a mark and one to the left.

    Steps come in turns: the beginning, which both read; the first step to the right, the first one
    to the left, the second one to the right, and so on. Each is read together with the step before
    it, which was on the other side, so that the states of one side know of the other one. A side
    that has ended has empty steps, which are not read: its last state stays. The features of a step
    are the state of the side whose turn is next, that of the other side, and a layer over both:
    what fits to what is on the other side is no sum of what each side says.

    Tokens are codes, of which 0 is an empty step. Of numbers the last but one of a step tells
    whether it is the end of its side, and the last one whether it is read.

    Parameters
    ----------
    random : MemberRandom
        Where weights and dropout masks come from.
    widths : sequence of int
        States of each layer of one network.
    cell : {"lstm", "gru", "rnn"}
        What a layer is made of.
    embedding, n_channels, n_steps, dropout
        As for :class:`SequenceBody`; ``n_channels`` without the two numbers that tell what a step
        is.

    References
    ----------
    Grisoni, Moret, Lingwood, Schneider (2020), "Bidirectional Molecule Generation with Recurrent
    Neural Networks", Journal of Chemical Information and Modeling 60(3).
    """

    hands_on = True

    def __init__(
        self,
        random: MemberRandom,
        widths: Sequence[int],
        *,
        cell: str,
        embedding: TokenEmbedding | None,
        n_channels: int,
        n_steps: float,
        dropout: float,
    ) -> None:
        super().__init__(
            random, embedding=embedding, n_channels=n_channels, n_steps=n_steps, dropout=dropout
        )
        self.row_shape = () if embedding is not None else (n_channels,)
        # A number tells whether a step is read, and of numbers another one whether it is an end.
        self._n_of_step = self.n_in + 1 + (embedding is None)
        self.right, self.left = (
            Recurrent(
                random,
                widths,
                cell=cell,
                bidirectional=False,
                pooling=("last",),
                embedding=None,
                n_channels=2 * self._n_of_step - 1,  # it is known that the step itself is read
                n_steps=n_steps / 2,
                dropout=dropout,
            )
            for _ in range(2)
        )
        n_states = self.right.n_step_features
        self.join = Linear(2 * n_states, n_states, random)
        self.n_features_out, self.n_step_features = 2 * n_states, 3 * n_states

    @property
    def widest(self) -> int:
        """Numbers that the gates of the widest layer have for a step."""
        return self.right.widest

    def embed(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Make vectors of codes, and put beside each whether it is a step that is read."""
        if self.embedding is None:
            return x
        vectors = self.embedding(x)
        return torch.cat([vectors, (x != 0).unsqueeze(-1).to(vectors.dtype)], dim=-1)

    def features(self, x: Tensor, given: Given) -> Tensor:
        """Refuse: rows of other networks come from their beginning on."""
        raise ValueError(
            "pretrained is a generator with direction='both', which reads a sequence from a mark "
            "within it to both sides, and has no features of one that is read from its beginning; "
            "pass one with direction='forward'."
        )

    def steps(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Read all steps of rows, from the beginning on."""
        return self.advance(x, self.begin(len(x)))[0]

    def begin(self, n_rows: int) -> State:
        """Return how many steps were read, the last step, and each side's states and last one."""
        like = self.join.weight
        sides = [
            (side.begin(n_rows), like.new_zeros(n_rows, side.n_step_features))
            for side in (self.right, self.left)
        ]
        return [0, like.new_zeros(n_rows, self._n_of_step), *sides]

    def advance(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Read more steps, each by the side whose turn it is."""
        start, before, *sides = state
        earlier = torch.cat([before.unsqueeze(1), x[:, :-1]], dim=1)
        pairs = torch.cat([earlier, x], dim=-1)
        places = torch.arange(start, start + x.shape[1], device=x.device)
        to_left = places % 2 == 0
        states, after = [], []
        for side, own, known in zip(
            (self.right, self.left), (~to_left | (places == 0), to_left), sides, strict=True
        ):
            read, end = _read(side, pairs[:, own], *known)
            states.append(read.index_select(1, own.cumsum(0)))
            after.append(end)
        right, left = states
        is_left_next = ~to_left.unsqueeze(-1)
        both = torch.cat([left.where(is_left_next, right), right.where(is_left_next, left)], dim=-1)
        joined = F.gelu(self.join(both.unsqueeze(0))[0])
        return torch.cat([both, joined], dim=-1), [start + x.shape[1], x[:, -1], *after]

    def takes(self, shape: Sequence[int]) -> bool:
        """Tell whether steps have this shape: (channels,) of numbers, () of tokens."""
        return tuple(shape) == self.row_shape

    def parts(self) -> list[nn.Module]:
        """Return the embedding, if there is one, the layers of both sides, and that over both."""
        pairs = zip(self.right.layers, self.left.layers, strict=True)
        parts = [self.embedding, *map(nn.ModuleList, pairs), self.join]
        return [part for part in parts if part is not None]


def _read(side, x, state, last):
    """Return the last state before each of these steps and after them all, and what is kept."""
    if not x.shape[1]:
        return last.unsqueeze(1), (state, last)
    there = x[..., -1] > 0
    states, state = side.advance(x[..., :-1], state)
    states = torch.cat([last.unsqueeze(1), states], dim=1)
    if not bool(there.all()):
        # Empty steps come last, so that what was read is counted by its place.
        place = torch.cat([there.new_zeros(len(there), 1), there], dim=1).cumsum(1)
        states = states.gather(1, place.unsqueeze(-1).expand_as(states))
    return states, (state, states[:, -1])
