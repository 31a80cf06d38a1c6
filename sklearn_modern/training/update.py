"""How a batch updates the weights."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sklearn_modern.training.objective import Objective, Steps
from sklearn_modern.training.sources import Batch
from sklearn_modern.training.trained import Trained, clip

__all__ = ["GradientUpdate", "Update", "check_losses", "weighted_sum"]


@dataclass
class Update(ABC):
    """What the losses of one batch do to the weights.

    Parameters
    ----------
    objective : Objective
        Says which losses train which modules.
    trained : mapping of Trained
        What is trained, by the names of the modules.
    batch : Batch
        The rows.
    autocast : callable
        Returns the context in which the objective runs.
    on_gradients : callable or None, default=None
        Called without arguments when there are gradients, before they are clipped.
    gradient_clip : float or None, default=None
        Maximum norm of a member's gradient.
    penalty : float, default=0.0
        Factor of the L2 penalty ``penalty / 2 * sum(w ** 2)``.
    decay : float, default=0.0
        Decoupled weight decay (Loshchilov and Hutter, 2019).
    """

    objective: Objective
    trained: Mapping[str, Trained]
    batch: Batch
    autocast: Callable[[], AbstractContextManager]
    on_gradients: Callable[[], Any] | None = None
    gradient_clip: float | None = None
    penalty: float = 0.0
    decay: float = 0.0

    @abstractmethod
    def apply(self) -> tuple[Tensor, Tensor | None]:
        """Update the weights.

        Returns
        -------
        loss : Tensor of shape (members,)
            The weighted sum over rows of the first losses.
        outputs : Tensor or None
            What the objective returns of the batch in the end.
        """

    # What an update is made of.

    def _advance(self, steps: Steps) -> tuple[Sequence[str] | None, Tensor | None]:
        """Run the objective to its next names and losses, or to its end: None and the outputs."""
        for part in self.trained.values():
            for parameter in part.parameters:
                parameter.grad = None
        with self.autocast():
            try:
                return next(steps)
            except StopIteration as end:
                return None, end.value

    def _named(self, names: Sequence[str]) -> list[Trained]:
        try:
            return [self.trained[name] for name in names]
        except KeyError:
            raise ValueError(
                f"The objective trains the modules {names!r}, but it has {list(self.trained)}."
            ) from None

    def _give_gradients(self, parts: Sequence[Trained], losses: Tensor) -> None:
        """Give parameters, and no others, the gradient of the weighted mean over the batch.

        Members that share weights share the mean of their losses.
        """
        check_losses(losses, parts[0].members, self.batch)
        # Reducing first would cost a node each.
        n_rows, weight = self.batch.n_begun or len(self.batch), self.batch.weight
        share = 1.0 / (n_rows * parts[0].team)
        gradient = torch.full_like(losses, share) if weight is None else weight * share
        if len(self.trained) == 1:  # there are no others that the losses could reach
            losses.backward(gradient)
        else:
            losses.backward(gradient, inputs=[p for part in parts for p in part.parameters])
        if self.on_gradients is not None:
            self.on_gradients()
        for part in parts:
            part.complete_gradients()
        if self.gradient_clip is not None:
            clip(parts, self.gradient_clip)

    def _shrink(self, part: Trained) -> None:
        """Add the gradient of the penalty, and decay weights."""
        if self.penalty:
            part.penalise(self.penalty)
        if self.decay:
            part.decay(self.decay)


class GradientUpdate(Update):
    """One step of the modules' optimisers for each of the objective's losses."""

    def apply(self) -> tuple[Tensor, Tensor | None]:
        """Update the modules that the losses train, and resume the objective."""
        steps = self.objective.steps(self.objective.modules, self.batch)
        names, losses = self._advance(steps)
        if names is None:
            raise ValueError("The objective yields no losses; steps must yield at least once.")
        loss = weighted_sum(losses.detach(), self.batch)
        while names is not None:
            parts = self._named(names)
            self._give_gradients(parts, losses)
            for part in parts:
                self._shrink(part)
                part.optimizer.step()
            names, losses = self._advance(steps)  # in the end there are no names, but outputs
        return loss, losses


def check_losses(losses: Tensor, members: int, batch: Batch) -> None:
    """Refuse losses that are not (members, rows)."""
    if losses.shape != (members, len(batch)):
        raise ValueError(
            f"The objective's losses have the shape {tuple(losses.shape)}, but there are "
            f"{members} members and {len(batch)} rows; it must give one per row."
        )


def weighted_sum(losses: Tensor, batch: Batch) -> Tensor:
    """Sum each member's losses (members, rows) by the weights of the rows."""
    if losses.dtype == torch.bfloat16:  # its sums have three digits
        losses = losses.float()
    return losses.sum(1) if batch.weight is None else (losses * batch.weight).sum(1)
