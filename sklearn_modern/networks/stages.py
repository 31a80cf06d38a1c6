"""The stages of convolutional networks: some blocks at one resolution."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import silu
from sklearn_modern.networks.spatial_layers import (
    ConvLayer,
    MaxPool,
    SqueezeExcite,
    StochasticDepth,
)

__all__ = [
    "Layers",
    "Residual",
    "Stage",
    "efficient_stage",
    "lenet_stage",
    "residual_stage",
    "squeezing_stage",
    "vgg_stage",
]

# A bottleneck's output is this many times wider than what it convolves; an (M)BConv convolves this
# many times the width of its input.
_EXPANSION = 4

# Squeeze-and-excitation: how much narrower its hidden layer is than the channels it weighs.
_REDUCTION = 4


class Layers(nn.ModuleList):
    """Layers one after the other; each takes its input and what is given besides."""

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Apply all layers."""
        for layer in self:
            x = layer(x, given)
        return x


class Residual(nn.Module):
    """The output of the layers, added to their input.

    Parameters
    ----------
    layers : sequence of nn.Module
        The residual branch.
    shortcut : nn.Module or None
        Brings the input to the shape of the layers' output; None where it has that shape.
    activation : callable or None
        Applied, in place, to the sum.
    """

    def __init__(
        self,
        layers: Sequence[nn.Module],
        shortcut: nn.Module | None = None,
        activation: Callable | None = None,
    ) -> None:
        super().__init__()
        self.layers = Layers(layers)
        self.shortcut = shortcut
        self.activation = activation

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Map (rows, members * n_in, *spatial) to (rows, members * n_out, *smaller)."""
        y = self.layers(x, given)
        y += x if self.shortcut is None else self.shortcut(x, given)  # spares a large array
        return y if self.activation is None else self.activation(y, inplace=True)


@dataclass(frozen=True)
class Stage:
    """What a stage is made from.

    Attributes
    ----------
    n_in : int
        Channels of its input.
    width : int
        Channels at its resolution.
    stride : tuple of int
        Step of its first block along each spatial axis.
    rates : sequence of float
        Rate of stochastic depth of each block, one per block.
    index, n_stages : int
        Its position, from 0, and the number of stages.
    kernel_size : int
        Width of kernels, odd.
    bottleneck : bool
        Whether residual blocks narrow before they convolve.
    random : MemberRandom
        Where the initial weights come from.
    """

    n_in: int
    width: int
    stride: tuple[int, ...]
    rates: Sequence[float]
    index: int
    n_stages: int
    kernel_size: int
    bottleneck: bool
    random: MemberRandom

    def layer(self, n_in: int, n_out: int, kernel_size: int | None = None, **kwargs) -> ConvLayer:
        """Make a convolution of stride 1."""
        return self.strided_layer(n_in, n_out, kernel_size, (1,) * len(self.stride), **kwargs)

    def strided_layer(self, n_in, n_out, kernel_size, stride, **kwargs) -> ConvLayer:
        """Make a convolution."""
        kernel_size = kernel_size or self.kernel_size
        return ConvLayer(n_in, n_out, kernel_size, stride, self.random, **kwargs)

    def blocks(self, make: Callable, n_out: int) -> list[nn.Module]:
        """Make all blocks by ``make(n_in, n_out, stride, rate)``; the first changes the shape."""
        n_in, stride, blocks = self.n_in, self.stride, []
        for rate in self.rates:
            blocks.append(make(n_in, n_out, stride, rate))
            n_in, stride = n_out, (1,) * len(stride)
        return blocks


def lenet_stage(stage: Stage) -> tuple[list[nn.Module], int]:
    """Convolve, then pool, as in LeNet, with batch normalisation, rectifiers and the maximum.

    LeCun, Bottou, Bengio, Haffner (1998). Gradient-based learning applied to document recognition.
    Proceedings of the IEEE 86.
    """
    n_in, layers = stage.n_in, []
    for _ in stage.rates:
        layers.append(stage.layer(n_in, stage.width))
        n_in = stage.width
    return [*layers, MaxPool(stage.stride)], n_in


def vgg_stage(stage: Stage) -> tuple[list[nn.Module], int]:
    """Pool, then convolve, without shortcuts.

    Simonyan, Zisserman (2015). Very deep convolutional networks for large-scale image recognition.
    ICLR.
    """
    pool = [MaxPool(stage.stride)] if max(stage.stride) > 1 else []
    n_in, layers = stage.n_in, []
    for _ in stage.rates:
        layers.append(stage.layer(n_in, stage.width))
        n_in = stage.width
    return pool + layers, n_in


def residual_stage(stage: Stage, *, squeeze: bool = False) -> tuple[list[nn.Module], int]:
    """Add the output of two convolutions, or of one in a bottleneck, to the input.

    He, Zhang, Ren, Sun (2016). Deep residual learning for image recognition. CVPR.
    """
    n_out = stage.width * (_EXPANSION if stage.bottleneck else 1)

    def block(n_in, n_out, stride, rate):
        if stage.bottleneck:
            layers = [
                stage.layer(n_in, stage.width, 1),
                stage.strided_layer(stage.width, stage.width, None, stride),
                stage.layer(stage.width, n_out, 1, activation=None),
            ]
        else:
            layers = [
                stage.strided_layer(n_in, n_out, None, stride),
                stage.layer(n_out, n_out, activation=None),
            ]
        layers[-1].start_at_zero()
        if squeeze:
            n_hidden = max(n_out // _REDUCTION, 4)
            layers.append(SqueezeExcite(n_out, n_hidden, stage.random, F.relu))
        shortcut = None
        if n_in != n_out or max(stride) > 1:
            shortcut = stage.strided_layer(n_in, n_out, 1, stride, activation=None)
        return Residual(layers, shortcut, F.relu)

    return stage.blocks(block, n_out), n_out


def squeezing_stage(stage: Stage) -> tuple[list[nn.Module], int]:
    """Make a residual stage with squeeze-and-excitation of what is added."""
    return residual_stage(stage, squeeze=True)


def efficient_stage(stage: Stage) -> tuple[list[nn.Module], int]:
    """Widen, convolve and narrow again: Fused-MBConv in early stages, MBConv in late ones.

    Tan, Le (2021). EfficientNetV2: smaller models and faster training. ICML.
    """
    make = _fused_mbconv if 2 * stage.index < stage.n_stages else _mbconv

    def block(n_in, n_out, stride, rate):
        layers = make(stage, n_in, n_out, stride)
        if n_in != n_out or max(stride) > 1:
            return Layers(layers)
        layers[-1].start_at_zero()
        return Residual([*layers, StochasticDepth(rate, stage.random)])

    return stage.blocks(block, stage.width), stage.width


def _fused_mbconv(stage, n_in, n_out, stride):
    if stage.index == 0:  # at full resolution, widening would cost most
        return [stage.strided_layer(n_in, n_out, None, stride, activation=silu)]
    wide = n_in * _EXPANSION
    return [
        stage.strided_layer(n_in, wide, None, stride, activation=silu),
        stage.layer(wide, n_out, 1, activation=None),
    ]


def _mbconv(stage, n_in, n_out, stride):
    wide = n_in * _EXPANSION
    return [
        stage.layer(n_in, wide, 1, activation=silu),
        stage.strided_layer(wide, wide, None, stride, activation=silu, groups=wide),
        SqueezeExcite(wide, max(n_in // _REDUCTION, 4), stage.random, silu),
        stage.layer(wide, n_out, 1, activation=None),
    ]
