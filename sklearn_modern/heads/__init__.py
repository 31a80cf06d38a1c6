"""Heads: the last layer of a network, its loss, and what its outputs mean."""

from sklearn_modern._core.lazy import lazy_names

__all__ = [
    "AbsoluteError",
    "Gaussian",
    "Huber",
    "Poisson",
    "Quantile",
    "Sigmoid",
    "Softmax",
    "SquaredError",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "AbsoluteError": "continuous",
        "Gaussian": "continuous",
        "Huber": "continuous",
        "Poisson": "continuous",
        "Quantile": "continuous",
        "Sigmoid": "categorical",
        "Softmax": "categorical",
        "SquaredError": "continuous",
    },
)
