"""Neural networks with fit and predict."""

from typing import TYPE_CHECKING

from sklearn_modern._core.lazy import lazy_names

if TYPE_CHECKING:
    from sklearn_modern.neural_network._cnn import CNNClassifier, CNNRegressor
    from sklearn_modern.neural_network._display import LossCurveDisplay
    from sklearn_modern.neural_network._mlp import MLPClassifier, MLPRegressor
    from sklearn_modern.neural_network._rnn import RNNClassifier, RNNRegressor
    from sklearn_modern.neural_network._sequence_cnn import (
        SequenceCNNClassifier,
        SequenceCNNRegressor,
    )
    from sklearn_modern.neural_network._transformer import (
        TransformerClassifier,
        TransformerRegressor,
    )
    from sklearn_modern.neural_network._vit import ViTClassifier, ViTRegressor

__all__ = [
    "CNNClassifier",
    "CNNRegressor",
    "LossCurveDisplay",
    "MLPClassifier",
    "MLPRegressor",
    "RNNClassifier",
    "RNNRegressor",
    "SequenceCNNClassifier",
    "SequenceCNNRegressor",
    "TransformerClassifier",
    "TransformerRegressor",
    "ViTClassifier",
    "ViTRegressor",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CNNClassifier": "_cnn",
        "CNNRegressor": "_cnn",
        "LossCurveDisplay": "_display",
        "MLPClassifier": "_mlp",
        "MLPRegressor": "_mlp",
        "RNNClassifier": "_rnn",
        "RNNRegressor": "_rnn",
        "SequenceCNNClassifier": "_sequence_cnn",
        "SequenceCNNRegressor": "_sequence_cnn",
        "TransformerClassifier": "_transformer",
        "TransformerRegressor": "_transformer",
        "ViTClassifier": "_vit",
        "ViTRegressor": "_vit",
    },
)
