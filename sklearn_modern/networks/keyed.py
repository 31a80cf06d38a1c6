"""Random numbers that belong to rows, whatever rows are beside them and on whatever device."""

import torch
from torch import Tensor

__all__ = ["keyed_uniform"]

_STEP = 0x9E3779B97F4A7C15 - 2**64
_FIRST, _SECOND = 0xBF58476D1CE4E5B9 - 2**64, 0x94D049BB133111EB - 2**64
_BITS = 24  # which single precision holds exactly


def keyed_uniform(keys: Tensor, seed: int, n: int) -> Tensor:
    """Draw numbers from [0, 1) for each key: float32 of shape (*keys.shape, n).

    They depend on the key and the seed only, and the first ones not on how many there are. Each
    knows 24 bits.

    Parameters
    ----------
    keys : Tensor of int64
        One for each row.
    seed : int
        Below 2 ** 62; another one gives other numbers.
    n : int
        How many numbers.
    """
    places = torch.arange(1, n + 1, device=keys.device) * _STEP
    start = _mixed(keys ^ _mixed(torch.tensor(seed, device=keys.device)))
    bits = _mixed(start.unsqueeze(-1) + places)
    return (bits & (2**_BITS - 1)).to(torch.float32) / 2**_BITS


def _mixed(bits):
    """Scatter bits, as splitmix64 does (Steele, Lea, Flood 2014)."""
    bits = (bits ^ _shifted(bits, 30)) * _FIRST
    bits = (bits ^ _shifted(bits, 27)) * _SECOND
    return bits ^ _shifted(bits, 31)


def _shifted(bits, n):
    """Shift to the right, and let zeros in."""
    return (bits >> n) & (2 ** (64 - n) - 1)
