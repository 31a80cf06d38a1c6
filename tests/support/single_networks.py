"""Multilayer perceptrons that are one plain network, for tests whose subject is not the default."""

from dataclasses import KW_ONLY

from sklearn_modern import neural_network
from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._neural.settings import BATCHES

__all__ = ["MLPClassifier", "MLPRegressor"]


@estimator
class Single:
    """Other defaults: one network, on plain numbers, trained to the end."""

    _: KW_ONLY
    numerical_embedding: str | None = shapes(default=None, differs=False)
    n_members: int = shapes(default=1, differs=True, needs=BATCHES, off=1)
    max_iter: int | str = steers(default=40, differs=True)
    early_stopping: bool | str = steers(default=False, differs=True)


@estimator
class MLPClassifier(Single, neural_network.MLPClassifier):
    """One network."""


@estimator
class MLPRegressor(Single, neural_network.MLPRegressor):
    """One network."""
