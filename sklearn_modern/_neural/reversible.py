"""What X is, for a network that makes rows like those of X: inputs that know the way back."""

import math
from abc import abstractmethod
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch

from sklearn_modern._core.scikit_learn import num_samples
from sklearn_modern._inputs.columns import UNSEEN, Table
from sklearn_modern._inputs.image_form import ImageForm
from sklearn_modern._inputs.table_form import TableForm
from sklearn_modern._inputs.validation import counted_rows
from sklearn_modern._neural.inputs import ImageInputs, Inputs, TableInputs
from sklearn_modern.training.sources import Source

__all__ = ["LikelyImages", "ReversibleImages", "ReversibleInputs", "ReversibleTable"]


class ReversibleInputs(Inputs):
    """Reads X, and writes rows in its form.

    What comes as targets of a source are labels, on which rows depend, and become the last input.
    """

    @abstractmethod
    def restored(self, cells: np.ndarray, *, whole: bool) -> Any:
        """Write rows in the form of X.

        Parameters
        ----------
        cells : ndarray of shape (n_samples, ...)
            What a network has made: numbers as it sees them, and codes of categories.
        whole : bool
            Whether what was whole by its type is whole again.
        """

    @abstractmethod
    def in_units(self, numbers: np.ndarray) -> np.ndarray:
        """Return numbers as the network sees them (n_samples, n_numbers) in the units of X."""

    @abstractmethod
    def log_slope(self, checked: Any) -> np.ndarray:
        """Return the logarithm of the slope of the scaling, summed over each row's known numbers.

        It turns densities of numbers as the network sees them into those of X.
        """

    def log_unseen(self, checked: Any) -> np.ndarray:
        """Return the logarithm of the probability of what the network cannot tell from nothing."""
        return np.zeros(num_samples(checked))


class ReversibleTable(TableInputs, ReversibleInputs):
    """Tables of numbers and categories, each row with its cells as targets.

    The cells of a row are its scaled numbers and the codes of its categories, NaN where X has none.
    Rows of numbers, of which none is missing, are their own targets, and have no others.
    """

    def check(self, estimator: Any, X: Any, *, reset: bool) -> Table:
        """Read numbers and codes of categories, and remember the form of the table."""
        if sp.issparse(X):
            raise TypeError(
                f"X is sparse, but {type(estimator).__name__} needs dense data; pass X.toarray()."
            )
        checked = super().check(estimator, X, reset=reset)
        if reset:
            whole = self.columns.numerical_indices[_are_whole(checked.numbers)]
            self.form = TableForm(X, whole.tolist())
        return checked

    def learn(self, checked: Table, weight: np.ndarray | None, *, first: bool = False) -> None:
        """Learn the columns, how many rows there are, and which columns have no known number."""
        super().learn(checked, weight, first=first)
        self.n_rows = len(checked.numbers) if weight is None else counted_rows(weight)
        self.is_empty = np.isnan(checked.numbers).all(axis=0)

    def source(
        self, checked: Table, rows: slice, dtype: torch.dtype, device: str, **rest: Any
    ) -> Source:
        """Scale numbers, code categories, and give each row its cells as targets."""
        labels, cells = rest.pop("y", None), None
        whole = checked.codes is None and not len(self.scaler.missing_columns)
        if not whole or np.isnan(checked.numbers[rows]).any():
            cells = torch.from_numpy(self.cells(checked, rows)).to(dtype).to(device)
        return _labelled(super().source(checked, rows, dtype, device, y=cells, **rest), labels)

    def cells(self, checked: Table, rows: slice = slice(None)) -> np.ndarray:
        """Return the cells of rows (n_samples, n_columns)."""
        numbers = checked.numbers[rows]
        scaled = self.scaler.transform(numbers, np.float64)[:, : numbers.shape[1]]
        scaled[np.isnan(numbers)] = np.nan
        if checked.codes is None:
            return scaled
        codes = checked.codes[rows]
        return np.column_stack([scaled, np.where(codes < 0, np.nan, codes)])

    def in_units(self, numbers: np.ndarray) -> np.ndarray:
        """Return scaled numbers in the units of X."""
        return self.scaler.inverse(numbers)

    def log_slope(self, checked: Table) -> np.ndarray:
        """Return minus the logarithms of the scales of what is known of each row."""
        return self.scaler.log_slope(checked.numbers)

    def log_unseen(self, checked: Table) -> np.ndarray:
        """Return the logarithm of the probability of the categories that the fit has not seen.

        Each has that of one row among all those of the fit and itself.
        """
        if checked.codes is None:
            return np.zeros(len(checked.numbers))
        return -np.log(self.n_rows + 1.0) * (checked.codes == UNSEEN).sum(axis=1)

    def restored(self, cells: np.ndarray, *, whole: bool) -> Any:
        """Write rows, cells of which may be NaN, in the form of X."""
        numbers = self.scaler.inverse(cells)
        numbers[:, self.is_empty] = np.nan
        return self._written(np.column_stack([numbers, cells[:, numbers.shape[1] :]]), whole)

    def _written(self, cells, whole):
        """Write rows, given numbers in the units of X and codes of categories."""
        columns = [None] * cells.shape[1]
        numbers = cells[:, : len(self.columns.numerical_indices)]
        for place, column in zip(self.columns.numerical_indices, numbers.T, strict=True):
            columns[place] = column
        codes = cells[:, numbers.shape[1] :].T
        known = zip(self.columns.categorical_indices, codes, self.columns.categories, strict=True)
        for place, own, values in known:
            columns[place] = _values_of(own, values)
        return self.form.restore(columns, whole=whole)


