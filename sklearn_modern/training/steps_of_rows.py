"""What objectives share that predict the steps of rows one by one."""

from abc import ABC
from collections.abc import Mapping

from torch import nn

from sklearn_modern.training.objective import Objective

__all__ = ["StepObjective"]


class StepObjective(Objective, ABC):
    """Predict the steps of rows by one network, which has one learning rate.

    Attributes
    ----------
    rate : float
        Learning rate of body and head, as a multiple of the common one.
    mean_length : float
        Mean number of the steps of a training row that are predicted.
    """

    rate: float
    mean_length: float

    @property
    def rates(self) -> Mapping[str, Mapping[nn.Module, float]]:
        """The learning rates of body and head."""
        network = self.modules["module"]
        return {"module": {network.body: self.rate, network.head: self.rate}}

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of a row of mean length."""
        network = self.modules["module"]
        head = sum(p.numel() for p in network.head.parameters())
        return network.body.products + round(head * self.mean_length)
