"""What X is, for a network over sequences."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_modern._inputs.ragged import Ragged
from sklearn_modern._inputs.sequences import SequenceReader
from sklearn_modern._inputs.step_scaling import StepScaler
from sklearn_modern._inputs.text import PADDING, UNKNOWN, Vocabulary
from sklearn_modern._neural.inputs import Inputs
from sklearn_modern.networks.given import Given
from sklearn_modern.training.ragged import RaggedRows, ends_by_steps
from sklearn_modern.training.sources import Source
from sklearn_modern.training.supervised import Network

__all__ = ["SequenceInputs"]


class SequenceInputs(Inputs):
    """Sequences of tokens or of numbers, of any length.

    Parameters
    ----------
    reader : SequenceReader
        Reads them.
    vocabulary : Vocabulary
        Gives tokens codes.
    scaler : StepScaler
        Scales numbers.

    Attributes
    ----------
    n_steps : float
        Mean length of the rows of the fit.
    longest : int
        Length of the longest of them.
    """

    _is_kept = False

    def __init__(self, reader: SequenceReader, vocabulary: Vocabulary, scaler: StepScaler) -> None:
        self.reader, self.vocabulary, self.scaler = reader, vocabulary, scaler

    def kept(self) -> "SequenceInputs":
        """Return what reads other sequences as those of this fit, and learns nothing of them."""
        kept = copy.deepcopy(self)
        kept._is_kept = True
        return kept

    @property
    def step_shape(self) -> tuple[int, ...]:
        """Shape of a step, as networks see it: (channels,), or () of tokens."""
        return () if self.is_text else (self.scaler.n_channels_out,)

    @property
    def is_text(self) -> bool:
        """Whether steps are tokens."""
        return self.reader.kind != "numbers"

    def check(self, estimator: Any, X: Any, *, reset: bool) -> Ragged:
        """Read sequences; their tokens still have codes of their own."""
        if not reset:
            return self.reader.transform(estimator, X)
        read = self.reader.refit_transform if self._is_kept else self.reader.fit_transform
        return read(estimator, X)

    def learn(self, checked: Ragged, weight: np.ndarray | None, *, first: bool = False) -> None:
        """Learn the vocabulary, or the scale of channels."""
        if not self._is_kept:
            (self.vocabulary if self.is_text else self.scaler).learn(checked, weight)
        self.n_steps = float(np.average(checked.lengths, weights=weight))
        self.longest = int(checked.lengths.max())

    def chunks(self, checked: Ragged, n_rows: int, together: int) -> Iterator[np.ndarray]:
        """Yield rows of about one length."""
        order = checked.lengths.argsort(kind="stable")
        ends = ends_by_steps(checked.lengths[order].tolist(), together)
        yield from np.split(order, ends[:-1])

    def source(
        self,
        checked: Ragged,
        rows: slice | np.ndarray,
        dtype: torch.dtype,
        device: str,
        **rest: Any,
    ) -> Source:
        """Give tokens the codes of the vocabulary, or scale numbers."""
        rows = checked.select(rows)
        if self.is_text:
            values = torch.from_numpy(self.vocabulary.encode(rows).values)
        else:
            precision = np.float64 if dtype == torch.float64 else np.float32
            values = torch.from_numpy(self.scaler.transform(rows, precision))
        return RaggedRows(values.to(device), torch.from_numpy(rows.lengths).to(device), **rest)

    def row_shape(self, checked: Ragged) -> tuple[int, ...]:
        """Return that of a row of one step: how many are evaluated together depends on lengths."""
        return (1,)

    def attributes(self) -> dict[str, Any]:
        """Return what tokens are, or how many channels there are."""
        reader = self.reader
        analyzer = reader.analyzer.kind if reader.kind == "text" else None
        return {"n_channels_": reader.n_channels, "analyzer_": analyzer}

    def export(self, network: Network, dtype: torch.dtype) -> nn.Module:
        """Make a module that takes codes, or numbers."""
        longest = self.reader.max_length
        if self.is_text:
            return _ExportedText(network, longest)
        return _ExportedSteps(network, self.scaler, longest)


class _ExportedText(nn.Module):
    """A network over codes of tokens, and the decoding of its scores, in one module."""

    def __init__(self, network: Network, longest: int | None) -> None:
        super().__init__()
        self.longest = longest
        self.network = copy.deepcopy(network).cpu()
        self.eval()

    def forward(self, codes: Tensor) -> Tensor:
        """Map codes (rows, steps), filled up with zeros, to probabilities or values."""
        codes = codes[:, : self.longest]
        # A text without any token is one unknown token.
        codes = torch.cat([codes[:, :1].clamp_min(UNKNOWN), codes[:, 1:]], dim=1)
        given = Given(mask=(codes != PADDING).unsqueeze(0))
        return self.network.head.decode(self.network(codes.unsqueeze(0), given))


class _ExportedSteps(nn.Module):
    """Scaling of channels, a network over steps, and the decoding of its scores, in one module."""

    def __init__(self, network: Network, scaler: StepScaler, longest: int | None) -> None:
        super().__init__()
        self.longest = longest
        self.kind = scaler.kind
        self.register_buffer("mean", torch.from_numpy(scaler.mean))
        self.register_buffer("scale", torch.from_numpy(scaler.scale))
        self.register_buffer("missing_channels", torch.from_numpy(scaler.missing_channels))
        self.network = copy.deepcopy(network).cpu()
        self.dtype = next(network.parameters()).dtype
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Map (rows, steps, channels), filled up with NaN, to probabilities or values."""
        x = x[:, : self.longest]
        missing = x.isnan()
        # A step exists if it, or a later one, has a number.
        there = (~missing).any(2).to(torch.int64)
        mask = there.flip(1).cummax(1).values.flip(1).bool()
        scaled = self._scaled(x.double(), missing).masked_fill(~mask.unsqueeze(-1), 0)
        marks = (missing & mask.unsqueeze(-1))[..., self.missing_channels]
        steps = torch.cat([scaled, marks.to(scaled.dtype)], dim=-1).to(self.dtype)
        given = Given(mask=mask.unsqueeze(0))
        return self.network.head.decode(self.network(steps.unsqueeze(0), given))

    def _scaled(self, x, missing):
        mean, scale = self.mean, self.scale
        if self.kind == "per_sequence":
            n = (~missing).sum(1, keepdim=True).clamp(min=1)
            mean = x.nan_to_num(0.0).sum(1, keepdim=True) / n
            squares = ((x - mean).nan_to_num(0.0) ** 2).sum(1, keepdim=True)
            scale = (squares / n).sqrt()
            scale = scale.where(scale > 1e-12 * mean.abs(), 1.0)
        if self.kind is None:
            return torch.where(missing, mean, x)
        return ((x - mean) / scale).masked_fill(missing, 0)
