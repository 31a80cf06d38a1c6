"""Fit a density by maximum likelihood."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sklearn_modern.networks.density import DensityNetwork
from sklearn_modern.training.objective import Modules, Objective, Steps
from sklearn_modern.training.sources import Batch

__all__ = ["Density"]


class Density(Objective):
    """Maximise the likelihood of numbers, given what the inputs say.

    Targets of a row are its scaled numbers and, in a last column, the logarithm of the determinant
    of the scaling's Jacobian; so losses are those of numbers in their own units.

    Parameters
    ----------
    network : DensityNetwork
        What gives the density.
    """

    def __init__(self, network: DensityNetwork) -> None:
        self.modules = {"module": network}

    def steps(self, modules: Modules, batch: Batch) -> Steps:
        """Yield minus the log-densities."""
        yield ("module",), -(self.outputs(modules, batch) + batch.y[..., -1])

    def outputs(self, modules: Modules, batch: Batch) -> Tensor:
        """Return the log-densities of scaled numbers, by each member (members, rows)."""
        return modules["module"].log_density(batch.y[..., :-1], batch.x, batch.given)

    def decode(self, outputs: Tensor) -> Tensor:
        """Return the log-densities of all members (rows, members)."""
        return outputs.transpose(0, 1)

    def rows_together(self, shape: Sequence[int] = ()) -> int:
        """Return how many rows to evaluate together: splines need much for each."""
        return 1024

    def draw(self, noise: Tensor, x: Tensor) -> Tensor:
        """Turn normal noise (members, rows, columns) into scaled numbers."""
        with torch.inference_mode():
            return self.modules["module"].eval().numbers_of(noise, x)
