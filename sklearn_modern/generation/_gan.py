"""Generative adversarial networks over tables."""

from dataclasses import KW_ONLY
from numbers import Integral

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import Interval
from sklearn_modern._neural.adversarial import AdversarialEstimator
from sklearn_modern._neural.generated_inputs import GeneratedTable
from sklearn_modern._neural.tabular import TableSettings, widths
from sklearn_modern.networks.adversarial import TableCritic, TableGenerator

__all__ = ["GAN"]


@estimator
class GAN(AdversarialEstimator, TableSettings):
    """Make rows like those of a mixed table, by two networks that play against each other.

    A generator turns noise into rows, and a critic learns to tell them from real ones [1]_; by
    default the critic measures how far apart the two are (Wasserstein distance with a gradient
    penalty [2]_). Columns keep their kinds, levels, share of missing cells and whole numbers, and
    no number leaves its range. :class:`FlowMatching` is more exact, and needs no luck.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(128, 128)
        Hidden units of either network.

    References
    ----------
    .. [1] Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville, Bengio (2014).
       Generative adversarial nets. NeurIPS.
    .. [2] Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville (2017). Improved training of Wasserstein
       GANs. NeurIPS.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_modern.generation import GAN
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> gan = GAN(conditional=True, max_iter=20, device="cpu", random_state=0).fit(X, y)
    >>> rows, labels = gan.sample(y=[0, 2], random_state=0)
    >>> rows.shape, labels.tolist()
    ((2, 4), [0, 2])
    """

    _: KW_ONLY
    hidden_layer_sizes: int | tuple[int, ...] = shapes(default=(128, 128), differs=False)

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    }

    def _make_inputs(self):
        return GeneratedTable(self.categorical_features)

    def _make_players(self, n_labels, random):
        coder, sizes = self._inputs.coder, widths(self.hidden_layer_sizes)
        blocks = [len(share) for share in coder.shares]
        generator = TableGenerator(
            self.n_latent, coder.n_scores, blocks, n_labels, sizes, random, activation="relu"
        )
        n_values = coder.n_scores + sum(blocks)
        critic = TableCritic(n_values, n_labels, sizes, random, activation="leaky_relu")
        return generator, critic
