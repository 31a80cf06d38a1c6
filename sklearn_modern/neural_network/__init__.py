"""Neural networks with fit and predict."""

from typing import TYPE_CHECKING

from sklearn_modern._core.lazy import lazy_names

if TYPE_CHECKING:
    from sklearn_modern.neural_network._cnn import CNNClassifier, CNNRegressor
    from sklearn_modern.neural_network._display import LossCurveDisplay
    from sklearn_modern.neural_network._generator import RNNGenerator, TransformerGenerator
    from sklearn_modern.neural_network._masked import MaskedTransformer
    from sklearn_modern.neural_network._mlp import MLPClassifier, MLPRegressor
    from sklearn_modern.neural_network._rnn import RNNClassifier, RNNRegressor
    from sklearn_modern.neural_network._seq2seq import RNNSeq2Seq, TransformerSeq2Seq
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
    "MaskedTransformer",
    "RNNClassifier",
    "RNNGenerator",
    "RNNRegressor",
    "RNNSeq2Seq",
    "SequenceCNNClassifier",
    "SequenceCNNRegressor",
    "TransformerClassifier",
    "TransformerGenerator",
    "TransformerRegressor",
    "TransformerSeq2Seq",
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
        "MaskedTransformer": "_masked",
        "RNNClassifier": "_rnn",
        "RNNGenerator": "_generator",
        "RNNRegressor": "_rnn",
        "RNNSeq2Seq": "_seq2seq",
        "SequenceCNNClassifier": "_sequence_cnn",
        "SequenceCNNRegressor": "_sequence_cnn",
        "TransformerClassifier": "_transformer",
        "TransformerGenerator": "_generator",
        "TransformerRegressor": "_transformer",
        "TransformerSeq2Seq": "_seq2seq",
        "ViTClassifier": "_vit",
        "ViTRegressor": "_vit",
    },
)
