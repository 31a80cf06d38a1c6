"""Networks that predict y from X, whatever y is."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import KW_ONLY
from numbers import Real
from typing import Any

import torch
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import Interval
from sklearn_modern._neural.estimator import NeuralEstimator
from sklearn_modern._neural.packs import fit_many, fits_at_once
from sklearn_modern._neural.scoring import validation_scorer
from sklearn_modern._neural.settings import BATCHES
from sklearn_modern.augmentation.mixup import Mixup
from sklearn_modern.networks.base import Body
from sklearn_modern.networks.members import make_members
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.supervised import Supervised

__all__ = ["NeuralPredictor", "trains_in_parts"]


def trains_in_parts(predictor: Any) -> None:
    """Raise unless there is ``partial_fit``."""
    if predictor.solver == "lbfgs":
        raise AttributeError(
            "it needs batches, but solver='lbfgs' takes all rows at once; take another solver."
        )


@estimator
class NeuralPredictor(NeuralEstimator):
    """A network that predicts y from X: a body that the subclass makes, and a head for y.

    Parameters
    ----------
    mixup : float, default=0.0
        Train on mixtures of pairs of rows whose proportions follow Beta(mixup, mixup); 0 is off.
    scoring : str or callable, default="loss"
        What ``early_stopping`` follows on the validation rows: "loss", a scorer's name, or a
        scorer. It is what ``validation_scores_`` hold; "loss" is minus the loss.
    """

    _: KW_ONLY
    mixup: float = shapes(default=0.0, packs_with=(0,), needs=BATCHES)
    scoring: Any = steers(default="loss", differs=True)

    _parameter_constraints = {
        "mixup": [Interval(Real, 0, None, closed="left")],
        "scoring": [str, callable],
    }

    @property
    def fits_at_once(self) -> int:
        """How many fits a search hands to :meth:`fit_many` at once, whatever their data are."""
        return fits_at_once(self)

    def fit_many(self, fits):
        """Fit clones of this estimator, those of one shape as members of one network.

        Parameters
        ----------
        fits : sequence of sklearn_modern.shared_fits.Fit
            What to fit.

        Yields
        ------
        position : int
            Which of the fits it is; they come in any order.
        fitted : estimator or Exception
            What a separate fit would have given, but without the optimiser's state, as after a
            pickle.
        """
        yield from fit_many(self, fits)

    @abstractmethod
    def _make_body(self, random: MemberRandom) -> Body:
        """Make a network with its initial weights, which maps inputs to features."""

    def _make_objective(self, random):
        body = make_members(self._make_body, random)
        if self.solver == "lbfgs":
            body.silence()
        return Supervised(
            body,
            self._targets.make_head(body.n_features_out, random),
            augment=self._make_augment(random),
            mixers=self._make_mixers(random),
            body_rate=self._body_rate(),
        )

    def _steer(self, net, n_rows, **how):
        super()._steer(net, n_rows, **how)
        if how["validated"] and self.scoring != "loss":
            head = net.objective.modules["module"].head
            net.scorer = validation_scorer(self.scoring, head, self._targets)

    @property
    def body_(self) -> Body:
        """The fitted network below the last layer, from which another fit may start."""
        check_is_fitted(self, "net_")
        return self.net_.module_.body

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
