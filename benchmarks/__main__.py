"""Run the commands of docs/benchmarks.md, one after the other: ``python -m benchmarks``.

The folder ``--out`` gets a page, ``index.md``, with the machine, the versions, and what each
command has printed; it is written anew after every command. While a command runs, its output is in
a file of its own there. ``--quick`` runs each script once, on tiny sizes and two at a time, to see
that all still run. Commands that need a GPU are left out, unless ``--gpu`` is given.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sklearn_modern._core.versions import versions
from sklearn_modern.device import available_devices

ROOT = Path(__file__).parents[1]
COMMAND = re.compile(r"`((?:[A-Z_]+=\S+ )*)python (benchmarks/(\w+)\.py[^`]*)`")
# A command says itself if it wants them; some measure what happens without.
THREADS = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT")
# Threads gain nothing on tiny sizes, and wait for each other where cores have other work.
ONE_THREAD = dict.fromkeys(THREADS, "1")


@dataclass(frozen=True)
class Command:
    """A script, what Python is to run, and variables of the environment."""

    script: str
    words: list[str]
    variables: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        variables = (f"{name}={value} " for name, value in self.variables.items())
        return "".join(variables) + shlex.join(["python", *self.words])

    def run(self, out: Path) -> "Run":
        """Run it, and have its output in a file meanwhile."""
        print(self, flush=True)
        environment = {key: value for key, value in os.environ.items() if key not in THREADS}
        start = time.perf_counter()
        with open(out, "w") as file:
            done = subprocess.run(
                [sys.executable, *self.words],
                cwd=ROOT,
                env=environment | self.variables,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        seconds = time.perf_counter() - start
        return Run(str(self), done.returncode, seconds, out.read_text(errors="replace"))


@dataclass(frozen=True)
class Run:
    """What became of a command."""

    command: str
    exit_code: int
    seconds: float
    output: str

    def __str__(self) -> str:
        return f"exit code {self.exit_code}, {self.seconds:.0f} s"


def commands(gpu: bool, quick: bool = False) -> list[Command]:
    """Return the commands of the page, or for each script a quick one."""
    found = {}
    for match in COMMAND.finditer((ROOT / "docs" / "benchmarks.md").read_text()):
        variables = dict(pair.split("=") for pair in match[1].split())
        words = shlex.split(match[2])
        if quick:
            found[match[3]] = Command(match[3], [words[0], "--quick"], ONE_THREAD)
        elif gpu or "cuda" not in words:
            found[match[0]] = Command(match[3], words, variables)
    return list(found.values())


def page(runs: Iterable[Run], date: str, quick: bool) -> str:
    """Return the page in Markdown."""
    lines = ["# Benchmarks", ""]
    if quick:
        lines += ["Each script has run once on tiny sizes: these figures mean nothing.", ""]
    lines += ["| | |", "| --- | --- |", f"| date | {date} |"]
    lines += [f"| {name} | {value} |" for name, value in (machine() | versions()).items()]
    for run in runs:
        lines += ["", f"## `{run.command}`", "", f"{str(run).capitalize()}.", ""]
        fence = "```"
        while fence in run.output:
            fence += "`"
        lines += [f"{fence}text", run.output.rstrip(), fence]
    return "\n".join(lines) + "\n"


def machine() -> dict[str, str]:
    """Return what the figures depend on beside the versions."""
    cpu = "unknown"
    with suppress(OSError):
        cpu = re.search(r"model name\s*: (.*)|$", Path("/proc/cpuinfo").read_text())[1] or cpu
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "CPU": cpu,
        "cores": f"{os.cpu_count()}",
        "memory": f"{memory:.1f} GiB",
        "devices": ", ".join(available_devices()),
    }


def main(words: Sequence[str] | None = None) -> int:
    """Run them, and return how many failed."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = sorted({command.script for command in commands(gpu=True)})
    parser.add_argument("--only", nargs="+", choices=names, metavar="SCRIPT", default=names)
    parser.add_argument("--quick", action="store_true", help="each script once, on tiny sizes")
    parser.add_argument("--gpu", action="store_true", help="the commands for a GPU, too")
    parser.add_argument("--list", action="store_true", help="print the commands, and run none")
    parser.add_argument("--out", type=Path, default=Path("benchmark_results"))
    arguments = parser.parse_args(words)
    chosen = {
        arguments.out / f"{number:02d}_{command.script}.txt": command
        for number, command in enumerate(commands(arguments.gpu, arguments.quick))
        if command.script in arguments.only
    }
    if arguments.list:
        print(*chosen.values(), sep="\n")
        return 0
    date, runs = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", []
    arguments.out.mkdir(parents=True, exist_ok=True)
    # Where seconds count, nothing else runs meanwhile.
    with ThreadPoolExecutor(2 if arguments.quick else 1) as pool:
        for run in pool.map(Command.run, chosen.values(), chosen):
            runs.append(run)
            (arguments.out / "index.md").write_text(page(runs, date, arguments.quick))
            print(f"    {run.command}: {run}", flush=True)
            if run.exit_code:
                print(run.output, flush=True)
    return sum(run.exit_code != 0 for run in runs)


if __name__ == "__main__":
    sys.exit(main())
