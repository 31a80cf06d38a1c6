"""What bodies over sequences share: steps as vectors, and means over those that exist."""

import copy
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_modern.networks.base import Body
from sklearn_modern.networks.dropout import Dropout
from sklearn_modern.networks.foreign import ModuleBody, count_features
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.layers import Layer, Noise
from sklearn_modern.networks.random import MemberRandom

__all__ = [
    "ForeignSequenceBody",
    "SequenceBody",
    "State",
    "TokenEmbedding",
    "existing_max",
    "existing_mean",
    "own_steps",
    "select_rows",
]

State = Any
"""What a body knows of the steps so far: tensors whose first axis is the rows, and numbers, in
lists and tuples."""

# Values of the widest layer, of rows that are evaluated together.
_EVALUATED_VALUES = 2**21


class TokenEmbedding(Layer):
    """A learned vector for each token: codes (rows, steps) -> (rows, steps, n_out).

    The code 0 is no token, and has zeros for ever. The code 1 is the unknown token, by which others
    are replaced at random while training; so it is learned, too.

    Parameters
    ----------
    n_codes : int
        Number of codes.
    n_out : int
        Length of a vector.
    random : MemberRandom
        Where initial vectors, which are normal around zero, and replacements come from.
    token_dropout : float
        Probability with which a token is replaced while training.
    codes, vectors : ndarray of shape (n_known,) and (n_known, n_out), optional
        Tokens whose vectors start elsewhere, and where.
    std : float, default=1.0
        Standard deviation of the initial vectors. With a small one a token that has been seen a few
        times says little.
    """

    def __init__(
        self,
        n_codes: int,
        n_out: int,
        random: MemberRandom,
        token_dropout: float,
        codes: np.ndarray | None = None,
        vectors: np.ndarray | None = None,
        *,
        std: float = 1.0,
    ) -> None:
        super().__init__()
        self.n_out = n_out
        table = random.normal(n_codes, n_out, std=std)[0]
        if codes is not None:
            table[torch.from_numpy(codes)] = torch.from_numpy(vectors).to(table.dtype)
        table[0] = 0.0
        self.table = nn.Parameter(table)
        self.replace = _Replacement(token_dropout, random)

    def forward(self, codes: Tensor) -> Tensor:
        """Return the vectors of tokens, some of which are replaced while training."""
        return self.vectors(self.replace(codes))

    def vectors(self, codes: Tensor) -> Tensor:
        """Return the vectors of tokens as they are."""
        return F.embedding(codes, self.table, padding_idx=0)


class _Replacement(Noise):
    """Replace tokens by the unknown one while training."""

    def forward(self, codes):
        if not self.training or self.rate == 0:
            return codes
        # Drawn for the longest row only, since another member's rows may be longer.
        n_steps = codes.shape[1]
        places = torch.arange(1, n_steps + 1, device=codes.device)
        longest = int((places * (codes != 0).any(0)).max()) if n_steps else 0
        own = codes[:, :longest]
        kept = self.random.keep_mask(own.float().unsqueeze(0), 1.0 - self.rate)[0].bool()
        return torch.cat([own.where(kept | (own == 0), 1), codes[:, longest:]], dim=1)


