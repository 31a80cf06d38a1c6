"""Progress of long computations, on a terminal and elsewhere."""

import io
import pickle
import sys

import pytest

from sklearn_modern._core import progress
from sklearn_modern._core.progress import ProgressBar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Let a test say what time it is."""
    now = [0.0]
    monkeypatch.setattr(progress, "perf_counter", lambda: now[0])
    return now


def on_terminal(monkeypatch):
    """Make stderr a terminal; not in a fixture, since pytest replaces it after these."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "80")
    return sys.stderr


def run(clock, total, until=None, seconds=1.0, text="score 0.5"):
    bar = ProgressBar()
    for done in range(1, (until or total) + 1):
        clock[0] += seconds
        bar.show(done, total, text)
    bar.close()
    bar.close()


def test_a_terminal_shows_one_line_that_ends(clock, monkeypatch):
    terminal = on_terminal(monkeypatch)
    run(clock, 4)
    assert terminal.getvalue().count("\n") == 1
    assert terminal.getvalue().endswith("\n")
    drawn = terminal.getvalue().rstrip("\n").split("\r")
    assert drawn[0] == ""
    assert drawn[1] == "[#####---------------] 1/4 0:03 left, score 0.5"
    assert drawn[-1].rstrip() == f"[{'#' * 20}] 4/4 in 0:04, score 0.5"
    lengths = [len(line) for line in drawn[1:]]
    assert lengths == sorted(lengths), "the rest of a longer line must not stay"


def test_a_terminal_is_neither_flooded_nor_wrapped(clock, monkeypatch):
    terminal = on_terminal(monkeypatch)
    run(clock, 1000, seconds=0.001, text="x" * 200)
    drawn = terminal.getvalue().rstrip("\n").split("\r")[1:]
    assert len(drawn) <= 11
    assert max(map(len, drawn)) < 80


def test_files_get_few_plain_lines(clock, capsys):
    run(clock, 3)
    assert capsys.readouterr() == ("", f"[{'#' * 20}] 3/3 in 0:03, score 0.5\n")
    run(clock, 4000)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 400
    assert lines[0].endswith(" 10/4000 1:06:30 left, score 0.5")
    assert not any("\r" in line or "\x1b" in line for line in lines)


@pytest.mark.parametrize("where", ["terminal", "file"])
def test_what_is_stopped_ends_its_line(where, clock, capsys, monkeypatch):
    stream = on_terminal(monkeypatch) if where == "terminal" else None
    run(clock, 9, until=5)
    text = capsys.readouterr().err if stream is None else stream.getvalue()
    assert text.count("\n") == 1
    assert "5/9 0:04 left, score 0.5" in text
    ProgressBar().close()


def test_nothing_to_do_is_done_at_once(clock, capsys):
    ProgressBar().show(0, 0)
    assert capsys.readouterr().err == f"[{'#' * 20}] 0/0 in 0:00\n"
    assert ProgressBar().left(0, 5) == "?"


def test_a_bar_is_pickled():
    bar = ProgressBar("stdout")
    bar.show(1, 2)
    assert pickle.loads(pickle.dumps(bar)).stream == "stdout"
