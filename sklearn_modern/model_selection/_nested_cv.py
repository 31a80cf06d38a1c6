"""Nested cross-validation of several models on the same splits."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import KW_ONLY
from numbers import Integral, Real
from os import PathLike
from time import monotonic
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.utils import check_random_state, get_tags, indexable
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_modern._core.checkpoint import Checkpoint
from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.optional import import_optional
from sklearn_modern._core.progress import ProgressBar
from sklearn_modern._core.same import fingerprint
from sklearn_modern._core.scikit_learn import (
    Interval,
    MultimetricScorer,
    Options,
    StrOptions,
    fit_context,
    num_samples,
)
from sklearn_modern._core.warning import warn_user
from sklearn_modern._fits.folds import Folds
from sklearn_modern._fits.scorers import deciding_metric, scorers_of
from sklearn_modern._inputs.validation import warn_of_other_order
from sklearn_modern.model_selection._intervals import (
    bates_interval,
    bootstrap_interval,
    corrected_t_interval,
)
from sklearn_modern.model_selection._leaks import leaks_of_splits
from sklearn_modern.model_selection._models import models_of
from sklearn_modern.model_selection._nested_tables import Tables, frequencies
from sklearn_modern.model_selection._nested_work import Work, routed_to, router_of_models
from sklearn_modern.model_selection._outcomes import Describe, Run, warn_of_failed_fits
from sklearn_modern.model_selection._outer_splits import (
    nested_splits,
    pair_splits,
    refuse_other_folds,
    splitter_of,
)
from sklearn_modern.model_selection._row_scores import refuse_other_scores

__all__ = ["NestedCV"]

_KEPT = ("predictions", "models")


@estimator
class NestedCV(MetaEstimatorMixin, BaseEstimator):
    """Nested cross-validation: how well models do that are chosen and tuned on the same data.

    Each outer split sets test rows aside. On its training rows the inner splits choose among a
    model's candidates; the chosen one is fitted to all training rows, and scored on the test rows,
    which had no part in the choice. So the outer scores say how well the *procedure* does that
    searches and fits. What is deployed in the end is this procedure applied to all rows: see
    :meth:`final_estimator`. All models see the same splits, and all fits are done in one queue, in
    which Pipelines of all models share their first steps, fitted.

    Parameters
    ----------
    models : estimator, tuple, search or mapping of str to these
        An estimator, a pair of an estimator and a grid of its parameters, or a search. A search of
        :mod:`sklearn_modern.model_selection` chooses on the inner splits unless it has a ``cv``, a
        ``scoring``, a race or a rule of its own; those, and searches of other packages, are fitted
        to the outer training rows as they are.
    outer_cv : int, splitter or iterable, default=5
        Outer splits. A number of folds is shuffled, stratified for classifiers, and keeps
        ``groups`` together.
    inner_cv : int, splitter or iterable, default=5
        Splits of the outer training rows; numbers as above. A list numbers these rows.
    repeats : int, default=1
        How often the outer splits are drawn anew.
    scoring : str, callable, list, tuple, dict or None, default=None
        A scorer, or several of them. None means the models' own ``score``.
    refit : True or str, default=True
        With several scorers, the name of the one by which inner splits choose.
    interval : {"corrected-t", "bootstrap", "bates"}, default="corrected-t"
        How :meth:`summary` computes intervals. "corrected-t" is the t interval of the outer scores
        with the variance of Nadeau and Bengio. "bootstrap" draws the rows that are tested anew.
        "bates" is the interval of Bates, Hastie and Tibshirani, with an estimate of the bias, as
        the outer models are trained on fewer rows than there are. It needs scores that are means
        over rows, and folds within folds: the procedure is run for every two of the K outer folds,
        too, which are (K - 1) / 2 times as many fits more. ``n_fits_`` says how many there are.
    keep : sequence of {"predictions", "models"}, default=("predictions",)
        What to keep of the outer fits.
    n_jobs : int or None, default=None
        Number of processes.
    random_state : int, RandomState instance or None, default=None
        Shuffles splits. It does not reach the models.
    checkpoint : path-like or None, default=None
        A file that records each fit. If it exists, the same call goes on where it was, and repeats
        nothing. Each fit needs a file of its own.
    timeout : float or None, default=None
        Seconds after which no fit is begun any more; what is missing then raises TimeoutError. The
        same call goes on from its checkpoint.
    verbose : int, default=0
        Whether to show a progress bar.

    Attributes
    ----------
    splits_ : list of tuple of ndarray
        Training and test rows of the outer splits, in the order of repeat and fold.
    n_fits_ : int
        Number of fits.
    best_params_ : dict of str to list of dict
        What the inner splits chose for each model, by outer split; an empty dict where there was
        nothing to choose.
    selection_frequency_ : dict of str to dict
        For each model and parameter, how often each value was chosen, as a share.
    models_ : dict of str to list of estimator
        The outer models, with ``keep=("models",)``.
    n_features_in_ : int
        Number of features of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if X was a DataFrame whose column names are strings.

    References
    ----------
    Varma, S. & Simon, R. (2006). Bias in error estimation when using cross-validation for model
    selection. BMC Bioinformatics 7, 91.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_modern.model_selection import NestedCV
    >>> X, y = load_wine(return_X_y=True)
    >>> pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    >>> models = {
    ...     "tuned": (pipeline, {"logisticregression__C": [0.1, 1.0, 10.0]}),
    ...     "default": pipeline,
    ... }
    >>> nested = NestedCV(models, random_state=0).fit(X, y)
    >>> [model for model, mean in nested.summary()[["model", "mean"]].values if mean > 0.95]
    ['tuned', 'default']
    >>> search = nested.final_estimator("tuned")
    >>> search.best_params_ in search.cv_results_["params"]
    True
    """

    models: Any
    _: KW_ONLY
    outer_cv: Any = 5
    inner_cv: Any = 5
    repeats: int = 1
    scoring: Any = None
    refit: Any = True
    interval: str = "corrected-t"
    keep: Sequence[str] = ("predictions",)
    n_jobs: int | None = None
    random_state: Any = None
    checkpoint: Any = None
    timeout: float | None = None
    verbose: int = 0

    _parameter_constraints = {
        "outer_cv": ["cv_object"],
        "inner_cv": ["cv_object"],
        "repeats": [Interval(Integral, 1, None, closed="left")],
        "scoring": [str, callable, list, tuple, dict, None],
        "refit": [Options(bool, {True}), str],
        "interval": [StrOptions({"corrected-t", "bootstrap", "bates"})],
        "keep": [list, tuple, set],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "checkpoint": [str, PathLike, None],
        "timeout": [Interval(Real, 0, None, closed="neither"), None],
        "verbose": ["verbose"],
    }

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, groups=None, **metadata):
        """Choose, fit and score all models on all outer splits.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Data, in any form that the models accept.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets.
        groups : array-like of shape (n_samples,), default=None
            Groups of rows, for the splitters: outer and inner ones, and those of searches.
        **metadata : dict
            Further arguments of the models' ``fit``. ``sample_weight`` goes to the last step of a
            Pipeline, and to scorers that take it. With metadata routing, models, splitters and
            scorers get what each of them requests.

        Returns
        -------
        self : NestedCV
            The fitted object.
        """
        self._check_settings()
        validate_data(self, X, skip_check_array=True)  # the models check it
        X, y = indexable(X, y)
        warn_of_other_order(X, y)
        models = models_of(self.models, self.inner_cv, self.scoring, self.refit)
        kinds = {is_classifier(model.estimator) for model in models}
        if len(kinds) > 1:
            raise ValueError("models has classifiers and others, whose scores cannot be compared.")
        scorers = self._scorers(models)
        metric = deciding_metric(scorers, self.refit)
        scorer = MultimetricScorer(scorers=scorers, raise_exc=False)
        routed = routed_to(self, models, scorer, groups, metadata)
        classifier, random = kinds.pop(), check_random_state(self.random_state)
        outer = nested_splits(
            X,
            y,
            self.outer_cv,
            self.inner_cv,
            self.repeats,
            routed.of_splits,
            classifier=classifier,
            random=random,
        )
        self.splits_ = [split.rows for split in outer]
        for leak in leaks_of_splits(X, y, self.splits_, groups):
            warn_user(f"Of the outer splits: {leak}")
        pairs = []
        if self.interval == "bates":
            if groups is not None:
                raise ValueError("interval='bates' takes rows for independent, and no groups.")
            refuse_other_folds(outer, self.repeats, num_samples(X))
            pairs = pair_splits(
                outer, X, y, self.inner_cv, routed.of_splits, classifier=classifier, random=random
            )
        work = Work(models, routed.of_models, outer, pairs)
        self.n_fits_ = work.n_fits
        with closing(self._run(X, y, work, groups, metadata)) as run:
            inner, chosen, found = self._evaluate(run, X, y, work, scorer, routed, metric)
        self._learn(work, inner, chosen, found, scorers, y)
        self._fitted_on, self._groups = (X, y, routed), groups
        return self

    def scores_frame(self):
        """Return all scores as a long table.

        Returns
        -------
        DataFrame
            A row for each model, repeat, fold and metric: the score of the outer test rows
            ("outer"), the mean score by which the inner splits chose ("inner"), the score of the
            outer training rows ("train"), and the seconds of all fits for it. The inner score is
            NaN where nothing was chosen, and for a search that does not compute that metric.
        """
        check_is_fitted(self, "_scores")
        pandas = import_optional("pandas", extra="report", feature="scores_frame")
        return pandas.DataFrame(self._scores)

    @property
    def predictions_(self):
        """Predictions of the outer test rows as a long table, with probabilities of classes."""
        check_is_fitted(self, "_predictions")
        if not self._predictions:
            raise AttributeError("There are no predictions: keep=('predictions',) keeps them.")
        pandas = import_optional("pandas", extra="report", feature="predictions_")
        return pandas.concat(
            [pandas.DataFrame(part) for part in self._predictions], ignore_index=True
        )

    def summary(self, confidence=0.95):
        """Return the mean score of each model and metric, with an interval.

        Parameters
        ----------
        confidence : float, default=0.95
            Confidence of the interval.

        Returns
        -------
        DataFrame
            A row for each model and metric: mean and standard deviation of the outer scores, the
            bounds of the interval, the mean inner score of the chosen candidates, and the optimism,
            which is by how much the inner score is above the outer one. With ``interval="bates"``
            also the bias, which the interval allows for.
        """
        if not 0 < confidence < 1:
            raise ValueError(f"confidence={confidence!r} must be between 0 and 1.")
        frame = self.scores_frame()
        pandas = import_optional("pandas", extra="report", feature="summary")
        rows = []
        for (model, metric), part in frame.groupby(["model", "metric"], sort=False):
            outer = part["outer"].to_numpy()
            lower, upper, *bias = self._interval(model, metric, outer, confidence)
            inner = part["inner"].mean(skipna=False)
            rows.append(
                {
                    "model": model,
                    "metric": metric,
                    "mean": outer.mean(),
                    "std": outer.std(ddof=1),
                    "lower": lower,
                    "upper": upper,
                    **({"bias": bias[0]} if bias else {}),
                    "inner": inner,
                    "optimism": inner - outer.mean(),
                    "seconds": part["seconds"].sum(),
                }
            )
        return pandas.DataFrame(rows)

    def final_estimator(self, name=None):
        """Apply the procedure of a model to all rows: what gets deployed.

        The outer scores belong to the procedure, which chooses and fits, not to one of the outer
        models. So it is run once more, on all rows.

        Parameters
        ----------
        name : str or None, default=None
            Name of the model; None is the one with the best mean outer score. Comparing many models
            by it makes that score optimistic.

        Returns
        -------
        estimator
            The fitted search, or the fitted estimator where there is nothing to choose.
        """
        check_is_fitted(self, "_scores")
        if not hasattr(self, "_fitted_on"):
            raise ValueError("The data do not travel with a pickle; fit again, or fit a search.")
        X, y, routed = self._fitted_on
        models = models_of(self.models, self.inner_cv, self.scoring, self.refit)
        names = [model.name for model in models]
        if name is None:
            name = max(names, key=lambda one: np.nan_to_num(self._mean_of(one), nan=-np.inf))
        if name not in names:
            raise ValueError(f"name={name!r} is no model; there are {names}.")
        model = models[names.index(name)]
        fit_params = routed.of_models[names.index(name)]
        final = clone(model.search)
        if model.candidates is not None:
            grouped = routed.of_splits.get("groups") is not None
            seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
            inner_cv = splitter_of(self.inner_cv, y, is_classifier(model.estimator), grouped, seed)
            final.set_params(cv=list(inner_cv.split(X, y, **routed.of_splits)))
        return final.fit(X, *(() if y is None else (y,)), **fit_params)

    def get_metadata_routing(self):
        """Return which arguments of ``fit`` go to the models, the splitters and the scorers.

        Returns
        -------
        MetadataRouter
            The router.
        """
        models = models_of(self.models, self.inner_cv, self.scoring, self.refit)
        scorer = MultimetricScorer(scorers=self._scorers(models), raise_exc=False)
        return router_of_models(self, models, scorer)

    def _check_settings(self):
        if unknown := [name for name in self.keep if name not in _KEPT]:
            raise ValueError(f"keep has {unknown[0]!r}; it may have {list(_KEPT)}.")
        if "models" in self.keep and self.checkpoint is not None:
            raise ValueError("A checkpoint records no models; take keep=('predictions',).")
        if isinstance(self.inner_cv, Iterator):
            raise ValueError(
                "inner_cv is a generator, which the first outer split would use up; take a "
                "splitter or a list."
            )

    def _scorers(self, models):
        found = [scorers_of(model.estimator, self.scoring) for model in models]
        if self.interval != "corrected-t":
            refuse_other_scores(models, found[0], self.interval)
        return found[0]

    def _evaluate(self, run, X, y, work, scorer, routed, metric):
        """Return what came of the inner fits, what they choose, and what came of the outer fits."""
        of_scorer = routed.of_scorer
        folds = Folds(X, y, work.inner_rows, scorer, of_scorer, np.nan, False)
        inner = run.outcomes("inner", folds, work.settings, work.inner_tasks)
        warn_of_failed_fits(inner.values())
        chosen = work.chosen(inner, metric)
        of_rows = () if self.interval == "corrected-t" else ("predictions",)
        rows, describe = [split.rows for split in work.outer], Describe((*self.keep, *of_rows))
        folds = Folds(X, y, rows, scorer, of_scorer, np.nan, True, describe)
        tasks = [(setting, split) for (_, split), setting in chosen.items()]
        found = run.outcomes("outer", folds, work.settings, tasks)
        warn_of_failed_fits(found.values())
        return inner, chosen, found

    def _run(self, X, y, work, groups, metadata):
        """Open the checkpoint and the bar."""
        checkpoint = None
        if self.checkpoint is not None:
            models = [(one.name, clone(one.estimator), one.candidates) for one in work.models]
            splits = [(split.rows, split.inner) for split in work.outer]
            made_of = {
                "the data": fingerprint(X, y, groups, metadata),
                "the models": fingerprint(models),
                "the splits": fingerprint(splits),
                "the settings": fingerprint(self.scoring, self.refit, sorted(self.keep)),
            }
            checkpoint = Checkpoint(self.checkpoint, made_of)
        deadline = None if self.timeout is None else monotonic() + self.timeout
        bar = ProgressBar() if self.verbose else None
        return Run(self.n_jobs, "2*n_jobs", checkpoint, deadline, bar, work.n_fits)

    def _learn(self, work, inner, chosen, found, scorers, y):
        """Set the attributes, and the columns of the tables."""
        tables = Tables(work, self.scoring, inner, chosen, found)
        self._scores = tables.scores()
        self._predictions = tables.predictions() if "predictions" in self.keep else []
        self.best_params_ = tables.best_params()
        self.selection_frequency_ = {
            name: frequencies(params) for name, params in self.best_params_.items()
        }
        if "models" in self.keep:
            self.models_ = tables.models()
        self._row_scores = {}
        if self.interval != "corrected-t":
            self._row_scores = tables.row_scores(scorers, y)

    def _interval(self, model, metric, outer, confidence):
        """Return the bounds of the interval, and for "bates" the bias."""
        if self.interval == "corrected-t":
            return corrected_t_interval(outer, self.splits_, confidence)
        scores = self._row_scores[model, metric]
        if self.interval == "bootstrap":
            return bootstrap_interval(scores.of_rows(), self._groups, confidence, 0)
        n_folds = len(self.splits_) // self.repeats
        return bates_interval(scores.inner(), scores.outer(), n_folds, confidence)

    def _mean_of(self, name):
        """Return the mean outer score of a model, by the metric that decides."""
        scores = [one for one in self._scores if one["model"] == name]
        metric = self.refit if isinstance(self.refit, str) else scores[0]["metric"]
        return np.mean([one["outer"] for one in scores if one["metric"] == metric])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        models = models_of(self.models, self.inner_cv, self.scoring, self.refit)
        of_models = [get_tags(model.estimator) for model in models]
        tags.no_validation = True  # the models check their input
        tags.target_tags.required = any(one.target_tags.required for one in of_models)
        tags.input_tags.sparse = all(one.input_tags.sparse for one in of_models)
        tags.input_tags.pairwise = all(one.input_tags.pairwise for one in of_models)
        tags.input_tags.allow_nan = all(one.input_tags.allow_nan for one in of_models)
        return tags

    def __getstate__(self):
        state = super().__getstate__().copy()
        state.pop("_fitted_on", None)  # the data belong to whoever holds them
        return state
