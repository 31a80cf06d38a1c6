"""Convolutional networks for sequences."""

from collections.abc import Sequence
from dataclasses import KW_ONLY
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._neural.classifier import NeuralClassifier
from sklearn_modern._neural.regressor import NeuralRegressor
from sklearn_modern._neural.sequences import SequenceEstimator
from sklearn_modern.networks.sequence_convolution import Inception, Parallel
from sklearn_modern.networks.sequences import SequenceBody

__all__ = ["SequenceCNNClassifier", "SequenceCNNRegressor"]


class _Architecture(NamedTuple):
    """A kind of network, and its defaults."""

    body: type[SequenceBody]
    width: int
    depth: int
    kernel_sizes: tuple[int, ...]


_ARCHITECTURES = {
    "parallel": _Architecture(Parallel, 100, 1, (3, 4, 5)),
    "inception": _Architecture(Inception, 16, 3, (9, 19, 39)),
}


@estimator
class SequenceConvolutionalEstimator(SequenceEstimator):
    """An estimator over sequences whose network is convolutional.

    Parameters
    ----------
    architecture : {"auto", "parallel", "inception"}, default="auto"
        The kind of network. "parallel" is Kim's: convolutions of several widths side by side, each
        a detector of words or characters in a row, and the largest value of each over time [1]_.
        "inception" is InceptionTime: modules of long and short convolutions side by side, which are
        normalised over the batch, with a shortcut past each three, and the means over time [2]_.
        "auto" is "parallel" for texts and "inception" for numbers.
    width : int or None, default=None
        Kernels of each size in a layer; None is 100 for "parallel" and 16 for "inception", whose
        authors take 32.
    depth : int or None, default=None
        Number of layers, or of modules; None is 1 for "parallel" and 3 for "inception", whose
        authors take 6.
    kernel_sizes : int, sequence of int or None, default=None
        How many steps the kernels cover; None is (3, 4, 5) for "parallel" and (9, 19, 39) for
        "inception". What lies beyond the ends of a sequence counts as zero.
    """

    architecture: str = shapes(default="auto", differs=False)
    _: KW_ONLY
    width: int | None = shapes(default=None, differs=False)
    depth: int | None = shapes(default=None, differs=False)
    kernel_sizes: Any = shapes(default=None, differs=False)

    _parameter_constraints = {
        "architecture": [StrOptions({"auto", *_ARCHITECTURES})],
        "width": [None, Interval(Integral, 1, None, closed="left")],
        "depth": [None, Interval(Integral, 1, None, closed="left")],
        "kernel_sizes": [None, "array-like", Integral],
    }

    _embedding_std = 0.1

    def _new_body(self, random):
        name = self.architecture
        if name == "auto":
            name = "parallel" if self._inputs.is_text else "inception"
        family = _ARCHITECTURES[name]
        return family.body(
            random,
            width=self.width or family.width,
            depth=self.depth or family.depth,
            kernel_sizes=family.kernel_sizes
            if self.kernel_sizes is None
            else _sizes(self.kernel_sizes),
            **self._sequence_settings(random),
        )


def _sizes(kernel_sizes: int | Sequence[int]) -> tuple[int, ...]:
    sizes = np.atleast_1d(kernel_sizes)
    if sizes.ndim > 1 or not sizes.size or sizes.dtype.kind not in "iu" or (sizes < 1).any():
        raise ValueError(
            f"kernel_sizes={kernel_sizes!r} must be how many steps a kernel covers, or several "
            "such numbers; none of them less than 1."
        )
    return tuple(sizes.tolist())


@estimator
class SequenceCNNClassifier(SequenceConvolutionalEstimator, NeuralClassifier):
    """Convolutional network for classification of texts and other sequences.

    References
    ----------
    .. [1] Kim (2014), "Convolutional Neural Networks for Sentence Classification", EMNLP.
    .. [2] Ismail Fawaz, Lucas, Forestier, Pelletier, Schmidt, Weber, Webb, Idoumghar, Muller,
       Petitjean (2020), "InceptionTime: Finding AlexNet for Time Series Classification", Data
       Mining and Knowledge Discovery 34.

    Examples
    --------
    >>> from sklearn_modern.neural_network import SequenceCNNClassifier
    >>> texts = ["good", "very good", "bad", "very bad", "so good", "so bad"] * 5
    >>> y = ["good" in text for text in texts]
    >>> clf = SequenceCNNClassifier(device="cpu", random_state=0).fit(texts, y)
    >>> clf.predict(["a good one", "bad"])
    array([ True, False])
    """


@estimator
class SequenceCNNRegressor(SequenceConvolutionalEstimator, NeuralRegressor):
    """Convolutional network for regression on texts and other sequences.

    References
    ----------
    .. [1] Kim (2014), "Convolutional Neural Networks for Sentence Classification", EMNLP.
    .. [2] Ismail Fawaz, Lucas, Forestier, Pelletier, Schmidt, Weber, Webb, Idoumghar, Muller,
       Petitjean (2020), "InceptionTime: Finding AlexNet for Time Series Classification", Data
       Mining and Knowledge Discovery 34.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_modern.neural_network import SequenceCNNRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(n, 2)) for n in rng.integers(3, 10, 60)]
    >>> y = [x[:, 0].max() for x in X]
    >>> reg = SequenceCNNRegressor(width=4, max_iter=20, device="cpu", random_state=0).fit(X, y)
    >>> reg.predict(X[:3]).shape
    (3,)
    """
