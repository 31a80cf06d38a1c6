"""Predict y from x."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from sklearn_modern.augmentation.mixup import Mixup
from sklearn_modern.heads.base import Head
from sklearn_modern.networks.base import Body
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.rowwise import by_blocks
from sklearn_modern.training.objective import Modules, Objective, Steps
from sklearn_modern.training.sources import Batch

__all__ = ["Network", "Supervised"]


class Network(nn.Module):
    """A body with a head: inputs to scores (members, rows, *places, outputs).

    Parameters
    ----------
    body : Body
        Maps inputs to features.
    head : Head
        Maps features to scores.
    """

    def __init__(self, body: Body, head: Head) -> None:
        super().__init__()
        self.body, self.head = body, head

    def forward(self, x, given: Given = NOTHING) -> Tensor:
        """Map inputs to scores."""
        return self._headed(self.body(x, given))

    def scores(self, embedded, given: Given = NOTHING) -> Tensor:
        """Map embedded inputs to scores."""
        return self._headed(self.body.trunk(embedded, given))

    def _headed(self, features):
        if len(features) != self.body.members:
            raise ValueError(
                f"{type(self.body).__name__} gives features of the shape {tuple(features.shape)}, "
                f"whose leading axis must be that of the {self.body.members} members."
            )
        return by_blocks(self.head, features)


class Supervised(Objective):
    """Predict y from x with one network.

    Parameters
    ----------
    body : Body
        Maps inputs to features.
    head : Head
        Maps features to scores, and owns their loss.
    augment : callable, optional
        Changes embedded inputs (members, rows, ...) while training.
    mixers : sequence of Mixup, default=()
        Train on mixtures of rows; if there are several, they take turns.
    body_rate : float, default=1.0
        Learning rate of the body, as a multiple of the common one.
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
        self.body_rate = body_rate

    @property
    def rates(self) -> Mapping[str, Mapping[nn.Module, float]]:
        """Learning rates of the body, and of the head's parts that have one of their own."""
        network = self.modules["module"]
        return {"module": {network.body: self.body_rate} | network.head.rates}

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row."""
        network = self.modules["module"]
        return network.body.products + sum(p.numel() for p in network.head.parameters())

    @property
    def n_classes(self) -> int | None:
        """Number of classes whose probabilities the head decodes."""
        return self.modules["module"].head.n_classes

    @property
    def pads(self) -> bool:
        """Whether the body wants whole blocks of rows."""
        return self.modules["module"].body.pads

    @property
    def packs(self) -> bool:
        """Whether fits train as members of one; a subclass, which may keep more, has to say so."""
        changes = self.augment is not None or self.mixers
        return type(self) is Supervised and not changes and self.modules["module"].body.packs

    def rows_together(self, shape: Sequence[int] = ()) -> int:
        """Return how many rows of a shape the body evaluates together."""
        return self.modules["module"].body.rows_together(shape)

    def steps(self, modules: Modules, batch: Batch) -> Steps:
        """Yield the losses of the network's scores."""
        network = modules["module"]
        if network.training and (self.augment is not None or self.mixers):
            losses, scores = self._changed(network, batch)
        else:
            losses, scores = self.evaluate(modules, batch)
        yield ("module",), losses
        return scores

    def evaluate(self, modules: Modules, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the losses and the scores of rows."""
        network = modules["module"]
        scores = network(batch.x, batch.given)
        return network.head.loss(scores, _for_members(batch.y, scores), batch.given), scores

    def outputs(self, modules: Modules, batch: Batch) -> Tensor:
        """Return the scores of rows to predict: (members, rows, *places, outputs)."""
        return modules["module"](batch.x, batch.given)

    def features(self, modules: Modules, batch: Batch) -> Tensor:
        """Return what the head sees of rows: (members, rows, *places, features)."""
        return modules["module"].body(batch.x, batch.given)

    def decode(self, outputs: Tensor) -> Tensor:
        """Turn scores into the prediction of all members together."""
        return self.modules["module"].head.decode(outputs)

    def decide(self, decoded: Tensor) -> Tensor:
        """Turn a decoded prediction into decisions."""
        return self.modules["module"].head.decide(decoded)

    def targets(self, y: Tensor) -> Tensor:
        """Return the targets of a batch as ``decide`` gives them: (rows,) or (rows, targets)."""
        return self.modules["module"].head.in_units(y[0])

    def _changed(self, network, batch):
        """Return the losses and scores of augmented or mixed rows."""
        embedded = network.body.embed(batch.x, batch.given)
        if self.augment is not None:
            embedded = self.augment(embedded)
        if not self.mixers:
            scores = network.scores(embedded, batch.given)
            return network.head.loss(scores, batch.y, batch.given), scores
        mixer = self.mixers[0]
        self.mixers = [*self.mixers[1:], mixer]
        mixed, given, proportion = network.body.mix(embedded, batch.given, mixer)
        scores = network.scores(mixed, given)
        own = network.head.loss(scores, batch.y, given)
        other = network.head.loss(scores, mixer.partner(batch.y), given)
        if batch.weight is not None:
            # The trainer weights a row's loss by its own weight; the partner's part has another.
            other = other * (mixer.partner(batch.weight) / batch.weight)
        return torch.lerp(other, own, proportion), scores


def _for_members(values, scores):
    """Show each member the same rows where there is one copy of them."""
    if len(values) == len(scores):
        return values
    return values.expand(len(scores), *values.shape[1:])
