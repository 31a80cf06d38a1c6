"""Variational autoencoders of tables and of images."""

from dataclasses import KW_ONLY

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import StrOptions
from sklearn_modern._neural.coded_rows import CodedImages, CodedTable
from sklearn_modern._neural.reversible import LikelyImages
from sklearn_modern._neural.variational import VariationalEstimator

__all__ = ["CNNVariationalAutoencoder", "VariationalAutoencoder"]


@estimator
class VariationalAutoencoder(VariationalEstimator, CodedTable):
    r"""Learn codes that are normal, of which rows of a table can be drawn.

    The decoder gives a distribution of rows :math:`p(x | z)` for each code :math:`z`, and the
    encoder one of codes :math:`q(z | x)` for each row. Both are trained to maximise [1]_

    .. math:: \mathbb{E}_{q(z | x)} \log p(x | z) - \beta \, \mathrm{KL}(q(z | x) \,\|\, N(0, I)).

    Numbers are normal, with a standard deviation of each column that is learned, too, and
    categories have probabilities. Missing cells have no part in the loss, nor in scores. In scores
    a category that was not in the fit has the probability 1 / (n + 1) after n training rows, by
    their weights, and a row so far away that numbers overflow has minus infinity.

    :meth:`sample` draws codes from :math:`N(0, I)` and then cells from their distributions.
    :meth:`score_samples` is a lower bound of the log-density, and close to it: the mean of
    :math:`p(x | z) p(z) / q(z | x)` over ``n_importance`` codes [2]_, spread by the same noise for
    all rows, in the units of X. Several members are a mixture.

    Parameters
    ----------
    input_scaling : {"standard"} or None, default="standard"
        Scaling of numbers: mean 0 and variance 1, or none.

    References
    ----------
    .. [1] Kingma, Welling (2014). Auto-encoding variational Bayes. ICLR.
    .. [2] Burda, Grosse, Salakhutdinov (2016). Importance weighted autoencoders. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_modern.decomposition import VariationalAutoencoder
    >>> X, y = load_iris(return_X_y=True)
    >>> vae = VariationalAutoencoder(conditional=True, max_iter=20, device="cpu", random_state=0)
    >>> rows, labels = vae.fit(X, y).sample(3, y=2, random_state=0)
    >>> rows.shape, labels
    ((3, 4), array([2, 2, 2]))
    """

    _: KW_ONLY
    input_scaling: str | None = shapes(default="standard", differs=False)

    _parameter_constraints = {"input_scaling": [StrOptions({"standard"}), None]}


@estimator
class CNNVariationalAutoencoder(VariationalEstimator, CodedImages):
    r"""Learn codes that are normal, of which signals, images or volumes can be drawn.

    As :class:`VariationalAutoencoder`, with networks that convolve. X is ``(n, *spatial)``,
    ``(n, channels, *spatial)``, or flat, with ``input_shape``. Pixels are normal, with a standard
    deviation of each channel that is learned; where all are 0 or 1 they have probabilities.

    :meth:`sample` gives the means of pixels, without their noise, or the probabilities of ones,
    rounded if X has whole numbers. With pixels of 0 and 1 :meth:`score_samples` is the logarithm of
    a probability, otherwise of a density.

    References
    ----------
    .. [1] Kingma, Welling (2014). Auto-encoding variational Bayes. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_modern.decomposition import CNNVariationalAutoencoder
    >>> X = load_digits().images[:200]
    >>> vae = CNNVariationalAutoencoder(4, width=4, max_iter=5, device="cpu", random_state=0)
    >>> vae.fit(X).sample(2, random_state=0).shape
    (2, 8, 8)
    """

    def _make_inputs(self):
        return LikelyImages(self._make_reader())
