"""Steps of an optimiser on an accelerator.

What differs between the teams stands in columns, so that one kernel serves all of them: to start it
takes as long for a hundred as for one.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from sklearn_modern.device import send
from sklearn_modern.training.member_steps import MemberSteps
from sklearn_modern.training.optimizers import BETA_1, BETA_2, EPSILON
from sklearn_modern.training.schedules import SCHEDULES

__all__ = ["ColumnSteps"]


class ColumnSteps(MemberSteps):
    """Steps that give what the nets' own optimisers give, up to rounding.

    All that a step needs lies on the device before it begins, and stays in the same place, so that
    its kernels can be recorded once and started together.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._columns: dict[str, Tensor] = {}
        n_rows = len(self._groups) + (1 if self._is_sgd else 3)
        shape = n_rows, len(self._nets), 1
        self._now = torch.zeros(shape, dtype=self._like.dtype, device=self._like.device)
        self._momenta = [net.momentum for net in self._nets]

    def begin_epoch(self) -> None:
        """Send the rates of all steps of an epoch to the device."""
        super().begin_epoch()
        n_steps = max(run.n_batches for run in self._runs)
        table = torch.zeros(n_steps, *self._now.shape, dtype=self._now.dtype)
        schedules = {}
        for run in self._runs:
            own = table[: run.n_batches, :, run.teams, 0]
            for group, (factor, _) in enumerate(self._groups):
                own[:, group] = _rates(run, group, factor, schedules).unsqueeze(1)
            self._tell_moments(own[:, len(self._groups) :], run)
        self._table = send(table, self._now.device)

    def get_ready(self) -> None:
        """Count the next step, and lay its rates down where a step looks for them."""
        self._now.copy_(self._table[self._done])
        super().get_ready()

    def _tell_moments(self, table, run):
        """Say whether there is a step, and of Adam by what its moments are divided."""
        table[:, 0] = 1.0
        if not self._is_sgd:
            counts = run.n_steps + 1.0 + torch.arange(run.n_batches, dtype=torch.float64)
            table[:, 1] = (1.0 - BETA_1**counts).unsqueeze(1)
            table[:, 2] = (1.0 - BETA_2**counts).unsqueeze(1)

    def _update(self):
        rates, others = self._now[: len(self._groups)], self._now[len(self._groups) :]
        groups = zip(self._groups, self._decaying, rates, self._moments, strict=True)
        for (_, own), weights, rate, moments in groups:
            self._penalise(weights)
            if any(self._decays):
                factors = 1.0 - rate * self._column("decay", self._decays)
                for weight in weights:
                    self._by_team(weight).mul_(factors)
            step = self._descend if self._is_sgd else self._adam
            for parameter, *of_parameter in zip(own, *moments, strict=True):
                gradient = self._by_team(parameter.grad)
                step(self._by_team(parameter), gradient, *of_parameter, rate, *others)

    def _adam(self, weight, gradient, mean, square, rate, steps, of_mean, of_square):
        mean.lerp_(gradient, (1.0 - BETA_1) * steps)
        square.lerp_(gradient.square(), (1.0 - BETA_2) * steps)
        # A team without a step has a rate of zero, and nothing to be divided by.
        size = square.div(of_square.clamp(min=EPSILON)).sqrt_().add_(EPSILON)
        weight.sub_(mean.div(size).mul_(rate / of_mean.clamp(min=EPSILON)))

    def _descend(self, weight, gradient, buffer, rate, steps):
        if not any(self._momenta):
            weight.sub_(gradient * rate)
            return
        momentum = self._column("momentum", self._momenta)
        buffer.copy_(torch.where(steps > 0, buffer * momentum + gradient, buffer))
        weight.sub_((gradient + buffer * momentum).mul_(rate))

    def _column(self, name: str, values: Sequence[float]) -> Tensor:
        if name not in self._columns:
            self._columns[name] = self._like.new_tensor(values).unsqueeze(1)
        return self._columns[name]


def _rates(run, group, factor, schedules):
    """Return the rates of an epoch; runs of one schedule share its values."""
    if run.is_constant:
        return torch.full((run.n_batches,), run.rate(group, factor, 0), dtype=torch.float64)
    net = run.net
    key = net.schedule, net.steps_done_, net.steps_to_do_, run.n_batches
    if key not in schedules:
        progress = map(run.progress, range(run.n_batches))
        values = [SCHEDULES[net.schedule](part) for part in progress]
        schedules[key] = torch.tensor(values, dtype=torch.float64)
    return schedules[key] * (net.lr * factor)
