"""Estimators over signals, images and volumes whose network is convolutional."""

from dataclasses import KW_ONLY
from numbers import Integral
from typing import Any

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._neural.images import ImageEstimator, ImageSettings
from sklearn_modern.networks.convnet import ARCHITECTURES, STEMS, ConvNet
from sklearn_modern.networks.random import MemberRandom

__all__ = ["ConvolutionalEstimator", "ConvolutionalSettings"]


@estimator
class ConvolutionalSettings(ImageSettings):
    """A network that convolves, over one, two or three spatial axes, whatever it makes of them.

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
    """

    _: KW_ONLY
    architecture: str = shapes(default="vgg", differs=False)
    width: int = shapes(default=16, differs=False)
    depth: int | tuple[int, ...] | None = shapes(default=None, differs=False)
    kernel_size: int | None = shapes(default=None, differs=False)
    stem: str = shapes(default="auto", differs=False)
    bottleneck: bool = shapes(default=False, differs=False)

    _parameter_constraints = {
        "architecture": [StrOptions(set(ARCHITECTURES))],
        "width": [Interval(Integral, 1, None, closed="left")],
        "depth": [None, "array-like", Interval(Integral, 1, None, closed="left")],
        "kernel_size": [None, Interval(Integral, 1, None, closed="left")],
        "stem": [StrOptions(set(STEMS))],
        "bottleneck": ["boolean"],
    }

    def _convolutions(self, random: MemberRandom, **more: Any) -> ConvNet:
        """Make the network, with initial weights."""
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
            **more,
        )


@estimator
class ConvolutionalEstimator(ConvolutionalSettings, ImageEstimator):
    """An estimator whose network is convolutional, over one, two or three spatial axes.

    Parameters
    ----------
    max_iter : int, default=30
        Number of epochs, or of iterations for "lbfgs".
    """

    _: KW_ONLY
    max_iter: int = steers(default=30, differs=True)

    def _new_body(self, random):
        return self._convolutions(random)
