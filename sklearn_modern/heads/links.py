"""Links between probabilities P(y > k) and real numbers, and the likelihood of levels."""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from sklearn_modern.networks.rowwise import log_sigmoid

__all__ = ["LINKS", "Link"]


class Link(ABC):
    """A map between (0, 1) and all real numbers, and the likelihood of levels between thresholds.

    The scores of a row are :math:`z_k`, falling with k, and :math:`P(y > k) = F(z_k)`, where F is
    the inverse of the link.
    """

    @abstractmethod
    def link(self, probabilities: Tensor) -> Tensor:
        """Map probabilities to numbers."""

    @abstractmethod
    def log_beyond(self, z: Tensor) -> Tensor:
        """Return log F(z)."""

    @abstractmethod
    def log_below(self, z: Tensor) -> Tensor:
        """Return log(1 - F(z))."""

    @abstractmethod
    def log_between(self, upper: Tensor, lower: Tensor) -> Tensor:
        """Return log(F(upper) - F(lower))."""

    def log_probabilities(self, z: Tensor) -> Tensor:
        """Map scores (..., levels - 1), falling, to log-probabilities of levels (..., levels)."""
        between = self.log_between(z[..., :-1], z[..., 1:])
        return torch.cat([self.log_below(z[..., :1]), between, self.log_beyond(z[..., -1:])], -1)


class Logit(Link):
    """The logistic distribution: proportional odds."""

    def link(self, probabilities: Tensor) -> Tensor:
        """Return log-odds."""
        return probabilities.logit()

    def log_beyond(self, z: Tensor) -> Tensor:
        """Return log F(z)."""
        return log_sigmoid(z)

    def log_below(self, z: Tensor) -> Tensor:
        """Return log(1 - F(z))."""
        return log_sigmoid(-z)

    def log_between(self, upper: Tensor, lower: Tensor) -> Tensor:
        """Use F(a) - F(b) = F(a) (1 - F(b)) (1 - exp(b - a)), without cancellation."""
        return log_sigmoid(upper) + log_sigmoid(-lower) + _log1mexp(upper - lower)


class Probit(Link):
    """The normal distribution."""

    def link(self, probabilities: Tensor) -> Tensor:
        """Return normal quantiles."""
        return torch.special.ndtri(probabilities)

    def log_beyond(self, z: Tensor) -> Tensor:
        """Return log F(z)."""
        return _log_normal(z)

    def log_below(self, z: Tensor) -> Tensor:
        """Return log(1 - F(z))."""
        return _log_normal(-z)

    def log_between(self, upper: Tensor, lower: Tensor) -> Tensor:
        """Take the difference in the shorter tail, where it has more digits."""
        mirrored = upper + lower > 0
        more = torch.where(mirrored, -lower, upper)
        less = torch.where(mirrored, -upper, lower)
        log_more = _log_normal(more)
        return log_more + _log1mexp(log_more - _log_normal(less))


class ComplementaryLogLog(Link):
    """The Gumbel distribution: F(z) = 1 - exp(-exp(z))."""

    def link(self, probabilities: Tensor) -> Tensor:
        """Return log(-log(1 - p))."""
        return torch.log(-torch.log1p(-probabilities))

    def log_beyond(self, z: Tensor) -> Tensor:
        """Return log F(z)."""
        return _log1mexpexp(z)

    def log_below(self, z: Tensor) -> Tensor:
        """Return log(1 - F(z))."""
        return -_exp(z)

    def log_between(self, upper: Tensor, lower: Tensor) -> Tensor:
        """Factor out 1 - F(lower), whose logarithm is exact."""
        return -_exp(lower) + _log1mexpexp(upper + _log1mexp(upper - lower))


def _log_normal(z):
    """Return log F(z) of the normal distribution; torch's own has a wrong gradient far out."""
    below, x = z < 0, math.sqrt(0.5) * z
    tail = torch.log(torch.special.erfcx(torch.where(below, -x, 0.0)) / 2) - x.square()
    bulk = torch.log1p(-torch.erfc(torch.where(below, 0.0, x)) / 2)
    return torch.where(below, tail, bulk)


def _exp(z):
    """Return exp(z), finite also where z is too large to matter."""
    return z.clamp(max=50.0).exp()


def _log1mexpexp(z):
    """Return log(1 - exp(-exp(z))), which is z where exp(z) is so small that it may underflow."""
    return torch.where(z < -40.0, z, _log1mexp(_exp(z)))


def _log1mexp(x):
    """Return log(1 - exp(-x)) of positive numbers, with all digits; at zero it stays finite."""
    x = x.clamp(min=torch.finfo(x.dtype).tiny)
    small = x < 0.6931471805599453
    near = torch.log(-torch.expm1(-torch.where(small, x, 1.0)))
    far = torch.log1p(-torch.exp(-torch.where(small, 1.0, x)))
    return torch.where(small, near, far)


LINKS: dict[str, Link] = {"logit": Logit(), "probit": Probit(), "cloglog": ComplementaryLogLog()}
