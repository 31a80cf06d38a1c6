"""The next step of a sequence of numbers, as a mixture of Gaussians, or its end."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from sklearn_modern.heads.steps import StepHead, mean_likelihood
from sklearn_modern.networks.decoding import tempered
from sklearn_modern.networks.random import MemberRandom

__all__ = ["NextNumbers", "NumbersInTurns"]

# What the last number of an outcome says: a step; the end; nothing that counts; a step of which
# only is known that it is there.
STEP, END, UNCOUNTED, INCOMPLETE = 0, 1, 2, 3

# The narrowest a Gaussian may get, in units of a channel's standard deviation, so that the
# likelihood of what is constant stays finite.
_NARROWEST = 1e-3


class NextNumbers(StepHead):
    r"""The next numbers as a mixture of Gaussians, with the probability that the sequence ends.

    With :math:`K` components, weights :math:`\pi_k`, means :math:`\mu_k`, triangular matrices
    :math:`L_k` and the probability :math:`q` of the end, the density of a step :math:`x` is

    .. math:: (1 - q) \sum_k \pi_k |L_k| (2 \pi)^{-C/2}
        \exp\left(-\tfrac{1}{2} \|L_k (x - \mu_k)\|^2\right).

    Outcomes are scaled numbers, what marks missing ones, and a last number that says what they are.

    Parameters
    ----------
    n_features : int
        Width of the body's features.
    scale : Tensor of shape (n_channels,)
        What the channels were divided by; likelihoods are in their own units.
    n_components : int
        Number of Gaussians.
    random : MemberRandom
        Where the initial weights come from.

    References
    ----------
    Graves (2013), "Generating Sequences With Recurrent Neural Networks", arXiv:1308.0850.
    """

    def __init__(
        self, n_features: int, scale: Tensor, n_components: int, random: MemberRandom
    ) -> None:
        n = len(scale)
        self.sizes = [1, n_components, n_components * n, n_components * n * (n + 1) // 2]
        super().__init__(n_features, sum(self.sizes), random)
        self.n_components, self.n_channels = n_components, n
        self.register_buffer("log_scale", scale.double().log().sum())
        below = torch.tril_indices(n, n, offset=-1)
        self.register_buffer("below", below[0] * n + below[1], persistent=False)
        with torch.no_grad():  # components start apart, and about as wide as the channels
            start = random.normal(self.sizes[2], std=1.0)
            self.linear.bias[:, self._places(2), 0] = start

    def beginning(self, n_rows: int, like: Tensor) -> Tensor:
        """Return zeros, which are the mean of the channels."""
        return like.new_zeros(n_rows, 1, like.shape[-1])

    def ending(self, n_rows: int, like: Tensor) -> Tensor:
        """Return zeros that are the end."""
        return self._of_kind(END, n_rows, like)

    def nothing(self, n_rows: int, like: Tensor) -> Tensor:
        """Return zeros that do not count."""
        return self._of_kind(UNCOUNTED, n_rows, like)

    def read(self, outcomes: Tensor) -> Tensor:
        """Return the numbers without what says what they are."""
        return outcomes[..., :-1]

    def counted(self, outcomes: Tensor, mask: Tensor | None) -> Tensor:
        """Tell which are steps, or an end that is known to be one."""
        counted = outcomes[..., -1] != UNCOUNTED
        return counted if mask is None else counted & mask

    def log_likelihood(self, scores: Tensor, outcomes: Tensor) -> Tensor:
        """Return the logarithms of the densities of steps, and of the probabilities of ends."""
        ends, weights, means, narrow = self._parts(scores)
        kind, x = outcomes[..., -1], outcomes[..., : self.n_channels]
        standard, log_width = self._standardised(x.unsqueeze(-2) - means, narrow)
        density = -0.5 * (standard**2).sum(-1) - log_width
        density = torch.logsumexp(weights.log_softmax(-1) + density, dim=-1)
        density = density - 0.5 * self.n_channels * math.log(2 * math.pi)
        density = (density - self.log_scale).to(scores.dtype).masked_fill(kind == INCOMPLETE, 0.0)
        return torch.where(kind == END, F.logsigmoid(ends), F.logsigmoid(-ends) + density)

    def draw(self, scores: Tensor, temperature: float, draws) -> tuple[Tensor, Tensor]:
        """Draw scaled steps (rows, n_channels), and which rows end, from scores of all members.

        The components of all members are one mixture, in which members weigh as much as they
        expect a step. At a ``temperature`` other than 1 the weights are taken to the power of its
        inverse, and variances are multiplied by it; at 0 the mean of the component of the largest
        weight is taken, and the end if it is likelier than not.
        """
        scores = scores.double().cpu()
        ends, weights, means, narrow = self._parts(scores)
        q = mean_likelihood(F.logsigmoid(ends)).exp()
        rows = torch.arange(scores.shape[1])
        weights = weights.log_softmax(-1) + F.logsigmoid(-ends).unsqueeze(-1)
        weights, means, narrow = (
            part.transpose(0, 1).flatten(1, 2) for part in (weights, means, narrow)
        )
        place, noise = draws.uniform(), draws.normal(self.n_channels)
        if temperature == 0:
            component, noise, place = weights.argmax(-1), torch.zeros_like(noise), 0.5
            end = q > place
        else:
            sums = tempered(weights, temperature).cumsum(-1)
            aim = (draws.uniform() * sums[:, -1]).unsqueeze(-1)
            component = torch.searchsorted(sums, aim, right=True)[:, 0]
            odds = (q.log() - (-q).log1p()) / temperature
            end = place < torch.sigmoid(odds)
        matrix = self._matrix(narrow[rows, component])
        step = torch.linalg.solve_triangular(matrix, noise.unsqueeze(-1), upper=False)[..., 0]
        return means[rows, component] + step * math.sqrt(temperature), end

    def decode(self, scores: Tensor) -> Tensor:
        """Return the mean probability of the end: (rows,)."""
        return mean_likelihood(F.logsigmoid(scores[..., 0])).exp()

    def _of_kind(self, kind, n_rows, like):
        return F.pad(like.new_zeros(n_rows, 1, like.shape[-1] - 1), (0, 1), value=kind)

    def _parts(self, scores):
        """Return scores of the end, of components, their means, and their triangles."""
        ends, weights, means, narrow = scores.split(self.sizes, dim=-1)
        parts = (part.unflatten(-1, (self.n_components, -1)) for part in (means, narrow))
        return ends[..., 0], weights, *parts

    def _places(self, part):
        start = sum(self.sizes[:part])
        return slice(start, start + self.sizes[part])

    def _log_diagonal(self, narrow):
        most = -math.log(_NARROWEST)
        return most - F.softplus(most - narrow[..., : self.n_channels])

    def _standardised(self, apart, narrow):
        """Return what is standard normal, and the logarithm of what volumes were divided by."""
        log_diagonal = self._log_diagonal(narrow)
        standard = log_diagonal.exp() * apart
        if self.n_channels > 1:
            standard = standard + (self._lower(narrow) @ apart.unsqueeze(-1))[..., 0]
        return standard, -log_diagonal.sum(-1)

    def _lower(self, narrow):
        n = self.n_channels
        lower = narrow.new_zeros(*narrow.shape[:-1], n * n)
        return lower.index_copy(-1, self.below.to(narrow.device), narrow[..., n:]).unflatten(
            -1, (n, n)
        )

    def _matrix(self, narrow):
        return self._lower(narrow) + torch.diag_embed(self._log_diagonal(narrow).exp())


class NumbersInTurns(NextNumbers):
    """:class:`NextNumbers` of a body that reads to two sides, each of which ends.

    So the body reads which steps are an end, and which are steps or an end at all.
    """

    def read(self, outcomes: Tensor) -> Tensor:
        """Return the numbers, and two that tell what they are."""
        kind = outcomes[..., -1:]
        marks = [(kind == END).to(kind.dtype), (kind != UNCOUNTED).to(kind.dtype)]
        return torch.cat([outcomes[..., :-1], *marks], dim=-1)
