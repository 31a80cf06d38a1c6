"""What y is, for a network: labels, sets of labels, numbers, or nothing."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils import compute_sample_weight

from sklearn_modern._inputs.validation import (
    check_labels,
    check_multilabel,
    check_targets,
    class_weights,
)
from sklearn_modern.heads.base import Head
from sklearn_modern.heads.categorical import Sigmoid, Softmax
from sklearn_modern.heads.continuous import HEADS
from sklearn_modern.networks.random import MemberRandom

__all__ = ["LabelSets", "Labels", "NoTargets", "Numbers", "Targets"]


class Targets(ABC):
    """Reads y: checks it, learns from it, and makes the head that predicts it.

    An estimator makes a new one for each fit, and keeps it.

    Attributes
    ----------
    required : bool
        Whether there must be a y.
    """

    required: bool = True

    @abstractmethod
    def check(self, y: Any, *, reset: bool) -> np.ndarray | None:
        """Check y and code it as numbers.

        ``reset`` is True in ``fit``; False afterwards, when y must be like that of the fit.
        """

    def learn(self, y: np.ndarray | None, weight: np.ndarray) -> None:  # noqa: B027
        """Learn from checked rows, if need be; those of weight zero do not count."""

    def scaled(self, y: np.ndarray) -> np.ndarray:
        """Return checked targets as the head's loss takes them."""
        return y

    @abstractmethod
    def make_head(self, n_features: int, random: MemberRandom) -> Head:
        """Make the head, with its initial weights."""

    def named(self, decided: np.ndarray) -> np.ndarray:
        """Return decisions as the user knows them."""
        return decided

    def attributes(self) -> dict[str, Any]:
        """Return the fitted attributes of the estimator that :meth:`check` has learned."""
        return {}


class NoTargets(Targets):
    """There is no y, or it is ignored."""

    required = False

    def check(self, y: Any, *, reset: bool) -> None:
        """Ignore y."""

    def make_head(self, n_features: int, random: MemberRandom) -> Head:
        """There is nothing to predict."""
        raise TypeError("There is no y, so that no head can predict it.")


class Labels(Targets):
    """One label per row.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Share of each target that is spread evenly over the classes.
    expected : ndarray or None, default=None
        All labels that will occur; None is those of y.

    Attributes
    ----------
    classes : ndarray
        The labels, sorted.
    head : type
        The kind of head.
    """

    head: type[Head] = Softmax

    def __init__(self, label_smoothing: float = 0.0, expected: np.ndarray | None = None) -> None:
        self.label_smoothing, self.expected = label_smoothing, expected

    def check(self, y: Any, *, reset: bool) -> np.ndarray:
        """Code labels as 0, 1, 2, ..."""
        self.classes, codes = check_labels(y, classes=self.expected if reset else self.classes)
        return codes

    def factors(self, class_weight: Any, y: np.ndarray, weight: np.ndarray) -> np.ndarray | float:
        """Return the factors by which class weights change the sample weights."""
        return class_weights(class_weight, y, weight, self.classes)

    def make_head(self, n_features: int, random: MemberRandom) -> Head:
        """Make a head with one score per class."""
        return self.head(
            n_features, len(self.classes), random, label_smoothing=self.label_smoothing
        )

    def named(self, decided: np.ndarray) -> np.ndarray:
        """Return the label of each code."""
        return self.classes[decided]

    def attributes(self) -> dict[str, Any]:
        """Return the labels."""
        return {"classes_": self.classes}


class LabelSets(Labels):
    """Any number of labels per row: zeros and ones, one column per label."""

    head = Sigmoid

    def check(self, y: Any, *, reset: bool) -> np.ndarray:
        """Check zeros and ones."""
        y = check_multilabel(y)
        if reset:
            self.classes = np.arange(y.shape[1])
        elif y.shape[1] != len(self.classes):
            raise ValueError(f"y has {y.shape[1]} labels, expected {len(self.classes)}.")
        return y

    def factors(self, class_weight: Any, y: np.ndarray, weight: np.ndarray) -> np.ndarray | float:
        """Return the product over the labels of their weights."""
        if class_weight is None:
            return 1.0
        if class_weight == "balanced":
            columns = [class_weights("balanced", codes, weight, self.classes) for codes in y.T]
            return np.prod(columns, axis=0)
        weights = compute_sample_weight(class_weight, y)
        if not (weights > 0).all():
            raise ValueError(f"class_weight={class_weight!r} must have positive weights only.")
        return weights

    def scaled(self, y: np.ndarray) -> np.ndarray:
        """Return zeros and ones as floats."""
        return y.astype(np.float64)

    def named(self, decided: np.ndarray) -> np.ndarray:
        """Return zeros and ones as they are."""
        return decided


