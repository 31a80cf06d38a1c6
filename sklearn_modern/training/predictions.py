"""What trained modules say of rows, as arrays."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from sklearn_modern.networks.rowwise import undivided, whole_blocks
from sklearn_modern.training.objective import Modules, Objective
from sklearn_modern.training.sources import Batch

__all__ = [
    "cells_of_codes",
    "decode",
    "drawn_of_codes",
    "features",
    "guesses",
    "judged",
    "log_weights",
    "scored",
]


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


def cells_of_codes(objective: Objective, codes: Tensor, labels: Tensor | None = None) -> np.ndarray:
    """Make rows of codes (members, rows, n), which may have labels: cells (rows, ...)."""
    return _evaluate(objective, objective.made, _batch_of(codes, labels), _decided(objective))


def drawn_of_codes(
    objective: Objective,
    codes: Tensor,
    labels: Tensor | None,
    members: Tensor,
    uniform: Tensor,
) -> np.ndarray:
    """Draw rows of codes (rows, n), each by one of the members: cells (rows, ...).

    Parameters
    ----------
    objective : Objective
        What is asked.
    codes : Tensor of shape (rows, n_codes)
        The codes.
    labels : Tensor of shape (rows,) or None
        Codes of labels, if rows depend on them.
    members : Tensor of int of shape (rows,)
        Whose decoder draws a row.
    uniform : Tensor of shape (rows, n_draws)
        Random numbers between 0 and 1.
    """

    def finish(scores):
        cells = objective.drawn(scores[:, : len(members)], uniform)
        return cells[members, torch.arange(len(members), device=members.device)]

    batch = _batch_of(codes.unsqueeze(0), labels)
    return _evaluate(objective, objective.made, batch, finish)


def _batch_of(codes, labels):
    x = codes if labels is None else (codes, labels.view(1, -1, 1))
    return Batch(x, None, torch.arange(codes.shape[1]).unsqueeze(0))


def log_weights(objective: Objective, batch: Batch, noises: Tensor) -> np.ndarray:
    """Compute the weights of the codes of some rows, of all members: (rows, codes)."""
    n_rows = len(batch)
    with _inference(objective):
        weights = objective.log_weights(objective.modules, _whole(batch), noises)
        return weights[..., :n_rows].flatten(0, 1).T.double().cpu().contiguous().numpy()


def judged(objective: Objective, batch: Batch) -> tuple[np.ndarray, ...]:
    """Compute what an autoencoder makes of some rows.

    Returns
    -------
    wanted : ndarray of shape (rows, n_numbers)
        Scaled numbers, NaN where missing.
    made : ndarray of shape (members, rows, n_numbers)
        The same as they are made again.
    unlikely : ndarray of float64 of shape (members, rows, n_categorical)
        Minus the log-probabilities of categories, 0 where missing.
    codes : ndarray of float64 of shape (members, rows, n_codes)
        The codes.
    """
    n_rows = len(batch)
    with _inference(objective):
        wanted, *of_members = objective.judged(objective.modules, _whole(batch))
        made, unlikely, codes = (part[:, :n_rows] for part in of_members)
        found = wanted[:n_rows], made, unlikely.double(), codes.double()
        return tuple(part.cpu().numpy() for part in found)


def _whole(batch):
    """Return a batch in whole blocks, with its targets."""
    whole = batch.mapped(whole_blocks)
    whole.y = None if batch.y is None else whole_blocks(batch.y)
    return whole


def _decided(objective):
    return lambda outputs: objective.decide(objective.decode(outputs))


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
