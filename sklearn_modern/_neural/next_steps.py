"""What a fitted generator says of rows, as arrays."""

import copy
from functools import partial
from typing import Any

import numpy as np
import torch

from sklearn_modern.networks.rowwise import by_blocks
from sklearn_modern.training.next_token import NextToken, precisely
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

    def proba(modules):
        head = modules["module"].head
        scores = by_blocks(head, objective.last_features(modules, batch))
        return head.decode(precisely(scores)).to(scores.dtype)

    return _evaluated(objective, proba)


class ExportedGenerator(torch.nn.Module):
    """A generator of tokens as a module that gives the probabilities of the next one.

    Parameters
    ----------
    network : Network
        It is copied to the CPU.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).cpu()
        self.eval()

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Map codes (rows, steps), filled up with zeros, to probabilities (rows, tokens + 1)."""
        head, lengths = self.network.head, (codes != 0).sum(1)
        read = torch.cat([head.beginning(len(codes), codes), codes], dim=1)
        place = lengths.view(-1, 1, 1)
        features = []
        for body in self.network.body.bodies:
            steps, _ = body.advance(body.embed(read), body.begin(len(read)))
            features.append(steps.gather(1, place.expand(-1, -1, steps.shape[-1]))[:, 0])
        return head.decode(head(torch.stack(features)))
