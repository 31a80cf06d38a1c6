"""Convolutional networks for signals, images and volumes."""

import math
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_modern.networks.alone import alone, ordered_gradient
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.mlp import HiddenLayer
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import by_blocks, pixel_means
from sklearn_modern.networks.spatial_body import SpatialBody
from sklearn_modern.networks.spatial_layers import (
    ConvLayer,
    MaxPool,
    apart,
    beside,
    strided,
    strides,
)
from sklearn_modern.networks.stages import (
    Layers,
    Stage,
    efficient_stage,
    lenet_stage,
    residual_stage,
    squeezing_stage,
    vgg_stage,
)

__all__ = ["ARCHITECTURES", "STEMS", "Architecture", "ConvNet"]


class Architecture(NamedTuple):
    """What defines a family of networks.

    Attributes
    ----------
    stage : callable
        Makes the blocks of a :class:`Stage`, and says how many channels they give.
    depth : tuple of int
        Default number of blocks of each stage.
    kernel_size : int
        Default width of the kernels.
    has_stem : bool
        Whether a convolution at full resolution comes before the first stage.
    halves_first : bool
        Whether the first stage halves the resolution, too.
    depth_rate : float
        Rate of stochastic depth of the last block; it grows from 0 in the first.
    dense : tuple of int
        Units of dense layers over all pixels, as multiples of the width; with none, the features
        are the means over the pixels, and the network takes inputs of any size.
    has_bottleneck : bool
        Whether its blocks may be bottlenecks.
    """

    stage: Callable[[Stage], tuple[list[nn.Module], int]]
    depth: tuple[int, ...]
    kernel_size: int = 3
    has_stem: bool = True
    halves_first: bool = False
    depth_rate: float = 0.0
    dense: tuple[int, ...] = ()
    has_bottleneck: bool = False


ARCHITECTURES: dict[str, Architecture] = {
    "lenet": Architecture(lenet_stage, (1, 1), 5, False, halves_first=True, dense=(8, 5)),
    "vgg": Architecture(vgg_stage, (2, 2, 2), has_stem=False),
    "resnet": Architecture(residual_stage, (1, 1, 1), has_bottleneck=True),
    "se_resnet": Architecture(squeezing_stage, (1, 1, 1), has_bottleneck=True),
    "efficientnetv2": Architecture(efficient_stage, (1, 2, 2), depth_rate=0.1),
}
"""Families of networks by name."""

STEMS = ("auto", "small", "large")

# Longest axis that the "auto" stem leaves at full resolution.
_LONGEST = 64


