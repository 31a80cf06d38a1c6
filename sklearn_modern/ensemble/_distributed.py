"""Boosting on collections of dask, which stay on the workers of a cluster.

Each worker reads its parts as ``fit`` reads arrays. What has to be known of all rows, such as the
classes, is put together here from what each part has.
"""

import pickle
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from sklearn_modern._core.optional import import_optional
from sklearn_modern._inputs.collections import is_collection
from sklearn_modern._inputs.columns import MISSING, ColumnCoder
from sklearn_modern._inputs.text_columns import warn_unless_categories
from sklearn_modern._inputs.validation import weighted_rows
from sklearn_modern.ensemble._defaults import library
from sklearn_modern.ensemble._rows import in_units
from sklearn_modern.ensemble._totals import Totals
from sklearn_modern.ensemble.engines.base import Summary, dense
from sklearn_modern.ensemble.engines.choice import engine_of

__all__ = ["fit_collections", "predicted_lazily"]

# Their leaves are quantiles of residuals, which the libraries only have worker by worker, or are
# scaled by all targets.
_LOSSES_OF_ALL_ROWS = ("absolute_error", "huber", "quantile")


def fit_collections(estimator: Any, X: Any, y: Any, weight: Any, others: dict[str, Any]) -> Any:
    """Fit a boosting estimator to collections, by the workers of the current client.

    Parameters
    ----------
    estimator : GradientBoosting
        What is fitted, and returned.
    X, y, weight : dask collection
        The data; the weights may be None.
    others : dict
        Other data that ``fit`` was given, by name, which must be None.
    """
    _refuse(estimator, others)
    client = _client()
    parts = _parts(X, y, weight)
    estimator._forget()
    seed = check_random_state(estimator.random_state).randint(2**31 - 1)
    dtype = _learn_columns(client, estimator, X, [part[:1] for part in parts])
    found = _computed(client, _part_totals, estimator, [part[1:] for part in parts])
    parts = [
        (part, totals) for part, totals in zip(parts, found, strict=True) if totals is not None
    ]
    if not parts:
        raise ValueError("There is nothing to learn from: there are no rows, or all have weight 0.")
    totals = Totals.merged([totals for _, totals in parts])
    factors = np.broadcast_to(estimator._learn(totals), totals.weight.shape)
    units = _units(totals, factors)
    estimator._start((totals.n_rows, estimator.n_features_in_), seed, device="cpu")
    try:
        engine = estimator._engine
        summary = _summary(totals, factors, units, estimator)
        engine.check_for_workers(summary)
        rows = _coded(client, estimator, factors, units, parts, dtype)
        engine.fit_on_workers(client, *rows, summary)
    except BaseException:  # Ctrl-C, too
        del estimator._engine
        raise
    estimator.validation_scores_ = estimator.train_scores_ = None
    return estimator


def predicted_lazily(estimator: Any, method: str, X: Any) -> Any:
    """Return what a method predicts of a collection, as a dask Array that is not computed yet."""
    import dask.array as da
    from dask import delayed

    example = getattr(estimator, method)(_example(X))
    blocks, lengths = _blocks(X), _lengths(X)
    if lengths is None:
        lengths = [np.nan] * len(blocks)
    model = delayed(pickle.dumps(estimator))
    predict = delayed(_predict_part)
    return da.concatenate(
        [
            da.from_delayed(
                predict(method, model, block, example[:0]),
                shape=(length, *example.shape[1:]),
                meta=example[:0],
            )
            for block, length in zip(blocks, lengths, strict=True)
        ],
        allow_unknown_chunksizes=True,
    )


def _predict_part(method, model, X, nothing):
    # Each part has a model of its own, as a booster of XGBoost answers one thread at a time.
    return getattr(pickle.loads(model), method)(X) if len(X) else nothing


