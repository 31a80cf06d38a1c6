"""Networks that predict y from X, whatever y is."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import KW_ONLY
from numbers import Real

import torch
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator, roles, shapes
from sklearn_modern._core.scikit_learn import Interval
from sklearn_modern._neural.estimator import NeuralEstimator
from sklearn_modern.augmentation.mixup import Mixup
from sklearn_modern.networks.base import Body
from sklearn_modern.networks.members import make_members
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.supervised import Supervised

__all__ = ["NeuralPredictor"]


@estimator
class NeuralPredictor(NeuralEstimator):
    """A network that predicts y from X: a body that the subclass makes, and a head for y.

    Parameters
    ----------
    mixup : float, default=0.0
        Train on mixtures of pairs of rows whose proportions follow Beta(mixup, mixup); 0 is off.
    """

    _: KW_ONLY
    mixup: float = shapes(default=0.0, packs_with=(0,), varies=True)

    _parameter_constraints = {"mixup": [Interval(Real, 0, None, closed="left")]}

    @abstractmethod
    def _make_body(self, random: MemberRandom) -> Body:
        """Make a network with its initial weights, which maps inputs to features."""

    def _make_objective(self, random):
        body = make_members(self._make_body, random)
        if self.solver == "lbfgs":
            self._refuse_varying_batches()
            body.silence()
        return Supervised(
            body,
            self._targets.make_head(body.n_features_out, random),
            augment=self._make_augment(random),
            mixers=self._make_mixers(random),
            body_rate=self._body_rate(),
        )

    @property
    def body_(self) -> Body:
        """The fitted network below the last layer, from which another fit may start."""
        check_is_fitted(self, "net_")
        return self.net_.module_.body

    def _refuse_varying_batches(self):
        for name, role in roles(type(self)).items():
            if role.varies and getattr(self, name):
                raise ValueError(
                    f"solver='lbfgs' needs the same rows in every step, but {name}="
                    f"{getattr(self, name)!r}; take another solver or "
                    f"{name}={getattr(type(self), name)!r}."
                )

    # What a subclass may say besides.

    def _make_augment(self, random: MemberRandom) -> Callable[[torch.Tensor], torch.Tensor] | None:
        """Make what changes the embedded inputs of a training batch (members, rows, ...)."""
        return None

    def _make_mixers(self, random: MemberRandom) -> list[Mixup]:
        """Make what mixes the rows of a training batch."""
        return [Mixup(self.mixup, random.seeds)] if self.mixup else []

    def _body_rate(self) -> float:
        """Return the body's learning rate as a multiple of the head's."""
        return 1.0
