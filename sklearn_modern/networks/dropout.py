"""Dropout, with one rate for all members or one for each."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from sklearn_modern.networks.layers import Noise
from sklearn_modern.networks.random import MemberRandom

__all__ = ["Dropout", "MemberDropout"]


class Dropout(Noise):
    """Set a random part of the units to zero while training, and scale up the others.

    Parameters
    ----------
    rate : float
        Probability of a zero, in [0, 1).
    random : MemberRandom
        Where each member's masks come from.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014), "Dropout: A Simple Way to
    Prevent Neural Networks from Overfitting", JMLR 15.
    """

    # Whose units may be dropped; the others are neighbours without rates.
    members: slice = slice(None)

    def forward(self, x: Tensor) -> Tensor:
        """Drop units; in evaluation mode return ``x`` as it is."""
        if not self.training or self.rate == 0:
            return x
        mask = self._keep_mask(x).mul_(self._scale(x))
        if len(mask) < len(x):
            mask, own = torch.ones_like(x), mask
            mask[self.members] = own
        return x * mask

    def rectified(self, x: Tensor) -> Tensor:
        """Overwrite x by its rectified values, and drop units: fewer passes than one by one."""
        if not self.training or self.rate == 0:
            return torch.relu_(x)
        mask, scale = self._keep_mask(x), self._scale(x)
        return _RectifiedDropout.apply(x, mask.mul_(scale), scale, self.members)

    def _keep_mask(self, x):
        return self.random.keep_mask(x, 1.0 - self.rate)

    def _scale(self, x):
        """Return what kept units are multiplied by, so that sums stay as large as they are."""
        return 1.0 / (1.0 - self.rate)


class MemberDropout(Dropout):
    """:class:`Dropout` with a rate of its own for each member.

    Parameters
    ----------
    rates : sequence of float
        A member's probability of a zero, in [0, 1).
    random : MemberRandom
        Where each member's masks come from.
    """

    def __init__(self, rates: Sequence[float], random: MemberRandom) -> None:
        super().__init__(max(rates), random)
        dropping = [member for member, rate in enumerate(rates) if rate]
        self.members = slice(dropping[0], dropping[-1] + 1) if dropping else slice(0)
        self.keeps = [1.0 - rate for rate in rates[self.members]]
        self._scales = torch.tensor([1.0 / keep for keep in self.keeps], dtype=torch.float64)

    def _keep_mask(self, x):
        return self.random.keep_mask(x[self.members], self.keeps, self.members)

    def _scale(self, x):
        if (self._scales.dtype, self._scales.device) != (x.dtype, x.device):
            self._scales = self._scales.to(x)  # once, so that a step waits for no device
        return self._scales.view(-1, *[1] * (x.ndim - 1))


class _RectifiedDropout(torch.autograd.Function):
    """A rectifier in place, then a mask that scales the members' kept units.

    What is left above zero was kept, so the result tells where the gradient goes, and the mask need
    not be kept. The numbers are those of the two steps.
    """

    @staticmethod
    def forward(ctx, x, mask, scale, members):
        torch.relu_(x)[members] *= mask
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        ctx.scale, ctx.members = scale, members
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        gradient = torch.ops.aten.threshold_backward(gradient, *ctx.saved_tensors, 0)
        gradient[ctx.members] *= ctx.scale
        return gradient, None, None, None
