"""Layers with a leading axis of members.

Every parameter and buffer that a layer saves has the member as its first axis, so that one member's
network can be cut out of many.
"""

import math
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import by_blocks, is_inference, product

__all__ = [
    "NORMALIZATIONS",
    "VECTOR",
    "AdaptedLinear",
    "BatchNorm",
    "Layer",
    "LayerNorm",
    "Linear",
    "NarrowLinear",
    "Noise",
]

# Numbers in the longest vector register of a processor.
VECTOR = 16


class Layer(nn.Module):
    """A module with parameters of its own, which says which of them weight decay shrinks.

    Attributes
    ----------
    decays : tuple of str
        Names of its own parameters that penalties and weight decay shrink: the weights of maps.
        Biases, the gains of norms and embeddings are left alone.
    couples_rows : bool
        Whether while training a row's result depends on the other rows of its batch.
    """

    decays: ClassVar[tuple[str, ...]] = ()
    couples_rows: ClassVar[bool] = False


class Noise(nn.Module):
    """A layer that changes its input at random while training.

    Parameters
    ----------
    rate : float
        Probability of a change, in [0, 1); 0 switches the layer off.
    random : MemberRandom
        Where each member's changes come from.
    """

    def __init__(self, rate: float, random: MemberRandom) -> None:
        super().__init__()
        self.rate = rate
        self.random = random

    def extra_repr(self) -> str:
        """Show the rate when the network is printed."""
        return f"{self.rate}"


