"""How weights are updated."""

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.optim import LBFGS, SGD, Optimizer

from sklearn_modern.networks.layers import VECTOR, Layer
from sklearn_modern.networks.members import owners

__all__ = [
    "BETA_1",
    "BETA_2",
    "EPSILON",
    "SOLVERS",
    "LeanAdam",
    "adam_step",
    "decaying",
    "grouped",
    "make_optimizer",
    "sgd_step",
]

SOLVERS = ("sgd", "adam", "adamw", "lbfgs")

# Of Adam, as published: how much of the moments stays, and what is added to a size.
BETA_1, BETA_2 = 0.9, 0.999
EPSILON = 1e-8


class LeanAdam(Optimizer):
    """Adam in one fused call, with next to no overhead.

    The same update, with the published values of beta and epsilon, as
    ``torch.optim.Adam(fused=True)``, which on a small network spends six times as long on its way
    to the kernel as inside it. Parameters without a gradient stay as they are.

    Parameters
    ----------
    groups : list of dict
        Groups of parameters, as other optimisers take them.
    lr : float
        Learning rate of groups without their own.
    members : int, default=1
        Length of the leading axis of all parameters, if that is the axis of members. Several
        members are updated exactly as each would be alone, on a CPU, too. A group may set its own
        number.
    betas : (float, float), default=(0.9, 0.999)
        How much of the moments stays in a step.

    References
    ----------
    Kingma, Ba (2015). Adam: A method for stochastic optimization. ICLR.
    """

    def __init__(
        self,
        groups: list[dict],
        lr: float,
        members: int = 1,
        betas: tuple[float, float] = (BETA_1, BETA_2),
    ) -> None:
        # torch moves the counters of a fused optimiser to the parameters' device.
        super().__init__(groups, {"lr": lr, "fused": True, "members": members, "betas": betas})
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter] = {
                    "step": torch.zeros((), device=parameter.device),
                    "mean": torch.zeros_like(parameter),
                    "square": torch.zeros_like(parameter),
                }

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Update all parameters by their gradients."""
        for group in self.param_groups:
            self._update(group)

    step.hooked = True  # else torch wraps it into a profiler's record, a tenth of a small step

    def _update(self, group):
        # Callbacks may freeze some for a while; those have no gradient then.
        parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
        if not parameters:
            return
        states = [self.state[parameter] for parameter in parameters]
        counts = [state["step"] for state in states]
        torch._foreach_add_(counts, 1)
        tensors = [
            parameters,
            [parameter.grad for parameter in parameters],
            [state["mean"] for state in states],
            [state["square"] for state in states],
        ]
        if group["members"] > 1 and counts[0].is_cpu:
            parts = [_parts(parameter, group["members"]) for parameter in parameters]
            tensors = [_apart(several, parts) for several in tensors]
            counts = [count for count, n in zip(counts, parts, strict=True) for _ in range(n)]
        adam_step(*tensors, counts, lr=group["lr"], betas=group["betas"])


def adam_step(
    parameters: list[Tensor],
    gradients: list[Tensor],
    means: list[Tensor],
    squares: list[Tensor],
    counts: list[Tensor],
    *,
    lr: float,
    betas: tuple[float, float] = (BETA_1, BETA_2),
) -> None:
    """Update parameters, and the moments of their gradients, by a step of Adam.

    ``counts`` are the numbers of steps, this one included.
    """
    torch._fused_adam_(
        parameters,
        gradients,
        means,
        squares,
        [],
        counts,
        lr=lr,
        beta1=betas[0],
        beta2=betas[1],
        weight_decay=0.0,
        eps=EPSILON,
        amsgrad=False,
        maximize=False,
    )


def sgd_step(
    parameters: list[Tensor],
    gradients: list[Tensor],
    buffers: list[Tensor],
    *,
    lr: float,
    momentum: float,
) -> None:
    """Update parameters, and the buffers of Nesterov's momentum, by a step of gradient descent."""
    torch._fused_sgd_(
        parameters,
        gradients,
        buffers if momentum else [],
        weight_decay=0.0,
        momentum=momentum,
        lr=lr,
        dampening=0.0,
        nesterov=momentum > 0,
        maximize=False,
        is_first_step=False,
    )


