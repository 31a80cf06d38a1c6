"""What estimators share that squeeze rows into codes, and make rows of codes."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY
from numbers import Real
from typing import ClassVar

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import Interval
from sklearn_modern._neural.estimator import NeuralEstimator
from sklearn_modern._neural.settings import BATCHES
from sklearn_modern.heads.base import Head
from sklearn_modern.heads.likelihoods import LikelihoodHead
from sklearn_modern.networks.base import Body
from sklearn_modern.networks.corruption import Corruption
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.squeeze import Squeeze
from sklearn_modern.training.predictions import cells_of_codes, decode, features

__all__ = ["CodingEstimator"]


@estimator
class CodingEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NeuralEstimator):
    """An encoder, which maps rows to codes, and a decoder, which maps codes to rows.

    Parameters
    ----------
    dropout : float, default=0.0
        Probability with which a hidden unit is left out of a training step.
    max_iter : int or "auto", default="auto"
        Number of epochs, or of iterations for "lbfgs". "auto" is as many as have 6000 batches, but
        40 to 200.
    n_iter_no_change : int, default=50
        Epochs without improvement after which training stops.
    """

    _: KW_ONLY
    dropout: float = shapes(default=0.0, differs=False, needs=BATCHES)
    max_iter: int | str = steers(default="auto", differs=True)
    n_iter_no_change: int = steers(default=50, differs=True)

    _parameter_constraints = {
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }

    # What the kind of X says.

    # max_iter="auto": as many epochs as have so many batches, but from and to so many.
    _auto_epochs: ClassVar[tuple[int, int, int]] = (6000, 40, 200)

    @abstractmethod
    def _make_encoder(self, random: MemberRandom) -> Body:
        """Make what maps rows to features."""

    @abstractmethod
    def _make_squeeze(
        self, encoder: Body, n_features: int, n_outputs: int, random: MemberRandom
    ) -> Squeeze:
        """Make what maps features, and embedded rows, to what is said of codes."""

    @abstractmethod
    def _make_decoder(
        self, encoder: Body, n_codes: int, cardinalities: Sequence[int], random: MemberRandom
    ) -> Body:
        """Make what maps codes, and labels of so many values, to features: the encoder's mirror."""

    @abstractmethod
    def _make_head(self, n_features: int, random: MemberRandom) -> Head:
        """Make what maps features to rows, by squared errors."""

    @abstractmethod
    def _make_likelihood(self, n_features: int, random: MemberRandom) -> LikelihoodHead:
        """Make what maps features to the distribution of rows."""

    @abstractmethod
    def _make_corruption(
        self, noise: float, masking: float, encoder: Body, random: MemberRandom
    ) -> Corruption:
        """Make what spoils rows while training."""

    @abstractmethod
    def _make_mixer(self, n_features: int, n_classes: int, random: MemberRandom) -> Body:
        """Make what maps features and labels to features."""

    @abstractmethod
    def _n_embedded(self, encoder: Body) -> int:
        """Return how many numbers a row has, as the encoder embeds it."""

    # The parts of a fit.

    def _n_epochs(self, n_rows):
        if self.max_iter != "auto":
            return self.max_iter
        in_epoch = -(-n_rows // self._rows_in_a_batch(n_rows))
        n_batches, fewest, most = self._auto_epochs
        return int(np.clip(round(n_batches / in_epoch), fewest, most))

    # What is done with a fitted network.

    @property
    def _members(self):
        return len(self.net_.module_.squeeze.bent.weight)

    @property
    def _n_features_out(self):
        return self.net_.module_.n_codes * self._members

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _encoded(self, X, labels=None):
        """Return the codes of rows, which may have coded labels."""
        return self._in_chunks(X, features, labels)

    def _reconstructed(self, X, labels=None):
        """Make rows again, which may have coded labels."""
        decoded = torch.from_numpy(self._in_chunks(X, decode, labels))
        decided = self.net_.objective.decide(decoded)
        return self._inputs.restored(decided.numpy(), whole=False)

    def _checked_codes(self, X):
        check_is_fitted(self, "net_")
        codes = check_array(X, dtype=np.float64)
        if codes.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has codes of the width {codes.shape[1]}, but {type(self).__name__} makes codes "
                f"of the width {self._n_features_out}."
            )
        return codes

    def _made_of(self, codes, labels=None):
        """Make rows of codes, which may have coded labels."""
        objective = self._net_on_device().objective
        cells = [
            cells_of_codes(objective, self._of_members(codes[rows]), self._labels(labels, rows))
            for rows in self._parts_of(len(codes))
        ]
        return self._inputs.restored(np.concatenate(cells), whole=False)

    def _of_members(self, codes):
        """Bring codes of all members, side by side, to (members, rows, n)."""
        return self._tensor(codes).unflatten(1, (self._members, -1)).transpose(0, 1)

    def _labels(self, labels, rows):
        return None if labels is None else self._tensor(labels[rows])

    def _parts_of(self, n_rows):
        together = self.net_.objective.rows_together()
        return [slice(start, start + together) for start in range(0, n_rows, together)]
