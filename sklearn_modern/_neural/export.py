"""The fitted network as a bare module."""

import copy

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_modern._inputs.columns import MISSING, UNSEEN
from sklearn_modern._inputs.scaling import NumberScaler
from sklearn_modern.training.supervised import Network

__all__ = ["Exported", "ExportedArrays", "category_slots"]


def category_slots(codes: Tensor, n_known: Tensor, cardinalities: Tensor) -> Tensor:
    """Turn codes of categories into the slots that the network has for them.

    Known categories keep their codes. "Missing" comes after them if the fit has seen it; all values
    that it has not seen share one more slot.
    """
    codes = torch.where(codes == MISSING, n_known, codes)
    return torch.where(codes == UNSEEN, cardinalities, codes)


class Exported(nn.Module):
    """Scaling of numbers, the network, and the decoding of its scores, in one module.

    Parameters
    ----------
    scaler : NumberScaler
        The fitted scaling.
    n_known, cardinalities : ndarray of int64
        For :func:`category_slots`.
    network : Network
        It is copied to the CPU.
    dtype : torch.dtype
        Precision of the network.
    """

    def __init__(
        self,
        scaler: NumberScaler,
        n_known: np.ndarray,
        cardinalities: np.ndarray,
        network: Network,
        dtype: torch.dtype,
    ) -> None:
        super().__init__()
        self.smooth_clipping = scaler.kind == "robust"
        self.dtype = dtype
        for name in ("center", "scale", "fill", "missing_columns"):
            self.register_buffer(name, torch.from_numpy(getattr(scaler, name)))
        self.register_buffer("n_known", torch.from_numpy(n_known))
        self.register_buffer("cardinalities", torch.from_numpy(cardinalities))
        self.network = copy.deepcopy(network).cpu()
        self.eval()

    def forward(self, numbers: Tensor, codes: Tensor | None = None) -> Tensor:
        """Map rows to probabilities or values."""
        x = self._scaled(numbers.double()).to(self.dtype).unsqueeze(0)
        if codes is not None:
            x = (x, category_slots(codes, self.n_known, self.cardinalities).unsqueeze(0))
        return self.network.head.decode(self.network(x))

    def _scaled(self, numbers):
        scaled = (numbers - self.center) / self.scale
        if self.smooth_clipping:
            scaled = scaled.clamp(-1e100, 1e100)
            scaled = scaled / torch.sqrt(1 + (scaled / 3) ** 2)
        missing = torch.isnan(scaled)
        scaled = torch.where(missing, self.fill, scaled)
        return torch.cat([scaled, missing[:, self.missing_columns].double()], dim=1)


class ExportedArrays(nn.Module):
    """A network over arrays, and the decoding of its scores, in one module.

    Parameters
    ----------
    network : Network
        It is copied to the CPU.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).cpu()
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Map (rows, channels, *spatial) to probabilities or values."""
        return self.network.head.decode(self.network(x.unsqueeze(0)))
