"""Ordinal methods in float64 numpy, from their formulas and one task or level at a time."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy import special, stats
from sklearn.isotonic import isotonic_regression

from sklearn_modern.heads.ordinal import (
    Coral,
    Corn,
    CrossEntropy,
    CumulativeLink,
    Niu,
    OrdinalHead,
)

DISTRIBUTIONS = {"logit": stats.logistic, "probit": stats.norm, "cloglog": stats.gumbel_l}
EXTREMES = [0.0, -0.0, 1e-30, 1e-5, 1.0, 88.0, -88.0, 104.0, -104.0, 1e4, -1e4]


def log_gumbel(z):
    """Return log(1 - exp(-exp(z))); where exp(z) is below all digits, it is z."""
    z = np.asarray(z)
    with np.errstate(divide="ignore"):
        return np.where(z < -37, z, np.log(-np.expm1(-np.exp(np.minimum(z, 50)))))


# Of each link, log F and log(1 - F).
TAILS = {
    "logit": (special.log_expit, lambda z: special.log_expit(-z)),
    "probit": (special.log_ndtr, lambda z: special.log_ndtr(-z)),
    # The heads stop at exp(50), where others would have an infinite loss.
    "cloglog": (log_gumbel, lambda z: -np.exp(np.minimum(z, 50))),
}


def log_between(link, upper, lower):
    """Subtract in the shorter tail: log(F(u) - F(l)), or log((1 - F(l)) - (1 - F(u)))."""
    log_cdf, log_sf = TAILS[link]
    below = log_cdf(upper) < log_sf(lower)
    more = np.where(below, log_cdf(upper), log_sf(lower))
    less = np.where(below, log_cdf(lower), log_sf(upper))
    # Beyond where cloglog stops both are equal, and the lesser one counts as nothing.
    share = np.where(less < more, -np.expm1(less - more), 1)
    return more + np.log(share)


def link_log_probabilities(link):
    def log_probabilities(z):
        log_cdf, log_sf = TAILS[link]
        between = [log_between(link, z[..., k - 1], z[..., k]) for k in range(1, z.shape[-1])]
        return np.stack([log_sf(z[..., 0]), *between, log_cdf(z[..., -1])], -1)

    return log_probabilities


def likelihood_loss(log_probabilities):
    def loss(z, y, importance, level_weights):
        return -np.take_along_axis(log_probabilities(z), y[..., None], -1)[..., 0]

    return loss


def log_softmax(z):
    return special.log_softmax(z, axis=-1)


def task_loss(z, y, importance, level_weights):
    total, n_tasks = 0, z.shape[-1]
    for k in range(n_tasks):
        total -= importance[k] * np.where(
            y > k, special.log_expit(z[..., k]), special.log_expit(-z[..., k])
        )
    return total / n_tasks


def conditional_loss(z, y, importance, level_weights):
    total, n_tasks = 0, z.shape[-1]
    tasks_of_a_row = 0
    for k in range(n_tasks):
        of_task = np.where(y > k, special.log_expit(z[..., k]), special.log_expit(-z[..., k]))
        total -= importance[k] * np.where(y >= k, of_task, 0)
        tasks_of_a_row += level_weights[k:].sum() / level_weights.sum()
    return total / tasks_of_a_row


def isotonic_probabilities(z):
    """Return differences of the closest P(y > k) that do not rise, row by row."""
    beyond = special.expit(z).reshape(-1, z.shape[-1])
    falling = [isotonic_regression(row, increasing=False) for row in beyond]
    levels = -np.diff(np.pad(falling, [(0, 0), (1, 1)], constant_values=(1, 0)))
    return levels.reshape(*z.shape[:-1], -1)


def chained_probabilities(z):
    levels, beyond = [], np.ones(z.shape[:-1])
    for k in range(z.shape[-1]):
        levels.append(beyond * special.expit(-z[..., k]))
        beyond = beyond * special.expit(z[..., k])
    return np.stack([*levels, beyond], -1)


def coral_pytorch_coral(logits, y):
    """``coral_pytorch.losses.coral_loss``: the mean over rows of the sum over tasks."""
    total = 0
    for row, level in zip(logits, y, strict=True):
        for k, logit in enumerate(row):
            passed = level > k
            log_yes = special.log_expit(logit)
            total -= log_yes if passed else log_yes - logit
    return total / len(y)


def coral_pytorch_corn(logits, y):
    """``coral_pytorch.losses.corn_loss``: tasks without an example are passed over."""
    total = n_examples = 0
    for k in range(logits.shape[1]):
        examples = y > k - 1
        if not examples.any():
            continue
        passed, logit = y[examples] > k, logits[examples, k]
        n_examples += examples.sum()
        log_yes = special.log_expit(logit)
        total -= (log_yes * passed + (log_yes - logit) * ~passed).sum()
    return total / n_examples


def level_weights(n_levels):
    """Uneven weights; of many levels, one is absent."""
    weights = 1.0 + 7 * np.arange(n_levels) % 11
    if n_levels > 3:
        weights[2] = 0
    return weights


@dataclass(frozen=True)
class Method:
    """A head, and what its loss and probabilities are for scores in float64."""

    head: Callable[..., OrdinalHead]
    plain_loss: Callable
    probabilities: Callable
    settings: dict = field(default_factory=dict)

    @property
    def has_tasks(self):
        return self.plain_loss in (task_loss, conditional_loss)

    @property
    def has_thresholds(self):
        return self.head in (Coral, CumulativeLink)

    @property
    def is_consistent(self):
        return self.head is not Niu

    def make(self, n_features, n_levels, random, *, weights=None, **settings):
        weights = level_weights(n_levels) if weights is None else weights
        weights = torch.as_tensor(weights, dtype=torch.float64)
        return self.head(n_features, weights, random, **self.settings, **settings)

    def loss(self, scores, y, smoothing=0.0, importance=None):
        """Return the expected loss of a target that is y or, by ``smoothing``, any level."""
        n_levels = scores.shape[-1] + (self.head is not CrossEntropy)
        importance = np.ones(n_levels - 1) if importance is None else importance

        def loss(y):
            return self.plain_loss(scores, y, importance, level_weights(n_levels))

        if not smoothing:
            return loss(y)
        evenly = np.mean([loss(np.full_like(y, level)) for level in range(n_levels)], axis=0)
        return (1 - smoothing) * loss(y) + smoothing * evenly


def _likelihood(head, log_probabilities, **settings):
    return Method(
        head,
        likelihood_loss(log_probabilities),
        lambda z: np.exp(log_probabilities(z)),
        settings,
    )


_logit = link_log_probabilities("logit")
METHODS = {
    "coral": Method(Coral, task_loss, lambda z: np.exp(_logit(z))),
    "corn": Method(Corn, conditional_loss, chained_probabilities),
    "niu": Method(Niu, task_loss, isotonic_probabilities),
    **{
        link: _likelihood(CumulativeLink, link_log_probabilities(link), link=link) for link in TAILS
    },
    "cross_entropy": _likelihood(CrossEntropy, log_softmax),
}
