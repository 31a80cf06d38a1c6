"""What callbacks see of batches, if one of them wants to."""

from collections.abc import Iterable

import torch
from skorch.callbacks import Callback
from skorch.dataset import Dataset
from torch import Tensor

from sklearn_modern.training.batches import EvaluationBatches
from sklearn_modern.training.objective import Objective
from sklearn_modern.training.sources import Batch, Part

__all__ = ["ShownRows", "as_one", "is_watched", "outputs_to_show"]

_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_grad_computed")


class ShownRows(Dataset):
    """Rows as skorch's callbacks know them: what the net predicts from, and the targets.

    Where members have rows of their own, these are the rows of all members one after another, and
    each is predicted by the member that has it.

    Parameters
    ----------
    rows : Part
        The rows.
    objective : Objective
        Knows the targets' units.
    """

    def __init__(self, rows: Part, objective: Objective) -> None:
        self.X, self._objective = rows, objective

    @property
    def y(self):
        """Targets, as the net predicts them."""
        batches = [self.X.source.targets(index) for index in EvaluationBatches(self.X).indices()]
        if batches[0] is None:
            return None
        y = torch.cat([as_one(y) for y in batches], dim=1)
        return self._objective.targets(y).cpu().numpy()

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.X.rows.numel()


def as_one(values: Tensor) -> Tensor:
    """Lay the rows of members that have their own one after another: (1, members * rows, ...)."""
    return values.flatten(0, 1).unsqueeze(0)


def is_watched(callbacks: Iterable[Callback]) -> bool:
    """Tell whether a callback has a hook that is called at each batch."""
    return any(
        getattr(type(callback), hook, None) is not getattr(Callback, hook)
        for callback in callbacks
        for hook in _BATCH_HOOKS
    )


def outputs_to_show(objective: Objective, batch: Batch) -> Tensor:
    """Compute the outputs of a batch where the objective has none at hand."""
    training = {module: module.training for module in objective.modules.values()}
    for module in training:
        module.eval()  # or dropout would draw, and the training depend on who watches
    with torch.no_grad():
        outputs = objective.outputs(objective.modules, batch)
    for module, mode in training.items():
        module.train(mode)
    return outputs
