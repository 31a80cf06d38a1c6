"""Fit and score settings on folds, as scikit-learn's searches do, and share what is shared."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn import get_config
from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from sklearn_modern._core.parallel import results
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

__all__ = ["Folds", "Setting", "Task"]

Task = tuple[int, int]
"""Positions of a setting and of a split."""

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

    def evaluate(
        self,
        settings: Sequence[Setting],
        tasks: Sequence[Task],
        n_jobs: int | None,
        pre_dispatch: Any = "2*n_jobs",
    ) -> Iterator[tuple[Task, dict[str, Any]]]:
        """Fit and score settings on splits.

        Parameters
        ----------
        settings : sequence of Setting
            What there is to fit.
        tasks : sequence of (int, int)
            Which setting is evaluated on which split.
        n_jobs : int or None
            Number of processes. The settings of a split are divided into as few parts as keep all
            of them busy: the larger the parts, the more work is shared.
        pre_dispatch : int or str
            How many parts joblib hands out beforehand.

        Yields
        ------
        task : (int, int)
            Setting and split, in an order of no meaning.
        outcome : dict
            What scikit-learn's searches record of a fit: "test_scores", "fit_time" and so on.
        """
        # Parameters that an estimator does not have are no failing fit, but an error.
        models = {i: settings[i].clone() for i in dict.fromkeys(i for i, _ in tasks)}
        pairwise = {i: self._is_pairwise(model) for i, model in models.items()}
        parts = _parts(models, pairwise, tasks, effective_n_jobs(n_jobs))
        calls = [([settings[i] for i in part], split, pairwise[part[0]]) for part, split in parts]
        queue = results(self.score_together, calls, n_jobs, pre_dispatch)
        with closing(queue):
            for (part, split), outcomes in zip(parts, queue, strict=True):
                for position, outcome in zip(part, outcomes, strict=True):
                    yield (position, split), outcome

    def score_together(
        self, settings: Sequence[Setting], split: int, pairwise: bool
    ) -> list[dict[str, Any]]:
        """Fit settings to the training rows of a split, together, and score each.

        Parameters
        ----------
        settings : sequence of Setting
            What there is to fit.
        split : int
            Position of the split.
        pairwise : bool
            Whether X is a matrix of kernels or distances, of which a fit gets a square.
        """
        train, test = self.splits[split]
        columns = train if pairwise else None
        fit_params = {
            params: check_method_params(self.X, params.thing, indices=train)
            for params in {Itself(setting.fit_params) for setting in settings}
        }
        pairs = [
            (
                setting.estimator,
                Fit(
                    clone(setting.params, safe=False),
                    self.X,
                    self.y,
                    train,
                    columns,
                    fit_params[Itself(setting.fit_params)],
                    passes_y=self.y is not None,
                ),
            )
            for setting in settings
        ]
        rows = {"test": (test, *self._part(test, columns))}
        if self.return_train_score:
            rows["train"] = (train, *self._part(train, columns))
        found: list[Any] = [None] * len(settings)
        for position, fitted in fit_together(pairs):
            found[position] = (self._outcome(fitted, rows), fitted.stopwatch, fitted.before)
        return [
            {"fit_time": before + stopwatch.seconds, **outcome}
            for outcome, stopwatch, before in found
        ]

    def _is_pairwise(self, model):
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


def _asks_last_step(scorer):
    if type(scorer) is PassthroughScorer:
        return True
    if type(scorer) is not Scorer:
        return False
    methods = scorer._response_method
    return _OF_LAST_STEP.issuperset([methods] if isinstance(methods, str) else methods)


def _parts(models, pairwise, tasks, n_processes):
    """Divide tasks into parts of one split each, in the order in which models share most.

    The models of a part are all pairwise, or none is.
    """
    members_of: dict[tuple[int, bool], list[int]] = {}
    for setting, split in tasks:
        members_of.setdefault((split, pairwise[setting]), []).append(setting)
    wanted = 1 if n_processes == 1 else -(-2 * n_processes // max(1, len(members_of)))
    paths = {setting: path_of(model) for setting, model in models.items()}
    parts = []
    for (split, _), members in members_of.items():
        order = in_shared_order([paths[member] for member in members])
        members = [members[place] for place in order]
        shares = any(_shares(models[member]) for member in members)
        n_parts = min(wanted, len(members)) if shares else len(members)
        parts += [(part.tolist(), split) for part in np.array_split(members, n_parts)]
    return parts


def _shares(estimator):
    return hasattr(estimator, "fit_many") or isinstance(estimator, Pipeline)
