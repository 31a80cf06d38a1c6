"""Networks that make signals, images and volumes of codes."""

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_modern.networks.base import Body
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.mlp import MLP
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.spatial_body import EVALUATED_VALUES
from sklearn_modern.networks.spatial_layers import ConvLayer, apart, beside
from sklearn_modern.networks.stages import Layers

__all__ = ["Enlarge", "Upsampling"]


class Enlarge(nn.Module):
    """Repeat pixels, so that (rows, channels, *spatial) has another spatial shape."""

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Let each pixel be that of the old array at the same place."""
        return F.interpolate(x, size=self.shape, mode="nearest")

    def extra_repr(self) -> str:
        """Show the shape when the network is printed."""
        return f"{self.shape}"


class Upsampling(Body):
    """A dense layer that makes a small array, then enlargements, each with a convolution.

    It goes through the resolutions of a :class:`~sklearn_modern.networks.convnet.ConvNet` the other
    way round. Repeated pixels and a convolution leave no checkerboard, unlike transposed
    convolutions [1]_. Codes are (members or 1, rows, n_codes), with labels a tuple of the codes and
    the labels (members or 1, rows, n_labels). Features are (members, rows, *spatial, width).

    Parameters
    ----------
    n_codes : int
        Width of a code.
    cardinalities : sequence of int
        Number of values of each label; empty where there are none.
    levels : sequence of (int, tuple of int)
        Width and spatial shape at each resolution, from the largest on.
    random : MemberRandom
        Where the initial weights come from; its length is the number of members.
    kernel_size : int, default=3
        Width of the kernels, odd.

    References
    ----------
    .. [1] Odena, Dumoulin, Olah (2016). Deconvolution and checkerboard artifacts. Distill.
    """

    takes_members = True
    members_apart = True

    def __init__(
        self,
        n_codes: int,
        cardinalities: Sequence[int],
        levels: Sequence[tuple[int, tuple[int, ...]]],
        random: MemberRandom,
        *,
        kernel_size: int = 3,
    ) -> None:
        super().__init__()
        self.random = random
        (width, shape), *larger = reversed(levels)
        self.first = width, *shape
        self.dense = MLP(n_codes, cardinalities, (math.prod(self.first),), random)
        blocks, once = [], (1,) * len(shape)
        self._products = self.dense.products // self.members
        self._values = widest = math.prod(self.first)
        for n_out, shape in larger:
            layer = ConvLayer(width, n_out, kernel_size, once, random)
            blocks += [Enlarge(shape), layer]
            n_pixels, width = math.prod(shape), n_out
            self._products += layer.conv.weight[0].numel() * n_pixels
            self._values += n_out * n_pixels
            widest = max(widest, layer.conv.weight.shape[2] * n_pixels)
        self.blocks, self.n_features_out = Layers(blocks), width
        self._rows_together = max(1, EVALUATED_VALUES // widest)

    def embed(self, x: Tensor | tuple[Tensor, Tensor], given: Given = NOTHING) -> Tensor:
        """Return codes and embedded labels side by side."""
        return self.dense.embed(x, given)

    def trunk(self, embedded: Tensor, given: Given = NOTHING) -> Tensor:
        """Map codes to features of pixels (members, rows, *spatial, n_features_out)."""
        small = self.dense.trunk(embedded, given).unflatten(2, self.first)
        x = self.blocks(beside(small, self.members), given)
        return apart(x, self.members).movedim(2, -1)

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row by all members."""
        return self._products * self.members

    @property
    def values(self) -> int:
        """Numbers that the layers of one member give for a row."""
        return self._values

    def rows_together(self, shape: Sequence[int] = ()) -> int:
        """Return how many rows to evaluate together."""
        return max(1, self._rows_together // self.members)
