"""What networks that predict y from X share, whatever y is."""

import re
from collections.abc import Callable
from dataclasses import KW_ONLY
from numbers import Real
from typing import Any

import numpy as np
import torch

from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.scikit_learn import Interval, fit_context
from sklearn_modern._fits.splitting import validation_split
from sklearn_modern._inputs.validation import check_lengths, weighted_rows
from sklearn_modern._neural.estimator import NeuralEstimator
from sklearn_modern.augmentation.mixup import Mixup
from sklearn_modern.heads.base import Head
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.batches import Arrays, Rows
from sklearn_modern.training.objective import Supervised

__all__ = ["NeuralPredictor", "described"]

# Parameters that may change while a network is trained in several calls; all others shape it.
_STEERING = {
    "alpha",
    "batch_size",
    "callbacks",
    "class_weight",
    "device",
    "early_stopping",
    "gradient_clip",
    "learning_rate",
    "learning_rate_init",
    "max_iter",
    "n_iter_no_change",
    "random_state",
    "tol",
    "validation_fraction",
    "verbose",
    "warm_start",
}


@estimator
class NeuralPredictor(NeuralEstimator):
    """A network that predicts y from X.

    Parameters
    ----------
    mixup : float, default=0.0
        Train on mixtures of pairs of rows whose proportions follow Beta(mixup, mixup); 0 is off.
    """

    _: KW_ONLY
    mixup: float = 0.0

    _parameter_constraints = NeuralEstimator._parameter_constraints | {
        "mixup": [Interval(Real, 0, None, closed="left")],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, X_val=None, y_val=None):
        """Fit the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Training data, of the kind that the class is for: a table, or arrays.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights; a row of weight 2 counts as two rows, one of weight 0 as none.
        X_val, y_val : array-like, default=None
            Validation data, instead of setting a share of X aside. Their scores are recorded, and
            with ``early_stopping`` they decide when to stop.

        Returns
        -------
        self : estimator
            The fitted estimator.
        """
        rows, validation = self._prepare(X, y, sample_weight, X_val, y_val)
        self.net_.partial_fit(rows, validation)
        self._store_training()
        return self

    def _prepare(self, X, y, sample_weight=None, X_val=None, y_val=None):
        """Do all of a fit but the training; return the rows to train on and to validate with."""
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val go together, but only one of them was given.")
        resume = self.warm_start and hasattr(self, "net_")
        if resume:
            self._refuse_changes()
        else:
            # A fit that fails must not leave an old network beside what was learned from new data.
            vars(self).pop("net_", None)
        inputs, y, weight = self._check(X, y, sample_weight, reset=not resume)
        split, random = self._seeds()
        training, validation = np.arange(len(y)), None
        if self.early_stopping and X_val is None:
            training, validation = validation_split(y, self.validation_fraction, split)
        if not resume:
            self._start(inputs, y, weight, training, random)
        rows = self._rows(inputs, y, weight, training)
        if X_val is not None:
            validation_rows = self._given_rows(X_val, y_val)
        elif validation is not None:
            validation_rows = Rows(rows.source, self._index(validation))
        else:
            validation_rows = None
        self._steer(
            len(rows),
            validated=validation_rows is not None,
            mean_weight=weight[training].mean(),
            epochs=self.max_iter,
            schedule=self.learning_rate,
        )
        return rows, validation_rows

    def _partial_fit(self, X, y, sample_weight):
        """Train for one epoch at a constant rate, from where the last call stopped."""
        if self.early_stopping or self.solver == "lbfgs":
            raise ValueError(
                "partial_fit trains one epoch; it goes with neither early_stopping=True nor "
                f"solver='lbfgs', but early_stopping={self.early_stopping} and "
                f"solver={self.solver!r}."
            )
        resume = hasattr(self, "net_")
        if resume:
            self._refuse_changes()
        inputs, y, weight = self._check(X, y, sample_weight, reset=not resume)
        everything = np.arange(len(y))
        if not resume:
            self._start(inputs, y, weight, everything, self._seeds()[1], first=True)
        self._trained_in_parts = True
        rows = self._rows(inputs, y, weight, everything)
        self._steer(
            len(rows), validated=False, mean_weight=weight.mean(), epochs=1, schedule="constant"
        )
        self.net_.partial_fit(rows)
        self._store_training()
        return self

    def _check(self, X, y, sample_weight, *, reset):
        """Check everything; rows of weight zero are left out, they are as good as absent."""
        check_lengths(X, y)
        X, y, weight = weighted_rows(X, y, sample_weight)
        inputs = self._check_inputs(X, reset=reset)
        y = self._check_y(y, reset=reset)
        return inputs, y, weight * self._class_weights(y, weight)

    def _start(self, inputs, y, weight, training, random, *, first=False):
        """Learn scales from the training rows, and make the network with its initial weights."""
        uniform = len(training) == len(y) and (weight == weight[0]).all()
        counted = np.zeros(len(y))
        counted[training] = weight[training]
        self._learn_inputs(inputs, None if uniform else counted, first=first)
        self._learn_y(y, counted)
        body = self._make_body(inputs, random)
        if self.solver == "lbfgs":
            self._refuse_changing_batches()
        objective = Supervised(
            body,
            self._make_head(body.n_features_out, random),
            augment=self._make_augment(random),
            mixers=self._make_mixers(random),
            body_rate=self._body_rate(),
        )
        self._trained_in_parts = False
        self._shape = self._shaping_parameters()
        self.net_ = self._make_net(objective, random, len(training))

    def _refuse_changing_batches(self):
        for name in self._changing:
            if getattr(self, name):
                raise ValueError(
                    f"solver='lbfgs' needs the same rows in every step, but {name}="
                    f"{getattr(self, name)!r}; take another solver or "
                    f"{name}={getattr(type(self), name)!r}."
                )

    def _shaping_parameters(self):
        """Write down the parameters that a network cannot change any more."""
        parameters = self.get_params(deep=False).items()
        return {name: described(value) for name, value in parameters if name not in _STEERING}

    def _refuse_changes(self):
        """Refuse to go on with a network that the parameters do not describe any more."""
        now = self._shaping_parameters()
        for name in now:
            if now[name] != self._shape[name]:
                raise ValueError(
                    f"{name}={now[name]} was {self._shape[name]} when this network was made, and "
                    "training cannot go on with another; use clone, or warm_start=False."
                )

    def _rows(self, inputs, y, weight, training):
        """Take the data to the device; weights have mean 1 over the training rows."""
        if (weight == weight[0]).all():
            weight = None
        else:
            weight = self._tensor(weight / weight[training].mean())
        x = self._to_tensors(inputs, slice(None), self.device_)
        source = Arrays(x, self._tensor(self._scaled_y(y)), weight)
        return Rows(source, self._index(training))

    def _given_rows(self, X_val, y_val):
        check_lengths(X_val, y_val)
        inputs = self._check_inputs(X_val, reset=False)
        y = self._check_y(y_val, reset=False)
        return self._rows(inputs, y, np.ones(len(y)), np.arange(len(y)))

    def _tensor(self, values):
        dtype = self._dtype if values.dtype.kind == "f" else torch.int64
        return torch.as_tensor(values, dtype=dtype, device=self.device_)

    def _index(self, rows):
        return torch.as_tensor(rows, device=self.device_)

    # What an architecture may say besides.

    # Parameters that let no two batches be the same.
    _changing = ("mixup",)

    def _make_augment(self, random: MemberRandom) -> Callable[[torch.Tensor], torch.Tensor] | None:
        """Make what changes the embedded inputs of a training batch (members, rows, ...)."""
        return None

    def _make_mixers(self, random: MemberRandom) -> list[Mixup]:
        """Make what mixes the rows of a training batch."""
        return [Mixup(self.mixup, random.seeds)] if self.mixup else []

    def _body_rate(self) -> float:
        """Return the body's learning rate as a multiple of the head's."""
        return 1.0

    # What a kind of target says.

    def _check_y(self, y: Any, *, reset: bool) -> np.ndarray:
        """Check targets and code them as numbers."""
        raise NotImplementedError

    def _class_weights(self, y: np.ndarray, weight: np.ndarray) -> np.ndarray | float:
        return 1.0

    def _learn_y(self, y: np.ndarray, weight: np.ndarray) -> None:
        pass

    def _scaled_y(self, y: np.ndarray) -> np.ndarray:
        return y

    def _make_head(self, n_features: int, random: MemberRandom) -> Head:
        raise NotImplementedError


def described(value: Any) -> str:
    """Describe a parameter, the same whichever sequence holds it and wherever in memory it is."""
    value = value.tolist() if isinstance(value, np.ndarray) else value
    value = tuple(value) if isinstance(value, list) else value
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
