"""Scores subsets of features, none of them twice, and keeps a record."""

import warnings
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from sklearn_modern._checkpoint import Checkpoint
from sklearn_modern._parallel import show_progress
from sklearn_modern.feature_selection._problem import Scored
from sklearn_modern.feature_selection._steps import Step
from sklearn_modern.feature_selection._units import Units
from sklearn_modern.feature_selection._ways import Way

__all__ = ["Evaluation", "Stopped"]

# Records of a checkpoint are written at most this often, as each time waits for the disk.
_SECONDS = 0.1


class Stopped(Exception):
    """The callback has ended the search."""


class Evaluation:
    """Scores subsets.

    Parameters
    ----------
    way : Way
        How to score.
    units : Units
        What subsets are made of.
    metrics : list of str
        Names of the scores.
    followed : str
        Which of them counts.
    checkpoint : Checkpoint or None
        Where to record what has been scored, and where some may be from an earlier run.
    callback : callable or None
        Called with each Step; it stops the search if it returns true.
    verbose : bool
        Whether to show a bar.

    Attributes
    ----------
    history : list of Step
        What has been scored, in order.
    best : dict of int to Step
        The best subset of each size.
    """

    def __init__(
        self,
        way: Way,
        units: Units,
        metrics: list[str],
        followed: str,
        checkpoint: Checkpoint | None,
        callback: Callable[[Step], Any] | None,
        verbose: bool,
    ) -> None:
        self._way, self._units, self._metrics, self._followed = way, units, metrics, followed
        self._checkpoint, self._callback, self._verbose = checkpoint, callback, verbose
        self.history: list[Step] = []
        self.best: dict[int, Step] = {}
        self._steps: dict[frozenset[int], Step] = {}
        self._errors: list[str] = []
        self._unwritten: list[dict] = []
        self._written = perf_counter()
        records = () if checkpoint is None else checkpoint.records
        self._known = {tuple(record["features"]): _scored(record) for record in records}

    def __call__(self, subsets: Sequence[frozenset[int]]) -> list[Step]:
        """Return the steps of subsets, of which those are scored that have not been before."""
        new = {
            subset: self._units.columns(subset) for subset in subsets if subset not in self._steps
        }
        unknown = [columns for columns in new.values() if columns not in self._known]
        scored = iter(self._way(unknown)) if unknown else iter(())
        try:
            for subset, columns in new.items():
                if columns not in self._known:
                    self._known[columns] = next(scored)
                    self._record(columns, self._known[columns])
                self._keep(subset, columns, self._known.pop(columns))
        finally:
            self._write()
        return [self._steps[subset] for subset in subsets]

    def show(self, done: int, total: int) -> None:
        """Show how far the search is, if that is wanted."""
        if self._verbose:
            top = max((step.mean for step in self.best.values()), default=np.nan)
            show_progress(done, total, f"best score {top:.4g} of {len(self.history)} subsets")

    def refuse_none(self, steps: Sequence[Step]) -> None:
        """Raise if none of the steps has a score."""
        if not all(np.isnan(step.mean) for step in steps):
            return
        step = steps[0]
        split = int(np.flatnonzero(np.isnan(step.fold_scores))[0])
        reason = f" The first failed with: {self._errors[0]}" if self._errors else ""
        raise ValueError(
            f"None of the {len(steps)} subsets to choose from has a score: {self._followed!r} is "
            f"NaN, for the features {step.features} on fold {split}.{reason}"
        )

    def warn_of_errors(self) -> None:
        """Tell of fits without a score."""
        if self._errors:
            warnings.warn(
                f"{len(self._errors)} subsets have no score and cannot be selected. The first "
                f"failed with: {self._errors[0]}",
                UserWarning,
                stacklevel=4,
            )

    def _keep(self, subset, columns, scored):
        step = Step.of(columns, scored.scores, scored.seconds, self._metrics, self._followed)
        self._steps[subset] = step
        self.history.append(step)
        best = self.best.get(len(subset))
        if not np.isnan(step.mean) and (best is None or step.mean > best.mean):
            self.best[len(subset)] = step
        if scored.error is not None:
            self._errors.append(scored.error)
        if self._callback is not None and self._callback(step):
            raise Stopped

    def _record(self, columns, scored):
        if self._checkpoint is None:
            return
        self._unwritten.append(
            {
                "features": columns,
                "scores": scored.scores.tolist(),
                "seconds": scored.seconds,
                "error": scored.error,
            }
        )
        if perf_counter() - self._written > _SECONDS:
            self._write()

    def _write(self):
        if self._unwritten:
            self._checkpoint.append(self._unwritten)
            self._unwritten = []
        self._written = perf_counter()


def _scored(record):
    return Scored(np.array(record["scores"]), record["seconds"], record["error"])
