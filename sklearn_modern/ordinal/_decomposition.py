"""Any classifier as an ordinal one."""

import copy
from dataclasses import KW_ONLY
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.scikit_learn import HasMethods, StrOptions, fit_context, num_samples
from sklearn_modern._fits.inner import fit_params_of, router_of_inner
from sklearn_modern._inputs.levels import rank_order, ranks_of
from sklearn_modern._inputs.validation import check_lengths, check_weights
from sklearn_modern.ordinal._decisions import DECISIONS, level_probabilities, with_ends

__all__ = ["OrdinalClassifier"]


@estimator
class OrdinalClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Make any classifier with probabilities an ordinal one.

    One clone for each question whether y is beyond a level [1]_. They are trained separately, so
    their answers can contradict each other; predictions come from the closest answers that do not
    (isotonic regression).

    Parameters
    ----------
    estimator : estimator
        A classifier with ``predict_proba``; others can be wrapped in
        :class:`sklearn.calibration.CalibratedClassifierCV`.
    class_order : None, "sorted" or sequence, default=None
        The levels, lowest first. None takes the order of numbers, or that of an ordered pandas
        Categorical; "sorted" sorts labels of any type; a sequence lists the levels themselves, and
        may include some that y lacks.
    decision : {"median", "mode", "mean"}, default="median"
        The level that is predicted: the first that y exceeds with a probability of at most one
        half, which keeps the absolute error small; the likeliest; or the mean rank, rounded. The
        first and the last need not be the likeliest.
    n_jobs : int or None, default=None
        Number of clones that are fitted in parallel.

    Attributes
    ----------
    class_order_ : ndarray of shape (n_levels,)
        The levels, lowest first.
    classes_ : ndarray of shape (n_levels,)
        The same, sorted.
    estimators_ : list of estimator
        One for each pair of neighbouring levels in the training rows.
    n_features_in_ : int
        Number of features of the fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if X was a DataFrame whose column names are strings.

    References
    ----------
    .. [1] Frank, Hall (2001). A simple approach to ordinal classification. ECML.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> from sklearn_modern.ordinal import OrdinalClassifier
    >>> X, progression = load_diabetes(return_X_y=True)
    >>> y = (progression > 90).astype(int) + (progression > 180)
    >>> clf = OrdinalClassifier(HistGradientBoostingClassifier(max_iter=20)).fit(X, y)
    >>> clf.predict_cumulative(X).shape
    (442, 2)
    """

    estimator: Any
    _: KW_ONLY
    class_order: Any = None
    decision: str = "median"
    n_jobs: int | None = None

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "class_order": "no_validation",  # rank_order says what is wrong
        "decision": [StrOptions(set(DECISIONS))],
        "n_jobs": [None, Integral],
    }

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None, **fit_params):
        """Fit one clone for each question.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data, of any kind that the estimator takes.
        y : array-like of shape (n_samples,)
            Levels.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, for the estimator.
        **fit_params : dict
            More arguments for the estimator's ``fit``, by metadata routing where that is enabled.

        Returns
        -------
        self : OrdinalClassifier
            The fitted estimator.
        """
        check_lengths(X, y)
        validate_data(self, X, skip_check_array=True)
        self.class_order_ = rank_order(y, self.class_order)
        self.classes_, self._levels = np.unique(self.class_order_, return_index=True)
        ranks = ranks_of(y, self.class_order_)
        weight = check_weights(sample_weight, len(ranks), dtype=np.float64)
        self._present = np.unique(ranks[weight > 0])
        fit_params = fit_params_of(self, self.estimator, sample_weight, fit_params)
        self.estimators_ = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit)(clone(self.estimator), X, (ranks > level).astype(int), fit_params)
            for level in self._present[:-1]
        )
        return self

    def predict(self, X):
        """Predict levels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples,)
            The level that ``decision`` says.
        """
        ranks = DECISIONS[self.decision](self.predict_cumulative(X))
        return self.class_order_[ranks]

    def predict_proba(self, X):
        """Return the probability of each level.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples, n_levels)
            In the order of ``classes_``.
        """
        return level_probabilities(self.predict_cumulative(X))[:, self._levels]

    def predict_cumulative(self, X, *, repair=True):
        """Return the probabilities that y is beyond each level.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.
        repair : bool, default=True
            Whether the answers are made consistent, as they are for all other predictions.

        Returns
        -------
        ndarray of shape (n_samples, n_levels - 1)
            P(y > ``class_order_[k]``) in column k. Rows never rise, except with ``repair=False``.
        """
        check_is_fitted(self, "estimators_")
        answers = [_probability_of_yes(estimator, X) for estimator in self.estimators_]
        answers = np.array(answers, dtype=np.float64).reshape(len(answers), num_samples(X)).T
        if repair:
            answers = _closest_falling(answers)
        # Of two levels between which there was no training row, one estimator speaks for both.
        columns = np.searchsorted(self._present, np.arange(len(self.classes_) - 1), side="right")
        return with_ends(answers)[:, columns]

    def get_metadata_routing(self):
        """Say where metadata goes: to the estimator's ``fit``.

        Returns
        -------
        MetadataRouter
            The routing.
        """
        return router_of_inner(self, self.estimator)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = copy.copy(get_tags(self.estimator).input_tags)
        return tags


def _fit(estimator, X, beyond, fit_params):
    return estimator.fit(X, beyond, **fit_params)


def _probability_of_yes(estimator, X):
    return np.clip(estimator.predict_proba(X)[:, 1], 0.0, 1.0)


def _closest_falling(values):
    """Return the closest numbers, by squares, that do not rise along a row.

    Of all means of ``values[i..j]`` around a place, the lowest over i of the highest over j (the
    minimax formula of isotonic regression).
    """
    falling = np.full_like(values, np.inf)
    for first in range(values.shape[1]):
        means = values[:, first:].cumsum(axis=1) / np.arange(1, values.shape[1] - first + 1)
        highest = np.maximum.accumulate(means[:, ::-1], axis=1)[:, ::-1]
        falling[:, first:] = np.minimum(falling[:, first:], highest)
    return falling
