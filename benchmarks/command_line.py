"""What the command lines of the scripts share, and how ``--quick`` makes their work small."""

import argparse
import ast
import os
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

# In the environment, since scripts start processes of their own.
_QUICK = "BENCHMARKS_QUICK"


class _Quick(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None):
        os.environ[_QUICK] = "1"


def command_line(doc: str, **options: Any) -> argparse.ArgumentParser:
    """Return a parser that knows ``--quick`` and options of these names and default values."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick",
        action=_Quick,
        nargs=0,
        help="tiny sizes and one repeat, to see that it runs; the figures mean nothing",
    )
    for name, default in options.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    return parser


def is_quick() -> bool:
    """Whether figures may mean nothing."""
    return _QUICK in os.environ


def small(size: int, quick: int) -> int:
    """Return a size, or with ``--quick`` no more than the second."""
    return min(size, quick) if is_quick() else size


def few(cases: Iterable[Any], quick: int = 1) -> list[Any]:
    """Return all cases, or with ``--quick`` the first ones."""
    return list(cases)[: quick if is_quick() else None]


def installed(package: str, what: str) -> bool:
    """Whether a peer is there; a line says what is left out where it is not."""
    if find_spec(package) is not None:
        return True
    print(f"left out, as {package} is not installed: {what}", flush=True)
    return False


def setting(text: str) -> tuple[str, Any]:
    """Read a parameter of an estimator, KEY=VALUE, whose value may be a word."""
    name, _, value = text.partition("=")
    try:
        return name, ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return name, value
