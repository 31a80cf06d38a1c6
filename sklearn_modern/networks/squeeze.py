"""From the features of a row to its code."""

from torch import Tensor, nn

from sklearn_modern.networks.layers import Linear
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import by_blocks

__all__ = ["Squeeze"]

# Beside a straight way the features start at so much of their usual part of a code.
_START = 0.1


class Squeeze(nn.Module):
    """A linear map of a row's features to its code, beside which the row itself may go straight.

    With a straight way codes start as a nearly linear map of the row, which training bends. Codes
    that start from bent features alone are torn, or folded onto each other, more often in the end.

    Parameters
    ----------
    n_features : int
        Width of the features.
    n_inputs : int
        Width of an embedded row that goes straight; 0 if there is no such way.
    n_outputs : int
        Width of what is said of a code.
    random : MemberRandom
        Where the initial weights come from.
    """

    def __init__(
        self, n_features: int, n_inputs: int, n_outputs: int, random: MemberRandom
    ) -> None:
        super().__init__()
        self.n_outputs = n_outputs
        self.bent = Linear(n_features, n_outputs, random, _START if n_inputs else 1.0)
        self.straight = Linear(n_inputs, n_outputs, random, bias=False) if n_inputs else None

    def forward(self, features: Tensor, embedded: Tensor) -> Tensor:
        """Map features (members, rows, n_features) of embedded rows to (..., n_outputs)."""
        bent = by_blocks(self.bent, features)
        return bent if self.straight is None else bent + by_blocks(self.straight, embedded)
