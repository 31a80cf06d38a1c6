r"""Likelihoods of levels between thresholds, and their derivatives, in float64.

The probability of a level is :math:`F(b) - F(a)`, where b is its upper threshold minus the score of
the row, a its lower one minus the score, and F the inverse of the link. Nothing overflows or
cancels, however far the score is from the thresholds.
"""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from scipy.special import erfcx, expit, log_expit, log_ndtr, logit, ndtr, ndtri

__all__ = ["LINKS", "OUTSIDE", "Link", "Slopes"]

# Stands for infinity as a threshold: no product with it is undefined.
OUTSIDE = 1e100
_NORMAL = 1 / math.sqrt(2 * math.pi)
# Probabilities of the normal distribution that lose digits, or all of them.
_UNDERFLOWING = 1e-290
# Where log-odds are cut, so that squares of odds are finite.
_FAR = 350.0


class Slopes(NamedTuple):
    """Derivatives of the log-likelihoods of rows; all are positive but the gradients.

    Attributes
    ----------
    gradient, hessian : ndarray of shape (n_rows,)
        Of minus the log-likelihood, by the score.
    rise, fall : ndarray of shape (n_rows,)
        The derivative of the log-likelihood by b, and minus that by a.
    rise2, fall2 : ndarray of shape (n_rows,)
        Minus the second derivatives by b, and by a.
    mixed : ndarray of shape (n_rows,) or None
        The mixed second derivative; None is zero.
    """

    gradient: np.ndarray
    hessian: np.ndarray
    rise: np.ndarray
    fall: np.ndarray
    rise2: np.ndarray
    fall2: np.ndarray
    mixed: np.ndarray | None


class Link(ABC):
    """A map from (0, 1) to all numbers, whose inverse F is a symmetric distribution function."""

    @abstractmethod
    def link(self, probabilities: np.ndarray) -> np.ndarray:
        """Map probabilities to numbers."""

    @abstractmethod
    def inverse(self, z: np.ndarray) -> np.ndarray:
        """Return F(z)."""

    @abstractmethod
    def between(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return F(b) - F(a)."""

    @abstractmethod
    def log_between(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return log(F(b) - F(a)), which is minus infinity where b is not greater than a."""

    @abstractmethod
    def slopes(self, a: np.ndarray, b: np.ndarray) -> Slopes:
        """Return the derivatives of log(F(b) - F(a)), but for what ``of_gaps`` returns.

        a and b may be overwritten.
        """

    def of_gaps(self, gaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and minus the second derivative of a term that only b - a decides."""
        return np.zeros_like(gaps), np.zeros_like(gaps)


class Logit(Link):
    r"""The logistic distribution: proportional odds.

    :math:`F(b) - F(a) = F(b) \, F(-a) \, (1 - e^{a - b})`, of which the last factor is the same for
    all rows of a level, and does not depend on their scores.
    """

    def link(self, probabilities: np.ndarray) -> np.ndarray:
        """Return log-odds."""
        return logit(probabilities)

    def inverse(self, z: np.ndarray) -> np.ndarray:
        """Return 1 / (1 + exp(-z))."""
        return expit(z)

    def between(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return F(b) - F(a)."""
        return expit(b) * expit(-a) * -np.expm1(a - b)

    def log_between(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return log(F(b) - F(a))."""
        with np.errstate(divide="ignore"):
            return log_expit(b) + log_expit(-a) + np.log(-np.expm1(a - b))

    def slopes(self, a: np.ndarray, b: np.ndarray) -> Slopes:
        """Return the derivatives of log F(b) + log F(-a)."""
        # Faster than expit, and 1 - F keeps all its digits.
        odds_b = np.exp(np.minimum(b, _FAR, out=b), out=b)
        odds_a = np.exp(np.minimum(np.negative(a, out=a), _FAR, out=a), out=a)
        rise, fall = 1 / (1 + odds_b), 1 / (1 + odds_a)
        rise2, fall2 = odds_b, odds_a
        for values, share in ((rise2, rise), (fall2, fall)):
            values *= share
            values *= share
        return Slopes(rise - fall, rise2 + fall2, rise, fall, rise2, fall2, None)

    def of_gaps(self, gaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the derivatives of log(1 - exp(-gap))."""
        inverse = 1 / np.expm1(np.minimum(gaps, _FAR))
        return inverse, inverse * (1 + inverse)


class Probit(Link):
    r"""The normal distribution.

    Differences are taken in the tail on whose side the interval lies, where they have more digits.
    There :math:`F(z) = \operatorname{erfcx}(-z / \sqrt 2) \, e^{-z^2 / 2} / 2`, so that all
    derivatives are ratios of numbers that neither overflow nor vanish.
    """

    def link(self, probabilities: np.ndarray) -> np.ndarray:
        """Return normal quantiles."""
        return ndtri(probabilities)

    def inverse(self, z: np.ndarray) -> np.ndarray:
        """Return the normal distribution function."""
        return ndtr(z)

    def between(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return F(b) - F(a)."""
        _, low, high = _in_lower_tail(a, b)
        return ndtr(high) * (1 - _ratio(low, high)[0])

    def log_between(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return log(F(b) - F(a))."""
        _, low, high = _in_lower_tail(a, b)
        with np.errstate(divide="ignore"):
            return log_ndtr(high) + np.log1p(-_ratio(low, high)[0])

    def slopes(self, a: np.ndarray, b: np.ndarray) -> Slopes:
        """Return the derivatives of log(F(b) - F(a))."""
        mirrored, low, high = _in_lower_tail(a, b)
        likelihood = ndtr(high) - ndtr(low)
        far = likelihood < _UNDERFLOWING
        with np.errstate(divide="ignore", invalid="ignore"):
            rise, fall = (np.exp(z * z / -2) * _NORMAL / likelihood for z in (b, a))
        if far.any():
            ratio, densities, high_tail = _ratio(low[far], high[far])
            at_high = 2 * _NORMAL / (high_tail * (1 - ratio))
            at_low = at_high * densities
            rise[far] = np.where(mirrored[far], at_low, at_high)
            fall[far] = np.where(mirrored[far], at_high, at_low)
        gradient = rise - fall
        by_b, by_a = rise * b, fall * a
        # One minus the variance of a normal variable in an interval, hence at most 1.
        hessian = np.clip(gradient**2 + by_b - by_a, 0.0, 1.0)
        return Slopes(gradient, hessian, rise, fall, rise**2 + by_b, fall**2 - by_a, rise * fall)


def _in_lower_tail(a, b):
    """Mirror the intervals that lie above zero; the ends of all stay in order."""
    mirrored = a + b > 0
    return mirrored, np.where(mirrored, -b, a), np.where(mirrored, -a, b)


def _ratio(low, high):
    """Return F(low) / F(high), the same of the densities, and erfcx of the higher end."""
    densities = np.exp((high - low) * ((high + low) / 2))
    high_tail = erfcx(-math.sqrt(0.5) * high)
    return densities * (erfcx(-math.sqrt(0.5) * low) / high_tail), densities, high_tail


LINKS: dict[str, Link] = {"logit": Logit(), "probit": Probit()}