class Linear(Layer):
    """One affine map per member: (members, rows, *places, n_in) -> (..., n_out).

    One batched product, which for a single member costs what :class:`torch.nn.Linear` costs.

    Parameters
    ----------
    n_in, n_out : int
        Widths.
    random : MemberRandom
        Where the initial weights come from.
    gain : float, default=1.0
        Weights start uniform with standard deviation ``gain / sqrt(n_in)``; biases uniform on
        ``(-1, 1) / sqrt(n_in)``, which spreads the kinks of rectifiers over the inputs.
    bias : bool, default=True
        Whether there is a bias; before a layer that subtracts the mean it would have no effect.
    silent : slice, default=none
        Inputs whose weights start at zero, as if they were not there.
    """

    decays = ("weight",)

    def __init__(
        self,
        n_in: int,
        n_out: int,
        random: MemberRandom,
        gain: float = 1.0,
        *,
        bias: bool = True,
        silent: slice = slice(0),
    ) -> None:
        super().__init__()
        before, n_silent = silent.start or 0, silent.stop - (silent.start or 0)
        n_heard = n_in - n_silent
        bound = 1.0 / math.sqrt(max(n_heard, 1))
        streams = self._streams_of_weights(random)
        weight = streams.uniform(n_heard, n_out, bound=gain * math.sqrt(3) * bound)
        zeros = weight.new_zeros(len(weight), n_silent, n_out)
        weight = torch.cat([weight[:, :before], zeros, weight[:, before:]], dim=1)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(random.uniform(1, n_out, bound=bound)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Apply each member's map to the last axis of (members, rows, *places, n_in)."""
        if x.ndim > 3:
            return by_blocks(self.forward, x.flatten(1, -2)).unflatten(1, x.shape[1:-1])
        weight = self.weight_of_members()
        if x.shape[0] != weight.shape[0]:
            x = x.expand(weight.shape[0], -1, -1)
        return product(x, weight, self.bias)

    def weight_of_members(self) -> Tensor:
        """Return the weights of all members (members, n_in, n_out)."""
        return self.weight

    def _streams_of_weights(self, random):
        return random

    def extra_repr(self) -> str:
        """Show the sizes when the network is printed."""
        members, n_in, n_out = self.weight.shape
        return f"{n_in}, {n_out}, members={members}, bias={self.bias is not None}"


class AdaptedLinear(Linear):
    r"""A :class:`Linear` whose members share weights, each with adapters of its own (TabM).

    Member :math:`m` has the weights :math:`\mathrm{diag}(r_m)\, W\, \mathrm{diag}(s_m)`.
    They are multiplied out, which costs less than to scale inputs and outputs as soon as a batch
    has as many rows as a layer has units.

    Parameters
    ----------
    n_in, n_out, random, gain, bias, silent
        As for :class:`Linear`.
    signs : bool, default=False
        Whether each member starts with random signs of its inputs, which make members different; a
        network does that in its first layer. All other adapters start at one.

    References
    ----------
    Gorishniy, Kotelnikov, Babenko (2025), "TabM: Advancing Tabular Deep Learning with
    Parameter-Efficient Ensembling", ICLR.
    """

    def __init__(
        self, n_in: int, n_out: int, random: MemberRandom, *args, signs: bool = False, **kwargs
    ) -> None:
        super().__init__(n_in, n_out, random, *args, **kwargs)
        before = torch.ones(len(random), n_in, 1)
        if signs:
            before = torch.where(random.uniform(n_in, 1, bound=1.0) < 0, -before, before)
        self.before = nn.Parameter(before)
        self.after = nn.Parameter(torch.ones(len(random), 1, n_out))

    def weight_of_members(self) -> Tensor:
        """Return the weights of all members (members, n_in, n_out)."""
        if torch.is_grad_enabled():
            return _Adapted.apply(self.weight, self.before, self.after)
        return _adapted(self.weight, self.before * self.after)

    def extra_repr(self) -> str:
        """Show the sizes when the network is printed."""
        _, n_in, n_out = self.weight.shape
        return f"{n_in}, {n_out}, members={len(self.before)}, bias={self.bias is not None}"

    def _streams_of_weights(self, random):
        return random.shared()


def _adapted(weight, scale):
    """Multiply the weights of teams by the scales (members, n_in, n_out) of their members."""
    return (weight.unsqueeze(1) * scale.unflatten(0, (len(weight), -1))).flatten(0, 1)


class _Adapted(torch.autograd.Function):
    """The weights of members, with a gradient in half the passes that torch's own takes."""

    @staticmethod
    def forward(ctx, weight, before, after):
        scale = before * after
        ctx.save_for_backward(weight, before, after, scale)
        return _adapted(weight, scale)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        weight, before, after, scale = ctx.saved_tensors
        of_weight = (gradient * scale).unflatten(0, (len(weight), -1)).sum(1)
        of_scale = _adapted(weight, gradient)
        of_before = torch.bmm(of_scale, after.transpose(1, 2))
        return of_weight, of_before, torch.bmm(before.transpose(1, 2), of_scale)


class NarrowLinear(Layer):
    """A :class:`Linear` for few outputs, as a head has: up to twice as fast.

    It keeps weights as (members, n_out, n_in), and computes outputs with the rows along the last
    axis in memory, because products with a long last axis are the fast ones. Their shape is
    (members, rows, n_out), as elsewhere.

    Parameters
    ----------
    n_in, n_out : int
        Widths.
    random : MemberRandom
        Where the initial weights come from: uniform on ``(-1, 1) / sqrt(n_in)``. Biases start at
        zero.
    bias : bool, default=True
        Whether there is a bias.
    """

    decays = ("weight",)

    def __init__(self, n_in: int, n_out: int, random: MemberRandom, *, bias: bool = True) -> None:
        super().__init__()
        bound = 1.0 / math.sqrt(max(n_in, 1))
        self.weight = nn.Parameter(random.uniform(n_out, n_in, bound=bound))
        self.bias = nn.Parameter(torch.zeros(len(random), n_out, 1)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Apply each member's map to the last axis of (members, rows, *places, n_in)."""
        if x.ndim > 3:
            return self.forward(x.flatten(1, -2)).unflatten(1, x.shape[1:-1])
        weight = self.weight_of_members()
        if x.shape[0] != weight.shape[0]:
            x = x.expand(weight.shape[0], -1, -1)
        if is_inference(x):
            bias = None if self.bias is None else self.bias.transpose(1, 2)
            return product(x, weight.transpose(1, 2), bias)
        if torch.is_grad_enabled() and not torch.is_autocast_enabled(x.device.type):
            return _Narrow.apply(x, weight, self.bias)
        return _narrow(x, weight, self.bias)

    def weight_of_members(self) -> Tensor:
        """Return the weights of all members (members, n_out, n_in)."""
        return self.weight

    def extra_repr(self) -> str:
        """Show the sizes when the network is printed."""
        members, n_out, n_in = self.weight.shape
        return f"{n_in}, {n_out}, members={members}, bias={self.bias is not None}"


def _narrow(x, weight, bias):
    """Map (members, rows, n_in) to (members, rows, n_out), in memory with the rows last."""
    columns = x.transpose(1, 2)
    if bias is None:
        return torch.bmm(weight, columns).transpose(1, 2)
    return torch.baddbmm(bias, weight, columns).transpose(1, 2)


class _Narrow(torch.autograd.Function):
    """:func:`_narrow` with a gradient of x that lies in memory as x does.

    torch's own lies as the outputs do, with the rows last, and the activation before takes thirty
    times as long to mix the two. The numbers are the same.
    """

    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        return _narrow(x, weight, bias)

    @staticmethod
    def backward(ctx, gradient):
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias = ctx.needs_input_grad
        columns = gradient.transpose(1, 2)
        return (
            torch.bmm(gradient, weight) if of_x else None,
            torch.bmm(columns, x) if of_weight else None,
            columns.sum(2, keepdim=True) if of_bias else None,
        )


class BatchNorm(Layer):
    r"""Batch normalisation with each member's own, weighted statistics.

    A unit's inputs are centred and scaled by mean and variance over the rows of the batch,

    .. math:: m = \frac{\sum_i w_i x_i}{\sum_i w_i}, \qquad
              v = \frac{\sum_i w_i (x_i - m)^2}{\sum_i w_i}, \qquad
              y_i = \gamma \frac{x_i - m}{\sqrt{v + \varepsilon}} + \beta,

    and in evaluation mode by running means of both. A row of weight zero does not count, and one of
    weight two counts as two. The running variance is the mean of these biased variances, unlike
    torch's, so that it does not depend on the scale of the weights.

    Fewer than two rows have no variance: such a batch is normalised by the running statistics and
    leaves them as they are.

    Parameters
    ----------
    n_units : int
        Width of inputs and outputs.
    random : MemberRandom
        Gives the number of members; nothing is drawn.
    momentum : float, default=0.1
        Share of the running statistics that each batch replaces.
    eps : float, default=1e-5
        Added to the variance.

    References
    ----------
    Ioffe, Szegedy (2015), "Batch Normalization: Accelerating Deep Network Training by Reducing
    Internal Covariate Shift", ICML.
    """

    couples_rows = True

    def __init__(
        self, n_units: int, random: MemberRandom, momentum: float = 0.1, eps: float = 1e-5
    ) -> None:
        super().__init__()
        shape = (len(random), 1, n_units)
        self.momentum = momentum
        self.eps = eps
        self.gain = nn.Parameter(torch.ones(shape))
        self.bias = nn.Parameter(torch.zeros(shape))
        self.register_buffer("running_mean", torch.zeros(shape))
        self.register_buffer("running_variance", torch.ones(shape))

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Normalise (members, rows, units), by statistics that count rows by their weights."""
        if not self.training or x.shape[1] < 2:
            return self._normalise(x, self.running_mean, self.running_variance)
        if given.weight is not None:
            return self._normalise(x, *self._statistics(x, given.weight.unsqueeze(-1)))
        # torch's kernel knows one axis of units, so the members' units stand side by side in it.
        # Those that do not fill a vector register of a CPU are computed by code that rounds in
        # another way, so that there each member comes alone.
        members, rows, units = x.shape
        if units % VECTOR and x.is_cpu:
            y = [self._fused(own, slice(m, m + 1)) for m, own in enumerate(x.unbind())]
            return torch.stack(y)
        y = self._fused(x.transpose(0, 1).flatten(1), slice(None))
        return y.view(rows, members, units).transpose(0, 1)

    def _normalise(self, x, mean, variance):
        scale = self.gain * torch.rsqrt(variance + self.eps)
        return torch.addcmul(self.bias, x - mean, scale).to(x.dtype)

    def _statistics(self, x, weight):
        share = weight / weight.sum(1, keepdim=True).clamp_min(torch.finfo(weight.dtype).tiny)
        mean = (share * x).sum(1, keepdim=True)
        variance = (share * (x - mean).square()).sum(1, keepdim=True)
        enough = (weight > 0).sum(1, keepdim=True) > 1
        mean = torch.where(enough, mean, self.running_mean)
        variance = torch.where(enough, variance, self.running_variance)
        self._update(mean.detach(), variance.detach())
        return mean, variance

    def _fused(self, x, members=slice(None)):
        """Normalise (rows, members * units, ...) by torch's kernel."""
        # With momentum 1 it returns the batch's mean and unbiased variance.
        gain, bias = self.gain[members].flatten(), self.bias[members].flatten()
        mean, variance = torch.zeros_like(gain), torch.zeros_like(gain)
        y = F.batch_norm(x, mean, variance, gain, bias, True, 1.0, self.eps)
        count = x.numel() // x.shape[1]
        self._update(mean.detach(), variance.detach() * (1 - 1 / count), members)
        return y

    def _update(self, mean, variance, members=slice(None)):
        for running, now in (self.running_mean, mean), (self.running_variance, variance):
            running[members].lerp_(now.view_as(running[members]), self.momentum)


class LayerNorm(Layer):
    """Layer normalisation: each place is centred and scaled by its mean and variance over units.

    Parameters
    ----------
    n_units : int
        Width of inputs and outputs.
    random : MemberRandom
        Gives the number of members; nothing is drawn.
    eps : float, default=1e-5
        Added to the variance.

    References
    ----------
    Ba, Kiros, Hinton (2016), "Layer Normalization", arXiv:1607.06450.
    """

    def __init__(self, n_units: int, random: MemberRandom, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.gain = nn.Parameter(torch.ones(len(random), 1, n_units))
        self.bias = nn.Parameter(torch.zeros(len(random), 1, n_units))

    def forward(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Normalise (members, rows, *places, units); rows do not mix, so weights do not matter."""
        if x.ndim > 3:
            return self.forward(x.flatten(1, -2)).unflatten(1, x.shape[1:-1])
        gain, bias = self.gain, self.bias
        units = gain.shape[-1:]
        if gain.shape[0] == 1:  # torch's kernel takes one gain per unit, and saves a pass over x
            return F.layer_norm(x, units, gain.view(-1), bias.view(-1), self.eps)
        return torch.addcmul(bias, F.layer_norm(x, units, eps=self.eps), gain)


NORMALIZATIONS: dict[str, type[nn.Module]] = {"batch": BatchNorm, "layer": LayerNorm}
"""Normalisation layers by name; all are made by ``(n_units, random)`` and take ``(x, given)``."""
