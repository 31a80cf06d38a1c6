"""What all selectors share: the fit, its results, and the checks of its input."""

from abc import abstractmethod
from collections import Counter
from contextlib import closing
from dataclasses import KW_ONLY
from numbers import Integral
from os import PathLike
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_regressor
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import get_tags, indexable
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_modern._core.checkpoint import Checkpoint
from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.interruption import keeps_what_it_has
from sklearn_modern._core.optional import import_optional
from sklearn_modern._core.same import fingerprint
from sklearn_modern._core.scikit_learn import (
    HasMethods,
    Options,
    StrOptions,
    fit_context,
    safe_indexing,
)
from sklearn_modern._core.warning import warn_user
from sklearn_modern._fits.delegation import DELEGATED, Delegating
from sklearn_modern._fits.routing import problem_of, router_of
from sklearn_modern._fits.scorers import deciding_metric
from sklearn_modern._inputs.cells import refuse_text, refuse_unreadable
from sklearn_modern._inputs.validation import check_any_targets, warn_of_other_order
from sklearn_modern.feature_selection._columns import (
    refuse_numbers_as_text,
    refuse_unusable_columns,
)
from sklearn_modern.feature_selection._display import SubsetScoresDisplay
from sklearn_modern.feature_selection._evaluation import Evaluation, Stopped
from sklearn_modern.feature_selection._scored import ScoredSubset
from sklearn_modern.feature_selection._search import Search
from sklearn_modern.feature_selection._strategies import strategy_of
from sklearn_modern.feature_selection._units import Units

__all__ = ["SubsetSelector"]

# Parameters that a checkpoint does not compare: they change neither the scores nor their order, or
# are compared by themselves.
_IMMATERIAL = ("callback", "checkpoint", "cv", "estimator", "fast", "n_jobs", "verbose")