class ConvNet(SpatialBody):
    """Convolutions over one, two or three spatial axes, then the mean over all pixels, or all.

    Parameters
    ----------
    input_shape : sequence of int
        (channels, *spatial).
    random : MemberRandom
        Where initial weights and dropout masks come from; its length is the number of members.
    architecture : str, default="resnet"
        A key of ``ARCHITECTURES``.
    width : int, default=16
        Channels of the first stage; each further stage has twice as many.
    depth : int, sequence of int or None, default=None
        Number of stages, or the number of blocks of each. Each stage after the first halves the
        resolution. None is what the architecture has, and leaves axes alone that have shrunk to 1.
    kernel_size : int or None, default=None
        Width of kernels, odd; None is what the architecture has.
    stem : {"auto", "small", "large"}, default="auto"
        What comes before the first stage: a convolution at full resolution, where the architecture
        has one, or one of width 7 and a pooling, which quarter the resolution; "auto" is large if
        an axis is longer than 64.
    dropout : float, default=0.0
        Probability with which a feature is dropped while training.
    bottleneck : bool, default=False
        Whether the blocks of residual networks narrow before they convolve.
    pooled : bool, default=True
        Whether the features are means over the pixels that the last stage leaves. Otherwise they
        are all of its values, which say where things are; then rows have the size of the fit.
    mean, scale : array-like of shape (channels,) or None, default=None
        Statistics of the channels, to standardise them; None leaves the input as it is.
    dtype : torch.dtype, default=torch.float32
        Of the network.

    Attributes
    ----------
    levels : list of (int, tuple of int)
        Width and spatial shape of the network at each resolution, from that of the input on.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        random: MemberRandom,
        *,
        architecture: str = "resnet",
        width: int = 16,
        depth: int | Sequence[int] | None = None,
        kernel_size: int | None = None,
        stem: str = "auto",
        dropout: float = 0.0,
        bottleneck: bool = False,
        pooled: bool = True,
        mean: np.ndarray | None = None,
        scale: np.ndarray | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(input_shape, random, dropout=dropout, mean=mean, scale=scale, dtype=dtype)
        family = ARCHITECTURES[architecture]
        if bottleneck and not family.has_bottleneck:
            known = [name for name, other in ARCHITECTURES.items() if other.has_bottleneck]
            raise ValueError(
                f"bottleneck=True is for the architectures {', '.join(known)}, but "
                f"architecture={architecture!r}."
            )
        channels, *shape = input_shape
        kernel_size = kernel_size or family.kernel_size
        large = stem == "large" or (stem == "auto" and max(shape) > _LONGEST)
        depths = _depths(family, depth)
        if depth is not None:
            _check_depth(depth, len(depths) - 1 + family.halves_first + 2 * large, shape, large)
        self.levels = [(width, tuple(shape))]
        blocks, n_channels, shape = _stem(
            family, channels, width, shape, large, kernel_size, random, self.levels
        )
        rates = np.linspace(0.0, family.depth_rate, sum(depths)).tolist()
        for index, n_blocks in enumerate(depths):
            halves = index > 0 or family.halves_first
            stride = strides(shape) if halves else (1,) * len(shape)
            made, n_channels = family.stage(
                Stage(
                    n_in=n_channels,
                    width=width * 2**index,
                    stride=stride,
                    rates=rates[sum(depths[:index]) :][:n_blocks],
                    index=index,
                    n_stages=len(depths),
                    kernel_size=kernel_size,
                    bottleneck=bottleneck,
                    random=random,
                )
            )
            blocks += made
            shape = strided(shape, stride)
            _add_level(self.levels, width * 2**index, shape)
        self.blocks = Layers(blocks)
        self.pooled = pooled and not family.dense
        if not self.pooled:
            n_channels *= math.prod(shape)
        self.dense = Layers()
        for multiple in family.dense:
            n_units = multiple * width
            self.dense.append(HiddenLayer(n_channels, n_units, random, "relu", 0.0, None))
            n_channels = n_units
        self.n_features_out = n_channels
        self.any_size = self.pooled
        self.to(dtype).measure(input_shape)

    def trunk(self, embedded: Tensor, given: Given = NOTHING) -> Tensor:
        """Apply the blocks, and take the mean over the pixels."""
        x = beside(embedded, self.members)
        x = ordered_gradient(self.blocks(x, given))
        if not self.pooled:
            pixels = apart(x.flatten(2), self.members).flatten(2)
            x = by_blocks(lambda x: self.dense(x, given), pixels)
        else:
            x = apart(alone(pixel_means, self.members, x), self.members)
        return self.dropout(x)

    def parts(self) -> list[nn.Module]:
        """Return the stem, the blocks and the dense layers; pooling has nothing to keep."""
        return [block for block in self.blocks if not isinstance(block, MaxPool)] + [*self.dense]


def _depths(family, depth):
    if depth is None:
        return family.depth
    if _is_count(depth):
        n_stages = max(depth, 0)
        depths = (*family.depth, *[family.depth[-1]] * n_stages)[:n_stages]
    else:
        depths = () if isinstance(depth, bool) else tuple(depth)
    if not depths or any(not _is_count(n) or n < 1 for n in depths):
        raise ValueError(
            f"depth={depth!r} must be a number of stages, or the number of blocks of each stage; "
            "none of them less than 1."
        )
    return depths


def _is_count(value):
    return isinstance(value, Integral) and not isinstance(value, bool)


def _check_depth(depth, n_halvings, shape, large):
    """Refuse a depth that would halve an axis which has shrunk to 1."""
    room = min(((size - 1).bit_length() for size in shape if size > 1), default=n_halvings)
    if n_halvings <= room:
        return
    n_stages = n_halvings - room - 2 * large
    remedies = ['take stem="small"'] if large else []
    if n_stages > 0:
        remedies.append(f"lower depth by {_counted(n_stages, 'stage')}")
    stem = ", two of them in the large stem" if large else ""
    raise ValueError(
        f"depth={depth!r} halves each axis {_counted(n_halvings, 'time')}{stem}, but an input of "
        f"the spatial shape {tuple(shape)} can be halved {_counted(room, 'time')}; "
        f"{' and '.join(remedies)}, or leave depth at None."
    )


def _counted(n, noun):
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _add_level(levels, width, shape):
    """Note the width at a resolution, which is that of the last layer there."""
    if tuple(shape) == levels[-1][1]:
        levels.pop()
    levels.append((width, tuple(shape)))


def _stem(family, channels, width, shape, large, kernel_size, random, levels):
    """Make what comes before the first stage; return it, its channels and the shape it leaves."""
    if not large:
        if not family.has_stem:
            return [], channels, shape
        return [ConvLayer(channels, width, kernel_size, (1,) * len(shape), random)], width, shape
    layers = []
    first = strides(shape)
    layers.append(ConvLayer(channels, width, 7, first, random))
    shape = strided(shape, first)
    _add_level(levels, width, shape)
    second = strides(shape)
    shape = strided(shape, second)
    _add_level(levels, width, shape)
    return [*layers, MaxPool(second)], width, shape
