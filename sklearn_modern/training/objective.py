"""What a training minimises."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_modern.augmentation.mixup import Mixup
from sklearn_modern.heads.base import Head
from sklearn_modern.networks.base import Body
from sklearn_modern.networks.rowwise import by_blocks, whole_blocks
from sklearn_modern.training.batches import Batch

__all__ = ["Network", "Supervised"]


class Network(nn.Module):
    """A body with a head: inputs to scores (members, rows, outputs)."""

    def __init__(self, body: Body, head: Head) -> None:
        super().__init__()
        self.body, self.head = body, head

    def forward(self, x, weight: Tensor | None = None) -> Tensor:
        """Map inputs to scores."""
        return by_blocks(self.head, self.body(x, weight))


class Supervised:
    """Predict y from x with one network.

    An objective has named ``modules`` (each is trained by an optimiser of its own) and says what a
    batch costs, row by row; the trainer weights and reduces.

    Parameters
    ----------
    body : Body
        Maps inputs to features.
    head : Head
        Maps features to scores, and owns their loss.
    augment : callable, optional
        Changes embedded inputs (members, rows, ...) while training.
    mixers : sequence of Mixup, default=()
        Train on mixtures of rows; of several, each has its turn.
    body_rate : float, default=1.0
        Learning rate of the body, as a multiple of the common one.

    Attributes
    ----------
    modules : dict of nn.Module
        What is trained, by name.
    rates : dict of dict
        For each name, parts of the module and their learning rates as multiples of the common one.
    """

    def __init__(
        self,
        body: Body,
        head: Head,
        *,
        augment: Callable[[Tensor], Tensor] | None = None,
        mixers: Sequence[Mixup] = (),
        body_rate: float = 1.0,
    ) -> None:
        self.modules = {"module": Network(body, head)}
        self.augment = augment
        self.mixers = list(mixers)
        self.rates = {"module": {body: body_rate} | head.rates}

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row."""
        network = self.modules["module"]
        return network.body.products + sum(p.numel() for p in network.head.parameters())

    def evaluation_rows(self, x: Any) -> int:
        """Return how many rows like those of ``x`` are evaluated together."""
        return self.modules["module"].body.rows_together(x)

    def padded(self, x: Tensor) -> Tensor:
        """Return rows to predict, more of them where that makes all come out alike."""
        return whole_blocks(x) if self.modules["module"].body.padded else x

    def step(self, modules: dict[str, nn.Module], batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the loss of each row, unreduced (members, rows), and the scores."""
        network = modules["module"]
        if network.training and (self.augment is not None or self.mixers):
            return self._changed_step(network, batch)
        scores = network(batch.x, batch.weight)
        return network.head.loss(scores, _for_members(batch.y, scores)), scores

    def outputs(self, modules: dict[str, nn.Module], batch: Batch) -> Tensor:
        """Return the scores of rows to predict: (members, rows, outputs)."""
        return modules["module"](batch.x)

    def features(self, modules: dict[str, nn.Module], batch: Batch) -> Tensor:
        """Return what the head sees of rows: (members, rows, features)."""
        return modules["module"].body(batch.x)

    def decode(self, outputs: Tensor) -> Tensor:
        """Turn scores into the prediction of all members together."""
        return self.modules["module"].head.decode(outputs)

    def decide(self, decoded: Tensor) -> Tensor:
        """Turn a decoded prediction into decisions."""
        return self.modules["module"].head.decide(decoded)

    def targets(self, y: Tensor) -> Tensor:
        """Return the targets of a batch as ``decide`` gives them: (rows,) or (rows, targets)."""
        return self.modules["module"].head.in_units(y[0])

    def score(
        self,
        modules: dict[str, nn.Module],
        outputs: Tensor,
        y: Tensor,
        weight: Tensor | None,
    ) -> Tensor:
        """Return each member's validation score, more is better: (members,)."""
        weight = None if weight is None else _for_members(weight, outputs)
        return modules["module"].head.score(outputs, _for_members(y, outputs), weight)

    def _changed_step(self, network, batch):
        embedded = network.body.embed(batch.x)
        if self.augment is not None:
            embedded = self.augment(embedded)
        if not self.mixers:
            scores = network.head(network.body.trunk(embedded, batch.weight))
            return network.head.loss(scores, batch.y), scores
        mixer = self.mixers[0]
        self.mixers = [*self.mixers[1:], mixer]
        mixed, proportion = mixer.mix(embedded)
        scores = network.head(network.body.trunk(mixed, batch.weight))
        own = network.head.loss(scores, batch.y)
        other = network.head.loss(scores, mixer.partner(batch.y))
        if batch.weight is not None:
            # The trainer weights a row's loss by its own weight; the partner's part has another.
            other = other * (mixer.partner(batch.weight) / batch.weight)
        return torch.lerp(other, own, proportion), scores


def _for_members(values, scores):
    """Show each member the same rows where there is one copy of them."""
    if len(values) == len(scores):
        return values
    return values.expand(len(scores), *values.shape[1:])
