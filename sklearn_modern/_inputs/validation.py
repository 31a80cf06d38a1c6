"""Check user input: X, y and weights become arrays, or a clear error.

Every estimator comes through here, so that all of them accept and refuse the same things with the
same words.
"""

from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import assert_all_finite, check_array, column_or_1d

from sklearn_modern._core.scikit_learn import feature_names, num_samples, safe_indexing
from sklearn_modern._core.unknown import misspelt
from sklearn_modern._core.warning import warn_user
from sklearn_modern._inputs.cells import (
    as_floats,
    refuse_containers,
    refuse_missing,
    refuse_text,
    refuse_unreadable,
)
from sklearn_modern._inputs.columns import read_numbers

__all__ = [
    "check_X",
    "check_any_targets",
    "check_count",
    "check_labels",
    "check_lengths",
    "check_levels",
    "check_multilabel",
    "check_targets",
    "check_weights",
    "class_weights",
    "counted_rows",
    "is_multilabel",
    "warn_of_other_order",
    "weighted_rows",
]


def check_X(estimator: Any, X: Any, *, reset: bool, dtype: Any = np.float32) -> np.ndarray:
    """Check a table of finite numbers.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_`` and ``feature_names_in_``, or has them.
    X : array-like or DataFrame of shape (n_samples, n_features)
        Numbers.
    reset : bool
        True in ``fit``; False afterwards, when X must have the features of the fit, in their order.
    dtype : numpy.float32 or numpy.float64, default=numpy.float32
        What the array is converted to. It is not copied if it is C-contiguous and of this type.

    Returns
    -------
    ndarray of shape (n_samples, n_features)
        C-contiguous, of the given ``dtype``.
    """
    numbers = read_numbers(estimator, X, reset=reset, dtype=dtype)
    if sp.issparse(numbers):
        raise TypeError(
            f"X is a sparse matrix, but {type(estimator).__name__} takes dense data only; "
            "use X.toarray()."
        )
    missing = np.isnan(numbers)
    if missing.any():
        column = int(missing.any(axis=0).argmax())
        names = feature_names(X)
        label = column if names is None else repr(str(names[column]))
        raise ValueError(
            f"Input X contains NaN in {missing[:, column].sum()} of {len(numbers)} rows of column "
            f"{label}. {type(estimator).__name__} cannot use missing values; drop such rows, or "
            "impute them first."
        )
    return numbers


def check_count(value: Any, name: str) -> None:
    """Check a parameter that says how many."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name}={value!r} must be a whole number, at least 1.")


def check_levels(values: Any, name: str) -> np.ndarray:
    """Check levels of probability, one or more: float64 of shape (n_levels,)."""
    try:
        levels = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        levels = np.empty(0)
    if levels.ndim != 1 or not len(levels) or not ((levels > 0) & (levels < 1)).all():
        raise ValueError(f"{name}={values!r} must be numbers between 0 and 1.")
    return levels


def counted_rows(weight: np.ndarray) -> float:
    """Return as how many rows some count: by their weights, unless these are shares of a row."""
    return max(float(weight.sum()), np.count_nonzero(weight))


def check_lengths(X: Any, y: Any) -> None:
    """Check that X and y have as many rows, and warn if their labels are in another order."""
    if y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None.")
    rows, targets = num_samples(X), num_samples(y)
    if rows != targets:
        raise ValueError(f"X and y differ in length: X has {rows} samples, y has {targets}.")
    warn_of_other_order(X, y)


def warn_of_other_order(X: Any, y: Any) -> None:
    """Warn of an index of y that has the labels of X's in another order, as rows go by position."""
    if not (hasattr(X, "iloc") and hasattr(y, "iloc")) or X.index.equals(y.index):
        return
    if X.index.is_unique and set(X.index) == set(y.index):
        warn_user(
            "The index of y has the labels of X's index, but in another order. Rows are matched by "
            "position; if they belong together by label, pass y.loc[X.index], else "
            "y.reset_index(drop=True) and X.reset_index(drop=True)."
        )


