"""The parameters of a module while it is trained."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sklearn_modern.networks.members import owners
from sklearn_modern.training.optimizers import decaying

__all__ = ["Trained", "clip"]


class Trained:
    """What a training has to know about a module, looked up once.

    Parameters
    ----------
    module : nn.Module
        The module.
    optimizer : Optimizer
        Updates its parameters.
    members : int
        How many there are.
    team : int, default=1
        How many neighbouring members share weights.

    Attributes
    ----------
    parameters : list of nn.Parameter
        What is trained.
    decaying : list of (dict, list of nn.Parameter)
        The optimiser's groups, and those of their parameters that penalties and decay shrink.
    """

    def __init__(
        self, module: nn.Module, optimizer: Optimizer, members: int, team: int = 1
    ) -> None:
        self.optimizer, self.members, self.team = optimizer, members, team
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        found = set(decaying(module))
        self.decaying = [
            (group, [p for p in group["params"] if p in found]) for group in optimizer.param_groups
        ]
        owner_of = owners(module)
        if members > team:
            _check_members(module, members, owner_of)
        self._owners = [
            owner_of.get(name) for name, p in module.named_parameters() if p.requires_grad
        ]

    @torch.no_grad()
    def penalise(self, strength: float) -> None:
        """Add the gradient of ``strength / 2 * sum(w ** 2)``, a mean over those that share."""
        for _, weights in self.decaying:
            for weight in weights:
                own = self.team if len(weight) == self.members else 1
                weight.grad.add_(weight, alpha=strength / own)

    @torch.no_grad()
    def decay(self, rate: float) -> None:
        """Shrink weights by ``rate`` times the learning rate."""
        for group, weights in self.decaying:
            factor = 1.0 - group["lr"] * rate
            for weight in weights:
                weight.mul_(factor)

    def complete_gradients(self) -> None:
        """Give a gradient of zero to parameters that had no part in the losses."""
        for parameter in self.parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)

    def gradients_of_members(self) -> list[tuple[Tensor, int | None]]:
        """Return the gradients, and whose they are; None is a leading axis of members."""
        return [(p.grad, owner) for p, owner in zip(self.parameters, self._owners, strict=True)]


def clip(trained: Sequence[Trained], largest: float) -> None:
    """Scale each team's gradient so that its norm is at most ``largest``."""
    teams = trained[0].members // trained[0].team
    gradients = [entry for part in trained for entry in part.gradients_of_members()]
    norms = torch.stack([_norms(*entry, teams) for entry in gradients]).norm(dim=0)
    factors = (largest / (norms + 1e-6)).clamp(max=1.0)
    for gradient, owner in gradients:
        if owner is not None or teams == 1:
            gradient.mul_(factors[owner or 0])
        else:
            gradient.view(teams, -1).mul_(factors.unsqueeze(1))


def _check_members(module, members, owner_of):
    """Refuse parameters that several members would share, as nobody means them to."""
    for name, parameter in module.named_parameters():
        if name not in owner_of and (parameter.ndim == 0 or len(parameter) != members):
            raise ValueError(
                f"The parameter {name!r} of {type(module).__name__} has the shape "
                f"{tuple(parameter.shape)}, whose leading axis must be that of the {members} "
                "members; take layers of sklearn_modern.networks, or make_members."
            )


def _norms(gradient, owner, teams):
    if owner is None:
        return gradient.reshape(teams, -1).norm(dim=1)
    norms = gradient.new_zeros(teams)
    norms[owner] = gradient.norm()
    return norms
