"""What trained modules say of rows, as arrays."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from sklearn_modern.networks.rowwise import undivided, whole_blocks
from sklearn_modern.training.objective import Modules, Objective
from sklearn_modern.training.sources import Batch

__all__ = ["decode", "features"]


def decode(
    objective: Objective, batch: Batch, by: Callable[[Tensor], Tensor] | None = None
) -> np.ndarray:
    """Decode the outputs of some rows, by the objective or by another function."""
    return _evaluate(objective, objective.outputs, batch, by or objective.decode)


def features(objective: Objective, batch: Batch) -> np.ndarray:
    """Compute the features of some rows: (rows, members * features)."""
    return _evaluate(objective, objective.features, batch, _side_by_side)


def _evaluate(
    objective: Objective,
    function: Callable[[Modules, Batch], Tensor],
    batch: Batch,
    finish: Callable[[Tensor], Tensor],
) -> np.ndarray:
    modules = objective.modules.values()
    if any(module.training for module in modules):
        for module in modules:
            module.eval()  # it walks over all layers, which takes longer than a row
    n_rows = len(batch)
    with torch.inference_mode():
        if objective.pads:
            batch = batch.mapped(whole_blocks)
        outputs = function(objective.modules, batch)
        with undivided():  # decoding is little work
            return finish(whole_blocks(outputs))[:n_rows].cpu().numpy()


def _side_by_side(features):
    return features.transpose(0, 1).flatten(1)
