"""Check what users hand in: X, y and weights become arrays, or a clear error.

Every estimator comes through here, so that all of them accept and refuse the same things with the
same words.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.validation import _get_feature_names, _num_samples, validate_data

__all__ = [
    "check_X",
    "check_labels",
    "check_lengths",
    "check_multilabel",
    "check_targets",
    "check_weights",
    "is_multilabel",
]


def check_X(
    estimator: Any,
    X: Any,
    *,
    reset: bool,
    dtype: type = np.float32,
    allow_nan: bool = False,
    accept_sparse: bool | str = False,
    allow_nd: bool = False,
) -> np.ndarray | sp.csr_matrix:
    """Check features, and set or compare the estimator's ``n_features_in_``, ``feature_names_in_``.

    Parameters
    ----------
    estimator : estimator
        Whose features these are; it is named in the messages.
    X : array-like or DataFrame of shape (n_samples, n_features)
        Numbers.
    reset : bool
        True in ``fit``; False afterwards, when X must have the features of the fit, in their order.
    dtype : type, default=numpy.float32
        What the array is converted to. It is not copied if it is C-contiguous and of this type.
    allow_nan : bool, default=False
        Whether missing values pass. Infinity never does.
    accept_sparse : bool or str, default=False
        Formats of sparse matrices that pass, as in scikit-learn.
    allow_nd : bool, default=False
        Whether more than two dimensions pass.

    Returns
    -------
    ndarray or sparse matrix
        C-contiguous, of the asked ``dtype``.
    """
    if isinstance(X, (list, tuple)):
        X = np.asarray(X)
    _refuse_text(X)
    checked = validate_data(
        estimator,
        X,
        reset=reset,
        dtype=dtype,
        order="C",
        accept_sparse=accept_sparse,
        ensure_all_finite=False,
        allow_nd=allow_nd,
    )
    try:
        assert_all_finite(checked, allow_nan=allow_nan)
    except ValueError:
        raise ValueError(_describe_not_finite(estimator, X, checked, allow_nan)) from None
    return checked


def check_lengths(X: Any, y: Any) -> None:
    """Check that X and y have as many rows as each other."""
    if y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None.")
    rows, targets = _num_samples(X), _num_samples(y)
    if rows != targets:
        raise ValueError(f"X and y differ in length: X has {rows} samples, y has {targets}.")


def check_labels(y: Any, *, classes: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Code the labels of a classification, of any type, as 0, 1, 2, ...

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels.
    classes : ndarray, optional
        All labels there may be, sorted; those of y if not given.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        The sorted labels, at least two.
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
            f"Unknown label type: continuous. y has numbers such as {fraction}; a classifier needs "
            "labels, a regressor takes numbers."
        )
    if classes is None:
        if len(found) < 2:
            raise ValueError(
                f"y has one class, {found.tolist()[0]!r}; a classifier needs at least two classes."
            )
        return found, codes.astype(np.int64, copy=False)
    unknown = np.setdiff1d(found, classes)
    if len(unknown):
        raise ValueError(
            f"y has labels that are not among the classes: {unknown.tolist()}; the classes are "
            f"{classes.tolist()}."
        )
    return classes, np.searchsorted(classes, found)[codes].astype(np.int64, copy=False)


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
            "column a label; several columns of classes are not supported."
        )
    return y.astype(np.int64)


def check_targets(y: Any, *, dtype: type = np.float32, multi_output: bool = True) -> np.ndarray:
    """Check the targets of a regression: finite numbers, (n,) or, if allowed, (n, outputs).

    A single column is flattened with scikit-learn's ``DataConversionWarning``.
    """
    y = _array(y)
    if multi_output and y.ndim == 2 and y.shape[1] != 1:
        _refuse_text(y, "y")
        return check_array(y, dtype=dtype, order="C", input_name="y")
    y = _plain_column(y)
    _refuse_text(y, "y")
    return check_array(y, dtype=dtype, ensure_2d=False, input_name="y")


def check_weights(sample_weight: Any, n_samples: int, *, dtype: type = np.float32) -> np.ndarray:
    """Check sample weights: one a row, finite, none negative, not all zero; None gives ones.

    A scalar is the weight of every row.
    """
    if sample_weight is None:
        return np.ones(n_samples, dtype=dtype)
    weights = np.asarray(sample_weight)
    if weights.ndim == 0:
        weights = np.full(n_samples, weights)
    weights = check_array(
        weights, dtype=dtype, ensure_2d=False, allow_nd=True, input_name="sample_weight"
    )
    if weights.shape != (n_samples,):
        raise ValueError(
            f"sample_weight.shape == {weights.shape}, expected {(n_samples,)}: one weight a row of X."
        )
    if (weights < 0).any():
        raise ValueError(
            f"sample_weight has negative values, the lowest {weights.min():g}; "
            "weights must be zero or positive."
        )
    if not weights.any():
        raise ValueError("sample_weight is zero for every row; there is nothing to learn from.")
    return weights


def _array(y):
    if sp.issparse(y):
        raise ValueError("y is a sparse matrix; pass it as a dense array.")
    return np.asarray(y)


def _plain_column(y):
    # `assert_all_finite` sees floats and objects alike, so that None among strings is found, too.
    y = column_or_1d(_array(y), warn=True)
    if y.size == 0:
        raise ValueError("y is empty: found 0 samples while a minimum of 1 is required.")
    assert_all_finite(y, input_name="y")
    return y


def _refuse_text(X, name="X"):
    """Refuse text, dates and complex numbers, which a conversion to float would let through."""
    if hasattr(X, "dtypes") and hasattr(X, "columns"):
        columns = {column: X[column] for column in X.columns} if X.columns.is_unique else {}
        found = [(repr(c), str(v.dtype)) for c, v in columns.items() if _not_numeric(v)]
        if found:
            column, dtype = found[0]
            raise ValueError(
                f"{name} has {len(found)} column(s) that are not numeric; the first is {column} of "
                f"dtype {dtype}. Encode them as numbers, or leave them out."
            )
        return
    dtype = getattr(X, "dtype", None)
    if dtype is not None and getattr(dtype, "kind", "f") in "USmMc":
        if dtype.kind == "c":
            raise ValueError(f"Complex data not supported: {name} has dtype {dtype}.")
        raise ValueError(f"{name} has dtype {dtype}, which is not numeric; encode it as numbers.")


def _not_numeric(column):
    if column.dtype == object:
        return any(isinstance(value, (str, bytes)) for value in column)
    # pandas' masked integers and booleans have kind "i", "u", "f" or "b", like numpy's.
    return getattr(column.dtype, "kind", "O") not in "iufb"


def _describe_not_finite(estimator, X, checked, allow_nan):
    values = checked.data if sp.issparse(checked) else checked
    what = "infinity" if allow_nan or not np.isnan(values).any() else "NaN"
    where = ""
    if not sp.issparse(checked) and checked.ndim == 2:
        bad = np.isnan(checked) if what == "NaN" else np.isinf(checked)
        column = int(bad.any(axis=0).argmax())
        names = _get_feature_names(X)
        label = repr(str(names[column])) if names is not None else column
        where = f" in {bad[:, column].sum()} of {len(checked)} rows of column {label}"
    return (
        f"Input X contains {what}{where}. {type(estimator).__name__} needs finite numbers; "
        "drop such rows, or impute them first."
    )
