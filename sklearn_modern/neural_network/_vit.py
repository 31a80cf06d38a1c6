"""Vision transformers for signals, images and volumes."""

from dataclasses import KW_ONLY
from numbers import Integral

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._neural.classifier import NeuralClassifier
from sklearn_modern._neural.images import ImageEstimator
from sklearn_modern._neural.regressor import NeuralRegressor
from sklearn_modern.networks.attention import POOLINGS
from sklearn_modern.networks.vision import PATCHES, VisionTransformer

__all__ = ["ViTClassifier", "ViTRegressor"]


@estimator
class VisionEstimator(ImageEstimator):
    """An estimator whose network is a vision transformer, over one, two or three spatial axes.

    Parameters
    ----------
    patch_size : int or "auto", default="auto"
        Length of a patch along each axis; a power of two, if ``patches`` are "convolution". "auto"
        is the smallest power of two from 2 on with which an image has at most 64 patches. Work
        grows with the number of patches.
    patches : {"convolution", "linear"}, default="convolution"
        What makes patches: convolutions and poolings that halve the resolution until a patch is a
        pixel [1]_, or one linear map of all pixels of a patch [2]_, which needs far more data.
    width : int, default=64
        Width of a patch within the network.
    depth : int, default=2
        Number of transformer blocks.
    n_heads : int, default=4
        Number of heads of an attention; it divides ``width``.
    pooling : {"attention", "mean"}, default="attention"
        How features are made of the patches of an image: by their mean, with weights that are
        learned from what is in a patch, or with equal ones.
    max_iter : int, default=30
        Number of epochs, or of iterations for "lbfgs".
    """

    _: KW_ONLY
    patch_size: int | str = shapes(default="auto", differs=False)
    patches: str = shapes(default="convolution", differs=False)
    width: int = shapes(default=64, differs=False)
    depth: int = shapes(default=2, differs=False)
    n_heads: int = shapes(default=4, differs=False)
    pooling: str = shapes(default="attention", differs=False)
    max_iter: int = steers(default=30, differs=True)

    _parameter_constraints = {
        "patch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "patches": [StrOptions(set(PATCHES))],
        "width": [Interval(Integral, 1, None, closed="left")],
        "depth": [Interval(Integral, 1, None, closed="left")],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "pooling": [StrOptions(set(POOLINGS))],
    }

    def _new_body(self, random):
        return VisionTransformer(
            self._inputs.shape,
            random,
            patch_size=self.patch_size,
            patches=self.patches,
            width=self.width,
            depth=self.depth,
            n_heads=self.n_heads,
            pooling=self.pooling,
            dropout=self.dropout,
            mean=self._inputs.mean,
            scale=self._inputs.scale,
            dtype=self._float_type(),
        )


@estimator
class ViTClassifier(VisionEstimator, NeuralClassifier):
    """Vision transformer for classification of signals, images and volumes.

    X is as for :class:`CNNClassifier`. Patches of an image look at each other by attention, however
    far apart they lie. On a few thousand small images the two are about as accurate, and
    :class:`CNNClassifier` takes less time.

    References
    ----------
    .. [1] Hassani, Walton, Shah, Abuduweili, Li, Shi (2021). Escaping the big data paradigm with
       compact transformers. arXiv:2104.05704.
    .. [2] Dosovitskiy et al. (2021). An image is worth 16x16 words: transformers for image
       recognition at scale. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_modern.neural_network import ViTClassifier
    >>> digits = load_digits()
    >>> X, y = digits.images[:300], digits.target[:300]
    >>> clf = ViTClassifier(width=16, depth=1, max_iter=10, device="cpu", random_state=0)
    >>> clf.fit(X, y).score(X, y) > 0.8
    True
    """


@estimator
class ViTRegressor(VisionEstimator, NeuralRegressor):
    """Vision transformer for regression on signals, images and volumes.

    X is as for :class:`CNNClassifier`, and y is one number per row or several.

    References
    ----------
    .. [1] Hassani, Walton, Shah, Abuduweili, Li, Shi (2021). Escaping the big data paradigm with
       compact transformers. arXiv:2104.05704.
    .. [2] Dosovitskiy et al. (2021). An image is worth 16x16 words: transformers for image
       recognition at scale. ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_modern.neural_network import ViTRegressor
    >>> X = np.random.default_rng(0).normal(size=(200, 8, 8))
    >>> y = X[:, 2:6, 2:6].mean(axis=(1, 2))
    >>> reg = ViTRegressor(width=16, max_iter=5, device="cpu", random_state=0).fit(X, y)
    >>> reg.predict(X).shape
    (200,)
    """
