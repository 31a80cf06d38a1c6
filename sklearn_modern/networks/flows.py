"""Normalising flows: invertible maps of rows of numbers, with the determinants of their Jacobians.

Between the transforms of a flow, numbers are (members, columns, rows), as in
:mod:`sklearn_modern.networks.bijections`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sklearn_modern.networks.bijections import Affine, Bijection
from sklearn_modern.networks.conditioner import Conditioner, autoregressive_masks
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import column_sums, whole_blocks
from sklearn_modern.networks.splines import RationalQuadraticSpline

__all__ = ["FLOWS", "Autoregressive", "Coupling", "Flow", "Order", "Transform", "make_flow"]


class Transform(nn.Module, ABC):
    """An invertible map of (members, columns, rows), which may depend on a context.

    The context is (members, n_context, rows), or None.
    """

    @abstractmethod
    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return z, and log|det dz/dx| (members, rows), or None where that is zero."""

    @abstractmethod
    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return the x whose image is z."""


class Order(Transform):
    """Puts columns into another order.

    Parameters
    ----------
    order : sequence of int
        Column k of z is column ``order[k]`` of x.
    """

    def __init__(self, order: Sequence[int]) -> None:
        super().__init__()
        order = torch.as_tensor(order)
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("back", order.argsort(), persistent=False)

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, None]:
        """Return the columns in the new order; volumes stay."""
        return x.index_select(1, self.order), None

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return the columns in the old order."""
        return z.index_select(1, self.back)


