"""Utilities: discovery of estimators, figures of scripts, sequences, and what Ctrl-C does."""

from sklearn_modern._core.interruption import interrupts_raise
from sklearn_modern._core.lazy import lazy_submodules
from sklearn_modern.utils.frames import sequences_from_frame

__all__ = ["discovery", "figures", "interrupts_raise", "sequences_from_frame"]

__getattr__, __dir__ = lazy_submodules(__name__, ["discovery", "figures"])
