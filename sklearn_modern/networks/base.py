"""What every body promises."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

__all__ = ["Body"]


class Body(nn.Module, ABC):
    """Map inputs to features; the head on top gives the features a meaning.

    Everything a body takes and gives has a leading axis of members, networks of one shape that
    train side by side. An input's member axis may have length 1: then all see the same rows.

    Attributes
    ----------
    n_features_out : int
        Width of the features.
    """

    n_features_out: int

    @abstractmethod
    def embed(self, x) -> Tensor:
        """Make the inputs dense numbers (members, rows, ...), which mixup may mix."""

    @abstractmethod
    def trunk(self, embedded: Tensor, weight: Tensor | None = None) -> Tensor:
        """Map embedded inputs to features (members, rows, n_features_out).

        ``weight`` (members, rows) is for layers that compute statistics of a batch; None is one for
        every row.
        """

    def forward(self, x, weight: Tensor | None = None) -> Tensor:
        """Map inputs to features (members, rows, n_features_out)."""
        return self.trunk(self.embed(x), weight)
