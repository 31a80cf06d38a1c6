"""Nested cross-validation of several models on the same splits."""

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY
from numbers import Integral, Real
from os import PathLike
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.optional import import_optional
from sklearn_modern._core.scikit_learn import (
    Interval,
    Options,
    StrOptions,
    fit_context,
)
from sklearn_modern._fits.scorers import in_one
from sklearn_modern._inputs.cells import refuse_missing
from sklearn_modern.model_selection._intervals import (
    bates_interval,
    bootstrap_interval,
    corrected_t_interval,
)
from sklearn_modern.model_selection._models import models_of
from sklearn_modern.model_selection._nested_study import Study, run_studies, scorers_of_models
from sklearn_modern.model_selection._nested_tables import frequencies
from sklearn_modern.model_selection._nested_work import router_of_models
from sklearn_modern.model_selection._outer_splits import (
    splitter_of,
)

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
            Pipeline, and to scorers that take it; of others there is a warning. With metadata
            routing, models, splitters and scorers get what each of them requests.

        Returns
        -------
        self : NestedCV
            The fitted object.
        """
        study = self._study(X, y, groups, metadata)
        (tables,) = run_studies([study])
        return self._learn(study, tables)

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
        """Predictions of the outer test rows as a long table, with probabilities of classes.

        The probability of a class that is not in the outer training rows is 0.
        """
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
        (X, y), routed = self._fitted_on, self._routed
        models = models_of(self.models, self.inner_cv, self.scoring, self.refit)
        names = [model.name for model in models]
        if name is None:
            means = self._mean_scores()
            name = max(names, key=lambda one: np.nan_to_num(means[one], nan=-np.inf))
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
        scorers = scorers_of_models(models, self.scoring, self.interval)
        return router_of_models(self, models, in_one(scorers, raise_exc=False))

    @fit_context(prefer_skip_nested_validation=False)
    def _study(self, X, y, groups, metadata, name=""):
        """Return what there is to do; the name is that of the data set."""
        self._check_settings()
        validate_data(self, X, skip_check_array=True)  # the models check it
        if y is not None and not issparse(y):
            # Fits that fail at it are only warned of, as others of the same model may succeed.
            refuse_missing(np.asarray(y), "y")
        return Study(self, X, y, groups, metadata, name)

    def _learn(self, study, tables):
        """Set the attributes, and the columns of the tables."""
        work = study.work
        self.n_fits_ = work.n_fits
        self.splits_ = [split.rows for split in work.outer[: work.n_outer]]
        self.best_params_ = tables.best_params()
        self.selection_frequency_ = {
            name: frequencies(params) for name, params in self.best_params_.items()
        }
        if "models" in self.keep:
            self.models_ = tables.models()
        self._scores = tables.scores()
        self._predictions = tables.predictions() if "predictions" in self.keep else []
        self._row_scores = {}
        if self.interval != "corrected-t":
            self._row_scores = tables.row_scores(study.scorers, study.y)
        self._fitted_on = study.X, study.y
        self._routed, self._groups = study.routed, study.groups
        return self

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

    def _interval(self, model, metric, outer, confidence):
        """Return the bounds of the interval, and for "bates" the bias."""
        if self.interval == "corrected-t":
            return corrected_t_interval(outer, self.splits_, confidence)
        scores = self._row_scores[model, metric]
        if self.interval == "bootstrap":
            return bootstrap_interval(scores.of_rows(), self._groups, confidence, 0)
        n_folds = len(self.splits_) // self.repeats
        return bates_interval(scores.inner(), scores.outer(), n_folds, confidence)

    def _mean_scores(self, metric=None):
        """Return the mean outer score of each model, by default of the metric that decides."""
        check_is_fitted(self, "_scores")
        known = list(dict.fromkeys(one["metric"] for one in self._scores))
        if metric is None:
            metric = self.refit if isinstance(self.refit, str) else known[0]
        if metric not in known:
            raise ValueError(f"metric={metric!r} is not among the metrics, {known}.")
        scores: dict[str, list[float]] = {}
        for one in self._scores:
            if one["metric"] == metric:
                scores.setdefault(one["model"], []).append(one["outer"])
        return {name: float(np.mean(values)) for name, values in scores.items()}

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
