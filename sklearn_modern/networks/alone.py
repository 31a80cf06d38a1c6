"""Functions of the channels of several members, of which each comes out as it would alone.

One call for all members is the fast one where they are small. But torch has other kernels for more
channels, or for groups of them, which may round otherwise, and a training makes much of that. So
members go one by one through whatever has been seen to give other digits. What torch does depends
on shapes and not on numbers, so that one trial with random ones tells.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

import torch
from torch import Tensor

from sklearn_modern.networks.rowwise import is_inference

__all__ = ["alone", "convolve_alone", "ordered_gradient", "rounds_alone", "settled", "together"]

_together: ContextVar[bool] = ContextVar("together", default=False)

_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}

# Trials that are remembered, and how many numbers are tried in each.
_N_TRIALS = 4096
_TRIED_VALUES = 1 << 16
_MOST_DRAWS = 16


def alone(
    function: Callable[..., Tensor],
    members: int,
    x: Tensor,
    *own: Tensor,
    settings: tuple = (),
) -> Tensor:
    """Apply a function to the channels of members, each as if it were alone.

    That holds on a CPU, where something is trained or validated; elsewhere one call does.

    Parameters
    ----------
    function : callable
        From (rows, channels, ...), what the channels have of their own, and the settings to
        (rows, channels, ...). It is no closure, as its name stands for it.
    members : int
        How many members there are.
    x : Tensor of shape (rows, members * channels, *spatial)
        What it is applied to.
    *own : Tensor of shape (members * n, ...)
        What the members have of their own, such as weights.
    settings : tuple
        More arguments, the same for all members.
    """
    if members == 1 or not rounds_alone(x):
        return function(x, *own, *settings)
    x, shapes = _ordered(x), (x.shape, tuple(tensor.shape for tensor in own))
    needs = tuple(tensor.requires_grad for tensor in own)
    kinds = x.dtype, torch.get_num_threads()
    if _is_alike(function, members, shapes, needs, settings, kinds):
        return ordered_gradient(function(x, *own, *settings))
    return _one_by_one(function, members, x, own, settings)


def convolve_alone(
    x: Tensor, weight: Tensor, stride: Sequence[int], padding: Sequence[int], groups: int
) -> Tensor:
    """Convolve with the kernels of several members, each as if it were alone.

    Parameters
    ----------
    x : Tensor of shape (rows, members * n_in, *spatial)
        What is convolved.
    weight : Tensor of shape (members, n_out, n_in // groups, *kernel)
        The kernels.
    stride, padding : sequence of int
        Along each spatial axis.
    groups : int
        Groups of a member's channels.
    """
    return _Convolve.apply(_ordered(x), weight, tuple(stride), tuple(padding), groups)


def ordered_gradient(x: Tensor) -> Tensor:
    """Return values whose gradient is laid down in memory as they are.

    How it lies changes how layers round that read it.
    """
    if x.requires_grad and x.is_cpu:
        x.register_hook(lambda gradient: None if gradient is None else _ordered(gradient))
    return x


def settled(x: Tensor) -> Tensor:
    """Lay images of one pixel, which are in several orders at once, down in one of them.

    Which kernels torch takes depends on the strides that such an image happens to have.
    """
    if x.ndim < 4 or max(x.shape[2:]) > 1 or not rounds_alone(x):
        return x
    return ordered_gradient(_ordered(x))


def rounds_alone(x: Tensor) -> bool:
    """Tell whether digits are to be those of a member alone: in trainings on a CPU."""
    if _together.get() or torch.compiler.is_compiling() or not x.is_cpu:
        return False
    return not is_inference(x) and not torch.is_autocast_enabled("cpu")


@contextmanager
def together() -> Iterator[None]:
    """Let one call do for all members, whatever it rounds to."""
    token = _together.set(True)
    try:
        yield
    finally:
        _together.reset(token)


def _of_members(values, members):
    """Return what each member would have alone, in the order in memory that it would have."""
    return [part.clone(memory_format=_layout(part)) for part in values.chunk(members, dim=1)]


def _ordered(values):
    """Lay values down in memory as networks have them."""
    if 1 in values.shape[1:]:  # which is in several orders at once, by strides that may be others
        return values.clone(memory_format=_layout(values))
    return values.contiguous(memory_format=_layout(values))


def _layout(values):
    return _CHANNELS_LAST.get(values.ndim, torch.contiguous_format)


def _one_by_one(function, members, x, own, settings):
    parts = _of_members(x, members), *(tensor.chunk(members) for tensor in own)
    each = [function(*part, *settings) for part in zip(*parts, strict=True)]
    return torch.cat([ordered_gradient(result) for result in each], dim=1)


@lru_cache(_N_TRIALS)
def _is_alike(function, members, shapes, needs, settings, kinds):
    """Try whether one call for all members gives the digits of a call for each, back, too."""
    # Elements that fill no vector are computed by other formulas, which differ for some numbers
    # only. Small arrays have few of them, and so are tried more often.
    n_draws = min(max(1, _TRIED_VALUES // shapes[0].numel()), _MOST_DRAWS)
    generator = torch.Generator().manual_seed(0)

    def in_one_call(x, *own):
        return function(x, *own, *settings)

    def each_alone(x, *own):
        return _one_by_one(function, members, x, own, settings)

    for _ in range(n_draws):
        x = _drawn(shapes[0], kinds[0], generator)
        # Not negative, as a variance is.
        own = [torch.rand(shape, dtype=kinds[0], generator=generator) for shape in shapes[1]]
        own = [tensor.requires_grad_(need) for tensor, need in zip(own, needs, strict=True)]
        expected = _with_gradients(in_one_call, x, own)
        found = _with_gradients(each_alone, x, own)
        if not all(map(torch.equal, expected, found)):
            return False
    return True


def _with_gradients(function, x, own):
    """Return what a function gives, what gradients it hands back, and what it writes."""
    x = x.clone().requires_grad_()
    own = [tensor.detach().clone().requires_grad_(tensor.requires_grad) for tensor in own]
    with torch.enable_grad():
        y = function(x.clone(), *own)  # which may be changed in place
        y.backward(_drawn(y.shape, y.dtype, torch.Generator().manual_seed(1)))
    return y, x.grad, *(tensor.grad if tensor.requires_grad else tensor for tensor in own)


def _drawn(shape, dtype, generator):
    return _ordered(torch.randn(shape, dtype=dtype, generator=generator))


class _Convolve(torch.autograd.Function):
    """A convolution whose three products, forward and back, are each done together or apart."""

    @staticmethod
    def forward(ctx, x, weight, *how):
        ctx.save_for_backward(x, weight)
        ctx.how = how
        return _product("forward", how, weight, x)

    @staticmethod
    def backward(ctx, gradient):
        x, weight = ctx.saved_tensors
        gradient = _ordered(gradient)
        of_x, of_weight, *_ = ctx.needs_input_grad
        return (
            _product("input", ctx.how, weight, x, gradient) if of_x else None,
            _product("weight", ctx.how, weight, x, gradient) if of_weight else None,
            *[None] * len(ctx.how),
        )


def _product(which, how, weight, *images):
    shapes = weight.shape, tuple(image.shape for image in images)
    if _is_product_alike(which, how, *shapes, weight.dtype, torch.get_num_threads()):
        return _convolve(which, how, weight, *images)
    return _products(which, how, weight, *images)


def _products(which, how, weight, *images):
    """Do a product member by member."""
    parts = weight.split(1), *(_of_members(image, len(weight)) for image in images)
    each = [_convolve(which, how, *part) for part in zip(*parts, strict=True)]
    return torch.cat(each, dim=0 if which == "weight" else 1)


@lru_cache(_N_TRIALS)
def _is_product_alike(which, how, weight_shape, image_shapes, dtype, n_threads):
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(weight_shape, dtype=dtype, generator=generator)
    images = [_drawn(shape, dtype, generator) for shape in image_shapes]
    apart = _products(which, how, weight, *images)
    return torch.equal(apart, _convolve(which, how, weight, *images))


def _convolve(which, how, weight, x, gradient=None):
    stride, padding, groups = how
    flat, groups = weight.flatten(0, 1), groups * len(weight)
    once, none = [1] * len(stride), [0] * len(stride)
    settings = stride, padding, once, False, none, groups
    if which == "forward":
        with torch.enable_grad():  # without, torch may take another kernel
            flat = flat.detach().requires_grad_()
            return torch.convolution(x.detach(), flat, None, *settings).detach()
    wanted = [which == "input", which == "weight", False]
    back = torch.ops.aten.convolution_backward
    of_x, of_weight, _ = back(gradient, x, flat, None, *settings, wanted)
    return of_x if which == "input" else of_weight.view_as(weight)
