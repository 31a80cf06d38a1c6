"""Read signals, images and volumes, in whatever layout they come, for a convolutional network.

Pixels stay as small as they came: bytes remain bytes, and layouts are views, not copies.
"""

import math
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite, check_array
from sklearn.utils.validation import validate_data

from sklearn_modern._core.warning import warn_user
from sklearn_modern._inputs.cells import as_floats, refuse_unreadable
from sklearn_modern._inputs.validation import check_X

__all__ = ["SpatialReader", "channel_statistics"]

# How many axes of X are spatial by default, by the number of axes.
AUTO = {2: 1, 3: 2, 4: 2, 5: 3}
SPATIAL_AXES = {1: ["length"], 2: ["height", "width"], 3: ["depth", "height", "width"]}

# Values in a chunk: as float64 it stays in a core's cache.
CHUNK_VALUES = 1 << 15

SHAPES_SHOWN = 5

# An axis of so many entries, after longer ones, is likelier to hold channels than pixels: those of
# grey images and of colours, without and with transparency.
_CHANNELS = (1, 3, 4)
_MOST_CHANNELS = max(_CHANNELS)
# Flat rows shorter than those of digits of 8 x 8 pixels are no images.
_SMALLEST_SIDE = 8


class SpatialReader:
    """Turn what users call images into an array (n_samples, channels, *spatial).

    Parameters
    ----------
    input_shape : tuple of int, optional
        ``(channels, *spatial)``, if X is flat, (n_samples, n_features), as in a pipeline.
    spatial_dims : "auto", 1, 2 or 3, default="auto"
        How many axes are spatial. "auto" takes it from ``input_shape``; without one, X with 2 axes
        is signals of one channel, with 3 axes grey images, with 4 axes images with channels, and
        with 5 axes volumes with channels. Given a number, X may have channels or not.
    channels : {"first", "last"}, default="first"
        Where the channels of X are, if it has any; also before it was flattened.
    dtype : numpy.float32 or numpy.float64, default=numpy.float32
        Of the result, except that uint8 stays uint8.

    Attributes
    ----------
    shape : tuple of int
        ``(channels, *spatial)`` of the fit.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator
    >>> from sklearn_modern._inputs.images import SpatialReader
    >>> photographs = np.zeros((10, 32, 48, 3), dtype=np.uint8)
    >>> reader = SpatialReader(channels="last")
    >>> reader.fit_transform(BaseEstimator(), photographs).shape
    (10, 3, 32, 48)
    >>> reader.shape
    (3, 32, 48)
    """

    def __init__(
        self,
        input_shape: Any = None,
        spatial_dims: Any = "auto",
        channels: str = "first",
        dtype: Any = np.float32,
    ) -> None:
        if spatial_dims not in ("auto", *SPATIAL_AXES):
            raise ValueError(f'spatial_dims={spatial_dims!r} is unknown; it is "auto", 1, 2 or 3.')
        if channels not in ("first", "last"):
            raise ValueError(f'channels={channels!r} is unknown; it is "first" or "last".')
        self.input_shape = None if input_shape is None else _lengths(input_shape)
        if self.input_shape is not None and spatial_dims not in ("auto", len(self.input_shape) - 1):
            raise ValueError(
                f"input_shape={self.input_shape} has {len(self.input_shape) - 1} spatial axes "
                f"after the channels, but spatial_dims={spatial_dims}."
            )
        self.spatial_dims = spatial_dims
        self.channels = channels
        self.dtype = dtype

    def fit_transform(self, estimator: Any, X: Any) -> np.ndarray:
        """Learn the shape of the images, and read them.

        Sets ``n_features_in_`` of the ``estimator``, and its ``feature_names_in_`` if X has names.

        Returns
        -------
        ndarray of shape (n_samples, channels, *spatial)
            Finite. It may be a view of X.
        """
        images = self._read(estimator, X, self._layouts(), reset=True)
        self.shape = images.shape[1:]
        return images

    def transform(self, estimator: Any, X: Any, *, any_size: bool = False) -> np.ndarray:
        """Read images that have the shape of the fit.

        With ``any_size`` their spatial axes may have other lengths, unless X has two axes only.
        """
        spatial_dims = len(self.shape) - 1
        layouts = {n: dims for n, dims in self._layouts().items() if dims == spatial_dims}
        images = self._read(estimator, X, layouts, reset=False)
        (channels, *spatial), (fit_channels, *fit_spatial) = images.shape[1:], self.shape
        if channels != fit_channels:
            raise ValueError(f"X has {channels} channel(s), but {fit_channels} in fit.")
        if spatial != fit_spatial and not any_size:
            raise ValueError(
                f"X has spatial shape {tuple(spatial)}, but {tuple(fit_spatial)} in fit."
            )
        return images

    def _layouts(self):
        """How many axes X may have, and how many of them are spatial."""
        if self.input_shape is not None:
            return {2: len(self.input_shape) - 1}
        dims = self.spatial_dims
        return AUTO if dims == "auto" else {dims + 1: dims, dims + 2: dims}

    def _read(self, estimator, X, layouts, *, reset):
        refuse_unreadable(X, "X")
        X = _stack(X)
        n_axes = len(X.shape) if hasattr(X, "shape") else np.asarray(X).ndim
        if n_axes <= 2 and 2 in layouts:
            table = _read_table(estimator, X, self.dtype, reset)
            images = table[:, np.newaxis] if self.input_shape is None else self._unflatten(table)
        elif n_axes not in layouts:
            raise self._axes_error(n_axes, layouts, reset)
        else:
            images = _read_images(estimator, X, self.dtype, reset)
            grey = n_axes == layouts[n_axes] + 1
            images = images[:, np.newaxis] if grey else self._move(images)
        if reset and (doubt := self._doubt(n_axes, images.shape[1:])):
            warn_user(doubt)
        return images

    def _doubt(self, n_axes, shape):
        """Say what else X may be, if that is likelier than what it was read as."""
        channels, *spatial = shape
        signals = self.spatial_dims == "auto" and len(spatial) == 1
        if signals and self.input_shape is None and _side(*spatial):
            side = _side(*spatial)
            return (
                f"X has rows of {side * side} numbers, which are read as signals. If they are flat "
                f"images, pass input_shape={(1, side, side)}; if they are signals, spatial_dims=1."
            )
        if signals and n_axes == 2 and spatial == [channels] and channels > _MOST_CHANNELS:
            return (
                f"input_shape={shape} is read as {channels} channels of length {channels}. For "
                f"grey images pass input_shape={(1, *shape)}; for signals, spatial_dims=1, too."
            )
        *larger, last = shape
        if self.channels == "last" or last not in _CHANNELS:
            return None
        if min(larger) > _MOST_CHANNELS:
            found = "X has" if self.input_shape is None else "input_shape has"
            right = "" if self.input_shape is None else f" and input_shape={(last, *larger)}"
            return (
                f"{found} the shape {shape}, which is read as {channels} channels of "
                f'{" x ".join(map(str, spatial))}. If the channels are last, pass channels="last"'
                f"{right}."
            )
        if self.spatial_dims == "auto" and n_axes == 3 and spatial[0] > _MOST_CHANNELS:
            return (
                f"X has rows of the shape {tuple(spatial)}, which are read as grey images. If they "
                f'are signals of {last} channels, pass spatial_dims=1 and channels="last"; if '
                "they are images, spatial_dims=2."
            )
        return None

    def _unflatten(self, table):
        channels, *spatial = self.input_shape
        if math.prod(self.input_shape) != table.shape[1]:
            raise ValueError(
                f"input_shape={self.input_shape} makes {math.prod(self.input_shape)} features, "
                f"but X has {table.shape[1]}."
            )
        shape = [*spatial, channels] if self.channels == "last" else [channels, *spatial]
        return self._move(table.reshape(len(table), *shape))

    def _move(self, images):
        return np.moveaxis(images, -1, 1) if self.channels == "last" else images

    def _axes_error(self, n_axes, layouts, reset):
        found = "1 axis" if n_axes == 1 else f"{n_axes} axes"
        if self.input_shape is not None:
            verb, when = ("must be", "with input_shape") if reset else ("was", "in fit")
            return ValueError(f"X has {found}, but {verb} flat (n_samples, n_features) {when}.")
        right = " or ".join(f"{n} ({self._axes(n, dims)})" for n, dims in layouts.items())
        if not reset:
            right += ", as in fit"
        elif n_axes == 2:
            right += "; flat rows (n_samples, n_features) need input_shape"
        return ValueError(f"X has {found}, but should have {right}.")

    def _axes(self, n_axes, spatial_dims):
        names = ["n_samples", *SPATIAL_AXES[spatial_dims]]
        if n_axes > len(names):
            names.insert(len(names) if self.channels == "last" else 1, "channels")
        return ", ".join(names)


