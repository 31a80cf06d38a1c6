"""Bound the likelihood of rows by that of their codes and of what is made of these."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.linalg import solve_triangular
from scipy.special import ndtri
from scipy.stats import qmc
from torch import Tensor, nn

from sklearn_modern.heads.likelihoods import LikelihoodHead
from sklearn_modern.networks.base import Body
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import by_blocks, column_sums
from sklearn_modern.networks.squeeze import Squeeze
from sklearn_modern.training.objective import Modules, Objective, Steps
from sklearn_modern.training.reconstruction import losses_of
from sklearn_modern.training.sources import Batch

__all__ = ["EvidenceBound", "VariationalNetwork", "normal_points"]

# Codes of a row whose losses are averaged where chance has to stay out: to compare epochs, or at
# least so many to train, as weights would fit themselves to the few.
_POINTS, _POINTS_OF_TRAINING = 8, 16

# Bounds of the log-variance of a code: those of the normal codes are 0.
_LEAST, _MOST = -20.0, 5.0


class VariationalNetwork(nn.Module):
    """An encoder, which says where the code of a row may be, and a decoder.

    Parameters
    ----------
    encoder : Body
        Maps rows to features.
    labelled : Body or None
        Maps a tuple of the features and of labels to features; None if there are no labels.
    squeeze : Squeeze
        Maps these, and embedded rows, to the means and log-variances of codes.
    decoder : Body
        Maps codes, or a tuple of codes and labels, to features.
    head : LikelihoodHead
        Maps these to the scores of rows.
    """

    def __init__(
        self,
        encoder: Body,
        labelled: Body | None,
        squeeze: Squeeze,
        decoder: Body,
        head: LikelihoodHead,
    ) -> None:
        super().__init__()
        self.encoder, self.labelled = encoder, labelled
        self.squeeze, self.n_codes = squeeze, squeeze.n_outputs // 2
        self.decoder, self.head = decoder, head

    def split(self, x: Any) -> tuple[Any, Tensor | None]:
        """Return the inputs of the encoder, and the labels, if there are any."""
        if self.labelled is None:
            return x, None
        *own, labels = x
        return own[0] if len(own) == 1 else tuple(own), labels

    def encode(self, embedded: Tensor, labels: Tensor | None, given: Given = NOTHING) -> Tensor:
        """Map embedded rows to means and log-variances of codes (members, rows, 2 * n_codes)."""
        features = self.encoder.trunk(embedded, given)
        if self.labelled is not None:
            features = self.labelled((features, labels), given)
        return self.squeeze(features, embedded)

    def decode(self, codes: Tensor, labels: Tensor | None, given: Given = NOTHING) -> Tensor:
        """Map codes to scores of rows (members, rows, ...)."""
        x = codes if labels is None else (codes, labels)
        return by_blocks(self.head, self.decoder(x, given))


class EvidenceBound(Objective):
    r"""Maximise a lower bound of the likelihood of rows.

    With the encoder's :math:`q(z | x)`, which is normal, the loss of a row is

    .. math:: -\mathbb{E}_{q(z | x)} \log p(x | z) + \beta \, \mathrm{KL}(q(z | x) \,\|\, N(0, I)),

    where the expectation is estimated by one code [1]_. Given labels, all depends on these, too.

    Parameters
    ----------
    network : VariationalNetwork
        What is trained.
    random : MemberRandom
        Where the codes' noise comes from.
    beta : float, default=1.0
        :math:`\beta`; with 1 it is a bound.
    fixed : bool, default=False
        Whether to train with the same noise in all steps and for all rows, as solvers need that
        evaluate a batch several times.

    References
    ----------
    .. [1] Kingma, Welling (2014). Auto-encoding variational Bayes. ICLR.
    """

    def __init__(
        self,
        network: VariationalNetwork,
        random: MemberRandom,
        *,
        beta: float = 1.0,
        fixed: bool = False,
    ) -> None:
        self.modules = {"module": network}
        self.random = random
        self.beta, self.fixed = beta, fixed

    def steps(self, modules: Modules, batch: Batch) -> Steps:
        """Yield minus the bounds."""
        posterior = self._posterior(modules, batch)
        if self.fixed:
            points = _points(max(_POINTS_OF_TRAINING, 2 * posterior.mean.shape[-1]), posterior)
        else:
            points = self.random.normal_like(posterior.mean).unsqueeze(0)
        losses, scores = self._losses(modules, batch, posterior, points)
        yield ("module",), losses
        return scores

    def evaluate(self, modules: Modules, batch: Batch) -> tuple[Tensor, None]:
        """Return minus the bounds, by the same noise whenever and for all rows."""
        posterior = self._posterior(modules, batch)
        return self._losses(modules, batch, posterior, _points(_POINTS, posterior))[0], None

    def outputs(self, modules: Modules, batch: Batch) -> Tensor:
        """Return the scores of rows made of the means of their codes."""
        posterior = self._posterior(modules, batch)
        return modules["module"].decode(posterior.mean, posterior.labels, batch.given)

    def features(self, modules: Modules, batch: Batch) -> Tensor:
        """Return the means of the codes of rows (members, rows, n_codes)."""
        return self._posterior(modules, batch).mean

    def made(self, modules: Modules, batch: Batch) -> Tensor:
        """Return the scores of rows of which the batch has the codes."""
        return modules["module"].decode(*modules["module"].split(batch.x))

    def drawn(self, scores: Tensor, uniform: Tensor) -> Tensor:
        """Draw cells of each member's rows; see :meth:`LikelihoodHead.drawn`."""
        return self.modules["module"].head.drawn(scores, uniform)

    def log_weights(self, modules: Modules, batch: Batch, noises: Tensor) -> Tensor:
        r"""Return :math:`\log \frac{p(x | z) \, p(z)}{q(z | x)}` (codes, members, rows).

        The logarithm of the mean over many codes :math:`z` is close to the log-likelihood [2]_.

        Parameters
        ----------
        modules, batch
            What is asked, and rows.
        noises : Tensor of shape (codes, n_codes)
            Standard normal numbers, by which the codes of each row are drawn.

        References
        ----------
        .. [2] Burda, Grosse, Salakhutdinov (2016). Importance weighted autoencoders. ICLR.
        """
        network, posterior = modules["module"], self._posterior(modules, batch)
        mean, log_variance, weights = posterior.mean, posterior.log_variance, []
        for noise in noises.to(mean):
            codes = mean + posterior.deviation * noise
            scores = network.decode(codes, posterior.labels, batch.given)
            unlikely = network.head.loss(scores, posterior.wanted, batch.given)
            ratios = noise.square() + log_variance - codes.square()
            weights.append(0.5 * column_sums(ratios.transpose(1, 2)) - unlikely)
        return torch.stack(weights)

    def decode(self, outputs: Tensor) -> Tensor:
        """Turn scores into the prediction of all members together."""
        return self.modules["module"].head.decode(outputs)

    def decide(self, decoded: Tensor) -> Tensor:
        """Turn a decoded prediction into cells."""
        return self.modules["module"].head.decide(decoded)

    @property
    def pads(self) -> bool:
        """Whether rows are predicted in whole blocks: the decoder, at least, wants them."""
        return True

    def rows_together(self, shape: Sequence[int] = ()) -> int:
        """Return how many rows the encoder and the decoder evaluate together."""
        network = self.modules["module"]
        return min(network.encoder.rows_together(shape), network.decoder.rows_together(shape))

    def _posterior(self, modules, batch):
        network = modules["module"]
        x, labels = network.split(batch.x)
        embedded = network.encoder.embed(x, batch.given)
        wanted = embedded if batch.y is None else batch.y
        return _Posterior(network.encode(embedded, labels, batch.given), labels, wanted)

    def _losses(self, modules, batch, posterior, noises):
        network, total = modules["module"], 0.0
        mean, log_variance, deviation = posterior.mean, posterior.log_variance, posterior.deviation
        for noise in noises:
            codes = torch.addcmul(mean, deviation, noise)
            scores = network.decode(codes, posterior.labels, batch.given)
            total = total + losses_of(network.head, scores, batch, posterior.wanted)
        if len(noises) > 1:
            total = total / len(noises)
        moments = mean.square() + deviation.square() - log_variance
        divergence = moments.sum(-1) - mean.shape[-1]
        return torch.add(total, divergence, alpha=0.5 * self.beta), scores