class SequenceBody(Body):
    """A body over the steps of sequences: numbers (rows, steps, channels) or codes (rows, steps).

    It has no axis of members, as each member takes batches of its own lengths. A row's features
    depend on its own steps only, not on what fills it up: a subclass has to heed the mask in
    whatever mixes steps.

    Parameters
    ----------
    random : MemberRandom
        Where weights and dropout masks come from.
    embedding : TokenEmbedding or None
        Makes vectors of codes; None takes numbers as they are.
    n_channels : int
        Numbers of a step, if there is no embedding.
    n_steps : float
        Mean length of the rows of the fit.
    dropout : float
        Probability with which a feature is left out while training.

    Attributes
    ----------
    n_step_features : int
        Width of what :meth:`steps` gives for each step.
    hands_on : bool
        Whether the pieces of a long row are trained with the state of the piece before, and not
        each by itself.
    """

    own_streams = True
    pads = False
    any_size = True
    n_step_features: int
    hands_on: ClassVar[bool] = False

    def __init__(
        self,
        random: MemberRandom,
        *,
        embedding: TokenEmbedding | None,
        n_channels: int,
        n_steps: float,
        dropout: float,
    ) -> None:
        super().__init__()
        self.random = random
        self.embedding = embedding
        self.n_in = n_channels if embedding is None else embedding.n_out
        self.n_steps = n_steps
        self.dropout = Dropout(dropout, random)

    def embed(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Make vectors of codes; steps that do not exist are zero."""
        return x if self.embedding is None else self.embedding(x)

    def trunk(self, embedded: Tensor, given: Given = NOTHING) -> Tensor:
        """Map embedded steps to features (rows, n_features_out)."""
        return self._dropped(self.features(*own_steps(embedded, given)))

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Map steps to features; only those that the member's rows have are embedded."""
        x, given = own_steps(x, given)
        return self._dropped(self.features(self.embed(x, given), given))

    def _dropped(self, features):
        return self.dropout(features.unsqueeze(0))[0]

    @abstractmethod
    def features(self, x: Tensor, given: Given) -> Tensor:
        """Map steps (rows, steps, n_in) to features (rows, n_features_out).

        Parameters
        ----------
        x : Tensor
            Zero where steps do not exist.
        given : Given
            Its ``mask`` (rows, steps) tells which steps exist, for each row the first ones; None is
            all of them. Its ``weight`` (rows,) is for statistics of the batch.
        """

    def steps(self, x: Tensor, given: Given) -> Tensor:
        """Map steps (rows, steps, n_in) to features of each: (rows, steps, n_step_features).

        Those of steps that do not exist may be anything.
        """
        raise NotImplementedError(f"{type(self).__name__} has features of rows only.")

    def begin(self, n_rows: int) -> State:
        """Return the state before the first step; only causal bodies have one.

        A body is causal if the features of a step depend on no later step.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be advanced step by step.")

    def advance(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Take more steps (rows, steps, n_in) of all rows.

        Returns
        -------
        features : Tensor of shape (rows, steps, n_step_features)
            What :meth:`steps` would give for these steps.
        state : State
            The new state; the old one must not be used any more.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be advanced step by step.")

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of a row of mean length, or about as many."""
        table = 0 if self.embedding is None else self.embedding.table.numel()
        return round((super().products - table) * self.n_steps)

    @property
    def widest(self) -> int:
        """Numbers that the widest layer gives for a step, or about as many."""
        return max(self.n_in, self.n_features_out)

    def rows_together(self, shape: Sequence[int] = ()) -> int:
        """Return how many rows of one step to evaluate together."""
        return max(1, _EVALUATED_VALUES // self.widest)

    def restart(self, shape: Sequence[int], random: MemberRandom, dropout: float) -> None:
        """Take another dropout of features, and other streams."""
        super().restart(shape, random, dropout)
        self.dropout.rate = dropout

    def takes(self, shape: Sequence[int]) -> bool:
        """Tell whether steps have this shape: (channels,) of numbers, () of tokens."""
        return tuple(shape) == (() if self.embedding is not None else (self.n_in,))


def own_steps(x: Tensor, given: Given) -> tuple[Tensor, Given]:
    """Leave out what no row of the member has, since another member's rows may be longer."""
    # A program that is exported is for rows of any length.
    if given.mask is None or torch.compiler.is_compiling():
        return x, given
    mask = given.mask[:, : int(given.mask.sum(1).max())]
    return x[:, : mask.shape[1]], replace(given, mask=None if bool(mask.all()) else mask)


class ForeignSequenceBody(ModuleBody, SequenceBody):
    """Any module that maps steps and their mask to features of rows, as a body.

    It is called with numbers (rows, steps, channels) or codes (rows, steps), and with a mask (rows,
    steps) that tells which steps exist. That a row's features do not depend on what fills it up is
    for the module to see to.

    Parameters
    ----------
    module : nn.Module
        It is copied.
    random : MemberRandom
        Where dropout masks of the features come from.
    step_shape : tuple of int
        (channels,), or () of codes.
    n_steps : float
        Mean length of the rows of the fit.
    dropout : float
        Probability with which a feature is left out while training.
    dtype : torch.dtype
        Of the copy.
    """

    own_streams = False

    def __init__(
        self,
        module: nn.Module,
        random: MemberRandom,
        *,
        step_shape: tuple[int, ...],
        n_steps: float,
        dropout: float,
        dtype: torch.dtype,
    ) -> None:
        n_channels = step_shape[0] if step_shape else 1
        super().__init__(
            random, embedding=None, n_channels=n_channels, n_steps=n_steps, dropout=dropout
        )
        self.module = copy.deepcopy(module).cpu().to(dtype)
        self.n_features_out = self._probe(step_shape, dtype)

    def features(self, x: Tensor, given: Given) -> Tensor:
        """Apply the module."""
        mask = given.mask
        if mask is None:
            mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        if self.training and len(x) == 1:
            return self._untrained(self.module, x, mask)
        return self.module(x, mask)

    def _probe(self, step_shape, dtype):
        steps = torch.ones(2, 3, *step_shape, dtype=dtype if step_shape else torch.int64)
        self.eval()
        n_features = count_features(
            self.module,
            lambda: self.features(steps, NOTHING),
            f"steps {tuple(steps.shape)} with a mask (2, 3)",
            "to %s; it must give features (rows, n_features).",
            most_axes=2,
        )
        self.train()
        return n_features


def select_rows(state: State, index: Tensor) -> State:
    """Return the states of some rows, in the order of the index; rows may be repeated."""
    if isinstance(state, Tensor):
        return state.index_select(0, index)
    if isinstance(state, (list, tuple)):
        return type(state)(select_rows(part, index) for part in state)
    return state


def existing_mean(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean of (rows, steps, n) over the steps that exist."""
    if mask is None:
        return x.mean(1)
    shares = mask.to(x.dtype)
    return (x * (shares / shares.sum(1, keepdim=True)).unsqueeze(-1)).sum(1)


def existing_max(x: Tensor, mask: Tensor | None) -> Tensor:
    """Return the largest of (rows, steps, n) over the steps that exist."""
    if mask is None:
        return x.amax(1)
    # A sum, whose gradient costs nothing, and which is several times as fast as filling in.
    floor = torch.zeros_like(mask, dtype=x.dtype).masked_fill(~mask, -torch.inf)
    return (x + floor.unsqueeze(-1)).amax(1)