def _refuse(estimator, others):
    """Refuse what a fit to collections has no say in, or cannot do."""
    s = estimator
    if not s._takes_collections:
        raise ValueError(
            f"{type(s).__name__} does not train on dask collections; pass arrays, or take "
            "OrdinalClassifier over GradientBoostingClassifier on each part."
        )
    chosen = library(s.backend)
    engine = engine_of(chosen)
    if not engine.on_workers:
        raise ValueError(
            f"backend={s.backend!r} does not train on dask collections; take backend='xgboost' or "
            "'lightgbm', or pass arrays."
        )
    if s.interaction_cst is not None and not engine.interactions_on_workers:
        said = f"backend={s.backend!r}" + (f", which is {chosen!r}" if s.backend == "auto" else "")
        raise ValueError(
            f"interaction_cst is not for dask collections with {said}; take backend='xgboost', or "
            "pass arrays."
        )
    given = [name for name, value in others.items() if value is not None]
    unlike = {
        "device": str(s.device) in ("auto", "cpu"),
        "early_stopping": s.early_stopping in ("auto", False),
        "loss": s.loss not in _LOSSES_OF_ALL_ROWS,
        "n_jobs": s.n_jobs is None,
        "verbose": not s.verbose,
        "warm_start": not s.warm_start,
    }
    instead = {
        "device": "workers train on their CPUs; take 'auto' or 'cpu'",
        "early_stopping": "no rows are set aside there; take 'auto' or False",
        "loss": "it needs quantiles or scales of all rows, which workers have of their own rows "
        "only; take another loss",
        "n_jobs": "each worker has its own number of threads; take None",
        "verbose": "no scores are computed there; take False",
        "warm_start": "a fit begins anew there; take False",
    }
    for name, fits in unlike.items():
        if not fits:
            raise ValueError(
                f"{name}={getattr(s, name)!r} is not for dask collections: {instead[name]}, or "
                "pass arrays."
            )
    if given:
        raise ValueError(
            f"{given[0]} is for early stopping, which there is not for dask collections; leave it "
            "out, or pass arrays."
        )


def _client():
    distributed = import_optional("distributed", extra="dask", feature="A fit to dask collections")
    try:
        return distributed.get_client()
    except ValueError:
        raise ValueError(
            "Dask collections are trained on by the workers of a client, and there is none. Make "
            "one first: distributed.Client() has workers on this machine."
        ) from None


def _parts(X, y, weight):
    """Return X, y and weights part by part."""
    columns = {"X": X, "y": y} | ({} if weight is None else {"sample_weight": weight})
    plain = [name for name, value in columns.items() if not is_collection(value)]
    if plain:
        kind = type(columns[plain[0]]).__name__
        raise TypeError(
            f"{plain[0]} is of type {kind}, while other data are dask collections. Give all of "
            "them as dask collections, in parts of the same rows, or none."
        )
    for name, value in columns.items():
        found = getattr(value, "ndim", None)
        if found != (wanted := 2 if name == "X" else 1):
            shape = "(n_samples, n_features)" if name == "X" else "(n_samples,)"
            raise ValueError(
                f"{name} is a dask {type(value).__name__} of {found} dimensions; a fit to dask "
                f"collections takes an Array, DataFrame or Series of {wanted}, {shape}."
            )
    lengths = _lengths(X)
    parts = []
    for name, value in columns.items():
        own = _lengths(value)
        if None not in (lengths, own):
            if sum(own) != sum(lengths):
                raise ValueError(
                    f"X and {name} differ in length: X has {sum(lengths)} samples, {name} has "
                    f"{sum(own)}."
                )
            value = value.rechunk({0: tuple(lengths)})
        blocks = _blocks(value)
        if parts and len(blocks) != len(parts[0]):
            raise ValueError(
                f"X has {len(parts[0])} parts, but {name} has {len(blocks)}. Parts must hold the "
                "same rows; make all of them from one DataFrame, or compute the sizes of chunks."
            )
        parts.append(blocks)
    if weight is None:
        parts.append([None] * len(parts[0]))
    return list(zip(*parts, strict=True))


def _lengths(value):
    """Return the numbers of rows of the blocks, or None if they are not known."""
    lengths = getattr(value, "chunks", ((np.nan,),))[0]
    return None if np.isnan(lengths).any() else list(lengths)


def _blocks(value):
    """Return blocks of rows, as arrays or DataFrames that are not computed yet.

    Their graphs stay as they are: optimised once for each use, they would give tasks of different
    kinds the same name, which dask warns may end in a deadlock.
    """
    if hasattr(value, "rechunk") and value.ndim == 2:
        value = value.rechunk({1: -1})
    return np.ravel(value.to_delayed(optimize_graph=False)).tolist()


def _example(X):
    """Return one row or more that have the columns and types of X, but not its values."""
    if not hasattr(X, "dtype"):
        return X._meta_nonempty
    if X.dtype.kind == "O":
        raise TypeError("X is a dask Array of Python objects; make it a dask DataFrame.")
    return np.zeros((1, X.shape[1]), dtype=X.dtype)


def _learn_columns(client, estimator, X, parts):
    """Learn which columns are categories, and of what; return the type of the coded rows."""
    example = _example(X)
    coder = estimator._columns = ColumnCoder(estimator.categorical_features, dtype=None)
    numbers = coder.fit_transform(estimator, example).numbers
    if len(coder.categorical_indices) == 0:
        return numbers.dtype
    found = _computed(client, _part_categories, coder.categorical_indices, parts)
    found = [part for part in found if part is not None]
    for place, column in enumerate(coder.categorical_indices):
        order = _order(X, column)
        values = _merged([part[place][0] for part in found], order, X, column)
        coder.categories[place] = values
        guessed = isinstance(estimator.categorical_features, str) and order is None
        if guessed and len(values) and isinstance(values[0], (str, bytes)):
            n_known = sum(part[place][1] for part in found)
            warn_unless_categories(values, n_known, repr(X.columns[column]))
    return numbers.dtype


