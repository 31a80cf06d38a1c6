"""Write rows of mixed tables as vectors of numbers that a network can make, and back."""

from abc import ABC, abstractmethod

import numpy as np
from scipy.special import ndtr, ndtri

from sklearn_modern._inputs.columns import Table
from sklearn_modern._inputs.validation import counted_rows

__all__ = ["RowCoder"]

# Values that have more than this share of a column's weight have intervals of ranks.
_REPEATED = 0.05

# A column whose values repeat so often on average has few values, and no others.
_REPEATS = 5

# Nor has one of so few values, all of which might repeat.
_FEWEST = round(1 / _REPEATED)

# The quantiles that tell the shape of a column of many values.
_LEVELS = np.linspace(0, 1, 1001)

# How far ranks stay away from 0 and 1, whose scores are infinite, and the least share of a level.
_END = 1e-4
_LEAST_SHARE = 1e-6

# A column is nearly determined by another one if there are at most so many times as many pairs of
# values as values of the other one.
_PAIRS = 1.2

_NOWHERE = -1  # the code of a cell that is like none of the fit


class RowCoder:
    """Write rows of a table as vectors: normal scores of numbers, then blocks of indicators.

    A column of numbers has a score, which is standard normal over the rows:

    - A column of few values has them as intervals of ranks, each as wide as the value is frequent;
      a row's rank is somewhere in its interval. So the shares of values come out right.
    - Any other has interpolated ranks; only values that repeat in more than 5 % of the rows, such
      as zeros, have intervals.

    - A column that another one nearly determines, both of few values, such as a region by a town,
      has ranks among the values that come beside that of the other one, or nothing where there is
      one only.

    A category has an indicator for each level. Where cells are missing, that has an indicator, too.
    Numbers that stand for nothing, as an indicator tells, are normal noise. A column that never
    varies is not in the vector.

    Attributes
    ----------
    n_scores : int
        Numbers of a vector before the indicators.
    shares : list of ndarray
        The shares of the indicators of each block.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_modern._inputs.columns import Table
    >>> from sklearn_modern._inputs.row_coder import RowCoder
    >>> rows = Table(np.array([[0.0], [np.nan], [2.0]] * 4), np.array([[0], [1], [1]] * 4))
    >>> coder = RowCoder().fit(rows, np.array([2]), None)
    >>> coder.n_scores, [len(share) for share in coder.shares]
    (1, [2, 2])
    >>> coder.inverse(coder.transform(rows))[:3].tolist()
    [[0.0, 0.0], [nan, 1.0], [2.0, 1.0]]
    """

    def fit(self, table: Table, n_known: np.ndarray, weight: np.ndarray | None) -> "RowCoder":
        """Learn the values of columns, by the weights of rows (None is one for each).

        ``n_known`` are the numbers of categories of categorical columns.
        """
        if weight is None:
            weight = np.ones(len(table.numbers))
        has_weight = weight > 0
        weight = np.asarray(weight, dtype=np.float64)[has_weight]
        cells = [column[has_weight] for column in _cells(table)]
        n_numbers = len(cells) - len(n_known)
        self.parents = _parents(cells, counted_rows(weight))
        self.columns = []
        for index, (column, parent) in enumerate(zip(cells, self.parents, strict=True)):
            if parent is not None:
                own = _Determined(column, cells[parent], weight)
            elif index < n_numbers:
                own = _number_column(column, weight)
            else:
                own = _Levels(column, int(n_known[index - n_numbers]))
            self.columns.append(own)
        self.n_scores = sum(column.is_scored for column in self.columns)
        codes = zip(self.columns, cells, strict=True)
        counts = [
            np.bincount(column.codes(own), weight, minlength=column.n_indicators)
            for column, own in codes
            if column.n_indicators
        ]
        self.shares = [np.maximum(count / weight.sum(), _LEAST_SHARE) for count in counts]
        return self

    def transform(self, table: Table) -> np.ndarray:
        """Write rows as vectors (n_samples, n_scores + indicators); noise is always the same."""
        random, scores, indicators = np.random.RandomState(0), [], []
        cells = _cells(table)
        for column, own, parent in zip(self.columns, cells, self.parents, strict=True):
            if column.is_scored:
                given = None if parent is None else cells[parent]
                scores.append(column.scores(own, random, given))
            if column.n_indicators:
                indicators.append(_indicators(column.codes(own), column.n_indicators))
        nothing = np.empty((len(table.numbers), 0))
        return np.column_stack([nothing, *scores, *indicators])

    def inverse(self, vectors: np.ndarray) -> np.ndarray:
        """Return the cells of vectors: numbers and codes of categories, NaN where missing."""
        scores, codes = self._split(vectors)
        cells = np.empty((len(vectors), len(self.columns)))
        # What determines others comes first.
        for index in sorted(range(len(self.columns)), key=lambda i: self.parents[i] is not None):
            parent = self.parents[index]
            given = None if parent is None else cells[:, parent]
            cells[:, index] = self.columns[index].cells(scores[index], codes[index], given)
        return cells

    def _split(self, vectors):
        """Return the score of each column, if it has one, and which of its indicators is on."""
        each, place = iter(vectors.T[: self.n_scores]), self.n_scores
        scores, codes = [], []
        for column in self.columns:
            scores.append(next(each) if column.is_scored else None)
            block = vectors[:, place : place + column.n_indicators]
            codes.append(block.argmax(axis=1) if column.n_indicators else _no_codes(block))
            place += column.n_indicators
        return scores, codes


