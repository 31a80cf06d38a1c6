"""A network beside the moving average of its weights."""

import copy

import torch
from torch import nn

__all__ = ["Averaged"]

# Over about how many steps weights are averaged in the end, and in the beginning: the first steps
# come from random weights.
_STEPS, _FIRST_STEPS = 200, 10


class Averaged(nn.Module):
    """A network that is trained, and a second one whose weights follow it slowly.

    The average makes the steadier samples: it has not just seen the last few batches.

    Parameters
    ----------
    network : nn.Module
        What is trained.

    Attributes
    ----------
    trained, average : nn.Module
        The two; the average has no gradients, and is always in evaluation mode.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.trained = network
        # Both draw from the same streams, which need no second copy.
        streams = [part.random for part in network.modules() if hasattr(part, "random")]
        shared = {id(stream): stream for stream in streams}
        self.average = copy.deepcopy(network, shared).requires_grad_(False).eval()
        self.steps_done = 0

    @torch.no_grad()
    def follow(self) -> None:
        """Move the average towards the trained network, after a step of this."""
        self.steps_done += 1
        share = max(1.0 / _STEPS, _FIRST_STEPS / (_FIRST_STEPS + self.steps_done))
        means, values = list(self.average.parameters()), list(self.trained.parameters())
        torch._foreach_lerp_(means, values, share)
        for mean, value in zip(self.average.buffers(), self.trained.buffers(), strict=True):
            mean.copy_(value)

    def train(self, mode: bool = True) -> "Averaged":
        """Let the trained network go to training mode, and the average never."""
        super().train(mode)
        self.average.eval()
        return self
