"""Layers over arrays with one, two or three spatial axes.

The members stand side by side in the axis of channels, (rows, members * channels, *spatial), and
a convolution has one group per member: for a single member that is the ordinary convolution, at its
cost. Every parameter and buffer has the member as its first axis, as in
:mod:`sklearn_modern.networks.layers`.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_modern.networks.alone import alone, convolve_alone, rounds_alone, settled
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.layers import BatchNorm, Layer, Linear, Noise
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import by_blocks, convolve, pixel_means, product, sigmoid

__all__ = [
    "ChannelNorm",
    "Conv",
    "ConvLayer",
    "MaxPool",
    "SqueezeExcite",
    "StochasticDepth",
    "apart",
    "beside",
    "strided",
    "strides",
]

_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
_POOLS = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


def beside(x: Tensor, members: int) -> Tensor:
    """Put members side by side, in an axis with their channels, as convolutions take them.

    (members or 1, rows, channels, *spatial) becomes (rows, members * channels, *spatial).
    """
    if members == 1:
        x = x[0]
    else:
        x = x.expand(members, *x.shape[1:]).transpose(0, 1).flatten(1, 2)
    if x.ndim not in _CHANNELS_LAST:
        return x
    # The kernels are fastest in this order. A single channel is in both orders at once, and only a
    # clone has the strides by which they recognise this one.
    return x.clone(memory_format=_CHANNELS_LAST[x.ndim])


def apart(x: Tensor, members: int) -> Tensor:
    """Bring (rows, members * channels, ...) to (members, rows, channels, ...)."""
    return x.unflatten(1, (members, -1)).transpose(0, 1)


def strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the strides that halve each axis longer than 1."""
    return tuple(2 if size > 1 else 1 for size in shape)


def strided(shape: Sequence[int], stride: Sequence[int]) -> tuple[int, ...]:
    """Return the shape that a layer with these strides leaves."""
    return tuple(math.ceil(size / step) for size, step in zip(shape, stride, strict=True))


