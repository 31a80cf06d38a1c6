"""Neural networks with fit and predict."""

from typing import TYPE_CHECKING

from sklearn_modern._core.lazy import lazy_names

if TYPE_CHECKING:
    from sklearn_modern.neural_network._cnn import CNNClassifier, CNNRegressor
    from sklearn_modern.neural_network._display import LossCurveDisplay
    from sklearn_modern.neural_network._mlp import MLPClassifier, MLPRegressor

__all__ = [
    "CNNClassifier",
    "CNNRegressor",
    "LossCurveDisplay",
    "MLPClassifier",
    "MLPRegressor",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CNNClassifier": "_cnn",
        "CNNRegressor": "_cnn",
        "LossCurveDisplay": "_display",
        "MLPClassifier": "_mlp",
        "MLPRegressor": "_mlp",
    },
)
