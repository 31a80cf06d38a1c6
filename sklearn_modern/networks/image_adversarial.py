"""Networks that make images of noise, and that tell made images from real ones."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_modern.networks.layers import Linear
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.spatial_body import EVALUATED_VALUES, Standardize
from sklearn_modern.networks.spatial_layers import Conv, apart, beside, strided, strides
from sklearn_modern.networks.upsampling import Upsampling

__all__ = ["ImageCritic", "ImageGenerator", "levels_of"]

_SLOPE = 0.2


def levels_of(shape: Sequence[int], width: int, depth: int) -> list[tuple[int, tuple[int, ...]]]:
    """Return width and spatial shape at each resolution, each half of the one before."""
    levels = []
    for level in range(depth):
        levels.append((width * 2**level, tuple(shape)))
        shape = strided(shape, strides(shape))
    return levels


class ImageGenerator(nn.Module):
    """Make images of normal noise: a dense layer, then enlargements, each with a convolution.

    Parameters
    ----------
    n_latent : int
        Numbers of noise that an image is made of.
    input_shape : sequence of int
        (channels, *spatial).
    n_labels : int
        How many labels there are; 0 without labels.
    width, depth : int
        Channels at the full resolution, of which each further one has twice as many, and the number
        of resolutions.
    random : MemberRandom
        Where initial weights come from.
    low, high : ndarray of shape (channels,)
        The range of standardised pixels.
    dtype : torch.dtype
        Of the network.

    References
    ----------
    Radford, Metz, Chintala (2016). Unsupervised representation learning with deep convolutional
    generative adversarial networks. ICLR.
    """

    def __init__(
        self,
        n_latent: int,
        input_shape: Sequence[int],
        n_labels: int,
        width: int,
        depth: int,
        random: MemberRandom,
        *,
        low: np.ndarray,
        high: np.ndarray,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        n_channels, *shape = input_shape
        labels = [n_labels] if n_labels else []
        self.n_noise = n_latent
        self.body = Upsampling(n_latent, labels, levels_of(shape, width, depth), random)
        self.last = Conv(self.body.n_features_out, n_channels, 3, (1,) * len(shape), random)
        for name, values in (("middle", (high + low) / 2), ("reach", (high - low) / 2)):
            pixels = torch.as_tensor(values, dtype=dtype).view(1, 1, -1, *[1] * len(shape))
            self.register_buffer(name, pixels.repeat(len(random), *[1] * (pixels.ndim - 1)))

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Make images (members, rows, channels, *spatial) of noise (members, rows, n_noise)."""
        x = (noise, labels.expand(len(noise), -1, -1)) if labels.shape[-1] else noise
        features = beside(self.body(x).movedim(-1, 2), len(noise))
        found = apart(self.last(features), len(noise))
        return torch.addcmul(self.middle, self.reach, torch.tanh(found))

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row by all members, or about as many."""
        return self.body.products


class ImageCritic(nn.Module):
    r"""Score images, which may have labels, by convolutions that halve the resolution.

    With features :math:`f(x)` and a vector :math:`e_y` for each label the score is
    :math:`w^T f(x) + e_y^T f(x)` [1]_. There is no normalisation over a batch, as a score must not
    depend on other images.

    Parameters
    ----------
    input_shape, n_labels, width, depth, random, dtype
        As for :class:`ImageGenerator`.
    mean, scale : ndarray of shape (channels,)
        Of :class:`~sklearn_modern.networks.spatial_body.Standardize`.

    References
    ----------
    .. [1] Miyato, Koyama (2018). cGANs with projection discriminator. ICLR.
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
        self.standardize = Standardize(mean, scale, len(shape), len(random), dtype)
        once, self._products, self._values, layers = (1,) * len(shape), 0, 0, []
        for n_out, size in levels_of(shape, width, depth):
            step = strides(shape) if layers else once
            layers.append(Conv(n_channels, n_out, 3, step, random))
            n_pixels, n_channels, shape = int(np.prod(size)), n_out, size
            self._products += layers[-1].weight.numel() * n_pixels
            self._values = max(self._values, n_out * n_pixels * len(random))
        self.layers, n_features = nn.ModuleList(layers), n_channels * n_pixels
        self.last = Linear(n_features, 1, random)
        self.labels = nn.ParameterList()
        if n_labels:
            self.labels.append(torch.zeros(len(random), n_labels, n_features))

    def forward(self, rows: Tensor, labels: Tensor) -> Tensor:
        """Return scores (members, rows)."""
        members, x = len(rows), beside(rows, len(rows))
        for layer in self.layers:
            x = F.leaky_relu(layer(x), _SLOPE)
        features = apart(x, members).flatten(2)
        scores = self.last(features).squeeze(-1)
        for vectors in self.labels:
            codes = labels.expand(members, -1, -1).expand(-1, -1, vectors.shape[-1])
            scores = scores + (vectors.gather(1, codes) * features).sum(-1)
        return scores

    def seen(self, rows: Tensor) -> Tensor:
        """Return images as the networks see them: standardised."""
        return self.standardize(rows)

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row by all members."""
        return self._products

    def rows_together(self, shape: Sequence[int] = ()) -> int:
        """Return how many rows to evaluate together."""
        return max(1, EVALUATED_VALUES // self._values)
