"""A recurrent classifier of sequences of any length: an ordinary body over known inputs."""

import torch
from torch import nn

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._inputs.sequences import SequenceReader
from sklearn_modern._inputs.step_scaling import StepScaler
from sklearn_modern._inputs.text import Analyzer, Vocabulary
from sklearn_modern._neural.classifier import NeuralClassifier
from sklearn_modern._neural.sequence_inputs import SequenceInputs
from sklearn_modern.networks.base import Body
from sklearn_modern.networks.given import NOTHING


def sequence_inputs(scaling=None):
    reader = SequenceReader(Analyzer("word", r"\w+", True))
    return SequenceInputs(reader, Vocabulary(None, 1), StepScaler(scaling))


class GRUBody(Body):
    def __init__(self, n_features, width):
        super().__init__()
        self.gru = nn.GRU(n_features, width, batch_first=True)
        self.dropout, self.n_features_out = nn.Dropout(0.1), width

    def trunk(self, embedded, given=NOTHING):
        states, _ = self.gru(embedded)
        if given.mask is None:
            return self.dropout(states[:, -1])
        return self.dropout(states[torch.arange(len(states)), given.mask.sum(1) - 1])


@estimator
class GRUClassifier(NeuralClassifier):
    width: int = shapes(default=16, differs=False)

    def _make_inputs(self):
        return sequence_inputs()

    def _make_body(self, random):
        return GRUBody(self.n_features_in_, self.width)
