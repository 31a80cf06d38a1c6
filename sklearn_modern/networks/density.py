"""A network that gives densities: a flow, and what it depends on."""

import math

import torch
from torch import Tensor, nn

from sklearn_modern.networks.base import Body
from sklearn_modern.networks.flows import Flow
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.rowwise import column_sums

__all__ = ["DensityNetwork"]


class DensityNetwork(nn.Module):
    """The density of some numbers given others: a flow from the numbers to normal noise.

    Parameters
    ----------
    flow : Flow
        Its context are the features of the body.
    body : Body or None
        Takes what is given; None if nothing is.
    """

    def __init__(self, flow: Flow, body: Body | None) -> None:
        super().__init__()
        self.flow, self.body = flow, body

    def log_density(self, numbers: Tensor, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the logarithm of each member's density (members, rows).

        Parameters
        ----------
        numbers : Tensor of shape (members or 1, rows, columns)
            Where.
        x : Tensor or tuple of Tensor
            Inputs of the body.
        given : Given
            What else is known of the rows.
        """
        z, log_det = self.flow(numbers, self._context(x, given))
        squares = column_sums(z.transpose(1, 2).square())
        normal = torch.add(squares * -0.5, log_det)
        return normal - 0.5 * z.shape[2] * math.log(2.0 * math.pi)

    def numbers_of(self, noise: Tensor, x: Tensor) -> Tensor:
        """Turn normal noise (members, rows, columns) into numbers of the density."""
        return self.flow.inverse(noise, self._context(x, NOTHING))

    def _context(self, x, given):
        return None if self.body is None else self.body(x, given)
