"""Rows that a network makes, which may depend on labels."""

from typing import Any

import numpy as np
import torch

from sklearn_modern._inputs.columns import Table
from sklearn_modern._inputs.row_coder import RowCoder
from sklearn_modern._neural.reversible import ReversibleImages, ReversibleTable
from sklearn_modern.training.sources import Arrays, Source

__all__ = ["GeneratedImages", "GeneratedTable"]


class GeneratedTable(ReversibleTable):
    """Mixed tables, the rows of which are made as vectors.

    Inputs of the network are the labels, if there are any, and targets are the vectors.
    """

    def __init__(self, categorical_features: Any) -> None:
        super().__init__(categorical_features, None)

    def learn(self, checked: Table, weight: np.ndarray | None, *, first: bool = False) -> None:
        """Learn the columns' values."""
        super().learn(checked, weight, first=first)
        self.coder = RowCoder().fit(checked, self.n_known, weight)

    def source(
        self, checked: Table, rows: slice, dtype: torch.dtype, device: str, **rest: Any
    ) -> Source:
        """Write rows as vectors; what came as targets are the labels."""
        labels = rest.pop("y", None)
        some = Table(checked.numbers[rows], None if checked.codes is None else checked.codes[rows])
        targets = torch.from_numpy(self.coder.transform(some)).to(device, dtype)
        x = targets[:, :0] if labels is None else labels.unsqueeze(1)
        return Arrays(x, y=targets, **rest)

    @property
    def made_shape(self) -> tuple[int, ...]:
        """Shape of a row as it is made."""
        return (self.coder.n_scores + sum(map(len, self.coder.shares)),)

    def restored(self, cells: np.ndarray, *, whole: bool) -> Any:
        """Write made rows in the form of X."""
        return self._written(self.coder.inverse(cells), whole)


class GeneratedImages(ReversibleImages):
    """Arrays with spatial axes, which are made as a whole.

    Inputs of the network are the labels, if there are any, and targets are the pixels. Made pixels
    stay within the range of those of the fit, channel by channel.

    Attributes
    ----------
    low, high : ndarray of shape (channels,)
        That range, of standardised pixels.
    """

    def learn(self, checked: np.ndarray, weight: np.ndarray | None, *, first: bool = False) -> None:
        """Learn the statistics and the range of the channels."""
        super().learn(checked, weight, first=first)
        rows = checked if weight is None else checked[weight > 0]
        axes = (0, *range(2, rows.ndim))
        self.low = (rows.min(axis=axes) - self.mean) / self.scale
        self.high = (rows.max(axis=axes) - self.mean) / self.scale

    def source(
        self, checked: np.ndarray, rows: slice, dtype: torch.dtype, device: str, **rest: Any
    ) -> Source:
        """Take pixels to the device as they are; the network standardises them."""
        labels = rest.pop("y", None)
        pixels = np.ascontiguousarray(checked[rows])
        targets = torch.from_numpy(pixels if pixels.flags.writeable else pixels.copy()).to(device)
        nothing = torch.empty(len(targets), 0, dtype=dtype, device=device)
        x = nothing if labels is None else labels.unsqueeze(1)
        return Arrays(x, y=targets, **rest)

    @property
    def made_shape(self) -> tuple[int, ...]:
        """Shape of an image as it is made."""
        return self.shape

    def restored(self, cells: np.ndarray, *, whole: bool) -> np.ndarray:
        """Write made images in the form of X."""
        spread = (-1, *[1] * (cells.ndim - 2))
        within = np.clip(cells, self.low.reshape(spread), self.high.reshape(spread))
        return super().restored(within, whole=whole)
