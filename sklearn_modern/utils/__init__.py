"""Utilities: discovery of the package's estimators, figures of scripts, and what Ctrl-C does."""

from sklearn_modern._core.interruption import interrupts_raise
from sklearn_modern._core.lazy import lazy_submodules

__all__ = ["discovery", "figures", "interrupts_raise"]

__getattr__, __dir__ = lazy_submodules(__name__, ["discovery", "figures"])
