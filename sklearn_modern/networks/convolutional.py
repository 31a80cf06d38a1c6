"""Convolutional networks for signals, images and volumes."""

import math
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_modern.networks.base import Body
from sklearn_modern.networks.convolution import Conv, ConvLayer, MaxPool, beside, strided, strides
from sklearn_modern.networks.convolutional_blocks import (
    Layers,
    Stage,
    efficient_stage,
    lenet_stage,
    residual_stage,
    squeezing_stage,
    vgg_stage,
)
from sklearn_modern.networks.layers import Dropout, Linear
from sklearn_modern.networks.mlp import HiddenLayer
from sklearn_modern.networks.random import MemberRandom

__all__ = ["ARCHITECTURES", "STEMS", "Architecture", "ConvNet", "Standardize"]


class Architecture(NamedTuple):
    """What sets one family of networks apart.

    Attributes
    ----------
    stage : callable
        Makes the blocks of a :class:`Stage`, and says how many channels they give.
    depth : tuple of int
        Blocks of each stage if nothing else is asked for.
    kernel_size : int
        Width of kernels if nothing else is asked for.
    has_stem : bool
        Whether a convolution at full resolution comes before the first stage.
    halves_first : bool
        Whether the first stage halves the resolution, too.
    depth_rate : float
        Rate of stochastic depth of the last block; it grows from 0 in the first.
    dense : tuple of int
        Units of dense layers over all pixels, as multiples of the width; with none, the features
        are the means over the pixels, and the network takes inputs of any size.
    """

    stage: Callable[[Stage], tuple[list[nn.Module], int]]
    depth: tuple[int, ...]
    kernel_size: int = 3
    has_stem: bool = True
    halves_first: bool = False
    depth_rate: float = 0.0
    dense: tuple[int, ...] = ()


ARCHITECTURES: dict[str, Architecture] = {
    "lenet": Architecture(lenet_stage, (1, 1), 5, False, halves_first=True, dense=(8, 5)),
    "vgg": Architecture(vgg_stage, (2, 2, 2), has_stem=False),
    "resnet": Architecture(residual_stage, (1, 1, 1)),
    "se_resnet": Architecture(squeezing_stage, (1, 1, 1)),
    "efficientnetv2": Architecture(efficient_stage, (1, 2, 2), depth_rate=0.1),
}
"""Families of networks by name."""

STEMS = ("auto", "small", "large")

# Longest axis that the "auto" stem leaves at full resolution.
_LONGEST = 64

# Values of the widest activation of rows that are evaluated together.
_EVALUATED_VALUES = 2**21

_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


class Standardize(nn.Module):
    """Bring each channel to mean 0 and variance 1, as they were in the fit.

    Parameters
    ----------
    mean, scale : ndarray of shape (channels,)
        What is subtracted, and by what the difference is divided.
    n_spatial : int
        Number of spatial axes.
    members : int
        Number of members, which all do the same.
    """

    def __init__(self, mean: np.ndarray, scale: np.ndarray, n_spatial: int, members: int) -> None:
        super().__init__()
        shape = (members, 1, len(mean), *[1] * n_spatial)
        for name, values in (("mean", mean), ("factor", 1.0 / scale)):
            values = torch.as_tensor(values, dtype=torch.float32).view(1, *shape[1:])
            self.register_buffer(name, values.repeat(members, *[1] * (len(shape) - 1)))

    def forward(self, x: Tensor) -> Tensor:
        """Map (members or 1, rows, channels, *spatial) of any type to floats."""
        return (x.to(self.mean.dtype) - self.mean) * self.factor


