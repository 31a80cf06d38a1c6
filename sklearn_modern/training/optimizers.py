"""How weights are updated."""

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import LBFGS, SGD, Optimizer

__all__ = ["SOLVERS", "LeanAdam", "make_optimizer", "shrinkable"]

SOLVERS = ("sgd", "adam", "adamw", "lbfgs")


class LeanAdam(Optimizer):
    """Adam in one fused call, and next to nothing around it.

    The same update, with the published values of beta and epsilon, as
    ``torch.optim.Adam(fused=True)``, which on a small network spends six times
    as long on its way to the kernel as inside it. All parameters are updated in every step, so that
    one counter of steps serves them all.

    Parameters
    ----------
    parameters : iterable of nn.Parameter
        What is trained.
    lr : float
        Learning rate.

    References
    ----------
    Kingma, Ba (2015). Adam: A method for stochastic optimization. ICLR.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float) -> None:
        # torch moves the counter of a fused optimiser to the parameters' device.
        super().__init__(parameters, {"lr": lr, "fused": True})
        for parameter in self.param_groups[0]["params"]:
            self.state[parameter] = {
                "step": torch.zeros((), device=parameter.device),
                "mean": torch.zeros_like(parameter),
                "square": torch.zeros_like(parameter),
            }

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Update all parameters by their gradients."""
        group = self.param_groups[0]
        parameters = group["params"]
        states = [self.state[parameter] for parameter in parameters]
        count = states[0]["step"]
        count += 1
        torch._fused_adam_(
            parameters,
            [parameter.grad for parameter in parameters],
            [state["mean"] for state in states],
            [state["square"] for state in states],
            [],
            [count] * len(states),
            lr=group["lr"],
            beta1=0.9,
            beta2=0.999,
            weight_decay=0.0,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )

    step.hooked = True  # else torch wraps it into a profiler's record, a tenth of a small step


def make_optimizer(module: nn.Module, solver: str, lr: float, momentum: float) -> Optimizer:
    """Make the optimiser of one module's parameters.

    The trainer itself adds penalties and decays weights, at less cost than groups of parameters, so
    that "adamw" is Adam here.

    Parameters
    ----------
    module : nn.Module
        Whose parameters are trained.
    solver : {"sgd", "adam", "adamw", "lbfgs"}
        All but "lbfgs" run fused: one call for all parameters.
    lr : float
        Initial learning rate; "lbfgs" finds its own steps.
    momentum : float
        Nesterov's momentum of "sgd".
    """
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if solver == "lbfgs":
        # Evaluations limit the line search, which has none to spend by default.
        return LBFGS(parameters, max_iter=1, max_eval=25, line_search_fn="strong_wolfe")
    if solver == "sgd":
        return SGD(parameters, lr=lr, momentum=momentum, nesterov=momentum > 0, fused=True)
    return LeanAdam(parameters, lr=lr)


def shrinkable(module: nn.Module) -> list[nn.Parameter]:
    """List the parameters that penalties and decay shrink: those called ``weight``.

    Only the weights of maps are called so; biases, the gains of norms and embeddings are not.
    """
    return [
        parameter
        for name, parameter in module.named_parameters()
        if name.rpartition(".")[2] == "weight" and parameter.requires_grad
    ]
