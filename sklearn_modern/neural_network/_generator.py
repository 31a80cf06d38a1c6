"""Networks that write sequences."""

from dataclasses import KW_ONLY
from numbers import Integral
from typing import ClassVar

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._neural.generator import SequenceGenerator
from sklearn_modern._neural.tabular import widths
from sklearn_modern.heads.mixture import NumbersInTurns
from sklearn_modern.networks.bimodal import Bimodal
from sklearn_modern.networks.causal import CausalTransformer
from sklearn_modern.networks.recurrent import CELLS, Recurrent
from sklearn_modern.training.both_sides import BothSides, pieces_of_turns

__all__ = ["RNNGenerator", "TransformerGenerator"]


@estimator
class RNNGenerator(SequenceGenerator):
    """Recurrent network that writes texts and other sequences, and says how likely they are.

    It predicts each token from those before it, and where a sequence ends; then it can write on by
    itself. X is texts, lists of tokens, arrays (length, channels) of any length, or a table or
    array of sequences of equal length. Numbers follow a mixture of Gaussians [1]_.

    With ``direction="both"`` two networks start at a mark within the sequence, and extend it to the
    right and to the left in turn, each by what both have read [2]_. A prompt then is a fragment
    anywhere in a sequence.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(256,)
        States of each layer.
    cell : {"lstm", "gru", "rnn"}, default="lstm"
        What layers are made of: long short-term memory, gated recurrent units, or plain ones.
    direction : {"forward", "both"}, default="forward"
        Whether sequences are written from their beginning to their end, or from a mark to both
        sides. With "both" the likelihood of a sequence is the sum over all places of the mark, and
        the time to compute it grows with the square of the length.
    start : {"middle", "random"}, default="middle"
        Where the mark of a training sequence is: in the middle, or anywhere, elsewhere in each
        epoch. Only with ``direction="both"``. Sequences are validated with the mark in the middle.
    bptt : int, default=100
        Longer sequences are trained in pieces of so many steps, which follow one another: the state
        is handed on, the gradient is not. With ``direction="both"`` a step is one to each side.
    learning_rate_init : float, default=0.01
        The learning rate, for "one_cycle" its highest value.

    References
    ----------
    .. [1] Graves (2013). Generating sequences with recurrent neural networks. arXiv:1308.0850.
    .. [2] Grisoni, Moret, Lingwood, Schneider (2020). Bidirectional molecule generation with
       recurrent neural networks. Journal of Chemical Information and Modeling 60(3).

    Examples
    --------
    >>> from sklearn_modern.neural_network import RNNGenerator
    >>> words = ["abab", "ab", "ababab", "ab", "abab"] * 8
    >>> gen = RNNGenerator(16, max_iter=40, device="cpu", random_state=0).fit(words)
    >>> gen.sample(prompt="aba", temperature=0)
    ['abab']
    >>> bool(gen.score(["abab"]) > gen.score(["abba"]))
    True
    """

    hidden_layer_sizes: int | tuple[int, ...] = shapes(default=(256,), differs=False)
    _: KW_ONLY
    cell: str = shapes(default="lstm", differs=False)
    direction: str = shapes(default="forward", differs=False)
    start: str = shapes(default="middle", differs=False, needs=("direction", ("both",)))
    bptt: int = shapes(default=100, differs=False)
    learning_rate_init: float = steers(default=0.01, differs=True)

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "cell": [StrOptions(set(CELLS))],
        "direction": [StrOptions({"forward", "both"})],
        "start": [StrOptions({"middle", "random"})],
        "bptt": [Interval(Integral, 1, None, closed="left")],
    }

    _of_shape: ClassVar[tuple[str, ...]] = ("hidden_layer_sizes", "cell", "direction")
    _pieces_by = "bptt"

    def _refuse_unused(self):
        super()._refuse_unused()
        if self.start == "random" and self.solver == "lbfgs":
            raise ValueError(
                "start='random' draws other marks in each epoch, but solver='lbfgs' needs the same "
                "loss in all of them; take start='middle', or another solver."
            )

    def _new_body(self, random):
        sizes = widths(self.hidden_layer_sizes)
        if not sizes:
            raise ValueError("hidden_layer_sizes=() must have one layer at least.")
        settings = {"cell": self.cell} | self._sequence_settings(random)
        if self._is_both:
            return Bimodal(random, sizes, **settings)
        return Recurrent(random, sizes, bidirectional=False, pooling=("last",), **settings)

    # What differs if sequences are read to both sides.

    @property
    def _is_both(self):
        return self.direction == "both"

    @property
    def _n_ends(self):
        return 1 + self._is_both

    def _head_of_numbers(self, *settings):
        return NumbersInTurns(*settings) if self._is_both else super()._head_of_numbers(*settings)

    def _objective_of(self, body, head, **sizes):
        if self._is_both:
            return BothSides(body, head, anywhere=self.start == "random", **sizes)
        return super()._objective_of(body, head, **sizes)

    def _pieces_of(self, lengths):
        if self._is_both:
            return pieces_of_turns(lengths, self.bptt, anywhere=self.start == "random")
        return super()._pieces_of(lengths)


