"""How much work a training is, and how many threads of a CPU that is enough for."""

from contextlib import AbstractContextManager, nullcontext

from sklearn_modern._core.parallel import one_thread
from sklearn_modern.training.objective import Objective

__all__ = ["n_layers", "operations", "threads_for_steps"]

# Forward a product takes two floating-point operations, backward four.
_OPERATIONS_PER_PRODUCT = 6

# Floating-point operations of a step per layer with weights. With fewer, a second thread saves less
# than a quarter of the time on idle cores, and beside two busy processes a fit takes two to four
# times as long with it (docs/benchmarks.md).
_SMALL_LAYER = 4e7


def operations(objective: Objective, n_rows: int) -> float:
    """Estimate the floating-point operations of training once on so many rows."""
    return float(_OPERATIONS_PER_PRODUCT) * objective.products * n_rows


def n_layers(objective: Objective) -> int:
    """Count the layers that have weights."""
    layers = [layer for module in objective.modules.values() for layer in module.modules()]
    return sum(any(True for _ in layer.parameters(recurse=False)) for layer in layers)


def threads_for_steps(objective: Objective, batch_size: int) -> AbstractContextManager:
    """Keep a training to one thread of the CPU if a step has little work in each of its layers.

    The work of a layer counts, and not that of the network: threads share the products of one layer
    at a time, and after each they wait for each other by spinning.
    """
    if operations(objective, batch_size) < _SMALL_LAYER * n_layers(objective):
        return one_thread()
    return nullcontext()
