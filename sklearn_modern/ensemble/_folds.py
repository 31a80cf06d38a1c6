"""What ensembles of one model for each fold have in common."""

import copy
from abc import abstractmethod
from dataclasses import KW_ONLY
from numbers import Integral
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.base import (
    BaseEstimator,
    MetaEstimatorMixin,
    is_classifier,
    is_regressor,
)
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)
from sklearn.utils import check_random_state, get_tags, indexable
from sklearn.utils.validation import check_is_fitted, has_fit_parameter, validate_data

from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.scikit_learn import (
    HasMethods,
    Interval,
    StrOptions,
    fit_context,
    num_samples,
    safe_indexing,
)
from sklearn_modern._fits.fit import Fit
from sklearn_modern._fits.members import (
    VALIDATION,
    arguments_of,
    fit_members,
    positions,
    routed,
    router_of_members,
)
from sklearn_modern._inputs.validation import (
    check_lengths,
    check_weights,
)

__all__ = ["FoldEnsemble"]

_N_FOLDS = 8


@estimator
class FoldEnsemble(MetaEstimatorMixin, BaseEstimator):
    """One model for each fold, fitted on all others; predictions are averaged.

    Parameters
    ----------
    estimator : estimator or None, default=None
        What to fit. If its ``fit`` takes ``X_val``, a member stops early by the fold that it was
        not fitted on, whatever its ``early_stopping`` says. None is gradient boosting with its
        defaults.
    cv : int, cross-validation generator, iterable or None, default=8
        The folds. A number makes shuffled ones, stratified for a classifier; with groups, none is
        torn apart. None is 8.
    calibration : "temperature" or None, default=None
        "temperature" divides the logarithms of each member's probabilities by one number, with
        which members predict best the rows that they were not fitted on. For classifiers only.
    n_jobs : int or None, default=None
        Number of members that are fitted in parallel.
    random_state : int, RandomState instance or None, default=None
        Determines the folds, and the ``random_state`` of each member.

    Attributes
    ----------
    estimators_ : list of estimator
        One for each fold.
    oof_prediction_ : ndarray of shape (n_samples,) or (n_samples, n_classes or n_outputs)
        What the members predict, calibrated, for the rows that they were not fitted on: values, or
        probabilities; a mean where there are several, NaN where there are none.
    oof_score_ : float
        Its score: accuracy, or R².
    n_features_in_ : int
        Number of features of the fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if X was a DataFrame whose column names are strings.
    """

    estimator: Any = None
    _: KW_ONLY
    cv: Any = _N_FOLDS
    calibration: str | None = None
    n_jobs: int | None = None
    random_state: Any = None

    # What is grouped outside is grouped inside, too.
    __metadata_request__fit = {"groups": True}

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "cv": [Interval(Integral, 2, None, closed="left"), "cv_object"],
        "calibration": [StrOptions({"temperature"}), None],
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
    }

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, groups=None, **fit_params):
        """Fit a member for each fold.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data, of any kind that the estimator takes.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        groups : array-like of shape (n_samples,), default=None
            For the splitter; if ``cv`` is a number, rows of one group are in the same fold.
        **fit_params : dict
            More arguments for the estimator's ``fit``, by metadata routing where that is enabled;
            ``sample_weight`` counts in the score, too. With ``X_val`` and ``y_val`` of your own all
            members stop by these.

        Returns
        -------
        self : estimator
            The fitted ensemble.
        """
        check_lengths(X, y)
        X, y = indexable(X, y)
        if num_samples(X) < 2:
            raise ValueError(f"n_samples={num_samples(X)}, but at least two folds need rows.")
        validate_data(self, X, skip_check_array=True)
        self._refuse_estimator()
        targets = self._learn_targets(y)
        weight = check_weights(fit_params.get("sample_weight"), len(targets), dtype=np.float64)
        fit_params, split_params = routed(self, groups, fit_params)
        splits = self._splits(X, targets, targets[weight > 0], split_params)
        fits = [self._fit_of(X, y, targets, weight, *split, fit_params) for split in splits]
        model = self._estimator()
        self.estimators_ = fit_members(model, fits, self.n_jobs, self.random_state)
        tests = [test for _, test in splits]
        members = [
            self._predict_member(member, safe_indexing(X, test))
            for member, test in zip(self.estimators_, tests, strict=True)
        ]
        vars(self).pop("temperature_", None)
        of = np.concatenate(tests)
        if not weight[of].any():
            raise ValueError("All rows that are held out have a sample_weight of zero.")
        if self.calibration is not None:
            self.temperature_ = _temperature(np.concatenate(members), targets[of], weight[of])
            members = [_tempered(member, self.temperature_) for member in members]
        self.oof_prediction_, known = _means_of_rows(members, tests, len(targets))
        self.oof_score_ = self._score(targets[known], self.oof_prediction_[known], weight[known])
        return self

    def get_metadata_routing(self):
        """Say where metadata goes: to the estimator's ``fit``, and to the splitter.

        Returns
        -------
        MetadataRouter
            The routing.
        """
        return router_of_members(self, self._estimator())

    @abstractmethod
    def _default(self) -> BaseEstimator:
        """Make the estimator that None stands for."""

    @abstractmethod
    def _learn_targets(self, y: Any) -> np.ndarray:
        """Check y, learn what it holds, and return values, or codes of classes."""

    @abstractmethod
    def _predict_member(self, member: BaseEstimator, X: Any) -> np.ndarray:
        """Return what one member predicts: values, or probabilities of all classes."""

    @abstractmethod
    def _score(self, targets: np.ndarray, predicted: np.ndarray, weight: np.ndarray) -> float:
        """Score predictions."""

    def _estimator(self):
        return self._default() if self.estimator is None else self.estimator

    def _refuse_estimator(self):
        estimator, classifies = self._estimator(), is_classifier(self)
        if is_regressor(estimator) if classifies else is_classifier(estimator):
            needed = "a classifier" if classifies else "a regressor"
            raise ValueError(
                f"{type(self).__name__} needs {needed}, which {type(estimator).__name__} is not."
            )
        if get_tags(estimator).input_tags.pairwise:
            raise ValueError(
                f"{type(estimator).__name__} takes a matrix of all pairs of rows, as it is set, of "
                "which there is none for folds."
            )

    def _splits(self, X, targets, counted, split_params):
        classifies, cv = is_classifier(self), _N_FOLDS if self.cv is None else self.cv
        if isinstance(cv, Integral):
            if classifies:
                self._refuse_rare_classes(counted, cv)
            kinds = (StratifiedKFold, StratifiedGroupKFold) if classifies else (KFold, GroupKFold)
            kind = kinds[split_params.get("groups") is not None]
            seed = check_random_state(self.random_state).randint(2**31 - 1)
            cv = kind(cv, shuffle=True, random_state=seed)
        cv = check_cv(cv, targets, classifier=classifies)
        splits = [tuple(map(positions, split)) for split in cv.split(X, targets, **split_params)]
        if not splits:
            raise ValueError("cv has no splits; a generator can be used up by one fit only.")
        return splits

    def _refuse_rare_classes(self, codes, n_folds):
        counts = np.bincount(codes, minlength=len(self.classes_))
        rarest = counts.argmin()
        if counts[rarest] < n_folds:
            name = np.asarray(self.classes_)[rarest].item()
            raise ValueError(
                f"cv={n_folds}, but class {name!r} has {counts[rarest]} rows with a sample_weight "
                "above zero, so that some folds lack it; lower cv, or leave that class out."
            )

    def _fit_of(self, X, y, targets, weight, train, test, fit_params):
        """Describe the fit of a member, which stops early by its test rows where it can."""
        arguments = arguments_of(fit_params, train, len(targets))
        estimator, params = self._estimator(), {}
        if has_fit_parameter(estimator, "X_val") and not VALIDATION & arguments.keys():
            held_out = test[weight[test] > 0]
            if is_classifier(self):  # a member cannot be told of a class that it does not know
                known = targets[train[weight[train] > 0]]
                held_out = held_out[np.isin(targets[held_out], known)]
            if len(held_out):
                arguments["X_val"] = safe_indexing(X, held_out)
                arguments["y_val"] = safe_indexing(y, held_out)
            if len(held_out) and "early_stopping" in estimator.get_params(deep=False):
                params["early_stopping"] = True
        return Fit(params, X, y, rows=train, fit_params=arguments)

    def _mean_prediction(self, X):
        check_is_fitted(self, "estimators_")
        total = 0.0
        for member in self.estimators_:
            predicted = self._predict_member(member, X)
            if hasattr(self, "temperature_"):  # whatever ``calibration`` is now
                predicted = _tempered(predicted, self.temperature_)
            total = total + predicted
        return total / len(self.estimators_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = copy.copy(get_tags(self._estimator()).input_tags)
        tags.input_tags.pairwise = False
        return tags


def _means_of_rows(members, tests, n_rows):
    """Return the mean prediction of each row, NaN where there is none, and where there is one."""
    total = np.zeros((n_rows, *members[0].shape[1:]))
    count = np.zeros(n_rows, dtype=np.int64)
    for predicted, test in zip(members, tests, strict=True):
        total[test] += predicted
        count[test] += 1
    known = count > 0
    total[~known] = np.nan
    return total / np.maximum(count, 1).reshape(-1, *[1] * (total.ndim - 1)), known


def _temperature(probabilities, codes, weight):
    """Return the temperature with which probabilities have the lowest log-loss."""
    # What was thought impossible and yet is true must not hide what the temperature does elsewhere.
    known = np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))

    def loss(log_temperature):
        logs = log_softmax(known / np.exp(log_temperature), axis=1)
        return -np.average(logs[np.arange(len(codes)), codes], weights=weight)

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def _tempered(probabilities, temperature):
    with np.errstate(divide="ignore"):
        return softmax(np.log(probabilities) / temperature, axis=1)
