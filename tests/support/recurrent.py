"""A recurrent classifier of sequences of any length: an input, a source and an ordinary body."""

import torch
from torch import nn

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._neural.classifier import NeuralClassifier
from sklearn_modern._neural.inputs import Inputs
from sklearn_modern.networks.base import Body
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.training.sources import Batch, Source


class Sequences(Source):
    def __init__(self, sequences, **rest):
        super().__init__(**rest)
        self._sequences, self._lengths = sequences, torch.tensor([*map(len, sequences)])

    def __len__(self):
        return len(self._sequences)

    def take(self, index):
        taken = [self._sequences[i] for i in index.flatten()]
        x = nn.utils.rnn.pad_sequence(taken, batch_first=True).unflatten(0, index.shape)
        mask = torch.arange(x.shape[2]) < self._lengths[index].unsqueeze(-1)
        return Batch(x, self.targets(index), index, Given(self.weights(index), mask))

    def cut(self, order, batch_size):
        return order.gather(1, self._lengths[order].argsort(stable=True)).split(batch_size, dim=1)


class SequenceInputs(Inputs):
    def check(self, estimator, X, *, reset):
        estimator.n_features_in_ = len(X[0][0]) if reset else estimator.n_features_in_
        return [torch.as_tensor(sequence) for sequence in X]

    def source(self, checked, rows, dtype, device, **rest):
        return Sequences([sequence.to(dtype) for sequence in checked[rows]], **rest)


class GRUBody(Body):
    def __init__(self, n_features, width):
        super().__init__()
        self.gru = nn.GRU(n_features, width, batch_first=True)
        self.dropout, self.n_features_out = nn.Dropout(0.1), width

    def trunk(self, embedded, given=NOTHING):
        states, _ = self.gru(embedded)
        return self.dropout(states[torch.arange(len(states)), given.mask.sum(1) - 1])


@estimator
class GRUClassifier(NeuralClassifier):
    width: int = shapes(default=16, differs=False)

    def _make_inputs(self):
        return SequenceInputs()

    def _make_body(self, random):
        return GRUBody(self.n_features_in_, self.width)
