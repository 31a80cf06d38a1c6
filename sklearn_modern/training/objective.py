"""What every objective of a training promises."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence

from torch import Tensor, nn

from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.batches import TrainingBatches
from sklearn_modern.training.optimizers import BETA_1, BETA_2
from sklearn_modern.training.sources import Batch, Part

__all__ = ["Modules", "Objective", "Steps"]

Modules = Mapping[str, nn.Module]
"""Modules by name."""

Steps = Generator[tuple[Sequence[str], Tensor], None, Tensor | None]
"""Names of modules and the losses that train them, one update after another."""


class Objective(ABC):
    """What a training minimises, and whose weights that trains.

    An objective names its modules; each has an optimiser of its own. For every batch it says by
    :meth:`steps` which losses train which modules. It says what a row costs; the trainer weights
    rows, reduces, and updates weights.

    Attributes
    ----------
    modules : dict of nn.Module
        What is trained, by name. Their saved tensors have a leading axis of members, or belong to
        one member as a whole (:func:`sklearn_modern.networks.members.owners`). A module called
        "module" is the net's ``module_`` and has its ``optimizer_``; others are ``<name>_`` and
        ``<name>_optimizer_``.
        Networks that are not trained, such as a moving average, are parts of one of them, without
        gradients: so they follow device, precision and early stopping.
    n_classes : int or None
        Number of classes whose probabilities ``decode`` returns; None if it returns others.
    """

    modules: dict[str, nn.Module]
    n_classes: int | None = None

    @abstractmethod
    def steps(self, modules: Modules, batch: Batch) -> Steps:
        """Yield names of modules, and the losses (members, rows) that train them.

        The trainer backpropagates the losses into the named modules only, lets their optimisers
        step, and then resumes the generator. So what follows a ``yield`` runs after that update:
        the next player's turn, or a moving average of weights. One ``yield`` is supervised
        learning, two are two players.

        What the generator returns in the end, if anything, is shown to callbacks as the outputs of
        the batch. Only the first losses are recorded.
        """

    @abstractmethod
    def outputs(self, modules: Modules, batch: Batch) -> Tensor:
        """Return the outputs of rows to predict: (members, rows, ...)."""

    def decode(self, outputs: Tensor) -> Tensor:
        """Turn outputs into the prediction of all members together: (rows, ...)."""
        return outputs.mean(0)

    def decide(self, decoded: Tensor) -> Tensor:
        """Turn a decoded prediction into decisions."""
        return decoded

    def targets(self, y: Tensor) -> Tensor:
        """Return targets (members, rows, ...) as ``decide`` gives them: (rows, ...)."""
        return y[0]

    def evaluate(self, modules: Modules, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Return the losses of rows to validate with, and what :meth:`score` wants of them besides.

        By default the first losses of :meth:`steps`, which is not resumed, as nothing is updated.
        """
        steps = self.steps(modules, batch)
        _, losses = next(steps)
        steps.close()
        return losses, None

    def score(
        self,
        loss: Tensor,
        outputs: Tensor | None,
        y: Tensor | None,
        weight: Tensor | None,
    ) -> Tensor:
        """Return each member's validation score, where greater is better: (members,).

        Parameters
        ----------
        loss : Tensor of shape (members,)
            Mean loss of the validation rows.
        outputs : Tensor of shape (members, rows, ...) or None
            What :meth:`evaluate` returned besides losses.
        y, weight : Tensor of shape (1, rows, ...) or None
            Targets and weights of the rows.
        """
        return -loss

    @property
    def rates(self) -> Mapping[str, Mapping[nn.Module, float]]:
        """Parts of each module whose learning rate is a multiple of the common one."""
        return {}

    @property
    def betas(self) -> tuple[float, float]:
        """How much of the moments of the gradient Adam keeps in a step."""
        return BETA_1, BETA_2

    @property
    def settles(self) -> bool:
        """Whether a training loss that no longer falls tells that there is no more to learn.

        The losses of two players tell nothing, nor those that are mostly noise.
        """
        return True

    def tallied(self) -> Mapping[str, Tensor]:
        """Return what has been counted in an epoch, to be recorded in its history, and forget it.

        Such as the mean loss of a second player: a number by its name.
        """
        return {}

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row, or about as many."""
        return sum(p.numel() for module in self.modules.values() for p in module.parameters())

    @property
    def pads(self) -> bool:
        """Whether a CPU predicts rows in whole blocks, so that all rows come out alike."""
        return False

    @property
    def packs(self) -> bool:
        """Whether fits train as members of one, which leaves nothing behind but their weights.

        Whoever keeps more than the body and the head of "module", such as a moving average or a
        count of steps, must not.
        """
        return False

    def rows_together(self, shape: Sequence[int] = ()) -> int:
        """Return how many rows of a shape to evaluate together; () is that of the fit."""
        return 8192

    def batches(self, rows: Part, batch_size: int, random: MemberRandom) -> TrainingBatches:
        """Return the batches of an epoch; each iteration over them is one."""
        return TrainingBatches(rows, batch_size, random)
