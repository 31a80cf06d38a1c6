"""How many networks train together."""

import os

import torch

from sklearn_modern._core.memory import free_memory
from sklearn_modern.device import is_cuda
from sklearn_modern.training.objective import Objective
from sklearn_modern.training.work import n_layers, operations

__all__ = ["bytes_of_members", "is_out_of_memory", "most_bytes", "most_members"]

# A pack saves what a step costs besides its arithmetic. More than this many members save nothing
# more.
_MOST_MEMBERS = 100

# Numbers that a step reads and writes: with more, they leave the processor's cache, and a pack is
# slower than its members apart.
_MOST_NUMBERS = 1 << 23

# Floating-point operations of a step per layer with weights, beyond which nothing is saved: of
# products of matrices, and of convolutions, whose layers take larger members one by one.
_LARGE_LAYER = 1e8
_LARGE_CONVOLUTION = 3e7

# Convolutions of fewer members than this train apart: so large are they that little is saved.
_FEWEST_CONVOLUTIONS = 4

# The same on a GPU: the most members, and the floating-point operations of a step of all of them.
# To start its kernels takes one or two milliseconds for few members as for many, in which a large
# GPU does some 1e11 operations (the H200 of docs/benchmarks.md).
_MOST_ON_GPU = 1000
_LARGE_STEP = 1e11

# The part of the free memory that networks may take which wait for their training, or are in it.
# It is a small one, as other processes may take as much at the same time.
_PART_OF_MEMORY = 0.25

_VARIABLE = "SKLEARN_MODERN_PACK_SIZE"


def most_members(
    objective: Objective, batch_size: int, n_members: int = 1, device: str = "cpu"
) -> int:
    """Return how many members like those of an objective should train together.

    Measured on one thread of a CPU with two layers of 64, 128, 256 and 512 units and batches of 64
    and 256 rows (``benchmarks/mlp_packs.py``), and with convolutional networks of the widths 4, 8,
    16 and 32 on images of 8, 12, 16 and 28 pixels a side, with 1 and 3 channels, in batches of 32
    and 64 (``benchmarks/cnn_packs.py`` has some of them). The environment variable
    ``SKLEARN_MODERN_PACK_SIZE`` sets another number; 1 lets all networks train apart.

    Parameters
    ----------
    objective : Objective
        Its network, of one member or several.
    batch_size : int
        Rows of a step.
    n_members : int, default=1
        How many members it has.
    device : str, default="cpu"
        Where they train.
    """
    if size := os.environ.get(_VARIABLE):
        if not size.isdigit() or int(size) == 0:
            raise ValueError(f"{_VARIABLE}={size!r} must be a whole number above zero.")
        return int(size)
    if device != "cpu":
        most = n_members * _LARGE_STEP / operations(objective, batch_size)
        return max(1, min(_MOST_ON_GPU, int(most)))
    body = objective.modules["module"].body
    largest = _LARGE_CONVOLUTION if body.members_apart else _LARGE_LAYER
    if operations(objective, batch_size) > n_members * largest * n_layers(objective):
        return 1
    n_weights, n_units = _numbers_of_member(objective)
    # Weights, their gradients and two moments; what a layer gives, twice forward and back.
    numbers = 4 * (n_weights + batch_size * n_units)
    most = max(1, min(_MOST_MEMBERS, _MOST_NUMBERS // max(1, numbers)))
    return 1 if body.members_apart and most < _FEWEST_CONVOLUTIONS else most


def bytes_of_members(objective: Objective, batch_size: int, n_rows: int, n_members: int) -> int:
    """Estimate the memory that members of a pack need besides their data.

    Parameters
    ----------
    objective : Objective
        Their network.
    batch_size : int
        Rows of a step.
    n_rows : int
        Rows of each of them, to train on and to validate with.
    n_members : int
        How many they are.
    """
    n_weights, n_units = _numbers_of_member(objective)
    # The weights of the net and those side by side, gradients, two moments, the weights to keep,
    # and moments once more when a member leaves; of a batch what a layer gives, its mask and its
    # gradients; the order of the rows, shuffled and padded.
    numbers = n_members * (8 * n_weights + 4 * batch_size * n_units)
    size = next(objective.modules["module"].parameters()).element_size()
    return numbers * size + 3 * 8 * n_members * n_rows


def most_bytes(device: str = "cpu") -> int:
    """Return how much memory networks may take that train together on a device, or wait for it."""
    if is_cuda(device):
        free = torch.cuda.mem_get_info(device)[0]  # what torch keeps for its next tensors is not
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(_PART_OF_MEMORY * (free + kept))
    return int(_PART_OF_MEMORY * free_memory())


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether an error is one of too little memory."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # torch has no class of its own for the memory of the CPU.
    return isinstance(error, RuntimeError) and (
        "DefaultCPUAllocator" in str(error) or "bad_alloc" in str(error)
    )


def _numbers_of_member(objective):
    """Return how many weights a member works with, and how many units; those it shares, too."""
    network = objective.modules["module"]
    n_weights = sum(p[0].numel() for p in network.parameters())
    return n_weights, network.body.values + sum(p.shape[-1] for p in network.head.parameters())