def _parts(parameter, members):
    """Return in how many parts to update a parameter, so that no members share a vector register.

    Elements that do not fill a vector are computed by other code, which rounds differently.
    """
    return members if parameter.numel() // members % VECTOR else 1


def _apart(tensors, parts):
    apart = []
    for tensor, n in zip(tensors, parts, strict=True):
        apart += tensor.unbind() if n > 1 else [tensor]
    return apart


class _LBFGS(LBFGS):
    """L-BFGS that goes on after a pickle, in which torch's loses its parameters."""

    def __setstate__(self, state: dict) -> None:
        """Find the parameters again in their one group."""
        super().__setstate__(state)
        self._params = self.param_groups[0]["params"]
        self._numel_cache = None


def make_optimizer(
    module: nn.Module,
    solver: str,
    lr: float,
    momentum: float,
    rates: Mapping[nn.Module, float] = MappingProxyType({}),
    members: int = 1,
    betas: tuple[float, float] = (BETA_1, BETA_2),
) -> Optimizer:
    """Make the optimiser of one module's parameters.

    The trainer itself adds penalties and decays weights, at less cost than groups of parameters, so
    that "adamw" is Adam here. Each group has a ``factor``, by which its rate differs from ``lr``.

    Parameters
    ----------
    module : nn.Module
        The module whose parameters are trained.
    solver : {"sgd", "adam", "adamw", "lbfgs"}
        All but "lbfgs" run fused: one call for all parameters.
    lr : float
        Initial learning rate; "lbfgs" finds its own steps.
    momentum : float
        Nesterov's momentum of "sgd".
    rates : mapping of nn.Module to float
        Parts of the module whose rate is this times ``lr``; not used by "lbfgs".
    members : int, default=1
        Number of members of the module, see :class:`LeanAdam`.
    betas : (float, float), default=(0.9, 0.999)
        Of "adam" and "adamw": how much of the moments stays in a step.
    """
    if solver == "lbfgs":
        trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
        # Evaluations limit the line search, which has none to spend by default.
        return _LBFGS(trained, max_iter=1, max_eval=25, line_search_fn="strong_wolfe")
    groups = [
        {"params": parameters, "lr": lr * factor, "factor": factor, "members": axis}
        for (factor, axis), parameters in grouped(module, rates, members).items()
    ]
    if solver == "sgd":
        optimizer = SGD(groups, lr=lr, momentum=momentum, nesterov=momentum > 0, fused=True)
        if momentum:  # torch's kernel takes all buffers or none, but parameters may join later
            for group in groups:
                for parameter in group["params"]:
                    optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        return optimizer
    return LeanAdam(groups, lr=lr, members=members, betas=betas)


def grouped(
    module: nn.Module, rates: Mapping[nn.Module, float], members: int
) -> dict[tuple[float, int], list[nn.Parameter]]:
    """Sort a module's trained parameters by the factor of their rate, and by their members."""
    factors = {p: factor for part, factor in rates.items() for p in part.parameters()}
    owner_of = owners(module)
    groups = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            axis = 1 if name in owner_of else members
            groups.setdefault((factors.get(parameter, 1.0), axis), []).append(parameter)
    return groups


def decaying(module: nn.Module) -> list[nn.Parameter]:
    """List the parameters that penalties and decay shrink.

    A :class:`sklearn_modern.networks.layers.Layer` says which of its parameters these are. Of
    modules that were made elsewhere they are those with more than one axis: matrices and kernels,
    but neither biases nor the gains of norms.
    """
    found = {}
    for part in module.modules():
        for name, parameter in part.named_parameters(recurse=False):
            decays = name in part.decays if isinstance(part, Layer) else parameter.ndim > 1
            if decays and parameter.requires_grad:
                found[parameter] = None
    return list(found)
