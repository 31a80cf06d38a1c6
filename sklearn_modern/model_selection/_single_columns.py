"""How well a single column predicts y."""

import numpy as np
from scipy import stats
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

__all__ = ["ColumnPower", "is_numeric_target"]

_MOST_CLASSES = 30
_MOST_ROWS = 10_000
_FEWEST_ROWS = 20
_FEWEST_ERRORS = 10


def is_numeric_target(y: np.ndarray) -> bool:
    """Tell whether y is taken for the numbers of a regression rather than for labels."""
    return y.dtype.kind in "iuf" and len(np.unique(y)) > _MOST_CLASSES


class ColumnPower:
    """Predicts y by one column after the other, on rows that it was not learned from.

    Half of the rows, or of the groups, are predicted by what is learned from the others.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Labels or numbers.
    groups : ndarray of int64 of shape (n_samples,) or None
        Groups, which are not divided.
    numeric : bool
        Whether y are numbers. Their ranks are predicted, so that outliers do not decide.

    Attributes
    ----------
    can_tell : bool
        Whether there are enough rows to tell a leak from chance.
    error : float
        Share of the rows whose label is not met without a column, or the mean squared error.
    """

    def __init__(self, y: np.ndarray, groups: np.ndarray | None, *, numeric: bool) -> None:
        rng = np.random.RandomState(0)
        self._rows = np.sort(rng.permutation(len(y))[:_MOST_ROWS])
        y = y[self._rows]
        self._numeric = numeric
        self._y = stats.rankdata(y) if numeric else np.unique(y, return_inverse=True)[1]
        units = np.arange(len(y)) if groups is None else groups[self._rows]
        halves = rng.permutation(units.max() + 1) % 2 == 0
        first = halves[units]
        self._halves = [(first, ~first), (~first, first)]
        self._error = sum(self._cost(half, self._usual(rest)) for rest, half in self._halves)
        self.error = self._error / len(y)
        fewest = 0 if numeric else _FEWEST_ERRORS
        enough = len(y) >= _FEWEST_ROWS and self._error > 0 and self._error >= fewest
        self.can_tell = enough and bool(first.any() and (~first).any())

    def of(self, values: np.ndarray, *, categorical: bool) -> float:
        """Return the share of the error that a column takes away: 1 if it determines y.

        Parameters
        ----------
        values : ndarray of shape (n_samples,)
            Numbers, or codes of categories.
        categorical : bool
            Whether they are codes.
        """
        values = values[self._rows]
        if (values == values[0]).all() or np.isnan(values).all():
            return 0.0
        predict = self._by_category
        if not categorical:
            predict, values = self._by_tree, _scaled(values)
        error = sum(
            self._cost(half, predict(values[rest], self._y[rest], values[half], rest))
            for rest, half in self._halves
        )
        return float(1 - error / self._error)

    def _usual(self, rows):
        """Return what is predicted without a column."""
        y = self._y[rows]
        if len(y) == 0:
            return 0
        return y.mean() if self._numeric else np.bincount(y).argmax()

    def _cost(self, rows, predicted):
        y = self._y[rows]
        return float(((y - predicted) ** 2).sum() if self._numeric else (y != predicted).sum())

    def _by_tree(self, values, y, others, rest):
        if len(np.unique(y)) < 2:
            return self._usual(rest)
        n_leaves = 64 if self._numeric else 64 + 2 * len(np.unique(y))
        tree = DecisionTreeRegressor if self._numeric else DecisionTreeClassifier
        model = tree(max_leaf_nodes=n_leaves, random_state=0).fit(values[:, None], y)
        return model.predict(others[:, None])

    def _by_category(self, values, y, others, rest):
        """Predict by the mean or the most frequent label of each category."""
        usual = self._usual(rest)
        size = max(values.max(), others.max()) + 2  # missing is -1, and a category
        counts = np.bincount(values + 1, minlength=size)
        if self._numeric:
            of_category = np.bincount(values + 1, y, minlength=size) / np.maximum(counts, 1)
        else:
            pairs = np.column_stack([values + 1, y])
            pairs, frequency = np.unique(pairs, axis=0, return_counts=True)
            order = np.argsort(frequency, kind="stable")  # the most frequent is written last
            of_category = np.zeros(size, dtype=np.int64)
            of_category[pairs[order, 0]] = pairs[order, 1]
        return np.where(counts > 0, of_category, usual)[others + 1]


def _scaled(values):
    """Scale values so that float32, which a tree has, tells them apart; missing ones are low."""
    missing = np.isnan(values)
    known = values[~missing] / (np.abs(values[~missing]).max() or 1.0)
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    known = known - middle
    known = known / ((high - low) or np.abs(known).max() or 1.0)
    scaled = np.full(len(values), known.min() - 1)
    scaled[~missing] = known
    return scaled
