"""Sequences as outcomes: their steps, and in the end that they end."""

from typing import Any

import numpy as np
import torch

from sklearn_modern._inputs.ragged import Ragged
from sklearn_modern._inputs.text import UNKNOWN
from sklearn_modern._neural.sequence_inputs import SequenceInputs
from sklearn_modern.heads.mixture import END, INCOMPLETE, UNCOUNTED

__all__ = ["as_outcomes", "joined", "tokens_of", "without_nameless"]


def without_nameless(rows: Ragged) -> Ragged:
    """Leave out the token without a name that stands in for the tokens of an empty text."""
    if "" not in rows.tokens:
        return rows
    there = rows.values != rows.tokens.index("")
    lengths = np.bincount(rows.row_of_each()[there], minlength=len(rows))
    return Ragged(rows.values[there], lengths, rows.tokens)


def as_outcomes(
    inputs: SequenceInputs, rows: Ragged, max_length: int | None, dtype: torch.dtype
) -> Ragged:
    """Return rows as a :class:`sklearn_modern.heads.steps.StepHead` takes them.

    Where a row that is as long as ``max_length`` would have ended is not known, so that its end
    does not count.
    """
    rows = without_nameless(rows)
    cut = rows.lengths == max_length if max_length is not None else np.zeros(len(rows), bool)
    ends = np.cumsum(rows.lengths)
    if inputs.is_text:
        codes = inputs.vocabulary.encode(rows).values
        last = np.where(cut, UNKNOWN, len(inputs.vocabulary))
        return Ragged(np.insert(codes, ends, last), rows.lengths + 1)
    precision = np.float64 if dtype == torch.float64 else np.float32
    kinds = np.where(np.isnan(rows.values).any(1), INCOMPLETE, 0)
    numbers = inputs.scaler.transform(rows, precision)
    steps = np.column_stack([numbers, kinds.astype(precision)])
    last = np.zeros((len(rows), steps.shape[1]), precision)
    last[:, -1] = np.where(cut, UNCOUNTED, END)
    return Ragged(np.insert(steps, ends, last, axis=0), rows.lengths + 1)


def joined(inputs: SequenceInputs, texts: Any) -> str:
    """Return what tokens are joined by: nothing if these texts come back so, else a blank."""
    analyzer = inputs.reader.analyzer
    if analyzer.kind == "char":
        return ""
    texts = list(texts)
    pairs = zip(texts, analyzer.tokens(texts), strict=True)
    return "" if all(_alike("".join(tokens), text) for text, tokens in pairs) else " "


def tokens_of(inputs: SequenceInputs) -> np.ndarray:
    """Return the name of each code."""
    known = inputs.vocabulary.code_of
    names = np.full(len(inputs.vocabulary), "", dtype=object)
    names[list(known.values())] = list(known)
    return names


def _alike(found, text):
    return found == text or found == text.lower()
