"""Functions that give a row the same result to the bit, whatever rows are beside it.

They do so on a CPU in inference mode, which is where predictions are made; elsewhere they are
torch's own. Two things make a row's result depend on its neighbours there:

- Matrix products use different kernels for different numbers of rows, and for few units even for
  different places in one matrix. If rows and units come in whole blocks, only kernels that round
  alike are used.
- Many elementwise functions of torch are loops over vectors. Elements that are left over at the end
  of each thread's share are computed one by one and by another formula. exp, expm1, log1p, erf and
  tanh are computed by vectors to the last element, and the other functions are composed of these.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "by_blocks",
    "column_sums",
    "convolve",
    "elu",
    "gelu",
    "is_inference",
    "log_sigmoid",
    "mish",
    "pixel_means",
    "product",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "undivided",
    "whole_blocks",
]

# By experiment: products of matrices round all rows alike if their tiles have no remainder. A test
# watches it.
_ROWS = 16
_UNITS = 16

_CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}

_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


def is_inference(x: Tensor) -> bool:
    """Tell whether a prediction is made on a CPU."""
    return x.is_cpu and torch.is_inference_mode_enabled()


@contextmanager
def undivided() -> Iterator[None]:
    """Let one thread compute all rows: where torch divides them, there are remainders again."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


def whole_blocks(x: Tensor) -> Tensor:
    """Add rows of zeros to (members, rows, ...) until the rows are whole blocks."""
    extra = -x.shape[1] % _ROWS
    if not extra or not is_inference(x):
        return x
    return F.pad(x, [0, 0] * (x.ndim - 2) + [0, extra])


def by_blocks(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply a function of (members, rows, ...) to whole blocks of rows."""
    return function(whole_blocks(x))[:, : x.shape[1]] if is_inference(x) else function(x)


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``x @ weight + bias`` of (members, rows, n_in) and (members, n_in, n_out)."""
    n_out = weight.shape[2]
    extra = -n_out % _UNITS
    if not extra or not is_inference(x):
        return torch.bmm(x, weight) if bias is None else torch.baddbmm(bias, x, weight)
    weight = F.pad(weight, (0, extra))
    if bias is None:
        return torch.bmm(x, weight)[..., :n_out]
    return torch.baddbmm(F.pad(bias, (0, extra)), x, weight)[..., :n_out]


def pixel_means(x: Tensor) -> Tensor:
    """Return the means of (rows, channels, *spatial) over the pixels."""
    x = x.flatten(2)
    # In other layouts a single row is summed in another order.
    return (x.contiguous() if is_inference(x) else x).mean(2)


def column_sums(x: Tensor) -> Tensor:
    """Return the sums of (members, columns, rows) over the columns."""
    return x.transpose(1, 2).contiguous().sum(2) if is_inference(x) else x.sum(1)


def convolve(
    x: Tensor, weight: Tensor, stride: Sequence[int], padding: Sequence[int], groups: int
) -> Tensor:
    """Convolve (rows, channels, *spatial).

    oneDNN convolves each image by itself; torch chooses between it and its own kernels by the
    number of images. In float64 there is no oneDNN, and an image's place in memory changes the
    rounding of matrix products.
    """
    if is_inference(x):
        if x.dtype == torch.float32 and torch.backends.mkldnn.is_available():
            return _one_dnn(x, weight, stride, padding, groups)
        return torch.cat(
            [_convolve(row.clone(), weight, stride, padding, groups) for row in x.split(1)]
        )
    return _convolve(x, weight, stride, padding, groups)


def _convolve(x, weight, stride, padding, groups):
    return _CONVOLUTIONS[len(stride)](x, weight, None, stride, padding, 1, groups)


def _one_dnn(x, weight, stride, padding, groups):
    if len(stride) == 1:  # it has no kernel of its own for these
        y = _one_dnn(x.unsqueeze(2), weight.unsqueeze(2), (1, *stride), (0, *padding), groups)
        return y.squeeze(2)
    return torch.mkldnn_convolution(x, weight, None, padding, stride, [1] * len(stride), groups)


def sigmoid(x: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-x))."""
    return x.neg().exp_().add_(1.0).reciprocal_() if is_inference(x) else torch.sigmoid(x)


def silu(x: Tensor, inplace: bool = False) -> Tensor:
    """Return x / (1 + exp(-x))."""
    if is_inference(x):
        return torch.div(x, x.neg().exp_().add_(1.0), out=x if inplace else None)
    return F.silu(x, inplace=inplace)


def elu(x: Tensor) -> Tensor:
    """Return x where it is positive, else exp(x) - 1."""
    return torch.where(x > 0, x, x.clamp(max=0.0).expm1_()) if is_inference(x) else F.elu(x)


def selu(x: Tensor) -> Tensor:
    """Return the self-normalising form of :func:`elu`."""
    if not is_inference(x):
        return torch.selu(x)
    below = x.clamp(max=0.0).expm1_().mul_(_SELU_ALPHA)
    return torch.where(x > 0, x, below).mul_(_SELU_SCALE)


def gelu(x: Tensor) -> Tensor:
    """Return x times the normal distribution function of x."""
    if not is_inference(x):
        return F.gelu(x)
    return x.mul(math.sqrt(0.5)).erf_().add_(1.0).mul_(0.5).mul_(x)


def softplus(x: Tensor) -> Tensor:
    """Return log(1 + exp(x)), without overflow."""
    if not is_inference(x):
        return F.softplus(x)
    return x.abs().neg_().exp_().log1p_().add_(x.clamp(min=0.0))


def log_sigmoid(x: Tensor) -> Tensor:
    """Return -log(1 + exp(-x)), without overflow."""
    return softplus(-x).neg_() if is_inference(x) else F.logsigmoid(x)


def mish(x: Tensor) -> Tensor:
    """Return x tanh(log(1 + exp(x)))."""
    return softplus(x).tanh_().mul_(x) if is_inference(x) else F.mish(x)
