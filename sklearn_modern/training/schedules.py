"""How the learning rate changes during training."""

import math
from collections.abc import Callable

__all__ = ["SCHEDULES", "SETTLED"]

# One-cycle: the share of the training that warms up, and where the rate starts, as a part of its
# highest value. Smith and Topin (2019), "Super-convergence: very fast training of neural networks
# using large learning rates".
_WARM_UP = 0.3
_START = 1 / 25


def constant(progress: float) -> float:
    """Keep the rate."""
    return 1.0


def cosine(progress: float) -> float:
    """Go down to zero along half a cosine (Loshchilov and Hutter, 2017, without restarts)."""
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def one_cycle(progress: float) -> float:
    """Go up along half a cosine, then down to zero along a longer one."""
    if progress < _WARM_UP:
        return 1.0 - (1.0 - _START) * cosine(progress / _WARM_UP)
    return cosine((progress - _WARM_UP) / (1.0 - _WARM_UP))


# Name -> factor of the initial rate at a progress in [0, 1). "adaptive" keeps the rate until the
# training stalls; then `training.callbacks.Progress` lowers it.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "adaptive": constant,
    "cosine": cosine,
    "one_cycle": one_cycle,
}

SETTLED: dict[str, float] = {"cosine": 0.5, "one_cycle": 0.65}
