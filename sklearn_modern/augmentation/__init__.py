"""What happens to a training batch before the network sees it."""

from typing import TYPE_CHECKING

from sklearn_modern._core.lazy import lazy_names

if TYPE_CHECKING:
    from sklearn_modern.augmentation.base import Transform
    from sklearn_modern.augmentation.erasing import RandomErasing
    from sklearn_modern.augmentation.geometric import (
        RandomFlip,
        RandomRotation,
        RandomScale,
        RandomShift,
    )
    from sklearn_modern.augmentation.photometric import (
        ColorJitter,
        GaussianNoise,
        RandomBrightness,
        RandomContrast,
    )
    from sklearn_modern.augmentation.presets import Compose

__all__ = [
    "ColorJitter",
    "Compose",
    "GaussianNoise",
    "RandomBrightness",
    "RandomContrast",
    "RandomErasing",
    "RandomFlip",
    "RandomRotation",
    "RandomScale",
    "RandomShift",
    "Transform",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ColorJitter": "photometric",
        "Compose": "presets",
        "GaussianNoise": "photometric",
        "RandomBrightness": "photometric",
        "RandomContrast": "photometric",
        "RandomErasing": "erasing",
        "RandomFlip": "geometric",
        "RandomRotation": "geometric",
        "RandomScale": "geometric",
        "RandomShift": "geometric",
        "Transform": "base",
    },
)
