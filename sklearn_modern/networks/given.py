"""What travels with the inputs of a batch through a network."""

from dataclasses import dataclass

from torch import Tensor

__all__ = ["NOTHING", "Given"]


@dataclass(frozen=True, slots=True)
class Given:
    """What is known about the rows of a batch besides their inputs.

    It goes through every layer and on to the loss. A layer reads what concerns it, and leaves the
    rest alone.

    Parameters
    ----------
    weight : Tensor of shape (members, rows) or None, default=None
        Sample weights, for layers that compute statistics of a batch. None is one for every row.
    mask : Tensor of bool of shape (members, rows, *places) or None, default=None
        Which places of a row exist, where rows differ in length. None is all of them.
    """

    weight: Tensor | None = None
    mask: Tensor | None = None


NOTHING = Given()
"""Nothing but the inputs: every row has weight one, and all of its places exist."""