class Numbers(Targets):
    """One number per row, or several.

    Parameters
    ----------
    loss : str
        A key of :data:`sklearn_modern.heads.continuous.HEADS`.
    quantiles : sequence of float
        The levels of the loss "quantile".
    scale : bool
        Whether to train on y with mean 0 and variance 1; for the loss "poisson" with mean 1.

    Attributes
    ----------
    shape : tuple of int
        () for one number, (n,) for several.
    mean, deviation : ndarray
        What y is scaled by.
    start : ndarray
        Mean of the scaled y, from which the loss "poisson" starts.
    """

    def __init__(self, loss: str, quantiles: Sequence[float], scale: bool) -> None:
        self.loss, self.quantiles, self.scale = loss, quantiles, scale

    def check(self, y: Any, *, reset: bool) -> np.ndarray:
        """Check that y has finite numbers, and what the loss asks of them."""
        y = check_targets(y, dtype=np.float64)
        if self.loss == "poisson" and (y < 0).any():
            raise ValueError(
                f"loss='poisson' is for counts and rates, but y has negative values, such as "
                f"{y.min():.6g}."
            )
        shape = y.shape[1:]
        if reset:
            self.shape = shape
            self._check_quantiles()
        elif shape != self.shape:
            raise ValueError(f"y has targets of shape {shape}, expected {self.shape}.")
        return y

    def learn(self, y: np.ndarray, weight: np.ndarray) -> None:
        """Learn mean and standard deviation."""
        self.mean, self.deviation = np.zeros(y.shape[1:]), np.ones(y.shape[1:])
        if self.loss == "poisson":
            self._learn_counts(np.average(y, axis=0, weights=weight))
        elif self.scale:
            mean = np.average(y, axis=0, weights=weight)
            error = y - mean
            largest = np.abs(error).max(axis=0)  # squares of 1e200 would be infinite
            share = error / np.where(largest > 0, largest, 1.0)
            deviation = largest * np.sqrt(np.average(share**2, axis=0, weights=weight))
            # A constant target keeps its scale; so does one that varies by rounding errors only.
            varies = deviation > 10 * np.finfo(np.float64).eps * np.abs(mean)
            self.mean, self.deviation = mean, np.where(varies, deviation, 1.0)

    def scaled(self, y: np.ndarray) -> np.ndarray:
        """Return targets with mean 0 and variance 1, or with mean 1."""
        return (y - self.mean) / self.deviation

    def make_head(self, n_features: int, random: MemberRandom) -> Head:
        """Make the head of the loss."""
        units = {
            "target_mean": np.atleast_1d(self.mean),
            "target_scale": np.atleast_1d(self.deviation),
        }
        if self.loss == "quantile":
            return HEADS[self.loss](n_features, self.quantiles, random, **units)
        n_targets = self.shape[0] if self.shape else 1
        if self.loss == "poisson":
            units["start"] = np.atleast_1d(self.start)
        return HEADS[self.loss](n_features, n_targets, random, **units)

    def _learn_counts(self, mean):
        if not (mean > 0).all():
            raise ValueError(
                "loss='poisson' needs a target with a positive mean, but all training rows of "
                f"{'a column of y' if self.shape else 'y'} are zero."
            )
        if self.scale:
            self.deviation = mean
        self.start = mean / self.deviation

    def _check_quantiles(self):
        if self.loss != "quantile":
            return
        levels = np.asarray(self.quantiles, dtype=float)
        if levels.ndim != 1 or not len(levels) or len(np.unique(levels)) < len(levels):
            raise ValueError(f"quantiles={self.quantiles!r} must be one or more different levels.")
        if not ((levels > 0) & (levels < 1)).all():
            raise ValueError(f"quantiles={self.quantiles!r} must lie between 0 and 1.")
        if self.shape:
            raise ValueError(
                f"loss='quantile' takes one target, but y has {self.shape[0]} columns."
            )
