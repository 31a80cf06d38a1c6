"""Tell whether validation rows have been prepared otherwise than the training rows."""

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp

from sklearn_modern._core.warning import warn_user

__all__ = ["warn_if_unlike"]


def warn_if_unlike(training: Any, validation: Any) -> None:
    """Warn if the means of most validation columns lie beyond all training rows.

    Single columns may well do so, as the year does in a split by time. Most of them do where rows
    that a Pipeline transforms on their way to its last step are handed to that step as they are.

    Parameters
    ----------
    training, validation : ndarray or sparse matrix of shape (n_samples, n_features)
        Numbers; NaN is missing. Nothing is said of sparse ones.
    """
    if sp.issparse(training) or sp.issparse(validation):
        return
    if not training.size or not validation.size:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of columns without a number
        lowest, highest = np.nanmin(training, axis=0), np.nanmax(training, axis=0)
        means = np.nanmean(validation, axis=0)
    n_beyond, n_columns = int(((means < lowest) | (means > highest)).sum()), len(means)
    if 2 * n_beyond > n_columns:
        warn_user(
            f"In {n_beyond} of {n_columns} columns of numbers the mean of X_val lies beyond all "
            "rows of X. If X is transformed before this fit, X_val must be, too; a Pipeline does "
            'so by transform_input=["X_val"].'
        )
