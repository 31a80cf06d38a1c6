"""What travels with the inputs of a batch through a network."""

from collections.abc import Callable
from dataclasses import dataclass, fields

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

    def mapped(self, function: Callable[[Tensor], Tensor]) -> "Given":
        """Return what a function makes of everything that is known."""
        if self is NOTHING:
            return self
        known = ((one.name, getattr(self, one.name)) for one in fields(self))
        return Given(**{name: function(value) for name, value in known if value is not None})


NOTHING = Given()
"""Nothing but the inputs: every row has weight one, and all of its places exist."""