def _order(X, column):
    """Return the categories of a column in the order of its dtype, or None."""
    if not hasattr(X, "columns") or not hasattr(X.dtypes.iloc[column], "categories"):
        return None
    series = X[X.columns[column]]
    return np.asarray(series.dtype.categories) if series.cat.known else None


def _merged(parts, order, X, column):
    values = np.concatenate(parts) if parts else np.empty(0)
    if order is not None:
        seen = set(values.tolist())
        return np.array([v for v in order.tolist() if v in seen], dtype=values.dtype)
    try:
        return np.unique(values)
    except TypeError:
        kinds = sorted({type(value).__name__ for value in values.tolist()})
        name = X.columns[column] if hasattr(X, "columns") else column
        raise ValueError(
            f"Column {name!r} of X has values of types that cannot be ordered: {kinds}. Make all "
            "of them numbers, or all of them strings."
        ) from None


def _part_categories(indices, X):
    if len(X) == 0:
        return None
    coder = ColumnCoder(indices, dtype=None)
    table = coder.fit_transform(BaseEstimator(), X)
    n_known = np.count_nonzero(table.codes != MISSING, axis=0)
    return list(zip(coder.categories, n_known.tolist(), strict=True))


def _part_totals(estimator, y, weight):
    """Sum up the rows of a part; None if they have no weight."""
    weight = None if weight is None else np.asarray(weight)
    if len(y) == 0 or (weight is not None and not weight.any()):
        return None
    _, y, weight = weighted_rows(y, y, weight)
    return estimator._totals(y, weight)


def _units(totals, factors):
    """Return the least weight and the mean in units of it; None if all weights are alike."""
    least, most = (totals.least * factors).min(), (totals.most * factors).max()
    if least == most:
        return None
    return least, (totals.weight * factors).sum() / totals.n_rows / least


def _summary(totals, factors, units, estimator):
    weight = totals.weight * factors
    mean = 1.0 if units is None else in_units(units[0] * units[1], *units)
    numbers = np.array([totals.mean - estimator._offset])
    y = np.arange(len(weight)) if hasattr(estimator, "classes_") else numbers
    return Summary(y, weight, float(mean), estimator.n_features_in_)


def _coded(client, estimator, factors, units, parts, dtype):
    """Let workers code their parts as numbers, and wait for it: a failing one is an error here."""
    import dask.array as da
    from dask import delayed
    from distributed import futures_of, wait

    code = delayed(_code_part, nout=3)
    model, columns = delayed(estimator, traverse=False, pure=False), ([], [], [])
    kind = np.int64 if hasattr(estimator, "classes_") else np.float64
    for part, totals in parts:
        shapes = (totals.n_rows, estimator.n_features_in_), (totals.n_rows,), (totals.n_rows,)
        made = code(model, factors, units, *part)
        for column, block, shape, one in zip(
            columns, made, shapes, (dtype, kind, np.float64), strict=True
        ):
            column.append(da.from_delayed(block, shape=shape, dtype=one))
    columns = [da.concatenate(column) for column in columns]
    asked = columns if units is not None else columns[:2]
    held = client.persist(asked, optimize_graph=False)  # see _blocks
    futures = futures_of(held)
    wait(futures)
    for future in futures:
        if future.status == "error":
            future.result()
    return held if units is not None else [*held, None]


def _code_part(estimator, factors, units, X, y, weight):
    if len(X) != len(y):
        raise ValueError(
            f"X and y differ in length: parts of the same rows have {len(X)} and {len(y)}."
        )
    X, y, weight = weighted_rows(X, y, None if weight is None else np.asarray(weight))
    matrix = dense(estimator._matrix(X, reset=False))
    estimator._engine.check_part_of_workers(matrix)
    y = estimator._check_y(y, reset=False)
    weight = weight * (factors[y] if len(factors) > 1 else factors[0])
    weight = None if units is None else in_units(weight, *units)
    return matrix, estimator._shifted(y), weight


def _computed(client, function, shared, tasks):
    """Return what workers make of parts."""
    from dask import delayed

    first, call = delayed(shared, traverse=False, pure=False), delayed(function)
    asked = [call(first, *task) for task in tasks]
    return client.compute(asked, sync=True, optimize_graph=False)  # see _blocks
