"""Multilayer perceptrons for tables."""

from sklearn_modern._core.estimator import estimator
from sklearn_modern._neural.classifier import NeuralClassifier
from sklearn_modern._neural.regressor import NeuralRegressor
from sklearn_modern._neural.tabular import PerceptronEstimator

__all__ = ["MLPClassifier", "MLPRegressor"]


@estimator
class MLPClassifier(PerceptronEstimator, NeuralClassifier):
    """Multilayer perceptron for classification of tables.

    Drop-in replacement for :class:`sklearn.neural_network.MLPClassifier` that takes mixed
    DataFrames with missing values as they are, and trains on any device. Strong where the target
    depends smoothly on many numbers; on small tables of mixed columns compare it with gradient
    boosting.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_modern.neural_network import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier((32,), max_iter=100, device="cpu", random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.9
    True
    """


@estimator
class MLPRegressor(PerceptronEstimator, NeuralRegressor):
    """Multilayer perceptron for regression on tables.

    Drop-in replacement for :class:`sklearn.neural_network.MLPRegressor` that takes mixed DataFrames
    with missing values as they are, scales the target, can predict quantiles or a standard
    deviation, and trains on any device.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_modern.neural_network import MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = MLPRegressor((32,), max_iter=30, device="cpu", random_state=0).fit(X, y)
    >>> reg.score(X, y) > 0.5
    True
    """
