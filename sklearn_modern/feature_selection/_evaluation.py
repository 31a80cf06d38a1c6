"""Scores subsets of features, none of them twice, and keeps a record."""

import sys
import warnings
from collections.abc import Callable, Sequence
from itertools import takewhile
from time import perf_counter
from typing import Any

import numpy as np

from sklearn_modern._core.checkpoint import Checkpoint
from sklearn_modern._core.parallel import show_progress
from sklearn_modern.feature_selection._steps import History, Scored, Step
from sklearn_modern.feature_selection._units import Units
from sklearn_modern.feature_selection._ways import Way

__all__ = ["Evaluation", "Stopped"]

# Records of a checkpoint are written at most this often, as each time waits for the disk.
_SECONDS = 0.1

Subset = tuple[int, ...]


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
    history : History
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
        self._way, self._units, self._followed = way, units, followed
        self._checkpoint, self._callback, self._verbose = checkpoint, callback, verbose
        self.history = History(metrics, followed)
        self.best: dict[int, Step] = {}
        self._means: dict[frozenset[int], float] = {}
        self._errors: list[str] = []
        self._unwritten: list[dict] = []
        self._written = perf_counter()
        self._bar_is_open, self._shown = False, (0, 1)
        records = () if checkpoint is None else checkpoint.records
        self._known = {tuple(record["features"]): record for record in records}

    def __call__(self, subsets: Sequence[frozenset[int]]) -> list[float]:
        """Return the mean scores of subsets, of which none is scored that has been before."""
        new = [subset for subset in subsets if subset not in self._means]
        columns = [self._units.columns(subset) for subset in new]
        # A run that goes on asks in the order in which the one before it has asked.
        done = 0
        for known in takewhile(self._known.__contains__, columns):
            self._keep(new[done:], [known], _of_record(self._known[known]))
            done += 1
        try:
            for scored in self._way(columns[done:]) if done < len(new) else ():
                batch = columns[done : done + len(scored.scores)]
                self._record(batch, scored)
                self._keep(new[done:], batch, scored)
                done += len(batch)
                if done < len(new):
                    self.show(*self._shown)
        finally:
            self._write()
        return [self._means[subset] for subset in subsets]

    def show(self, done: int, total: int) -> None:
        """Show how far the search is, if that is wanted."""
        if self._verbose:
            top = max((step.mean for step in self.best.values()), default=None)
            text = "" if top is None else f"best score {top:.4g} of {len(self._means)} subsets"
            show_progress(done, total, text)
            self._bar_is_open, self._shown = done < total, (done, total)

    def close(self) -> None:
        """End the line of a bar that has not come to its end."""
        if self._bar_is_open:
            print(file=sys.stderr)

    def refuse_none(self, means: Sequence[float]) -> None:
        """Raise if none of the latest scores is a number."""
        if not np.isnan(means).all():
            return
        step = self.history.steps[-1]
        split = int(np.flatnonzero(~np.isfinite(step.fold_scores))[0])
        reason = f" The first failed with: {self._errors[0]}" if self._errors else ""
        raise ValueError(
            f"None of the {len(means)} subsets to choose from has a score: {self._followed!r} is "
            f"NaN, for the features {step.features} on fold {split}.{reason}"
        )

    def warn_of_errors(self) -> None:
        """Tell of fits without a score."""
        if self._errors:
            warnings.warn(
                f"{len(self._errors)} subsets lack scores, and without {self._followed!r} cannot "
                f"be selected. The first failed with: {self._errors[0]}",
                UserWarning,
                stacklevel=4,
            )

    def _keep(self, subsets, columns, scored):
        """Take scores in; with a callback one after the other, as it may end the search."""
        if self._callback is None:
            self._take(subsets, columns, scored)
            return
        for i, (subset, features) in enumerate(zip(subsets, columns, strict=False)):
            one = Scored(scored.scores[[i]], scored.seconds[[i]], scored.errors[i : i + 1])
            self._take([subset], [features], one)
            if self._callback(next(self.history.steps_of([features], one))):
                raise Stopped

    def _take(self, subsets, columns, scored):
        means = self.history.add(columns, scored)
        self._errors += [error for error in scored.errors if error is not None]
        self._means.update(zip(subsets, means.tolist(), strict=False))
        sizes = np.fromiter(map(len, subsets[: len(columns)]), dtype=np.intp)
        for size in np.unique(sizes[~np.isnan(means)]).tolist():
            top = int(np.nanargmax(np.where(sizes == size, means, np.nan)))
            if size not in self.best or means[top] > self.best[size].mean:
                one = Scored(scored.scores[[top]], scored.seconds[[top]], [None])
                self.best[size] = next(self.history.steps_of([columns[top]], one))

    def _record(self, columns, scored):
        if self._checkpoint is None:
            return
        for features, scores, seconds, error in zip(columns, *scored, strict=True):
            self._unwritten.append(
                {
                    "features": features,
                    "scores": scores.tolist(),
                    "seconds": float(seconds),
                    "error": error,
                }
            )
        if perf_counter() - self._written > _SECONDS:
            self._write()

    def _write(self):
        if self._unwritten:
            self._checkpoint.append(self._unwritten)
            self._unwritten = []
        self._written = perf_counter()


def _of_record(record):
    return Scored(np.array([record["scores"]]), np.array([record["seconds"]]), [record["error"]])
