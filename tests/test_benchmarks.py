"""The command that runs all benchmarks, and what the scripts share."""

import importlib
import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def shared(monkeypatch):
    """What a script of the folder imports by its name."""
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.delenv("BENCHMARKS_QUICK", raising=False)
    names = {path.stem for path in FOLDER.glob("[!_]*.py")}
    yield importlib.import_module
    for name in names & set(sys.modules):
        del sys.modules[name]


@pytest.fixture
def command():
    """``python -m benchmarks``, as a namespace of functions that a test may replace."""
    return runpy.run_path(str(FOLDER / "__main__.py"), run_name="benchmarks.__main__")


def test_page_is_written_after_every_command(command, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    show = f"""
import pathlib, time
index, end = pathlib.Path(r'{tmp_path}/index.md'), time.monotonic() + 30
while not (index.exists() and index.read_text()) and time.monotonic() < end:
    time.sleep(0.01)
print(index.read_text().count('## `'))
raise SystemExit(3)
"""
    fakes = [
        command["Command"]("chart", ["-c", "print('```')"]),
        command["Command"]("threads", ["-c", show], {"A": "1"}),
        command["Command"]("threads", ["-c", "import os; print('OMP_NUM_THREADS' in os.environ)"]),
        command["Command"]("mlp_speed", ["-c", "print('left out by --only')"]),
    ]
    main = command["main"]
    monkeypatch.setitem(main.__globals__, "commands", lambda *args, **gpu: fakes)
    monkeypatch.setitem(main.__globals__, "available_devices", lambda: ["cpu"])  # without torch
    words = ["--out", str(tmp_path), "--only", "chart", "threads"]
    assert main(words) == 1
    page = (tmp_path / "index.md").read_text()
    sections = page.split("\n## ")
    assert len(sections) == 4
    for name in ("date", "CPU", "cores", "memory", "python", "numpy"):
        assert f"\n| {name} | " in sections[0]
    assert "mean nothing" not in page
    assert "mean nothing" in command["page"]([], "today", quick=True)
    assert "Exit code 0, " in sections[1]
    assert "````text\n```\n````" in sections[1]
    assert sections[2].startswith("`A=1 python -c ")
    assert "Exit code 3, " in sections[2]
    # The page had one command when the second ran; the third runs though that failed.
    assert "```text\n1\n```" in sections[2]
    assert "```text\nFalse\n```" in sections[3]
    assert "exit code 3" in capsys.readouterr().out


def test_quick_runs_each_script_once(command):
    scripts = [each.script for each in command["commands"](gpu=True)]
    quick = command["commands"](gpu=False, quick=True)
    assert [each.script for each in quick] == list(dict.fromkeys(scripts))
    assert all(each.words == [f"benchmarks/{each.script}.py", "--quick"] for each in quick)


def test_ratio_is_theirs_to_ours(shared):
    ratio = shared("ratio").compare(2.0, 6.0, repeats=2, seconds=float, parts=5)
    assert (ratio.minimum, ratio.median) == (15.0, 15.0)
    assert str(ratio) == "15.000 by medians, 15.000 by minima (30 s / 2 s, 2 repeats)"


def test_quick_makes_work_small(shared, monkeypatch):
    line = shared("command_line")
    runs = []
    assert (line.small(100, 3), line.few("abc"), line.is_quick()) == (100, [*"abc"], False)
    monkeypatch.setattr(line.os, "environ", {})  # as it is changed
    line.command_line("doc", repeats=9).parse_args(["--quick"])
    assert (line.small(100, 3), line.small(2, 3), line.few("abc")) == (3, 2, ["a"])
    shared("ratio").compare(1.0, 2.0, seconds=lambda side: runs.append(side) or side)
    assert runs == [1.0, 2.0]


def test_missing_peer_is_named(shared, capsys):
    line = shared("command_line")
    assert line.installed("numpy", "nothing")
    assert capsys.readouterr().out == ""
    assert not line.installed("no_such_package", "its loop")
    assert capsys.readouterr().out == "left out, as no_such_package is not installed: its loop\n"


def test_own_process_finds_modules_by_relative_paths(shared, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def numbers(n):\n    return [n, 2.5]\n")
    in_own_process = shared("own_process").in_own_process
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [".", *sys.path])
    assert in_own_process("only_here", "numbers(1)") == [1, 2.5]
