"""What selectors of features by the scores of subsets share."""

import warnings
from abc import abstractmethod
from contextlib import closing
from copy import deepcopy
from dataclasses import KW_ONLY
from numbers import Integral
from os import PathLike
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.feature_selection import SelectorMixin
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import assert_all_finite, column_or_1d, get_tags, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.checkpoint import Checkpoint
from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.optional import import_optional
from sklearn_modern._core.same import fingerprint
from sklearn_modern._core.scikit_learn import HasMethods, Options, StrOptions, fit_context
from sklearn_modern._fits.delegation import DELEGATED, FittedToSelection
from sklearn_modern._fits.problem import Problem
from sklearn_modern._fits.scorers import followed_of, scorers_of
from sklearn_modern.feature_selection._display import SubsetScoresDisplay
from sklearn_modern.feature_selection._evaluation import Evaluation, Stopped
from sklearn_modern.feature_selection._search import Search
from sklearn_modern.feature_selection._steps import Step
from sklearn_modern.feature_selection._units import Units
from sklearn_modern.feature_selection._ways import way_of

__all__ = ["SubsetSelector"]

# What changes neither scores nor the order in which they are asked for, or is compared by itself.
_IMMATERIAL = ("callback", "checkpoint", "cv", "estimator", "fast", "n_jobs", "verbose")


