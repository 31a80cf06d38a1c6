"""Representations that are learned without labels."""

from typing import TYPE_CHECKING

from sklearn_modern._core.lazy import lazy_names

if TYPE_CHECKING:
    from sklearn_modern.decomposition._autoencoder import Autoencoder, CNNAutoencoder
    from sklearn_modern.decomposition._variational import (
        CNNVariationalAutoencoder,
        VariationalAutoencoder,
    )

__all__ = [
    "Autoencoder",
    "CNNAutoencoder",
    "CNNVariationalAutoencoder",
    "VariationalAutoencoder",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Autoencoder": "_autoencoder",
        "CNNAutoencoder": "_autoencoder",
        "CNNVariationalAutoencoder": "_variational",
        "VariationalAutoencoder": "_variational",
    },
)
