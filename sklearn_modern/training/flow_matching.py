"""Learn a field that carries noise to rows along straight paths."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sklearn_modern.networks.averaged import Averaged
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.velocity import Velocity
from sklearn_modern.training.objective import Modules, Objective, Steps
from sklearn_modern.training.sources import Batch

__all__ = ["FlowMatching", "heun"]

# Noise and times with which rows are validated come from seeds of their own.
_SEED = 20


class FlowMatching(Objective):
    r"""Regress the velocity of straight paths from noise to rows.

    At the time :math:`t` a row :math:`x` that started at the noise :math:`z` is at
    :math:`x_t = (1 - t) z + t x`. The field :math:`v` is fitted to its velocity,

    .. math:: \left\| v(x_t, t) - (x - z) \right\|^2 ,

    so that it becomes the mean velocity of all rows that come by; the network may have another loss
    with the same aim. Inputs of a batch are the
    labels, if there are any, and its targets are the rows.

    Parameters
    ----------
    network : Velocity
        Gives the velocities.
    random : MemberRandom
        Where noise and times come from.

    References
    ----------
    Lipman, Chen, Ben-Hamu, Nickel, Le (2023). Flow matching for generative modeling. ICLR.

    Liu, Gong, Liu (2023). Flow straight and fast. ICLR.
    """

    def __init__(self, network: Velocity, random: MemberRandom) -> None:
        self.modules = {"module": Averaged(network)}
        self.random = random

    def steps(self, modules: Modules, batch: Batch) -> Steps:
        """Yield the losses, and let the average follow."""
        both = modules["module"]
        yield ("module",), self._losses(both.trained, batch, self.random)
        both.follow()

    def evaluate(self, modules: Modules, batch: Batch) -> tuple[Tensor, None]:
        """Return the losses of the average, with the same noise and times at each call."""
        return self.outputs(modules, batch), None

    def outputs(self, modules: Modules, batch: Batch) -> Tensor:
        """Return the losses of rows with noise and times that are always the same."""
        fixed = MemberRandom([_SEED] * len(self.random))
        return self._losses(modules["module"].average, batch, fixed)

    @property
    def settles(self) -> bool:
        """Whether a loss that no longer falls tells anything: not one that is mostly noise."""
        return False

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row, or about as many."""
        return self.modules["module"].trained.products

    def rows_together(self, shape: Sequence[int] = ()) -> int:
        """Return how many rows to evaluate together."""
        return self.modules["module"].trained.rows_together

    def draw(self, noise: Tensor, labels: Tensor, n_steps: int) -> Tensor:
        """Carry noise (members, rows, ...) to rows, in steps of Heun's method."""
        network = self.modules["module"].eval().average

        def velocity(rows, time):
            scores = network(rows, rows.new_full(rows.shape[:2], time), labels)
            return network.velocity(scores, rows, time)

        with torch.inference_mode():
            return heun(velocity, noise, n_steps)

    def _losses(self, network, batch, random):
        rows = network.seen(batch.y)
        rows = rows.expand(len(random), *rows.shape[1:])
        noise, time = random.normal_like(rows), self._times(rows, random)
        spread = time.view(*time.shape, *[1] * (rows.ndim - 2))
        scores = network(torch.lerp(noise, rows, spread), time, batch.x)
        return network.loss(scores, noise, rows)

    def _times(self, rows, random):
        """Draw a time for each row, so that those of a batch spread evenly from 0 to 1."""
        places = random.uniform_like(rows.new_empty(rows.shape[:2]))
        order = torch.arange(rows.shape[1], dtype=rows.dtype, device=rows.device)
        return (order + places) / rows.shape[1]


def heun(velocity: Callable[[Tensor, float], Tensor], start: Tensor, n_steps: int) -> Tensor:
    """Go along a field from the time 0 to 1; the error falls with the square of the steps.

    The last step is Euler's, so that nobody asks for the velocity at the time 1.

    Parameters
    ----------
    velocity : callable
        From places and a time to velocities.
    start : Tensor
        Places at the time 0.
    n_steps : int
        Number of steps; each but the last asks twice for the velocity.

    Returns
    -------
    Tensor
        Places at the time 1.
    """
    step, place = 1.0 / n_steps, start
    for index in range(n_steps - 1):
        slope = velocity(place, index * step)
        ahead = velocity(place + step * slope, (index + 1) * step)
        place = place + 0.5 * step * (slope + ahead)
    return place + step * velocity(place, 1.0 - step)
