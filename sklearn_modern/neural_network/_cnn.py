"""Convolutional networks for signals, images and volumes."""

from sklearn_modern._core.estimator import estimator
from sklearn_modern._neural.classifier import NeuralClassifier
from sklearn_modern._neural.convolutional import ConvolutionalEstimator
from sklearn_modern._neural.regressor import NeuralRegressor

__all__ = ["CNNClassifier", "CNNRegressor"]


@estimator
class CNNClassifier(ConvolutionalEstimator, NeuralClassifier):
    """Convolutional network for classification of signals, images and volumes.

    X is ``(n, *spatial)``, ``(n, channels, *spatial)``, or flat, with ``input_shape``. The default
    is a small network, which trains on a CPU in seconds on thousands of images of 8 x 8 to
    32 x 32 pixels. Bytes (uint8) are kept as bytes until a batch needs them.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_modern.neural_network import CNNClassifier
    >>> digits = load_digits()
    >>> X, y = digits.images[:300], digits.target[:300]
    >>> clf = CNNClassifier(width=8, max_iter=8, device="cpu", random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.9
    True
    """


@estimator
class CNNRegressor(ConvolutionalEstimator, NeuralRegressor):
    """Convolutional network for regression on signals, images and volumes.

    X is as for :class:`CNNClassifier`, and y is one number per row or several, such as the
    coordinates of key points.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_modern.neural_network import CNNRegressor
    >>> X = np.random.default_rng(0).normal(size=(200, 8, 8))
    >>> y = X[:, 2:6, 2:6].mean(axis=(1, 2))
    >>> reg = CNNRegressor(width=8, max_iter=8, device="cpu", random_state=0).fit(X, y)
    >>> reg.predict(X).shape
    (200,)
    """
