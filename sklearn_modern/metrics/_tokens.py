"""How far predicted sequences are from the true ones."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length

from sklearn_modern._inputs.validation import check_weights

__all__ = ["token_error_rate"]

_CUTS: dict[str, Callable[[str], Sequence[str]]] = {"char": list, "word": str.split}


def token_error_rate(
    y_true: Any, y_pred: Any, *, analyzer: Any = "char", sample_weight: Any = None
) -> float:
    """Edit distance between predicted and true sequences, over the length of the true ones.

    The edit distance is the least number of tokens to insert, to leave out, or to replace, that
    makes one sequence of the other (Levenshtein). Distances and lengths are summed over all rows
    before they are divided. Of characters this is the character error rate, of words the word error
    rate, of phonemes the phoneme error rate.

    Parameters
    ----------
    y_true, y_pred : sequence of str, or of lists of tokens, of length n_samples
        True and predicted sequences.
    analyzer : {"char", "word"} or callable, default="char"
        What the tokens of a string are: its characters, its parts between white space, or what a
        callable makes of it. Lists of tokens are taken as they are.
    sample_weight : array-like of shape (n_samples,), default=None
        Sample weights.

    Returns
    -------
    float
        0 if all are equal. It may be above 1, if predictions are too long.

    Examples
    --------
    >>> from sklearn_modern.metrics import token_error_rate
    >>> token_error_rate(["kitten"], ["sitting"])
    0.5
    >>> token_error_rate([["HH", "AY"], ["B", "IH"]], [["HH", "AY"], ["B", "AY"]])
    0.25
    """
    if not (callable(analyzer) or (isinstance(analyzer, str) and analyzer in _CUTS)):
        raise ValueError(f"analyzer={analyzer!r} must be one of {list(_CUTS)}, or a callable.")
    cut = _CUTS[analyzer] if isinstance(analyzer, str) else analyzer
    entries = _entries(y_true, "y_true"), _entries(y_pred, "y_pred")
    check_consistent_length(*entries)
    true, predicted = _rows(entries[0], "y_true", cut), _rows(entries[1], "y_pred", cut)
    if len({isinstance(row, str) for rows in entries for row in rows}) > 1:
        raise TypeError("y_true and y_pred must be either strings or lists of tokens, not both.")
    weight = check_weights(sample_weight, len(true), dtype=np.float64)
    length = weight @ np.array([len(row) for row in true])
    if not length:
        raise ValueError("y_true has no tokens, so that there is nothing to divide by.")
    pairs = zip(true, predicted, strict=True)
    return float(weight @ np.array([_distance(*pair) for pair in pairs]) / length)


def _entries(y, name):
    """Return the rows; a table of one column is that column."""
    if isinstance(y, str):
        raise TypeError(f"{name} is one text, {y[:20]!r}; pass a list of texts.")
    if not isinstance(y, Iterable) or isinstance(y, (Set, Mapping)):
        raise TypeError(f"{name} is a {type(y).__name__}; pass a list of texts, or of tokens.")
    if len(getattr(y, "shape", ())) == 2:
        y = np.asarray(y)
        return list(y[:, 0] if y.shape[1] == 1 else y)
    return list(y)


def _rows(entries, name, cut):
    """Return the tokens of each row."""
    rows = []
    for place, row in enumerate(entries):
        if isinstance(row, str):
            rows.append(_tokens(cut(row)))
        elif isinstance(row, (list, tuple, np.ndarray)):
            rows.append(list(row))
        else:
            raise ValueError(
                f"Row {place} of {name} is {row!r}, but it must be a string or a list of tokens."
            )
    return rows


def _tokens(found):
    if not isinstance(found, Iterable):
        raise TypeError(f"analyzer returned {found!r}; it must make a list of tokens of a string.")
    return list(found)


def _distance(true, predicted):
    """Return the edit distance, by rows of the table of distances between beginnings."""
    codes: dict[Any, int] = {}
    first, second = (
        np.array([codes.setdefault(token, len(codes)) for token in row], dtype=np.int64)
        for row in (true, predicted)
    )
    places = np.arange(len(second) + 1)
    row = places.copy()
    for token in first:
        below = row + 1
        below[1:] = np.minimum(below[1:], row[:-1] + (second != token))
        # To insert costs one a place: the least of all places before, and the way from there.
        row = np.minimum.accumulate(below - places) + places
    return row[-1]
