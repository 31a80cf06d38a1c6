"""Generative adversarial networks over images."""

from dataclasses import KW_ONLY
from numbers import Integral

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import Interval
from sklearn_modern._neural.adversarial import AdversarialEstimator
from sklearn_modern._neural.generated_inputs import GeneratedImages
from sklearn_modern._neural.images import ImageSettings
from sklearn_modern.networks.image_adversarial import ImageCritic, ImageGenerator

__all__ = ["DCGAN"]


@estimator
class DCGAN(AdversarialEstimator, ImageSettings):
    """Make images like others, by two convolutional networks that play against each other.

    A generator turns noise into images [1]_, and a critic learns to tell them from real ones; by
    default it measures how far apart the two are (Wasserstein distance with a gradient penalty
    [2]_). Signals and volumes go, too. No pixel leaves the range that its channel had in the fit.
    The losses of two players do not tell how good images are, as that of :class:`CNNFlowMatching`
    does; but this one makes images in a single pass.

    Parameters
    ----------
    n_latent : int, default=32
        Numbers of noise that an image is made of.
    width : int, default=32
        Channels at the full resolution. Each further level has twice as many, at half of it.
    depth : int, default=2
        Number of levels.

    References
    ----------
    .. [1] Radford, Metz, Chintala (2016). Unsupervised representation learning with deep
       convolutional generative adversarial networks. ICLR.
    .. [2] Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville (2017). Improved training of Wasserstein
       GANs. NeurIPS.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_modern.generation import DCGAN
    >>> images = load_digits().images[:100]
    >>> gan = DCGAN(width=8, max_iter=2, device="cpu", random_state=0).fit(images)
    >>> gan.sample(3, random_state=0).shape
    (3, 8, 8)
    """

    n_latent: int = shapes(default=32, differs=False)
    _: KW_ONLY
    width: int = shapes(default=32, differs=False)
    depth: int = shapes(default=2, differs=False)

    _parameter_constraints = {
        "width": [Interval(Integral, 1, None, closed="left")],
        "depth": [Interval(Integral, 1, None, closed="left")],
    }

    def _make_inputs(self):
        return GeneratedImages(self._make_reader())

    def _make_players(self, n_labels, random):
        inputs, dtype = self._inputs, self._float_type()
        sizes = n_labels, self.width, self.depth, random
        generator = ImageGenerator(
            self.n_latent, inputs.shape, *sizes, low=inputs.low, high=inputs.high, dtype=dtype
        )
        critic = ImageCritic(
            inputs.shape, *sizes, mean=inputs.mean, scale=inputs.scale, dtype=dtype
        )
        return generator, critic
