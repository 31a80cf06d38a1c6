"""What an adapter of a boosting library promises."""

import copy
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.special import expit, softmax

from sklearn_modern.ensemble.engines.objective import Alternation, Objective

__all__ = [
    "LARGEST",
    "TWEEDIE_POWER",
    "Engine",
    "Rows",
    "Settings",
    "Summary",
    "Watch",
    "by_class",
    "clash",
    "column_label",
    "column_names",
    "dense",
    "from_margin",
    "too_large",
    "with_all_classes",
]

# Tweedie's variance power, which all libraries have at 1.5.
TWEEDIE_POWER = 1.5
# Of the numbers that a library with float32 knows.
LARGEST = float(np.finfo(np.float32).max)


class Rows(NamedTuple):
    """Checked data.

    Attributes
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        Numbers; NaN is missing. Categories are codes.
    y : ndarray of shape (n_samples,)
        Codes of classes, or numbers. Until outputs are trained, each on its own, numbers may also
        have the shape (n_samples, n_outputs).
    weight : ndarray of shape (n_samples,) or None
        Positive weights, of which only the ratios may matter.
    """

    X: Any
    y: np.ndarray
    weight: np.ndarray | None

    @property
    def mean_weight(self) -> float:
        """The unit of limits and penalties."""
        return 1.0 if self.weight is None else float(self.weight.mean())


class Summary(NamedTuple):
    """What the parameters of a library depend on, of rows that dask's workers hold.

    Attributes
    ----------
    y : ndarray of shape (n_classes,) or (1,)
        Codes of classes, or the mean of numbers.
    weight : ndarray of shape (n_classes,) or (1,)
        The total weight of each.
    mean_weight : float
        The unit of limits and penalties, as of :class:`Rows`.
    n_features : int
        Number of features.
    """

    y: np.ndarray
    weight: np.ndarray
    mean_weight: float
    n_features: int


@dataclass(frozen=True)
class Settings:
    """Settings for all libraries, under our names; see the estimators' parameters."""

    loss: str
    n_classes: int
    n_estimators: int
    learning_rate: float
    max_leaf_nodes: int | None
    max_depth: int | None
    min_samples_leaf: int
    l2_regularization: float
    subsample: float
    max_features: float
    max_bins: int
    quantile: float | None = None
    delta: float = 1.0  # where Huber's loss turns from a square to a line
    offset: float = 0.0  # what was taken off the targets
    categorical: tuple[int, ...] = ()
    monotonic: tuple[int, ...] | None = None
    interactions: tuple[tuple[int, ...], ...] | None = None
    names: np.ndarray | None = None  # of the features
    n_threads: int = 1
    device: str = "cpu"
    seed: int = 0
    objective: Objective | None = None  # instead of the library's own loss
    extra: dict[str, Any] = field(default_factory=dict)


# Sees the predictions for the training rows, and the validation rows if there are any, after each
# iteration, and says whether to stop.
Watch = Callable[..., bool]


