"""Set validation rows aside inside a fit."""

import numpy as np

from sklearn_modern._core.warning import warn_user

__all__ = ["validation_split", "validation_splits"]


def validation_split(
    y: np.ndarray, fraction: float, random_state: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Split rows once; see :func:`validation_splits`.

    Returns
    -------
    training, validation : ndarray of int64
        Rising row numbers; both parts have at least one row.
    """
    training, validation = validation_splits(y, fraction, random_state, 1)
    return training[0], validation[0]


def validation_splits(
    y: np.ndarray,
    fraction: float,
    random_state: np.random.RandomState,
    n_splits: int,
    *,
    warn: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Split rows at random into a training and a validation part, stratified by y.

    Rows are sorted by y, ties at random, and evenly spaced ones are taken. So class shares agree
    (and for numbers quantiles), and a class of a single row always stays in the training part. Of
    several splits each takes other rows, as far as there are enough.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Targets; the rows of a 2-D y are sorted by its columns.
    fraction : float
        Share of validation rows.
    random_state : RandomState
        Breaks ties and places the first row.
    n_splits : int
        How many splits to make, of one size.
    warn : bool, default=True
        Whether to warn of classes of a single row.

    Returns
    -------
    training, validation : ndarray of int64
        Of shape (n_splits, ...): rising row numbers; both parts have at least one row. Fewer than
        four rows are refused.
    """
    n = len(y)
    if n < 4:
        raise ValueError(
            f"There {'is 1 sample' if n == 1 else f'are {n} samples'}: too few to set validation "
            "rows aside. Take early_stopping=False."
        )
    order = np.lexsort((random_state.random_sample(n), *np.reshape(y, (n, -1)).T[::-1]))
    if np.ndim(y) == 1 and np.issubdtype(y.dtype, np.integer):
        counts = np.bincount(y)
        if warn and (counts == 1).any():
            warn_user(
                f"{(counts == 1).sum()} of {(counts > 0).sum()} classes have a single row, which "
                "stays in the training part: no validation row tells how well these are learned."
            )
        to_spare = order[counts[y[order]] > 1]
        order = to_spare if len(to_spare) else order
    n_validation = min(max(round(n * fraction), 1), len(order) - 1)
    first = (random_state.random_sample() + np.arange(n_splits)[:, None] / n_splits) % 1
    places = (np.arange(n_validation) + first) * len(order) / n_validation
    chosen = order[places.astype(np.int64)]
    training = np.ones((n_splits, n), dtype=bool)
    np.put_along_axis(training, chosen, False, axis=1)
    rows = [(np.flatnonzero(own), np.flatnonzero(~own)) for own in training]
    return tuple(map(np.stack, zip(*rows, strict=True)))
