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


def coslog4(progress: float) -> float:
    """Go through four cosine cycles, each twice as long as the one before.

    Each ends at zero, so that there are four times at which weights have settled as final ones do.
    Holzmüller, Grinsztajn, Steinwart (2024), "Better by Default: Strong Pre-Tuned MLPs and Boosted
    Trees on Tabular Data", NeurIPS.
    """
    return 0.5 * (1.0 - math.cos(2.0 * math.pi * math.log2(1.0 + 15.0 * progress)))


# Name -> factor of the initial rate at a progress in [0, 1). "adaptive" keeps the rate until the
# training stalls; then `training.callbacks.Progress` lowers it.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "adaptive": constant,
    "cosine": cosine,
    "one_cycle": one_cycle,
    "coslog4": coslog4,
}

# From when on it makes sense to give up: the rate has come down to half for the last time.
SETTLED: dict[str, float] = {"cosine": 0.5, "one_cycle": 0.65, "coslog4": (2**3.75 - 1) / 15}
