"""Estimators whose network gives features to others, and may start from another one's."""

import copy
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._neural.estimator import NeuralEstimator
from sklearn_modern._neural.settings import BATCHES
from sklearn_modern.networks.base import Body
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.predictions import features

__all__ = ["TransferEstimator", "check_goes_on"]


@estimator
class TransferEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NeuralEstimator):
    """An estimator that gives features of rows, and may start from a fitted network.

    Parameters
    ----------
    dropout : float, default=0.1
        Probability with which a feature, an input of the last layer, is left out of a training
        step, also if the network is ``pretrained``; "lbfgs" leaves none out.
    pretrained : FrozenEstimator, torch.nn.Module or None, default=None
        Start from a fitted network, ``FrozenEstimator(fitted)``, whose labels may have been others,
        or from any module that maps rows, such as images ``(rows, channels, *spatial)``, to
        features. An estimator of another kind works, too, if it offers a ``body_`` for such rows.
        The fitted network goes on to scale rows as it did; a module is given standardised channels
        of X. The parameters that shape a network are then ignored, except ``dropout``, which is
        applied to the features; dropout inside the network stays as it is.
    freeze : "body", "none" or int, default="body"
        Which part of ``pretrained`` stays as it is: all but the last layer, nothing, or this many
        blocks from the input on. A block is a convolution, a residual or inverted-bottleneck block,
        a dense layer, what makes patches of an image, a transformer block, or a pooling that is
        trained; in a module it is a child that has weights or statistics, with the children that
        follow it and have none. What a module itself does not train (``requires_grad=False``), and
        what does not affect its features, always stays.
    body_learning_rate_factor : float, default=0.1
        Learning rate of the part of ``pretrained`` that is trained, as a multiple of the last
        layer's; not used by "lbfgs".
    """

    _: KW_ONLY
    dropout: float = shapes(default=0.1, differs=True, needs=BATCHES)
    pretrained: Any = shapes(default=None, packs_with=(None,))
    freeze: int | str = shapes(default="body", differs=False)
    body_learning_rate_factor: float = shapes(default=0.1, differs=False)

    _parameter_constraints = {
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "pretrained": "no_validation",  # _pretrained_body says what is wrong
        "freeze": [StrOptions({"body", "none"}), Interval(Integral, 0, None, closed="left")],
        "body_learning_rate_factor": [Interval(Real, 0, None, closed="neither")],
    }

    def transform(self, X):
        """Return the features that the last layer sees.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows, as for ``fit``.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            The features, those of several members side by side.
        """
        return self._in_chunks(X, features)

    @property
    def body_(self) -> Body:
        """The fitted network below the last layer, from which another fit may start."""
        check_is_fitted(self, "net_")
        return self.net_.module_.body

    # What a subclass says.

    @property
    @abstractmethod
    def _row_shape(self) -> tuple[int, ...]:
        """The shape of a row of the fit, as :meth:`Body.takes` is asked about it."""

    @abstractmethod
    def _new_body(self, random: MemberRandom) -> Body:
        """Make a network with initial weights."""

    @abstractmethod
    def _body_of_module(self, random: MemberRandom) -> Body:
        """Make a network of ``pretrained``, which is a module."""

    # The parts of a fit, in the order of the calls.

    def _make_body(self, random):
        if isinstance(self.freeze, bool):
            raise ValueError(f'freeze={self.freeze} must be "body", "none" or a number of blocks.')
        return self._new_body(random) if self.pretrained is None else self._pretrained_body(random)

    def _pretrained_body(self, random):
        if not isinstance(self.pretrained, torch.nn.Module):
            body = self._offered_body(random)
        elif self.n_members == 1:
            body = self._body_of_module(random)
        else:
            raise ValueError(
                f"A module as pretrained is one network, but n_members={self.n_members}."
            )
        parts = len(body.parts())
        n_frozen = {"body": parts, "none": 0}.get(self.freeze, self.freeze)
        if n_frozen > parts:
            raise ValueError(f"freeze={self.freeze}, but pretrained has {parts} blocks.")
        body.freeze(n_frozen)
        return body

    def _offered_body(self, random):
        """Copy the body that a fitted estimator offers."""
        given, shape = self.pretrained, self._row_shape
        is_frozen, is_class = isinstance(given, FrozenEstimator), isinstance(given, type)
        if hasattr(given, "fit") and not (is_frozen or is_class):
            raise ValueError(
                f"pretrained is a bare {type(given).__name__}, which clone would return unfitted, "
                "so that a cross-validation would lose what it has learned; pass "
                "sklearn.frozen.FrozenEstimator(fitted)."
            )
        source = given.estimator if is_frozen else given
        if is_class or not (hasattr(type(source), "body_") or hasattr(source, "body_")):
            raise ValueError(
                f"pretrained={given!r} must be a FrozenEstimator of a fitted "
                f"{type(self).__name__} or other estimator that offers a body_, or a "
                "torch.nn.Module."
            )
        if hasattr(source, "fit"):
            check_is_fitted(source, msg="pretrained holds a %(name)s that is not fitted yet.")
        body = source.body_
        if not body.takes(shape):
            raise ValueError(
                f"X has rows of the shape {shape}, but pretrained was fitted to "
                f"{getattr(body, 'input_shape', 'rows of another kind')}."
            )
        if body.members != self.n_members:
            raise ValueError(f"n_members={self.n_members}, but pretrained has {body.members}.")
        body = copy.deepcopy(body).cpu().to(self._float_type())
        body.restart(shape, random, self.dropout)
        return body

    def _body_rate(self):
        return 1.0 if self.pretrained is None else self.body_learning_rate_factor

    @property
    def _n_features_out(self):
        return self.body_.n_features_out * self.body_.members

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags


def check_goes_on(estimator: Any, names: Sequence[str]) -> None:
    """Refuse ``pretrained`` of another kind, or with other values of some parameters."""
    given, kind = estimator.pretrained, type(estimator)
    if given is None:
        return
    source = given.estimator if isinstance(given, FrozenEstimator) else None
    if not isinstance(source, kind):
        raise ValueError(
            f"pretrained={given!r} must be a FrozenEstimator of a fitted {kind.__name__}."
        )
    check_is_fitted(source, msg="pretrained holds a %(name)s that is not fitted yet.")
    for name in names:
        own, other = getattr(estimator, name), getattr(source, name)
        if np.ravel(own).tolist() != np.ravel(other).tolist():
            raise ValueError(
                f"{name}={own!r}, but pretrained has {name}={other!r}; training goes on with the "
                "same."
            )