@estimator
class SubsetSelector(Delegating, SelectorMixin, MetaEstimatorMixin, BaseEstimator):
    """Selects features by the cross-validated scores of subsets.

    Parameters
    ----------
    estimator : estimator
        Clones of it are fitted to subsets; it stays as it is, and need not be fitted.
    scoring : str, callable, list, tuple, dict or None, default=None
        A scorer, or several scorers, of which ``refit`` names the one that decides. None means the
        estimator's own ``score``.
    cv : int, splitter or iterable, default=5
        Splits, in any form that scikit-learn accepts.
    fixed_features : array-like or None, default=None
        Features that belong to every subset: positions, names, or a mask.
    feature_groups : sequence of array-like or None, default=None
        Groups of features that are added or removed together and count as one, such as the columns
        of one categorical variable. All other features are on their own.
    fast : {"auto", "check"} or False, default="auto"
        "auto" scores all subsets of a step together where there is exact arithmetic for the
        estimator, the metrics and the data, and otherwise lets fits share work if the estimator
        can do that. "check" also fits each subset, and raises an error if the scores differ. False
        just fits each subset. Exact arithmetic is in float64, for data in float32 as well.
    refit : bool or str, default=True
        Whether to fit the estimator to the selected features. With several metrics, the name of
        the one that decides.
    n_jobs : int or None, default=None
        Number of fits that run at the same time.
    checkpoint : path-like or None, default=None
        A file that records all scores. If it exists, the search resumes from it. Each fit needs a
        file of its own: one of other data, another estimator or other settings is refused. If it
        cannot be written, the search warns and goes on without it.
    callback : callable or None, default=None
        Called with each :class:`ScoredSubset`; it ends the search by returning true.
    verbose : int, default=0
        Whether to show a progress bar.

    Attributes
    ----------
    support_ : ndarray of bool of shape (n_features,)
        Mask of the selected features.
    n_features_to_select_ : int
        Number of selected features; a group counts as one.
    history_ : list of ScoredSubset
        Every subset that was scored, in order.
    subsets_ : dict of int to ScoredSubset
        The best subset of each size.
    strategy_ : {"exact", "shared", "separate"}
        How subsets were scored: by exact arithmetic, by fits that share work, or by separate fits.
    strategy_reason_ : str
        Why this strategy was chosen: for fits, what ruled out exact arithmetic; for exact
        arithmetic, how many fits were made all the same, because rounding mattered.
    estimator_ : estimator
        The estimator, fitted to the selected features.
    scorer_ : callable or dict
        The scorer, or the scorers by name.
    n_splits_ : int
        Number of splits.
    classes_ : ndarray of shape (n_classes,)
        Class labels, for a classifier.
    n_features_in_ : int
        Number of features of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if X was a DataFrame whose column names are strings.
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
            Training data: numbers, or a DataFrame with any columns that the estimator accepts.
        y : array-like of shape (n_samples,), default=None
            Targets.
        **params : dict
            ``groups`` goes to the splitter, all others to the estimator's ``fit``. With metadata
            routing, the estimator, the splitter and the scorers get what each of them requests.

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
        if y is not None:
            y = check_any_targets(y, numbers=is_regressor(self.estimator))
        X, y = indexable(X, y)
        warn_of_other_order(X, y)
        names = getattr(self, "feature_names_in_", None)
        units = Units(self.n_features_in_, names, self.feature_groups, self.fixed_features)
        search = self._search(units)
        problem = problem_of(self, X, y, params)
        refuse_unusable_columns(problem)
        refuse_numbers_as_text(problem)
        strategy = strategy_of(problem, self.fast, self.n_jobs)
        evaluation = Evaluation(
            strategy,
            units,
            list(problem.scorers),
            deciding_metric(problem.scorers, self.refit),
            self._recorded(problem),
            self.callback,
            bool(self.verbose),
        )
        try:
            with closing(evaluation):
                search.run(evaluation)
        except Stopped:
            evaluation.refuse_none([one.mean for one in evaluation.history.scored])
        except KeyboardInterrupt:
            if not evaluation.best or not keeps_what_it_has("sklearn_modern.feature_selection"):
                raise
            warn_user("Interrupted: the best subset so far is kept.")
        evaluation.warn_of_errors()
        self._learn(search, evaluation, units)
        scorers = dict(problem.scorers)
        self.scorer_ = scorers if len(scorers) > 1 else next(iter(scorers.values()))
        self.n_splits_ = len(problem.splits)
        self.strategy_, self.strategy_reason_ = strategy.name, strategy.reason
        if self.refit:
            y = () if y is None else (y,)
            self.estimator_ = clone(self.estimator)
            self.estimator_.fit(self._selected(X), *y, **problem.fit_params)
        return self

    @property
    def history_(self) -> list[ScoredSubset]:
        """Every subset that was scored, in order."""
        check_is_fitted(self, "_history")
        return self._history.scored

    def results_frame(self):
        """Return every subset that was scored as a pandas DataFrame.

        Returns
        -------
        DataFrame
            One row per subset, in the order in which they were scored.
        """
        check_is_fitted(self)
        pandas = import_optional("pandas", extra="report", feature="results_frame")
        names = getattr(self, "feature_names_in_", None)
        best = {one.features for one in self.subsets_.values()}
        selected = tuple(np.flatnonzero(self.support_).tolist())
        rows = []
        for one in self.history_:
            features = one.features if names is None else tuple(names[list(one.features)])
            row = {
                "n_features": len(one.features),
                "features": features,
                "mean": one.mean,
                "std": one.std,
                "se": one.se,
            }
            row |= {f"split{i}": score for i, score in enumerate(one.fold_scores)}
            row |= {f"mean_{name}": scores.mean() for name, scores in one.other_scores.items()}
            row |= {
                "fit_time": one.fit_time,
                "best_of_size": one.features in best,
                "selected": one.features == selected,
            }
            rows.append(row)
        return pandas.DataFrame(rows)

    def plot(self, ax=None, **kwargs):
        """Plot the best score of each size, with its standard error.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            Axes for the plot; None creates a figure.
        **kwargs : dict
            Properties of the line, passed to ``Axes.plot``.

        Returns
        -------
        SubsetScoresDisplay
            The display.
        """
        return SubsetScoresDisplay.from_estimator(self, ax=ax, **kwargs)

    def get_metadata_routing(self):
        """Return which arguments of ``fit`` go to the estimator, the splitter and the scorers.

        Returns
        -------
        MetadataRouter
            The router.
        """
        return router_of(self, DELEGATED)

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

    def _learn(self, search, evaluation, units):
        """Set the attributes that say what was scored and selected."""
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
        """Check the parameters that concern sizes, and return the search."""

    def _inner_input(self, X):
        return self._selected(self._table(X, reset=False))

    def _selected(self, X):
        return safe_indexing(X, np.flatnonzero(self.support_), axis=1)

    def _table(self, X, *, reset):
        """Check X; frames stay frames, so that the estimator sees column names and types."""
        least = 2 if reset else 1
        refuse_unreadable(X, "X")
        if hasattr(X, "columns") and hasattr(X, "dtypes"):
            names = list(X.columns)
            if twice := [str(name) for name, times in Counter(names).items() if times > 1]:
                raise ValueError(f"X has several columns named {', '.join(twice)}.")
            validate_data(self, X, reset=reset, skip_check_array=True)
            if len(names) < least:
                raise ValueError(f"X has {len(names)} feature(s), which leaves no choice.")
            return X
        try:
            checked = validate_data(
                self,
                X,
                reset=reset,
                accept_sparse=["csr", "csc"],
                ensure_all_finite=not get_tags(self).input_tags.allow_nan,
                ensure_min_features=least,
            )
            # scikit-learn leaves the objects of a list alone, and casts text that is numbers.
            if "O" in (checked.dtype.kind, getattr(getattr(X, "dtype", None), "kind", None)):
                refuse_text(np.asarray(X, dtype=object), "X", "an array must hold")
                checked = checked.astype(np.float64, copy=False)
        except OverflowError as error:
            raise ValueError(f"X has a number that is too large: {error}.") from None
        return checked
