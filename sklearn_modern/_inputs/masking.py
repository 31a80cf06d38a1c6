"""Holes in sequences: the token "[MASK]", and numbers that are missing."""

from collections.abc import Iterable, Sequence

import numpy as np

from sklearn_modern._inputs.ragged import Ragged
from sklearn_modern._inputs.step_scaling import StepScaler
from sklearn_modern._inputs.text import Analyzer, Vocabulary

__all__ = ["MASK", "MarkingScaler", "MaskAnalyzer", "MaskVocabulary", "row_keys"]

MASK = "[MASK]"

_UNSIGNED = np.uint64
_MISSING_BITS = _UNSIGNED(0x7FF8000000000001)


class MaskAnalyzer(Analyzer):
    """An :class:`Analyzer` for which "[MASK]" is one token, wherever it stands in a text."""

    def tokens(self, texts: Sequence[str]) -> Iterable[list[str]]:
        """Return the tokens of each text."""
        pieces = [text.split(MASK) for text in texts]
        cut = iter(super().tokens([piece for of_text in pieces for piece in of_text]))
        for of_text in pieces:
            tokens = list(next(cut))
            for _ in of_text[1:]:
                tokens += [MASK, *next(cut)]
            yield tokens


class MaskVocabulary(Vocabulary):
    """A :class:`Vocabulary` with a code for "[MASK]", the last one, which ``code_of`` leaves out.

    Attributes
    ----------
    mask_code : int
        That code.
    """

    def learn(self, texts: Ragged, weight: np.ndarray | None) -> None:
        """Learn from texts; a "[MASK]" in them counts as no token."""
        # As the place of an empty row, which is no token either.
        names = tuple("" if token == MASK else token for token in texts.tokens)
        super().learn(Ragged(texts.values, texts.lengths, names), weight)

    @property
    def mask_code(self) -> int:
        """The code of "[MASK]"."""
        return super().__len__()

    def __len__(self) -> int:
        """Return the number of codes, with those that are no tokens."""
        return self.mask_code + 1

    def encode(self, texts: Ragged) -> Ragged:
        """Return texts whose codes are those of this vocabulary."""
        codes = super().encode(texts)
        if MASK not in texts.tokens:
            return codes
        holes = texts.values == texts.tokens.index(MASK)
        return Ragged(np.where(holes, self.mask_code, codes.values), codes.lengths)


class MarkingScaler(StepScaler):
    """A :class:`StepScaler` that marks missing numbers of every channel.

    What has been hidden from a network then looks like what is missing.
    """

    def learn(self, rows: Ragged, weight: np.ndarray | None) -> None:
        """Learn from rows; one of weight 2 counts as two, one of weight 0 as none."""
        super().learn(rows, weight)
        self.missing_channels = np.arange(len(self.mean))

    @property
    def fill(self) -> np.ndarray:
        """What a missing number of each channel becomes."""
        return self.mean if self.kind is None else np.zeros_like(self.mean)


def row_keys(rows: Ragged) -> np.ndarray:
    """Return a number for each row that depends on its own steps only: int64 of shape (n_rows,).

    Rows that are equal have equal keys, however many rows there are and in whatever order; others
    have the same one by an accident of one in 2 ** 64.
    """
    values = rows.values if rows.values.ndim == 2 else rows.values[:, np.newaxis]
    if values.dtype.kind == "f":
        bits = (values.astype(np.float64) + 0.0).view(np.uint64)  # the sum has no minus zero
        bits = np.where(np.isnan(values), _MISSING_BITS, bits)
    else:
        bits = values.astype(np.uint64)
    place = np.arange(len(values)) - np.repeat(rows.starts, rows.lengths)
    channel = np.arange(values.shape[1])
    where = (place[:, np.newaxis] * values.shape[1] + channel).astype(np.uint64)
    with np.errstate(over="ignore"):
        of_steps = _mixed(bits + _mixed(where)).sum(axis=1, dtype=np.uint64)
        return np.add.reduceat(of_steps, rows.starts).view(np.int64)


def _mixed(bits):
    """Scatter bits, as splitmix64 does (Steele, Lea, Flood 2014)."""
    bits = bits + _UNSIGNED(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> _UNSIGNED(30))) * _UNSIGNED(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> _UNSIGNED(27))) * _UNSIGNED(0x94D049BB133111EB)
    return bits ^ (bits >> _UNSIGNED(31))