@estimator
class TransformerGenerator(SequenceGenerator):
    """Transformer that writes texts and other sequences, and says how likely they are.

    It predicts each token from those before it, and where a sequence ends; then it can write on by
    itself. X is as for :class:`RNNGenerator`.

    Parameters
    ----------
    width : int, default=128
        Width of a step within the network.
    depth : int, default=4
        Number of transformer blocks.
    n_heads : int, default=4
        Number of heads of an attention; it divides ``width``.
    context : int, default=256
        How many steps a window has. Longer sequences are trained in windows that follow one
        another. To read and write them, a full window is followed by one that begins with the last
        half of it; what falls out of the window has no say.
    attention : {"full", "cascade", "dilated"}, default="full"
        Which earlier steps of the window a step sees: all of them, or only some [2]_. In "cascade"
        block l = 0, 1, ... sees ``window * 2**l`` of them, and in "dilated" six that are ``2**l``
        apart.
    window : int, default=16
        How many earlier steps the first block of a "cascade" sees.

    References
    ----------
    .. [1] Vaswani et al. (2017). Attention is all you need. NeurIPS.
    .. [2] Wang, Ye, Zhang, Zhang, Smola (2020). Transformer on a diet. arXiv:2002.06170.

    Examples
    --------
    >>> from sklearn_modern.neural_network import TransformerGenerator
    >>> words = ["abab", "ab", "ababab", "ab", "abab"] * 8
    >>> gen = TransformerGenerator(16, 1, max_iter=40, device="cpu", random_state=0)
    >>> gen.fit(words).sample(prompt="aba", temperature=0)
    ['abab']
    """

    width: int = shapes(default=128, differs=False)
    depth: int = shapes(default=4, differs=False)
    n_heads: int = shapes(default=4, differs=False)
    _: KW_ONLY
    context: int = shapes(default=256, differs=False)
    attention: str = shapes(default="full", differs=False)
    window: int = shapes(default=16, differs=False, needs=("attention", ("cascade",)))

    _parameter_constraints = {
        "width": [Interval(Integral, 1, None, closed="left")],
        "depth": [Interval(Integral, 1, None, closed="left")],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "context": [Interval(Integral, 2, None, closed="left")],
        "attention": [StrOptions(set(CausalTransformer.attentions))],
        "window": [Interval(Integral, 1, None, closed="left")],
    }

    _of_shape: ClassVar[tuple[str, ...]] = (
        "width",
        "depth",
        "n_heads",
        "context",
        "attention",
        "window",
    )
    _pieces_by = "context"

    def _new_body(self, random):
        return CausalTransformer(
            random,
            context=self.context,
            width=self.width,
            depth=self.depth,
            n_heads=self.n_heads,
            feedforward_factor=4,
            attention=self.attention,
            window=self.window,
            positions="sinusoidal",
            **self._sequence_settings(random),
        )
