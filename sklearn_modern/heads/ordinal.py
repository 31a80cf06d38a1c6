"""Heads for ordered levels 0, 1, ..., K - 1.

Most of them ask K - 1 questions, or tasks: is y beyond level k? The probabilities of that,
:math:`P(y > k)`, cannot rise with k; a method whose answers do is rank-inconsistent.
"""

from abc import abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_modern.heads.base import Head
from sklearn_modern.heads.categorical import cross_entropy, full_precision
from sklearn_modern.heads.links import LINKS
from sklearn_modern.heads.tasks import conditional_task_losses, task_losses
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.layers import Layer
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import log_sigmoid, sigmoid

__all__ = [
    "DECISIONS",
    "Coral",
    "Corn",
    "CrossEntropy",
    "CumulativeLink",
    "Niu",
    "OrdinalHead",
    "Thresholds",
]

# Smallest gap between neighbouring thresholds, so that no level has a likelihood of zero.
_SMALLEST_GAP = 1e-5


def _median(probabilities):
    return (_beyond(probabilities) > 0.5).sum(-1)


def _mean(probabilities):
    return (_beyond(probabilities).sum(-1) + 0.5).long()


def _mode(probabilities):
    return probabilities.argmax(-1)


# From probabilities (..., levels) to ranks (...).
DECISIONS = {"median": _median, "mean": _mean, "mode": _mode}


class OrdinalHead(Head):
    """What heads for ordered levels share.

    ``y`` holds the ranks of the levels, int64 (members, rows). Probabilities come with one column
    per class, in the order of ``columns``; decisions are ranks.

    Parameters
    ----------
    n_features : int
        Width of the body's features.
    n_outputs : int
        Number of scores per row.
    level_weights : Tensor of shape (n_levels,)
        Total weight of each level's training rows.
    random : MemberRandom
        Where the initial weights come from.
    columns : sequence of int or None, default=None
        The level of each column of probabilities; None is the order of the levels.
    decision : {"median", "mode", "mean"}, default="median"
        Which level is the decision.
    label_smoothing : float, default=0.0
        Share of each row's target that is spread evenly over the levels.
    """

    _of_decoding = frozenset({"columns", "decision"})

    def __init__(
        self,
        n_features: int,
        n_outputs: int,
        level_weights: Tensor,
        random: MemberRandom,
        *,
        columns: Sequence[int] | None = None,
        decision: str = "median",
        label_smoothing: float = 0.0,
        bias: bool = True,
    ) -> None:
        super().__init__(n_features, n_outputs, random, bias=bias)
        self.n_levels = len(level_weights)
        self.decision = decision
        self.label_smoothing = label_smoothing
        columns = torch.arange(self.n_levels) if columns is None else torch.as_tensor(columns)
        self.register_buffer("columns", columns, persistent=False)

    @abstractmethod
    def probabilities(self, scores: Tensor) -> Tensor:
        """Return each member's probability of each level: (members, rows, levels)."""

    def cumulative(self, scores: Tensor) -> Tensor:
        """Return each member's P(y > k), as the scores say it: (members, rows, levels - 1)."""
        return _beyond(self.probabilities(scores))

    def decode(self, scores: Tensor) -> Tensor:
        """Return the members' mean probabilities: (rows, classes)."""
        return self.probabilities(scores).mean(0)[:, self.columns]

    def decide(self, decoded: Tensor) -> Tensor:
        """Return the rank of the decided level: (rows,)."""
        level_first = self.columns.argsort().to(decoded.device)
        return DECISIONS[self.decision](decoded[:, level_first])


