"""Autoencoders of tables and of images."""

from sklearn_modern._core.estimator import estimator
from sklearn_modern._neural.autoencoding import AutoencoderEstimator
from sklearn_modern._neural.coded_rows import CodedImages, CodedTable
from sklearn_modern._neural.reversible import ReversibleImages

__all__ = ["Autoencoder", "CNNAutoencoder"]


@estimator
class Autoencoder(AutoencoderEstimator, CodedTable):
    """Squeeze rows of a table into codes of a few numbers, and make rows of codes.

    Where PCA draws a plane through the rows, an autoencoder bends it [1]_. Columns may be numbers
    and categories, with missing cells: these have no part in the loss, and :meth:`reconstruct`
    fills them.

    References
    ----------
    .. [1] Hinton, Salakhutdinov (2006). Reducing the dimensionality of data with neural networks.
       Science 313.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_modern.decomposition import Autoencoder
    >>> X = load_iris().data
    >>> autoencoder = Autoencoder(n_components=2, device="cpu", random_state=0).fit(X)
    >>> autoencoder.transform(X).shape
    (150, 2)
    >>> bool(np.abs(autoencoder.reconstruct(X) - X).mean() < 0.2)
    True
    """


@estimator
class CNNAutoencoder(AutoencoderEstimator, CodedImages):
    """Squeeze signals, images or volumes into codes of a few numbers, and make them of codes.

    X is ``(n, *spatial)``, ``(n, channels, *spatial)``, or flat, with ``input_shape``. A
    convolutional network maps images to codes [1]_, and one that enlarges small images step by
    step maps codes to images.

    References
    ----------
    .. [1] Masci, Meier, Ciresan, Schmidhuber (2011). Stacked convolutional auto-encoders for
       hierarchical feature extraction. ICANN.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_modern.decomposition import CNNAutoencoder
    >>> X = load_digits().images[:200]
    >>> autoencoder = CNNAutoencoder(4, width=4, max_iter=5, device="cpu", random_state=0).fit(X)
    >>> autoencoder.transform(X).shape, autoencoder.reconstruct(X).shape
    ((200, 4), (200, 8, 8))
    """

    def _make_inputs(self):
        return ReversibleImages(self._make_reader())
