"""Fit and score settings on folds, as scikit-learn's searches do, and share what is shared."""

import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from time import perf_counter
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn import get_config
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from sklearn_modern._core.parallel import for_workers, results
from sklearn_modern._core.same import Itself
from sklearn_modern._core.scikit_learn import (
    MultimetricScorer,
    PassthroughScorer,
    Scorer,
    check_method_params,
    safe_indexing,
    score,
)
from sklearn_modern._fits.fit import Fit, apart
from sklearn_modern._fits.many import Fitted, fit_together, in_shared_order, path_of

__all__ = ["Folds", "Job", "Setting", "Task", "evaluate"]

Task = tuple[int, int]
"""Positions of a setting and of a split."""

# Of how many splits the rows to score are at hand at a time.
_SPLITS_AT_HAND = 8

# Methods that a Pipeline has from its last step, which gets the transformed rows.
_OF_LAST_STEP = {"decision_function", "predict", "predict_log_proba", "predict_proba"}


@dataclass(frozen=True, eq=False)
class Setting:
    """What is fitted.

    Parameters
    ----------
    estimator : estimator
        It stays as it is; clones are fitted.
    params : dict
        Parameters that are set on a clone.
    fit_params : dict
        Further arguments of ``fit``, for all rows. Settings that share work hold the same.
    """

    estimator: BaseEstimator
    params: dict[str, Any]
    fit_params: dict[str, Any]

    def clone(self) -> BaseEstimator:
        """Return a clone with the parameters."""
        return clone(self.estimator).set_params(**clone(self.params, safe=False))