class ConvNet(Body):
    """Convolutions over one, two or three spatial axes, then the mean over all pixels.

    The input is (members or 1, rows, channels, *spatial), of any type of number.

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
    mean, scale : array-like of shape (channels,) or None, default=None
        Of :class:`Standardize`; None leaves the input as it is.
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
        mean: np.ndarray | None = None,
        scale: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        family = ARCHITECTURES[architecture]
        channels, *shape = input_shape
        mean = np.zeros(channels) if mean is None else mean
        scale = np.ones(channels) if scale is None else scale
        self.members = len(random)
        self.standardize = Standardize(mean, scale, len(shape), self.members)
        kernel_size = kernel_size or family.kernel_size
        large = stem == "large" or (stem == "auto" and max(shape) > _LONGEST)
        depths = _depths(family, depth)
        if depth is not None:
            _check_depth(depth, len(depths) - 1 + family.halves_first + 2 * large, shape, large)
        blocks, n_channels, shape = _stem(
            family, channels, width, shape, large, kernel_size, random
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
        self.blocks = Layers(blocks)
        if family.dense:
            n_channels *= math.prod(shape)
        self.dense = Layers()
        for multiple in family.dense:
            n_units = multiple * width
            self.dense.append(HiddenLayer(n_channels, n_units, random, "relu", 0.0, None))
            n_channels = n_units
        self.dropout = Dropout(dropout, random)
        self.n_features_out = n_channels
        self._measure(input_shape)

    def embed(self, x: Tensor) -> Tensor:
        """Return the standardised pixels."""
        return self.standardize(x)

    def trunk(self, embedded: Tensor, weight: Tensor | None = None) -> Tensor:
        """Apply the blocks, and take the mean over the pixels."""
        x = beside(embedded, self.members)
        if x.ndim in _CHANNELS_LAST:
            # The kernels are fastest in this order. A single channel is in both orders at once,
            # and only a clone has the strides by which they recognise this one.
            x = x.clone(memory_format=_CHANNELS_LAST[x.ndim])
        x = self.blocks(x, weight).flatten(2).unflatten(1, (self.members, -1)).transpose(0, 1)
        x = self.dense(x.flatten(2), weight) if len(self.dense) else x.mean(3)
        return self.dropout(x)

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row, at the size of the fit."""
        return self._products

    def parts(self) -> list[nn.Module]:
        """Return the stem, the blocks and the dense layers."""
        return [*self.blocks, *self.dense]

    def _measure(self, input_shape):
        """Count the products of a row, and the rows whose evaluation needs little memory."""
        products = widest = 0

        def watch(module, args, output):
            nonlocal products, widest
            # A convolution has its weights once a pixel of the output.
            n_pixels = math.prod(output.shape[2:]) if isinstance(module, Conv) else 1
            products += module.weight.numel() * n_pixels
            widest = max(widest, output.numel())

        watched = [module for module in self.modules() if isinstance(module, (Conv, Linear))]
        hooks = [module.register_forward_hook(watch) for module in watched]
        self.eval()
        with torch.no_grad():
            self(torch.zeros(1, 1, *input_shape))
        self.train()
        for hook in hooks:
            hook.remove()
        self._products = products
        self.evaluation_rows = max(1, _EVALUATED_VALUES // widest)


def _depths(family, depth):
    if depth is None:
        return family.depth
    if isinstance(depth, Integral):
        n_stages = max(depth, 0)
        depths = (*family.depth, *[family.depth[-1]] * n_stages)[:n_stages]
    else:
        depths = tuple(depth)
    if not depths or any(not isinstance(n, Integral) or n < 1 for n in depths):
        raise ValueError(
            f"depth={depth!r} must be a number of stages, or the number of blocks of each stage; "
            "none of them less than 1."
        )
    return depths


def _check_depth(depth, n_halvings, shape, large):
    """Refuse a depth that would halve an axis which has shrunk to 1."""
    room = min(((size - 1).bit_length() for size in shape if size > 1), default=n_halvings)
    if n_halvings > room:
        stem = ", two of them in the large stem" if large else ""
        raise ValueError(
            f"depth={depth!r} halves each axis {n_halvings} times{stem}, but an input of the "
            f"spatial shape {tuple(shape)} can be halved {room} times; lower depth by "
            f"{n_halvings - room} stages, or leave it at None."
        )


def _stem(family, channels, width, shape, large, kernel_size, random):
    """Make what comes before the first stage; return it, its channels and the shape it leaves."""
    if not large:
        if not family.has_stem:
            return [], channels, shape
        return [ConvLayer(channels, width, kernel_size, (1,) * len(shape), random)], width, shape
    layers = []
    first = strides(shape)
    layers.append(ConvLayer(channels, width, 7, first, random))
    shape = strided(shape, first)
    second = strides(shape)
    return [*layers, MaxPool(second)], width, strided(shape, second)
