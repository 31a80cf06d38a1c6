"""Heads for classes and for sets of labels."""

import torch.nn.functional as F
from torch import Tensor

from sklearn_modern.heads.base import Head
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import sigmoid

__all__ = ["Sigmoid", "Softmax", "cross_entropy", "full_precision"]

# Below this many classes torch's softmax over the last axis falls back to scalar code, and over the
# middle axis it is up to ten times faster on a CPU; from 16 on it is slower. The loss of a batch of
# 1024 rows and 10 classes, with its gradient, takes 180 us over the last axis and 40 us over the
# middle one.
_N_CLASSES_VECTORIZED = 16


class Softmax(Head):
    r"""One of several exclusive classes, by cross-entropy.

    With scores :math:`s` and smoothing :math:`\epsilon`, the loss of a row of class :math:`y` is

    .. math:: -\sum_k \left((1 - \epsilon) [k = y] + \epsilon / K\right) \log \text{softmax}(s)_k.

    There are no class weights here: the estimator folds them into the sample weights.

    Parameters
    ----------
    n_features : int
        Width of the body's features.
    n_classes : int
        Number of classes; ``y`` holds their codes, int64 (members, rows).
    random : MemberRandom
        Where the initial weights come from.
    label_smoothing : float, default=0.0
        Share of each row's target that is spread evenly over the classes [1]_.

    References
    ----------
    .. [1] Szegedy, Vanhoucke, Ioffe, Shlens, Wojna (2016). Rethinking the Inception architecture
       for computer vision. CVPR.
    """

    def __init__(
        self, n_features: int, n_classes: int, random: MemberRandom, *, label_smoothing: float = 0.0
    ) -> None:
        super().__init__(n_features, n_classes, random)
        self.n_classes = n_classes
        self.label_smoothing = label_smoothing

    def loss(self, scores: Tensor, y: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the cross-entropy of each row."""
        return cross_entropy(scores, y, self.label_smoothing)

    def decode(self, scores: Tensor) -> Tensor:
        """Return the members' mean probabilities: (rows, classes)."""
        scores = full_precision(scores)
        if scores.shape[-1] < _N_CLASSES_VECTORIZED:
            return scores.transpose(1, 2).softmax(1).mean(0).T
        return scores.softmax(-1).mean(0)

    def decide(self, decoded: Tensor) -> Tensor:
        """Return the code of the likeliest class: (rows,)."""
        return decoded.argmax(-1)


class Sigmoid(Head):
    r"""Any subset of several labels (multilabel), by binary cross-entropy.

    With scores :math:`s` and smoothing :math:`\epsilon`, the loss of a row is the mean over its
    labels of

    .. math:: -t \log \sigma(s) - (1 - t) \log \sigma(-s),
       \qquad t = (1 - \epsilon) y + \epsilon / 2.

    There are no class weights here: the estimator folds them into the sample weights.

    Parameters
    ----------
    n_features : int
        Width of the body's features.
    n_labels : int
        Number of labels; ``y`` holds zeros and ones as floats (members, rows, labels).
    random : MemberRandom
        Where the initial weights come from.
    label_smoothing : float, default=0.0
        How far targets move towards one half: 0 not at all, 1 all the way.
    """

    def __init__(
        self, n_features: int, n_labels: int, random: MemberRandom, *, label_smoothing: float = 0.0
    ) -> None:
        super().__init__(n_features, n_labels, random)
        self.n_classes = n_labels
        self.label_smoothing = label_smoothing

    def loss(self, scores: Tensor, y: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the mean over the labels of each row's binary cross-entropy."""
        if self.label_smoothing:
            y = (1 - self.label_smoothing) * y + self.label_smoothing / 2
        losses = F.binary_cross_entropy_with_logits(full_precision(scores), y, reduction="none")
        return losses.mean(-1)

    def decode(self, scores: Tensor) -> Tensor:
        """Return the members' mean probability of each label: (rows, labels)."""
        return sigmoid(full_precision(scores)).mean(0)

    def decide(self, decoded: Tensor) -> Tensor:
        """Return one for each label that is likelier than not, else zero: (rows, labels)."""
        return (decoded > 0.5).long()


def cross_entropy(scores: Tensor, y: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Return the cross-entropy of scores (..., classes) and codes (members, rows, *places)."""
    scores = full_precision(scores)
    if y.ndim == 2 and scores.shape[-1] < _N_CLASSES_VECTORIZED:
        scores = scores.transpose(1, 2)
        return F.cross_entropy(scores, y, reduction="none", label_smoothing=label_smoothing)
    losses = F.cross_entropy(
        scores.flatten(0, -2), y.flatten(), reduction="none", label_smoothing=label_smoothing
    )
    return losses.view(y.shape)


def full_precision(scores: Tensor) -> Tensor:
    """Return scores in float32 where autocast lowered the precision; a softmax needs it."""
    return scores.float() if scores.dtype.itemsize < 4 else scores
