"""An outlier detector of anything that says how likely rows are."""

import copy
from dataclasses import KW_ONLY
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, OutlierMixin, clone
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.scikit_learn import Interval, StrOptions, fit_context, num_samples
from sklearn_modern._fits.inner import fit_params_of, random_states, router_of_inner
from sklearn_modern._inputs.scaling import weighted_quantiles
from sklearn_modern._inputs.validation import weighted_rows

__all__ = ["ScoreOutlierDetector"]

# Tukey's far fence lies so many interquartile ranges below the lower quartile.
_FAR = 3.0


@estimator
class ScoreOutlierDetector(MetaEstimatorMixin, OutlierMixin, BaseEstimator):
    """Make an outlier detector of anything that says how likely rows are.

    The estimator is fitted to all rows, outliers among them, and its ``score_samples`` rank them.
    The least likely are outliers: a share of the training rows, or those beyond a fence.

    Parameters
    ----------
    estimator : estimator or None, default=None
        Anything with ``score_samples``, of which higher is more normal: our
        :class:`~sklearn_modern.decomposition.Autoencoder` and
        :class:`~sklearn_modern.density.NormalizingFlow`, scikit-learn's ``PCA``,
        ``GaussianMixture``, ``KernelDensity`` or ``IsolationForest``, a Pipeline that ends with one
        of them, and others. None is ``Autoencoder(dropout=0.2, trim=0.1, max_iter=10,
        n_members=3)``, which leaves the tenth of the rows that it makes again worst out of its
        loss, so that outliers teach it little.
    contamination : float or "auto", default=0.1
        Share of outliers among the training rows, above 0 and at most 0.5; with equal scores it may
        be less. "auto" takes the rows below Tukey's far fence [1]_, the lower quartile of the
        training scores minus three times the distance of the quartiles; there may be none.
    random_state : int, RandomState instance or None, default=None
        Determines each ``random_state`` of the estimator; None keeps its own.

    Attributes
    ----------
    estimator_ : estimator
        The fitted estimator.
    offset_ : float
        Rows with a lower score are outliers.
    n_features_in_ : int
        Number of features of the fit, if the estimator has it.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if the estimator has them.

    References
    ----------
    .. [1] Tukey (1977). Exploratory data analysis.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> from sklearn_modern.outlier_detection import ScoreOutlierDetector
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> detector = ScoreOutlierDetector(GaussianMixture(), contamination=0.05).fit(X)
    >>> detector.predict([[0.0, 0.0], [4.0, 4.0]])
    array([ 1, -1])
    >>> int((detector.predict(X) == -1).sum())
    10
    """

    estimator: Any = None
    _: KW_ONLY
    contamination: float | str = 0.1
    random_state: Any = None

    _parameter_constraints = {
        "estimator": "no_validation",  # fit says what is wrong
        "contamination": [Interval(Real, 0, 0.5, closed="right"), StrOptions({"auto"})],
        "random_state": ["random_state"],
    }

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, sample_weight=None, **fit_params):
        """Fit the estimator, and learn from its scores which are low.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data, of any kind that the estimator takes.
        y : None
            Ignored: the estimator is not given labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, for the estimator, and for the share of outliers.
        **fit_params : dict
            More arguments for the estimator's ``fit``, by metadata routing where that is enabled.

        Returns
        -------
        self : estimator
            The fitted estimator.
        """
        inner = self._inner()
        _check_inner(inner)
        counted, _, weight = weighted_rows(X, None, sample_weight)
        fit_params = fit_params_of(self, inner, sample_weight, fit_params)
        inner = clone(inner)
        if self.random_state is not None:
            inner.set_params(**random_states(inner, check_random_state(self.random_state)))
        inner = inner.fit(X, None, **fit_params)
        scores = _scores(inner, counted)
        # Minus infinity is a score, as beyond the bounds of a density, but not of all rows.
        wrong = ~(scores < np.inf) if (scores > -np.inf).any() else ~np.isfinite(scores)
        if wrong.any():
            raise ValueError(
                f"{type(inner).__name__}.score_samples gives infinity or NaN for "
                f"{np.count_nonzero(wrong)} of {len(scores)} training rows, so that "
                "there is no telling which scores are low."
            )
        self.estimator_ = inner
        self.offset_ = _offset(scores, weight, self.contamination)
        return self

    def score_samples(self, X):
        """Return the scores of the estimator.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, of any kind that the estimator takes.

        Returns
        -------
        ndarray of float64 of shape (n_samples,)
            The higher, the more normal.
        """
        check_is_fitted(self)
        scores = _scores(self.estimator_, X)
        if np.isnan(scores).any():
            raise ValueError(
                f"{type(self.estimator_).__name__}.score_samples gives NaN for "
                f"{np.count_nonzero(np.isnan(scores))} of {len(scores)} rows."
            )
        return scores

    def decision_function(self, X):
        """Return how far the scores are above ``offset_``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, of any kind that the estimator takes.

        Returns
        -------
        ndarray of float64 of shape (n_samples,)
            Below zero for outliers.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """Tell outliers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, of any kind that the estimator takes.

        Returns
        -------
        ndarray of int of shape (n_samples,)
            -1 for outliers, 1 for others.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    @property
    def n_features_in_(self) -> int:
        """Number of features of the fit."""
        check_is_fitted(self)
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the features of the fit."""
        check_is_fitted(self)
        return self.estimator_.feature_names_in_

    def get_metadata_routing(self):
        """Say where metadata goes: to the estimator's ``fit``.

        Returns
        -------
        MetadataRouter
            The routing.
        """
        return router_of_inner(self, self._inner())

    def _inner(self):
        if self.estimator is not None:
            return self.estimator
        from sklearn_modern.decomposition._autoencoder import Autoencoder  # which loads torch

        return Autoencoder(dropout=0.2, trim=0.1, max_iter=10, n_members=3)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = copy.copy(get_tags(self._inner()).input_tags)
        return tags


def _check_inner(inner):
    if isinstance(inner, type):
        raise TypeError(f"estimator is the class {inner.__name__}; pass an instance of it.")
    try:
        inner.fit, inner.score_samples  # noqa: B018, which a Pipeline has under conditions only
    except AttributeError as error:
        raise TypeError(
            f"{type(inner).__name__} has no fit or no score_samples, by which rows are ranked: "
            f"{error.__cause__ or error}. Take an estimator that has both, such as Autoencoder, "
            "NormalizingFlow, PCA, GaussianMixture, KernelDensity or IsolationForest."
        ) from error


def _scores(estimator, X):
    """Return one score a row, as float64."""
    scores = np.asarray(estimator.score_samples(X), dtype=np.float64)
    if scores.shape != (num_samples(X),):
        raise ValueError(
            f"{type(estimator).__name__}.score_samples must give one score for each row, but its "
            f"result has the shape {scores.shape} for {num_samples(X)} rows."
        )
    return scores


def _offset(scores, weight, contamination):
    if contamination == "auto":
        lower, upper = (_quantile(scores, weight, share) for share in (0.25, 0.75))
        offset = lower - _FAR * (upper - lower) if np.isfinite(lower) else lower
    else:
        offset = _quantile(scores, weight, contamination)
    # Rows of minus infinity are outliers, however many they are.
    return offset if np.isfinite(offset) else float(scores[np.isfinite(scores)].min())


def _quantile(scores, weight, share):
    """Return the middle between the last score within the lowest share and the first beyond."""
    last = weighted_quantiles(scores, weight, share)
    first = -weighted_quantiles(-scores, weight, 1 - share)
    return float(last / 2 + first / 2)