class Coupling(Transform):
    """Changes the second half of the columns, in a way that the first half decides.

    As the first half is kept, the inverse knows it, too, and costs as much. The changed half of z
    comes first, so that the next coupling changes the other one.

    Parameters
    ----------
    n_columns, n_context : int
        How many columns, and how many numbers of a context.
    bijection : Bijection
        What is done to a column.
    hidden_layer_sizes : sequence of int
        Hidden units of the network that decides.
    random : MemberRandom
        Where initial weights and dropout masks come from; its length is the number of members.
    dropout : float, default=0.0
        Probability with which a hidden unit is dropped while training.

    References
    ----------
    Dinh, Sohl-Dickstein, Bengio (2017), "Density Estimation Using Real NVP", ICLR.
    """

    def __init__(
        self,
        n_columns: int,
        n_context: int,
        bijection: Bijection,
        hidden_layer_sizes: Sequence[int],
        random: MemberRandom,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.n_kept = n_columns // 2
        self.n_changed = n_columns - self.n_kept
        self.bijection = bijection
        self.conditioner = Conditioner(
            self.n_kept + n_context,
            bijection.n_parameters,
            self.n_changed,
            hidden_layer_sizes,
            random,
            dropout=dropout,
        )

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return z, and log|det dz/dx|."""
        kept, changed = x.split([self.n_kept, self.n_changed], dim=1)
        parameters = self.conditioner(_beside(kept, context))
        changed, log_slope = self.bijection.forward(changed, parameters)
        return torch.cat([changed, kept], dim=1), column_sums(log_slope)

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return the x whose image is z."""
        changed, kept = z.split([self.n_changed, self.n_kept], dim=1)
        parameters = self.conditioner(_beside(kept, context))
        return torch.cat([kept, self.bijection.inverse(changed, parameters)], dim=1)


class Autoregressive(Transform):
    """Changes each column in a way that the columns before it decide.

    So the Jacobian is triangular. One pass of a masked network decides for all columns of x, but
    the inverse knows a column only after those before it, and takes a pass for each.

    Parameters
    ----------
    n_columns, n_context, bijection, hidden_layer_sizes, random, dropout
        As for :class:`Coupling`.

    References
    ----------
    Papamakarios, Pavlakou, Murray (2017), "Masked Autoregressive Flow for Density Estimation",
    NeurIPS.

    Germain, Gregor, Murray, Larochelle (2015), "MADE: Masked Autoencoder for Distribution
    Estimation", ICML.
    """

    def __init__(
        self,
        n_columns: int,
        n_context: int,
        bijection: Bijection,
        hidden_layer_sizes: Sequence[int],
        random: MemberRandom,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.bijection = bijection
        n_parameters = bijection.n_parameters
        self.conditioner = Conditioner(
            n_columns + n_context,
            n_parameters,
            n_columns,
            hidden_layer_sizes,
            random,
            dropout=dropout,
            masks=autoregressive_masks(n_columns, n_context, n_parameters, hidden_layer_sizes),
        )

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return z, and log|det dz/dx|."""
        z, log_slope = self.bijection.forward(x, self.conditioner(_beside(x, context)))
        return z, column_sums(log_slope)

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return the x whose image is z."""
        x = torch.zeros_like(z)
        for column in range(z.shape[1]):
            parameters = self.conditioner.of_column(_beside(x, context), column)
            found = self.bijection.inverse(z[:, column : column + 1], parameters)
            x = torch.cat([x[:, :column], found, x[:, column + 1 :]], dim=1)
        return x


def _beside(x, context):
    return x if context is None else torch.cat([x, context.expand(len(x), -1, -1)], dim=1)


class Flow(nn.Module):
    """Transforms one after the other.

    Parameters
    ----------
    transforms : sequence of Transform
        In the order from x to z.
    random : MemberRandom
        Its length is the number of members.
    """

    def __init__(self, transforms: Sequence[Transform], random: MemberRandom) -> None:
        super().__init__()
        self.transforms = nn.ModuleList(transforms)
        self.random = random

    def forward(self, x: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Map numbers (members or 1, rows, columns) to z and log|det dz/dx|.

        The context is (members or 1, rows, n_context), or None. Of z the shape is (members, rows,
        columns), of the determinants (members, rows).
        """
        n_rows = x.shape[1]
        z, context = self._across(x), self._across(context)
        total = z.new_zeros(len(z), z.shape[2])
        for transform in self.transforms:
            z, log_det = transform(z, context)
            total = total if log_det is None else total + log_det
        return z.transpose(1, 2)[:, :n_rows], total[:, :n_rows]

    def inverse(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Map z (members or 1, rows, columns) to the numbers (members, rows, columns)."""
        n_rows = z.shape[1]
        x, context = self._across(z), self._across(context)
        for transform in reversed(self.transforms):
            x = transform.inverse(x, context)
        return x.transpose(1, 2)[:, :n_rows]

    def _across(self, values):
        """Lay (members or 1, rows, columns) out as (members, columns, rows)."""
        if values is None:
            return None
        columns = whole_blocks(values).transpose(1, 2).contiguous()
        return columns.expand(len(self.random), -1, -1)


FLOWS: dict[str, tuple[type[Transform], type[Bijection]]] = {
    "affine_coupling": (Coupling, Affine),
    "affine_autoregressive": (Autoregressive, Affine),
    "spline_coupling": (Coupling, RationalQuadraticSpline),
    "spline_autoregressive": (Autoregressive, RationalQuadraticSpline),
}
"""Which columns decide, and what is done to a column, by the names of flows."""


def make_flow(
    kind: str,
    n_columns: int,
    n_transforms: int,
    hidden_layer_sizes: Sequence[int],
    random: MemberRandom,
    *,
    n_context: int = 0,
    n_bins: int = 8,
    dropout: float = 0.0,
) -> Flow:
    """Make a flow of transforms of one kind.

    Parameters
    ----------
    kind : str
        A key of ``FLOWS``.
    n_columns : int
        How many columns.
    n_transforms : int
        How many transforms, not counting those of the order.
    hidden_layer_sizes : sequence of int
        Hidden units of each transform's network.
    random : MemberRandom
        Where initial weights and dropout masks come from; its length is the number of members.
    n_context : int, default=0
        How many numbers of a context.
    n_bins : int, default=8
        Bins of splines.
    dropout : float, default=0.0
        Probability with which a hidden unit is dropped while training.

    Returns
    -------
    Flow
        The flow.
    """
    structure, function = FLOWS[kind]
    bijection = function() if function is Affine else function(n_bins)
    transforms: list[Transform] = []
    for number in range(n_transforms):
        order = _order(structure, number, n_columns)
        if order != list(range(n_columns)):
            transforms.append(Order(order))
        sizes = n_columns, n_context, bijection, hidden_layer_sizes
        transforms.append(structure(*sizes, random, dropout))
    return Flow(transforms, random)


def _order(structure, number, n_columns):
    """Return the order in which a transform takes the columns as the one before has left them."""
    columns = list(range(n_columns))
    if number == 0:
        return columns
    if structure is Autoregressive:
        return columns[::-1]
    # Two couplings change both halves. Then columns are dealt out to two other halves.
    return columns if number % 2 else columns[::2] + columns[1::2]
