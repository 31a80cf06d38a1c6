"""What callbacks see of batches, if one of them wants to."""

from collections.abc import Iterable

import torch
from skorch.callbacks import Callback
from torch import Tensor

from sklearn_modern.training.objective import Objective
from sklearn_modern.training.sources import Batch

__all__ = ["is_watched", "outputs_to_show"]

_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_grad_computed")


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
