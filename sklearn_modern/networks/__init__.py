"""Bodies of neural networks and the layers they are made of.

A body maps inputs to features; a head (:mod:`sklearn_modern.heads`) gives the features a meaning.
Everything has a leading axis of members: networks of one shape that train side by side, each from
its own seed and none touched by its neighbours. One member is the ordinary network.
"""

from sklearn_modern._core.lazy import lazy_names

_MODULES = {
    "ACTIVATIONS": "activations",
    "BatchNorm": "layers",
    "Body": "base",
    "CategoryEmbedding": "embeddings",
    "Dropout": "dropout",
    "LayerNorm": "layers",
    "Linear": "layers",
    "MLP": "mlp",
    "MemberRandom": "random",
    "PeriodicEmbedding": "embeddings",
    "PiecewiseLinearEncoding": "embeddings",
}

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "BatchNorm",
    "Body",
    "CategoryEmbedding",
    "Dropout",
    "LayerNorm",
    "Linear",
    "MemberRandom",
    "PeriodicEmbedding",
    "PiecewiseLinearEncoding",
]

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
