"""Bodies that were made elsewhere."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_modern.networks.base import Body
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.spatial_body import SpatialBody

__all__ = ["ForeignBody", "ModuleBody", "count_features", "parts_of"]


def parts_of(module: nn.Module) -> list[nn.Module]:
    """Return a module's children that have weights or statistics, in their order."""
    return [child for child in module.children() if child.state_dict()] or [module]


def count_features(
    module: nn.Module, run: Callable[[], Any], taken: str, given: str, most_axes: int | None = None
) -> int:
    """Return how many features a module gives, and freeze parameters that do not affect them.

    Parameters
    ----------
    module : nn.Module
        The module.
    run : callable
        Applies it to two rows.
    taken, given : str
        What it must take, and give, for messages.
    most_axes : int or None, default=None
        Most axes of what it gives; None is any number.
    """
    try:
        features = run()
        if isinstance(features, Tensor) and features.requires_grad:
            features.sum().backward()
    except Exception as error:  # modules fail in many ways
        raise ValueError(f"pretrained takes no {taken}: {type(error).__name__}: {error}") from error
    is_tensor = isinstance(features, Tensor)
    if (
        not is_tensor
        or not 2 <= features.ndim <= (most_axes or features.ndim)
        or len(features) != 2
    ):
        found = f"the shape {tuple(features.shape)}" if is_tensor else type(features).__name__
        raise ValueError(f"pretrained maps 2 rows {given % found}")
    for parameter in module.parameters():
        if parameter.grad is None:
            parameter.requires_grad_(False)
        parameter.grad = None
    return features.shape[1]


class ModuleBody(Body):
    """A body whose ``module`` was made elsewhere: what it keeps, and what batches it refuses."""

    module: nn.Module

    def parts(self) -> list[nn.Module]:
        """Return the module's children that have weights or statistics, in their order."""
        return parts_of(self.module)

    def freeze(self, n_parts: int) -> None:
        """Keep the first parts, and children without weights after each; if all, the module."""
        parts, children = self.parts(), list(self.module.children())
        if n_parts == len(parts):  # it may have parameters of its own, in none of the parts
            self._keep([self.module])
        else:
            self._keep(children[: children.index(parts[n_parts])] if n_parts else [])

    def _untrained(self, function, *x):
        """Apply a function to a single row, of which torch's batch normalisation refuses to learn.

        It is applied as in evaluation mode.
        """
        self.eval()
        try:
            return function(*x)
        finally:
            self.train()


class ForeignBody(ModuleBody, SpatialBody):
    """Any module that maps (rows, channels, *spatial) to features of rows, as a body.

    Outputs (rows, features) are used as they are; outputs (rows, features, *spatial) are averaged
    over the pixels. Parameters that do not affect them are not trained.

    Parameters
    ----------
    module : nn.Module
        It is copied.
    input_shape : sequence of int
        (channels, *spatial).
    random : MemberRandom
        Seeds torch's own generators while the module trains; of one member.
    mean, scale : array-like of shape (channels,)
        Statistics of the channels, to standardise them.
    dropout : float, default=0.0
        Probability with which a feature is dropped while training.
    dtype : torch.dtype, default=torch.float32
        Of the copy.
    """

    def __init__(
        self,
        module: nn.Module,
        input_shape: Sequence[int],
        random: MemberRandom,
        *,
        mean: np.ndarray,
        scale: np.ndarray,
        dropout: float = 0.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(input_shape, random, dropout=dropout, mean=mean, scale=scale, dtype=dtype)
        self.module = copy.deepcopy(module).cpu().to(dtype)
        self.measure(input_shape)
        self.any_size = self._takes_other_sizes(input_shape)

    def trunk(self, embedded: Tensor, given: Given = NOTHING) -> Tensor:
        """Apply the module, which takes inputs only."""
        features = self._run(embedded[0])
        features = features.flatten(2).mean(2) if features.ndim > 2 else features
        return self.dropout(features.unsqueeze(0))

    def measure(self, input_shape: Sequence[int]) -> None:
        """Run the module on images of this shape, and count its products."""
        self.n_features_out = self._probe(tuple(input_shape))
        super().measure(input_shape)

    def _run(self, x):
        if not self.training:
            return self.module(x)
        if len(x) == 1:
            return self._untrained(self.module, x)
        with self.random.as_global(0, x.device):
            return self.module(x)

    def _takes_other_sizes(self, input_shape):
        """Try whether images of another size have as many features."""
        channels, *spatial = input_shape
        larger = torch.zeros(1, 1, channels, *[2 * length for length in spatial])
        self.eval()
        try:
            with torch.no_grad():
                return self(larger).shape[2] == self.n_features_out
        except Exception:  # modules fail in many ways
            return False
        finally:
            self.train()

    def _probe(self, input_shape):
        self.eval()
        return count_features(
            self.module,
            lambda: self.module(self.embed(torch.zeros(1, 2, *input_shape))[0]),
            f"images of the shape {input_shape}",
            f"of the shape {input_shape} to %s; it must give features, (rows, n_features) or "
            "(rows, n_features, *spatial).",
        )