@estimator
class SubsetSelector(FittedToSelection, SelectorMixin, MetaEstimatorMixin, BaseEstimator):
    """Features that are selected by what subsets score in cross-validation.

    Parameters
    ----------
    estimator : estimator
        What is fitted to subsets; it need not be fitted, and stays as it is.
    scoring : str, callable, list, tuple, dict or None, default=None
        A scorer, or several of them, of which ``refit`` names the one that counts. None is the
        estimator's own ``score``.
    cv : int, splitter or iterable, default=5
        Splits, as scikit-learn understands them.
    fixed_features : array-like or None, default=None
        Features that every subset has: positions, names, or a mask.
    feature_groups : sequence of array-like or None, default=None
        Features that move together, as the columns of one variable do, and count as one. Features
        that are in no group are by themselves.
    fast : {"auto", "check"} or False, default="auto"
        Whether to compute the scores of all subsets of a step together, where there is exact
        arithmetic for the estimator and the scoring; "check" also fits each, and raises if the
        scores differ; False just fits each.
    refit : bool or str, default=True
        Fit the estimator to what is selected. With several metrics the name of the one that
        counts.
    n_jobs : int or None, default=None
        Fits at the same time.
    checkpoint : path-like or None, default=None
        A file that records what has been scored. If it is there, the search goes on from it; one
        of other data, estimator or settings is refused, so that each fit needs its own.
    callback : callable or None, default=None
        Called with each :class:`Step`; it ends the search by returning true.
    verbose : int, default=0
        Whether to show a bar.

    Attributes
    ----------
    support_ : ndarray of bool of shape (n_features,)
        The features that are selected.
    n_features_to_select_ : int
        How many they are; a group counts as one.
    history_ : list of Step
        Every subset that was scored, in order.
    subsets_ : dict of int to Step
        For each size the best subset.
    estimator_ : estimator
        Fitted to what is selected.
    scorer_ : callable or dict
        What scored.
    n_splits_ : int
        Number of splits.
    classes_ : ndarray of shape (n_classes,)
        Labels, of a classifier.
    n_features_in_ : int
        Number of features of the fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if X was a DataFrame whose column names are strings.
    """

    estimator: Any
    _: KW_ONLY
    scoring: Any = None
    cv: Any = 5
    fixed_features: Any = None
    feature_groups: Any = None
    fast: Any = "auto"
    refit: Any = True
    n_jobs: int | None = None
    checkpoint: Any = None
    callback: Any = None
    verbose: int = 0

    _parameter_constraints = {
        "estimator": [HasMethods(["fit"])],
        "scoring": [str, callable, list, tuple, dict, None],
        "cv": ["cv_object"],
        "fixed_features": ["array-like", None],
        "feature_groups": [list, tuple, None],
        "fast": [StrOptions({"auto", "check"}), Options(bool, {False})],
        "refit": ["boolean", str],
        "n_jobs": [None, Integral],
        "checkpoint": [str, PathLike, None],
        "callback": [callable, None],
        "verbose": ["verbose"],
    }

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **params):
        """Search for the best features.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Training data: numbers, or the columns of a DataFrame, of any kind that the estimator
            takes.
        y : array-like of shape (n_samples,), default=None
            Targets.
        **params : dict
            More for the estimator's ``fit``, and ``groups`` for the splitter; with metadata routing
            also for the splitter and the scorers, as each asks for.

        Returns
        -------
        self : estimator
            The fitted selector.
        """
        for parameter in ("estimator", "cv"):
            if isinstance(kind := getattr(self, parameter), type):
                raise TypeError(
                    f"{parameter} must be an instance, as {kind.__name__}() is, not a class."
                )
        X = self._table(X, reset=True)
        y = _checked(y)
        X, y = indexable(X, y)
        names = getattr(self, "feature_names_in_", None)
        units = Units(self.n_features_in_, names, self.feature_groups, self.fixed_features)
        search = self._search(units)
        problem = self._problem(X, y, params)
        evaluation = Evaluation(
            way_of(problem, self.fast, self.n_jobs),
            units,
            list(problem.scorers),
            followed_of(problem.scorers, self.refit),
            self._recorded(problem),
            self.callback,
            bool(self.verbose),
        )
        try:
            with closing(evaluation):
                search.run(evaluation)
        except Stopped:
            evaluation.refuse_none([step.mean for step in evaluation.history.steps])
        except KeyboardInterrupt:
            if not evaluation.best:
                raise
            warnings.warn("Interrupted: the best of what has been scored is kept.", stacklevel=3)
        evaluation.warn_of_errors()
        self._take(search, evaluation, units)
        if self.refit:
            y = () if y is None else (y,)
            self.estimator_ = clone(self.estimator)
            self.estimator_.fit(self._selected(X), *y, **problem.fit_params)
        return self

    @property
    def history_(self) -> list[Step]:
        """Every subset that was scored, in order."""
        check_is_fitted(self, "_history")
        return self._history.steps

    def results_frame(self):
        """Return every subset that was scored as a pandas DataFrame.

        Returns
        -------
        DataFrame
            One row for each, in the order in which they were scored.
        """
        check_is_fitted(self)
        pandas = import_optional("pandas", extra="report", feature="results_frame")
        names = getattr(self, "feature_names_in_", None)
        best = {step.features for step in self.subsets_.values()}
        selected = tuple(np.flatnonzero(self.support_).tolist())
        rows = []
        for step in self.history_:
            features = step.features if names is None else tuple(names[list(step.features)])
            row = {
                "n_features": len(step.features),
                "features": features,
                "mean": step.mean,
                "std": step.std,
                "se": step.se,
            }
            row |= {f"split{i}": score for i, score in enumerate(step.fold_scores)}
            row |= {f"mean_{name}": scores.mean() for name, scores in step.other_scores.items()}
            row |= {
                "fit_time": step.fit_time,
                "best_of_size": step.features in best,
                "selected": step.features == selected,
            }
            rows.append(row)
        return pandas.DataFrame(rows)

    def plot(self, ax=None, **kwargs):
        """Draw the best score of each size, with its standard error.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            For the line, as ``Axes.plot`` takes it.

        Returns
        -------
        SubsetScoresDisplay
            The display.
        """
        return SubsetScoresDisplay.from_estimator(self, ax=ax, **kwargs)

    def get_metadata_routing(self):
        """Say which parameters of ``fit`` go where.

        Returns
        -------
        MetadataRouter
            To the estimator, the splitter and the scorers.
        """
        # A Pipeline of an older scikit-learn asks what "fit_transform" takes.
        own, split, score = (
            MethodMapping()
            .add(caller="fit", callee=callee)
            .add(caller="fit_transform", callee=callee)
            for callee in ("fit", "split", "score")
        )
        for method in DELEGATED:
            own.add(caller=method, callee=method)
        router = MetadataRouter(owner=type(self).__name__)
        router.add(estimator=self.estimator, method_mapping=own)
        if hasattr(self.cv, "split"):
            router.add(splitter=self.cv, method_mapping=split)
        for name, scorer in scorers_of(self.estimator, self.scoring).items():
            router.add(**{f"scorer_{name}": scorer}, method_mapping=score)
        return router

    def _problem(self, X, y, params):
        """Make the splits, and hand each the parameters that it is to have."""
        scorers = scorers_of(self.estimator, self.scoring)
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "fit", **params)
            fit_params, score_params = (
                routed.estimator.fit,
                {name: routed[f"scorer_{name}"].score for name in scorers},
            )
            split_params = routed.splitter.split if hasattr(self.cv, "split") else {}
        else:
            fit_params, score_params = dict(params), {}
            split_params = {"groups": fit_params.pop("groups", None)}
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = [tuple(map(np.asarray, split)) for split in cv.split(X, y, **split_params)]
        if not splits:
            raise ValueError("cv has no splits; a generator can be used up by one fit only.")
        self.n_splits_ = len(splits)
        self.scorer_ = scorers if len(scorers) > 1 else next(iter(scorers.values()))
        return Problem(self.estimator, X, y, splits, scorers, fit_params, score_params)

    def _recorded(self, problem):
        """Open the checkpoint."""
        if self.checkpoint is None:
            return None
        settings = {
            name: value
            for name, value in self.get_params(deep=False).items()
            if name not in _IMMATERIAL
        }
        made_of = {
            "the data": fingerprint(problem.X, problem.y, problem.fit_params, problem.score_params),
            "the estimator": fingerprint(clone(self.estimator)),
            "the splits": fingerprint(problem.splits),
            "the settings": fingerprint(settings),
        }
        return Checkpoint(self.checkpoint, made_of)

    def _take(self, search, evaluation, units):
        """Learn what has been selected."""
        self._history, self.subsets_ = evaluation.history, dict(sorted(evaluation.best.items()))
        chosen = search.choose(evaluation.best)
        if isinstance(chosen, int):
            columns, self.n_features_to_select_ = evaluation.best[chosen].features, chosen
        else:
            columns, self.n_features_to_select_ = units.columns(chosen), len(chosen)
        self.support_ = np.zeros(self.n_features_in_, dtype=bool)
        self.support_[list(columns)] = True

    def _get_support_mask(self):
        check_is_fitted(self)
        return self.support_

    @abstractmethod
    def _search(self, units: Units) -> Search:
        """Check what sizes are asked for, and return the search."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        if self.refit:
            tags.estimator_type = inner.estimator_type
            tags.classifier_tags = deepcopy(inner.classifier_tags)
            tags.regressor_tags = deepcopy(inner.regressor_tags)
        tags.target_tags.required = inner.target_tags.required
        tags.input_tags.sparse = inner.input_tags.sparse
        first = self.estimator
        while isinstance(first, Pipeline):  # which leaves missing numbers to its first step
            steps = (step for _, step in first.steps if step not in (None, "passthrough"))
            first = next(steps, None)
        tags.input_tags.allow_nan = first is None or get_tags(first).input_tags.allow_nan
        return tags


def _checked(y):
    """Refuse a y with missing or infinite numbers; take a single column as it is meant."""
    if y is None or not hasattr(y, "__array__"):
        return y
    values = np.asarray(y)
    if values.dtype.kind == "f":
        assert_all_finite(values, input_name="y")
    return column_or_1d(y, warn=True) if values.ndim == 2 and values.shape[1] == 1 else y
