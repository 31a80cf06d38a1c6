"""Recurrent networks for sequences."""

from collections.abc import Sequence
from dataclasses import KW_ONLY
from numbers import Integral
from typing import Any

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._neural.classifier import NeuralClassifier
from sklearn_modern._neural.regressor import NeuralRegressor
from sklearn_modern._neural.sequences import SequenceEstimator
from sklearn_modern._neural.tabular import widths
from sklearn_modern.networks.recurrent import CELLS, POOLINGS, Recurrent

__all__ = ["RNNClassifier", "RNNRegressor"]


@estimator
class RecurrentEstimator(SequenceEstimator):
    """An estimator whose network is recurrent.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(64,)
        States of each layer, in one direction.
    cell : {"lstm", "gru", "rnn"}, default="lstm"
        What layers are made of: long short-term memory, gated recurrent units, or plain ones.
    bidirectional : bool, default=True
        Whether each layer runs in both directions, the backward one from the end of each sequence.
    pooling : str or tuple of {"last", "mean", "max"}, default=("last", "mean", "max")
        What the last layer's states become features by: those at the end of the run, their means
        and their largest values over the steps, side by side.
    """

    hidden_layer_sizes: int | tuple[int, ...] = shapes(default=(64,), differs=False)
    _: KW_ONLY
    cell: str = shapes(default="lstm", differs=False)
    bidirectional: bool = shapes(default=True, differs=False)
    pooling: Any = shapes(default=("last", "mean", "max"), differs=False)

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "cell": [StrOptions(set(CELLS))],
        "bidirectional": ["boolean"],
        "pooling": [StrOptions(set(POOLINGS)), list, tuple],
    }

    @property
    def _embedding_std(self):
        # Many words are rare, and what little is known of them should count for little.
        return 1.0 if self._inputs.attributes()["analyzer_"] == "char" else 0.3

    def _new_body(self, random):
        sizes = widths(self.hidden_layer_sizes)
        if not sizes:
            raise ValueError("hidden_layer_sizes=() must have one layer at least.")
        return Recurrent(
            random,
            sizes,
            cell=self.cell,
            bidirectional=self.bidirectional,
            pooling=_poolings(self.pooling),
            **self._sequence_settings(random),
        )


def _poolings(pooling: str | Sequence[str]) -> tuple[str, ...]:
    names = (pooling,) if isinstance(pooling, str) else tuple(pooling)
    if not names or any(name not in list(POOLINGS) or names.count(name) > 1 for name in names):
        raise ValueError(f"pooling={pooling!r} must be one or several of {list(POOLINGS)}.")
    return names


@estimator
class RNNClassifier(RecurrentEstimator, NeuralClassifier):
    """Recurrent network for classification of texts and other sequences.

    X is texts, lists of tokens, arrays (length, channels) of any length, or a table or array of
    sequences of equal length. A row's prediction does not depend on the rows beside it. On long
    sequences (hundreds of steps) of few rows recurrent networks fail; take
    :class:`SequenceCNNClassifier` there.

    References
    ----------
    Hochreiter, Schmidhuber (1997), "Long Short-Term Memory", Neural Computation 9.

    Cho et al. (2014), "Learning Phrase Representations using RNN Encoder-Decoder for Statistical
    Machine Translation", EMNLP.

    Examples
    --------
    >>> from sklearn_modern.neural_network import RNNClassifier
    >>> texts = ["good", "very good", "bad", "very bad", "so good", "so bad"] * 5
    >>> y = ["good" in text for text in texts]
    >>> clf = RNNClassifier(8, max_iter=20, device="cpu", random_state=0).fit(texts, y)
    >>> clf.predict(["a good one", "bad"])
    array([ True, False])
    """


@estimator
class RNNRegressor(RecurrentEstimator, NeuralRegressor):
    """Recurrent network for regression on texts and other sequences.

    X is as for :class:`RNNClassifier`, and y is one number per row or several.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_modern.neural_network import RNNRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(n, 2)) for n in rng.integers(3, 10, 60)]
    >>> y = [x[:, 0].mean() for x in X]
    >>> reg = RNNRegressor(8, max_iter=20, device="cpu", random_state=0).fit(X, y)
    >>> reg.predict(X[:3]).shape
    (3,)
    """
