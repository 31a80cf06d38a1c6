"""What the predictions of the outer test rows show: calibration, residuals, confusion."""

from typing import Any

import numpy as np

__all__ = ["diagnostics"]

_BINS = 10
_MOST_POINTS = 1000
_HISTOGRAM = 30
_MOST_CURVES, _MOST_LABELS = 10, 30


def diagnostics(nested: Any, y: Any, kind: str, classes: list[Any] | None) -> dict[str, Any]:
    """Return the diagnostics of each model.

    Parameters
    ----------
    nested : NestedCV
        A fitted nested cross-validation that has kept its predictions.
    y : array-like of shape (n_samples,)
        The targets.
    kind : str
        The kind of the task.
    classes : list or None
        Labels in order.
    """
    true, found = np.asarray(y), {}
    for name, part in nested.predictions_.groupby("model", sort=False):
        of_rows = true[part["row"].to_numpy()]
        predicted = part["prediction"].to_numpy()
        if kind == "regression":
            shown = {"calibration": None, "residuals": _residuals(of_rows, predicted)}
            found[str(name)] = shown | {"confusion": None}
            continue
        found[str(name)] = {
            "calibration": _calibration(part, of_rows, classes),
            "residuals": None,
            "confusion": _confusion(of_rows, predicted, classes),
        }
    return found


def _calibration(part, true, classes):
    """Compare predicted probabilities with shares, in bins of as many rows."""
    shown = classes[1:] if len(classes) == 2 else classes
    columns = [_column_of(label, part.columns) for label in classes]
    if len(shown) > _MOST_CURVES or None in columns:
        return None
    table = part[columns].to_numpy(dtype=float)
    known = ~np.isnan(table).all(axis=1)
    if not known.any():  # a model without probabilities, beside others that have them
        return None
    table = table[known]
    curves = []
    for label in shown:
        probability, hits = table[:, classes.index(label)], (true == label)[known]
        edges = np.unique(np.quantile(probability, np.linspace(0, 1, _BINS + 1)[1:-1]))
        bins = np.searchsorted(edges, probability, side="left")
        counts = np.bincount(bins, minlength=len(edges) + 1)
        filled = counts > 0
        sums = [np.bincount(bins, one, minlength=len(counts)) for one in (probability, hits)]
        predicted, observed = (one[filled] / counts[filled] for one in sums)
        curves.append(
            {
                "label": str(label),
                "predicted": predicted.tolist(),
                "observed": observed.tolist(),
                "counts": counts[filled].tolist(),
            }
        )
    return curves


def _column_of(label, columns):
    """Return the column of a class; whole numbers may have been fractions in the fit."""
    spelled = [str(label), str(float(label))] if isinstance(label, int) else [str(label)]
    names = [f"probability_{one}" for one in spelled]
    return next((name for name in names if name in columns), None)


def _residuals(true, predicted):
    predicted = predicted.astype(float)
    residual = true - predicted
    rows = np.arange(len(true))
    if len(rows) > _MOST_POINTS:
        rows = np.sort(np.random.default_rng(0).choice(rows, _MOST_POINTS, replace=False))
    counts, edges = np.histogram(residual, bins=_HISTOGRAM)
    return {
        "predicted": predicted[rows].tolist(),
        "residual": residual[rows].tolist(),
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
    }


def _confusion(true, predicted, classes):
    if len(classes) > _MOST_LABELS:
        return None
    counts = [
        [int(((true == one) & (predicted == other)).sum()) for other in classes] for one in classes
    ]
    return {"labels": [str(label) for label in classes], "counts": counts}