class _Posterior:
    """What is known of the codes of some rows, and what is to be made of them."""

    def __init__(self, moments: Tensor, labels: Tensor | None, wanted: Tensor) -> None:
        self.mean, log_variance = moments.chunk(2, dim=-1)
        self.log_variance = log_variance.clamp(_LEAST, _MOST)
        self.deviation = (0.5 * self.log_variance).exp()
        self.labels, self.wanted = labels, wanted


def _points(n_points, posterior):
    mean = posterior.mean
    points = torch.from_numpy(normal_points(n_points, mean.shape[-1])).to(mean)
    return points.view(n_points, 1, 1, -1)


def normal_points(n_points: int, n_columns: int) -> np.ndarray:
    """Return points (n_points, n_columns) that spread as normal ones do, but more evenly.

    Every second one is the one before with the other sign. If there are enough of them, squares and
    products have the means of normal numbers exactly. They are always the same.
    """
    half = -(-n_points // 2)
    power = max(half - 1, 0).bit_length()
    points = ndtri(qmc.Sobol(n_columns, seed=0).random_base2(power)[:half])
    if half >= n_columns:
        factor = np.linalg.cholesky(points.T @ points / half)
        points = solve_triangular(factor, points.T, lower=True).T
    return np.stack([points, -points], axis=1).reshape(-1, n_columns)[:n_points]
