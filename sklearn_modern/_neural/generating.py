"""Estimators that learn to turn noise into rows."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import ClassVar

import numpy as np
from torch import Tensor

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import StrOptions, num_samples
from sklearn_modern._neural.conditional import ConditionalSampler
from sklearn_modern._neural.mixture import drawn_by_members
from sklearn_modern.training.predictions import decode

__all__ = ["GeneratingEstimator"]


@estimator
class GeneratingEstimator(ConditionalSampler):
    """A network that turns noise into rows like those of X.

    Parameters
    ----------
    solver : {"adamw", "adam", "sgd"}, default="adamw"
        The optimiser. "adamw" decays weights apart from the gradient; "sgd" has Nesterov's
        momentum.
    alpha : "auto" or float, default=0.0
        With "adamw" the decoupled weight decay: a step shrinks weights by ``alpha`` times the
        learning rate. Else the strength of the L2 penalty, as in scikit-learn: the loss of a batch
        gets ``alpha / 2 * sum(w ** 2) / batch_size``. "auto" is 0.5 with "adamw", else 0.0001.
    n_members : int, default=1
        Networks that are trained side by side, each from its own start and in its own order of
        rows; each sample is made by one of them.
    """

    _: KW_ONLY
    solver: str = shapes(default="adamw", packs_with=("adamw", "adam", "sgd"))
    alpha: float | str = steers(default=0.0, differs=True)
    n_members: int = shapes(default=1, differs=True)

    # Each step draws noise of its own, so that "lbfgs" would see another loss each time.
    _parameter_constraints = {"solver": [StrOptions({"adamw", "adam", "sgd"})]}

    # max_iter="auto": as many epochs as have so many batches, but from and to so many.
    _n_batches: ClassVar[int]
    _epochs: ClassVar[tuple[int, int]]

    @property
    @abstractmethod
    def _noise_shape(self) -> Sequence[int]:
        """Shape of the noise that a row is made of."""

    @abstractmethod
    def _made(self, noise: Tensor, labels: Tensor) -> Tensor:
        """Turn the members' noise (members, rows, ...) into rows, given labels if there are any."""

    # The parts of a fit.

    def _n_epochs(self, n_rows):
        if self.max_iter != "auto":
            return self.max_iter
        in_epoch = -(-n_rows // self._rows_in_a_batch(n_rows))
        return int(np.clip(round(self._n_batches / in_epoch), *self._epochs))

    @property
    def _n_labels(self):
        return len(self.classes_) if self.conditional else 0

    # Samples.

    def _decode(self, X):
        """Return what the objective says of rows, given the first label."""
        first = np.zeros(num_samples(X), dtype=np.int64) if self.conditional else None
        return self._in_chunks(X, decode, first)

    def _drawn(self, n_samples, codes, random):
        labels = np.empty((n_samples, 0)) if codes is None else codes[:, np.newaxis]

        def draw(index, noise):
            return self._made(self._tensor(noise), self._tensor(labels[index])).cpu().numpy()

        n_members = len(self.net_.random)
        made = drawn_by_members(n_members, n_samples, self._noise_shape, random, draw)
        return self._inputs.restored(made, whole=True)
