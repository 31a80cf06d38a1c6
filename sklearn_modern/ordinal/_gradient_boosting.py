"""Boosted trees that predict ordered levels."""

from dataclasses import KW_ONLY
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.scikit_learn import StrOptions
from sklearn_modern._inputs.levels import rank_order, ranks_of
from sklearn_modern.ensemble._classification import BoostedClassifier
from sklearn_modern.ensemble._cumulative import LINKS, CumulativeLink
from sklearn_modern.ensemble.engines.base import Rows
from sklearn_modern.ordinal._decisions import DECISIONS

__all__ = ["OrdinalGradientBoostingClassifier"]


@estimator
class OrdinalGradientBoostingClassifier(BoostedClassifier):
    r"""Gradient boosting for ordinal regression, by XGBoost or LightGBM.

    For classes with an order, such as grades or stages. One sequence of trees gives each row a
    score s, and thresholds :math:`t_k` divide the scores into levels: :math:`P(y \le k) = F(t_k -
    s)` (proportional odds, [1]_). Trees and thresholds maximise the same likelihood: after each
    tree, the thresholds go to their maximum by Newton steps. So the probabilities cannot
    contradict each other, and a fit costs little more than that of a regression.

    Parameters
    ----------
    backend : {"auto", "xgboost", "lightgbm"}, default="auto"
        The library that grows the trees; "auto" is "lightgbm" on the CPU, and "xgboost" on
        CUDA.
    link : {"logit", "probit"}, default="logit"
        F is 1 / (1 + exp(-z)), or the normal distribution function.
    class_order : None, "sorted" or sequence, default=None
        The levels, lowest first. None takes the order of numbers, or that of an ordered pandas
        Categorical; "sorted" sorts labels of any type; a sequence lists the levels themselves, and
        may include some that y lacks, whose probability is zero.
    decision : {"median", "mode", "mean"}, default="median"
        The level that is predicted: the first that y exceeds with a probability of at most one
        half, which keeps the absolute error small; the likeliest; or the mean rank, rounded. The
        first and the last need not be the likeliest.
    monotonic_cst : array-like of int, dict or None, default=None
        For each feature, or by name: 1 if levels may only rise with it, -1 if they may only fall, 0
        for no constraint.

    Attributes
    ----------
    class_order_ : ndarray of shape (n_levels,)
        The levels, lowest first.
    classes_ : ndarray of shape (n_levels,)
        The same, sorted.

    References
    ----------
    .. [1] McCullagh (1980). Regression models for ordinal data. Journal of the Royal Statistical
       Society B.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_modern.ordinal import OrdinalGradientBoostingClassifier
    >>> X, progression = load_diabetes(return_X_y=True)
    >>> y = (progression > 90).astype(int) + (progression > 180)
    >>> clf = OrdinalGradientBoostingClassifier(n_estimators=20).fit(X, y)
    >>> bool(abs(clf.predict(X) - y).mean() < 0.5)
    True
    >>> clf.predict_cumulative(X).shape
    (442, 2)
    """

    _: KW_ONLY
    link: str = "logit"
    class_order: Any = None
    decision: str = "median"

    _parameter_constraints = {
        "backend": [StrOptions({"auto", "xgboost", "lightgbm"})],
        "link": [StrOptions(set(LINKS))],
        "class_order": "no_validation",  # rank_order says what is wrong
        "decision": [StrOptions(set(DECISIONS))],
    }

    loss = "log_loss"
    _target = "levels"
    _takes_collections = False

    def predict_log_proba(self, X):
        """Return logarithms of the probabilities.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples, n_levels)
            As ``predict_proba``.
        """
        scores = self.predict_score(X)
        return self._engine.settings.objective.log_predict(scores, self.threshold_)[:, self._levels]

    def predict_cumulative(self, X):
        """Return the probabilities that y is beyond each level.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples, n_levels - 1)
            P(y > ``class_order_[k]``) in column k. Rows never rise.
        """
        scores = self.predict_score(X)
        return self._engine.settings.objective.beyond(scores, self.threshold_)

    def predict_score(self, X):
        """Return the sums over all trees, which ``threshold_`` divides into levels.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples,)
            The scores.
        """
        check_is_fitted(self, "_engine")
        return self._engine.margins(self._matrix(X, reset=False))

    @property
    def threshold_(self) -> np.ndarray:
        """Increasing, of shape (n_levels - 1,): P(y <= level k) = F(``threshold_[k]`` - score)."""
        check_is_fitted(self, "_engine")
        return self._engine.path[self._engine.n_estimators]

    def _read(self, X, y, sample_weight=None, groups=None, *, reset=True):
        """Sort the rows by level, too, which makes the likelihood faster for each tree."""
        rows, groups = super()._read(X, y, sample_weight, groups, reset=reset)
        order = np.argsort(rows.y, kind="stable")
        taken = (part if part is None else part[order] for part in (*rows, groups))
        *columns, groups = taken
        return Rows(*columns), groups

    @property
    def _labels(self) -> np.ndarray:
        return self.class_order_

    def _check_y(self, y, *, reset):
        if reset:
            self.class_order_ = rank_order(y, self.class_order)
            self.classes_, self._levels = np.unique(self.class_order_, return_index=True)
        return ranks_of(y, self.class_order_)

    def _objective(self):
        return CumulativeLink(self.link, len(self.class_order_))

    def _decided(self, predicted):
        beyond = np.minimum(predicted[:, :0:-1].cumsum(axis=1)[:, ::-1], 1.0)
        return self.class_order_[DECISIONS[self.decision](beyond)]

    def _probabilities(self, predicted):
        return predicted[:, self._levels]

    def _stand_in(self, predicted):
        model = super()._stand_in(predicted)
        model.class_order_ = self.class_order_  # some scorers ask for it
        return model
