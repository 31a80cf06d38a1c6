"""Convolutional networks for sequences: convolutions side by side, and inception modules.

Values are (rows, steps, channels) everywhere. Steps that do not exist are zero before a
convolution, so that a row that ends early is convolved like one that ends with its batch.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.layers import BatchNorm, Layer
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.sequences import SequenceBody, existing_max, existing_mean

__all__ = ["Inception", "Parallel", "StepConv", "StepNorm"]

# Modules that a shortcut goes past.
_IN_BLOCK = 3


class StepConv(Layer):
    """A convolution along the steps: (rows, steps, n_in) -> (rows, steps, n_out).

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    kernel_size : int
        Steps that a kernel covers. Of an even number one more lies after the step than before.
    random : MemberRandom
        Where the initial weights come from: normal with variance ``2 / fan_in`` [1]_.
    bias : bool, default=False
        Whether there is a bias, which starts at zero.

    References
    ----------
    .. [1] He, Zhang, Ren, Sun (2015). Delving deep into rectifiers. ICCV.
    """

    decays = ("weight",)

    def __init__(
        self, n_in: int, n_out: int, kernel_size: int, random: MemberRandom, *, bias: bool = False
    ) -> None:
        super().__init__()
        deviation = math.sqrt(2.0 / (n_in * kernel_size))
        self.weight = nn.Parameter(random.normal(n_out, n_in, kernel_size, std=deviation)[0])
        self.bias = nn.Parameter(torch.zeros(n_out)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Convolve steps, those that do not exist being zero."""
        size = self.weight.shape[2]
        if size == 1:
            return F.linear(x, self.weight.flatten(1), self.bias)
        # As images of one line: the kernels for these take channels last, as they are here, and
        # are twice as fast as those for sequences.
        line, weight = x.transpose(1, 2).unsqueeze(2), self.weight.unsqueeze(2)
        y = F.conv2d(line, weight, self.bias, padding=(0, size // 2))
        return y[:, :, 0, 1 - size % 2 :].transpose(1, 2)

    def extra_repr(self) -> str:
        """Show the sizes when the network is printed."""
        n_out, n_in, size = self.weight.shape
        return f"{n_in}, {n_out}, {size}, bias={self.bias is not None}"


class StepNorm(BatchNorm):
    """Batch normalisation of (rows, steps, units) by statistics over the steps that exist.

    A step counts as much as its row weighs. Steps that do not exist become zero.

    Parameters
    ----------
    n_units : int
        Width of inputs and outputs.
    random : MemberRandom
        Gives the number of members, which is one; nothing is drawn.
    momentum : float, default=0.1
        Share of the running statistics that each batch replaces.
    eps : float, default=1e-5
        Added to the variance.
    """

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Normalise the units of all steps."""
        steps = x.flatten(0, 1)
        if not self.training or len(steps) < 2:
            y = self._by_running(steps)
        elif given.mask is None and given.weight is None:
            y = self._fused(steps)
        else:
            y = self._by_shares(steps, _weights_of_steps(given, x.shape[1], self.gain.dtype))
        y = y.view_as(x)
        return y if given.mask is None else y.masked_fill_(~given.mask.unsqueeze(-1), 0)

    def _by_running(self, x):
        own = self.running_mean, self.running_variance, self.gain, self.bias
        return F.batch_norm(x, *(values.flatten() for values in own), eps=self.eps)

    def _by_shares(self, x, weight):
        """Normalise by statistics that count each step by its share of the weight."""
        tiny = torch.finfo(weight.dtype).tiny
        # One step has no variance: without shares the running statistics are taken as they are.
        enough = (weight > 0).sum() > 1
        share = weight / weight.sum().clamp_min(tiny) * enough
        running = self.running_mean.view(-1), self.running_variance.view(-1)
        own = self.gain.view(-1), self.bias.view(-1)
        y, mean, variance = _Normalised.apply(x, share, enough, *running, *own, self.eps)
        self._update(mean, variance)
        return y


def _weights_of_steps(given, n_steps, dtype):
    """Return the weight of each step, zero for those that do not exist: (rows * steps,)."""
    if given.mask is None:
        return given.weight.to(dtype).repeat_interleave(n_steps)
    steps = given.mask.to(dtype)
    return (steps if given.weight is None else steps * given.weight.unsqueeze(1)).flatten()


class _Normalised(torch.autograd.Function):
    r"""Normalise steps (n, units) by statistics in which each has a share :math:`s_i`.

    Of :math:`y_i = \gamma z_i + \beta` with :math:`z_i = (x_i - m) / \sqrt{v + \varepsilon}` the
    gradient is

    .. math:: \frac{\gamma}{\sqrt{v + \varepsilon}} \Big(
              g_i - s_i \sum_j g_j - s_i z_i \sum_j g_j z_j \Big),

    and takes half the passes over x that torch's own rules need.
    """

    @staticmethod
    def forward(ctx, x, share, enough, running_mean, running_variance, gain, bias, eps):
        with torch.autocast(x.device.type, enabled=False):
            mean = torch.where(enough, share @ x.to(share.dtype), running_mean)
            centred = x - mean
            variance = torch.where(enough, share @ centred.square(), running_variance)
        scale = torch.rsqrt(variance + eps)
        ctx.save_for_backward(centred, share, gain, scale)
        ctx.mark_non_differentiable(mean, variance)
        return torch.addcmul(bias, centred, gain * scale).to(x.dtype), mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient, *_):
        centred, share, gain, scale = ctx.saved_tensors
        total = gradient.sum(0, dtype=gain.dtype)
        of_gain = (gradient * centred).sum(0) * scale
        shared = torch.addcmul(total, centred, of_gain * scale).mul_(share.unsqueeze(1))
        of_x = torch.sub(gradient, shared).mul_(gain * scale).to(gradient.dtype)
        return of_x, None, None, None, None, of_gain, total, None


class Parallel(SequenceBody):
    """Convolutions of several widths side by side, and the largest value of each over the steps.

    Parameters
    ----------
    random : MemberRandom
        Where weights and dropout masks come from.
    width : int
        Kernels of each size.
    depth : int
        Layers of convolutions.
    kernel_sizes : sequence of int
        How many steps kernels cover.
    **inputs
        As for :class:`SequenceBody`.

    References
    ----------
    Kim (2014), "Convolutional Neural Networks for Sentence Classification", EMNLP.
    """

    def __init__(
        self,
        random: MemberRandom,
        *,
        width: int,
        depth: int,
        kernel_sizes: Sequence[int],
        **inputs: Any,
    ) -> None:
        super().__init__(random, **inputs)
        self.layers, n_in = nn.ModuleList(), self.n_in
        for _ in range(depth):
            convs = [StepConv(n_in, width, size, random, bias=True) for size in kernel_sizes]
            self.layers.append(nn.ModuleList(convs))
            n_in = width * len(kernel_sizes)
        self.n_features_out = n_in

    def features(self, x: Tensor, given: Given) -> Tensor:
        """Convolve, and take the maximum over time."""
        *before, last = self.layers
        x = _existing(x, given.mask)
        for convs in before:
            x = torch.cat([conv(x) for conv in convs], dim=-1)
            x = _existing(torch.relu_(x), given.mask)
        # Rectified afterwards, which is the same, and less to do.
        maxima = [existing_max(conv(x), given.mask) for conv in last]
        return torch.relu(torch.cat(maxima, dim=-1))

    def parts(self) -> list[nn.Module]:
        """Return the embedding, if there is one, and the layers."""
        return [part for part in (self.embedding, *self.layers) if part is not None]


class Inception(SequenceBody):
    """Inception modules, and the mean of each channel over the steps (InceptionTime).

    A module narrows its input to few channels, convolves these with kernels of several sizes side
    by side, and adds channels of its input's maxima over three neighbours; all of them are
    normalised over the batch, and rectified. A shortcut goes past each three modules.

    Parameters
    ----------
    random : MemberRandom
        Where weights and dropout masks come from.
    width : int
        Channels of the narrow input, and kernels of each size.
    depth : int
        Number of modules.
    kernel_sizes : sequence of int
        How many steps kernels cover.
    **inputs
        As for :class:`SequenceBody`.

    References
    ----------
    Ismail Fawaz, Lucas, Forestier, Pelletier, Schmidt, Weber, Webb, Idoumghar, Muller, Petitjean
    (2020), "InceptionTime: Finding AlexNet for Time Series Classification", Data Mining and
    Knowledge Discovery 34.
    """

    def __init__(
        self,
        random: MemberRandom,
        *,
        width: int,
        depth: int,
        kernel_sizes: Sequence[int],
        **inputs: Any,
    ) -> None:
        super().__init__(random, **inputs)
        self.blocks, n_in = nn.ModuleList(), self.n_in
        for first in range(0, depth, _IN_BLOCK):
            n_modules = min(_IN_BLOCK, depth - first)
            self.blocks.append(_InceptionBlock(n_in, width, n_modules, kernel_sizes, random))
            n_in = width * (len(kernel_sizes) + 1)
        self.n_features_out = n_in

    def features(self, x: Tensor, given: Given) -> Tensor:
        """Apply the modules, and take the mean over the steps."""
        x = _existing(x, given.mask)
        for block in self.blocks:
            x = block(x, given)
        return existing_mean(x, given.mask)

    def parts(self) -> list[nn.Module]:
        """Return the embedding, if there is one, and the modules by threes."""
        return [part for part in (self.embedding, *self.blocks) if part is not None]


class _InceptionBlock(nn.Module):
    """Modules one after the other; if they are three, with a shortcut past them."""

    def __init__(self, n_in, width, n_modules, kernel_sizes, random) -> None:
        super().__init__()
        self.chain, self.shortcut, n_out = nn.ModuleList(), None, width * (len(kernel_sizes) + 1)
        for place in range(n_modules):
            n_before = n_out if place else n_in
            self.chain.append(_InceptionModule(n_before, width, kernel_sizes, random))
        if n_modules == _IN_BLOCK:
            self.shortcut = StepConv(n_in, n_out, 1, random)
            self.shortcut_norm = StepNorm(n_out, random)

    def forward(self, x, given):
        y = x
        for module in self.chain:
            y = module(y, given)
        if self.shortcut is None:
            return y
        return torch.relu_(y + self.shortcut_norm(self.shortcut(x), given))


class _InceptionModule(nn.Module):
    """Convolutions of several sizes and a pooling side by side."""

    def __init__(self, n_in, width, kernel_sizes, random) -> None:
        super().__init__()
        # A single channel is narrow.
        self.narrow = StepConv(n_in, width, 1, random) if n_in > 1 else nn.Identity()
        n_narrow = width if n_in > 1 else 1
        self.convs = nn.ModuleList(StepConv(n_narrow, width, size, random) for size in kernel_sizes)
        self.of_maxima = StepConv(n_in, width, 1, random)
        self.norm = StepNorm(width * (len(kernel_sizes) + 1), random)

    def forward(self, x, given):
        narrow = self.narrow(x)
        parts = [conv(narrow) for conv in self.convs]
        parts.append(self.of_maxima(_neighbours_maxima(x, given.mask)))
        return torch.relu_(self.norm(torch.cat(parts, dim=-1), given))


def _neighbours_maxima(x, mask):
    """Return the maxima over each step and its neighbours, as far as they exist; else zero."""
    if mask is not None:
        x = x.masked_fill(~mask.unsqueeze(-1), -torch.inf)
    line = x.transpose(1, 2).unsqueeze(2)
    y = F.max_pool2d(line, (1, 3), 1, (0, 1)).squeeze(2).transpose(1, 2)
    return _existing(y, mask)


def _existing(x, mask):
    """Put zeros where steps do not exist."""
    return x if mask is None else x.masked_fill(~mask.unsqueeze(-1), 0)