def check_labels(
    y: Any, *, classes: np.ndarray | None = None, at_least: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Code the labels of a classification, of any type, as 0, 1, 2, ...

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels.
    classes : ndarray, optional
        All labels that may occur; those of y, sorted, if not given.
    at_least : int, default=2
        Minimum number of classes.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        The labels.
    codes : ndarray of int64 of shape (n_samples,)
        ``classes[codes]`` are the labels.
    """
    y = _plain_column(y)
    try:
        found, codes = np.unique(y, return_inverse=True)
    except TypeError:
        kinds = sorted({type(label).__name__ for label in y})
        raise ValueError(f"y has labels of types that cannot be ordered: {kinds}.") from None
    if found.dtype.kind == "f" and (found != np.floor(found)).any():
        fraction = found[found != np.floor(found)][0]
        raise ValueError(
            f"Unknown label type: continuous. y has numbers such as {fraction}, but labels "
            "are needed; regressors take numbers."
        )
    known = found if classes is None else classes
    if len(known) < at_least:
        raise ValueError(
            f"y has one class, {known.tolist()[0]!r}; at least two classes are needed."
        )
    if classes is None:
        return found, codes.astype(np.int64, copy=False)
    if found.dtype.kind == classes.dtype.kind == "M":  # whatever their units are
        found = found.astype(classes.dtype)
    code_of = {label: code for code, label in enumerate(classes.tolist())}
    unknown = [label for label in found.tolist() if label not in code_of]
    if unknown:
        raise ValueError(
            f"y has labels that are not among the classes: {unknown}; the classes are "
            f"{classes.tolist()}. {misspelt(unknown, classes.tolist())}".rstrip()
        )
    return classes, np.array([code_of[label] for label in found.tolist()])[codes]


def is_multilabel(y: Any) -> bool:
    """Tell whether y has a column for each of several labels."""
    y = _array(y)
    return y.ndim == 2 and y.shape[1] > 1


def check_multilabel(y: Any) -> np.ndarray:
    """Check zeros and ones that say which labels a row has: int64 (n_samples, n_labels)."""
    y = check_array(_array(y), dtype=None, input_name="y")
    if not np.isin(y, (0, 1)).all():
        raise ValueError(
            f"Unknown label type: y has {y.shape[1]} columns, which must be zeros and ones, one "
            "column per label; several columns of classes are not supported."
        )
    return y.astype(np.int64)


def check_targets(y: Any, *, dtype: type = np.float32, multi_output: bool = True) -> np.ndarray:
    """Check the targets of a regression: finite numbers, (n,) or, if allowed, (n, outputs).

    A single column is flattened with scikit-learn's ``DataConversionWarning``.
    """
    y = _array(y)
    if multi_output and y.ndim == 2 and y.shape[1] != 1:
        refuse_missing(y, "y")
        return _numbers(y, dtype)
    return _numbers(_plain_column(y), dtype)


def check_weights(sample_weight: Any, n_samples: int, *, dtype: type = np.float32) -> np.ndarray:
    """Check sample weights: one per row, finite, none negative, not all zero; None gives ones.

    A scalar is the weight of every row.
    """
    if sample_weight is None:
        return np.ones(n_samples, dtype=dtype)
    refuse_unreadable(sample_weight, "sample_weight")
    weights = np.asarray(sample_weight)
    refuse_text(weights, "sample_weight", "weights must be")
    weights = as_floats(weights, np.float64) if weights.dtype == object else weights
    if weights.ndim == 0:
        weights = np.full(n_samples, weights)
    # In float64 first: tiny weights must not become zeros.
    weights = check_array(
        weights, dtype=np.float64, ensure_2d=False, allow_nd=True, input_name="sample_weight"
    )
    if weights.shape != (n_samples,):
        raise ValueError(
            f"sample_weight.shape == {weights.shape}, expected {(n_samples,)}: one weight a row."
        )
    if (weights < 0).any():
        raise ValueError(
            f"sample_weight has negative values, the lowest {weights.min():g}; "
            "weights must be zero or positive."
        )
    if not weights.any():
        raise ValueError("sample_weight is zero for every row; there is nothing to learn from.")
    return weights.astype(dtype, copy=False)


def check_any_targets(y: Any, *, numbers: bool) -> Any:
    """Check y for an estimator around another, which reads it in its own way.

    Parameters
    ----------
    y : array-like
        Labels or numbers, in any number of columns.
    numbers : bool
        Whether they must be numbers.

    Returns
    -------
    array-like
        The same y, except that a list is an array, and a single column is flattened.
    """
    refuse_unreadable(y, "y")
    if sp.issparse(y):
        return y
    try:
        values = np.asarray(y)
    except ValueError:  # lists of different lengths
        return y
    refuse_containers(values, "y")
    refuse_missing(values, "y")
    if values.dtype.kind == "f":
        assert_all_finite(values, input_name="y")
    if numbers:
        refuse_text(values, "y", "a regressor needs")
    y = y if hasattr(y, "__array__") else values
    return column_or_1d(y, warn=True) if values.ndim == 2 and values.shape[1] == 1 else y


def weighted_rows(X: Any, y: Any, sample_weight: Any, *others: Any) -> tuple:
    """Check the weights, and leave out rows of weight zero.

    Parameters
    ----------
    X, y : array-like
        Data, of equal length.
    sample_weight : array-like of shape (n_samples,) or None
        Sample weights.
    *others : array-like or None
        More arrays with one row per sample.

    Returns
    -------
    tuple
        X, y, the weights in float64, and the others.
    """
    n_rows = num_samples(X)
    weight = check_weights(sample_weight, n_rows, dtype=np.float64)
    if weight.all():
        return X, y, weight, *others
    kept = np.flatnonzero(weight)
    X = X.tocsr() if sp.issparse(X) else X
    X, y, *others = (v if v is None else safe_indexing(v, kept) for v in (X, y, *others))
    return X, y, weight[kept], *others


def class_weights(
    class_weight: Any, codes: np.ndarray, weight: np.ndarray, labels: np.ndarray
) -> np.ndarray | float:
    """Return the factors of the sample weights, for one column of labels.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        Weights by label; "balanced" makes the totals of the classes equal. A part of the data may
        lack labels that the dict has, but not all of them.
    codes : ndarray of int64 of shape (n_samples,)
        Positions in ``labels``.
    weight : ndarray of shape (n_samples,)
        Sample weights.
    labels : ndarray of shape (n_classes,)
        The label of each code.

    Returns
    -------
    ndarray of shape (n_samples,) or 1.0
        Positive factors.
    """
    if class_weight is None:
        return 1.0
    if isinstance(class_weight, str):
        total = np.bincount(codes, weight)
        return weight.sum() / (np.count_nonzero(total) * total[codes])
    known = set(labels.tolist())
    unknown, unnamed = set(class_weight) - known, known - set(class_weight)
    if unknown and unnamed:  # else it is a fold that lacks a class, not another spelling
        unknown = sorted(unknown, key=str)
        message = (
            f"class_weight has the classes {unknown}, which are not among "
            f"{np.sort(labels).tolist()}. {misspelt(unknown, labels.tolist())}"
        ).rstrip()
        if unnamed == known:
            raise ValueError(message)
        warn_user(f"{message} {sorted(unnamed, key=str)} have weight 1.")
    factors = [class_weight.get(label, 1.0) for label in labels.tolist()]
    factors = np.asarray(factors, dtype=np.float64)[codes]
    if not (factors > 0).all():
        raise ValueError(f"class_weight={class_weight!r} must have positive weights only.")
    return factors


def _array(y):
    refuse_unreadable(y, "y")
    if sp.issparse(y):
        raise ValueError("y is a sparse matrix; pass it as a dense array.")
    return np.asarray(y)


def _plain_column(y):
    y = column_or_1d(_array(y), warn=True)
    if y.size == 0:
        raise ValueError("y is empty: found 0 samples while a minimum of 1 is required.")
    refuse_containers(y, "y")
    refuse_missing(y, "y")
    assert_all_finite(y, input_name="y")
    return y


def _numbers(y, dtype):
    """Convert the targets of a regression."""
    refuse_text(y, "y", "a regressor needs")
    with np.errstate(over="ignore"):  # a number too large for the dtype is reported
        y = as_floats(y, dtype) if y.dtype == object else y
    return check_array(y, dtype=dtype, order="C", ensure_2d=False, input_name="y")
