"""Data that lie in parts on the workers of a cluster."""

import sys
from typing import Any

__all__ = ["is_collection"]


def is_collection(value: Any) -> bool:
    """Tell whether a value is a collection of dask; dask is not imported for that."""
    dask = sys.modules.get("dask.base")  # there is no collection without it
    return dask is not None and dask.is_dask_collection(value)
