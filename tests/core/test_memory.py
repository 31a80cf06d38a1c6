import os

import pytest

from sklearn_modern._core import memory
from sklearn_modern._core.memory import free_memory

MEMINFO = "MemTotal:  9000 kB\nMemAvailable:  5000 kB\n"


@pytest.mark.parametrize(
    ("controller", "limit", "files", "expected"),
    [
        ("", "memory.max", {"current": 3000, "stat": "inactive_file 500\nanon 2500\n"}, 1500),
        ("", "memory.max", {"current": 9000, "stat": "inactive_file 0\n"}, 0),
        (
            "memory",
            "memory.limit_in_bytes",
            {"usage_in_bytes": 3900, "stat": "inactive_file 7\ntotal_inactive_file 0\n"},
            100,
        ),
    ],
)
@pytest.mark.parametrize("of", ["own", "outer"])
def test_what_the_limit_of_a_container_leaves_is_free(
    tmp_path, controller, limit, files, expected, of
):
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "cgroup").write_text(f"7:cpu:/other\n4:{controller}:/outer/own\n")
    folder = tmp_path / "groups" / controller / "outer"
    (folder / "own").mkdir(parents=True)
    assert free_memory(tmp_path, tmp_path / "groups") == 5000 * 1024
    folder = folder / "own" if of == "own" else folder
    (folder / limit).write_text("max\n" if controller == "" else f"{2**63}\n")
    for name, value in files.items():
        (folder / f"memory.{name}").write_text(f"{value}")
    assert free_memory(tmp_path, tmp_path / "groups") == 5000 * 1024
    (folder / limit).write_text("4000\n")
    assert free_memory(tmp_path, tmp_path / "groups") == expected


def test_without_linux_half_of_all_memory_is_taken_for_free(tmp_path, monkeypatch):
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    assert free_memory(tmp_path) == pages * size // 2
    assert 0 < free_memory() < pages * size
    monkeypatch.delattr(os, "sysconf")
    assert free_memory(tmp_path) == memory._UNKNOWN