def channel_statistics(
    images: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and standard deviation of each channel, over rows and pixels.

    Parameters
    ----------
    images : ndarray of shape (n_samples, channels, *spatial)
        Finite.
    weights : ndarray of shape (n_samples,) or None
        Not negative, not all zero; None is 1 for every row. A weight of 2 equals the row twice, and
        a weight of 0 equals leaving it out.

    Returns
    -------
    mean, scale : ndarray of float64 of shape (channels,)
        The (biased) standard deviation is 1 where a channel is constant.
    """
    weights = np.ones(len(images)) if weights is None else np.asarray(weights, dtype=np.float64)
    extremes = [
        (block.min(axis=(0, 2)), block.max(axis=(0, 2)))
        for block, _ in _weighted_chunks(images, weights)
    ]
    low = np.min([low for low, _ in extremes], axis=0).astype(np.float64)
    span = np.max([high for _, high in extremes], axis=0) - low
    span[span == 0] = 1.0
    first, second = np.zeros_like(low), np.zeros_like(low)
    for block, weight in _weighted_chunks(images, weights):
        # From 0 to 1, so that an offset costs no digits, and squares neither overflow nor vanish.
        pixels: np.ndarray = block.astype(np.float64)
        pixels -= low[:, np.newaxis]
        pixels /= span[:, np.newaxis]
        first += weight @ pixels.sum(axis=2)
        second += weight @ np.square(pixels, out=pixels).sum(axis=2)
    total = weights.sum() * math.prod(images.shape[2:])
    first, second = first / total, second / total
    deviation = np.sqrt(np.maximum(second - first**2, 0.0)) * span
    return low + first * span, np.where(deviation > 0, deviation, 1.0)


def _side(length):
    """Return the side of the square that a row of pixels makes, 0 if it makes none."""
    side = math.isqrt(length)
    return side if side * side == length and side >= _SMALLEST_SIDE else 0


def _lengths(input_shape):
    lengths = tuple(input_shape) if isinstance(input_shape, (tuple, list, np.ndarray)) else ()
    positive = all(isinstance(length, Integral) and length > 0 for length in lengths)
    if not 2 <= len(lengths) <= 1 + max(SPATIAL_AXES) or not positive:
        raise ValueError(
            f"input_shape={input_shape!r} is not understood; it is (channels, *spatial), 2 to 4 "
            "positive integers, such as (3, 32, 32)."
        )
    return tuple(map(int, lengths))


def _stack(X):
    """Make one array of a list of arrays, and leave everything else as it is."""
    if _holds_rows(X):
        X = X.tolist()
    if not isinstance(X, (list, tuple)):
        return X
    shapes = [_shape(row) for row in X]
    first_rows = {shape: place for place, shape in reversed(list(enumerate(shapes)))}
    if len(first_rows) > 1 or any(shape.startswith("ragged") for shape in shapes):
        found = sorted((place, shape) for shape, place in first_rows.items())
        shown = ", ".join(f"{shape} in row {place}" for place, shape in found[:SHAPES_SHOWN])
        more = ", ..." if len(found) > SHAPES_SHOWN else ""
        raise ValueError(f"X has rows of different shapes: {shown}{more}; all must have one shape.")
    # Lists in a list may be a table of numbers beside text, which has its own reader.
    return np.stack(X) if X and not isinstance(X[0], (list, tuple)) else X


def _holds_rows(X):
    """Tell whether the objects in an array or a Series have parts themselves."""
    if len(getattr(X, "shape", ())) == 1:
        return X.dtype == object
    parts = X.flat if isinstance(X, np.ndarray) and X.dtype == object else ()
    return any(isinstance(part, (np.ndarray, list, tuple)) for part in parts)


def _shape(row):
    """Describe the shape of a row; of a ragged one, the shapes of its parts."""
    if row is None:
        return "None"
    try:
        return str(tuple(np.shape(row)))
    except ValueError:  # lists of different lengths
        return "ragged " + " and ".join(dict.fromkeys(_shape(part) for part in row))


def _read_table(estimator, X, dtype, reset):
    if isinstance(X, np.ndarray) and X.dtype == np.uint8:
        return validate_data(estimator, X, reset=reset, dtype=None)
    return check_X(estimator, X, reset=reset, dtype=dtype)


def _read_images(estimator, X, dtype, reset):
    """Check an array of more than two axes as `check_X` checks a table, and convert it."""
    images = check_array(
        X, dtype=None, allow_nd=True, ensure_all_finite=False, estimator=estimator, input_name="X"
    )
    if 0 in images.shape:
        raise ValueError(
            f"X has shape {images.shape}, but axis {images.shape.index(0)} must not have length 0."
        )
    images = _numbers(images, dtype)
    with np.errstate(invalid="ignore"):  # infinities of both signs
        try:
            assert_all_finite(images)
        except ValueError:
            raise _not_finite_error(estimator, images) from None
    if reset:
        estimator.n_features_in_ = math.prod(images.shape[1:])
        vars(estimator).pop("feature_names_in_", None)
    return images


def _numbers(images, dtype):
    if images.dtype == np.uint8:
        return images
    holds_text = images.dtype == object and any(isinstance(v, (str, bytes)) for v in images.flat)
    if images.dtype.kind in "biufO" and not holds_text:
        try:
            with np.errstate(over="ignore"):  # it becomes infinite, which is reported later
                return images.astype(dtype, copy=False)
        except OverflowError:
            return as_floats(images, dtype)
        except (TypeError, ValueError):
            pass
    raise ValueError(f"X has dtype {images.dtype} and is not numeric; pixels must be numbers.")


def _not_finite_error(estimator, images):
    name, rows = type(estimator).__name__, images.reshape(len(images), -1)
    missing, infinite = np.isnan(rows).any(axis=1).sum(), np.isinf(rows).any(axis=1).sum()
    if missing:
        return ValueError(
            f"Input X contains NaN in {missing} of {len(rows)} rows. {name} cannot use missing "
            "values; drop such rows, or impute them first."
        )
    return ValueError(
        f"Input X contains infinity or a value too large for {images.dtype!r} in {infinite} of "
        f"{len(rows)} rows. {name} needs finite values; drop such rows, or scale them first."
    )


def _weighted_chunks(images, weights) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Chunks (rows, channels, pixels) of the rows that have weight, and their weights."""
    step = max(1, CHUNK_VALUES // math.prod(images.shape[1:]))
    for start in range(0, len(images), step):
        block, weight = images[start : start + step], weights[start : start + step]
        if not weight.all():
            block, weight = block[weight != 0], weight[weight != 0]
        if len(weight):
            # A reduction over strided pixels is many times slower than this copy.
            yield np.ascontiguousarray(block).reshape(*block.shape[:2], -1), weight