class _Column(ABC):
    """A column as a score, if it has one, and a block of indicators, if it has any.

    ``given`` are the cells of the column that determines this one, if one does.
    """

    is_scored = False
    n_indicators = 0

    def codes(self, cells):
        """Return which indicator is on in each row, 0 if there are none."""
        return _no_codes(cells)

    def scores(self, cells, random, given):
        """Return the scores of cells, 0 if there are none."""
        return np.zeros(len(cells))

    @abstractmethod
    def cells(self, scores, codes, given):
        """Return cells, given their scores and which indicators are on."""


class _Levels(_Column):
    """Codes of categories, the last of which is "missing"."""

    def __init__(self, column, n_known):
        self.n_known = n_known
        n_levels = n_known + bool(np.isnan(column).any())
        self.n_indicators = n_levels if n_levels > 1 else 0

    def codes(self, cells):
        codes = np.where(np.isnan(cells), self.n_known, cells).astype(np.int64)
        return np.where(codes < self.n_indicators, codes, _NOWHERE)

    def cells(self, scores, codes, given):
        return np.where(codes < self.n_known, codes, np.nan)


class _FewValues(_Column):
    """Numbers of few values: a rank in an interval of each; the second indicator is "missing"."""

    def __init__(self, column, weight):
        known = ~np.isnan(column)
        self.values, place = np.unique(column[known], return_inverse=True)
        counts = np.bincount(place, weight[known], minlength=len(self.values))
        self.ends = counts.cumsum() / max(counts.sum(), np.finfo(np.float64).tiny)
        self.is_scored = len(self.values) > 1
        self.n_indicators = 2 if len(self.values) and not known.all() else 0

    def codes(self, cells):
        return np.isnan(cells).astype(np.int64)

    def scores(self, cells, random, given):
        ends = np.concatenate([[0.0], self.ends])
        # What lies between two values of the fit counts as the nearer one.
        place = np.searchsorted((self.values[1:] + self.values[:-1]) / 2, cells, side="left")
        place = np.minimum(place, len(self.values) - 1)
        ranks = ends[place] + np.diff(ends)[place] * random.uniform(size=len(cells))
        noise = random.standard_normal(len(cells))
        return np.where(np.isnan(cells), noise, ndtri(np.clip(ranks, _END, 1 - _END)))

    def cells(self, scores, codes, given):
        if not len(self.values):
            return np.full(len(codes), np.nan)
        place = np.zeros(len(codes), dtype=np.int64)
        if self.is_scored:
            place = np.searchsorted(self.ends, ndtr(scores))
        found = self.values[np.minimum(place, len(self.values) - 1)]
        return np.where(codes == 1, np.nan, found)


class _Determined(_Column):
    """A column whose values another column determines, or nearly so.

    Where it leaves a choice, a rank says which, in intervals as wide as the values are frequent
    beside the other one's value.
    """

    def __init__(self, column, parent, weight):
        self.values, own = np.unique(column, return_inverse=True)
        self.known, other = np.unique(parent, return_inverse=True)
        counts = np.zeros((len(self.known), len(self.values)))
        np.add.at(counts, (other, own), weight)
        self.is_scored = bool(((counts > 0).sum(axis=1) > 1).any())
        self.ends = counts.cumsum(axis=1) / counts.sum(axis=1, keepdims=True)

    def scores(self, cells, random, given):
        ends = np.pad(self.ends, [(0, 0), (1, 0)])[_places(given, self.known)]
        place = _places(cells, self.values)
        low, high = (ends[np.arange(len(cells)), place + step] for step in (0, 1))
        ranks = low + (high - low) * random.uniform(size=len(cells))
        return ndtri(np.clip(ranks, _END, 1 - _END))

    def cells(self, scores, codes, given):
        ranks = np.full(len(given), 0.5) if scores is None else ndtr(scores)
        ends = self.ends[_places(given, self.known)]
        # Values that never come are passed by, as their intervals are empty.
        place = (ends < ranks[:, np.newaxis]).sum(axis=1)
        return self.values[np.minimum(place, len(self.values) - 1)]


