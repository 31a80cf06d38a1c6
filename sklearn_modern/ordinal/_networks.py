"""Networks that predict ordered levels."""

from dataclasses import KW_ONLY
from numbers import Real
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._neural.classifier import NeuralClassifier
from sklearn_modern._neural.convolutional import ConvolutionalEstimator
from sklearn_modern._neural.tabular import PerceptronEstimator
from sklearn_modern.heads.links import LINKS
from sklearn_modern.heads.ordinal import DECISIONS
from sklearn_modern.ordinal._targets import METHODS, Levels
from sklearn_modern.training.predictions import decode

__all__ = ["OrdinalCNNClassifier", "OrdinalMLPClassifier"]


@estimator
class NeuralOrdinalClassifier(NeuralClassifier):
    r"""A network that predicts levels, which have an order.

    Parameters
    ----------
    method : {"coral", "corn", "niu", "cumulative_link", "cross_entropy"}, default="coral"
        How the order is used. "coral": one score and increasing thresholds, trained on the
        questions whether y is beyond each level; "corn": the same questions, each given a yes to
        the one before; "niu": the same questions independently, whose answers can contradict each
        other; "cumulative_link": one score and thresholds, trained by likelihood (ordered logit);
        "cross_entropy": only in ``decision``.
    class_order : None, "sorted" or sequence, default=None
        The levels, lowest first. None takes the order of numbers, or that of an ordered pandas
        Categorical; "sorted" sorts labels of any type; a sequence lists the levels themselves, and
        may include some that y lacks.
    decision : {"median", "mode", "mean"}, default="median"
        The level that is predicted: the first that y exceeds with a probability of at most one
        half, which keeps the absolute error small; the likeliest; or the mean rank, rounded. The
        first and the last need not be the likeliest.
    link : {"logit", "probit", "cloglog"}, default="logit"
        The link of "cumulative_link": P(y > level k) = F(score - ``threshold_[k]``), where F(z) is
        1 / (1 + exp(-z)), the normal distribution function, or 1 - exp(-exp(z)). Others define the
        last by P(y <= level k), and call this one "loglog".
    importance_weights : None, "sqrt" or array-like of shape (n_levels - 1,), default=None
        Factors of the losses of the questions that "coral", "corn" and "niu" are trained on. "sqrt"
        is the square root of the rows on the larger side, relative to the largest.
    threshold_learning_rate_factor : float, default=10.0
        Learning rate of the thresholds of "coral" and "cumulative_link", as a multiple of the other
        weights'. Other methods have no thresholds, and "lbfgs" no learning rate.

    Attributes
    ----------
    class_order_ : ndarray of shape (n_levels,)
        The levels, lowest first. ``classes_`` are the same, sorted.
    """

    _: KW_ONLY
    method: str = shapes(default="coral", differs=False)
    class_order: Any = shapes(default=None, differs=False)
    decision: str = shapes(default="median", differs=False)
    link: str = shapes(default="logit", differs=False)
    importance_weights: Any = shapes(default=None, differs=False)
    threshold_learning_rate_factor: float = shapes(default=10.0, differs=False)

    _parameter_constraints = {
        "method": [StrOptions(set(METHODS))],
        "class_order": "no_validation",  # rank_order says what is wrong
        "decision": [StrOptions(set(DECISIONS))],
        "link": [StrOptions(set(LINKS))],
        "importance_weights": [None, StrOptions({"sqrt"}), "array-like"],
        "threshold_learning_rate_factor": [Interval(Real, 0, None, closed="neither")],
    }

    def predict_cumulative(self, X, *, repair=True):
        """Return the probabilities that y is beyond each level.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows to predict, as for ``fit``.
        repair : bool, default=True
            Whether the answers of "niu" are made consistent, as for all other predictions. False
            shows the network's answers as they are.

        Returns
        -------
        ndarray of shape (n_samples, n_levels - 1)
            P(y > ``class_order_[k]``) in column k. Rows never rise, except with ``repair=False``.
        """
        if not repair:
            return self._in_chunks(X, _cumulative)
        by_level = self._by_level(X)
        return np.minimum(by_level[:, :0:-1].cumsum(axis=1)[:, ::-1], 1.0)

    def predict(self, X):
        """Predict levels.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows to predict, as for ``fit``.

        Returns
        -------
        ndarray of shape (n_samples,)
            The level that ``decision`` says.
        """
        ranks = DECISIONS[self.decision](torch.from_numpy(self._by_level(X)))
        return self.class_order_[ranks.numpy()]

    def _by_level(self, X):
        """Return the probability of each level, lowest first."""
        return self._decode(X)[:, self._targets.columns.argsort()]

    @property
    def threshold_(self) -> np.ndarray:
        """Increasing, of shape (n_levels - 1,): P(y > level k) = F(score - ``threshold_[k]``)."""
        thresholds = getattr(self._head_of_one("threshold_"), "thresholds", None)
        if thresholds is None:
            raise AttributeError(f"method={self.method!r} has no thresholds.")
        return thresholds().detach().cpu().numpy()[0, :, 0]

    def _head_of_one(self, name):
        check_is_fitted(self, "net_")
        if self.n_members > 1:
            raise AttributeError(f"Each of the {self.n_members} members has a {name} of its own.")
        return self.net_.module_.head

    def _make_targets(self, y, classes=None):
        return Levels(
            self.class_order,
            method=self.method,
            decision=self.decision,
            link=self.link,
            importance_weights=self.importance_weights,
            threshold_rate=self.threshold_learning_rate_factor,
            label_smoothing=self.label_smoothing,
            expected=classes,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = False
        return tags


def _cumulative(objective, batch):
    head = objective.modules["module"].head
    return decode(objective, batch, lambda scores: head.cumulative(scores).mean(0))


@estimator
class OrdinalMLPClassifier(PerceptronEstimator, NeuralOrdinalClassifier):
    """Multilayer perceptron for ordinal regression on tables.

    For classes with an order, such as grades or stages: errors that are far off cost more than
    errors by one level. ``hidden_layer_sizes=()`` makes it linear; with
    ``method="cumulative_link"`` that is the classical ordered logit.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_modern.ordinal import OrdinalMLPClassifier
    >>> X, progression = load_diabetes(return_X_y=True)
    >>> y = (progression > 90).astype(int) + (progression > 180)
    >>> clf = OrdinalMLPClassifier((32,), device="cpu", random_state=0).fit(X, y)
    >>> bool(abs(clf.predict(X) - y).mean() < 0.5)
    True
    >>> clf.predict_cumulative(X).shape
    (442, 2)
    """

    @property
    def coef_(self) -> np.ndarray:
        """Weights of the scaled inputs where ``hidden_layer_sizes=()``.

        Of shape (n_inputs,) where there is one score, else (n_scores, n_inputs).
        """
        head = self._head_of_one("coef_")
        if np.size(self.hidden_layer_sizes):
            raise AttributeError(
                "Only hidden_layer_sizes=() has coef_, but "
                f"hidden_layer_sizes={self.hidden_layer_sizes!r}."
            )
        weights = head.linear.weight.detach().cpu().numpy()[0]
        return weights[0] if len(weights) == 1 else weights


@estimator
class OrdinalCNNClassifier(ConvolutionalEstimator, NeuralOrdinalClassifier):
    """Convolutional network for ordinal regression on signals, images and volumes.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_modern.ordinal import OrdinalCNNClassifier
    >>> digits = load_digits()
    >>> X, y = digits.images[:300], digits.target[:300]
    >>> clf = OrdinalCNNClassifier(width=8, max_iter=8, device="cpu", random_state=0).fit(X, y)
    >>> bool(abs(clf.predict(X) - y).mean() < 1)
    True
    """
