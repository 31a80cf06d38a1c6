"""Cut texts into tokens, and learn which tokens there are."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from numbers import Integral
from typing import Any

import numpy as np

from sklearn_modern._inputs.cells import refuse_unreadable
from sklearn_modern._inputs.ragged import Ragged

__all__ = ["PADDING", "UNKNOWN", "Analyzer", "Vocabulary", "count_tokens"]

# Codes that are no tokens: a place beyond the end of a text, and a token that the fit has not kept.
PADDING, UNKNOWN = 0, 1
_FIRST_TOKEN = 2

_ROWS_SHOWN = 5
_SPACE = re.compile(r"\s")


class Analyzer:
    """Turn texts into lists of tokens.

    Parameters
    ----------
    analyzer : {"auto", "word", "char"} or callable
        What tokens are. "auto" is "word" if at least half of the texts contain white space. A
        callable makes a list of tokens of a text.
    token_pattern : str
        What a word is, as a regular expression.
    lowercase : "auto" or bool
        Whether texts become lower-case first; "auto" is so for words only.

    Attributes
    ----------
    kind : "word", "char" or callable
        What :meth:`decide` has decided.
    """

    def __init__(self, analyzer: Any, token_pattern: str, lowercase: Any) -> None:
        self.analyzer, self.lowercase = analyzer, lowercase
        self.token_pattern = token_pattern
        try:
            n_groups = re.compile(token_pattern).groups
        except re.error as error:
            raise ValueError(
                f"token_pattern={token_pattern!r} is no regular expression: {error}."
            ) from None
        if n_groups > 1:
            raise ValueError(
                f"token_pattern={token_pattern!r} has {n_groups} groups; it must have one, which "
                "is then the token, or none."
            )

    def decide(self, texts: Sequence[str]) -> None:
        """Decide what tokens of these texts are."""
        self.kind = self.analyzer
        if self.kind == "auto":
            spaced = sum(_SPACE.search(text) is not None for text in texts)
            self.kind = "word" if 2 * spaced >= len(texts) else "char"

    def tokens(self, texts: Sequence[str]) -> Iterable[list[str]]:
        """Return the tokens of each text."""
        lower = self.kind == "word" if self.lowercase == "auto" else self.lowercase
        if lower:
            texts = [text.lower() for text in texts]
        if self.kind == "word":
            return map(re.compile(self.token_pattern).findall, texts)
        if self.kind == "char":
            return map(list, texts)
        return map(self._checked, texts)

    def _checked(self, text):
        tokens = self.kind(text)
        if isinstance(tokens, list) and all(isinstance(token, str) for token in tokens):
            return tokens
        found = type(tokens).__name__
        if isinstance(tokens, list):
            wrong = next(token for token in tokens if not isinstance(token, str))
            found = f"a list that holds {wrong!r}"
        raise TypeError(
            f"analyzer must return a list of strings, but for {text!r} it returned {found}."
        )


def count_tokens(rows: Iterable[Sequence[str]], max_length: int | None) -> Ragged:
    """Code tokens in the order in which they first occur; an empty row has one without a name.

    Parameters
    ----------
    rows : iterable of sequence of str
        The tokens of each row.
    max_length : int or None
        Later tokens are left out.

    Returns
    -------
    Ragged
        Codes, and by its ``tokens`` what they stand for; that of an empty row is "".
    """
    rows = [row if len(row) else [""] for row in rows]
    if max_length is not None:
        rows = [row[:max_length] for row in rows]
    table: defaultdict[str, int] = defaultdict()
    table.default_factory = table.__len__
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    codes = np.fromiter(
        map(table.__getitem__, chain.from_iterable(rows)), np.int64, int(lengths.sum())
    )
    return Ragged(codes, lengths, tuple(table))


class Vocabulary:
    """Learns which tokens to keep, and gives them codes.

    Parameters
    ----------
    max_features : int or None
        How many tokens to keep, the most frequent ones; None is all.
    min_df : int or float
        In how many texts a token must occur, or in which share of them.

    Attributes
    ----------
    code_of : dict of str to int
        The codes of the tokens that are kept, the most frequent first.
    counts : ndarray of shape (n_tokens,)
        How often each of them occurs; in a text of weight 2 twice as often.
    """

    def __init__(self, max_features: int | None, min_df: float) -> None:
        self.max_features, self.min_df = max_features, min_df

    def learn(self, texts: Ragged, weight: np.ndarray | None) -> None:
        """Learn from texts; one of weight 2 counts as two, one of weight 0 as none.

        For a number of texts (``min_df``) one of a weight below 1 counts as one, so that weights
        such as those of classes make no word rarer than it is.
        """
        weight = np.ones(len(texts)) if weight is None else weight
        n_tokens, row_of_each = len(texts.tokens), texts.row_of_each()
        counts = np.bincount(texts.values, weight[row_of_each], n_tokens)
        row, token = np.divmod(np.unique(row_of_each * n_tokens + texts.values), n_tokens)
        least, of_each = self.min_df * weight.sum(), weight
        if isinstance(self.min_df, Integral):
            least, of_each = self.min_df, np.where(weight > 0, np.maximum(weight, 1), 0)
        occurs_in = np.bincount(token, of_each[row], n_tokens)
        names = np.array(texts.tokens, dtype=object)
        kept = np.flatnonzero((occurs_in >= least) & (occurs_in > 0) & (names != ""))
        if not len(kept):
            raise ValueError(
                f"min_df={self.min_df} leaves no token: the most frequent one is in "
                f"{occurs_in[names != ''].max(initial=0):g} of {of_each.sum():g} texts. Lower "
                "min_df, or look at what the analyzer makes of them."
            )
        # The alphabet decides between equal counts, so that the order of rows does not.
        order = sorted(kept.tolist(), key=lambda token: (-counts[token], names[token]))
        order = order[: self.max_features]
        self.code_of = {names[token]: code for code, token in enumerate(order, _FIRST_TOKEN)}
        self.counts = counts[order]

    def __len__(self) -> int:
        """Return the number of codes, with those that are no tokens."""
        return len(self.code_of) + _FIRST_TOKEN

    def encode(self, texts: Ragged) -> Ragged:
        """Return texts whose codes are those of this vocabulary."""
        known = np.array([self.code_of.get(token, UNKNOWN) for token in texts.tokens], np.int64)
        return Ragged(known[texts.values], texts.lengths)

    def vectors(self, token_vectors: Any, size: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Look up given vectors.

        Parameters
        ----------
        token_vectors : mapping of str to array-like
            Vectors of some tokens.
        size : int or None
            How long they must be; None is as long as they are.

        Returns
        -------
        codes : ndarray of int64 of shape (n_found,)
            The codes of the tokens that have vectors.
        vectors : ndarray of shape (n_found, size)
            Their vectors.
        """
        if isinstance(token_vectors, str) or not (
            hasattr(token_vectors, "__contains__") and hasattr(token_vectors, "__getitem__")
        ):
            raise TypeError(
                "token_vectors must be a mapping from tokens to vectors, such as a dict, not "
                f"{type(token_vectors).__name__}."
            )
        found = {
            code: _vector(token_vectors[token], token)
            for token, code in self.code_of.items()
            if token in token_vectors
        }
        if not found:
            raise ValueError(
                "token_vectors has none of the tokens of X, which are such as "
                f"{list(self.code_of)[:_ROWS_SHOWN]}."
            )
        shapes = sorted({vector.shape for vector in found.values()})
        if len(shapes) > 1 or len(shapes[0]) != 1 or not shapes[0][0]:
            raise ValueError(f"token_vectors has vectors of the shapes {shapes}; all must be (k,).")
        if size is not None and shapes[0] != (size,):
            raise ValueError(
                f"token_vectors has vectors of length {shapes[0][0]}, but embedding_size={size}."
            )
        vectors = np.stack(list(found.values()))
        if not np.isfinite(vectors).all():
            raise ValueError("token_vectors has vectors with NaN or infinity.")
        return np.array(list(found), dtype=np.int64), vectors


def _vector(values, token):
    refuse_unreadable(values, f"token_vectors[{token!r}]")
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"token_vectors[{token!r}] is no vector of numbers: {error}") from None
