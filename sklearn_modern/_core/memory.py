"""How much memory is free."""

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["free_memory"]

# What is taken for free where the system says nothing.
_UNKNOWN = 1 << 32

# Files of a control group, by the name of its controller; version 2 has one for all. What it uses
# counts files that were read, too, of which those that are not in use are given up when needed.
_FILES = {
    "": ("memory.max", "memory.current", "inactive_file"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def free_memory(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Return how many bytes of memory can still be taken, or about as many.

    On Linux that is what the system calls available, or what the limit of a container leaves, if
    that is less. Elsewhere it is half of what the machine has, as far as Python knows that.

    Parameters
    ----------
    proc, groups : Path
        Where Linux tells of processes and of control groups.
    """
    try:
        known = dict(line.split(":") for line in (proc / "meminfo").read_text().splitlines())
        available = int(known["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return _half_of_all()
    return max(0, min([available, *_left_by_limits(proc, groups)]))


def _half_of_all():
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):  # Windows has no such function
        return _UNKNOWN


def _left_by_limits(proc: Path, groups: Path) -> Iterator[int]:
    """Yield what the limits of this process's control groups leave, those of the outer ones too."""
    try:
        memberships = (proc / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for _, controller, path in (one.split(":", 2) for one in memberships):
        if controller not in _FILES:
            continue
        limit, used, spare = _FILES[controller]
        own = groups / controller / path.lstrip("/")
        for folder in (own, *own.parents):
            try:
                most, now = (int((folder / name).read_text()) for name in (limit, used))
                stat = dict(
                    line.split() for line in (folder / "memory.stat").read_text().splitlines()
                )
                yield most - now + int(stat[spare])
            except (OSError, KeyError, ValueError):  # there is no limit: "max", or no file
                continue
