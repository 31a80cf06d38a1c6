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
            features = self.module(self.embed(torch.zeros(1, 2, *input_shape))[0])
        is_tensor = isinstance(features, Tensor)
        if not is_tensor or features.ndim < 2 or len(features) != 2:
            found = f"the shape {tuple(features.shape)}" if is_tensor else type(features).__name__
            raise ValueError(
                f"pretrained maps 2 rows of the shape {tuple(input_shape)} to {found}; it must "
                "give features, (rows, n_features) or (rows, n_features, *spatial)."
            )
        self.train()
        self.n_features_out = features.shape[1]

    def embed(self, x: Tensor) -> Tensor:
        """Return the standardised pixels."""
        return self.standardize(x)

    def trunk(self, embedded: Tensor, weight: Tensor | None = None) -> Tensor:
        """Apply the module; it knows nothing of weights."""
        if not self.training:
            return self._features(embedded)
        if embedded.shape[1] == 1:  # torch's batch normalisation refuses to train on a single row
            self.eval()
            features = self._features(embedded)
            self.train()
            return features
        # Its dropout would draw from, and change, the global random state.
        kind = embedded.device.type
        devices = [embedded.device] if kind != "cpu" else []
        seed = torch.randint(2**62, (), generator=self.random.generators()[0]).item()
        with torch.random.fork_rng(devices, device_type=kind):
            # Not torch.manual_seed, which seeds all devices: only these two get their state back.
            torch.default_generator.manual_seed(seed)
            for device in devices:
                state = torch.Generator(device).manual_seed(seed).get_state()
                torch.get_device_module(device).set_rng_state(state, device)
            return self._features(embedded)

    def parts(self) -> list[nn.Module]:
        """Return the module's children, in their order."""
        return list(self.module.children()) or [self.module]

    def freeze(self, n_parts: int) -> None:
        """Keep the first parts; if they are all, the module as a whole."""
        parts = self.parts()
        # It may have parameters of its own, in none of the parts.
        self._keep([self.module] if n_parts == len(parts) else parts[:n_parts])

    def _features(self, embedded):
        features = self.module(embedded[0])
        return (features.flatten(2).mean(2) if features.ndim > 2 else features).unsqueeze(0)
