"""What gradient boosting shares, for all libraries and all kinds of y."""

from abc import abstractmethod
from dataclasses import KW_ONLY, replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.same import setting
from sklearn_modern._core.scikit_learn import Interval, StrOptions, fit_context, openmp_threads
from sklearn_modern._inputs.collections import is_collection
from sklearn_modern._inputs.drift import warn_if_unlike
from sklearn_modern._inputs.validation import check_lengths, weighted_rows
from sklearn_modern.device import is_cuda, resolve_device
from sklearn_modern.ensemble._constraints import (
    check_monotonic,
    interaction_groups,
    monotonic_directions,
)
from sklearn_modern.ensemble._defaults import (
    LEARNING_RATE,
    N_ESTIMATORS,
    library,
    settled,
)
from sklearn_modern.ensemble._many import ManyFits
from sklearn_modern.ensemble._outputs import Outputs
from sklearn_modern.ensemble._rows import check_groups, split, weighted
from sklearn_modern.ensemble._training import Training
from sklearn_modern.ensemble._trees import Trees
from sklearn_modern.ensemble.engines.base import Settings
from sklearn_modern.ensemble.engines.choice import ENGINES, engine_of

__all__ = ["GradientBoosting"]

_GROWN_BY = (
    *("backend", "categorical_features", "class_order", "device", "link"),
    *("loss", "quantile"),
)
# With early_stopping="auto", as in scikit-learn.
_MANY_ROWS = 10_000


