"""What all searches share: the fit, and what it leaves behind."""

import warnings
from abc import abstractmethod
from copy import copy
from dataclasses import KW_ONLY
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import assert_all_finite, indexable

from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.scikit_learn import (
    BaseSearchCV,
    MultimetricScorer,
    check_method_params,
    fit_context,
    insert_error_scores,
    warn_of_failures,
)
from sklearn_modern._fits.folds import Folds
from sklearn_modern._fits.scorers import in_one, with_our_scorers
from sklearn_modern.model_selection._choice import (
    ONE_STANDARD_ERROR,
    simplest_within_one_standard_error,
)

__all__ = ["NOTHING_TO_FIT", "SharingSearchCV"]

NOTHING_TO_FIT = "No fits were performed. Was the CV iterator empty? Were there no candidates?"


@estimator
class SharingSearchCV(BaseSearchCV):
    """A search that does the work once which its candidates share.

    Parameters
    ----------
    estimator : estimator
        Clones of it are fitted; it stays as it is.
    scoring : str, callable, list, tuple, dict or None, default=None
        A scorer, or several of them. None means the estimator's own ``score``.
    n_jobs : int or None, default=None
        Number of processes.
    refit : bool, str or callable, default=True
        Whether to fit the best candidate to all rows. With several scorers, the name of the one
        that decides. "one-standard-error" takes the simplest candidate, as ``complexity`` says,
        whose mean score is within one standard error of the best. A callable gets ``cv_results_``
        and returns the position of the candidate to take.
    cv : int, splitter, iterable or None, default=None
        Splits, in any form that scikit-learn accepts; None is five folds.
    verbose : int, default=0
        Whether to show a progress bar.
    pre_dispatch : int or str, default="2*n_jobs"
        How many tasks are handed out to processes beforehand.
    error_score : "raise" or float, default=nan
        The score of a candidate that cannot be fitted or scored; "raise" raises the error.
    return_train_score : bool, default=False
        Whether to score the training rows, too.
    complexity : str, callable or None, default=None
        What ``refit="one-standard-error"`` takes for simple: a parameter's name if smaller values
        are simpler, "-name" if larger ones are, or a callable that returns a number for a
        candidate's parameters.

    Attributes
    ----------
    cv_results_ : dict of ndarray
        Parameters, scores and times of all candidates, as scikit-learn's searches have them. The
        time of shared work is divided among those that share it. With ``racing``, what was not
        evaluated is NaN, and "n_splits_done" says how many splits were.
    best_estimator_ : estimator
        The best candidate, fitted to all rows.
    best_score_ : float
        Its mean score.
    best_params_ : dict
        Its parameters.
    best_index_ : int
        Its position in ``cv_results_``.
    scorer_ : callable or dict
        The scorer, or the scorers by name.
    n_splits_ : int
        Number of splits.
    refit_time_ : float
        Seconds of the fit to all rows.
    multimetric_ : bool
        Whether there are several scorers.
    classes_ : ndarray of shape (n_classes,)
        Class labels, for a classifier.
    n_features_in_ : int
        Number of features, if the fitted estimator has it.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if the fitted estimator has them.
    """

    estimator: Any
    _: KW_ONLY
    scoring: Any = None
    n_jobs: int | None = None
    refit: Any = True
    cv: Any = None
    verbose: int = 0
    pre_dispatch: Any = "2*n_jobs"
    error_score: Any = np.nan
    return_train_score: bool = False
    complexity: Any = None

    _parameter_constraints = {
        **BaseSearchCV._parameter_constraints,
        "complexity": [str, callable, None],
        "scoring": [str, callable, list, tuple, dict, None],
    }

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **params):
        """Fit and score all candidates, and fit the best one to all rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data, in any form that the estimator accepts.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets.
        **params : dict
            ``groups`` goes to the splitter, all others to the estimator's ``fit``, and
            ``sample_weight`` also to scorers that take it. With metadata routing, the estimator,
            the splitter and the scorers get what each of them requests.

        Returns
        -------
        self : estimator
            The fitted search.
        """
        self._check_settings()
        if self._has_callbacks():  # they are told of each fit on its own
            return super().fit(X, y, **params)
        scorers, metric = self._get_scorers()
        X, y = indexable(X, y)
        if is_classifier(self.estimator) and getattr(getattr(y, "dtype", None), "kind", "") == "f":
            assert_all_finite(y, input_name="y")
        params = check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        splits = self._splits(X, y, routed.splitter.split)
        base = clone(self.estimator)
        folds = Folds(
            X,
            y,
            splits,
            scorers,
            routed.scorer.score,
            self.error_score,
            self.return_train_score,
        )
        candidates, outcomes, more = self._evaluate_all(base, folds, metric, routed.estimator.fit)
        results = self._results(candidates, outcomes, more)
        several = isinstance(next(iter(outcomes.values()))["test_scores"], dict)
        if callable(self.scoring) and several:
            self._check_refit_for_multimetric(next(iter(outcomes.values()))["test_scores"])
            metric = self.refit
        self.multimetric_, self.cv_results_ = several, results
        self.scorer_ = scorers._scorers if isinstance(scorers, MultimetricScorer) else scorers
        self._choose(metric)
        if self.refit:
            self._refit(base, X, y, routed.estimator.fit)
        return self

    def _get_scorers(self):
        asked = copy(self)
        asked.scoring = with_our_scorers(self.scoring)
        scorers, metric = BaseSearchCV._get_scorers(asked)
        if isinstance(scorers, MultimetricScorer):  # which may have functions among them
            scorers = in_one(scorers._scorers, raise_exc=scorers._raise_exc)
        return scorers, metric

    @property
    def n_features_in_(self) -> int:
        """Number of features, if the fitted estimator has it."""
        return super().n_features_in_

    @abstractmethod
    def _evaluate_all(self, base, folds, metric, fit_params):
        """Return the candidates, what came of each on each split, and more for the results."""

    def _has_callbacks(self):
        return bool(getattr(self, "_skl_callbacks", None))

    def _check_settings(self):
        if self.refit == ONE_STANDARD_ERROR and self.complexity is None:
            raise ValueError(
                "refit='one-standard-error' takes the simplest candidate: say by complexity which "
                "that is, such as complexity='max_depth', or '-alpha' if larger is simpler."
            )
        if self.complexity is not None and self.refit != ONE_STANDARD_ERROR:
            raise ValueError("complexity has an effect with refit='one-standard-error' only.")

    def _splits(self, X, y, split_params):
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = [
            (np.asarray(train), np.asarray(test)) for train, test in cv.split(X, y, **split_params)
        ]
        self.n_splits_ = cv.get_n_splits(X, y, **split_params)
        if len(splits) != self.n_splits_:
            raise ValueError(
                "cv.split and cv.get_n_splits return inconsistent results. Expected "
                f"{self.n_splits_} splits, got {len(splits)}"
            )
        if not splits:
            raise ValueError(NOTHING_TO_FIT)
        return splits

    def _results(self, candidates, outcomes, more):
        """Return ``cv_results_``, in which NaN stands for what was not evaluated."""
        done = list(outcomes.values())
        warn_of_failures(done, self.error_score)
        if callable(self.scoring):
            insert_error_scores(done, self.error_score)
        tasks = [(i, split) for i in range(len(candidates)) for split in range(self.n_splits_)]
        if len(done) == len(tasks):
            return self._format_results(
                candidates, self.n_splits_, [outcomes[task] for task in tasks], more
            )
        absent = _nothing_like(done[0])
        table = [outcomes.get(task, absent) for task in tasks]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "One or more of the .* scores are non-finite")
            return self._format_results(candidates, self.n_splits_, table, more)

    def _choose(self, metric):
        if self.multimetric_ and not self.refit:
            return
        results = self.cv_results_
        self.best_index_ = self._select_best_index(self.refit, metric, results)
        if not callable(self.refit):
            self.best_score_ = results[f"mean_test_{metric}"][self.best_index_]
        self.best_params_ = results["params"][self.best_index_]

    def _select_best_index(self, refit, refit_metric, results):
        if refit == ONE_STANDARD_ERROR:
            return simplest_within_one_standard_error(results, self.complexity, self.n_splits_)
        return super()._select_best_index(refit, refit_metric, results)

    def _refit(self, base, X, y, fit_params):
        params = clone(self.best_params_, safe=False)
        self.best_estimator_ = clone(base).set_params(**params)
        start = perf_counter()
        self.best_estimator_.fit(X, *(() if y is None else (y,)), **fit_params)
        self.refit_time_ = perf_counter() - start
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_


def _nothing_like(outcome):
    """Return an outcome of the same form, in which nothing is known."""
    scores = outcome["test_scores"]
    unknown = dict.fromkeys(scores, np.nan) if isinstance(scores, dict) else np.nan
    times = {"fit_time": np.nan, "score_time": np.nan, "fit_error": None, "n_test_samples": 0}
    return times | {name: unknown for name in outcome if name.endswith("_scores")}
