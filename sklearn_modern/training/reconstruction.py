"""Squeeze rows into codes, and make the rows of the codes again."""

import torch
from torch import Tensor, nn

from sklearn_modern.heads.base import Head
from sklearn_modern.networks.base import Body
from sklearn_modern.networks.corruption import Corruption
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import by_blocks
from sklearn_modern.networks.squeeze import Squeeze
from sklearn_modern.training.objective import Modules, Objective, Steps
from sklearn_modern.training.sources import Batch

__all__ = ["Autoencoder", "Reconstruction", "losses_of"]


class Autoencoder(nn.Module):
    """An encoder, which maps rows to codes, and a decoder, which maps codes to rows.

    Parameters
    ----------
    corruption : Corruption
        Spoils embedded rows while training.
    encoder : Body
        Maps rows to features.
    squeeze : Squeeze
        Maps these, and embedded rows, to codes.
    decoder : Body
        Maps codes to features.
    head : Head
        Maps these to the scores of rows, and owns their loss.
    """

    def __init__(
        self,
        corruption: Corruption,
        encoder: Body,
        squeeze: Squeeze,
        decoder: Body,
        head: Head,
    ) -> None:
        super().__init__()
        self.corruption = corruption
        self.encoder, self.squeeze, self.n_codes = encoder, squeeze, squeeze.n_outputs
        self.decoder, self.head = decoder, head

    def encode(self, embedded: Tensor, given: Given = NOTHING) -> Tensor:
        """Map embedded rows to codes (members, rows, n_codes)."""
        return self.squeeze(self.encoder.trunk(embedded, given), embedded)

    def decode(self, codes: Tensor, given: Given = NOTHING) -> Tensor:
        """Map codes to scores of rows (members, rows, ...)."""
        return by_blocks(self.head, self.decoder(codes, given))


class Reconstruction(Objective):
    r"""Make each row again from its code.

    The loss of a row :math:`x` with the code :math:`z = f(\tilde x)`, where :math:`\tilde x` is the
    row after a corruption, is

    .. math:: \ell(x, g(z)) + \lambda_s \|z\|_1 + \lambda_c \left\|\frac{\partial f}{\partial x}
        \right\|_F^2.

    Parameters
    ----------
    network : Autoencoder
        What is trained.
    random : MemberRandom
        Where the directions come from in which the Jacobian is measured.
    sparsity : float, default=0.0
        :math:`\lambda_s`.
    contraction : float, default=0.0
        :math:`\lambda_c` [1]_. The squared norm is estimated by one random direction for each row.
    trim : float, default=0.0
        Share of a batch's weight, of the rows of the largest loss, that teaches nothing.

    References
    ----------
    .. [1] Rifai, Vincent, Muller, Glorot, Bengio (2011). Contractive auto-encoders: explicit
       invariance during feature extraction. ICML.
    """

    def __init__(
        self,
        network: Autoencoder,
        random: MemberRandom,
        *,
        sparsity: float = 0.0,
        contraction: float = 0.0,
        trim: float = 0.0,
    ) -> None:
        self.modules = {"module": network}
        self.random = random
        self.sparsity, self.contraction, self.trim = sparsity, contraction, trim

    def steps(self, modules: Modules, batch: Batch) -> Steps:
        """Yield the losses of rows made again."""
        network = modules["module"]
        embedded = network.encoder.embed(batch.x, batch.given)
        spoilt = network.corruption(embedded)
        if self.contraction and not spoilt.requires_grad:
            spoilt = spoilt.detach().requires_grad_()
        codes = network.encode(spoilt, batch.given)
        scores = network.decode(codes, batch.given)
        losses = losses_of(network.head, scores, batch, embedded)
        if self.sparsity:
            losses = losses + self.sparsity * codes.abs().sum(-1)
        if self.contraction:
            losses = losses + self.contraction * self._slope(spoilt, codes)
        if self.trim:
            losses = losses * _kept(losses.detach(), batch.weight, self.trim)
        yield ("module",), losses
        return scores

    def evaluate(self, modules: Modules, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the losses of rows made again, and nothing besides, and their scores."""
        network = modules["module"]
        embedded = network.encoder.embed(batch.x, batch.given)
        scores = network.decode(network.encode(embedded, batch.given), batch.given)
        return losses_of(network.head, scores, batch, embedded), scores

    def outputs(self, modules: Modules, batch: Batch) -> Tensor:
        """Return the scores of rows made again."""
        return modules["module"].decode(self.features(modules, batch), batch.given)

    def features(self, modules: Modules, batch: Batch) -> Tensor:
        """Return the codes of rows (members, rows, n_codes)."""
        network = modules["module"]
        return network.encode(network.encoder.embed(batch.x, batch.given), batch.given)

    def made(self, modules: Modules, batch: Batch) -> Tensor:
        """Return the scores of rows of which the batch has the codes."""
        return modules["module"].decode(batch.x)

    def judged(self, modules: Modules, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the numbers of rows (rows, n), and of each member what it makes of the rows.

        See :func:`sklearn_modern.training.predictions.judged`.
        """
        network = modules["module"]
        embedded = network.encoder.embed(batch.x, batch.given)
        codes = network.encode(embedded, batch.given)
        scores = network.decode(codes, batch.given)
        wanted = _wanted(batch, embedded)
        return *network.head.judged(scores, wanted), codes

    def decode(self, outputs: Tensor) -> Tensor:
        """Turn scores into the prediction of all members together."""
        return self.modules["module"].head.decode(outputs)

    def decide(self, decoded: Tensor) -> Tensor:
        """Turn a decoded prediction into cells."""
        return self.modules["module"].head.decide(decoded)

    @property
    def pads(self) -> bool:
        """Whether the encoder or the decoder wants whole blocks of rows."""
        network = self.modules["module"]
        return network.encoder.pads or network.decoder.pads

    def rows_together(self, shape=()) -> int:
        """Return how many rows the encoder and the decoder evaluate together."""
        network = self.modules["module"]
        return min(network.encoder.rows_together(shape), network.decoder.rows_together(shape))

    def _slope(self, x, codes):
        """Estimate the squared norm of the Jacobian of each row's code: (members, rows)."""
        direction = self.random.normal_like(codes)
        (slope,) = torch.autograd.grad(codes, x, direction, create_graph=True)
        return slope.flatten(2).square().sum(-1)


def losses_of(head: Head, scores: Tensor, batch: Batch, embedded: Tensor) -> Tensor:
    """Return the losses of rows; where they have no targets, nothing of them is missing."""
    if batch.y is None:
        return head.whole_loss(scores, embedded)
    return head.loss(scores, batch.y, batch.given)


def _wanted(batch, embedded):
    """Return what rows are to become: their targets, or else themselves."""
    return embedded if batch.y is None else batch.y


def _kept(losses, weight, share):
    """Return how much of each row counts, if a share of the weight, the worst, does not."""
    weight = torch.ones_like(losses) if weight is None else weight.expand(losses.shape)
    order = losses.argsort(dim=1)
    ordered = weight.gather(1, order)
    room = (1 - share) * ordered.sum(1, keepdim=True) - (ordered.cumsum(1) - ordered)
    return torch.empty_like(losses).scatter_(1, order, (room / ordered).clamp(0.0, 1.0))
