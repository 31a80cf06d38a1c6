"""Neural classifiers and regressors, whatever their architecture."""

from dataclasses import KW_ONLY
from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.base import ClassifierMixin, MultiOutputMixin, RegressorMixin, _fit_context
from sklearn.utils import _safe_indexing, compute_sample_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _num_samples, check_is_fitted

from sklearn_modern._estimator import estimator
from sklearn_modern._splitting import validation_split
from sklearn_modern._validation import (
    check_labels,
    check_lengths,
    check_multilabel,
    check_targets,
    check_weights,
    is_multilabel,
)
from sklearn_modern.augmentation.mixup import Mixup
from sklearn_modern.heads.base import Head
from sklearn_modern.heads.categorical import Sigmoid, Softmax
from sklearn_modern.heads.continuous import HEADS
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.neural_network._base import NeuralEstimator
from sklearn_modern.training.batches import Arrays, Rows
from sklearn_modern.training.objective import Supervised

__all__ = ["NeuralClassifier", "NeuralPredictor", "NeuralRegressor"]

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

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, X_val=None, y_val=None):
        """Fit the network.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Training data.
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
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val go together, but only one of them was given.")
        resume = self.warm_start and hasattr(self, "net_")
        if resume:
            self._refuse_changes()
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
        self._train(
            rows,
            validation_rows,
            mean_weight=weight[training].mean(),
            epochs=self.max_iter,
            schedule=self.learning_rate,
        )
        return self

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
        self._train(rows, None, mean_weight=weight.mean(), epochs=1, schedule="constant")
        return self

    def _check(self, X, y, sample_weight, *, reset):
        """Check everything; rows of weight zero are left out, they are as good as absent."""
        check_lengths(X, y)
        n_rows = _num_samples(X)
        weight = check_weights(sample_weight, n_rows, dtype=np.float64)
        if not weight.all():
            kept = np.flatnonzero(weight)
            X = X.tocsr() if sp.issparse(X) else X
            X, y, weight = _safe_indexing(X, kept), _safe_indexing(y, kept), weight[kept]
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
        if self.mixup and self.solver == "lbfgs":
            raise ValueError(
                f"solver='lbfgs' needs the same rows in every step, but mixup={self.mixup}; take "
                "another solver or mixup=0."
            )
        mixup = Mixup(self.mixup, random.seeds) if self.mixup else None
        objective = Supervised(body, self._make_head(body.n_features_out, random), mixup)
        self._trained_in_parts = False
        self._shape = self._shaping_parameters()
        self.net_ = self._make_net(objective, random, len(training))

    def _shaping_parameters(self):
        """Write down the parameters that a network cannot change any more."""
        parameters = self.get_params(deep=False).items()
        return {name: repr(value) for name, value in parameters if name not in _STEERING}

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


@estimator
class NeuralClassifier(ClassifierMixin, NeuralPredictor):
    """A network that predicts classes: two, several, or any number of labels at once.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Share of each target that is spread evenly over the classes.
    class_weight : dict, "balanced", list of dict or None, default=None
        Weights of the classes, which multiply the sample weights; "balanced" is inversely
        proportional to their frequencies. A list has one entry a label of a multilabel y.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels; for a multilabel y the positions of the labels.
    """

    _: KW_ONLY
    label_smoothing: float = 0.0
    class_weight: Any = None

    _parameter_constraints = NeuralPredictor._parameter_constraints | {
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, *, classes=None, sample_weight=None):
        """Train for one more epoch, on these rows.

        Scales, known categories and which columns have missing values are those of the first call.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Targets.
        classes : array-like of shape (n_classes,), default=None
            All classes there will be; needed in the first call if its y lacks some.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        self : estimator
            The trained estimator.
        """
        if classes is not None:
            classes = np.unique(classes)
            if is_multilabel(y):
                raise ValueError("classes is for one column of labels, but y has several.")
            if hasattr(self, "net_") and not np.array_equal(classes, self.classes_):
                raise ValueError(
                    f"classes={classes.tolist()} are not those of the first call, "
                    f"{self.classes_.tolist()}."
                )
        self._expected_classes = classes
        try:
            return self._partial_fit(X, y, sample_weight)
        finally:
            del self._expected_classes

    def predict_proba(self, X):
        """Return probabilities.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Of each class, in the order of ``classes_``; for a multilabel y that of each label.
        """
        return self._decode(X)

    def predict_log_proba(self, X):
        """Return logarithms of the probabilities.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            As ``predict_proba``, and finite.
        """
        probabilities = self._decode(X)
        return np.log(np.maximum(probabilities, np.finfo(probabilities.dtype).tiny))

    def predict(self, X):
        """Predict classes.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            The likeliest class; for a multilabel y a one for each label that is likelier than not.
        """
        decided = self._decide(X)
        return decided if self._multilabel else self.classes_[decided]

    def _check_y(self, y, *, reset):
        if reset:
            self._multilabel = is_multilabel(y)
        if self._multilabel:
            y = check_multilabel(y)
            if reset:
                self.classes_ = np.arange(y.shape[1])
            elif y.shape[1] != len(self.classes_):
                raise ValueError(f"y has {y.shape[1]} labels, expected {len(self.classes_)}.")
            return y
        known = getattr(self, "_expected_classes", None) if reset else self.classes_
        self.classes_, codes = check_labels(y, classes=known)
        return codes

    def _class_weights(self, y, weight):
        if self.class_weight is None:
            return 1.0
        if isinstance(self.class_weight, str):
            return np.prod([_balancing(codes, weight) for codes in np.atleast_2d(y.T)], axis=0)
        if isinstance(self.class_weight, dict) and not self._multilabel:
            unknown = set(self.class_weight) - set(self.classes_.tolist())
            if unknown:
                raise ValueError(
                    f"class_weight has the classes {sorted(unknown, key=str)}, which are not among "
                    f"{self.classes_.tolist()}."
                )
            by_class = [self.class_weight.get(label, 1.0) for label in self.classes_.tolist()]
            weights = np.asarray(by_class, dtype=np.float64)[y]
        else:
            weights = compute_sample_weight(self.class_weight, y)
        if not (weights > 0).all():
            raise ValueError(f"class_weight={self.class_weight!r} must have positive weights only.")
        return weights

    def _scaled_y(self, y):
        return y.astype(np.float64) if self._multilabel else y

    def _make_head(self, n_features, random):
        kind = Sigmoid if self._multilabel else Softmax
        return kind(n_features, len(self.classes_), random, label_smoothing=self.label_smoothing)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _balancing(codes, weight):
    """Weigh classes inversely to the weight that they have already, for equal totals."""
    total = np.bincount(codes, weight)
    return weight.sum() / (np.count_nonzero(total) * total[codes])


def _predicts_quantiles(regressor):
    loss = getattr(regressor, "_loss", regressor.loss)
    if loss != "quantile":
        raise AttributeError(f"predict_quantiles needs loss='quantile', but loss={loss!r}.")
    return True


@estimator
class NeuralRegressor(MultiOutputMixin, RegressorMixin, NeuralPredictor):
    """A network that predicts one number or several.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "quantile", "gaussian"}, \
            default="squared_error"
        What is minimised: "squared_error" fits the mean; "absolute_error" the median; "huber" is
        quadratic up to one standard deviation of y and linear beyond; "quantile" fits ``quantiles``
        and the median, which ``predict`` gives; "gaussian" fits mean and variance.
    quantiles : tuple of float, default=(0.5,)
        The levels that ``predict_quantiles`` gives, each between 0 and 1.
    scale_target : bool, default=True
        Train on y with mean 0 and variance 1. Predictions are in the original units.
    """

    _: KW_ONLY
    loss: str = "squared_error"
    quantiles: tuple[float, ...] = (0.5,)
    scale_target: bool = True

    _parameter_constraints = NeuralPredictor._parameter_constraints | {
        "loss": [StrOptions(set(HEADS))],
        "quantiles": ["array-like"],
        "scale_target": ["boolean"],
    }

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, *, sample_weight=None):
        """Train for one more epoch, on these rows.

        Scales, known categories and which columns have missing values are those of the first call.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        self : estimator
            The trained estimator.
        """
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X, return_std=False):
        """Predict the target.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows to predict.
        return_std : bool, default=False
            Whether to return standard deviations, too; needs ``loss="gaussian"``.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions.
        std : ndarray of the same shape
            Standard deviations, if ``return_std``.
        """
        if not return_std:
            return self._decide(X)
        check_is_fitted(self, "net_")
        if self._loss != "gaussian":
            raise ValueError(f"return_std=True needs loss='gaussian', but loss={self._loss!r}.")
        mean, std = np.moveaxis(self._decode(X), -1, 0)
        return (mean, std) if mean.shape[1] > 1 else (mean[:, 0], std[:, 0])

    @available_if(_predicts_quantiles)
    def predict_quantiles(self, X):
        """Predict the ``quantiles``.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples, n_quantiles)
            In the order of ``quantiles``; they never cross.
        """
        return self._decode(X)[:, self.net_.module_.head.asked]

    def _check_y(self, y, *, reset):
        y = check_targets(y, dtype=np.float64)
        shape = y.shape[1:]
        if reset:
            self._target_shape, self._loss = shape, self.loss
            self._check_quantiles()
        elif shape != self._target_shape:
            raise ValueError(f"y has targets of shape {shape}, expected {self._target_shape}.")
        return y

    def _check_quantiles(self):
        if self.loss != "quantile":
            return
        levels = np.asarray(self.quantiles, dtype=float)
        if levels.ndim != 1 or not len(levels) or len(np.unique(levels)) < len(levels):
            raise ValueError(f"quantiles={self.quantiles!r} must be one or more different levels.")
        if not ((levels > 0) & (levels < 1)).all():
            raise ValueError(f"quantiles={self.quantiles!r} must lie between 0 and 1.")
        if self._target_shape:
            raise ValueError(
                f"loss='quantile' takes one target, but y has {self._target_shape[0]} columns."
            )

    def _learn_y(self, y, weight):
        self._target_mean, self._target_scale = np.zeros(y.shape[1:]), np.ones(y.shape[1:])
        if self.scale_target:
            mean = np.average(y, axis=0, weights=weight)
            deviation = np.sqrt(np.average((y - mean) ** 2, axis=0, weights=weight))
            # A constant target keeps its scale; so does one that varies by rounding errors only.
            varies = deviation > 10 * np.finfo(np.float64).eps * np.abs(mean)
            self._target_mean, self._target_scale = mean, np.where(varies, deviation, 1.0)

    def _scaled_y(self, y):
        return (y - self._target_mean) / self._target_scale

    def _make_head(self, n_features, random):
        units = {
            "target_mean": np.atleast_1d(self._target_mean),
            "target_scale": np.atleast_1d(self._target_scale),
        }
        if self.loss == "quantile":
            return HEADS[self.loss](n_features, self.quantiles, random, **units)
        n_targets = self._target_shape[0] if self._target_shape else 1
        return HEADS[self.loss](n_features, n_targets, random, **units)