class Engine(ABC):
    """A library's trees.

    Predictions are what the library's own ``predict`` gives: probabilities of the second class
    (rows,) or of all (rows, classes), or values (rows,). With an objective they are what that makes
    of the sums over the trees.

    Parameters
    ----------
    settings : Settings
        How to train.
    """

    # Whether it trains on rows that dask's workers hold, by the methods that say "workers".
    on_workers: ClassVar[bool] = False
    # Whether that includes interactions.
    interactions_on_workers: ClassVar[bool] = True
    # Whether each tree sees a fixed number of rows, of few none, and not each row by chance.
    draws_a_number: ClassVar[bool] = False
    # The parameters of the objective before the first iteration, and after each.
    path: Sequence[np.ndarray] = ()

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @classmethod
    def automatic(
        cls, measured: dict[str, Any], extra: dict[str, Any], device: str
    ) -> dict[str, Any]:
        """Return what "auto" is beside the library's own parameters, on a device."""
        return measured

    @property
    def outputs(self) -> list["Engine"]:
        """The engines that are trained, one for each output."""
        return [self]

    def prepare(self, rows: Rows) -> Any:
        """Bin the rows for ``fit``, for several engines to share; None if impossible."""
        return None

    @abstractmethod
    def fit(
        self,
        rows: Rows,
        validation: Rows | None = None,
        watch: Watch | None = None,
        data: Any = None,
    ) -> None:
        """Train, or train on, until there are ``settings.n_estimators`` iterations.

        ``data`` is what ``prepare`` has made of the rows. A KeyboardInterrupt is raised again, but
        the iterations before it are kept.
        """

    def check_for_workers(self, summary: Summary) -> None:
        """Refuse parameters of the library's own before workers begin."""
        raise NotImplementedError

    def check_part_of_workers(self, X: np.ndarray) -> None:
        """Refuse rows on which one worker would fail, while the others wait for it."""
        return

    def fit_on_workers(self, client: Any, X: Any, y: Any, weight: Any, summary: Summary) -> None:
        """Train by dask's workers, on checked rows that they hold.

        Parameters
        ----------
        client : distributed.Client
            The cluster.
        X, y, weight : dask.array.Array
            As the fields of :class:`Rows`, in blocks of the same rows; weight may be None.
        summary : Summary
            What there is in y and weight.
        """
        raise NotImplementedError

    def first(self, n_estimators: int) -> "Engine":
        """Return an engine with the first ``n_estimators`` iterations of this one."""
        engine = copy.copy(self)
        engine.settings = replace(self.settings, n_estimators=n_estimators)
        if n_estimators < self.n_estimators:
            engine.keep(n_estimators)
        return engine

    @abstractmethod
    def keep(self, n_estimators: int) -> None:
        """Keep the first ``n_estimators`` iterations only."""

    @abstractmethod
    def predict(self, X: Any) -> np.ndarray:
        """Predict by all iterations."""

    def staged(self, X: Any) -> Iterator[np.ndarray]:
        """Predict by the first iteration, by the first two, and so on."""
        for i, margins in enumerate(self.staged_margins(X), 1):
            yield self._from_margin(margins, i)

    def _from_margin(self, margins, n_estimators):
        """Turn the sums over the trees of so many iterations into what they mean."""
        if self.settings.objective is None:
            return from_margin(margins, self.settings.loss)
        return self.settings.objective.predict(margins, self.path[n_estimators])

    def _alternation(self, rows):
        """Return what fits the objective's parameters between trees, if there is an objective."""
        if self.settings.objective is None:
            return None
        n = self.n_estimators
        margins = self.margins(rows.X) if n else np.zeros(len(rows.y))
        return Alternation(self.settings.objective, rows, self.path[: n + 1], margins)

    def _take_path(self, turns):
        """Keep the parameters; if Ctrl-C has cost them their last turn, as they were before it."""
        if turns is not None:
            self.path = [*turns.path, turns.path[-1]][: self.n_estimators + 1]

    @abstractmethod
    def staged_margins(self, X: Any) -> Iterator[np.ndarray]:
        """Return the sums over the trees of the first iteration, of the first two, and so on."""

    @abstractmethod
    def margins(self, X: Any) -> np.ndarray:
        """Return the sums over all trees, from which a classifier's probabilities are computed."""

    def input(self, X: Any) -> Any:
        """Return rows as the library's own object takes them."""
        return X

    @abstractmethod
    def leaves(self, X: Any) -> np.ndarray:
        """Return leaves: (rows, iterations), with more than two classes one for each class."""

    @abstractmethod
    def contributions(self, X: Any) -> np.ndarray:
        """Share out margins: (rows, features + 1), or (rows, classes, features + 1)."""

    @abstractmethod
    def gains(self) -> np.ndarray:
        """Return the total gain of the splits on each feature."""

    @property
    @abstractmethod
    def n_estimators(self) -> int:
        """Number of iterations."""

    @property
    @abstractmethod
    def native(self) -> Any:
        """The library's own object."""


def column_label(names: np.ndarray | None, column: int) -> str:
    """Say which column it is: its name, or its position."""
    return str(column) if names is None else repr(str(names[column]))


def column_names(names: np.ndarray | None) -> list[str] | None:
    """Return names that every library accepts, as near to the columns' own as they can be."""
    if names is None:
        return None
    found: list[str] = []
    for name in names:
        plain = unique = re.sub(r"[^\w.-]", "_", str(name)) or "_"
        repeated = 1
        while unique in found:
            repeated += 1
            unique = f"{plain}_{repeated}"
        found.append(unique)
    return found


def clash(names: dict[str, str | None]) -> str:
    """Say which of the library's parameters are set already, and by which of ours."""
    listed = ", ".join(
        f"{name!r} by {ours}" if ours else f"{name!r} by the backend"
        for name, ours in sorted(names.items())
    )
    return f"backend_params has {sorted(names)}, which are set already: {listed}."


def by_class(leaves: np.ndarray, n_classes: int) -> np.ndarray:
    """Give leaves of trees that take turns over more than two classes an axis of classes."""
    return leaves.reshape(len(leaves), -1, n_classes) if n_classes > 2 else leaves


def from_margin(margin: np.ndarray, loss: str) -> np.ndarray:
    """Turn sums of trees into what they mean: probabilities, or values."""
    if loss != "log_loss":
        return np.exp(margin) if loss in ("poisson", "gamma", "tweedie") else margin
    if margin.ndim == 1:
        return expit(margin)
    return softmax(margin, axis=1)


def with_all_classes(rows: Rows, n_classes: int) -> Rows:
    """Give absent classes a row of weight zero, for a library that learns the classes it sees."""
    absent = np.setdiff1d(np.arange(n_classes), rows.y)
    if len(absent) == 0:
        return rows
    weight = np.ones(len(rows.y)) if rows.weight is None else rows.weight
    X = np.concatenate([rows.X, rows.X[:1].repeat(len(absent), axis=0)])
    return Rows(X, np.r_[rows.y, absent], np.r_[weight, np.zeros(len(absent))])


def dense(X: Any) -> np.ndarray:
    """Return an array, in which entries that a sparse matrix does not store are zeros."""
    return X.toarray() if sp.issparse(X) else X


def too_large(
    X: np.ndarray, beyond: np.ndarray, names: np.ndarray | None, library: str
) -> ValueError:
    """Return the error of numbers that a library with float32 would take for infinite."""
    column = int(beyond.any(axis=0).argmax())
    found = X[beyond[:, column], column][0]
    return ValueError(
        f"Column {column_label(names, column)} of X has {beyond[:, column].sum()} values beyond "
        f"float32, in which {library} computes, such as {found:g}: they would be infinite. Divide "
        "the column by a constant, mark such values as missing (NaN), or take "
        "backend='lightgbm' or backend='hist'."
    )
