"""Steps of an optimiser for members that have settings of their own.

Members that share weights are one here: a *team*. All tensors are looked at as (teams, numbers).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn

from sklearn_modern.networks.layers import VECTOR
from sklearn_modern.training.optimizers import adam_step, decaying, grouped, sgd_step
from sklearn_modern.training.schedules import SCHEDULES
from sklearn_modern.training.trainer import Trainer

__all__ = ["FusedSteps", "MemberSteps"]


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
        if self.is_constant:  # "adaptive" lowers it
            return net.optimizer_.param_groups[group]["lr"]
        return net.lr * SCHEDULES[net.schedule](self.progress(done)) * factor

    @property
    def is_constant(self) -> bool:
        """Whether the rate stays the same for an epoch."""
        return SCHEDULES[self.net.schedule] is SCHEDULES["constant"]

    def progress(self, done: int) -> float:
        """Return the progress of the training after so many steps of the epoch."""
        return (self.net.steps_done_ + done) / self.net.steps_to_do_


class MemberSteps(ABC):
    """The optimiser of a network whose members belong to different nets.

    A step for which a team has no rows leaves its weights, moments and count of steps as they are.

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
        self._parameters = [p for _, own in self._groups for p in own]
        self._like = self._parameters[0].detach()
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

    def get_ready(self) -> None:
        """Count the next step, and get ready for it; no device is waited for."""
        for i in self._active():
            self._runs[i].n_steps += 1
        self._done += 1

    def forget_gradients(self) -> None:
        """Make room for new gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update the weights by their gradients."""
        for parameter in self._parameters:
            if parameter.grad is None:  # it had no part in the losses
                parameter.grad = torch.zeros_like(parameter)
        if min(self._largest) < torch.inf:
            self._clip([self._by_team(parameter.grad) for parameter in self._parameters])
        self._update()

    @abstractmethod
    def _update(self) -> None:
        """Update the weights by gradients of the right length."""

    @abstractmethod
    def _column(self, name: str, values: Sequence[float]) -> Tensor:
        """Return a value for each team as a column; equal names come with equal values."""

    def _active(self):
        """Return which runs take the next step of the epoch."""
        return [i for i, run in enumerate(self._runs) if run.n_batches > self._done]

    def _clip(self, gradients):
        """Scale each team's gradient so that its norm is at most its own largest."""
        norms = torch.stack([gradient.norm(dim=1) for gradient in gradients]).norm(dim=0)
        largest = self._column("largest", self._largest)
        factors = (largest / (norms.unsqueeze(1) + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(factors)

    def _penalise(self, weights):
        """Add the gradients of penalties."""
        if not any(self._penalties):
            return
        for weight in weights:
            own = len(weight) // len(self._nets)  # 1 if members share it
            strengths = [strength / own for strength in self._penalties]
            column = self._column(f"penalty of {own}", strengths)
            self._by_team(weight.grad).addcmul_(self._by_team(weight), column)

    def _by_team(self, tensor):
        return tensor.view(len(self._nets), -1)

    def _counts_now(self):
        """Return how many steps each team has taken."""
        if not self._runs:
            return self._counts
        return [run.n_steps for run in self._runs for _ in self._nets[run.teams]]


class FusedSteps(MemberSteps):
    """Steps on a CPU, to the bit those of the nets' own optimisers: one fused call a run."""

    def begin_epoch(self) -> None:
        """Find out which teams take the same steps, and which parts of tensors are theirs."""
        super().begin_epoch()
        # Of each group: lists of its parameters and moments, and in each of these, one list a run.
        self._parts = []
        for (_, own), moments in zip(self._groups, self._moments, strict=True):
            lists = [[self._by_team(p.detach()) for p in own], *moments]
            self._parts.append([_by_run(tensors, self._runs) for tensors in lists])

    def get_ready(self) -> None:
        """Count the next step, and find out its rates."""
        self._rates = [
            {i: self._runs[i].rate(group, factor, self._done) for i in self._active()}
            for group, (factor, _) in enumerate(self._groups)
        ]
        super().get_ready()

    def _update(self):
        groups = zip(self._groups, self._decaying, self._rates, self._parts, strict=True)
        for (_, own), weights, rates, parts in groups:
            self._penalise(weights)
            self._decay(weights, rates)
            gradients = _by_run([self._by_team(p.grad) for p in own], self._runs)
            for i, rate in rates.items():
                self._step_of(self._runs[i], rate, gradients[i], *(lists[i] for lists in parts))

    def _step_of(self, run, rate, gradients, parameters, *moments):
        if self._is_sgd:
            sgd_step(parameters, gradients, *moments, lr=rate, momentum=run.net.momentum)
        else:
            counts = [torch.tensor(float(run.n_steps))] * len(parameters)
            adam_step(parameters, gradients, *moments, counts, lr=rate)

    def _decay(self, weights, rates):
        """Shrink weights by parts of their rates."""
        if not any(self._decays) or not weights:
            return
        factors = [1.0] * len(self._nets)
        for i, rate in rates.items():
            own = self._runs[i].teams
            factors[own] = [1.0 - rate * decay for decay in self._decays[own]]
        column = self._column("factor", factors)
        for weight in weights:
            self._by_team(weight).mul_(column)

    def _column(self, name, values):
        return self._like.new_tensor(values).unsqueeze(1)


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
