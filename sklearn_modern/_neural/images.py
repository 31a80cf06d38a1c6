"""Estimators over signals, images and volumes."""

from dataclasses import KW_ONLY
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import Interval, Options, StrOptions
from sklearn_modern._inputs.images import SpatialReader
from sklearn_modern._neural.estimator import NeuralEstimator
from sklearn_modern._neural.inputs import ImageInputs
from sklearn_modern._neural.settings import BATCHES
from sklearn_modern._neural.transfer import TransferEstimator
from sklearn_modern.augmentation.mixup import CutMix
from sklearn_modern.augmentation.presets import make_augmentation
from sklearn_modern.networks.foreign import ForeignBody

__all__ = ["ImageEstimator", "ImageSettings"]

# More than this many fits at once save little more.
_FITS_AT_ONCE = 20


@estimator
class ImageSettings(NeuralEstimator):
    """A network that takes arrays with spatial axes, whatever it makes of them.

    Parameters
    ----------
    input_shape : tuple of int or None, default=None
        ``(channels, *spatial)`` of the images, if X is flat, (n_samples, n_features).
    spatial_dims : {"auto", 1, 2, 3}, default="auto"
        How many axes of X are spatial. "auto" takes X with two axes for signals, with three for
        grey images, with four for images with channels, with five for volumes with channels. Given
        a number, X has an axis of channels if it has two axes more than that.
    channels : {"first", "last"}, default="first"
        Where the axis of channels is, also before rows were flattened.
    batch_size : "auto" or int, default="auto"
        Rows of a training batch; "auto" is a hundredth of the rows, rounded to a power of two
        from 32 to 256.

    Attributes
    ----------
    input_shape_ : tuple of int
        ``(channels, *spatial)`` of the fit.
    """

    _: KW_ONLY
    input_shape: tuple[int, ...] | None = shapes(default=None, differs=False)
    spatial_dims: int | str = shapes(default="auto", differs=False)
    channels: str = shapes(default="first", differs=False)
    batch_size: int | str = steers(default="auto", differs=False, needs=BATCHES)

    _parameter_constraints = {
        "input_shape": [None, "array-like"],
        "spatial_dims": [StrOptions({"auto"}), Options(Integral, {1, 2, 3})],
        "channels": [StrOptions({"first", "last"})],
    }

    _auto_batches = 100

    def _make_reader(self):
        dtype = np.float64 if self.precision == "float64" else np.float32
        return SpatialReader(self.input_shape, self.spatial_dims, self.channels, dtype)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


@estimator
class ImageEstimator(ImageSettings, TransferEstimator):
    """An estimator whose network takes arrays with one, two or three spatial axes.

    Parameters
    ----------
    augment : str, tuple, transform, list of these or None, default=None
        How the images of a training batch are changed: a name ("flip", "shift", "crop", "rotate",
        "scale", "contrast", "brightness", "color_jitter", "erase", "cutout", "noise"), a pair of
        name and strength, a transform of :mod:`sklearn_modern.augmentation`, several of these, or
        "standard", which suits most images: small rotations, zooms and shifts. Each channel has
        been standardised before, so that strengths mean the same for all images and channels.
    cutmix : float, default=0.0
        Train on images with a box of another, whose share follows Beta(cutmix, cutmix); 0 is off.
        With ``mixup`` the two take turns, batch by batch.
    """

    _: KW_ONLY
    augment: Any = shapes(default=None, packs_with=(None,), needs=BATCHES)
    cutmix: float = shapes(default=0.0, packs_with=(0,), needs=BATCHES)

    _parameter_constraints = {
        "augment": "no_validation",  # make_augmentation says what is wrong
        "cutmix": [Interval(Real, 0, None, closed="left")],
    }

    @property
    def fits_at_once(self) -> int:
        """How many fits a search hands to :meth:`fit_many` at once, whatever their data are.

        They are recorded together when all are done, and fits to large images take long.
        """
        return min(super().fits_at_once, _FITS_AT_ONCE)

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
        # A fitted network has statistics of its own.
        standardised = self.pretrained is None or isinstance(self.pretrained, torch.nn.Module)
        return ImageInputs(self._make_reader(), standardised=standardised)

    def _make_body(self, random):
        body = super()._make_body(random)
        self._inputs.any_size = body.any_size
        return body

    def _body_of_module(self, random):
        return ForeignBody(
            self.pretrained,
            self._inputs.shape,
            random,
            mean=self._inputs.mean,
            scale=self._inputs.scale,
            dropout=self.dropout,
            dtype=self._float_type(),
        )

    def _make_augment(self, random):
        augment = make_augmentation(self.augment, self._inputs.shape)
        return None if augment is None else partial(_for_each_member, augment, random)

    def _make_mixers(self, random):
        cutmix = [CutMix(self.cutmix, random.seeds)] if self.cutmix else []
        return super()._make_mixers(random) + cutmix

    @property
    def _row_shape(self):
        return self._inputs.shape


def _for_each_member(augment, random, x):
    """Change each member's rows (members, rows, ...) by its own random numbers."""
    generators = random.generators(x.device)
    if len(x) < len(generators):
        x = x.expand(len(generators), *x.shape[1:])
    changed = [augment(rows, own) for rows, own in zip(x, generators, strict=True)]
    return changed[0].unsqueeze(0) if len(changed) == 1 else torch.stack(changed)
