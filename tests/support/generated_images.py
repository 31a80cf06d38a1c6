"""Small signals, images and volumes whose classes only their pattern tells apart."""

import numpy as np


def stripes(n=60, side=8, n_axes=2, channels=1, seed=0):
    """Waves along one axis each, of random phase, as bytes (n, channels, *spatial).

    The class is the axis, or for a signal the length of the wave.
    """
    rng = np.random.default_rng(seed)
    n_classes = max(n_axes, 2)
    codes = np.arange(n) % n_classes
    places = np.indices((side,) * n_axes)
    images = np.empty((n, channels, *places.shape[1:]))
    for image, code in zip(images, codes, strict=True):
        along, length = (places[code], 4) if n_axes > 1 else (places[0], [3, 6][code])
        wave = np.sin(2 * np.pi * (along / length + rng.random()))
        image[:] = 128 + rng.uniform(60, 100) * wave + rng.normal(0, 8, image.shape)
    return images.clip(0, 255).astype(np.uint8), codes


def blobs(n=60, side=8, seed=0):
    """A bright spot in each image (n, side, side), as bytes, and where it is."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(1, side - 2, size=(n, 2))
    rows, columns = np.indices((side, side))
    squares = (rows - places[:, 0, None, None]) ** 2 + (columns - places[:, 1, None, None]) ** 2
    return (255 * np.exp(-squares / 3)).astype(np.uint8), places
