"""What callbacks see of batches, if one of them wants to."""

from collections.abc import Iterable

import torch
from skorch.callbacks import Callback
from skorch.dataset import Dataset
from torch import Tensor

from sklearn_modern.training.objective import Objective
from sklearn_modern.training.sources import Batch, Part

__all__ = ["ShownRows", "is_watched", "outputs_to_show"]

_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_grad_computed")


class ShownRows(Dataset):
    """Rows as skorch's callbacks know them: what the net predicts from, and the targets.

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
        y = self.X.source.targets(self.X.index.unsqueeze(0))
        return None if y is None else self._objective.targets(y).cpu().numpy()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.X)


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
