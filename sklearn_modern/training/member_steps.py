"""Steps of an optimiser for members that have settings of their own.

Members that share weights are one here: a *team*. All tensors are looked at as (teams, numbers).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn

from sklearn_modern.networks.layers import VECTOR
from sklearn_modern.training.optimizers import adam_step, decaying, grouped, sgd_step
from sklearn_modern.training.schedules import SCHEDULES
from sklearn_modern.training.trainer import Trainer

__all__ = ["MemberSteps"]


@dataclass(eq=False)
class _Run:
    """Neighbouring teams that take the same steps in an epoch.

    Parameters
    ----------
    teams : slice
        Their places.
    net : Trainer
        One of their nets.
    n_batches : int
        How many steps they take.
    n_steps : int
        How many they have taken since the beginning.
    """

    teams: slice
    net: Trainer
    n_batches: int
    n_steps: int

    def rate(self, group: int, factor: float, done: int) -> float:
        """Return the learning rate of a group of parameters after so many steps of the epoch."""
        net = self.net
        if SCHEDULES[net.schedule] is SCHEDULES["constant"]:  # "adaptive" lowers it
            return net.optimizer_.param_groups[group]["lr"]
        progress = (net.steps_done_ + done) / net.steps_to_do_
        return net.lr * SCHEDULES[net.schedule](progress) * factor


class MemberSteps:
    """The optimiser of a network whose members belong to different nets.

    A team's weights change exactly as the net's own optimiser would change them. A step for which a
    team has no rows leaves its weights, moments and count of steps as they are.

    Parameters
    ----------
    network : nn.Module
        The network; all its parameters have a leading axis of members, or of teams.
    rates : mapping of nn.Module to float
        Parts of the network whose learning rate is a multiple of the common one.
    nets : sequence of Trainer
        The net of each team, whose settings hold for it.
    earlier : tuple of (MemberSteps, list of int) or None, default=None
        Steps from which to go on, and the place that each team had there.
    """

    def __init__(
        self,
        network: nn.Module,
        rates: Mapping[nn.Module, float],
        nets: Sequence[Trainer],
        earlier: "tuple[MemberSteps, list[int]] | None" = None,
    ) -> None:
        self._nets, self._is_sgd = nets, nets[0].solver == "sgd"
        groups = grouped(network, rates, len(nets)).items()
        self._groups = [(factor, parameters) for (factor, _), parameters in groups]
        shrinking = set(decaying(network))
        self._decaying = [[p for p in own if p in shrinking] for _, own in self._groups]
        is_adamw = nets[0].solver == "adamw"
        self._decays = [net.decay for net in nets] if is_adamw else []
        self._penalties = [] if is_adamw else [net.penalty for net in nets]
        self._largest = [net.gradient_clip or torch.inf for net in nets]
        self._counts = [0] * len(nets)
        if earlier is None:
            n_moments = 1 if self._is_sgd else 2
            self._moments = [
                [[torch.zeros_like(self._by_team(p)) for p in own] for _ in range(n_moments)]
                for _, own in self._groups
            ]
        else:
            before, places = earlier
            counts = before._counts_now()
            self._counts = [counts[place] for place in places]
            self._moments = [
                [[tensor[places] for tensor in moment] for moment in moments]
                for moments in before._moments
            ]
        self._runs: list[_Run] = []

    def begin_epoch(self) -> None:
        """Find out which teams take the same steps."""
        self._counts = self._counts_now()
        self._done, self._runs = 0, []
        pairs = zip(self._nets, self._counts, strict=True)
        begin = 0
        for (n_batches, n_steps, *_), teams in groupby(pairs, key=_steps_of):
            teams = list(teams)
            own = slice(begin, begin := begin + len(teams))
            self._runs.append(_Run(own, teams[0][0], n_batches, n_steps))
        # Of each group: lists of its parameters and moments, and in each of these, one list a run.
        self._parts = []
        for (_, own), moments in zip(self._groups, self._moments, strict=True):
            lists = [[self._by_team(p.detach()) for p in own], *moments]
            self._parts.append([_by_run(tensors, self._runs) for tensors in lists])

    def forget_gradients(self) -> None:
        """Make room for new gradients."""
        for _, parameters in self._groups:
            for parameter in parameters:
                parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update the weights by their gradients."""
        active = [i for i, run in enumerate(self._runs) if run.n_batches > self._done]
        parameters = [p for _, own in self._groups for p in own]
        for parameter in parameters:
            if parameter.grad is None:  # it had no part in the losses
                parameter.grad = torch.zeros_like(parameter)
        if min(self._largest) < torch.inf:
            self._clip([self._by_team(parameter.grad) for parameter in parameters])
        for group, (factor, own) in enumerate(self._groups):
            rates = {i: self._runs[i].rate(group, factor, self._done) for i in active}
            self._shrink(self._decaying[group], rates)
            gradients = _by_run([self._by_team(p.grad) for p in own], self._runs)
            for i, rate in rates.items():
                tensors = [lists[i] for lists in self._parts[group]]
                self._update(self._runs[i], rate, gradients[i], *tensors)
        for i in active:
            self._runs[i].n_steps += 1
        self._done += 1

    def _update(self, run, rate, gradients, parameters, *moments):
        if self._is_sgd:
            sgd_step(parameters, gradients, *moments, lr=rate, momentum=run.net.momentum)
        else:
            counts = [torch.tensor(float(run.n_steps + 1))] * len(parameters)
            adam_step(parameters, gradients, *moments, counts, lr=rate)

    def _shrink(self, weights, rates):
        """Add the gradients of penalties, and decay weights."""
        if any(self._penalties):
            for weight in weights:
                own = len(weight) // len(self._nets)  # 1 if members share it
                column = _column([strength / own for strength in self._penalties], [weight])
                self._by_team(weight.grad).addcmul_(self._by_team(weight), column)
        if any(self._decays):
            factors = [1.0] * len(self._nets)
            for i, rate in rates.items():
                own = self._runs[i].teams
                factors[own] = [1.0 - rate * decay for decay in self._decays[own]]
            column = _column(factors, weights)
            for weight in weights:
                self._by_team(weight).mul_(column)

    def _clip(self, gradients):
        """Scale each team's gradient so that its norm is at most its own largest."""
        norms = torch.stack([gradient.norm(dim=1) for gradient in gradients])
        largest = norms.new_tensor(self._largest)
        factors = (largest / (norms.norm(dim=0) + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(factors.unsqueeze(1))

    def _by_team(self, tensor):
        return tensor.view(len(self._nets), -1)

    def _counts_now(self):
        """Return how many steps each team has taken."""
        if not self._runs:
            return self._counts
        return [run.n_steps for run in self._runs for _ in self._nets[run.teams]]


def _steps_of(pair):
    """Return what is equal for teams that take the same steps in an epoch."""
    net, n_steps = pair
    rates = tuple(group["lr"] for group in net.optimizer_.param_groups)
    n_batches = net.steps_to_do_ // net.max_epochs
    progress = net.steps_done_, net.steps_to_do_
    return n_batches, n_steps, *progress, net.schedule, net.lr, net.momentum, rates


def _by_run(tensors: Sequence[Tensor], runs: Sequence[_Run]) -> list[list[Tensor]]:
    """Return for each run the parts of tensors (teams, numbers) that belong to it.

    Teams may share a vector register, as elements do that do not fill one, only if all of them are
    computed alike; see :class:`sklearn_modern.training.optimizers.LeanAdam`.
    """
    lengths = [run.teams.stop - run.teams.start for run in runs]
    found: list[list[Tensor]] = [[] for _ in runs]
    for tensor in tensors:
        if tensor.shape[1] % VECTOR:
            apart = tensor.unbind()
            for run, own in zip(runs, found, strict=True):
                own += apart[run.teams]
        else:
            for part, own in zip(tensor.split(lengths), found, strict=True):
                own.append(part)
    return found


def _column(values: Sequence[float], like: Sequence[Tensor]) -> Tensor | None:
    """Return a value for each team as a column; None if there is nothing that it is for."""
    return like[0].new_tensor(values).unsqueeze(1) if like else None