class Conv(Layer):
    """One convolution per member; with stride 1 it keeps the spatial shape.

    Parameters
    ----------
    n_in, n_out : int
        Channels of a member.
    kernel_size : int
        Width of the kernel along each axis, odd.
    stride : tuple of int
        Step along each spatial axis.
    random : MemberRandom
        Where the initial weights come from: normal with variance ``2 / fan_in`` [1]_.
    groups : int, default=1
        Groups of a member's channels; as many as channels is a depthwise convolution.

    References
    ----------
    .. [1] He, Zhang, Ren, Sun (2015). Delving deep into rectifiers. ICCV.
    """

    decays = ("weight",)

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel_size: int,
        stride: Sequence[int],
        random: MemberRandom,
        *,
        groups: int = 1,
    ) -> None:
        super().__init__()
        kernel = (kernel_size,) * len(stride)
        deviation = math.sqrt(2.0 / (n_in // groups * math.prod(kernel)))
        self.weight = nn.Parameter(random.normal(n_out, n_in // groups, *kernel, std=deviation))
        self.stride = tuple(stride)
        self.padding = (kernel_size // 2,) * len(stride)
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (rows, members * n_in, *spatial)."""
        members = len(self.weight)
        if members > 1 and rounds_alone(x):
            return convolve_alone(x, self.weight, self.stride, self.padding, self.groups)
        weight = self.weight.flatten(0, 1)
        y = convolve(settled(x), weight, self.stride, self.padding, self.groups * members)
        return settled(y)

    def extra_repr(self) -> str:
        """Show the sizes when the network is printed."""
        members, n_out, n_in, *kernel = self.weight.shape
        return f"{n_in}, {n_out}, {kernel}, stride={self.stride}, members={members}"


class ChannelNorm(BatchNorm):
    """Batch normalisation of channels: statistics over the rows and over their pixels.

    Parameters
    ----------
    n_units : int
        Channels of a member.
    random : MemberRandom
        Gives the number of members; nothing is drawn.
    momentum : float, default=0.1
        Share of the running statistics that each batch replaces.
    eps : float, default=1e-5
        Added to the variance.
    """

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Normalise (rows, members * units, *spatial)."""
        return settled(self._norm(x, given))

    def _norm(self, x, given):
        if not self.training or x.numel() == x.shape[1]:
            running = self.running_mean.view(-1), self.running_variance.view(-1)
            return self._alone(_normalised, x, *running)
        if given.weight is None:
            return self._fused(x)
        own = self.running_mean, self.running_variance, self.gain, self.bias, given.weight
        return alone(_weighted, len(self.gain), x, *own, settings=(self.momentum, self.eps))

    def _fused(self, x):
        # With momentum 1 torch's kernel returns the batch's mean and unbiased variance.
        mean = torch.zeros_like(self.running_mean).view(-1)
        variance = torch.zeros_like(mean)
        y = self._alone(_of_batch, x, mean, variance)
        count = x.numel() // x.shape[1]
        self._update(mean, variance * (1 - 1 / count))
        return y

    def _alone(self, function, x, mean, variance):
        own = mean, variance, self.gain.view(-1), self.bias.view(-1)
        return alone(function, len(self.gain), x, *own, settings=(self.eps,))


def _normalised(x, mean, variance, gain, bias, eps):
    return F.batch_norm(x, mean, variance, gain, bias, eps=eps)


def _of_batch(x, mean, variance, gain, bias, eps):
    """Normalise by the statistics of the batch, and write them into mean and variance."""
    return F.batch_norm(x, mean, variance, gain, bias, True, 1.0, eps)


def _weighted(x, running_mean, running_variance, gain, bias, weight, momentum, eps):
    """Normalise by weighted statistics of the batch, and move the running ones towards them."""
    members, pixels = len(weight), x[0, 0].numel()
    total = weight.sum(1, keepdim=True).clamp_min(torch.finfo(weight.dtype).tiny)
    share = (weight / total).T.unsqueeze(-1)

    def average(values):
        of_rows = values.flatten(2).mean(2, dtype=share.dtype).unflatten(1, (members, -1))
        return (share * of_rows).sum(0).unsqueeze(1)

    def spread(values):
        return values.view(-1, *[1] * (x.ndim - 2))

    enough = ((weight > 0).sum(1) * pixels > 1).view(-1, 1, 1)
    mean = torch.where(enough, average(x), running_mean)
    centred = x - spread(mean)
    variance = torch.where(enough, average(centred.square()), running_variance)
    with torch.no_grad():
        running_mean.lerp_(mean, momentum)
        running_variance.lerp_(variance, momentum)
    scale = gain * torch.rsqrt(variance + eps)
    return torch.addcmul(spread(bias), centred, spread(scale)).to(x.dtype)


class ConvLayer(nn.Module):
    """A convolution, then normalisation, then optionally an activation.

    Parameters
    ----------
    n_in, n_out : int
        Channels of a member.
    kernel_size : int
        Width of the kernel, odd.
    stride : tuple of int
        Step along each spatial axis.
    random : MemberRandom
        Where the initial weights come from.
    activation : callable or None
        Applied in place.
    groups : int, default=1
        Groups of a member's channels.
    """

    def __init__(
        self, n_in, n_out, kernel_size, stride, random, activation=F.relu, *, groups=1
    ) -> None:
        super().__init__()
        self.conv = Conv(n_in, n_out, kernel_size, stride, random, groups=groups)
        self.norm = ChannelNorm(n_out, random)
        self.activation = activation

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Map (rows, members * n_in, *spatial) to (rows, members * n_out, *smaller)."""
        x = self.norm(self.conv(x), given)
        if self.activation is None:
            return x
        if self.activation is F.relu:  # which does not round
            return F.relu(x, inplace=True)
        return alone(self.activation, len(self.conv.weight), x, settings=(True,))  # in place

    def start_at_zero(self) -> "ConvLayer":
        """Let the layer give zeros until it has learned something, as a residual branch's last."""
        nn.init.zeros_(self.norm.gain)
        return self


class MaxPool(nn.Module):
    """The largest of each two neighbours along each axis whose stride is 2."""

    def __init__(self, stride: Sequence[int]) -> None:
        super().__init__()
        self.stride = tuple(stride)

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Pool (rows, channels, *spatial); a last odd pixel stands alone."""
        pool = _POOLS[len(self.stride)]
        return pool(x, self.stride, self.stride, ceil_mode=True)

    def extra_repr(self) -> str:
        """Show the strides when the network is printed."""
        return f"{self.stride}"


class SqueezeExcite(nn.Module):
    """Weight each channel by a function of the means of all channels over the pixels.

    Parameters
    ----------
    n_channels : int
        Channels of a member.
    n_hidden : int
        Width of the hidden layer that computes the weights.
    random : MemberRandom
        Where the initial weights come from.
    activation : callable
        Of the hidden layer.

    References
    ----------
    Hu, Shen, Sun (2018). Squeeze-and-excitation networks. CVPR.
    """

    def __init__(self, n_channels, n_hidden, random, activation) -> None:
        super().__init__()
        self.squeeze = Linear(n_channels, n_hidden, random)
        self.excite = Linear(n_hidden, n_channels, random)
        self.activation = activation

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Scale the channels of (rows, members * n_channels, *spatial)."""
        own = self.squeeze.weight, self.squeeze.bias, self.excite.weight, self.excite.bias
        return alone(_excited, len(own[0]), x, *own, settings=(self.activation,))


def _excited(x, squeeze, squeeze_bias, excite, excite_bias, activation):
    members = len(squeeze)

    def scale(means):
        hidden = activation(product(means, squeeze, squeeze_bias))
        return sigmoid(product(hidden, excite, excite_bias))

    means = pixel_means(x).unflatten(1, (members, -1)).transpose(0, 1)
    scales = by_blocks(scale, means).transpose(0, 1)
    return x * scales.reshape(*x.shape[:2], *[1] * (x.ndim - 2))


class StochasticDepth(Noise):
    """Leave a residual branch out of a training step, for a random part of the rows.

    Parameters
    ----------
    rate : float
        Probability with which a row skips the branch.
    random : MemberRandom
        Where each member's choices come from.

    References
    ----------
    Huang, Sun, Liu, Sedra, Weinberger (2016). Deep networks with stochastic depth. ECCV.
    """

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Drop rows of (rows, members * channels, *spatial), and scale up the others."""
        if not self.training or self.rate == 0:
            return x
        members, keep = len(self.random), 1.0 - self.rate
        mask = self.random.keep_mask(x.new_empty(members, len(x)), keep).div_(keep)
        mask = mask.T.repeat_interleave(x.shape[1] // members, dim=1)
        return x * mask.view(*mask.shape, *[1] * (x.ndim - 2))
