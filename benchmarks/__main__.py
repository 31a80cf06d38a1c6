"""Run the commands of docs/benchmarks.md, one after the other: ``python -m benchmarks``.

What a command prints goes to a file of its own in the folder ``--out``. Those that need a GPU are
left out, unless ``--gpu`` is given.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMAND = re.compile(r"`((?:[A-Z_]+=\S+ )*)python (benchmarks/(\w+)\.py[^`]*)`")


def commands(gpu: bool) -> list[tuple[str, dict[str, str], list[str]]]:
    """Return the commands of the page: the script's name, variables, and what Python is to run."""
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    found = {match[0]: match for match in COMMAND.finditer(page)}
    return [
        (match[3], dict(pair.split("=") for pair in match[1].split()), shlex.split(match[2]))
        for match in found.values()
        if gpu or "cuda" not in match[2]
    ]


def main() -> int:
    """Run them, and return how many failed."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    names = sorted({name for name, *_ in commands(gpu=True)})
    parser.add_argument("--only", nargs="+", choices=names, metavar="SCRIPT", default=names)
    parser.add_argument("--gpu", action="store_true", help="the commands for a GPU, too")
    parser.add_argument("--list", action="store_true", help="print the commands, and run none")
    parser.add_argument("--out", type=Path, default=Path("benchmark_results"))
    arguments = parser.parse_args()
    failed = 0
    for number, (name, variables, command) in enumerate(commands(arguments.gpu)):
        if name not in arguments.only:
            continue
        print(shlex.join(["python", *command]), flush=True)
        if arguments.list:
            continue
        arguments.out.mkdir(parents=True, exist_ok=True)
        start = time.perf_counter()
        with open(arguments.out / f"{number:02d}_{name}.txt", "w") as file:
            done = subprocess.run(
                [sys.executable, *command],
                cwd=ROOT,
                env=os.environ | variables,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        print(f"    exit code {done.returncode}, {time.perf_counter() - start:.0f} s", flush=True)
        failed += done.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
