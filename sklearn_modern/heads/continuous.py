"""Heads for numbers: a value, several quantiles, or a distribution."""

import math
from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor

from sklearn_modern.heads.base import Head
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import softplus

__all__ = [
    "HEADS",
    "AbsoluteError",
    "ContinuousHead",
    "Gaussian",
    "Huber",
    "PointHead",
    "Poisson",
    "Quantile",
    "SquaredError",
]


class ContinuousHead(Head):
    """What heads for numbers share: the target's units and its shape.

    A head is trained on scaled targets, ``(y - target_mean) / target_scale``, and so ``loss``
    takes these; ``decode`` gives the original units.

    Parameters
    ----------
    n_features : int
        Width of the body's features.
    n_targets : int
        Number of targets per row. ``y`` is (members, rows, n_targets), or (members, rows) for one.
    n_outputs : int
        Number of scores per row.
    random : MemberRandom
        Where the initial weights come from.
    target_mean, target_scale : float or array-like of shape (n_targets,)
        What the targets were scaled by. They are kept as buffers, in their own precision.
    """

    _of_decoding = frozenset({"asked", "target_mean", "target_scale"})

    def __init__(
        self,
        n_features: int,
        n_targets: int,
        n_outputs: int,
        random: MemberRandom,
        target_mean: ArrayLike,
        target_scale: ArrayLike,
    ) -> None:
        super().__init__(n_features, n_outputs, random)
        self.n_targets = n_targets
        self.register_buffer("target_mean", _vector(target_mean, n_targets))
        self.register_buffer("target_scale", _vector(target_scale, n_targets))

    def in_units(self, y: Tensor) -> Tensor:
        """Return scaled targets in their original units."""
        return y * self.target_scale + self.target_mean

    def _full_precision(self, scores):
        """Return scores in the buffers' dtype: autocast may have lowered their precision."""
        return scores.to(self.target_mean.dtype)