@estimator
class GradientBoosting(Trees, Training, ManyFits, BaseEstimator):
    """Boosted trees.

    Parameters
    ----------
    backend : {"auto", "xgboost", "lightgbm", "catboost", "hist"}, default="auto"
        The library that grows the trees; "hist" is scikit-learn's, and "catboost" comes with the
        extra ``sklearn-modern[catboost]``. "auto" is "lightgbm" on the CPU, and "xgboost" on
        CUDA.
    n_estimators : int, default=200
        Number of iterations, each of which adds a tree, or one tree per class.
    learning_rate : float, default=0.05
        Factor by which each tree is shrunk.
    max_leaf_nodes : int, None or "auto", default="auto"
        Maximum number of leaves per tree; "auto" is 15, and 31 from 5000 training rows on.
    max_depth : int or None, default=None
        Maximum depth of a tree.
    min_samples_leaf : int or "auto", default="auto"
        Minimum number of training rows per leaf; "auto" is 20 for classes and levels, 3 for
        numbers. XGBoost limits the sum of second derivatives instead, which comes to the same for
        squared errors; of classes, leaves may have a tenth as many rows at the first iteration.
        CatBoost has no such limit: there it only says that what is split has twice as many rows.
        With "auto", LightGBM also splits categories finer than it does by itself.
    l2_regularization : float, default=0.0
        L2 penalty on the values of leaves.
    subsample : float or "auto", default="auto"
        Share of the rows that each tree is grown on; "auto" is 0.7, and 1.0 for "hist", which
        takes nothing else.
    max_features : float or "auto", default="auto"
        Share of the features that are tried at each split; "auto" is 0.5, and 1.0 for "catboost" on
        a GPU, which takes nothing else.
    max_bins : int, default=255
        Maximum number of bins per feature.
    categorical_features : "from_dtype", array-like or None, default="from_dtype"
        Which columns are categories: those of a DataFrame with categories, strings or booleans; a
        mask, positions or names; or none. A category that the fit did not see is missing.
    monotonic_cst : array-like of int, dict or None, default=None
        For each feature, or by name: 1 if predictions may only rise with it, -1 if they may only
        fall, 0 for no constraint. For two classes and regression, but not for absolute errors or
        quantiles, where libraries do not keep to it; for "catboost" with symmetric trees only.
    interaction_cst : "pairwise", "no_interactions", sequence of sequences or None, default=None
        Groups of features, by position or name, that may meet in a tree. Features that are in no
        group form one more. Not for "catboost".
    early_stopping : "auto" or bool, default="auto"
        Set validation rows aside, stop when their score has not improved for ``n_iter_no_change``
        iterations, and keep the best. "auto" does so from 10,000 rows on, but not for collections
        of dask.
    validation_fraction : float, default=0.1
        Share of the rows that are set aside, stratified by y, or whole ``groups``.
    n_iter_no_change : int, default=10
        Iterations without improvement after which to stop.
    tol : float, default=1e-7
        Smallest change that counts as an improvement.
    scoring : str or callable, default="loss"
        What is followed: "loss", a scorer's name, or a scorer.
    backend_params : dict or None, default=None
        More parameters for the library, under its own names; there are none for "hist".
    n_jobs : int or None, default=None
        Number of threads. None is as many as joblib and OpenMP allow, -1 all processors.
    device : str or torch.device, default="auto"
        "cpu", "cuda", "cuda:N" or "auto", which is the CPU or CUDA; see
        :func:`sklearn_modern.device.resolve_device`.
    random_state : int, RandomState instance or None, default=None
        Determines samples of rows and features, and the validation split.
    verbose : bool or int, default=False
        Show the scores of each iteration: a bar with the time left on a terminal, lines elsewhere;
        with 2, lines on a terminal, too.
    warm_start : bool, default=False
        Let ``fit`` go on from the last fit, up to ``n_estimators`` iterations. With early stopping
        it keeps what there was, unless more iterations have a better score.

    Attributes
    ----------
    backend_ : str
        The library that was used.
    booster_ : object
        The library's own object: ``xgboost.Booster``, ``lightgbm.Booster``,
        ``catboost.CatBoost``, or scikit-learn's estimator.
    device_ : str
        Where it was trained.
    settings_ : dict
        What the fit took: ``backend``, the library; ``backend_params``, with what "auto" adds; and
        ``n_estimators``, ``learning_rate``, ``max_leaf_nodes``, ``max_depth``,
        ``min_samples_leaf``, ``subsample`` and ``max_features``, each a number or None.
    n_estimators_ : int
        Number of iterations that were kept.
    validation_scores_, train_scores_ : list of float or None
        Scores after each iteration, if there were validation rows; after a warm start also those
        of the iterations before, on the rows of the last fit.
    feature_importances_ : ndarray of shape (n_features,)
        Gain of the splits on each feature, as a share of the total; for "catboost" the gain in
        squared differences of predictions. The mean over several outputs.
    n_features_in_ : int
        Number of features of the fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if X was a DataFrame whose column names are strings.
    """

    _: KW_ONLY
    backend: str = "auto"
    n_estimators: int = N_ESTIMATORS
    learning_rate: float = LEARNING_RATE
    max_leaf_nodes: int | str | None = "auto"
    max_depth: int | None = None
    min_samples_leaf: int | str = "auto"
    l2_regularization: float = 0.0
    subsample: float | str = "auto"
    max_features: float | str = "auto"
    max_bins: int = 255
    categorical_features: Any = "from_dtype"
    monotonic_cst: Any = None
    interaction_cst: Any = None
    early_stopping: bool | str = "auto"
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    tol: float = 1e-7
    scoring: Any = "loss"
    backend_params: dict | None = None
    n_jobs: int | None = None
    device: Any = "auto"
    random_state: Any = None
    verbose: bool | int = False
    warm_start: bool = False

    _target = "numbers"
    _takes_collections = True
    # As scikit-learn's splitters of groups do: what is grouped outside is grouped inside, too.
    __metadata_request__fit = {"groups": True}

    _parameter_constraints = {
        "backend": [StrOptions({"auto", *ENGINES})],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_leaf_nodes": [
            None,
            StrOptions({"auto"}),
            Interval(Integral, 2, None, closed="left"),
        ],
        "max_depth": [None, Interval(Integral, 1, None, closed="left")],
        "min_samples_leaf": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "l2_regularization": [Interval(Real, 0, None, closed="left")],
        "subsample": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="right")],
        "max_features": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="right")],
        "max_bins": [Interval(Integral, 2, 255, closed="both")],
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "monotonic_cst": ["array-like", dict, None],
        "interaction_cst": ["array-like", StrOptions({"pairwise", "no_interactions"}), None],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "scoring": [str, callable],
        "backend_params": [dict, None],
        "n_jobs": [
            None,
            Interval(Integral, 1, None, closed="left"),
            Interval(Integral, None, -1, closed="right"),
        ],
        "device": "no_validation",  # resolve_device says what is wrong
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        X_val=None,
        y_val=None,
        groups=None,
        sample_weight_val=None,
    ):
        """Grow the trees.

        X, y and the weights may also be collections of dask, in parts of the same rows. Then the
        workers of the current client train together, by XGBoost or LightGBM, and no row comes here;
        not for ordered levels.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Training data. NaN is missing; entries that a sparse matrix does not store are zeros.
        y : array-like of shape (n_samples,)
            Targets; for a regressor also (n_samples, n_outputs).
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, of which only the ratios matter; rows of weight zero are left out.
        X_val, y_val : array-like, default=None
            Validation data for early stopping, instead of a share of X; with "auto", too.
        groups : array-like of shape (n_samples,), default=None
            Groups of rows, which the validation split keeps together. With metadata routing they
            are requested by default.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the validation rows, for their score.

        Returns
        -------
        self : estimator
            The fitted estimator.
        """
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val go together, but only one of them was given.")
        if sample_weight_val is not None and X_val is None:
            raise ValueError("sample_weight_val are weights of X_val, which was not given.")
        if X_val is not None and self.early_stopping is False:
            raise ValueError("X_val is for early stopping, but early_stopping=False.")
        if any(map(is_collection, (X, y, sample_weight))):
            from sklearn_modern.ensemble._distributed import fit_collections

            given = {"X_val": X_val, "groups": groups}
            return fit_collections(self, X, y, sample_weight, given)
        resume = self.warm_start and hasattr(self, "_engine")
        if resume:
            self._refuse_changes()
        else:
            self._forget()
        rows, groups = self._read(X, y, sample_weight, groups, reset=not resume)
        seeds = check_random_state(self.random_state)
        validation = None
        if X_val is not None:
            validation = self._given_rows(X_val, y_val, sample_weight_val)
            numbers = self._columns.numerical_indices
            warn_if_unlike(rows.X[:, numbers], validation.X[:, numbers])
        elif self._stops_early(len(rows.y)):
            if not hasattr(self, "_split_seed"):
                self._split_seed = seeds.randint(2**31 - 1)
            drawn = np.random.RandomState(self._split_seed)
            rows, validation = split(rows, self.validation_fraction, drawn, groups)
        self._check_trained_on(rows.y)
        if resume:
            outputs = self._engine.outputs
            settings = self._settings_of_outputs(outputs[0].settings.seed, len(rows.y))
            for engine, now in zip(outputs, settings, strict=True):
                engine.settings = now
            self._train(rows, validation)
            return self
        self._start(rows.X.shape, seeds.randint(2**31 - 1))
        try:
            self._train(rows, validation)
        except BaseException:  # Ctrl-C, too
            del self._engine  # it has no trees, or not all of them
            raise
        return self

    def _forget(self):
        # With other validation rows a warm start would be scored on what it has learned.
        for learned in ("_engine", "_split_seed"):
            vars(self).pop(learned, None)

    def _read(self, X, y, sample_weight=None, groups=None, *, reset=True):
        """Check everything, and code it as numbers."""
        check_lengths(X, y)
        groups = check_groups(groups, X)
        X, y, weight, groups = weighted_rows(X, y, sample_weight, groups)
        matrix = self._matrix(X, reset=reset)
        y = self._check_y(y, reset=reset)
        weight = self._weighted(y, weight)
        rows = weighted(matrix, y, weight)
        if reset:
            self._delta, self._offset = self._scale(rows)
        return rows._replace(y=self._shifted(y)), groups

    def _given_rows(self, X_val, y_val, sample_weight_val):
        check_lengths(X_val, y_val)
        X_val, y_val, weight = weighted_rows(X_val, y_val, sample_weight_val)
        y = self._shifted(self._check_y(y_val, reset=False))
        return weighted(self._matrix(X_val, reset=False), y, weight)

    def _stops_early(self, n_rows):
        return n_rows >= _MANY_ROWS if self.early_stopping == "auto" else self.early_stopping

    def _start(self, shape, seed, device=None):
        """Make the engine; ``device`` is where it is trained, if that is not for us to decide."""
        cost = float(np.prod(shape)) * self.n_estimators
        left_to_us = isinstance(self.device, str) and self.device == "auto"
        on_cpu = left_to_us and self.backend not in ("auto", "xgboost")
        device = device or ("cpu" if on_cpu else self.device)
        self.device_ = resolve_device(device, cost=cost)
        if not (self.device_ == "cpu" or is_cuda(self.device_)):
            if not left_to_us:
                raise ValueError(
                    f"device={str(self.device)!r}, but the boosting libraries train on the CPU and "
                    "on CUDA only; take 'auto' or 'cpu'."
                )
            self.device_ = "cpu"
        self.backend_ = library(self.backend, self.device_)
        grown_by = {name: getattr(self, name, None) for name in _GROWN_BY}
        self._grown_by = {name: (setting(now), repr(now)) for name, now in grown_by.items()}
        kind = engine_of(self.backend_)
        engines = [kind(settings) for settings in self._settings_of_outputs(seed, shape[0])]
        self._engine = Outputs(engines) if np.ndim(self._offset) else engines[0]

    def _refuse_changes(self):
        """Refuse to add trees to a model that was fitted with other parameters."""
        for name, (before, text) in self._grown_by.items():
            now = getattr(self, name, None)
            if setting(now) != before:
                raise ValueError(
                    f"{name}={now!r} was {text} in the fit that a warm start goes on from."
                )
        most = np.max(self.n_estimators_)
        if self.n_estimators < most:
            raise ValueError(
                f"n_estimators={self.n_estimators} is less than the {most} that a warm start goes "
                "on from."
            )

    def _settings_of_outputs(self, seed, n_rows):
        shared = self._settings(seed, n_rows)
        scales = zip(np.atleast_1d(self._delta), np.atleast_1d(self._offset), strict=True)
        return [replace(shared, delta=float(d), offset=float(o)) for d, o in scales]

    def _settings(self, seed, n_rows):
        names = getattr(self, "feature_names_in_", None)
        categorical = tuple(self._columns.categorical_indices.tolist())
        width, objective = self.n_features_in_, self._objective()
        # Of an objective there is one score, however many classes.
        n_classes = 0 if objective is not None else len(getattr(self, "classes_", ()))
        monotonic = monotonic_directions(self.monotonic_cst, width, names, categorical)
        check_monotonic(monotonic, self.loss, n_classes)
        taken, extra = settled(
            self, self._target, self.backend_, self.device_, n_rows, self._extra()
        )
        return Settings(
            loss=self.loss,
            n_classes=n_classes,
            **taken,
            l2_regularization=self.l2_regularization,
            max_bins=self.max_bins,
            quantile=getattr(self, "quantile", None),
            categorical=categorical,
            monotonic=monotonic,
            interactions=interaction_groups(self.interaction_cst, width, names),
            names=names,
            n_threads=openmp_threads(self.n_jobs),
            device=self.device_,
            seed=seed,
            objective=objective,
            extra=extra,
        )

    def _extra(self):
        extra = dict(self.backend_params or {})
        for name, value in extra.items():
            if not isinstance(name, str) or value is None:
                raise ValueError(f"backend_params has {name!r}: {value!r}; give names, and values.")
        return extra

    @abstractmethod
    def _check_y(self, y, *, reset):
        """Check targets and code them as numbers."""

    @abstractmethod
    def _totals(self, y, weight):
        """Check the targets of some rows, and sum them up as :class:`Totals`."""

    @abstractmethod
    def _learn(self, totals):
        """Learn from all targets, which lie in parts; return the factor of each class's weights."""

    def _objective(self):
        """Return a loss that libraries do not have, if it is one."""
        return

    def _check_trained_on(self, y):
        """Check the targets of the rows that trees are grown on."""

    def _weighted(self, y, weight):
        return weight

    def _scale(self, rows):
        """Return where Huber's loss turns, and what is taken off the targets, for each output."""
        return 1.0, 0.0

    def _shifted(self, y):
        return y - self._offset if np.any(self._offset) else y

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags
