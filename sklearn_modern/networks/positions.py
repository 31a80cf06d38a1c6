"""What tells places apart that attention would see in no order."""

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["sinusoids", "with_positions"]

# Wave lengths grow from 2 pi to this many times as much.
_LONGEST = 10_000.0


def sinusoids(n_places: int, size: int, like: Tensor) -> Tensor:
    r"""Return waves of all lengths along an axis: a vector for each place.

    Place :math:`p` has the numbers :math:`\sin(p\, \omega_k)`, then the cosines, with
    :math:`\omega_k = 10000^{-k / K}` for the :math:`K` pairs.

    Parameters
    ----------
    n_places : int
        Length of the axis.
    size : int
        Length of a vector.
    like : Tensor
        Gives precision and device.

    Returns
    -------
    Tensor of shape (n_places, size)
        The vectors.

    References
    ----------
    Vaswani et al. (2017), "Attention Is All You Need", NeurIPS.
    """
    n_pairs = (size + 1) // 2
    # Half precision could not tell late places apart.
    kind = {"dtype": torch.promote_types(like.dtype, torch.float32), "device": like.device}
    rates = _LONGEST ** (-torch.arange(n_pairs, **kind) / n_pairs)
    angles = torch.arange(n_places, **kind).unsqueeze(1) * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)[:, :size].to(like.dtype)


def with_positions(x: Tensor) -> Tensor:
    """Add to each place where it lies; every axis of places has its part of the width.

    Parameters
    ----------
    x : Tensor of shape (members, rows, *places, width)
        From what stands at the places.
    """
    width, places = x.shape[-1], x.shape[2:-1]
    before = 0
    for axis, n_places in enumerate(places):
        size = (width - before) // (len(places) - axis)
        waves = F.pad(sinusoids(n_places, size, x), (before, width - before - size))
        x = x + waves.view(n_places, *[1] * (len(places) - axis - 1), width)
        before += size
    return x
