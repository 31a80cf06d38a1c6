"""Bodies that were made elsewhere."""

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_modern.networks.base import Body
from sklearn_modern.networks.convolutional import Standardize
from sklearn_modern.networks.random import MemberRandom

__all__ = ["ForeignBody"]


class ForeignBody(Body):
    """Any module that maps (rows, channels, *spatial) to features of rows, as a body.

    What it gives is taken as it is if it is (rows, features); of (rows, features, *spatial) the
    mean over the pixels is taken.

    Parameters
    ----------
    module : nn.Module
        It is copied.
    input_shape : sequence of int
        (channels, *spatial).
    random : MemberRandom
        Seeds torch's own generators while the module trains; one member.
    mean, scale : array-like of shape (channels,)
        Of :class:`Standardize`.
    """

    evaluation_rows = 256

    def __init__(
        self,
        module: nn.Module,
        input_shape: Sequence[int],
        random: MemberRandom,
        *,
        mean: np.ndarray,
        scale: np.ndarray,
    ) -> None:
        super().__init__()
        self.standardize = Standardize(mean, scale, len(input_shape) - 1, 1)
        self.module = copy.deepcopy(module).cpu().float()
        self.random = random
        self.eval()
        with torch.no_grad():
            features = self(torch.zeros(1, 1, *input_shape))
        if features.ndim != 3:
            raise ValueError(
                f"pretrained maps a row of the shape {tuple(input_shape)} to one of the shape "
                f"{tuple(features.shape[2:])}; it must give features, (n_features,), or "
                "(n_features, *spatial)."
            )
        self.train()
        self.n_features_out = features.shape[2]

    def embed(self, x: Tensor) -> Tensor:
        """Return the standardised pixels."""
        return self.standardize(x)

    def trunk(self, embedded: Tensor, weight: Tensor | None = None) -> Tensor:
        """Apply the module; it knows nothing of weights."""
        if not (self.training and torch.is_grad_enabled()):
            return self._features(embedded)
        # Its dropout would draw from, and change, the global random state.
        devices = [embedded.device] if embedded.device.type != "cpu" else []
        with torch.random.fork_rng(devices, device_type=embedded.device.type):
            seed = torch.randint(2**62, (1,), generator=self.random.generators()[0])
            torch.manual_seed(seed.item())
            return self._features(embedded)

    def parts(self) -> list[nn.Module]:
        """Return the module's children, in their order."""
        return list(self.module.children()) or [self.module]

    def freeze(self, n_parts: int) -> None:
        """Keep the first parts; if they are all, the module as a whole."""
        super().freeze(n_parts)
        if n_parts == len(self.parts()):
            self._frozen = [self.module]
            self.module.requires_grad_(False)
            self.train(self.training)

    def _features(self, embedded):
        features = self.module(embedded[0])
        return (features.flatten(2).mean(2) if features.ndim > 2 else features).unsqueeze(0)
