"""Multilayer perceptrons for tables."""

from dataclasses import KW_ONLY

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._neural.classifier import NeuralClassifier
from sklearn_modern._neural.regressor import NeuralRegressor
from sklearn_modern._neural.settings import BATCHES
from sklearn_modern._neural.tabular import PerceptronEstimator

__all__ = ["MLPClassifier", "MLPRegressor"]


@estimator
class DefaultPerceptron(PerceptronEstimator):
    """A multilayer perceptron with the defaults that did best on tables.

    Parameters
    ----------
    numerical_embedding : {"auto", "periodic", "piecewise_linear"} or None, default="auto"
        What numbers are turned into before the first layer: learned periodic features; the numbers
        beside their piecewise-linear encoding by quantiles, whose weights start at zero; or nothing
        but scaled numbers. "auto" is "piecewise_linear" for fewer than 50 columns of numbers that
        are not sparse, with so many bins that there are four rows for each bin of the table; it is
        None otherwise, and where that leaves less than two bins a column.
        ``numerical_embedding_`` shows it.
    n_members : int, default=8
        Networks that are trained side by side, each from its own start and in its own order of
        rows; their predictions are averaged. "lbfgs" always trains one.
    max_iter : int or "auto", default="auto"
        Number of epochs, or of iterations for "lbfgs". "auto" is 40, or 80 for fewer than 2000 rows
        if early stopping finds the best of them.
    early_stopping : bool or "auto", default="auto"
        Set validation rows aside, stop when their score has not improved for
        ``n_iter_no_change`` epochs, and go back to the best epoch. Without, training stops when
        the training loss has not improved for as long. "auto" is True if there are 30
        rows, 100 where all members share their validation rows, or validation data of your own,
        except with "lbfgs"; ``early_stopping_`` shows it.
        Of several members that share no weights each has validation rows of its own, from which
        the others learn.
    """

    _: KW_ONLY
    numerical_embedding: str | None = shapes(default="auto", differs=False)
    n_members: int = shapes(default=8, differs=True, needs=BATCHES, off=1)
    max_iter: int | str = steers(default="auto", differs=True)
    early_stopping: bool | str = steers(default="auto", differs=True)


@estimator
class MLPClassifier(DefaultPerceptron, NeuralClassifier):
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
class MLPRegressor(DefaultPerceptron, NeuralRegressor):
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