@dataclass(frozen=True, eq=False)
class Folds:
    """Data, splits, and how fits are scored.

    Parameters
    ----------
    X, y : array-like
        The data; y may be None.
    splits : sequence of tuple of ndarray
        Training rows and test rows.
    scorer : callable
        A scorer, or several in one.
    score_params : dict
        Further arguments of the scorer, for all rows.
    error_score : "raise" or float
        The score of what cannot be fitted or scored.
    return_train_score : bool
        Whether to score the training rows, too.
    describe : callable or None, default=None
        From a :class:`Fitted` and the test rows to a dict that is added to what is recorded.
    """

    X: Any
    y: Any
    splits: Sequence[tuple[np.ndarray, np.ndarray]]
    scorer: Any
    score_params: dict[str, Any]
    error_score: Any
    return_train_score: bool
    describe: Callable[[Fitted, Any], dict[str, Any]] | None = None

    def score_together(
        self, settings: Mapping[int, Setting], tasks: Sequence[Task], pairwise: bool
    ) -> list[dict[str, Any] | None]:
        """Fit settings to the training rows of splits, together, and score each.

        What Ctrl-C has kept from being fitted is None, so that nothing is lost that is done.

        Parameters
        ----------
        settings : mapping of int to Setting
            What there is to fit, by position.
        tasks : sequence of (int, int)
            Which setting is fitted on which split.
        pairwise : bool
            Whether X is a matrix of kernels or distances, of which a fit gets a square.
        """
        fits = self._fits_of(settings, tasks, pairwise)
        pairs = [(settings[i].estimator, fit) for (i, _), fit in zip(tasks, fits, strict=True)]
        rows_of = lru_cache(_SPLITS_AT_HAND)(partial(self._rows, pairwise=pairwise))
        found: dict[int, tuple] = {}
        with suppress(KeyboardInterrupt):
            for place, fitted in fit_together(pairs):
                outcome = self._outcome(fitted, rows_of(tasks[place][1]))
                found[place] = outcome, fitted.stopwatch, fitted.before
        outcomes: list[dict[str, Any] | None] = [None] * len(tasks)
        for place, (outcome, stopwatch, before) in found.items():
            outcomes[place] = {"fit_time": before + stopwatch.seconds, **outcome}
        return outcomes

    def _fits_of(self, settings, tasks, pairwise):
        """Return the fits of tasks; those on one split hold the same objects."""
        fits, fit_params = [], {}
        for i, split in tasks:
            train, _ = self.splits[split]
            given = settings[i].fit_params
            where = split, Itself(given)
            if where not in fit_params:
                fit_params[where] = check_method_params(self.X, given, indices=train)
            fits.append(
                Fit(
                    clone(settings[i].params, safe=False),
                    self.X,
                    self.y,
                    train,
                    train if pairwise else None,
                    fit_params[where],
                    passes_y=self.y is not None,
                )
            )
        return fits

    def _rows(self, split, *, pairwise):
        """Return the rows of a split to score, by the name of the part."""
        train, test = self.splits[split]
        columns = train if pairwise else None
        parts = {"test": test, "train": train} if self.return_train_score else {"test": test}
        return {name: (rows, *self._part(rows, columns)) for name, rows in parts.items()}

    def is_pairwise(self, model: BaseEstimator) -> bool:
        """Tell whether X is a matrix of kernels or distances, of which a fit gets a square."""
        if not get_tags(model).input_tags.pairwise:
            return False
        shape = getattr(self.X, "shape", ())
        if len(shape) != 2 or shape[0] != shape[1]:
            raise ValueError(
                f"{type(model).__name__} takes X for a matrix of kernels or distances, which must "
                "be a square array or sparse matrix."
            )
        return True

    def _part(self, rows, columns):
        X = safe_indexing(self.X, rows)
        X = X if columns is None else safe_indexing(X, columns, axis=1)
        return X, None if self.y is None else safe_indexing(self.y, rows)

    def _outcome(self, fitted, rows):
        """Return what there is to record of a fit, but for its time."""
        outcome = {"fit_error": None, "n_test_samples": len(rows["test"][0]), "score_time": 0.0}
        if isinstance(error := fitted.last, Exception):
            if self.error_score == "raise":
                raise error
            outcome["fit_error"] = "".join(traceback.format_exception(error))
            return outcome | {f"{part}_scores": self._failed() for part in rows}
        start = perf_counter()
        whole = None if self._asks_last_step(fitted) else fitted.model()
        for part, (index, X, y) in rows.items():
            params = check_method_params(self.X, self.score_params, indices=index)
            outcome[f"{part}_scores"] = self._score(fitted, whole, X, y, params)
            if part == "test":
                outcome["score_time"] = perf_counter() - start
                if self.describe is not None:
                    outcome |= self.describe(fitted, X)
                    outcome |= self._why_missing(fitted, outcome["test_scores"], X, y, params)
        return outcome

    def _score(self, fitted, whole, X, y, params):
        """Score the whole model, or its last step; what is asked of the rows may write into them.

        ``whole`` is None if the last step is enough.
        """
        model, X_seen = whole, None
        if whole is None:
            try:
                model, X_seen = fitted.last, fitted.transform(X)
            except Exception:  # the scorer meets it again
                model = fitted.model()
        X_seen = apart(X, X) if X_seen is None else X_seen
        return score(model, X_seen, apart(y, y), self.scorer, params, self.error_score)

    def _why_missing(self, fitted, scores, X, y, params):
        """Ask again for scores that are missing: of the scorer's error there is only a warning."""
        values = scores.values() if isinstance(scores, dict) else [scores]
        if np.isfinite(list(values)).all():
            return {}
        rows = (apart(X, X),) if y is None else (apart(X, X), apart(y, y))
        try:
            with warnings.catch_warnings(action="ignore"):
                found = self.scorer(fitted.model(), *rows, **params)
        except Exception as error:
            return {"score_error": "".join(traceback.format_exception(error))}
        texts = (
            [one for one in found.values() if isinstance(one, str)]
            if isinstance(found, dict)
            else []
        )
        return {"score_error": texts[0]} if texts else {}

    def _asks_last_step(self, fitted):
        """Tell whether the scorer asks a Pipeline for nothing but what its last step answers."""
        if fitted.first is None:
            return True
        routed = self.score_params and get_config()["enable_metadata_routing"]
        if type(fitted.first) is not Pipeline or routed:
            return False
        several = isinstance(self.scorer, MultimetricScorer)
        scorers = self.scorer._scorers.values() if several else [self.scorer]
        return all(map(_asks_last_step, scorers))

    def _failed(self):
        if isinstance(self.scorer, MultimetricScorer):
            return dict.fromkeys(self.scorer._scorers, self.error_score)
        return self.error_score


