"""What X is, for a network: a table, or arrays."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import nn

from sklearn_modern._inputs.columns import MISSING, ColumnCoder, Table
from sklearn_modern._inputs.drift import warn_if_unlike
from sklearn_modern._inputs.images import SpatialReader, channel_statistics
from sklearn_modern._inputs.normal_scores import make_scaler
from sklearn_modern._inputs.scaling import quantile_edges
from sklearn_modern._neural.export import Exported, ExportedArrays, category_slots
from sklearn_modern.training.sources import Arrays, Source, SparseRows
from sklearn_modern.training.supervised import Network

__all__ = ["ImageInputs", "Inputs", "TableInputs"]

# Bins of more columns take most of the time, and have not paid. Nor have more bins of all columns
# together than a part of the rows.
_MOST_BINNED = 49
_ROWS_OF_BIN = 4


class Inputs(ABC):
    """Reads X: checks it, learns from it, and makes tensors of it.

    An estimator makes a new one for each fit, and keeps it.
    """

    @abstractmethod
    def check(self, estimator: Any, X: Any, *, reset: bool) -> Any:
        """Check X, and return it in whatever form :meth:`source` takes.

        Parameters
        ----------
        estimator : estimator
            Gets ``n_features_in_`` and ``feature_names_in_``, or has them.
        X : array-like
            What the user handed in.
        reset : bool
            True in ``fit``; False afterwards, when X must be like that of the fit.
        """

    def learn(  # noqa: B027 - most have something to learn, but none must
        self, checked: Any, weight: np.ndarray | None, *, first: bool = False
    ) -> None:
        """Learn scaling and the like from rows, by their weights (None is one for each).

        ``first`` says that these rows are only the first of several parts.
        """

    def chunks(self, checked: Any, n_rows: int, together: int) -> Iterator[slice | np.ndarray]:
        """Yield which rows to predict together, so that every row comes once.

        Parameters
        ----------
        checked : object
            What :meth:`check` returned.
        n_rows : int
            Number of its rows.
        together : int
            How many rows of :meth:`row_shape` the body evaluates together.
        """
        for start in range(0, n_rows, together):
            yield slice(start, min(start + together, n_rows))

    @abstractmethod
    def source(
        self, checked: Any, rows: slice | np.ndarray, dtype: torch.dtype, device: str, **rest: Any
    ) -> Source:
        """Make a source of some rows, as the body takes them.

        Parameters
        ----------
        checked : object
            What :meth:`check` returned.
        rows : slice or ndarray of int
            Which rows: all of them, or those of one of the :meth:`chunks`.
        dtype : torch.dtype
            Precision of the network.
        device : str
            Where the network is.
        **rest : dict
            More for the source: targets, weights, and how many rows are evaluated together.
        """

    def compare(self, training: Any, validation: Any) -> None:  # noqa: B027
        """Warn if checked validation rows seem to be prepared otherwise than training rows."""

    def row_shape(self, checked: Any) -> tuple[int, ...]:
        """Return the shape of a row, if rows may have others than those of the fit."""
        return ()

    def attributes(self) -> dict[str, Any]:
        """Return the fitted attributes of the estimator that :meth:`check` has learned."""
        return {}

    def export(self, network: Network, dtype: torch.dtype) -> nn.Module:
        """Make a bare module of the fitted network, with what was learned of X folded in."""
        raise NotImplementedError(f"{type(self).__name__} has no bare form.")


class TableInputs(Inputs):
    """Tables of numbers and categories.

    Parameters
    ----------
    categorical_features : "from_dtype", array-like or None
        Which columns are categories.
    scaling : {"auto", "robust", "standard", "quantile"} or None
        Scaling of numbers; "auto" is "robust", but None for sparse ones.
    n_bins : int or None, default=None
        Number of bins per column whose edges to learn, if any.
    binned_if_it_pays : bool, default=False
        Whether there are bins only where they pay: of few columns of numbers, none of them sparse,
        and only as many as there are rows for.

    Attributes
    ----------
    columns : ColumnCoder
        Tells numbers from categories.
    scaler : NumberScaler
        Scales numbers.
    n_known, cardinalities : ndarray of int
        Known categories of each categorical column, without and with "missing".
    edges : list of ndarray or None
        Edges of the bins of each number.
    """

    def __init__(
        self,
        categorical_features: Any,
        scaling: str | None,
        n_bins: int | None = None,
        binned_if_it_pays: bool = False,
    ) -> None:
        # Numbers keep their precision until they are scaled.
        self.columns = ColumnCoder(categorical_features, dtype=None)
        self.scaling, self.n_bins = scaling, n_bins
        self.binned_if_it_pays = binned_if_it_pays

    def check(self, estimator: Any, X: Any, *, reset: bool) -> Table:
        """Read numbers and the codes of categories."""
        read = self.columns.fit_transform if reset else self.columns.transform
        return read(estimator, X)

    def learn(self, checked: Table, weight: np.ndarray | None, *, first: bool = False) -> None:
        """Learn the scale of numbers, which categories there are, and edges of bins."""
        kind = self.scaling
        if kind == "auto":
            kind = None if sp.issparse(checked.numbers) else "robust"
        self.scaler = make_scaler(kind).fit(checked.numbers, weight)
        if first:
            self.scaler.expect_more()
        self.n_known = np.array([len(values) for values in self.columns.categories], dtype=int)
        self.cardinalities = self.n_known
        if checked.codes is not None:
            # Missing is a category of its own where the fit has seen it.
            self.cardinalities = self.n_known + (checked.codes == MISSING).any(axis=0)
        self.edges = None
        n_bins = self.n_bins
        if self.binned_if_it_pays:
            n_bins = min(n_bins, _bins_that_pay(checked.numbers))
            n_bins = n_bins if n_bins > 1 else 0
        if n_bins:
            self.edges = quantile_edges(self.scaler.transform(checked.numbers), weight, n_bins)

    def source(
        self, checked: Table, rows: slice, dtype: torch.dtype, device: str, **rest: Any
    ) -> Source:
        """Scale numbers, and give categories the slots that the network has for them."""
        precision = np.float64 if dtype == torch.float64 else np.float32
        scaled = self.scaler.transform(checked.numbers[rows], precision)
        if sp.issparse(scaled):
            return SparseRows(scaled, device, **rest)
        numbers = torch.from_numpy(scaled).to(device)
        if checked.codes is None:
            return Arrays(numbers, **rest)
        slots = category_slots(
            torch.from_numpy(checked.codes[rows]),
            torch.from_numpy(self.n_known),
            torch.from_numpy(self.cardinalities),
        )
        return Arrays((numbers, slots.to(device)), **rest)

    def compare(self, training: Table, validation: Table) -> None:
        """Warn if the numbers of most columns lie elsewhere."""
        warn_if_unlike(training.numbers, validation.numbers)

    def export(self, network: Network, dtype: torch.dtype) -> nn.Module:
        """Make a module that takes numbers and codes of categories."""
        return Exported(self.scaler, self.n_known, self.cardinalities, network, dtype)


def _bins_that_pay(numbers):
    n_rows, n_columns = numbers.shape
    if sp.issparse(numbers) or not 0 < n_columns <= _MOST_BINNED:
        return 0
    return n_rows // (_ROWS_OF_BIN * n_columns)


class ImageInputs(Inputs):
    """Arrays with one, two or three spatial axes.

    Parameters
    ----------
    reader : SpatialReader
        Brings the axes into order.
    standardised : bool, default=True
        Whether to learn the statistics of the channels.

    Attributes
    ----------
    mean, scale : ndarray of shape (channels,) or None
        Statistics of the channels.
    any_size : bool
        Whether the body takes rows of other sizes than those of the fit.
    """

    any_size = False

    def __init__(self, reader: SpatialReader, *, standardised: bool = True) -> None:
        self.reader, self.standardised = reader, standardised

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row of the fit, (channels, *spatial)."""
        return self.reader.shape

    def check(self, estimator: Any, X: Any, *, reset: bool) -> np.ndarray:
        """Read images (rows, channels, *spatial)."""
        if reset:
            return self.reader.fit_transform(estimator, X)
        return self.reader.transform(estimator, X, any_size=self.any_size)

    def learn(self, checked: np.ndarray, weight: np.ndarray | None, *, first: bool = False) -> None:
        """Learn mean and standard deviation of each channel."""
        self.mean = self.scale = None
        if self.standardised:
            self.mean, self.scale = channel_statistics(checked, weight)

    def source(
        self, checked: np.ndarray, rows: slice, dtype: torch.dtype, device: str, **rest: Any
    ) -> Source:
        """Take pixels to the device as they are; the body standardises them."""
        chunk = checked[rows]
        if not chunk.flags.writeable or min(chunk.strides) < 0:  # torch takes neither
            chunk = chunk.copy()
        return Arrays(torch.from_numpy(chunk).to(device), **rest)

    def row_shape(self, checked: np.ndarray) -> tuple[int, ...]:
        """Return (channels, *spatial)."""
        return checked.shape[1:]

    def attributes(self) -> dict[str, Any]:
        """Return the shape of the fit."""
        return {"input_shape_": self.shape}

    def export(self, network: Network, dtype: torch.dtype) -> nn.Module:
        """Make a module that takes images."""
        return ExportedArrays(network)
