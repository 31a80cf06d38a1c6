"""Transformers for sequences."""

from dataclasses import KW_ONLY
from numbers import Integral

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._neural.classifier import NeuralClassifier
from sklearn_modern._neural.regressor import NeuralRegressor
from sklearn_modern._neural.sequences import SequenceEstimator
from sklearn_modern.networks.attention import POOLINGS
from sklearn_modern.networks.transformer import ATTENTIONS, POSITIONS, Transformer

__all__ = ["TransformerClassifier", "TransformerRegressor"]


@estimator
class TransformerEstimator(SequenceEstimator):
    """An estimator whose network is a transformer.

    Parameters
    ----------
    width : int, default=64
        Width of a step within the network.
    depth : int, default=2
        Number of transformer blocks.
    n_heads : int, default=4
        Number of heads of an attention; it divides ``width``.
    feedforward_factor : int, default=4
        How many times wider than a step the hidden layer of a block is.
    attention : {"full", "cascade", "dilated"}, default="full"
        Which steps a step sees: all of its sequence, which takes time by the square of the length,
        or only some, for long sequences. In "cascade" block l = 0, 1, ... sees ``window * 2**l``
        steps on each side, and in "dilated" three on each side that are ``2**l`` apart [2]_.
    window : int, default=16
        How many steps the first block of a "cascade" sees on each side.
    positions : {"sinusoidal", "learned"}, default="sinusoidal"
        How a step's place is told: by waves [1]_, or by a learned vector for each place. Steps
        beyond the longest training sequence get the last of these vectors.
    pooling : {"mean", "attention"}, default="mean"
        How features are made of the steps of a sequence: by their mean, with equal weights, or
        with weights that are learned from what is in a step.
    """

    _: KW_ONLY
    width: int = shapes(default=64, differs=False)
    depth: int = shapes(default=2, differs=False)
    n_heads: int = shapes(default=4, differs=False)
    feedforward_factor: int = shapes(default=4, differs=False)
    attention: str = shapes(default="full", differs=False)
    window: int = shapes(default=16, differs=False, needs=("attention", ("cascade",)))
    positions: str = shapes(default="sinusoidal", differs=False)
    pooling: str = shapes(default="mean", differs=False)

    _parameter_constraints = {
        "width": [Interval(Integral, 1, None, closed="left")],
        "depth": [Interval(Integral, 1, None, closed="left")],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "feedforward_factor": [Interval(Integral, 1, None, closed="left")],
        "attention": [StrOptions(set(ATTENTIONS))],
        "window": [Interval(Integral, 1, None, closed="left")],
        "positions": [StrOptions(set(POSITIONS))],
        "pooling": [StrOptions(set(POOLINGS))],
    }

    def _new_body(self, random):
        return Transformer(
            random,
            width=self.width,
            depth=self.depth,
            n_heads=self.n_heads,
            feedforward_factor=self.feedforward_factor,
            attention=self.attention,
            window=self.window,
            positions=self.positions,
            longest=self._inputs.longest,
            pooling=self.pooling,
            **self._sequence_settings(random),
        )


@estimator
class TransformerClassifier(TransformerEstimator, NeuralClassifier):
    """Transformer for classification of texts and other sequences.

    Steps of a sequence look at each other by attention, however far apart they lie. On series of
    some hundred steps or more take ``attention="cascade"`` or "dilated", whose time grows with the
    length and not with its square.

    References
    ----------
    .. [1] Vaswani et al. (2017). Attention is all you need. NeurIPS.
    .. [2] Wang, Ye, Zhang, Zhang, Smola (2020). Transformer on a diet. arXiv:2002.06170.

    Examples
    --------
    >>> from sklearn_modern.neural_network import TransformerClassifier
    >>> texts = ["good", "very good", "bad", "very bad", "so good", "so bad"] * 5
    >>> y = ["good" in text for text in texts]
    >>> clf = TransformerClassifier(width=8, max_iter=20, device="cpu", random_state=0)
    >>> clf.fit(texts, y).predict(["a good one", "bad"])
    array([ True, False])
    """


@estimator
class TransformerRegressor(TransformerEstimator, NeuralRegressor):
    """Transformer for regression on texts and other sequences.

    X is as for :class:`TransformerClassifier`, and y is one number per row or several.

    References
    ----------
    .. [1] Vaswani et al. (2017). Attention is all you need. NeurIPS.
    .. [2] Wang, Ye, Zhang, Zhang, Smola (2020). Transformer on a diet. arXiv:2002.06170.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_modern.neural_network import TransformerRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(n, 2)) for n in rng.integers(3, 10, 60)]
    >>> y = [x[:, 0].mean() for x in X]
    >>> reg = TransformerRegressor(width=8, max_iter=20, device="cpu", random_state=0)
    >>> reg.fit(X, y).predict(X[:3]).shape
    (3,)
    """