class _ManyValues(_Column):
    """Numbers of many values: interpolated ranks; the second indicator is "missing".

    Values that repeat have intervals of ranks.
    """

    is_scored = True

    def __init__(self, column, weight):
        known = ~np.isnan(column)
        values, place = np.unique(column[known], return_inverse=True)
        share = np.bincount(place, weight[known]) / weight[known].sum()
        ends = share.cumsum()
        middle = ndtri(np.clip(ends - share / 2, _END, 1 - _END))
        is_repeated = share > _REPEATED
        # Quantiles are enough, and do not grow with the data.
        of_quantiles = np.minimum(np.searchsorted(ends, _LEVELS), len(values) - 1)
        kept = np.unique(np.concatenate([of_quantiles, np.flatnonzero(is_repeated)]))
        self.values, self.middle = values[kept], middle[kept]
        self.repeated, self.ends = values[is_repeated], ends[is_repeated]
        self.begins = self.ends - share[is_repeated]
        self.n_indicators = 0 if known.all() else 2

    def codes(self, cells):
        return np.isnan(cells).astype(np.int64)

    def scores(self, cells, random, given):
        found = np.interp(cells, self.values, self.middle)
        draws, noise = random.uniform(size=len(cells)), random.standard_normal(len(cells))
        for value, begin, end in zip(self.repeated, self.begins, self.ends, strict=True):
            own = cells == value
            found[own] = ndtri(np.clip(begin + (end - begin) * draws[own], _END, 1 - _END))
        return np.where(np.isnan(cells), noise, found)

    def cells(self, scores, codes, given):
        found, ranks = np.interp(scores, self.middle, self.values), ndtr(scores)
        for value, begin, end in zip(self.repeated, self.begins, self.ends, strict=True):
            found[(ranks > begin) & (ranks <= end)] = value
        return np.where(codes == 1, np.nan, found)


def _parents(cells, n_rows):
    """Return for each column another one that nearly determines it, and is in the vector itself.

    Both have few values, of which missing is one. ``n_rows`` is by their weights.
    """
    coded = [np.unique(column, return_inverse=True) for column in cells]
    sizes = [len(values) for values, _ in coded]
    parents, kept = [None] * len(cells), []
    for index in sorted(range(len(cells)), key=lambda index: -sizes[index]):
        if sizes[index] == 1 or n_rows < _REPEATS * sizes[index]:
            continue
        for other in kept:
            n_pairs = len(np.unique(coded[other][1] * sizes[index] + coded[index][1]))
            if n_pairs <= _PAIRS * sizes[other]:
                parents[index] = other
                break
        else:
            kept.append(index)
    return parents


def _places(cells, known):
    """Return where cells are among sorted values, the last of which may be NaN."""
    places = np.minimum(np.searchsorted(known, cells), len(known) - 1)
    is_known = (known[places] == cells) | (np.isnan(known[places]) & np.isnan(cells))
    return np.where(is_known, places, 0)


def _number_column(column, weight):
    known = ~np.isnan(column)
    n_values = len(np.unique(column[known]))
    few = counted_rows(weight[known]) >= _REPEATS * n_values or n_values <= _FEWEST
    return _FewValues(column, weight) if few else _ManyValues(column, weight)


def _cells(table):
    """Return the columns: numbers, and codes of categories, NaN where missing or not known."""
    numbers = [np.asarray(column, dtype=np.float64) for column in table.numbers.T]
    if table.codes is None:
        return numbers
    return numbers + [np.where(column < 0, np.nan, column) for column in table.codes.T]


def _no_codes(cells):
    return np.zeros(len(cells), dtype=np.int64)


def _indicators(codes, n_indicators):
    return (codes[:, np.newaxis] == np.arange(n_indicators)).astype(np.float64)