class PointHead(ContinuousHead):
    """One value per target; a new loss is a subclass with its own ``_losses``.

    Parameters
    ----------
    n_features, n_targets, random
        See :class:`ContinuousHead`.
    target_mean : float or array-like of shape (n_targets,), default=0.0
        See :class:`ContinuousHead`.
    target_scale : float or array-like of shape (n_targets,), default=1.0
        See :class:`ContinuousHead`.
    """

    def __init__(
        self,
        n_features: int,
        n_targets: int,
        random: MemberRandom,
        *,
        target_mean: ArrayLike = 0.0,
        target_scale: ArrayLike = 1.0,
    ) -> None:
        super().__init__(n_features, n_targets, n_targets, random, target_mean, target_scale)

    def loss(self, scores: Tensor, y: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the mean loss over the targets of each row."""
        return _mean_over_targets(self._losses(scores.to(y.dtype), _in_shape_of(scores, y)))

    def decode(self, scores: Tensor) -> Tensor:
        """Return the members' mean, in the original units: (rows, targets)."""
        return self.in_units(self._values(self._full_precision(scores)).mean(0))

    def decide(self, decoded: Tensor) -> Tensor:
        """Return the predicted values: (rows,) for one target, else (rows, targets)."""
        return decoded.squeeze(-1)

    def _values(self, scores: Tensor) -> Tensor:
        """Turn scores into values of the scaled target."""
        return scores

    @abstractmethod
    def _losses(self, scores: Tensor, y: Tensor) -> Tensor:
        """Return the loss of each target, in the shape of both arguments."""


class AbsoluteError(PointHead):
    """A conditional median, by ``|y - score|``."""

    def _losses(self, scores, y):
        return F.l1_loss(scores, y, reduction="none")


class Huber(PointHead):
    r"""A conditional mean on which outliers have bounded influence [1]_.

    The loss of an error :math:`e` is :math:`e^2 / 2` up to :math:`|e| = \delta`, and it is linear
    beyond: :math:`\delta (|e| - \delta / 2)`. The class's ``delta`` is 1 in units of the scaled
    target, which is ``target_scale`` in the original units.

    References
    ----------
    .. [1] Huber (1964). Robust estimation of a location parameter. Annals of Mathematical
       Statistics.
    """

    delta: float = 1.0

    def _losses(self, scores, y):
        return F.huber_loss(scores, y, reduction="none", delta=self.delta)


class SquaredError(Huber):
    """A conditional mean, by ``(y - score)^2 / 2``, the loss of scikit-learn's MLPRegressor.

    It is Huber's loss without a bound, in one fused call that includes the factor one half.
    """

    delta = math.inf


class Poisson(PointHead):
    r"""The mean of a count or a rate, by half the deviance of a Poisson distribution [1]_.

    The score is the logarithm of the mean, :math:`m = e^s`, and the loss of a target is
    :math:`y \log(y / m) - y + m`. Beyond :math:`s = 30` the mean goes on along its tangent, so that
    no loss overflows. Counts are scaled but not shifted: ``target_mean`` is 0.

    Parameters
    ----------
    n_features, n_targets, random
        See :class:`ContinuousHead`.
    start : float or array-like of shape (n_targets,), default=1.0
        The mean that zero features predict at first, in units of the scaled target.
    target_mean : float or array-like of shape (n_targets,), default=0.0
        See :class:`ContinuousHead`.
    target_scale : float or array-like of shape (n_targets,), default=1.0
        See :class:`ContinuousHead`.

    References
    ----------
    .. [1] McCullagh, Nelder (1989). Generalized linear models. Chapman and Hall.
    """

    highest: float = 30.0
    # No prediction is zero: metrics of scikit-learn divide by it.
    lowest: float = -80.0

    def __init__(
        self,
        n_features: int,
        n_targets: int,
        random: MemberRandom,
        *,
        start: ArrayLike = 1.0,
        target_mean: ArrayLike = 0.0,
        target_scale: ArrayLike = 1.0,
    ) -> None:
        super().__init__(
            n_features, n_targets, random, target_mean=target_mean, target_scale=target_scale
        )
        with torch.no_grad():
            self.linear.bias.copy_(_vector(start, n_targets).log().unsqueeze(-1))

    def _losses(self, scores, y):
        beyond = (scores - self.highest).clamp(min=0.0)
        log_mean = scores.clamp(max=self.highest) + beyond.log1p()
        return torch.xlogy(y, y) - y * log_mean - y + self._mean(scores)

    def _values(self, scores):
        return self._mean(scores.clamp(min=self.lowest))

    def _mean(self, scores):
        beyond = (scores - self.highest).clamp(min=0.0)
        return scores.clamp(max=self.highest).exp() * (1.0 + beyond)


class Quantile(ContinuousHead):
    r"""Several conditional quantiles of one target, which never cross, by the pinball loss [1]_.

    The head trains the requested levels and the median. The first score is the median; a softplus
    of each other score is the gap from a quantile to its neighbour on the median's side:

    .. math:: q_{m \pm k} = s_0 \pm \sum_{j \le k} \text{softplus}(s_{\pm j}).

    The sums start at the median, not at the lowest quantile. So the median, which is what
    ``predict`` gives, stays a free linear output; the sums are half as long and round less; and
    mirroring y mirrors the model. The biases start at the quantiles of a standard normal
    distribution, roughly those of a scaled target, however many there are.

    The loss of a row is the mean over all trained levels :math:`\tau` of
    :math:`\max(\tau e, (\tau - 1) e)` with :math:`e = y - q_\tau`.

    Parameters
    ----------
    n_features : int
        Width of the body's features.
    quantiles : sequence of float
        Requested levels, inside (0, 1), all different, in any order.
    random : MemberRandom
        Where the initial weights come from.
    target_mean : float or array-like of shape (1,), default=0.0
        See :class:`ContinuousHead`.
    target_scale : float or array-like of shape (1,), default=1.0
        See :class:`ContinuousHead`.

    Attributes
    ----------
    levels : Tensor
        The trained levels, increasing: the requested ones and 0.5.
    asked : list of int
        Columns of ``decode`` that hold the requested levels, in the order of ``quantiles``.

    References
    ----------
    .. [1] Koenker, Bassett (1978). Regression quantiles. Econometrica.
    """

    def __init__(
        self,
        n_features: int,
        quantiles: Sequence[float],
        random: MemberRandom,
        *,
        target_mean: ArrayLike = 0.0,
        target_scale: ArrayLike = 1.0,
    ) -> None:
        levels = np.union1d(quantiles, 0.5)
        super().__init__(n_features, 1, len(levels), random, target_mean, target_scale)
        self.register_buffer("levels", torch.tensor(levels, dtype=torch.float32))
        self.asked = np.searchsorted(levels, quantiles).tolist()
        self._median = int(np.searchsorted(levels, 0.5))
        self._start_normal(torch.tensor(levels))

    def loss(self, scores: Tensor, y: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the mean pinball loss over the levels of each row."""
        scores = scores.to(y.dtype)
        error = _in_shape_of(scores[..., :1], y) - self._quantiles(scores)
        # The slope is a constant to autograd, so the gradient takes one product.
        slope = torch.where(error < 0, self.levels - 1, self.levels)
        return (slope * error).mean(-1)

    def decode(self, scores: Tensor) -> Tensor:
        """Return the members' mean quantiles, rising, in the original units: (rows, levels)."""
        quantiles = self.in_units(self._quantiles(self._full_precision(scores)).mean(0))
        # A GPU's parallel sum may round two that are nearly equal the wrong way round.
        return quantiles.sort(-1).values

    def decide(self, decoded: Tensor) -> Tensor:
        """Return the median: (rows,)."""
        return decoded[..., self._median]

    def _quantiles(self, scores):
        n_below, n_above = self._median, len(self.levels) - 1 - self._median
        median, below, above = scores.split([1, n_below, n_above], dim=-1)
        below = median - softplus(below).cumsum(-1)
        above = median + softplus(above).cumsum(-1)
        return torch.cat([below.flip(-1), median, above], dim=-1)

    def _start_normal(self, levels):
        """Set the biases so that zero features give a standard normal distribution."""
        gaps = torch.special.ndtri(levels).diff()
        outwards = torch.cat([gaps[: self._median].flip(0), gaps[self._median :]])
        with torch.no_grad():
            self.linear.bias[:, 1:, 0] = outwards.expm1().log()  # the inverse of softplus


class Gaussian(ContinuousHead):
    r"""Mean and variance of each target, by the likelihood of a normal distribution [1]_.

    The loss of a target is :math:`(\log v + (y - \mu)^2 / v) / 2`. The variance is
    :math:`v = \text{softplus}(s) + 10^{-6}` [2]_: unlike :math:`e^s` it neither overflows nor
    vanishes, and the floor, a thousandth of ``target_scale`` as a standard deviation, bounds what a
    row that is predicted exactly can gain. The members are a mixture with equal weights: its
    variance is the mean of their variances plus the variance of their means.

    Parameters
    ----------
    n_features : int
        Width of the body's features.
    n_targets : int
        Number of targets per row. ``y`` is (members, rows, n_targets), or (members, rows) for one.
    random : MemberRandom
        Where the initial weights come from.
    target_mean : float or array-like of shape (n_targets,), default=0.0
        See :class:`ContinuousHead`.
    target_scale : float or array-like of shape (n_targets,), default=1.0
        See :class:`ContinuousHead`.

    References
    ----------
    .. [1] Nix, Weigend (1994). Estimating the mean and variance of the target probability
       distribution. ICNN.
    .. [2] Lakshminarayanan, Pritzel, Blundell (2017). Simple and scalable predictive uncertainty
       estimation using deep ensembles. NeurIPS.
    """

    variance_floor: float = 1e-6

    def __init__(
        self,
        n_features: int,
        n_targets: int,
        random: MemberRandom,
        *,
        target_mean: ArrayLike = 0.0,
        target_scale: ArrayLike = 1.0,
    ) -> None:
        super().__init__(n_features, n_targets, 2 * n_targets, random, target_mean, target_scale)

    def loss(self, scores: Tensor, y: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the mean negative log-likelihood over the targets, less its constant."""
        mean, variance = self._moments(scores.to(y.dtype))
        error = _in_shape_of(mean, y) - mean
        return 0.5 * _mean_over_targets(variance.log() + error.square() / variance)

    def decode(self, scores: Tensor) -> Tensor:
        """Return the mixture's mean and standard deviation: (rows, targets, 2)."""
        mean, variance = self._moments(self._full_precision(scores))
        variance = variance.mean(0) + mean.var(0, correction=0)
        deviation = variance.sqrt() * self.target_scale
        return torch.stack([self.in_units(mean.mean(0)), deviation], dim=-1)

    def decide(self, decoded: Tensor) -> Tensor:
        """Return the means: (rows,) for one target, else (rows, targets)."""
        return decoded[..., 0].squeeze(-1)

    def _moments(self, scores):
        mean, raw = scores.chunk(2, dim=-1)
        return mean, softplus(raw) + self.variance_floor


HEADS = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "poisson": Poisson,
    "quantile": Quantile,
    "gaussian": Gaussian,
}


def _vector(values, n):
    return 1.0 * torch.as_tensor(values).expand(n)  # a copy, and never of integers


def _in_shape_of(location, y):
    """Return y in the shape of the locations, or refuse: they must never broadcast."""
    if location.shape[-1] == 1 and y.ndim == location.ndim - 1:
        y = y.unsqueeze(-1)
    if y.shape != location.shape:
        raise ValueError(f"y has the shape {tuple(y.shape)}, not {tuple(location.shape)}")
    return y


def _mean_over_targets(losses):
    """Average over the last axis; one target needs no reduction, and no gradient of one."""
    return losses.squeeze(-1) if losses.shape[-1] == 1 else losses.mean(-1)