@dataclass(frozen=True, eq=False)
class Job:
    """What to evaluate on some data.

    Parameters
    ----------
    folds : Folds
        The data and their splits.
    settings : sequence of Setting
        What there is to fit.
    tasks : sequence of (int, int)
        Which setting is evaluated on which split.
    """

    folds: Folds
    settings: Sequence[Setting]
    tasks: Sequence[Task]


def evaluate(
    jobs: Sequence[Job], n_jobs: int | None, pre_dispatch: Any = "2*n_jobs"
) -> Iterator[tuple[int, Task, dict[str, Any]]]:
    """Fit and score settings on splits, in one queue.

    Parameters
    ----------
    jobs : sequence of Job
        What there is to do.
    n_jobs : int or None
        Number of processes. The settings of a split are divided into as few parts as keep all of
        them busy: the larger the parts, the more work is shared.
    pre_dispatch : int or str
        How many parts joblib hands out beforehand.

    Yields
    ------
    position : int
        Which of the jobs it is.
    task : (int, int)
        Setting and split, in an order of no meaning.
    outcome : dict
        What scikit-learn's searches record of a fit: "test_scores", "fit_time" and so on.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, when all is yielded that was done by then.
    """
    n_splits = sum(len({split for _, split in job.tasks}) for job in jobs)
    n_processes = effective_n_jobs(n_jobs)
    n_parts = 1 if n_processes == 1 else -(-2 * n_processes // max(1, n_splits))
    whose, calls = [], []
    for position, job in enumerate(jobs):
        folds = for_workers(job.folds)
        for tasks, pairwise in _parts(job, n_parts, n_processes):
            whose.append((position, tasks))
            settings = {i: job.settings[i] for i, _ in tasks}
            calls.append((folds, settings, tasks, pairwise))
    queue = results(Folds.score_together, calls, n_jobs, pre_dispatch)
    with closing(queue):
        for (position, tasks), outcomes in zip(whose, queue, strict=True):
            for task, outcome in zip(tasks, outcomes, strict=True):
                if outcome is not None:
                    yield position, task, outcome
            if None in outcomes:
                raise KeyboardInterrupt


def _asks_last_step(scorer):
    if type(scorer) is PassthroughScorer:
        return True
    if type(scorer) is not Scorer and not getattr(scorer, "asks_last_step", False):
        return False
    methods = scorer._response_method
    return _OF_LAST_STEP.issuperset([methods] if isinstance(methods, str) else methods)


def _parts(job, n_parts, n_processes):
    """Divide a job into parts, in the order in which models share most.

    The models of a part are all pairwise, or none is. A part is of one split, unless its models
    say by ``fits_at_once`` that they are fitted together whatever the data are.
    """
    # Parameters that an estimator does not have are no failing fit, but an error.
    models = {i: job.settings[i].clone() for i in dict.fromkeys(i for i, _ in job.tasks)}
    pairwise = {i: job.folds.is_pairwise(model) for i, model in models.items()}
    paths = {i: path_of(model) for i, model in models.items()}
    at_once = {i: _fits_at_once(model) for i, model in models.items()}
    groups: dict[tuple, list[Task]] = {}
    for i, split in job.tasks:
        where = (None if at_once[i] else split), at_once[i], pairwise[i]
        groups.setdefault(where, []).append((i, split))
    for (split, size, is_pairwise), tasks in groups.items():
        order = in_shared_order([(at, *paths[i]) for i, at in tasks])
        tasks = [tasks[place] for place in order]
        if split is None:
            n_of_group = max(n_processes, -(-len(tasks) // size))
        else:
            shares = any(_shares(models[i]) for i, _ in tasks)
            n_of_group = n_parts if shares else len(tasks)
        for part in np.array_split(np.arange(len(tasks)), min(n_of_group, len(tasks))):
            yield [tasks[place] for place in part], is_pairwise


def _fits_at_once(model):
    """Return how many fits of whatever data a model wants to get at once; 0 if it cannot."""
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    return getattr(last, "fits_at_once", 0)


def _shares(estimator):
    return hasattr(estimator, "fit_many") or isinstance(estimator, Pipeline)