class _TaskHead(OrdinalHead):
    """A head that is trained task by task.

    Parameters
    ----------
    importance_weights : Tensor of shape (n_levels - 1,) or None, default=None
        Factors of the tasks' losses.
    **kwargs
        As for :class:`OrdinalHead`.
    """

    def __init__(self, *args, importance_weights: Tensor | None = None, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.register_buffer("importance_weights", importance_weights, persistent=False)


class Thresholds(Layer):
    r"""Increasing numbers, whatever training does to them.

    The first is a parameter, and each further one exceeds the one before it by a gap
    :math:`\log(e^g + e^{10^{-5}}) > 10^{-5}`, of which :math:`g` is a parameter. In float32 they
    never fall, and between -100 and 100 always rise.

    Parameters
    ----------
    start : Tensor of shape (n,)
        Initial thresholds, increasing.
    n_members : int
        Number of members; all start alike.
    """

    def __init__(self, start: Tensor, n_members: int) -> None:
        super().__init__()
        start = start.double()
        above = (start.diff() - _SMALLEST_GAP).clamp(min=_SMALLEST_GAP)
        gaps = _SMALLEST_GAP + above + torch.log(-torch.expm1(-above))
        raw = torch.cat([start[:1], gaps]).float().view(1, -1, 1)
        self.raw = nn.Parameter(raw.repeat(n_members, 1, 1))
        # The first one is its parameter itself: log(e^raw + e^-inf).
        least = torch.full_like(raw, _SMALLEST_GAP)
        least[:, 0] = -torch.inf
        self.register_buffer("least", least, persistent=False)

    def forward(self) -> Tensor:
        """Return the thresholds: (members, n, 1)."""
        # A matrix product with the gaps would round some neighbours to the wrong order.
        return torch.logaddexp(self.raw, self.least).cumsum(1)


class _ThresholdHead(OrdinalHead):
    r"""A head with one score per row, :math:`s`, and thresholds :math:`t_k` between the levels.

    :math:`P(y > k) = F(s - t_k)` with the inverse :math:`F` of a link. At the start :math:`s` is
    about zero, and the thresholds make the probabilities the shares of the training rows.

    Parameters
    ----------
    n_features, level_weights, random
        As for :class:`OrdinalHead`.
    link : {"logit", "probit", "cloglog"}, default="logit"
        The link.
    threshold_rate : float, default=1.0
        Learning rate of the thresholds, as a multiple of the other weights'.
    **kwargs
        As for :class:`OrdinalHead`.
    """

    def __init__(
        self,
        n_features: int,
        level_weights: Tensor,
        random: MemberRandom,
        *,
        link: str = "logit",
        threshold_rate: float = 1.0,
        **kwargs,
    ) -> None:
        # The thresholds are the only bias.
        super().__init__(n_features, 1, level_weights, random, bias=False, **kwargs)
        self.link = link
        self.threshold_rate = threshold_rate
        # A level without rows counts half as much as the rarest one that has some.
        weights = level_weights.double()
        weights = torch.where(weights > 0, weights, weights[weights > 0].min() / 2)
        beyond = _beyond(weights / weights.sum())
        self.thresholds = Thresholds(-LINKS[link].link(beyond), len(random))

    @property
    def rates(self) -> dict[nn.Module, float]:
        """The learning rate of the thresholds."""
        return {self.thresholds: self.threshold_rate}

    def forward(self, features: Tensor) -> Tensor:
        """Map features to score minus thresholds: (members, rows, levels - 1)."""
        score = super().forward(features).transpose(1, 2)
        return (score - self.thresholds()).transpose(1, 2)

    def probabilities(self, scores: Tensor) -> Tensor:
        """Return each member's probability of each level: (members, rows, levels)."""
        return LINKS[self.link].log_probabilities(full_precision(scores)).exp()


class Coral(_TaskHead, _ThresholdHead):
    r"""Consistent rank logits: the tasks share one weight vector [1]_.

    The loss of a row is the mean over the tasks of

    .. math:: -\lambda_k \left([y > k] \log \sigma(s - t_k)
              + [y \le k] \log \sigma(t_k - s)\right),

    with importance weights :math:`\lambda`. The paper's sum over the tasks is K - 1 times as much.
    There the order of the thresholds is a property of the optimum; here it holds by construction.

    Parameters
    ----------
    n_features, level_weights, random, **kwargs
        See the parent classes.

    References
    ----------
    .. [1] Cao, Mirjalili, Raschka (2020). Rank consistent ordinal regression for neural networks
       with application to age estimation. Pattern Recognition Letters.
    """

    def loss(self, scores: Tensor, y: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the mean loss of each row's tasks."""
        return task_losses(full_precision(scores), y, self.importance_weights, self.label_smoothing)


class CumulativeLink(_ThresholdHead):
    r"""Proportional odds and related models: the likelihood of the level itself [1]_.

    The loss of a row is :math:`-\log(F(s - t_{y-1}) - F(s - t_y))`.

    Parameters
    ----------
    n_features, level_weights, random, **kwargs
        See the parent classes.

    References
    ----------
    .. [1] McCullagh (1980). Regression models for ordinal data. Journal of the Royal Statistical
       Society B.
    """

    def loss(self, scores: Tensor, y: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the negative log-likelihood of each row."""
        logs = LINKS[self.link].log_probabilities(full_precision(scores))
        own = logs.gather(-1, y.unsqueeze(-1)).squeeze(-1)
        return -torch.lerp(own, logs.mean(-1), self.label_smoothing)


class Niu(_TaskHead):
    r"""One independent output per task, as in the extended binary networks of [1]_.

    Nothing keeps the ranks consistent. ``cumulative`` gives the :math:`P(y > k)` as they are; the
    probabilities of the levels come from the closest ones that do not rise with k (isotonic).

    Parameters
    ----------
    n_features, level_weights, random, **kwargs
        See the parent classes.

    References
    ----------
    .. [1] Niu, Zhou, Wang, Gao, Hua (2016). Ordinal regression with multiple output CNN for age
       estimation. CVPR.
    """

    def __init__(self, n_features, level_weights, random, **kwargs) -> None:
        super().__init__(n_features, len(level_weights) - 1, level_weights, random, **kwargs)

    def loss(self, scores: Tensor, y: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the mean loss of each row's tasks."""
        return task_losses(full_precision(scores), y, self.importance_weights, self.label_smoothing)

    def cumulative(self, scores: Tensor) -> Tensor:
        """Return each member's P(y > k), which may rise with k."""
        return sigmoid(full_precision(scores))

    def probabilities(self, scores: Tensor) -> Tensor:
        """Return each member's probability of each level: (members, rows, levels)."""
        falling = F.pad(_closest_falling(self.cumulative(scores)), (1, 1))
        falling[..., 0] = 1.0
        # Where neighbours are equal, the level between them gets the smallest positive probability.
        return (-falling.diff(dim=-1)).clamp(min=torch.finfo(falling.dtype).tiny)


class Corn(_TaskHead):
    r"""Tasks, each given a yes to the one before [1]_.

    With :math:`f_k = P(y > k \mid y \ge k)`, :math:`P(y > k) = f_0 \cdots f_k`. Only the rows with
    :math:`y \ge k` train task k, and the loss of a row is the sum over its tasks, divided by the
    mean number of tasks per training row. The paper divides by the number in the batch, which is
    the same for a batch of all rows, and varies around it for others.

    Parameters
    ----------
    n_features, level_weights, random, **kwargs
        See the parent classes.

    References
    ----------
    .. [1] Shi, Cao, Raschka (2021). Deep neural networks for rank-consistent ordinal regression
       based on conditional probabilities. arXiv:2111.08851.
    """

    def __init__(self, n_features, level_weights, random, **kwargs) -> None:
        n_tasks = len(level_weights) - 1
        super().__init__(n_features, n_tasks, level_weights, random, **kwargs)
        tasks_of_level = torch.arange(1, n_tasks + 2).clamp(max=n_tasks).to(level_weights)
        self.tasks_of_a_row = float(level_weights @ tasks_of_level / level_weights.sum())

    def loss(self, scores: Tensor, y: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the loss of each row's conditional tasks."""
        losses = conditional_task_losses(
            full_precision(scores), y, self.importance_weights, self.label_smoothing
        )
        return losses / self.tasks_of_a_row

    def probabilities(self, scores: Tensor) -> Tensor:
        """Return each member's probability of each level: (members, rows, levels)."""
        scores = full_precision(scores)
        # In logarithms: a product of many small numbers would be zero.
        beyond = F.pad(log_sigmoid(scores).cumsum(-1), (1, 0))
        stays = F.pad(log_sigmoid(-scores), (0, 1))
        return (beyond + stays).exp()


class CrossEntropy(OrdinalHead):
    """Softmax over the levels: the baseline, which uses the order only in its decisions.

    Parameters
    ----------
    n_features, level_weights, random, **kwargs
        See :class:`OrdinalHead`.
    """

    def __init__(self, n_features, level_weights, random, **kwargs) -> None:
        super().__init__(n_features, len(level_weights), level_weights, random, **kwargs)

    def loss(self, scores: Tensor, y: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the cross-entropy of each row."""
        return cross_entropy(scores, y, self.label_smoothing)

    def probabilities(self, scores: Tensor) -> Tensor:
        """Return each member's probability of each level: (members, rows, levels)."""
        return full_precision(scores).softmax(-1)


def _beyond(probabilities):
    """Turn probabilities of levels into P(y > k), sums over fewer and fewer levels."""
    return probabilities[..., 1:].flip(-1).cumsum(-1).flip(-1).clamp(max=1.0)


def _closest_falling(values):
    """Return the closest numbers, by squares, that do not rise along the last axis.

    Of all means of ``values[i..j]`` around a place, the lowest over i of the highest over j (the
    minimax formula of isotonic regression).
    """
    falling = torch.full_like(values, torch.inf)
    for first in range(values.shape[-1]):
        sums = values[..., first:].cumsum(-1)
        means = sums / torch.arange(1, sums.shape[-1] + 1, device=values.device)
        highest = means.flip(-1).cummax(-1).values.flip(-1)
        falling[..., first:] = torch.minimum(falling[..., first:], highest)
    return falling
