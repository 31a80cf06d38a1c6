"""What bodies over signals, images and volumes share."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from sklearn_modern.networks.alone import together
from sklearn_modern.networks.base import Body
from sklearn_modern.networks.dropout import Dropout
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.random import MemberRandom

__all__ = ["EVALUATED_VALUES", "SpatialBody", "Standardize"]

# Values of the widest activation of rows that are evaluated together.
EVALUATED_VALUES = 2**21


class Standardize(nn.Module):
    """Bring each channel to mean 0 and variance 1, as they were in the fit.

    Parameters
    ----------
    mean, scale : ndarray of shape (channels,)
        What is subtracted, and what the difference is divided by.
    n_spatial : int
        Number of spatial axes.
    members : int
        Number of members, which all do the same.
    dtype : torch.dtype
        Of the result.
    """

    def __init__(
        self, mean: np.ndarray, scale: np.ndarray, n_spatial: int, members: int, dtype: torch.dtype
    ) -> None:
        super().__init__()
        shape = (members, 1, len(mean), *[1] * n_spatial)
        for name, values in (("mean", mean), ("factor", 1.0 / scale)):
            values = torch.as_tensor(values, dtype=dtype).view(1, *shape[1:])
            self.register_buffer(name, values.repeat(members, *[1] * (len(shape) - 1)))

    def forward(self, x: Tensor) -> Tensor:
        """Map (members or 1, rows, channels, *spatial) of any type to floats."""
        return (x.to(self.mean.dtype) - self.mean) * self.factor


class SpatialBody(Body):
    """A body over (members or 1, rows, channels, *spatial), of any type of number.

    A subclass calls :meth:`measure` when it is complete, and says by ``any_size`` whether spatial
    axes may have other lengths than in the fit.

    Parameters
    ----------
    input_shape : sequence of int
        (channels, *spatial).
    random : MemberRandom
        Where dropout masks come from; its length is the number of members.
    dropout : float
        Probability with which a feature is dropped while training.
    mean, scale : array-like of shape (channels,) or None
        Of :class:`Standardize`; None leaves the input as it is.
    dtype : torch.dtype
        Of :class:`Standardize`.

    Attributes
    ----------
    input_shape : tuple of int
        (channels, *spatial) of the fit.
    any_size : bool
        Whether spatial axes may have other lengths than in the fit.
    """

    takes_members = True
    members_apart = True
    pads = False
    any_size: bool = True

    def __init__(
        self,
        input_shape: Sequence[int],
        random: MemberRandom,
        *,
        dropout: float,
        mean: np.ndarray | None,
        scale: np.ndarray | None,
        dtype: torch.dtype,
    ) -> None:
        super().__init__()
        self.random = random
        channels, *shape = input_shape
        mean = np.zeros(channels) if mean is None else mean
        scale = np.ones(channels) if scale is None else scale
        self.standardize = Standardize(mean, scale, len(shape), len(random), dtype)
        self.dropout = Dropout(dropout, random)

    def embed(self, x: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the standardised pixels."""
        return self.standardize(x)

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row, at the size of the fit."""
        return self._products * self.members

    @property
    def packs(self) -> bool:
        """Whether rows are signals or images; kernels for volumes round by their neighbours."""
        return len(self.input_shape) < 4

    @property
    def values(self) -> int:
        """Numbers that the layers of one member give for a row, at the size of the fit."""
        return self._values

    def rows_together(self, shape: Sequence[int] = ()) -> int:
        """Return how many rows of a shape (channels, *spatial) to evaluate together."""
        n_pixels = math.prod(self.input_shape[1:])
        of_one = self._rows_together * n_pixels // max(math.prod(shape[1:]), n_pixels)
        return max(1, of_one // self.members)

    def takes(self, shape: Sequence[int]) -> bool:
        """Tell whether the body takes images of this shape (channels, *spatial)."""
        same_kind = len(shape) == len(self.input_shape) and shape[0] == self.input_shape[0]
        return same_kind and (self.any_size or tuple(shape) == self.input_shape)

    def restart(self, shape: Sequence[int], random: MemberRandom, dropout: float) -> None:
        """Take another dropout and other streams, and count the work at another size."""
        super().restart(shape, random, dropout)
        self.dropout.rate = dropout
        self.measure(shape)

    def measure(self, input_shape: Sequence[int]) -> None:
        """Count the products of a row, and the rows whose evaluation needs little memory.

        Parameters
        ----------
        input_shape : sequence of int
            (channels, *spatial) of the fit.
        """
        n_rows = 2
        self.eval()
        with (
            together(),
            _Work() as work,
        ):  # not without gradients, for which some kernels count nothing
            self(torch.zeros(1, n_rows, *input_shape))
        self.train()
        # Not all kernels are counted, but each weight takes part in a product.
        self._products = max(work.products // n_rows, super().products) // self.members
        self._values = work.values // n_rows // self.members
        widest = max(work.widest // n_rows // self.members, math.prod(input_shape))
        self._rows_together = max(1, EVALUATED_VALUES // widest)
        self.input_shape = tuple(input_shape)


class _Work(TorchDispatchMode):
    """Count products, and values of their results.

    torch's own FlopCounterMode has hooks on the modules of all threads, at which torch.compile
    warns.
    """

    def __init__(self) -> None:
        super().__init__()
        self.products = self.values = self.widest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.products += count(*args, **kwargs, out_val=out) // 2
            results = out if isinstance(out, tuple) else (out,)
            sizes = [result.numel() for result in results if isinstance(result, Tensor)]
            self.widest, self.values = max(self.widest, *sizes), self.values + sum(sizes)
        return out
