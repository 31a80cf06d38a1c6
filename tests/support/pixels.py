"""A classifier of every pixel of an image: a body with places, a head over them, and their y."""

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._inputs.images import SpatialReader
from sklearn_modern._neural.classifier import NeuralClassifier
from sklearn_modern._neural.inputs import ImageInputs
from sklearn_modern._neural.targets import Labels
from sklearn_modern.heads.categorical import Softmax, cross_entropy
from sklearn_modern.networks.base import Body
from sklearn_modern.networks.given import NOTHING
from sklearn_modern.networks.spatial_layers import ConvLayer, beside


class PixelBody(Body):
    takes_members = True

    def __init__(self, channels, width, random):
        super().__init__()
        self.random, self.n_features_out = random, width
        self.first = ConvLayer(channels, width, 3, (1, 1), random)
        self.second = ConvLayer(width, width, 3, (1, 1), random)

    def trunk(self, embedded, given=NOTHING):
        x = beside(embedded.to(next(self.parameters())), self.members)
        x = self.second(self.first(x, given), given)
        return x.unflatten(1, (self.members, -1)).transpose(0, 1).movedim(2, -1)


class PixelHead(Softmax):
    def loss(self, scores, y, given=NOTHING):
        return cross_entropy(scores, y).flatten(2).mean(2)

    def decode(self, scores):
        return scores.softmax(-1).mean(0)


class PixelLabels(Labels):
    head = PixelHead

    def check(self, y, *, reset):
        return super().check(y.ravel(), reset=reset).reshape(y.shape)


@estimator
class PixelClassifier(NeuralClassifier):
    width: int = shapes(default=8, differs=False)

    def _make_inputs(self):
        return ImageInputs(SpatialReader(None, 2, "first", "float32"), standardised=False)

    def _make_targets(self, y, classes=None):
        return PixelLabels(expected=classes)

    def _make_body(self, random):
        return PixelBody(self._inputs.shape[0], self.width, random)
