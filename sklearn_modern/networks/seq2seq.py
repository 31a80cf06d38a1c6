"""Encoders and decoders: they read one sequence and say, step by step, how another one goes on."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_modern.networks.attention import Attention
from sklearn_modern.networks.causal import Earlier
from sklearn_modern.networks.dropout import Dropout
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.layers import LayerNorm, Linear
from sklearn_modern.networks.positions import sinusoids, with_positions
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.recurrent import Recurrent
from sklearn_modern.networks.rowwise import gelu
from sklearn_modern.networks.sequences import SequenceBody, State, TokenEmbedding, existing_mean
from sklearn_modern.networks.source_attention import ATTENTIONS, SourceAttention, of_rows
from sklearn_modern.networks.stages import Layers
from sklearn_modern.networks.transformer import Transformer

__all__ = ["EncoderDecoder", "RecurrentSeq2Seq", "TransformerSeq2Seq"]


class EncoderDecoder(SequenceBody):
    """Reads a sequence, the *source*, and then the steps of another one, the *target*.

    What is known of sources, the *memory*, is a list of tensors whose first axis is the rows.

    Parameters
    ----------
    random : MemberRandom
        Where weights and dropout masks come from.
    encoder : SequenceBody
        Reads sources.
    target : TokenEmbedding
        Makes vectors of the target's codes.
    n_target : float
        Mean length of the targets of the fit.
    """

    def __init__(
        self, random: MemberRandom, encoder: SequenceBody, target: TokenEmbedding, n_target: float
    ) -> None:
        super().__init__(
            random,
            embedding=None,
            n_channels=encoder.n_in,
            n_steps=encoder.n_steps,
            dropout=encoder.dropout.rate,
        )
        self.encoder, self.target, self.n_target = encoder, target, n_target

    @abstractmethod
    def memory(self, x: Tensor, given: Given) -> list[Tensor]:
        """Read sources (rows, steps, ...)."""

    @abstractmethod
    def read(self, y: Tensor, memory: list[Tensor]) -> Tensor:
        """Return the features (rows, steps, n_step_features) of codes (rows, steps) read so far."""

    @abstractmethod
    def start(self, memory: list[Tensor], n_steps: int) -> State:
        """Return the state before the first of at most ``n_steps`` steps of targets."""

    @abstractmethod
    def go_on(self, y: Tensor, state: State, memory: list[Tensor]) -> tuple[Tensor, State]:
        """Read one more code (rows,); return features (rows, n_step_features) and the new state."""

    def forward(self, x: Any, given: Given = NOTHING) -> Tensor:
        """Map (sources, targets) to features of the targets' steps."""
        x, y = x
        return self._dropped(self.read(y, self.memory(*_own_part(x, given))))

    def takes(self, shape: Sequence[int]) -> bool:
        """Tell whether the steps of sources have this shape."""
        return self.encoder.takes(shape)

    def restart(self, shape: Sequence[int], random: MemberRandom, dropout: float) -> None:
        """Take another dropout of features, and other streams."""
        super().restart(shape, random, dropout)
        self.encoder.dropout.rate = dropout

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of a row of mean length, or about as many."""
        own = sum(p.numel() for name, p in self.named_parameters() if not name.startswith("encod"))
        return self.encoder.products + round(self.n_target * (own - self.target.table.numel()))

    @property
    def widest(self) -> int:
        """Numbers that the widest layer gives for a step, or about as many."""
        return self.encoder.widest

    def parts(self) -> list[nn.Module]:
        """Return the parts of the encoder, and the decoder."""
        decoder = [part for part in self.children() if part is not self.encoder]
        return [*self.encoder.parts(), nn.ModuleList(decoder)]


def _own_part(x, given):
    """Leave out what no row of the member has."""
    if given.mask is None:
        return x, given
    longest = int(given.mask.sum(1).max())
    mask = given.mask[:, :longest]
    return x[:, :longest], Given(given.weight, None if bool(mask.all()) else mask)


class RecurrentSeq2Seq(EncoderDecoder):
    """A recurrent encoder, and LSTM layers that start from its last states.

    The attention looks at the source after the last layer, and nothing that it sees goes back into
    the layers; so these run over a known target in one call.

    Parameters
    ----------
    random, target, n_target
        As for :class:`EncoderDecoder`.
    encoder : Recurrent
        Reads sources, in both directions if there is attention.
    widths : sequence of int
        States of each layer of the decoder.
    attention : {"additive", "dot"} or None
        A key of ``ATTENTIONS``; None knows of the source what its last states hold.
    reverse : bool
        Whether the source is read from its end; of use to encoders of one direction.
    """

    def __init__(
        self,
        random: MemberRandom,
        encoder: Recurrent,
        target: TokenEmbedding,
        n_target: float,
        *,
        widths: Sequence[int],
        attention: str | None,
        reverse: bool,
    ) -> None:
        super().__init__(random, encoder, target, n_target)
        self.reverse, self.both = reverse, len(encoder.layers[0]) > 1
        n_memory, n_state = encoder.n_step_features, widths[-1]
        self.starts = nn.ModuleList(Linear(n_memory, 2 * width, random) for width in widths)
        self.decoder = Recurrent(
            random,
            widths,
            cell="lstm",
            bidirectional=False,
            pooling=("last",),
            embedding=None,
            n_channels=target.n_out,
            n_steps=n_target,
            dropout=encoder.dropout.rate,
        )
        self.attention = self.join = None
        if attention is not None:
            self.attention = ATTENTIONS[attention](n_state, n_memory, random)
            self.join = Linear(n_state + n_memory, n_state, random)
        self.n_features_out, self.n_step_features = n_memory, n_state

    def features(self, x: Tensor, given: Given) -> Tensor:
        """Return the last states of the encoder: (rows, n_features_out)."""
        return self._summary(self._encoded(x, given), given)

    def memory(self, x: Tensor, given: Given) -> list[Tensor]:
        """Return the states of all steps, what is compared with them, and where decoders start."""
        states = self._encoded(x, given)
        summary = self._summary(states, given)
        starts = [of_rows(start, summary.unsqueeze(1))[:, 0].tanh() for start in self.starts]
        if self.attention is None:
            return starts
        mask = given.mask
        if mask is None:
            mask = torch.ones(states.shape[:2], dtype=torch.bool, device=states.device)
        return [states, self.attention.keys(states), mask, *starts]

    def read(self, y: Tensor, memory: list[Tensor]) -> Tensor:
        """Run the layers over the target, then look at the source."""
        states, _ = self.decoder.advance(self.target(y), self.start(memory))
        return self._looked(states, memory)

    def start(self, memory: list[Tensor], n_steps: int = 0) -> State:
        """Return the states of the layers."""
        return [
            tuple(part.contiguous() for part in own.chunk(2, dim=1)) for own in self._own(memory)
        ]

    def go_on(self, y: Tensor, state: State, memory: list[Tensor]) -> tuple[Tensor, State]:
        """Read one more code."""
        states, state = self.decoder.advance(self.target(y.unsqueeze(1)), state)
        return self._looked(states, memory)[:, 0], state

    def weights(self, y: Tensor, memory: list[Tensor]) -> Tensor:
        """Return the weights of source steps, for each step of targets: they sum to 1."""
        states, _ = self.decoder.advance(self.target(y), self.start(memory))
        return self._weights(states, memory)

    def _own(self, memory):
        return memory if self.attention is None else memory[3:]

    def _encoded(self, x, given):
        embedded = self.encoder.embed(x, given)
        if self.reverse:
            embedded = self.encoder.turned(embedded, given)
        return self.encoder.steps(embedded, given)

    def _summary(self, states, given):
        """Return the states at the ends of the runs."""
        if given.mask is None:
            last = states[:, -1]
        else:
            place = (given.mask.sum(1) - 1).view(-1, 1, 1).expand(-1, -1, states.shape[-1])
            last = states.gather(1, place)[:, 0]
        if not self.both:
            return last
        half = states.shape[-1] // 2
        return torch.cat([last[:, :half], states[:, 0, half:]], dim=1)

    def _looked(self, states, memory):
        if self.attention is None:
            return states
        seen = self._weights(states, memory) @ memory[0]
        return of_rows(self.join, torch.cat([states, seen], dim=-1)).tanh()

    def _weights(self, states, memory):
        _, keys, mask, *_ = memory
        scores = self.attention.scores(states, keys)
        return scores.masked_fill(~mask.unsqueeze(1), -torch.inf).softmax(-1)


class TransformerSeq2Seq(EncoderDecoder):
    """A transformer that reads sources, and blocks that look at targets so far and at the source.

    Parameters
    ----------
    random, target, n_target
        As for :class:`EncoderDecoder`.
    encoder : Transformer
        Reads sources.
    width, depth, n_heads, feedforward_factor : int
        Of the decoder.

    References
    ----------
    Vaswani et al. (2017), "Attention Is All You Need", NeurIPS.
    """

    def __init__(
        self,
        random: MemberRandom,
        encoder: Transformer,
        target: TokenEmbedding,
        n_target: float,
        *,
        width: int,
        depth: int,
        n_heads: int,
        feedforward_factor: int,
    ) -> None:
        super().__init__(random, encoder, target, n_target)
        self.enter = Linear(target.n_out, width, random)
        self.blocks = Layers(
            DecoderBlock(width, n_heads, random, encoder.dropout.rate, feedforward_factor)
            for _ in range(depth)
        )
        self.norm = LayerNorm(width, random)
        self.n_heads, self.width = n_heads, width
        self.n_features_out = self.n_step_features = width

    def features(self, x: Tensor, given: Given) -> Tensor:
        """Return the mean of the encoder's steps: (rows, n_features_out)."""
        return existing_mean(self.encoder.steps(self.encoder.embed(x, given), given), given.mask)

    def memory(self, x: Tensor, given: Given) -> list[Tensor]:
        """Return which steps there are, and the keys and values of each block."""
        steps = self.encoder.steps(self.encoder.embed(x, given), given).unsqueeze(0)
        mask = given.mask
        if mask is None:
            mask = torch.ones(steps.shape[1:3], dtype=torch.bool, device=steps.device)
        return [mask, *(part for block in self.blocks for part in block.look.offered(steps))]

    def read(self, y: Tensor, memory: list[Tensor]) -> Tensor:
        """Let the steps of targets look at those before, and at the source."""
        x = with_positions(self.enter(self.target(y).unsqueeze(0)))
        for block, source in zip(self.blocks, _pairs(memory), strict=True):
            x = block(x, source, memory[0])
        return self.norm(x)[0]

    def start(self, memory: list[Tensor], n_steps: int) -> State:
        """Return room for the keys and values of targets."""
        like, n_rows = memory[1], len(memory[0])
        shape = n_rows, self.n_heads, n_steps, self.width // self.n_heads
        return [0, n_steps, [tuple(like.new_empty(shape) for _ in range(2)) for _ in self.blocks]]

    def go_on(self, y: Tensor, state: State, memory: list[Tensor]) -> tuple[Tensor, State]:
        """Read one more code."""
        place, n_steps, known = state
        x = self.enter(self.target(y.unsqueeze(1)).unsqueeze(0))
        x = x + sinusoids(n_steps, self.width, x)[place]
        for block, own, source in zip(self.blocks, known, _pairs(memory), strict=True):
            x = block.advance(x, own, place, source, memory[0])
        return self.norm(x)[0, :, 0], [place + 1, n_steps, known]


