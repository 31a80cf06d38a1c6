"""An estimator whose answers are known already."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

__all__ = ["StandIn"]


class StandIn(BaseEstimator):
    """Gives a scorer answers that have been computed otherwise.

    Parameters
    ----------
    answers : dict of str to ndarray
        What each method, such as "predict", returns, whatever it is asked of.
    classes : ndarray or None, default=None
        Labels of a classifier; None is a regressor.
    """

    def __init__(self, answers: dict[str, np.ndarray], classes: np.ndarray | None = None) -> None:
        self.answers = answers
        self.classes = classes
        if classes is not None:
            self.classes_ = classes

    def __getattr__(self, name: str) -> Any:
        answers = self.__dict__.get("answers", {})
        if name not in answers:
            raise AttributeError(name)

        def answer(X: Any) -> np.ndarray:
            return answers[name]

        answer.__name__ = name  # scikit-learn calls it by that
        return answer

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of a classifier, or the R2 of a regressor, as estimators do."""
        kind = RegressorMixin if self.classes is None else ClassifierMixin
        return kind.score(self, X, y, sample_weight)

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor" if self.classes is None else "classifier"
        return tags
