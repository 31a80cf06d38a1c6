"""What every body promises."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

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
    evaluation_rows : int
        Rows that are evaluated together, at the size of the fit: few enough for the activations to
        stay in a CPU's cache.
    padded : bool
        Whether a CPU predicts rows in whole blocks, which takes no time where rows are cheap. Other
        bodies treat rows alike by themselves.
    """

    n_features_out: int
    evaluation_rows: int = 8192
    padded: bool = True

    _frozen: Sequence[nn.Module] = ()
    _kept: Sequence[nn.Parameter] = ()

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

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row, or about as many."""
        return sum(parameter.numel() for parameter in self.parameters())

    def rows_together(self, x) -> int:
        """Return how many rows like those of ``x`` (rows, ...) are evaluated together."""
        return self.evaluation_rows

    def parts(self) -> list[nn.Module]:
        """Return the parts that :meth:`freeze` can keep, from the input on."""
        return list(self.children())

    def freeze(self, n_parts: int) -> None:
        """Keep the first parts as they are: neither weights nor statistics of batches change.

        What an earlier call has frozen is free again, unless it is among these parts. What was
        not to be trained before the first call never is.
        """
        self._keep(self.parts()[:n_parts])

    def train(self, mode: bool = True) -> "Body":
        """Go to training mode, except the frozen parts."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self

    def _keep(self, parts):
        for parameter in self._kept:
            parameter.requires_grad_(True)
        self._kept = [p for part in parts for p in part.parameters() if p.requires_grad]
        for parameter in self._kept:
            parameter.requires_grad_(False)
        self._frozen = parts
        self.train(self.training)
