"""Guess what has been hidden in sequences."""

import math
from abc import abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sklearn_modern.networks.keyed import keyed_uniform
from sklearn_modern.networks.masked import MaskedNetwork
from sklearn_modern.networks.sequences import own_steps
from sklearn_modern.training.objective import Modules, Objective, Steps
from sklearn_modern.training.sources import Batch

__all__ = ["Masked", "MaskedNumbers", "MaskedTokens"]

# Of the tokens to guess, the share that becomes the mask, and the share that becomes another token.
_MASKED, _OTHER = 0.8, 0.1

# Numbers that are hidden in a row: one alone is told by its neighbours.
_STRETCH = 3


class Masked(Objective):
    """Hide parts of rows, and guess them; other parts are hidden in every step.

    What is hidden of a row depends on the row and on one number that is drawn for each step, and
    not on the rows beside it. Targets are the rows' keys
    (:func:`sklearn_modern._inputs.masking.row_keys`). A row's loss is the sum over what is hidden
    of it, divided by how much is hidden of a row on average; so all that is hidden weighs the same.

    Parameters
    ----------
    network : MaskedNetwork
        Its bodies are :class:`SequenceBody`.
    share : float
        How much of a row is hidden.
    size : float
        How much a row holds on average.
    seeds : sequence of int
        What is hidden of each member's rows in each step comes from its own.
    seed : int
        What is hidden of rows to validate with, or to score, comes from it.
    fixed : bool, default=False
        Whether the same is hidden in every step, for solvers that need the same loss twice.
    """

    def __init__(
        self,
        network: MaskedNetwork,
        seeds: Sequence[int],
        *,
        share: float,
        size: float,
        seed: int,
        fixed: bool = False,
    ) -> None:
        self.modules, self.seeds, self.steps_done = {"module": network}, tuple(seeds), 0
        self.share, self.size, self.seed, self.fixed = share, size, seed, fixed

    def steps(self, modules: Modules, batch: Batch) -> Steps:
        """Yield the losses of what is hidden in this step."""
        network, losses = modules["module"], []
        self.steps_done += 1
        for member, body in enumerate(network.body.bodies):
            seed = self.seed if self.fixed else self._drawn(member)
            row = _OwnRows(batch, member)
            chosen = self._chosen(row, seed)
            where = _any_channel(chosen)
            guesses = self._guesses(network, member, self._changed(body, row, chosen, seed), where)
            losses.append(self._sums(self._errors([guesses], row.x, chosen, where), where))
        yield ("module",), torch.stack(losses) / (self.share * self.size)

    def evaluate(self, modules: Modules, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the losses of rows, and for :meth:`score` what is in them (members, rows, 2)."""
        network = modules["module"]
        found = [
            self._evaluated(network, [member], batch) for member in range(len(network.body.bodies))
        ]
        outputs = torch.stack(found)
        return -outputs[..., 0] / (self.share * self.size), outputs

    def score(
        self, loss: Tensor, outputs: Tensor | None, y: Tensor | None, weight: Tensor | None
    ) -> Tensor:
        """Return the mean of minus the losses of all that is hidden: (members,)."""
        if weight is not None:
            outputs = outputs * weight.unsqueeze(-1)
        total, count = outputs.sum(1).unbind(-1)
        if bool((count == 0).any()):
            raise ValueError(
                "The validation rows have no known token, or number, that could be hidden, so that "
                "there is no score; give others as X_val, or set early_stopping=False."
            )
        return total / count

    def scored(self, modules: Modules, batch: Batch) -> Tensor:
        """Return minus the sum of losses, and how much is hidden, by all members together.

        As (1, rows, 2).
        """
        network = modules["module"]
        members = range(len(network.body.bodies))
        return self._evaluated(network, members, batch).unsqueeze(0)

    def guesses(self, modules: Modules, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return guesses of all members together, and which steps (rows, steps) they are of.

        Those are the steps in which something is missing; the guesses come row by row.
        """
        network, row = modules["module"], _OwnRows(batch, 0)
        where = _any_channel(self._holes(row))
        guesses = [
            self._guesses(network, member, (body.embed(row.x, row.given), row.given), where)
            for member, body in enumerate(network.body.bodies)
        ]
        return self._together(guesses), where

    def outputs(self, modules: Modules, batch: Batch) -> Tensor:
        """Return the features of rows: (members, rows, features)."""
        return modules["module"](batch.x, batch.given)

    features = outputs

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row."""
        network = self.modules["module"]
        n_bodies = len(network.body.bodies)
        return network.body.products + round(self.share * self.size * n_bodies * self._of_a_guess())

    def rows_together(self, shape: Sequence[int] = ()) -> int:
        """Return how many rows of a shape the body evaluates together."""
        return self.modules["module"].body.rows_together(shape)

    # What tokens and numbers differ in.

    @abstractmethod
    def _candidates(self, row):
        """Tell what of the rows may be hidden: (rows, steps) or (rows, steps, channels)."""

    @abstractmethod
    def _holes(self, row):
        """Tell what is missing in the rows, in the same shape."""

    @abstractmethod
    def _draws(self, row, seed):
        """Draw numbers in the same shape; those below the limit are hidden."""

    @abstractmethod
    def _limit(self):
        """Return below which draw something is hidden."""

    @abstractmethod
    def _changed(self, body, row, chosen, seed):
        """Return embedded rows while training, and what is known of them."""

    @abstractmethod
    def _hidden(self, x, chosen):
        """Return rows in which all that was chosen is missing."""

    @abstractmethod
    def _together(self, guesses):
        """Return what several members guess together."""

    @abstractmethod
    def _errors(self, guesses, x, chosen, where):
        """Return the loss of each step of ``where``, by one or several members' guesses."""

    @abstractmethod
    def _of_a_guess(self):
        """Return how many multiplications a guess takes."""

    # What they share.

    def _chosen(self, row, seed, *, at_least_one=False):
        candidates, draws = self._candidates(row), self._draws(row, seed)
        draws = draws.masked_fill(~candidates, 2.0)
        chosen = draws < self._limit()
        if at_least_one:
            least = draws.flatten(1).amin(1).view(-1, *[1] * (draws.ndim - 1))
            chosen |= (draws == least) & candidates
        return chosen

    def _drawn(self, member):
        # A step draws from three neighbouring seeds.
        return self.seeds[member] + 3 * self.steps_done

    def _evaluated(self, network, members, batch):
        """Return minus the sum of losses, and how much is hidden, of each row: (rows, 2)."""
        row = _OwnRows(batch, members[0])
        chosen = self._chosen(row, self.seed, at_least_one=True)
        where, hidden, guesses = _any_channel(chosen), self._hidden(row.x, chosen), []
        for member in members:
            embedded = network.body.bodies[member].embed(hidden, row.given)
            guesses.append(self._guesses(network, member, (embedded, row.given), where))
        sums = self._sums(self._errors(guesses, row.x, chosen, where), where)
        return torch.stack([-sums, chosen.flatten(1).sum(1).to(sums.dtype)], dim=-1)

    def _guesses(self, network, member, embedded, where):
        """Guess some steps; scores of the others are not computed."""
        body = network.body.bodies[member]
        return network.guesser.of_member(member, body, body.steps(*embedded)[where])

    def _sums(self, errors, where):
        rows = where.nonzero()[:, 0]
        return errors.new_zeros(len(where)).index_add(0, rows, errors)


class MaskedTokens(Masked):
    """Hide tokens, and guess which they are (Devlin et al. 2019).

    Of those to guess 80% are shown as the mask, 10% as another token, and 10% as they are. Unknown
    tokens are not guessed, nor what is a hole already.

    Parameters
    ----------
    network : MaskedNetwork
        With bodies that have a :class:`sklearn_modern.networks.sequences.TokenEmbedding`.
    seeds : sequence of int
        As for :class:`Masked`.
    mask_code : int
        The code of a hole.
    **how
        As for :class:`Masked`.
    """

    def __init__(
        self, network: MaskedNetwork, seeds: Sequence[int], mask_code: int, **how: float
    ) -> None:
        super().__init__(network, seeds, **how)
        self.mask_code = mask_code

    def _candidates(self, row):
        return (row.x >= self._first) & (row.x < self.mask_code)

    def _holes(self, row):
        return row.x == self.mask_code

    def _draws(self, row, seed):
        return keyed_uniform(row.keys, seed, row.x.shape[1])

    def _limit(self):
        return self.share

    def _changed(self, body, row, chosen, seed):
        n_steps, n_tokens = row.x.shape[1], self.mask_code - self._first
        kind = keyed_uniform(row.keys, seed + 1, n_steps)
        draw = keyed_uniform(row.keys, seed + 2, n_steps)
        # From 1 to n_tokens - 1 places further on, so that it is another one.
        away = (draw * (n_tokens - 1)).long() + 1
        other = (row.x - self._first + away) % n_tokens + self._first
        shown = other.where(kind < _MASKED + _OTHER, row.x)
        shown = shown.masked_fill(kind < _MASKED, self.mask_code)
        codes = shown.where(chosen, body.embedding.replace(row.x))
        return body.embedding.vectors(codes), row.given

    def _hidden(self, x, chosen):
        return x.masked_fill(chosen, self.mask_code)

    def _together(self, guesses):
        return torch.stack([scores.softmax(-1) for scores in guesses]).mean(0)

    def _errors(self, guesses, x, chosen, where):
        truth = x[where] - self._first
        if len(guesses) == 1:
            return F.cross_entropy(guesses[0], truth, reduction="none")
        errors = [F.cross_entropy(scores, truth, reduction="none") for scores in guesses]
        return math.log(len(errors)) - (-torch.stack(errors)).logsumexp(0)

    def _of_a_guess(self):
        guesser, body = self.modules["module"].guesser, self.modules["module"].body.bodies[0]
        return guesser.n_tokens * body.embedding.n_out

    @property
    def _first(self):
        return self.modules["module"].guesser.first


class MaskedNumbers(Masked):
    """Hide stretches of each channel, and guess the numbers; the loss is the squared error.

    Of the channels of a step the first half are numbers; the others mark which are missing, and a
    number that is hidden looks like one of these (Zerveas et al. 2021).

    Parameters
    ----------
    network : MaskedNetwork
        Its guesser makes numbers.
    seeds : sequence of int
        As for :class:`Masked`.
    fill : Tensor of shape (n_channels,)
        What stands in the place of a missing number.
    **how
        As for :class:`Masked`.
    """

    def __init__(
        self, network: MaskedNetwork, seeds: Sequence[int], fill: Tensor, **how: float
    ) -> None:
        super().__init__(network, seeds, **how)
        self.fill = fill

    def _candidates(self, row):
        there = row.x[..., len(self.fill) :] == 0
        return there if row.given.mask is None else there & row.given.mask.unsqueeze(-1)

    def _holes(self, row):
        return row.x[..., len(self.fill) :] != 0

    def _draws(self, row, seed):
        n_steps, n_channels = row.x.shape[1], len(self.fill)
        draws = keyed_uniform(row.keys, seed, (n_steps + _STRETCH - 1) * n_channels)
        draws = draws.unflatten(1, (-1, n_channels))
        # Each hides its own step and those after it, also from before the first one.
        return torch.stack([draws[:, i : i + n_steps] for i in range(_STRETCH)]).amin(0)

    def _limit(self):
        return 1.0 - (1.0 - self.share) ** (1.0 / _STRETCH)

    def _changed(self, body, row, chosen, seed):
        return body.embed(self._hidden(row.x, chosen), row.given), row.given

    def _hidden(self, x, chosen):
        numbers, marks = x.split(len(self.fill), dim=-1)
        numbers = torch.where(chosen, self.fill.to(x), numbers)
        return torch.cat([numbers, marks.masked_fill(chosen, 1.0)], dim=-1)

    def _together(self, guesses):
        return torch.stack(guesses).mean(0)

    def _errors(self, guesses, x, chosen, where):
        errors = self._together(guesses) - x[where][:, : len(self.fill)]
        return (errors.square() * chosen[where]).sum(1)

    def _of_a_guess(self):
        return self.modules["module"].body.bodies[0].n_step_features


class _OwnRows:
    """The rows of a member, without the steps that none of them has."""

    def __init__(self, batch: Batch, member: int) -> None:
        given = batch.given.mapped(lambda known: _of_member(known, member))
        self.x, self.given = own_steps(_of_member(batch.x, member), given)
        self.keys = _of_member(batch.y, member)


def _of_member(values: Tensor, member: int) -> Tensor:
    return values[member if len(values) > 1 else 0]


def _any_channel(chosen: Tensor) -> Tensor:
    return chosen if chosen.ndim == 2 else chosen.any(2)
