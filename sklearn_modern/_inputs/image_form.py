"""Write images in the layout that others had."""

from typing import Any

import numpy as np

from sklearn_modern._inputs.images import SpatialReader

__all__ = ["ImageForm"]


class ImageForm:
    """The layout of an array of images, and the type of its pixels.

    Parameters
    ----------
    X : array-like
        The images, as they were handed to the reader.
    reader : SpatialReader
        What has read them.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator
    >>> from sklearn_modern._inputs.image_form import ImageForm
    >>> from sklearn_modern._inputs.images import SpatialReader
    >>> X = np.zeros((2, 8, 9, 3), dtype=np.uint8)
    >>> reader = SpatialReader(channels="last")
    >>> images = reader.fit_transform(BaseEstimator(), X)
    >>> form = ImageForm(X, reader)
    >>> form.restore(images + 0.6, whole=True).shape
    (2, 8, 9, 3)
    """

    def __init__(self, X: Any, reader: SpatialReader) -> None:
        is_list = isinstance(X, (list, tuple))
        if not (is_list or hasattr(X, "shape")):
            X = np.asarray(X)
        first = np.asarray(X[0] if is_list else X[:1])
        n_axes = first.ndim + is_list
        self.is_flat = n_axes == 2 and reader.input_shape is not None
        self.has_channels = self.is_flat or n_axes == len(reader.shape) + 1
        self.last = reader.channels == "last"
        self.dtype = first.dtype if first.dtype.kind in "buif" else np.dtype(np.float64)

    def restore(self, images: np.ndarray, *, whole: bool) -> np.ndarray:
        """Write images.

        Parameters
        ----------
        images : ndarray of shape (n_samples, channels, *spatial)
            Pixels in their own units.
        whole : bool
            Whether pixels that were whole or boolean by their type are so again, within what the
            type holds.

        Returns
        -------
        ndarray
            In the layout of X.
        """
        if not self.has_channels:
            images = images[:, 0]
        elif self.last:
            images = np.moveaxis(images, 1, -1)
        if self.is_flat:
            images = images.reshape(len(images), -1)
        if self.dtype.kind == "f":
            return np.ascontiguousarray(images, dtype=self.dtype)
        if not whole:
            return np.ascontiguousarray(images)
        if self.dtype.kind == "b":
            return np.ascontiguousarray(images > 0.5)
        limits = np.iinfo(self.dtype)
        return np.clip(np.rint(images), limits.min, limits.max).astype(self.dtype)
