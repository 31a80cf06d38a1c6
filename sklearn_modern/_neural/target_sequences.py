"""Targets that are sequences of tokens."""

import copy
from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np
from sklearn.utils import column_or_1d

from sklearn_modern._inputs.cells import refuse_missing, refuse_unreadable
from sklearn_modern._inputs.validation import check_labels
from sklearn_modern._neural.targets import Targets
from sklearn_modern.heads.steps import NextToken
from sklearn_modern.networks.random import MemberRandom

__all__ = ["TargetSequences"]

_CONTAINERS = (list, tuple, np.ndarray)
_ROWS_SHOWN = 5
_KINDS = {"text": "strings", "tokens": "lists of tokens", "label": "one label a row"}


class TargetSequences(Targets):
    """Strings, lists of tokens, or one label a row.

    They are coded as :class:`sklearn_modern.heads.steps.NextToken` takes them: zeros fill up, one
    is an unknown token, and the last code is the end.

    Parameters
    ----------
    analyzer : {"auto", "word", "char"}
        Whether strings are cut at blanks, or into characters. "auto" cuts at blanks if at least
        half of the strings have one, and all come back when their parts are joined by blanks.

    Attributes
    ----------
    kind : {"text", "tokens", "label"}
        What y holds.
    code_of : dict
        The code of each token.
    longest : int
        Tokens of the longest target of the fit.
    """

    _is_kept = False

    def __init__(self, analyzer: str) -> None:
        self.analyzer = analyzer

    def kept(self) -> "TargetSequences":
        """Return what reads other targets as those of this fit, and learns no tokens of them."""
        kept = copy.deepcopy(self)
        kept._is_kept = True
        return kept

    @property
    def n_codes(self) -> int:
        """Number of codes, with those that are no tokens, and the end."""
        return len(self.code_of) + NextToken.n_others + 1

    def check(self, y: Any, *, reset: bool) -> np.ndarray:
        """Code targets, (rows, longest + 1); unknown tokens are refused."""
        if reset and not self._is_kept:
            rows = self._read_anew(y)
            names = sorted({token for row in rows for token in row})
            self.code_of = dict(zip(names, range(NextToken.n_others, len(names) + 2), strict=True))
        else:
            rows = self._alike(y)
        unknown = sorted({str(t) for row in rows for t in row if t not in self.code_of})
        if unknown:
            what = "labels" if self.kind == "label" else "tokens"
            raise ValueError(f"y has {what} that were not in fit: {unknown[:_ROWS_SHOWN]}.")
        codes = self._coded(rows)
        if reset:
            self.longest = codes.shape[1] - 1
        return codes

    def encode(self, y: Any) -> np.ndarray:
        """Code targets like those of the fit, unknown tokens as 1."""
        return self._coded(self._alike(y))

    def learn(self, y: np.ndarray, weight: np.ndarray) -> None:
        """Learn the mean length, the end included."""
        self.mean_length = float(np.average((y != 0).sum(1), weights=weight))

    def make_head(self, n_features: int, random: MemberRandom) -> NextToken:
        """Make a head with a score for each token and the end."""
        return NextToken(n_features, self.n_codes, random)

    def named(self, decided: np.ndarray) -> np.ndarray:
        """Return what codes (rows, steps) without ends say, as y had it."""
        names = {code: token for token, code in self.code_of.items()}
        rows = [[names[code] for code in row if code] for row in decided.tolist()]
        if self.kind == "label":
            return self.classes[decided[:, 0] - NextToken.n_others]
        result = np.empty(len(rows), dtype=object)
        for place, row in enumerate(rows):
            result[place] = row if self.kind == "tokens" else self.glue.join(row)
        return result

    def attributes(self) -> dict[str, Any]:
        """Return the codes of tokens."""
        return {"target_vocabulary_": self.code_of}

    # How y is read.

    def _read_anew(self, y):
        self.kind, entries = _kind_of(y)
        if self.kind == "label":
            self.classes, codes = check_labels(entries, at_least=1)
            return [(label,) for label in self.classes[codes].tolist()]
        if self.kind == "text":
            self._decide(entries)
        return self._cut(entries)

    def _alike(self, y):
        kind, entries = _kind_of(y)
        if kind != self.kind:
            raise ValueError(f"y holds {_KINDS[kind]}, but {_KINDS[self.kind]} in fit.")
        if kind == "label":
            found, codes = check_labels(entries, at_least=1)
            return [(label,) for label in found[codes].tolist()]
        return self._cut(entries)

    def _decide(self, texts):
        kind = self.analyzer
        if kind == "auto":
            blanks = sum(" " in text for text in texts)
            whole = all(" ".join(text.split()) == text for text in texts)
            kind = "word" if whole and 2 * blanks >= len(texts) else "char"
        self.glue = " " if kind == "word" else ""

    def _cut(self, entries):
        if self.kind == "text":
            entries = [text.split() if self.glue else list(text) for text in entries]
        empty = [place for place, row in enumerate(entries) if not len(row)]
        if empty:
            raise ValueError(
                f"y has {len(empty)} rows without tokens, at the positions "
                f"{empty[:_ROWS_SHOWN]}; each needs one at least. Drop such rows."
            )
        return entries

    def _coded(self, rows: Sequence[Sequence[Any]]) -> np.ndarray:
        lengths = np.array([len(row) for row in rows])
        codes = np.zeros((len(rows), lengths.max() + 1), dtype=np.int64)
        there = np.arange(codes.shape[1]) < lengths[:, np.newaxis]
        codes[there] = [self.code_of.get(token, 1) for row in rows for token in row]
        codes[np.arange(len(rows)), lengths] = self.n_codes - 1
        return codes


