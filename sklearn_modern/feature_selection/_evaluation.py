"""Scores each subset of features once, and keeps a record."""

from collections.abc import Callable, Sequence
from itertools import takewhile
from time import perf_counter
from typing import Any

import numpy as np

from sklearn_modern._core.checkpoint import Checkpoint
from sklearn_modern._core.progress import ProgressBar
from sklearn_modern._core.warning import warn_user
from sklearn_modern.feature_selection._scored import History, ScoredSubset, Scores
from sklearn_modern.feature_selection._strategies import Strategy
from sklearn_modern.feature_selection._units import Units

__all__ = ["Evaluation", "Stopped"]

# Seconds between two writes of a checkpoint, as each waits for the disk.
_SECONDS = 0.1

Subset = tuple[int, ...]


class Stopped(Exception):
    """The callback has ended the search."""


class Evaluation:
    """Scores the subsets that a search asks for.

    Parameters
    ----------
    strategy : Strategy
        How to score subsets.
    units : Units
        What subsets consist of.
    metrics : list of str
        Names of the metrics.
    deciding : str
        The metric by which subsets are compared.
    checkpoint : Checkpoint or None
        A record of all scores; it may hold some of an earlier run.
    callback : callable or None
        Called with each ScoredSubset; it stops the search by returning true.
    verbose : bool
        Whether to show a progress bar.

    Attributes
    ----------
    history : History
        All subsets with their scores, in order.
    best : dict of int to ScoredSubset
        The best subset of each size.
    """

    def __init__(
        self,
        strategy: Strategy,
        units: Units,
        metrics: list[str],
        deciding: str,
        checkpoint: Checkpoint | None,
        callback: Callable[[ScoredSubset], Any] | None,
        verbose: bool,
    ) -> None:
        self._strategy, self._units, self._deciding = strategy, units, deciding
        self._checkpoint, self._callback, self._verbose = checkpoint, callback, verbose
        self.history = History(metrics, deciding)
        self.best: dict[int, ScoredSubset] = {}
        self._means: dict[frozenset[int], float] = {}
        self._errors: list[str] = []
        self._unwritten: list[dict] = []
        self._written = perf_counter()
        self._bar, self._shown = ProgressBar(), (0, 1)
        records = () if checkpoint is None else checkpoint.records
        self._known = {tuple(record["features"]): record for record in records}
        self._append(())  # the user is told at once if it cannot be written

    def __call__(self, subsets: Sequence[frozenset[int]]) -> list[float]:
        """Return the mean scores of subsets; only those that are new are scored."""
        new = [subset for subset in subsets if subset not in self._means]
        columns = [self._units.columns(subset) for subset in new]
        # A resumed run asks for subsets in the order of the run that wrote the record.
        done = 0
        for known in takewhile(self._known.__contains__, columns):
            self._keep(new[done:], [known], _of_record(self._known[known]))
            done += 1
        try:
            for scores in self._strategy(columns[done:]) if done < len(new) else ():
                batch = columns[done : done + len(scores.scores)]
                self._record(batch, scores)
                self._keep(new[done:], batch, scores)
                done += len(batch)
                if done < len(new):
                    self.show(*self._shown)
        finally:
            self._write()
        return [self._means[subset] for subset in subsets]

    def show(self, done: int, total: int) -> None:
        """Show the progress of the search if verbose."""
        if self._verbose:
            top = max((one.mean for one in self.best.values()), default=None)
            text = "" if top is None else f"best score {top:.4g} of {len(self._means)} subsets"
            self._bar.show(done, total, text)
            self._shown = done, total

    def close(self) -> None:
        """End the line of an unfinished bar, and let others write to the checkpoint."""
        self._bar.close()
        if self._checkpoint is not None:
            self._checkpoint.close()

    def refuse_none(self, means: Sequence[float]) -> None:
        """Raise if none of the latest scores is a number."""
        if not np.isnan(means).all():
            return
        last = self.history.scored[-1]
        split = int(np.flatnonzero(~np.isfinite(last.fold_scores))[0])
        reason = f" The first failed with: {self._errors[0]}" if self._errors else ""
        raise ValueError(
            f"None of the {len(means)} subsets to choose from has a score: {self._deciding!r} is "
            f"NaN, for the features {last.features} on fold {split}.{reason}"
        )

    def warn_of_errors(self) -> None:
        """Warn of subsets that lack scores."""
        if self._errors:
            warn_user(
                f"{len(self._errors)} subsets lack scores, and without {self._deciding!r} cannot "
                f"be selected. The first failed with: {self._errors[0]}"
            )

    def _keep(self, subsets, columns, scores):
        """Add scores; with a callback one by one, as it may end the search after each."""
        if self._callback is None:
            self._add(subsets, columns, scores)
            return
        for i, (subset, features) in enumerate(zip(subsets, columns, strict=False)):
            one = Scores(scores.scores[[i]], scores.seconds[[i]], scores.errors[i : i + 1])
            self._add([subset], [features], one)
            if self._callback(next(self.history.scored_of([features], one))):
                raise Stopped

    def _add(self, subsets, columns, scores):
        means = self.history.add(columns, scores)
        self._errors += [error for error in scores.errors if error is not None]
        self._means.update(zip(subsets, means.tolist(), strict=False))
        sizes = np.fromiter(map(len, subsets[: len(columns)]), dtype=np.intp)
        for size in np.unique(sizes[~np.isnan(means)]).tolist():
            top = int(np.nanargmax(np.where(sizes == size, means, np.nan)))
            if size not in self.best or means[top] > self.best[size].mean:
                one = Scores(scores.scores[[top]], scores.seconds[[top]], [None])
                self.best[size] = next(self.history.scored_of([columns[top]], one))

    def _record(self, columns, scores):
        if self._checkpoint is None:
            return
        for features, of_splits, seconds, error in zip(columns, *scores, strict=True):
            self._unwritten.append(
                {
                    "features": features,
                    "scores": of_splits.tolist(),
                    "seconds": float(seconds),
                    "error": error,
                }
            )
        if perf_counter() - self._written > _SECONDS:
            self._write()

    def _write(self):
        if self._unwritten:
            self._append(self._unwritten)
            self._unwritten = []
        self._written = perf_counter()

    def _append(self, records):
        """Add to the checkpoint, which is given up where it cannot be written."""
        if self._checkpoint is None:
            return
        try:
            self._checkpoint.append(records)
        except OSError as error:
            warn_user(f"{error.strerror}. The search goes on without it.")
            self._checkpoint.close()
            self._checkpoint = None


def _of_record(record):
    return Scores(np.array([record["scores"]]), np.array([record["seconds"]]), [record["error"]])
