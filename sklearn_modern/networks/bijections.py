"""Increasing functions of one number, whose parameters a network gives.

Numbers are (members, columns, rows) here, and parameters (members, n_parameters, columns, rows):
with the rows along the last axis, a CPU takes a twentieth of the time for a softmax over the bins
of a spline.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

__all__ = ["Affine", "Bijection"]


class Bijection(ABC):
    """An increasing function of one number; with parameters of zero it is the identity.

    Attributes
    ----------
    n_parameters : int
        How many numbers say which function it is.
    """

    n_parameters: int

    @abstractmethod
    def forward(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Return the values at x, and the logarithms of the slopes there."""

    @abstractmethod
    def inverse(self, z: Tensor, parameters: Tensor) -> Tensor:
        """Return where the values are z."""


class Affine(Bijection):
    r"""A straight line, :math:`z = e^s x + t`.

    A network may give any number for :math:`s`, which is squeezed into (-5, 5): so a step that goes
    too far can be taken back.
    """

    n_parameters = 2
    _steepest = 5.0

    def forward(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Return the values at x, and the logarithms of the slopes there."""
        log_slope, shift = self._line(parameters)
        return torch.addcmul(shift, x, log_slope.exp()), log_slope

    def inverse(self, z: Tensor, parameters: Tensor) -> Tensor:
        """Return where the values are z."""
        log_slope, shift = self._line(parameters)
        return (z - shift) * torch.exp(-log_slope)

    def _line(self, parameters):
        free, shift = parameters.unbind(1)
        return free / (1.0 + free.abs() / self._steepest), shift
