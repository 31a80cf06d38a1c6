"""How weights are updated."""

from torch import nn
from torch.optim import LBFGS, SGD, Adam, Optimizer

__all__ = ["SOLVERS", "make_optimizer", "shrinkable"]

SOLVERS = ("sgd", "adam", "adamw", "lbfgs")


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
        return LBFGS(parameters, max_iter=1, line_search_fn="strong_wolfe")
    if solver == "sgd":
        return SGD(parameters, lr=lr, momentum=momentum, nesterov=momentum > 0, fused=True)
    return Adam(parameters, lr=lr, fused=True)


def shrinkable(module: nn.Module) -> list[nn.Parameter]:
    """List the parameters that penalties and decay shrink: those called ``weight``.

    Only the weights of maps are called so; biases, the gains of norms and embeddings are not.
    """
    return [
        parameter
        for name, parameter in module.named_parameters()
        if name.rpartition(".")[2] == "weight" and parameter.requires_grad
    ]
