"""What trained modules say of rows, as arrays."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from sklearn_modern.networks.rowwise import undivided, whole_blocks
from sklearn_modern.training.objective import Modules, Objective
from sklearn_modern.training.sources import Batch

__all__ = ["decode", "features", "guesses", "scored"]


def decode(
    objective: Objective, batch: Batch, by: Callable[[Tensor], Tensor] | None = None
) -> np.ndarray:
    """Decode the outputs of some rows, by the objective or by another function."""
    return _evaluate(objective, objective.outputs, batch, by or objective.decode)


def features(objective: Objective, batch: Batch) -> np.ndarray:
    """Compute the features of some rows: (rows, members * features)."""
    return _evaluate(objective, objective.features, batch, _side_by_side)


def scored(objective: Objective, batch: Batch) -> np.ndarray:
    """Compute what a score takes of some rows: (rows, ...)."""
    return _evaluate(objective, objective.scored, batch, lambda found: found[0])


def guesses(objective: Objective, batch: Batch) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Guess what is missing in some rows; also return which steps the guesses are of."""
    with _inference(objective):
        found, where = objective.guesses(objective.modules, batch)
    return found.cpu().numpy(), where.cpu().numpy().nonzero()


def _evaluate(
    objective: Objective,
    function: Callable[[Modules, Batch], Tensor],
    batch: Batch,
    finish: Callable[[Tensor], Tensor],
) -> np.ndarray:
    n_rows = len(batch)
    with _inference(objective):
        if objective.pads:
            batch = batch.mapped(whole_blocks)
        outputs = function(objective.modules, batch)
        with undivided():  # decoding is little work
            return finish(whole_blocks(outputs))[:n_rows].cpu().numpy()


@contextmanager
def _inference(objective: Objective) -> Iterator[None]:
    """Let modules predict."""
    modules = objective.modules.values()
    if any(module.training for module in modules):
        for module in modules:
            module.eval()  # it walks over all layers, which takes longer than a row
    with torch.inference_mode():
        yield


def _side_by_side(features):
    return features.transpose(0, 1).flatten(1)
