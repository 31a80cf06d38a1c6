"""A network that says how noise moves to become images: a small U."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_modern.networks.alone import alone
from sklearn_modern.networks.embeddings import CategoryEmbedding
from sklearn_modern.networks.layers import Layer, Linear
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import silu
from sklearn_modern.networks.spatial_body import EVALUATED_VALUES, Standardize
from sklearn_modern.networks.spatial_layers import Conv, apart, beside, strided, strides
from sklearn_modern.networks.velocity import TIME_FEATURES, Velocity, time_features

__all__ = ["ImageVelocity"]

# Channels that are normalised together.
_GROUP = 8


class GroupNorm(Layer):
    """Centre and scale groups of an image's channels, whatever images are beside it.

    Parameters
    ----------
    n_units : int
        Channels of a member.
    random : MemberRandom
        Gives the number of members; nothing is drawn.

    References
    ----------
    Wu, He (2018). Group normalization. ECCV.
    """

    def __init__(self, n_units: int, random: MemberRandom) -> None:
        super().__init__()
        self.size = _GROUP if n_units % _GROUP == 0 else n_units
        self.gain = nn.Parameter(torch.ones(len(random), n_units))
        self.bias = nn.Parameter(torch.zeros(len(random), n_units))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (rows, members * units, *spatial)."""
        own = self.gain.flatten(), self.bias.flatten()
        return alone(_normalised, len(self.gain), x, *own, settings=(self.size,))


def _normalised(x, gain, bias, size):
    return F.group_norm(x, x.shape[1] // size, gain, bias)


class Residual(nn.Module):
    """Two convolutions beside a way around them, steered by what is known of an image.

    Parameters
    ----------
    n_in, n_out : int
        Channels of a member.
    n_known : int
        Width of what is known of each image.
    n_spatial : int
        Number of spatial axes.
    random : MemberRandom
        Where the initial weights come from.
    """

    def __init__(
        self, n_in: int, n_out: int, n_known: int, n_spatial: int, random: MemberRandom
    ) -> None:
        super().__init__()
        once = (1,) * n_spatial
        self.norm, self.again = GroupNorm(n_in, random), GroupNorm(n_out, random)
        self.conv = Conv(n_in, n_out, 3, once, random)
        self.last = Conv(n_out, n_out, 3, once, random)
        self.steer = Linear(n_known, 2 * n_out, random)
        self.around = Conv(n_in, n_out, 1, once, random) if n_in != n_out else nn.Identity()
        nn.init.zeros_(self.last.weight)  # so that a deep network starts as a shallow one
        nn.init.zeros_(self.steer.weight)
        nn.init.zeros_(self.steer.bias)

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        """Map (rows, members * n_in, *spatial), given (members, rows, n_known)."""
        inside = self.conv(silu(self.norm(x)))
        scale, shift = (_beside_pixels(part, x.ndim) for part in self.steer(known).chunk(2, -1))
        inside = self.again(inside) * (1.0 + scale) + shift
        return self.around(x) + self.last(silu(inside))


def _beside_pixels(known, n_axes):
    """Bring (members, rows, n) to (rows, members * n, 1, ...)."""
    flat = known.transpose(0, 1).flatten(1)
    return flat.view(*flat.shape, *[1] * (n_axes - 2))


class ImageVelocity(Velocity):
    """The velocity of images at a time between 0 and 1, which may depend on labels.

    A U: resolutions are halved, and on the way back up each level sees what was there on the way
    down [1]_.

    Parameters
    ----------
    input_shape : sequence of int
        (channels, *spatial).
    n_labels : int
        How many labels there are; 0 without labels.
    width : int
        Channels at the full resolution; each further level has twice as many.
    depth : int
        Number of resolutions.
    random : MemberRandom
        Where the initial weights come from; its length is the number of members.
    mean, scale : ndarray of shape (channels,)
        Of :class:`~sklearn_modern.networks.spatial_body.Standardize`.
    dtype : torch.dtype
        Of the network.

    References
    ----------
    .. [1] Ronneberger, Fischer, Brox (2015). U-Net: convolutional networks for biomedical image
       segmentation. MICCAI.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        n_labels: int,
        width: int,
        depth: int,
        random: MemberRandom,
        *,
        mean: np.ndarray,
        scale: np.ndarray,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        n_channels, *shape = input_shape
        self.n_members, n_spatial, n_known = len(random), len(shape), 4 * width
        self.standardize = Standardize(mean, scale, n_spatial, len(random), dtype)
        self.labels = CategoryEmbedding([n_labels], random) if n_labels else None
        n_labels = self.labels.n_out if n_labels else 0
        self.known = Linear(TIME_FEATURES + n_labels, n_known, random)
        once = (1,) * n_spatial
        self.first = Conv(n_channels, width, 3, once, random)
        widths = [width * 2**level for level in range(depth)]
        self.down, self.smaller, self.up = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        self._products = 0
        for level, n in enumerate(widths):
            if level:
                self.smaller.append(Conv(widths[level - 1], n, 3, strides(shape), random))
                shape = strided(shape, strides(shape))
            self.down.append(Residual(n, n, n_known, n_spatial, random))
            if level < depth - 1:
                self.up.append(Residual(3 * n, n, n_known, n_spatial, random))
            pixels = int(np.prod(shape))
            self._products += (18 + 36 * (level < depth - 1)) * n * n * pixels
        self.norm, self.last = GroupNorm(width, random), Conv(width, n_channels, 3, once, random)
        nn.init.zeros_(self.last.weight)
        pixels = int(np.prod(input_shape[1:]))
        self._values = 3 * width * pixels * len(random)

    def forward(self, rows: Tensor, time: Tensor, labels: Tensor) -> Tensor:
        """Return velocities (members, rows, channels, *spatial)."""
        known = time_features(time)
        if self.labels is not None:
            known = torch.cat([known, self.labels(labels.expand(len(rows), -1, -1))], dim=-1)
        known = silu(self.known(known))
        x, kept = self.first(beside(rows, len(rows))), []
        for level, block in enumerate(self.down):
            x = block(self.smaller[level - 1](x) if level else x, known)
            kept.append(x)
        for block, before in zip(reversed(self.up), reversed(kept[:-1]), strict=True):
            larger = F.interpolate(x, size=before.shape[2:], mode="nearest")
            x = block(_joined(larger, before, len(rows)), known)
        return apart(self.last(silu(self.norm(x))), len(rows))

    def seen(self, rows: Tensor) -> Tensor:
        """Return images as the network sees them: standardised."""
        return self.standardize(rows)

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row by all members, or about as many."""
        return self._products * self.n_members

    @property
    def rows_together(self) -> int:
        """How many rows to evaluate together."""
        return max(1, EVALUATED_VALUES // self._values)


def _joined(x, other, members):
    """Put each member's channels of one beside its own of the other."""
    both = [part.unflatten(1, (members, -1)) for part in (x, other)]
    return torch.cat(both, dim=2).flatten(1, 2)
