"""Estimators over signals, images and volumes whose network is convolutional."""

import copy
from dataclasses import KW_ONLY
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import Interval, Options, StrOptions
from sklearn_modern._inputs.images import SpatialReader
from sklearn_modern._neural.inputs import ImageInputs
from sklearn_modern._neural.predictor import NeuralPredictor
from sklearn_modern._neural.settings import BATCHES
from sklearn_modern.augmentation.mixup import CutMix
from sklearn_modern.augmentation.presets import make_augmentation
from sklearn_modern.networks.convnet import ARCHITECTURES, STEMS, ConvNet
from sklearn_modern.networks.foreign import ForeignBody
from sklearn_modern.training.predictions import features

__all__ = ["ConvolutionalEstimator"]

# More than this many fits at once save little more.
_FITS_AT_ONCE = 20


@estimator
class ConvolutionalEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NeuralPredictor):
    """An estimator whose network is convolutional, over one, two or three spatial axes.

    Parameters
    ----------
    architecture : {"vgg", "lenet", "resnet", "se_resnet", "efficientnetv2"}, default="vgg"
        The kind of network: convolutions and pooling, without or with dense layers; residual
        blocks, without or with squeeze-and-excitation; or the (fused) inverted bottlenecks of
        EfficientNetV2. On small images "vgg" is the most accurate, and "lenet" takes half its time.
    width : int, default=16
        Channels of the first stage. Each further stage has twice as many, at half the resolution.
    depth : int, tuple of int or None, default=None
        Number of stages, or the number of blocks in each of them; None is the default of the
        architecture. Only with None are axes that have shrunk to 1 left alone.
    kernel_size : int or None, default=None
        Width of the kernels, odd; None is 5 for "lenet" and 3 for the others.
    stem : {"auto", "small", "large"}, default="auto"
        "large" quarters the resolution before the first stage, "small" leaves it; "auto" is "large"
        if an axis is longer than 64.
    bottleneck : bool, default=False
        Whether the residual blocks are bottlenecks, for deep and wide networks.
    dropout : float, default=0.1
        Probability with which a feature, an input of the last layer, is left out of a training
        step, also if the network is ``pretrained``; "lbfgs" leaves none out.
    input_shape : tuple of int or None, default=None
        ``(channels, *spatial)`` of the images, if X is flat, (n_samples, n_features).
    spatial_dims : {"auto", 1, 2, 3}, default="auto"
        How many axes of X are spatial. "auto" takes X with two axes for signals, with three for
        grey images, with four for images with channels, with five for volumes with channels. Given
        a number, X has an axis of channels if it has two axes more than that.
    channels : {"first", "last"}, default="first"
        Where the axis of channels is, also before rows were flattened.
    augment : str, tuple, transform, list of these or None, default=None
        How the images of a training batch are changed: a name ("flip", "shift", "crop", "rotate",
        "scale", "contrast", "brightness", "color_jitter", "erase", "cutout", "noise"), a pair of
        name and strength, a transform of :mod:`sklearn_modern.augmentation`, several of these, or
        "standard", which suits most images: small rotations, zooms and shifts. Each channel has
        been standardised before, so that strengths mean the same for all images and channels.
    cutmix : float, default=0.0
        Train on images with a box of another, whose share follows Beta(cutmix, cutmix); 0 is off.
        With ``mixup`` the two take turns, batch by batch.
    pretrained : FrozenEstimator, torch.nn.Module or None, default=None
        Start from a fitted network, ``FrozenEstimator(fitted)``, whose labels may have been others,
        or from any module that maps ``(rows, channels, *spatial)`` to features. An estimator of
        another kind works, too, if it offers a ``body_`` for such images. The fitted network goes
        on to scale pixels as it did; a module is given standardised channels of X. The parameters
        that shape a network are then ignored, except ``dropout``, which is applied to the
        features; dropout inside the network stays as it is.
    freeze : "body", "none" or int, default="body"
        Which part of ``pretrained`` stays as it is: all but the last layer, nothing, or this many
        blocks from the input on. A block is a convolution, a residual or inverted-bottleneck block,
        or a dense layer; in a module it is a child that has weights or statistics, with the
        children that follow it and have none. What a module itself does not train
        (``requires_grad=False``), and what does not affect its features, always stays.
    body_learning_rate_factor : float, default=0.1
        Learning rate of the part of ``pretrained`` that is trained, as a multiple of the last
        layer's; not used by "lbfgs".
    batch_size : "auto" or int, default="auto"
        Rows of a training batch; "auto" is a hundredth of the rows, rounded to a power of two
        from 32 to 256.
    max_iter : int, default=30
        Number of epochs, or of iterations for "lbfgs".

    Attributes
    ----------
    input_shape_ : tuple of int
        ``(channels, *spatial)`` of the fit.
    """

    _: KW_ONLY
    architecture: str = shapes(default="vgg", differs=False)
    width: int = shapes(default=16, differs=False)
    depth: int | tuple[int, ...] | None = shapes(default=None, differs=False)
    kernel_size: int | None = shapes(default=None, differs=False)
    stem: str = shapes(default="auto", differs=False)
    bottleneck: bool = shapes(default=False, differs=False)
    dropout: float = shapes(default=0.1, differs=True, needs=BATCHES)
    input_shape: tuple[int, ...] | None = shapes(default=None, differs=False)
    spatial_dims: int | str = shapes(default="auto", differs=False)
    channels: str = shapes(default="first", differs=False)
    augment: Any = shapes(default=None, packs_with=(None,), needs=BATCHES)
    cutmix: float = shapes(default=0.0, packs_with=(0,), needs=BATCHES)
    pretrained: Any = shapes(default=None, packs_with=(None,))
    freeze: int | str = shapes(default="body", differs=False)
    body_learning_rate_factor: float = shapes(default=0.1, differs=False)
    batch_size: int | str = steers(default="auto", differs=False, needs=BATCHES)
    max_iter: int = steers(default=30, differs=True)

    _parameter_constraints = {
        "architecture": [StrOptions(set(ARCHITECTURES))],
        "width": [Interval(Integral, 1, None, closed="left")],
        "depth": [None, "array-like", Interval(Integral, 1, None, closed="left")],
        "kernel_size": [None, Interval(Integral, 1, None, closed="left")],
        "stem": [StrOptions(set(STEMS))],
        "bottleneck": ["boolean"],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "input_shape": [None, "array-like"],
        "spatial_dims": [StrOptions({"auto"}), Options(Integral, {1, 2, 3})],
        "channels": [StrOptions({"first", "last"})],
        "augment": "no_validation",  # make_augmentation says what is wrong
        "cutmix": [Interval(Real, 0, None, closed="left")],
        "pretrained": "no_validation",  # _pretrained_body says what is wrong
        "freeze": [StrOptions({"body", "none"}), Interval(Integral, 0, None, closed="left")],
        "body_learning_rate_factor": [Interval(Real, 0, None, closed="neither")],
    }

    _auto_batches = 100

    @property
    def fits_at_once(self) -> int:
        """How many fits a search hands to :meth:`fit_many` at once, whatever their data are.

        They are recorded together when all are done, and fits to large images take long.
        """
        return min(super().fits_at_once, _FITS_AT_ONCE)

    def transform(self, X):
        """Return the features that the last layer sees.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Images, as for ``fit``.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            The features, those of several members side by side.
        """
        return self._in_chunks(X, features)

    def to_torch(self) -> torch.nn.Module:
        """Return the fitted network as a bare module, for use outside.

        Returns
        -------
        torch.nn.Module
            In evaluation mode, on the CPU, with the scaling of pixels folded in. It maps images
            ``(rows, channels, *spatial)``, of any type of number, to the probabilities of a
            classifier or the values of a regressor: ``predict``'s, all trained quantiles, or mean
            and standard deviation. :func:`torch.export.export` takes it.
        """
        check_is_fitted(self, "net_")
        return self._inputs.export(self.net_.module_, self._dtype)

    def _make_inputs(self):
        dtype = np.float64 if self.precision == "float64" else np.float32
        reader = SpatialReader(self.input_shape, self.spatial_dims, self.channels, dtype)
        # A fitted network has statistics of its own.
        standardised = self.pretrained is None or isinstance(self.pretrained, torch.nn.Module)
        return ImageInputs(reader, standardised=standardised)

    def _make_body(self, random):
        if isinstance(self.freeze, bool):
            raise ValueError(f'freeze={self.freeze} must be "body", "none" or a number of blocks.')
        body = self._new_body(random) if self.pretrained is None else self._pretrained_body(random)
        self._inputs.any_size = body.any_size
        return body

    def _new_body(self, random):
        if self.kernel_size is not None and self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size={self.kernel_size} must be odd, to have a middle.")
        return ConvNet(
            self._inputs.shape,
            random,
            architecture=self.architecture,
            width=self.width,
            depth=self.depth,
            kernel_size=self.kernel_size,
            stem=self.stem,
            dropout=self.dropout,
            bottleneck=self.bottleneck,
            mean=self._inputs.mean,
            scale=self._inputs.scale,
            dtype=self._float_type(),
        )

    def _pretrained_body(self, random):
        if isinstance(self.pretrained, torch.nn.Module):
            body = self._body_of_module(random)
        else:
            body = self._offered_body(random)
        parts = len(body.parts())
        n_frozen = {"body": parts, "none": 0}.get(self.freeze, self.freeze)
        if n_frozen > parts:
            raise ValueError(f"freeze={self.freeze}, but pretrained has {parts} blocks.")
        body.freeze(n_frozen)
        return body

    def _body_of_module(self, random):
        if self.n_members > 1:
            raise ValueError(
                f"A module as pretrained is one network, but n_members={self.n_members}."
            )
        return ForeignBody(
            self.pretrained,
            self._inputs.shape,
            random,
            mean=self._inputs.mean,
            scale=self._inputs.scale,
            dropout=self.dropout,
            dtype=self._float_type(),
        )

    def _offered_body(self, random):
        """Copy the body that a fitted estimator offers."""
        given, shape = self.pretrained, self._inputs.shape
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
                f"pretrained={given!r} must be a FrozenEstimator of a fitted CNNClassifier, "
                "CNNRegressor or other estimator that offers a body_, or a torch.nn.Module."
            )
        if hasattr(source, "fit"):
            check_is_fitted(source, msg="pretrained holds a %(name)s that is not fitted yet.")
        body = source.body_
        if not body.takes(shape):
            raise ValueError(
                f"X has images of the shape {shape}, but pretrained was fitted to "
                f"{getattr(body, 'input_shape', 'rows of another kind')}."
            )
        if body.members != self.n_members:
            raise ValueError(f"n_members={self.n_members}, but pretrained has {body.members}.")
        body = copy.deepcopy(body).cpu().to(self._float_type())
        body.restart(shape, random, self.dropout)
        return body

    def _float_type(self):
        return torch.float64 if self.precision == "float64" else torch.float32

    def _make_augment(self, random):
        augment = make_augmentation(self.augment, self._inputs.shape)
        return None if augment is None else partial(_for_each_member, augment, random)

    def _make_mixers(self, random):
        cutmix = [CutMix(self.cutmix, random.seeds)] if self.cutmix else []
        return super()._make_mixers(random) + cutmix

    def _body_rate(self):
        return 1.0 if self.pretrained is None else self.body_learning_rate_factor

    @property
    def _n_features_out(self):
        return self.body_.n_features_out * self.n_members

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _for_each_member(augment, random, x):
    """Change each member's rows (members, rows, ...) by its own random numbers."""
    generators = random.generators(x.device)
    if len(x) < len(generators):
        x = x.expand(len(generators), *x.shape[1:])
    changed = [augment(rows, own) for rows, own in zip(x, generators, strict=True)]
    return changed[0].unsqueeze(0) if len(changed) == 1 else torch.stack(changed)
