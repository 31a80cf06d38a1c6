"""Calls in processes of their own, for peaks of memory, which never come down, and first calls."""

import ast
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def in_own_process(module: str, call: str) -> Any:
    """Return the number, or the numbers, that a call of a module of this folder gives.

    The process finds the modules that this one finds, wherever they are.
    """
    path = os.pathsep.join(os.path.abspath(folder) for folder in (FOLDER, *sys.path))
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import {module}; print({module}.{call})"],
        check=True,
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    )
    return ast.literal_eval(done.stdout)


def peak_memory() -> int:
    """Return the most bytes that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
