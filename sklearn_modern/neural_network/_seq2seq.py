"""Networks that map sequences to sequences."""

from dataclasses import KW_ONLY
from numbers import Integral
from typing import ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.available import available_if
from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._inputs.validation import check_lengths
from sklearn_modern._neural.seq2seq import Seq2SeqEstimator
from sklearn_modern._neural.tabular import widths
from sklearn_modern.networks.recurrent import Recurrent
from sklearn_modern.networks.seq2seq import RecurrentSeq2Seq
from sklearn_modern.networks.seq2seq import TransformerSeq2Seq as TransformerBody
from sklearn_modern.networks.source_attention import ATTENTIONS
from sklearn_modern.networks.transformer import Transformer
from sklearn_modern.training.seq2seq import alignments

__all__ = ["RNNSeq2Seq", "TransformerSeq2Seq"]


def _attends(network):
    if network.attention is None:
        raise AttributeError("it shows where the attention is, but attention=None.")


@estimator
class RNNSeq2Seq(Seq2SeqEstimator):
    """Recurrent network that maps sequences to sequences, with attention.

    X is texts, lists of tokens, arrays (length, channels) of any length, or a table or array of
    sequences of equal length. y holds strings, lists of tokens, or one label a row. LSTM layers
    read X in both directions; others write y, from the last states of the first. After the last
    layer the attention looks at the states of all steps of X [1]_ [2]_. What it sees does not go
    back into the layers, as in [2]_ without input feeding, so that these are trained on all of y in
    one call.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(128,)
        States of each layer, of the reader in one direction, and of the writer.
    attention : {"additive", "dot"} or None, default="additive"
        How states are compared with those of X: by a layer of tanh units [1]_, or by products
        [2]_. Without, the writer knows what the last states of the reader hold, which runs in one
        direction then [3]_.
    reverse_source : bool, default=False
        Whether X is read from its end, if there is no attention [3]_.

    References
    ----------
    .. [1] Bahdanau, Cho, Bengio (2015). Neural machine translation by jointly learning to align and
       translate. ICLR.
    .. [2] Luong, Pham, Manning (2015). Effective approaches to attention-based neural machine
       translation. EMNLP.
    .. [3] Sutskever, Vinyals, Le (2014). Sequence to sequence learning with neural networks.
       NeurIPS.

    Examples
    --------
    >>> from sklearn_modern.neural_network import RNNSeq2Seq
    >>> X = ["ab", "ba", "aab", "bba", "aba", "b", "a"] * 8
    >>> y = [text.upper() for text in X]
    >>> model = RNNSeq2Seq(16, max_iter=40, device="cpu", random_state=0).fit(X, y)
    >>> model.predict(["ba", "aab"]).tolist()
    ['BA', 'AAB']
    """

    hidden_layer_sizes: int | tuple[int, ...] = shapes(default=(128,), differs=False)
    _: KW_ONLY
    attention: str | None = shapes(default="additive", differs=False)
    reverse_source: bool = shapes(default=False, differs=False, needs=("attention", (None,)))

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "attention": [StrOptions(set(ATTENTIONS)), None],
        "reverse_source": ["boolean"],
    }

    _of_shape: ClassVar[tuple[str, ...]] = ("hidden_layer_sizes", "attention", "reverse_source")

    @available_if(_attends)
    def align(self, X, y=None):
        """Return where the attention is, for each token of y.

        Parameters
        ----------
        X : like X of ``fit``
            Sequences.
        y : like y of ``fit``, or None, default=None
            What belongs to them; None is what is predicted.

        Returns
        -------
        list of ndarray of shape (n_target_tokens, n_source_tokens)
            Weights of the tokens of X; each row sums to 1. Those of several members are averaged.
        """
        check_is_fitted(self, "net_")
        if y is None:
            codes = self._ended(self._in_chunks(X, self._searched))
        else:
            check_lengths(X, y)
            codes = self._targets.encode(y)
        lengths = (codes != 0).sum(axis=1) - 1
        found = self._in_chunks(X, alignments, codes)
        return [np.array(own[:n]) for own, n in zip(found, lengths, strict=True)]

    def _new_body(self, random):
        sizes = widths(self.hidden_layer_sizes)
        if not sizes:
            raise ValueError("hidden_layer_sizes=() must have one layer at least.")
        encoder = Recurrent(
            random,
            sizes,
            cell="lstm",
            bidirectional=self.attention is not None,
            pooling=("last",),
            **self._sequence_settings(random),
        )
        return RecurrentSeq2Seq(
            random,
            encoder,
            widths=sizes,
            attention=self.attention,
            reverse=self.reverse_source,
            **self._decoder_settings(random),
        )


@estimator
class TransformerSeq2Seq(Seq2SeqEstimator):
    """Transformer that maps sequences to sequences.

    X and y are as for :class:`RNNSeq2Seq`. Blocks of attention read X; others write y, whose steps
    look at those before, and at the steps of X.

    Parameters
    ----------
    width : int, default=128
        Width of a step within the network.
    depth : int, default=2
        Number of blocks that read, and of those that write.
    n_heads : int, default=4
        Number of heads of an attention; it divides ``width``.

    References
    ----------
    Vaswani et al. (2017), "Attention Is All You Need", NeurIPS.

    Examples
    --------
    >>> from sklearn_modern.neural_network import TransformerSeq2Seq
    >>> X = ["ab", "ba", "aab", "bba", "aba", "b", "a"] * 8
    >>> y = [text.upper() for text in X]
    >>> model = TransformerSeq2Seq(16, 1, max_iter=60, device="cpu", random_state=0).fit(X, y)
    >>> model.predict(["ba", "aab"]).tolist()
    ['BA', 'AAB']
    """

    width: int = shapes(default=128, differs=False)
    depth: int = shapes(default=2, differs=False)
    n_heads: int = shapes(default=4, differs=False)

    _parameter_constraints = {
        "width": [Interval(Integral, 1, None, closed="left")],
        "depth": [Interval(Integral, 1, None, closed="left")],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
    }

    _of_shape: ClassVar[tuple[str, ...]] = ("width", "depth", "n_heads")

    def _new_body(self, random):
        shape = {"width": self.width, "depth": self.depth, "n_heads": self.n_heads}
        encoder = Transformer(
            random,
            feedforward_factor=4,
            attention="full",
            window=1,
            positions="sinusoidal",
            longest=self._inputs.longest,
            pooling="mean",
            **shape,
            **self._sequence_settings(random),
        )
        return TransformerBody(
            random, encoder, feedforward_factor=4, **shape, **self._decoder_settings(random)
        )
