"""Flow matching of images."""

from dataclasses import KW_ONLY
from numbers import Integral

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import Interval
from sklearn_modern._neural.generated_inputs import GeneratedImages
from sklearn_modern._neural.images import ImageSettings
from sklearn_modern._neural.matching import FlowMatchingEstimator
from sklearn_modern.networks.image_velocity import ImageVelocity

__all__ = ["CNNFlowMatching"]


@estimator
class CNNFlowMatching(FlowMatchingEstimator, ImageSettings):
    """Make images like others, by flow matching; signals and volumes, too.

    A convolutional network in the form of a U [1]_ learns the velocity with which images travel on
    straight paths from normal noise to data [2]_. Samples are noise, carried along. No pixel leaves
    the range that its channel had in the fit.

    Parameters
    ----------
    width : int, default=24
        Channels at the full resolution. Each further level has twice as many, at half of it.
    depth : int, default=2
        Number of levels.
    learning_rate_init : float, default=0.006
        The learning rate, for "one_cycle" its highest value.

    References
    ----------
    .. [1] Ronneberger, Fischer, Brox (2015). U-Net: convolutional networks for biomedical image
       segmentation. MICCAI.
    .. [2] Lipman, Chen, Ben-Hamu, Nickel, Le (2023). Flow matching for generative modeling. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_modern.generation import CNNFlowMatching
    >>> images = load_digits().images[:100]
    >>> flow = CNNFlowMatching(width=8, max_iter=2, device="cpu", random_state=0).fit(images)
    >>> flow.sample(3, random_state=0).shape
    (3, 8, 8)
    """

    _: KW_ONLY
    width: int = shapes(default=24, differs=False)
    depth: int = shapes(default=2, differs=False)
    learning_rate_init: float = steers(default=0.006, differs=True)

    _parameter_constraints = {
        "width": [Interval(Integral, 1, None, closed="left")],
        "depth": [Interval(Integral, 1, None, closed="left")],
    }

    def _make_inputs(self):
        return GeneratedImages(self._make_reader())

    def _make_network(self, n_labels, random):
        inputs = self._inputs
        return ImageVelocity(
            inputs.shape,
            n_labels,
            self.width,
            self.depth,
            random,
            mean=inputs.mean,
            scale=inputs.scale,
            dtype=self._float_type(),
        )