class DecoderBlock(nn.Module):
    """Attention to earlier steps, attention to the source, and a hidden layer of GELU units.

    Each adds to what comes in, and normalises it before.

    Parameters
    ----------
    width, n_heads, random, dropout, feedforward_factor
        As for :class:`sklearn_modern.networks.attention.TransformerBlock`.
    """

    def __init__(
        self,
        width: int,
        n_heads: int,
        random: MemberRandom,
        dropout: float,
        feedforward_factor: int,
    ) -> None:
        super().__init__()
        self.norm_before_attention = LayerNorm(width, random)
        self.attention = Attention(width, n_heads, random, Earlier())
        self.norm_before_look = LayerNorm(width, random)
        self.look = SourceAttention(width, n_heads, random)
        self.norm_before_feedforward = LayerNorm(width, random)
        self.widen = Linear(width, feedforward_factor * width, random)
        self.narrow = Linear(feedforward_factor * width, width, random)
        self.dropout = Dropout(dropout, random)

    def forward(self, x: Tensor, source: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """Map (1, rows, steps, width) to the same shape."""
        return self._looked(x, self.attention(self.norm_before_attention(x)), source, mask)

    def advance(
        self,
        x: Tensor,
        known: tuple[Tensor, Tensor],
        start: int,
        source: tuple[Tensor, Tensor],
        mask: Tensor,
    ) -> Tensor:
        """Map steps that follow others; see :meth:`Attention.advance`."""
        attended = self.attention.advance(self.norm_before_attention(x), known, start)
        return self._looked(x, attended, source, mask)

    def _looked(self, x, attended, source, mask):
        x = x + self.dropout(attended)
        x = x + self.dropout(self.look(self.norm_before_look(x), source, mask))
        hidden = gelu(self.widen(self.norm_before_feedforward(x)))
        return x + self.dropout(self.narrow(hidden))


def _pairs(memory):
    keys_and_values = memory[1:]
    return list(zip(keys_and_values[::2], keys_and_values[1::2], strict=True))
