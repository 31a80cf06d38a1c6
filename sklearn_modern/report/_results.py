"""The results of a report as a dict that JSON can hold; the page is made of nothing else."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from numbers import Integral
from typing import Any

from sklearn_modern._core.versions import versions
from sklearn_modern.model_selection._nested_stages import Stage
from sklearn_modern.report._comparison import CONFIDENCE, answer, comparisons, models
from sklearn_modern.report._diagnostics import diagnostics
from sklearn_modern.report._findings import findings, reason_of
from sklearn_modern.report._importance import importance
from sklearn_modern.report._metrics import Metric
from sklearn_modern.report._profile import profile
from sklearn_modern.report._tasks import Task

__all__ = ["SCHEMA_VERSION", "build_results", "timings"]

SCHEMA_VERSION = 1


def build_results(
    nested: Any,
    X: Any,
    y: Any,
    *,
    task: Task,
    metric: Metric,
    stages: list[Stage],
    found: list[Any],
    groups: Any,
    name: str,
    dropped: list[str],
    timings: dict[str, Any],
    reproduce: dict[str, Any],
    labels: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return everything that a report says.

    Parameters
    ----------
    nested : NestedCV
        The fitted nested cross-validation of the models that are done.
    X, y : array-like
        The data.
    task : Task
        What there is to predict.
    metric : Metric
        What is measured.
    stages : list of Stage
        What became of each model, and the outer models that were kept.
    found : list of Leak or str
        Leaks and warnings, to which those are added that come of making the results.
    groups : array-like or None
        Groups of rows.
    name : str
        What the data are called.
    dropped : list of str
        Columns that were left out.
    timings, reproduce : dict
        Parts of the results, as they are.
    labels : mapping of str to str or None, default=None
        What people call models of the catalogue, by name.
    """
    table = models(nested, stages, metric, labels or {})
    best, attempt = table[0]["name"], partial(_attempt, found)
    (kept,) = (stage.models for stage in stages if stage.name == best)
    tests = comparisons(nested, table, metric)
    results = {
        "schema_version": SCHEMA_VERSION,
        "created_with": versions(),
        "task": {
            "kind": task.kind,
            "reason": task.reason,
            "overrule": task.overrule,
            "target": task.target,
            "classes": None if task.classes is None else [str(label) for label in task.classes],
        },
        "data": profile(X, y, groups, name, task.classes, dropped),
        "evaluation": {
            "outer": _splits_in_words(nested, groups),
            "inner": _inner_in_words(nested, groups),
            "scoring": metric.scoring,
            "metric": metric.label,
            "lower_is_better": metric.lower_is_better,
            "confidence": CONFIDENCE,
            "interval": "corrected-t",
        },
        "answer": answer(table, tests, metric),
        "models": table,
        "comparisons": tests,
        "diagnostics": attempt(
            "diagnostics", {}, lambda: diagnostics(nested, y, task.kind, task.classes)
        ),
        "importance": attempt(
            "importance", None, lambda: importance(nested, best, X, y, metric, task.classes, kept)
        ),
        "timings": timings,
        "reproduce": reproduce,
    }
    results["findings"] = findings(found)
    return _json(results)


def timings(
    *, fits: float, total: float | None = None, budget: float | None = None
) -> dict[str, float | None]:
    """Return the times of a report; that of its page is not known before there is one.

    Parameters
    ----------
    fits, total : float
        Seconds of all fits, and of everything, if that is known already.
    budget : float or None
        The minutes that were given.
    """
    return {
        "total_seconds": None if total is None else round(total, 3),
        "fits_seconds": round(fits, 3),
        "page_seconds": None,
        "budget_seconds": None if budget is None else 60 * budget,
    }


def _attempt(found: list[Any], what: str, instead: Any, compute: Callable[[], Any]) -> Any:
    """Return what is computed of finished fits; that it is not is a finding, and discards none."""
    try:
        return compute()
    except KeyboardInterrupt:
        found.append(f"There is no {what}, for computing it was interrupted.")
    except Exception as error:
        found.append(f"There is no {what}, for computing it failed: {reason_of(error)}")
    return instead


def _splits_in_words(nested, groups):
    n_folds = len(nested.splits_) // nested.repeats
    counted = isinstance(nested.outer_cv, Integral)
    words = f"{n_folds} folds" if counted else f"{n_folds} splits"
    words += f", {nested.repeats} times" if nested.repeats > 1 else ""
    if not counted:
        return f"{words} {_whose(nested.outer_cv)}"
    return words + (", groups kept together" if groups is not None else "")


def _inner_in_words(nested, groups):
    if not isinstance(nested.inner_cv, Integral):
        return f"splits {_whose(nested.inner_cv)}"
    return f"{nested.inner_cv} folds" + (", groups kept together" if groups is not None else "")


def _whose(cv):
    return f"of {type(cv).__name__}" if hasattr(cv, "split") else "that were given"


def _json(value: Any) -> Any:
    """Return what JSON can hold; NaN and infinity are None."""
    if isinstance(value, dict):
        return {str(name): _json(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
