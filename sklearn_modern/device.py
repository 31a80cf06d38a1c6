"""Where a fit runs: on the CPU or on an accelerator.

The only module that spells the names of devices. Resolving ``"cpu"``, or ``"auto"`` for a fit that
is too small for an accelerator, does not import torch.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["available_devices", "resolve_device"]

ENVIRONMENT_VARIABLE = "SKLEARN_MODERN_DEVICE"

# Floating-point operations of a fit below which "auto" stays on the CPU. A step of a small network
# takes an accelerator no less time than a core, and small networks make up the cheap fits:
# benchmarks/auto_device.py measures where the two are equal.
AUTO_THRESHOLD = 1e11

_FORMS = '"auto", "cpu", "cuda", "cuda:N", "mps" or a torch.device'


def available_devices() -> list[str]:
    """List the devices that are there, by their canonical names.

    Returns
    -------
    list of str
        ``"cpu"`` first, then every CUDA device, then ``"mps"`` where there is one.

    Examples
    --------
    >>> from sklearn_modern.device import available_devices
    >>> available_devices()[0]
    'cpu'
    """
    import torch

    devices = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return devices


def resolve_device(device: Any = "auto", *, cost: float | None = None) -> str:
    """Turn the parameter ``device`` into the name of a device that is there.

    Parameters
    ----------
    device : str or torch.device, default="auto"
        ``"cpu"``, ``"cuda"`` (the first one), ``"cuda:N"`` or ``"mps"`` name a device. ``"auto"``
        takes the device on which the fit is fastest: the CPU for a small one, else the first
        accelerator if there is one. The environment variable ``SKLEARN_MODERN_DEVICE`` replaces
        ``"auto"``, and nothing else.
    cost : float, optional
        Estimated floating-point operations of the fit. Below a threshold ``"auto"`` answers
        ``"cpu"``; without an estimate it takes the accelerator.

    Returns
    -------
    str
        A canonical name: ``"cpu"``, ``"cuda:0"``, ``"mps"``.

    Raises
    ------
    ValueError
        When ``device`` is not of a known form, or names a device that is not there.

    Examples
    --------
    >>> from sklearn_modern.device import resolve_device
    >>> resolve_device("cpu")
    'cpu'
    >>> resolve_device("auto", cost=1e6)
    'cpu'
    """
    name, source = _spelled(device), "device"
    if name == "auto" and ENVIRONMENT_VARIABLE in os.environ:
        name, source = os.environ[ENVIRONMENT_VARIABLE], ENVIRONMENT_VARIABLE
    if name == "auto":
        small = cost is not None and cost < AUTO_THRESHOLD
        return "cpu" if small else [*available_devices(), "cpu"][1]
    canonical = _canonical(name)
    if canonical is None:
        raise ValueError(f"{source}={name!r} is not a device; it may be {_FORMS}.")
    if canonical != "cpu" and canonical not in (available := available_devices()):
        raise ValueError(
            f"{source}={name!r} is not available here; there is {available}.{_reason(canonical)}"
        )
    return canonical


def is_cuda(device: Any) -> bool:
    """Tell whether a device, or its canonical name, is an NVIDIA GPU."""
    return str(device).startswith("cuda")


def has_float64(device: str) -> bool:
    """Tell whether a device, by its canonical name, computes in float64."""
    return device != "mps"


def send(values: Any, device: Any) -> Any:
    """Send a tensor to a device, without waiting for what CUDA is computing at the moment."""
    # The values may be dropped at once: CUDA has read ordinary memory before it returns. Other
    # accelerators do not promise that.
    import torch

    return values.to(device, non_blocking=torch.device(device).type == "cuda")


@contextmanager
def deterministic() -> Iterator[None]:
    """Have convolutions give the same gradients each time on CUDA.

    Some of cuDNN's kernels add in whatever order their threads finish.
    """
    import torch

    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = before


def _reason(canonical):
    """Say why there is no CUDA device at all."""
    import torch

    if not canonical.startswith("cuda") or torch.cuda.device_count() > 0:
        return ""
    if torch.version.cuda is None and torch.version.hip is None:
        return (
            f" This build of PyTorch, {torch.__version__}, is for CPUs only; others are at "
            "pytorch.org/get-started."
        )
    return " PyTorch is built for CUDA, but finds no GPU or no driver for it; see nvidia-smi."


def _spelled(device):
    # A torch.device is recognised by its name, since torch may not have been imported.
    if isinstance(device, str):
        return device
    if (type(device).__module__, type(device).__name__) == ("torch", "device"):
        return str(device)
    raise ValueError(f"device={device!r} is not a device; it may be {_FORMS}.")


def _canonical(name):
    if re.fullmatch(r"cpu(:0)?", name):
        return "cpu"
    if re.fullmatch(r"mps(:0)?", name):
        return "mps"
    if match := re.fullmatch(r"cuda(?::(\d+))?", name):
        return f"cuda:{int(match[1] or 0)}"
    return None