def _kind_of(y):
    """Tell what y holds, and return its rows."""
    y = _one_entry_a_row(y)
    entries = list(y)
    is_text = [isinstance(entry, str) for entry in entries]
    if all(is_text):
        return "text", entries
    if any(is_text):
        refuse_missing(np.fromiter(entries, dtype=object, count=len(entries)), "y")
        place = is_text.index(False)
        raise ValueError(
            f"y has a text in row {is_text.index(True)}, but {type(entries[place]).__name__} in "
            f"row {place}; all rows must be of one kind."
        )
    rows = [isinstance(entry, _CONTAINERS) for entry in entries]
    if not any(rows):
        if any(isinstance(entry, bytes) for entry in entries):
            raise TypeError("y holds bytes; decode them: [entry.decode() for entry in y].")
        return "label", y
    for place, entry in enumerate(entries):
        wrong = [token for token in entry if not isinstance(token, str)] if rows[place] else [entry]
        if wrong:
            kind = type(entries[rows.index(True)]).__name__
            raise ValueError(
                f"y holds values of type {kind}, whose tokens must be strings, but row {place} has "
                f"{wrong[0]!r}."
            )
    return "tokens", [list(map(str, entry)) for entry in entries]


def _one_entry_a_row(y):
    """Refuse what is no collection of rows; a table of one column is that column."""
    if isinstance(y, (str, bytes)):
        raise TypeError(f"y is one text, {y[:20]!r}; pass a list of texts, one for each row of X.")
    if isinstance(y, (Set, Mapping)):
        raise TypeError(
            f"y is a {type(y).__name__}, whose entries belong to no rows of X; pass a list of them."
        )
    refuse_unreadable(y, "y")
    if not hasattr(y, "__len__"):  # what numpy can read need not have more than __array__
        y = np.asarray(y)
    shape = getattr(y, "shape", ())
    if len(shape) > 1 and 1 not in shape[1:]:
        raise ValueError(
            f"y is a table of shape {tuple(shape)}, but has one entry a row. Rows of tokens are "
            "lists: y.tolist() makes them of an array."
        )
    if len(shape) > 1:
        y = column_or_1d(y, warn=True)
    if not len(y):
        raise ValueError("y has no rows.")
    return y
