"""Estimators that make rows like those of the fit: of mixed tables, and images."""

from typing import TYPE_CHECKING

from sklearn_modern._core.lazy import lazy_names

if TYPE_CHECKING:
    from sklearn_modern.generation._cnn_flow_matching import CNNFlowMatching
    from sklearn_modern.generation._dcgan import DCGAN
    from sklearn_modern.generation._flow_matching import FlowMatching
    from sklearn_modern.generation._gan import GAN

__all__ = ["DCGAN", "GAN", "CNNFlowMatching", "FlowMatching"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "DCGAN": "_dcgan",
        "GAN": "_gan",
        "CNNFlowMatching": "_cnn_flow_matching",
        "FlowMatching": "_flow_matching",
    },
)
