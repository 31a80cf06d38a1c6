"""What a fitted generator says of rows, as arrays."""

import copy
from functools import partial

import numpy as np
import torch

from sklearn_modern.networks.given import Given
from sklearn_modern.training.next_token import NextToken
from sklearn_modern.training.sources import Batch

__all__ = ["ExportedGenerator", "last_features", "log_likelihood", "next_proba"]


def _evaluated(objective, function):
    """Compute something without gradients, and take it to the CPU."""
    for module in objective.modules.values():
        module.eval()
    with torch.inference_mode():
        return function(objective.modules).cpu().numpy()


def log_likelihood(objective: NextToken, batch: Batch) -> np.ndarray:
    """Return the log-likelihood of each row, and of how many steps it is: (rows, 2)."""
    return _evaluated(objective, lambda modules: objective.log_likelihood(modules, batch)[0])


def last_features(objective: NextToken, batch: Batch) -> np.ndarray:
    """Return the features after the last step of each row, those of members side by side."""
    last = partial(objective.last_features, batch=batch)
    return _evaluated(objective, lambda modules: last(modules).transpose(0, 1).flatten(1))


def next_proba(objective: NextToken, batch: Batch) -> np.ndarray:
    """Return the probabilities of the next token after each row, and of the end."""
    return _evaluated(objective, lambda modules: _next_proba(objective, modules, batch))


def _next_proba(objective, modules, batch):
    dtype = modules["module"].head.linear.weight.dtype
    return objective.next_log_proba(modules, batch).exp().to(dtype)


class ExportedGenerator(torch.nn.Module):
    """A generator of tokens as a module that gives the probabilities of the next one.

    Parameters
    ----------
    objective : NextToken
        Its network is copied to the CPU.
    """

    def __init__(self, objective: NextToken) -> None:
        super().__init__()
        self.network = copy.deepcopy(objective.modules["module"]).cpu()
        self._objective = copy.copy(objective)
        self._objective.modules = {"module": self.network}
        self.eval()

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Map codes (rows, steps), filled up with zeros, to probabilities (rows, tokens + 1)."""
        # That a row ends after its tokens is an outcome, too.
        mask = torch.nn.functional.pad(codes != 0, (1, 0), value=True)
        x = torch.nn.functional.pad(codes, (0, 1))
        index = torch.arange(len(codes)).unsqueeze(0)
        batch = Batch(x.unsqueeze(0), None, index, Given(None, mask.unsqueeze(0)))
        return _next_proba(self._objective, {"module": self.network}, batch)
