"""Set validation rows aside inside a fit."""

import numpy as np

from sklearn_modern._core.warning import warn_user

__all__ = ["validation_split"]


def validation_split(
    y: np.ndarray, fraction: float, random_state: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Split rows at random into a training and a validation part, stratified by y.

    Rows are sorted by y, ties at random, and evenly spaced ones are taken. So class shares agree
    (and for numbers quantiles), and a class of a single row always stays in the training part.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Targets; the rows of a 2-D y are sorted by its columns.
    fraction : float
        Share of validation rows.
    random_state : RandomState
        Breaks ties and places the first row.

    Returns
    -------
    training, validation : ndarray of int64
        Rising row numbers; both parts have at least one row. Fewer than four rows are refused.
    """
    n = len(y)
    if n < 4:
        raise ValueError(
            f"There {'is 1 sample' if n == 1 else f'are {n} samples'}: too few to set validation "
            "rows aside. Take early_stopping=False."
        )
    order = np.lexsort((random_state.random_sample(n), *np.reshape(y, (n, -1)).T[::-1]))
    n_validation = min(max(round(n * fraction), 1), n - 1)
    places = (np.arange(n_validation) + random_state.random_sample()) * n / n_validation
    chosen = order[places.astype(np.int64)]
    if np.ndim(y) == 1 and np.issubdtype(y.dtype, np.integer):
        counts = np.bincount(y)
        if (counts == 1).any():
            warn_user(
                f"{(counts == 1).sum()} of {(counts > 0).sum()} classes have a single row, which "
                "stays in the training part: no validation row tells how well these are learned."
            )
        kept = chosen[counts[y[chosen]] > 1]
        chosen = kept if len(kept) else chosen
    training = np.ones(n, dtype=bool)
    training[chosen] = False
    return np.flatnonzero(training), np.flatnonzero(~training)
