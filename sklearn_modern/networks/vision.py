"""The vision transformer: attention between the patches of signals, images and volumes."""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_modern.networks.attention import POOLINGS, TransformerBlock
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.layers import LayerNorm, Linear
from sklearn_modern.networks.positions import with_positions
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.spatial_body import SpatialBody
from sklearn_modern.networks.spatial_layers import (
    ConvLayer,
    MaxPool,
    apart,
    beside,
    strided,
    strides,
)
from sklearn_modern.networks.stages import Layers

__all__ = ["PATCHES", "VisionTransformer"]

# Patches of "auto" are the smallest of which the input has at most so many.
_MOST_PATCHES = 64

# Convolutions before each pooling.
_CONVOLUTIONS = 2

# How many times wider than a patch the hidden layer of a block is.
_FEEDFORWARD_FACTOR = 2


class ConvolutionPatches(nn.Module):
    """Convolutions and poolings, as many as halve a patch to a pixel.

    Parameters
    ----------
    channels : int
        Of the input.
    width : int
        Width of a patch, as the last convolutions have it. Those before, at a higher resolution,
        have a quarter of it.
    patch : sequence of int
        Length of a patch along each spatial axis, a power of two.
    random : MemberRandom
        Where the initial weights come from.

    References
    ----------
    Hassani, Walton, Shah, Abuduweili, Li, Shi (2021), "Escaping the Big Data Paradigm with Compact
    Transformers", arXiv:2104.05704.
    """

    def __init__(
        self, channels: int, width: int, patch: Sequence[int], random: MemberRandom
    ) -> None:
        super().__init__()
        layers, once = [], (1,) * len(patch)
        n_stages = max(1, *(size.bit_length() - 1 for size in patch))
        for stage in range(n_stages):
            n_out = width if stage == n_stages - 1 else max(1, width // 4)
            for _ in range(_CONVOLUTIONS):
                layers.append(ConvLayer(channels, n_out, 3, once, random))
                channels = n_out
            layers.append(MaxPool(tuple(2 if size > 2**stage else 1 for size in patch)))
        self.layers = Layers(layers)
        self.members = len(random)

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Map (members or 1, rows, channels, *spatial) to (members, rows, *patches, width)."""
        x = self.layers(beside(x, self.members), given)
        return apart(x, self.members).movedim(2, -1)


class LinearPatches(nn.Module):
    """One linear map of all pixels of a patch; patches lie side by side.

    Parameters
    ----------
    channels, width, patch, random
        As for :class:`ConvolutionPatches`; patches may have any length. Those at the end are filled
        up with zeros.

    References
    ----------
    Dosovitskiy et al. (2021), "An Image is Worth 16x16 Words: Transformers for Image Recognition at
    Scale", ICLR.
    """

    def __init__(
        self, channels: int, width: int, patch: Sequence[int], random: MemberRandom
    ) -> None:
        super().__init__()
        self.patch = tuple(patch)
        self.linear = Linear(channels * math.prod(patch), width, random)

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Map (members or 1, rows, channels, *spatial) to (members, rows, *patches, width)."""
        sizes = zip(x.shape[3:], self.patch, strict=True)
        missing = [-length % size for length, size in sizes]
        x = F.pad(x, [n for extra in reversed(missing) for n in (0, extra)])
        for axis, size in enumerate(self.patch):  # those before have moved to the channels
            x = x.unflatten(3 + 2 * axis, (-1, size)).movedim(4 + 2 * axis, 2)
        return self.linear(x.flatten(2, 2 + len(self.patch)).movedim(2, -1))


PATCHES: dict[str, type[nn.Module]] = {"convolution": ConvolutionPatches, "linear": LinearPatches}
"""What makes patches of pixels, by name; all are made by (channels, width, patch, random)."""


class VisionTransformer(SpatialBody):
    """Patches of the input, transformer blocks over them, and a mean over all patches.

    Sines and cosines, added to the patches, say where they lie, so that inputs may have any size.

    Parameters
    ----------
    input_shape : sequence of int
        (channels, *spatial).
    random : MemberRandom
        Where initial weights and dropout masks come from; its length is the number of members.
    patch_size : int or "auto", default="auto"
        Length of a patch along each axis; with convolutional patches a power of two. "auto" is the
        smallest power of two from 2 on that makes at most 64 patches, and leaves axes alone that
        are shorter.
    patches : {"convolution", "linear"}, default="convolution"
        A key of ``PATCHES``.
    width : int, default=64
        Width of a patch in the blocks.
    depth : int, default=2
        Number of blocks.
    n_heads : int, default=4
        Number of attention heads, which divides the width.
    pooling : {"attention", "mean"}, default="attention"
        A key of :data:`sklearn_modern.networks.attention.POOLINGS`.
    dropout : float, default=0.0
        Probability with which a feature, or a number that a block adds, is dropped while training.
    mean, scale : array-like of shape (channels,) or None, default=None
        Statistics of the channels, to standardise them; None leaves the input as it is.
    dtype : torch.dtype, default=torch.float32
        Of the network.
    """

    packs = False  # layer normalisation of one member rounds otherwise than that of many

    def __init__(
        self,
        input_shape: Sequence[int],
        random: MemberRandom,
        *,
        patch_size: int | str = "auto",
        patches: str = "convolution",
        width: int = 64,
        depth: int = 2,
        n_heads: int = 4,
        pooling: str = "attention",
        dropout: float = 0.0,
        mean: np.ndarray | None = None,
        scale: np.ndarray | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(input_shape, random, dropout=dropout, mean=mean, scale=scale, dtype=dtype)
        channels, *shape = input_shape
        patch = _patch(patch_size, patches, shape)
        self.patches = PATCHES[patches](channels, width, patch, random)
        self.blocks = Layers(
            TransformerBlock(
                width,
                n_heads,
                random,
                dropout=dropout,
                feedforward_factor=_FEEDFORWARD_FACTOR,
            )
            for _ in range(depth)
        )
        self.pooling = Layers([LayerNorm(width, random), POOLINGS[pooling](width, random)])
        self.n_features_out = width
        self.to(dtype).measure(input_shape)

    def trunk(self, embedded: Tensor, given: Given = NOTHING) -> Tensor:
        """Cut patches, let them look at each other, and take the mean over them."""
        return self.dropout(self.pooling(self._attended(embedded, given).flatten(2, -2)))

    def patch_weights(self, x: Tensor) -> Tensor:
        """Tell how much each patch counts in the mean over all.

        Parameters
        ----------
        x : Tensor of shape (members or 1, rows, channels, *spatial)
            Images, as for :meth:`forward`.

        Returns
        -------
        Tensor of shape (members, rows, *patches)
            Weights that sum to 1 over the patches of an image.
        """
        norm, pooling = self.pooling
        attended = norm(self._attended(self.embed(x), NOTHING))
        weights = pooling.weights(attended.flatten(2, -2))
        return weights.expand(*attended.shape[:2], -1).unflatten(2, attended.shape[2:-1])

    def _attended(self, embedded, given):
        """Map embedded images to patches (members, rows, *patches, width)."""
        x = with_positions(self.patches(embedded, given))
        return self.blocks(x.flatten(2, -2)).unflatten(2, x.shape[2:-1])

    def parts(self) -> list[nn.Module]:
        """Return what makes patches, the blocks, and the normalisation with the pooling."""
        return [self.patches, *self.blocks, self.pooling]


def _patch(patch_size, patches, shape):
    """Return the length of a patch along each axis."""
    if patch_size == "auto":
        patch = strides(shape)
        while math.prod(strided(shape, patch)) > _MOST_PATCHES:
            sides = zip(patch, shape, strict=True)
            patch = tuple(2 * size if 2 * size <= length else size for size, length in sides)
        return patch
    if patch_size > min(shape):
        raise ValueError(
            f"patch_size={patch_size}, but an input of the spatial shape {tuple(shape)} is smaller "
            f"than a patch; it may be {min(shape)} at most."
        )
    if patches == "convolution" and patch_size.bit_count() > 1:
        raise ValueError(
            f'patch_size={patch_size} must be a power of two with patches="convolution", where '
            f'poolings halve the resolution; or take patches="linear".'
        )
    return (patch_size,) * len(shape)
