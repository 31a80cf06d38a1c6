"""How many networks train together."""

import os

from sklearn_modern.training.objective import Objective
from sklearn_modern.training.work import n_layers, operations

__all__ = ["MOST_NUMBERS_OF_DATA", "most_members"]

# A pack saves what a step costs besides its arithmetic. More than this many members save nothing
# more.
_MOST_MEMBERS = 100

# Numbers that a step reads and writes: with more, they leave the processor's cache, and a pack is
# slower than its members apart.
_MOST_NUMBERS = 1 << 23

# Floating-point operations of a step per layer with weights, beyond which nothing is saved.
_LARGE_LAYER = 1e8

# Numbers that the rows of a pack may have, all its data together.
MOST_NUMBERS_OF_DATA = 1 << 26

_VARIABLE = "SKLEARN_MODERN_PACK_SIZE"


def most_members(objective: Objective, batch_size: int, n_members: int = 1) -> int:
    """Return how many members like those of an objective should train together on a CPU.

    Measured with two layers of 64, 128, 256 and 512 units and batches of 64 and 256 rows, on one
    thread (``benchmarks/mlp_packs.py``). The environment variable ``SKLEARN_MODERN_PACK_SIZE`` sets
    another number; 1 lets all networks train apart.

    Parameters
    ----------
    objective : Objective
        Its network, of one member or several.
    batch_size : int
        Rows of a step.
    n_members : int, default=1
        How many members it has.
    """
    if size := os.environ.get(_VARIABLE):
        if not size.isdigit() or int(size) == 0:
            raise ValueError(f"{_VARIABLE}={size!r} must be a whole number above zero.")
        return int(size)
    if operations(objective, batch_size) > n_members * _LARGE_LAYER * n_layers(objective):
        return 1
    modules = objective.modules.values()
    n_weights = sum(p.numel() for module in modules for p in module.parameters()) // n_members
    n_units = sum(p.shape[-1] for module in modules for p in module.parameters())
    # Weights, their gradients and two moments; what a layer gives, twice forward and back.
    numbers = 4 * (n_weights + batch_size * n_units)
    return max(1, min(_MOST_MEMBERS, _MOST_NUMBERS // max(1, numbers)))
