"""All pixels of an image at once."""

from torch import Tensor

from sklearn_modern.heads.base import Head
from sklearn_modern.heads.categorical import full_precision
from sklearn_modern.heads.cells import squared_errors
from sklearn_modern.networks.given import NOTHING, Given

__all__ = ["Pixels"]


class Pixels(Head):
    """The pixels of an image, by squared error.

    Features are those of pixels (members, rows, *spatial, n_features). Scores are images, with the
    channels in the place that they have in X: (members, rows, channels, *spatial). ``n_outputs`` is
    the number of channels. Targets are standardised images.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Map the features of pixels to images."""
        return super().forward(features).movedim(-1, 2)

    def loss(self, scores: Tensor, y: Tensor, given: Given = NOTHING) -> Tensor:
        """Return the mean squared error over the pixels of each row."""
        return squared_errors(full_precision(scores), y).flatten(2).mean(-1)

    def whole_loss(self, scores: Tensor, y: Tensor) -> Tensor:
        """Return the losses of images, all pixels of which are known, as always."""
        return self.loss(scores, y)

    def judged(self, scores: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the pixels of rows, those of the scores, and nothing, as there are no categories.

        See :meth:`sklearn_modern.heads.cells.Cells.judged`.
        """
        made = full_precision(scores).flatten(2)
        return y[0].flatten(1), made, made[..., :0]

    def decode(self, scores: Tensor) -> Tensor:
        """Return the members' mean image."""
        return full_precision(scores).mean(0)

    def decide(self, decoded: Tensor) -> Tensor:
        """Return the image as it is."""
        return decoded