class ReversibleImages(ImageInputs, ReversibleInputs):
    """Arrays with spatial axes."""

    def check(self, estimator: Any, X: Any, *, reset: bool) -> np.ndarray:
        """Read images, and remember their form."""
        checked = super().check(estimator, X, reset=reset)
        if reset:
            self.form = ImageForm(X, self.reader)
        return checked

    def source(
        self, checked: np.ndarray, rows: slice, dtype: torch.dtype, device: str, **rest: Any
    ) -> Source:
        """Take pixels to the device as they are, and labels, if there are any."""
        labels = rest.pop("y", None)
        return _labelled(super().source(checked, rows, dtype, device, **rest), labels)

    def restored(self, cells: np.ndarray, *, whole: bool) -> np.ndarray:
        """Write images, of which the pixels are standardised, in the form of X."""
        return self.form.restore(self.in_units(cells).reshape(cells.shape), whole=whole)

    def in_units(self, numbers: np.ndarray) -> np.ndarray:
        """Return standardised pixels, with or without axes, in the units of X."""
        pixels = np.array(numbers, dtype=np.float64).reshape(len(numbers), self.shape[0], -1)
        if self.standardised:
            pixels *= self.scale[:, np.newaxis]
            pixels += self.mean[:, np.newaxis]
        return pixels.reshape(len(numbers), -1)

    def log_slope(self, checked: np.ndarray) -> np.ndarray:
        """Return minus the logarithms of the scales of all pixels, which each row has."""
        n_pixels = math.prod(self.shape[1:])
        volume = n_pixels * np.log(self.scale).sum() if self.standardised else 0.0
        return np.full(len(checked), -volume)


class LikelyImages(ReversibleImages):
    """Arrays with spatial axes, whose pixels may all be 0 or 1.

    Attributes
    ----------
    is_binary : bool
        Whether they are, in the fit; then they stay as they are.
    """

    is_binary = False

    def check(self, estimator: Any, X: Any, *, reset: bool) -> np.ndarray:
        """Read images; after a fit to pixels of 0 and 1, others have no probability."""
        checked = super().check(estimator, X, reset=reset)
        if self.is_binary and not _is_binary(checked):
            raise ValueError(
                f"X has pixels from {checked.min()} to {checked.max()}, but those of the fit are "
                "all 0 or 1, and so must these be."
            )
        return checked

    def learn(self, checked: np.ndarray, weight: np.ndarray | None, *, first: bool = False) -> None:
        """Learn the statistics of the channels, or that pixels are 0 and 1."""
        self.is_binary = _is_binary(checked)
        super().learn(checked, weight, first=first)
        if self.is_binary:
            self.mean, self.scale = np.zeros_like(self.mean), np.ones_like(self.scale)


def _labelled(source, labels):
    """Return rows with labels as the last input, if there are any."""
    return source if labels is None else source.joined(labels.unsqueeze(1))


def _are_whole(numbers):
    """Tell which columns have known numbers, all of which are whole."""
    known = ~np.isnan(numbers)
    return known.any(axis=0) & ((numbers == np.rint(numbers)) | ~known).all(axis=0)


def _is_binary(images):
    return all(((image == 0) | (image == 1)).all() for image in images)


def _values_of(codes, values):
    """Return the values that codes stand for, None for NaN."""
    missing = np.isnan(codes)
    # An empty list of values has codes of missing ones only.
    table = np.array([*values.tolist(), None], dtype=object)
    found = table[np.where(missing, len(values), codes).astype(np.int64)]
    return found if missing.any() or values.dtype == object else found.astype(values.dtype)
