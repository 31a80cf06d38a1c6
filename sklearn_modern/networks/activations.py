"""Activation functions, and how large the weights before them start."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sklearn_modern.networks import rowwise

__all__ = ["ACTIVATIONS", "Activation"]


class Activation(NamedTuple):
    """An activation function and what it requires of the linear map before it.

    Attributes
    ----------
    function : callable
        Tensor -> tensor; works on the last axis.
    gain : float
        The map's weights start with standard deviation ``gain / sqrt(n_in)``, so that signals
        neither die out nor explode with depth.
    pieces : int
        The map is this many times wider than the activation's output.
    """

    function: Callable[[Tensor], Tensor]
    gain: float
    pieces: int = 1


def _identity(x):
    return x


def _maxout(x):
    return torch.maximum(*x.chunk(2, dim=-1))


_RECTIFIER_GAIN = 1 / math.sqrt(3.0)

ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(_identity, 1.0),
    "logistic": Activation(rowwise.sigmoid, 1.0),
    "tanh": Activation(torch.tanh, 5 / 3),
    "relu": Activation(torch.relu, _RECTIFIER_GAIN),
    "leaky_relu": Activation(F.leaky_relu, _RECTIFIER_GAIN),
    "elu": Activation(rowwise.elu, _RECTIFIER_GAIN),
    "selu": Activation(rowwise.selu, 1.0),
    "gelu": Activation(rowwise.gelu, _RECTIFIER_GAIN),
    "silu": Activation(rowwise.silu, _RECTIFIER_GAIN),
    "mish": Activation(rowwise.mish, _RECTIFIER_GAIN),
    # The larger of two standard normals has second moment 1, so that no correction is needed.
    "maxout": Activation(_maxout, 1.0, pieces=2),
}
"""Activations by name.

Rectifiers, and the smooth functions near them, start at torch's own scale for linear maps. It is
smaller than the sqrt(2) that would keep signals as large as they are, and generalises better on
small tables with the few layers that these need; tanh's 5/3 is the convention of
:func:`torch.nn.init.calculate_gain`; selu keeps mean 0 and variance 1 by itself at gain 1
(Klambauer et al. 2017).

References
----------
Klambauer, Unterthiner, Mayr, Hochreiter (2017), "Self-Normalizing Neural Networks", NeurIPS.

Goodfellow, Warde-Farley, Mirza, Courville, Bengio (2013), "Maxout Networks", ICML.
"""
