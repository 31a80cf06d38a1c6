"""What is wrong with the data, as a report says it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sklearn_modern.model_selection._leaks import Leak
from sklearn_modern.model_selection._nested_stages import Stage

__all__ = ["findings", "missing_classes", "reason_of", "warnings_of_stages"]

# A constant column tells nothing, but it makes no score too good.
_HARMLESS = ("constant",)


def findings(found: list[Leak | str]) -> list[dict[str, Any]]:
    """Return leaks and warnings as they stand in the results.

    Parameters
    ----------
    found : list of Leak or str
        Leaks, and the texts of warnings.
    """
    return [_of_leak(one) if isinstance(one, Leak) else _of_warning(one) for one in found]


def missing_classes(
    y: Any, splits: Sequence[tuple[np.ndarray, np.ndarray]], classes: list[Any] | None
) -> list[str]:
    """Return a warning for each class that some outer split tests, but does not train.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        The target.
    splits : sequence of tuple of ndarray
        Training rows and test rows.
    classes : list or None
        All labels; None of numbers.
    """
    if classes is None:
        return []
    y = np.asarray(y)
    parts = [(set(y[train].tolist()), set(y[test].tolist())) for train, test in splits]
    found = []
    for label in classes:
        places = [i + 1 for i, (train, test) in enumerate(parts) if label in test - train]
        if places:
            where = f"split {places[0]}" if len(places) == 1 else f"{len(places)} splits"
            found.append(
                f"The class {label} is in the test rows of outer {where}, but not in the training "
                "rows: no model can predict it there. Merge rare classes, or take other splits."
            )
    return found


def warnings_of_stages(stages: list[Stage]) -> list[str]:
    """Return a warning for each model that is not done."""
    return [
        f"{stage.name}: {stage.status}. {stage.why}" for stage in stages if stage.status != "done"
    ]


def _of_leak(leak):
    evidence: dict[str, Any] = {"found": leak.evidence, "advice": leak.advice}
    if leak.rows:
        evidence["rows"] = len(leak.rows)
    return {
        "kind": leak.kind,
        "severity": "warning" if leak.kind in _HARMLESS else "leak",
        "columns": [str(name) for name in leak.columns],
        "message": str(leak),
        "evidence": evidence,
    }


def _of_warning(text):
    return {
        "kind": "model",
        "severity": "warning",
        "columns": [],
        "message": text,
        "evidence": {},
    }


def reason_of(error: BaseException) -> str:
    """Return what an error says in its first line, or its kind if it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
