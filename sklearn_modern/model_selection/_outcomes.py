"""What is recorded of each fit of a nested cross-validation, in memory and on disk."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.exceptions import FitFailedWarning
from sklearn.pipeline import Pipeline

from sklearn_modern._core.checkpoint import Checkpoint
from sklearn_modern._core.progress import ProgressBar
from sklearn_modern._core.scikit_learn import BaseSearchCV
from sklearn_modern._core.warning import warn_user
from sklearn_modern._fits.fit import apart
from sklearn_modern._fits.folds import Job, Task, evaluate
from sklearn_modern._fits.many import Fitted

__all__ = ["Describe", "Run", "named_error", "packed", "unpacked", "warn_of_failed_fits"]

# A line of a traceback that says where a call was.
_FRAME = re.compile(r'\s*File ".*", line \d+')


@dataclass(frozen=True)
class Describe:
    """Says of an outer fit what scores do not say.

    Parameters
    ----------
    keep : tuple of str
        "predictions" and "models", or one of them, or none.
    """

    keep: tuple[str, ...]

    def __call__(self, fitted: Fitted, X: Any) -> dict[str, Any]:
        """Return what is known of a fit and its test rows."""
        model, rows = fitted.last, partial(fitted.transform, X)
        shows_all = type(fitted.first) is Pipeline and not get_config()["enable_metadata_routing"]
        if fitted.first is not None and not shows_all:
            model, rows = fitted.model(), partial(apart, X, X)
        found: dict[str, Any] = {}
        if "predictions" in self.keep and hasattr(model, "predict"):
            try:
                found |= _predictions(model, rows)
            except Exception as error:  # the scores of other methods are there all the same
                warn_user(f"Predictions are missing, for predicting failed: {error!r}")
        if fitted.first is None and isinstance(model, BaseSearchCV):
            found["best_params"] = getattr(model, "best_params_", {})
            found["inner_scores"] = _means_of_best(model)
        if "models" in self.keep:
            found["model"] = fitted.model()
        return found


@dataclass(eq=False)
class Run:
    """Work on tasks, of which some may be done already.

    Parameters
    ----------
    n_jobs : int or None
        Number of processes.
    pre_dispatch : int or str
        How many parts joblib hands out beforehand.
    checkpoint : Checkpoint or None
        Where outcomes are recorded.
    deadline : float or None
        When to begin no fit any more, as ``time.monotonic`` has it.
    bar : ProgressBar or None
        Shows how many are done.
    total : int
        How many there are.
    """

    n_jobs: int | None
    pre_dispatch: Any
    checkpoint: Checkpoint | None
    deadline: float | None
    bar: ProgressBar | None
    total: int
    _done: dict[tuple[str, int, int, int], dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.checkpoint is not None:
            self.checkpoint.append([])  # it is refused now if it cannot be written
            for record in self.checkpoint.records:
                self._done[tuple(record["task"])] = unpacked(record["outcome"])

    def outcomes(self, part: str, *jobs: Job) -> list[dict[Task, dict[str, Any]]]:
        """Return what came of each task of each job of a part of the work."""
        left = [
            replace(job, tasks=[task for task in job.tasks if (part, i, *task) not in self._done])
            for i, job in enumerate(jobs)
        ]
        self._show()
        for i, task, outcome in evaluate(left, self.n_jobs, self.pre_dispatch):
            self._done[part, i, *task] = outcome
            if self.checkpoint is not None:
                self._record((part, i, *task), outcome)
            self._show()
            if self.deadline is not None and monotonic() > self.deadline:
                self._refuse_more()
        return [
            {task: self._done[part, i, *task] for task in job.tasks} for i, job in enumerate(jobs)
        ]

    def is_done(self, part: str, position: int, task: Task) -> bool:
        """Tell whether the outcome of a task of a job is known."""
        return (part, position, *task) in self._done

    def close(self) -> None:
        """End the line of an unfinished bar, and let others write to the checkpoint."""
        if self.bar is not None:
            self.bar.close()
        if self.checkpoint is not None:
            self.checkpoint.close()

    def _record(self, task, outcome):
        """Record what came of a fit, but for the model."""
        try:
            recorded = packed({name: one for name, one in outcome.items() if name != "model"})
        except TypeError:  # parameters of a search of its own that are no text: it is done again
            return
        self.checkpoint.append([{"task": task, "outcome": recorded}])

    def _refuse_more(self):
        if len(self._done) < self.total:
            advice = "; the same call goes on from its checkpoint" if self.checkpoint else ""
            raise TimeoutError(
                f"The timeout ended the work after {len(self._done)} of {self.total} fits{advice}."
            )

    def _show(self):
        if self.bar is not None:
            self.bar.show(len(self._done), self.total, "fits")


def warn_of_failed_fits(outcomes: Iterable[dict[str, Any]], of: str = "") -> None:
    """Warn of fits that failed, whose scores are NaN; raise an error if all of them did.

    Parameters
    ----------
    outcomes : iterable of dict
        What came of the fits.
    of : str, default=""
        Words of the warning that say which fits these are.
    """
    errors = [outcome["fit_error"] for outcome in outcomes]
    failed = Counter(error for error in errors if error is not None)
    if not failed:
        return
    if failed.total() == len(errors):
        raise ValueError(f"All {len(errors)} fits failed. The first one:\n{errors[0]}")
    named = Counter(named_error(error) for error in failed.elements())
    reasons = "; ".join(f"{line} ({times} times)" for line, times in named.most_common(5))
    warn_user(
        f"{failed.total()} of {len(errors)} fits{of} failed, and their scores are NaN: {reasons}",
        FitFailedWarning,
    )


def named_error(error: str) -> str:
    """Return the line of a traceback that names its error, whose message may have more lines."""
    lines = [line.rstrip() for line in error.splitlines() if line.strip()]
    frames = [i for i, line in enumerate(lines) if _FRAME.match(line)]
    last = [line for line in lines[frames[-1] + 1 if frames else 0 :] if not line.startswith(" ")]
    if len(last) > 1 and last[0].endswith(":"):
        return " ".join(last[:2])
    return last[0] if last else error.strip()


def _predictions(model, rows):
    """Return what a model predicts, and probabilities unless there are several outputs."""
    found = {"prediction": np.asarray(model.predict(rows()))}
    if not hasattr(model, "predict_proba"):
        return found
    probability = model.predict_proba(rows())
    if getattr(probability, "ndim", None) == 2:
        classes = getattr(model, "classes_", None)
        if not isinstance(classes, np.ndarray) or len(classes) != probability.shape[1]:
            classes = np.arange(probability.shape[1])  # of a mixture, for example
        found |= {"probability": np.asarray(probability), "classes": classes}
    return found


def _means_of_best(search):
    """Return the mean test scores of what a search has chosen, by metric, or as "score"."""
    prefix, best = "mean_test_", search.best_index_
    return {
        name.removeprefix(prefix): float(means[best])
        for name, means in search.cv_results_.items()
        if name.startswith(prefix)
    }


def packed(value: Any) -> Any:
    """Return what JSON can hold; floats come back to the bit."""
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise TypeError("Names must be text.")
        return {name: packed(one) for name, one in value.items()}
    if isinstance(value, np.ndarray | np.generic) and value.dtype.char in "gG":
        raise TypeError("JSON has no numbers of such a precision.")
    if isinstance(value, np.ndarray):
        return {"": "array", "type": value.dtype.str, "values": packed(value.tolist())}
    if isinstance(value, np.generic):
        return {"": "scalar", "type": value.dtype.str, "values": packed(value.item())}
    if isinstance(value, tuple):
        return {"": "tuple", "values": [packed(one) for one in value]}
    if isinstance(value, list):
        return [packed(one) for one in value]
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise TypeError(f"{type(value)} cannot be recorded.")


def unpacked(value: Any) -> Any:
    """Return what was packed."""
    if isinstance(value, list):
        return [unpacked(one) for one in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("")
    if kind == "array":
        return np.array(unpacked(value["values"]), dtype=value["type"])
    if kind == "scalar":
        return np.dtype(value["type"]).type(unpacked(value["values"]))
    if kind == "tuple":
        return tuple(unpacked(value["values"]))
    return {name: unpacked(one) for name, one in value.items()}
