"""Intervals of regressors from errors on rows that they were not fitted on."""

import copy
from dataclasses import KW_ONLY
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GroupKFold, GroupShuffleSplit, KFold, ShuffleSplit, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state, get_tags, indexable
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.scikit_learn import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    fit_context,
    num_samples,
    safe_indexing,
)
from sklearn_modern._fits.fit import Fit
from sklearn_modern._fits.members import (
    arguments_of,
    fit_members,
    positions,
    routed,
    router_of_members,
)
from sklearn_modern._inputs.validation import check_lengths, check_targets, check_weights

__all__ = ["ConformalRegressor"]

_N_FOLDS = 5
_CALIBRATION_SHARE = 0.25

# Numbers in a chunk of CV+, which compares each row with each row of the fit.
_CHUNK_NUMBERS = 1 << 20


@estimator
class ConformalRegressor(MetaEstimatorMixin, RegressorMixin, BaseEstimator):
    r"""Prediction intervals that cover the share of new rows that they are asked to cover.

    The errors on rows that a regressor was not fitted on say how wide its intervals must be,
    however good it is. For a regressor with :math:`\hat\mu(x)` the conformity score of such a row
    is :math:`s_i = |y_i - \hat\mu(x_i)|`. For one that has ``predict_quantiles``, with lowest and
    highest quantiles :math:`\hat l(x)` and :math:`\hat u(x)`, it is
    :math:`s_i = \max(\hat l(x_i) - y_i, y_i - \hat u(x_i))` [2]_, and intervals are narrow where
    the target is sure. With :math:`n` such scores, and :math:`\hat l = \hat u = \hat\mu` if there
    are no quantiles, the intervals are

    - "split" [1]_: :math:`[\hat l(x) - q, \hat u(x) + q]`, where :math:`q` is the
      :math:`\lceil (n + 1) c \rceil`-th smallest score and :math:`c` the confidence;
    - "cv+" [3]_: from minus the :math:`\lceil (n + 1) c \rceil`-th smallest of
      :math:`s_i - \hat l_{-i}(x)` to the :math:`\lceil (n + 1) c \rceil`-th smallest of
      :math:`\hat u_{-i}(x) + s_i`, where :math:`-i` is the model that was fitted without the fold
      of row i.

    If new rows and those of the fit are exchangeable, such as independent draws from one
    distribution, "split" covers a new y with a probability of at least :math:`c`, whatever the
    regressor, and of at most :math:`c + 1 / (n + 1)` if no two scores are equal. "cv+" uses all
    rows for both purposes, and covers about :math:`c` in practice; what is proven is
    :math:`1 - 2 (1 - c) - \sqrt{2 / n}`. Both are probabilities over all rows: among rows of one
    kind the share may be lower. There is no such promise for time series, nor where new rows come
    from elsewhere.

    Parameters
    ----------
    estimator : estimator
        A regressor. If it has ``predict_quantiles`` once it is fitted, as networks with
        ``loss="quantile"`` have, the lowest and the highest of its quantiles are what is corrected;
        ask it for those between which the share ``confidence`` lies. A Pipeline that ends with one,
        and a search that chose one, count, too. A ``FrozenEstimator`` is not fitted again: with
        "split" all rows calibrate it.
    method : {"split", "cv+"}, default="split"
        "split" fits one model and sets rows aside; "cv+" fits one for each fold, which is better
        where rows are few.
    confidence : float, default=0.9
        Share of new rows that intervals are to cover.
    calibration_size : float, int or None, default=None
        For "split": how many rows are set aside, as a share or a number. None is a quarter, or as
        many as the confidence needs. With groups, whole groups are: as many of them as would have
        so many rows if all were equally large.
    cv : int, cross-validation generator, iterable or None, default=None
        For "cv+": the folds, of which each row is in one. A number makes shuffled ones; with
        groups, none is torn apart. None is 5.
    n_jobs : int or None, default=None
        Number of models of "cv+" that are fitted in parallel; those that can be fitted together
        are: networks as members of one network.
    random_state : int, RandomState instance or None, default=None
        Determines which rows are set aside, or the folds, and the ``random_state`` of each model.

    Attributes
    ----------
    estimators_ : list of estimator
        The fitted model, or one for each fold.
    calibration_rows_ : ndarray of shape (n_calibration,)
        Positions of the rows that were set aside; with "cv+" all, fold by fold. Rows with a
        ``sample_weight`` of zero are left out.
    conformity_scores_ : ndarray of shape (n_calibration,)
        Their scores, from models that were fitted without them. Below zero if quantiles were
        farther apart than need be.
    margin_ : float
        The number :math:`q`. Only with "split".
    n_features_in_ : int
        Number of features of the fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if X was a DataFrame whose column names are strings.

    References
    ----------
    .. [1] Lei, G'Sell, Rinaldo, Tibshirani, Wasserman (2018). Distribution-free predictive
       inference for regression. Journal of the American Statistical Association.
    .. [2] Romano, Patterson, Candès (2019). Conformalized quantile regression. NeurIPS.
    .. [3] Barber, Candès, Ramdas, Tibshirani (2021). Predictive inference with the jackknife+. The
       Annals of Statistics. For quantiles: Gupta, Kuchibhotla, Ramdas (2022). Nested conformal
       prediction and quantile out-of-bag ensemble methods. Pattern Recognition.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_modern.calibration import ConformalRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> X, X_new, y, y_new = train_test_split(X, y, random_state=0)
    >>> reg = ConformalRegressor(RidgeCV(), method="cv+", random_state=0).fit(X, y)
    >>> lower, upper = reg.predict_interval(X_new).T
    >>> print(f"{((lower <= y_new) & (y_new <= upper)).mean():.2f}")
    0.90
    """

    estimator: Any
    _: KW_ONLY
    method: str = "split"
    confidence: float = 0.9
    calibration_size: float | int | None = None
    cv: Any = None
    n_jobs: int | None = None
    random_state: Any = None

    # What is grouped outside is grouped inside, too.
    __metadata_request__fit = {"groups": True}

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"])],
        "method": [StrOptions({"split", "cv+"})],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "calibration_size": [
            None,
            Interval(RealNotInt, 0, 1, closed="neither"),
            Interval(Integral, 1, None, closed="left"),
        ],
        "cv": [None, Interval(Integral, 2, None, closed="left"), "cv_object"],
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
    }

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, groups=None, **fit_params):
        """Fit the regressor, and learn from rows that it has not seen how far it errs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data, of any kind that the estimator takes.
        y : array-like of shape (n_samples,)
            Targets.
        groups : array-like of shape (n_samples,), default=None
            Groups that are not torn apart, such as the visits of one patient. Coverage of rows of
            new groups then is about right, not proven.
        **fit_params : dict
            More arguments for the estimator's ``fit``, by metadata routing where that is enabled.
            ``sample_weight`` goes to it alone: all rows whose weight is not zero calibrate alike.

        Returns
        -------
        self : estimator
            The fitted estimator.
        """
        check_lengths(X, y)
        self._refuse()
        X, y = indexable(X, y)
        if np.ndim(y) == 2 and np.shape(y)[1] != 1:
            raise ValueError(
                f"y has {np.shape(y)[1]} columns, but intervals are of one target; fit one "
                "ConformalRegressor for each column."
            )
        validate_data(self, X, skip_check_array=True)
        y = check_targets(y, dtype=np.float64, multi_output=False)
        fit_params, split_params = routed(self, groups, fit_params)
        weight = check_weights(fit_params.get("sample_weight"), len(y), dtype=np.float64)
        splits = self._splits(X, y, split_params)
        fits = [
            Fit({}, X, y, rows=train, fit_params=arguments_of(fit_params, train, len(y)))
            for train, _ in splits
        ]
        held_out = [test[weight[test] > 0] for _, test in splits]
        self.calibration_rows_ = np.concatenate(held_out)
        self._check_enough(len(self.calibration_rows_))
        self.estimators_ = fit_members(self.estimator, fits, self.n_jobs, self.random_state)
        scores = [
            _conformity(y[test], *_bounds(member, safe_indexing(X, test)))
            for member, test in zip(self.estimators_, held_out, strict=True)
        ]
        self.conformity_scores_ = np.concatenate(scores)
        self._member_of_score = np.repeat(np.arange(len(scores)), [len(each) for each in scores])
        self._rank = _rank(len(self.conformity_scores_), self.confidence)
        vars(self).pop("margin_", None)
        if self.method == "split":
            self.margin_ = float(np.partition(self.conformity_scores_, self._rank)[self._rank])
        return self

    def predict(self, X):
        """Predict values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples,)
            What the model predicts; with "cv+", the mean over the models.
        """
        check_is_fitted(self, "estimators_")
        return np.mean([_column(member.predict(X)) for member in self.estimators_], axis=0)

    def predict_interval(self, X):
        """Predict intervals.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples, 2)
            Lower and upper bounds. An interval from which a correction of quantiles leaves nothing
            is a single number.
        """
        check_is_fitted(self, "estimators_")
        bounds = [_bounds(member, X) for member in self.estimators_]
        if hasattr(self, "margin_"):  # whatever ``method`` is now
            ((lower, upper),) = bounds
            lower, upper = lower - self.margin_, upper + self.margin_
        else:
            lower = -self._ranked(-np.stack([low for low, _ in bounds]))
            upper = self._ranked(np.stack([high for _, high in bounds]))
        middle = (lower + upper) / 2
        return np.column_stack([np.minimum(lower, middle), np.maximum(upper, middle)])

    def get_metadata_routing(self):
        """Say where metadata goes: to the estimator's ``fit``, and to the splitter.

        Returns
        -------
        MetadataRouter
            The routing.
        """
        return router_of_members(self, self.estimator)

    def _refuse(self):
        if is_classifier(self.estimator):
            raise ValueError(
                "ConformalRegressor needs a regressor, which "
                f"{type(self.estimator).__name__} is not."
            )
        if get_tags(self.estimator).input_tags.pairwise:
            raise ValueError(
                f"{type(self.estimator).__name__} takes a matrix of all pairs of rows, as it is "
                "set, of which there is none for parts of them."
            )
        name, other = ("cv", "cv+") if self.method == "split" else ("calibration_size", "split")
        if getattr(self, name) is not None:
            raise ValueError(
                f"{name}={getattr(self, name)!r} has no effect with method={self.method!r}; it is "
                f"for method={other!r}."
            )
        if self.method == "cv+" and isinstance(self.estimator, FrozenEstimator):
            raise ValueError(
                'method="cv+" fits a model for each fold, which a FrozenEstimator does not allow; '
                'take method="split".'
            )

    def _splits(self, X, y, split_params):
        """Return pairs of training rows and rows held out."""
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        grouped = split_params.get("groups") is not None
        rows = np.arange(len(y))
        if isinstance(self.estimator, FrozenEstimator):
            return [(rows, rows)]
        if self.method == "split":
            kind = GroupShuffleSplit if grouped else ShuffleSplit
            size = self._n_calibration(len(y)) / len(y) if grouped else self._n_calibration(len(y))
            return list(kind(1, test_size=size, random_state=seed).split(X, y, **split_params))
        cv = _N_FOLDS if self.cv is None else self.cv
        if isinstance(cv, Integral):
            cv = _shuffled_folds(cv, seed, grouped, len(y))
        cv = check_cv(cv, y)
        splits = [tuple(map(positions, split)) for split in cv.split(X, y, **split_params)]
        held_out = np.sort(np.concatenate([test for _, test in splits])) if splits else ()
        if not np.array_equal(held_out, rows):
            raise ValueError(
                f"cv={cv!r} must hold each row out exactly once, since each has one score; take a "
                "number, a KFold or a GroupKFold."
            )
        return splits

    def _n_calibration(self, n_rows):
        size = self.calibration_size
        if size is None:
            size = max(round(n_rows * _CALIBRATION_SHARE), self._fewest())
        elif not isinstance(size, Integral):
            size = max(round(n_rows * size), 1)
        self._check_enough(min(size, n_rows))
        if size >= n_rows:
            raise ValueError(
                f"There {'is 1 sample' if n_rows == 1 else f'are {n_rows} samples'}, and {size} "
                "are to be set aside, so that none is left to fit; take more rows, a smaller "
                "calibration_size or a lower confidence."
            )
        return size

    def _fewest(self):
        """Return the smallest number of scores of which one has the rank that is needed."""
        fewest = int(self.confidence / (1 - self.confidence))
        while _rank(fewest, self.confidence) >= fewest:
            fewest += 1
        return fewest

    def _check_enough(self, n_calibration):
        if _rank(n_calibration, self.confidence) >= n_calibration:
            count = "is 1 sample" if n_calibration == 1 else f"are {n_calibration} samples"
            raise ValueError(
                f"confidence={self.confidence} needs at least {self._fewest()} rows to calibrate "
                f"by, and there {count}; take more rows, or a lower confidence."
            )

    def _ranked(self, bounds):
        """Return for each row the bound of CV+: a rank of bounds beside the scores."""
        n_rows, n_scores = bounds.shape[1], len(self.conformity_scores_)
        ranked = np.empty(n_rows)
        step = max(1, _CHUNK_NUMBERS // n_scores)
        for rows in (slice(start, start + step) for start in range(0, n_rows, step)):
            candidates = bounds[self._member_of_score, rows].T + self.conformity_scores_
            ranked[rows] = np.partition(candidates, self._rank, axis=1)[:, self._rank]
        return ranked

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = copy.copy(get_tags(self.estimator).input_tags)
        tags.input_tags.pairwise = False
        return tags


def _shuffled_folds(n_folds, seed, grouped, n_rows):
    if n_rows < n_folds:
        count = "is 1 sample" if n_rows == 1 else f"are {n_rows} samples"
        raise ValueError(f"cv={n_folds}, but there {count}; take fewer folds, or more rows.")
    if grouped:
        return GroupKFold(n_folds)
    return KFold(n_folds, shuffle=True, random_state=seed)


def _rank(n_scores, confidence):
    """Return the place, from 0, of the score that is needed; n_scores or more where none is."""
    # A product such as 100 * 0.55 = 55.000000000000007 must not count as more than it is.
    return int(np.ceil((n_scores + 1) * confidence - 1e-9)) - 1


def _conformity(y, lower, upper):
    return np.maximum(lower - y, y - upper)


def _bounds(model, X):
    """Return what a model says of each row: its lowest and highest quantile, or twice its value."""
    steps, predict_quantiles = _quantiles_of(model)
    if predict_quantiles is None:
        values = _column(model.predict(X))
        return values, values
    inner = X
    for step in steps:
        inner = step.transform(inner)
    quantiles = np.asarray(predict_quantiles(inner), dtype=np.float64)
    if quantiles.ndim != 2 or quantiles.shape[0] != num_samples(X) or quantiles.shape[1] < 2:
        raise ValueError(
            "predict_quantiles must give at least two quantiles of each row, but its result has "
            f"the shape {quantiles.shape} for {num_samples(X)} rows; ask the estimator for those "
            "between which the share confidence lies, such as quantiles=(0.05, 0.95)."
        )
    return quantiles.min(axis=1), quantiles.max(axis=1)


def _quantiles_of(model):
    """Return the method of a model, or of the one within it, and what transforms the rows for it.

    The method is None where there is none.
    """
    steps = []
    while True:
        if isinstance(model, FrozenEstimator):
            model = model.estimator
        elif (method := getattr(model, "predict_quantiles", None)) is not None:
            return steps, method
        elif hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif isinstance(model, Pipeline):
            if len(model) > 1:
                steps.append(model[:-1])
            model = model[-1]
        else:
            return steps, None


def _column(predicted):
    """Return predictions (rows,) in float64, also where a model returns a single column."""
    return np.asarray(predicted, dtype=np.float64).reshape(len(predicted))
