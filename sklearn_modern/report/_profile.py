"""What the data are: columns, gaps, and the target."""

from typing import Any

import numpy as np

from sklearn_modern._core.optional import import_optional
from sklearn_modern.report._tables import is_category

__all__ = ["profile"]

_HISTOGRAM = 20
_SHOWN = 3


def profile(
    X: Any, y: Any, groups: Any, name: str, classes: list[Any] | None, dropped: list[str]
) -> dict[str, Any]:
    """Describe the table and the target.

    Parameters
    ----------
    X : array-like or DataFrame
        The table.
    y : array-like
        The target.
    groups : array-like or None
        Groups of rows.
    name : str
        What the data are called.
    classes : list or None
        Labels in order; None for numbers.
    dropped : list of str
        Columns that were left out.
    """
    pandas = import_optional("pandas", extra="report", feature="A report")
    table = X
    if not hasattr(X, "columns"):
        table = pandas.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    return {
        "name": name,
        "n_rows": len(table),
        "n_columns": table.shape[1],
        "n_groups": None if groups is None else len(np.unique(np.asarray(groups))),
        "target": _of_target(np.asarray(y), classes),
        "columns": [_of_column(str(label), table[label]) for label in table.columns],
        "dropped": dropped,
    }


def _of_target(y, classes):
    if classes is not None:
        return {"counts": {str(label): int((y == label).sum()) for label in classes}}
    counts, edges = np.histogram(y, bins=_HISTOGRAM)
    low, quarter, median, three_quarters, high = np.quantile(y, [0, 0.25, 0.5, 0.75, 1]).tolist()
    return {
        "mean": float(y.mean()),
        "sd": float(y.std(ddof=1)),
        "min": low,
        "q25": quarter,
        "median": median,
        "q75": three_quarters,
        "max": high,
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
    }


def _of_column(label, column):
    known = column.dropna()
    shared = {
        "name": label,
        "kind": "category" if is_category(column) else "number",
        "missing": float(column.isna().mean()),
        "n_unique": int(known.nunique()),
    }
    if shared["kind"] == "category":
        shares = known.astype(str).value_counts(normalize=True).head(_SHOWN)
        return shared | {"most_frequent": [[str(one), float(s)] for one, s in shares.items()]}
    values = known.to_numpy(dtype=float)
    return shared | {
        "mean": float(values.mean()),
        "sd": float(values.std(ddof=1)) if len(values) > 1 else 0.0,
        "min": float(values.min()),
        "max": float(values.max()),
    }
