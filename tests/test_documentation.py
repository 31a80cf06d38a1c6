"""README and documentation do what they say."""

import io
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType

import pytest

from sklearn_modern.utils.discovery import all_estimators

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A block of text right below one of Python is what it prints.
RUN = re.compile(r"^```python\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"\d+(?:\.(\d+))?")


def blocks(page, language):
    """The page's code blocks in a language, each with the line on which it stands."""
    text = page.read_text()
    return [
        (text.count("\n", 0, match.start(2)), match[2])
        for match in BLOCK.finditer(text)
        if match[1] == language
    ]


def has_python(page):
    return bool(blocks(page, "python"))


def differs(shown, printed):
    """Whether an output is another one, in words, spaces apart, or by over 2 in a last decimal."""
    if NUMBER.sub("0", shown).split() != NUMBER.sub("0", printed).split():
        return True
    pairs = zip(NUMBER.finditer(shown), NUMBER.finditer(printed), strict=True)
    return any(
        abs(float(one[0]) - float(other[0])) > (2.01 * 10.0 ** -len(one[1]) if one[1] else 0)
        for one, other in pairs
    )


@pytest.mark.parametrize("page", [*filter(has_python, PAGES)], ids=lambda page: page.name)
def test_code_runs(page, monkeypatch, tmp_path):
    # A module of its own, since estimators that a page defines are pickled by name.
    module = ModuleType(f"page_{page.stem}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(tmp_path)
    text = page.read_text()
    for match in RUN.finditer(text):
        line, (code, shown) = text.count("\n", 0, match.start(1)), match.groups()
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile("\n" * line + code, page, "exec"), vars(module))
        if shown is not None and differs(shown, printed.getvalue()):
            pytest.fail(f"{page.name}, line {line + 1}, prints\n{printed.getvalue()}")


def test_commands_of_the_readme_are_those_of_the_checks():
    commands = [code.strip() for _, code in blocks(ROOT / "README.md", "bash")]
    assert len(commands) == 2
    checks = (ROOT / ".ci" / "run").read_text().splitlines()
    for command in commands:
        assert "-c constraints.txt" in command
        assert command in [line.strip() for line in checks]


def test_every_estimator_is_in_the_readme():
    assert [name for name, _ in all_estimators() if f".{name}`" not in README] == []


def test_every_benchmark_is_in_the_documentation():
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    scripts = {
        path.name
        for path in (ROOT / "benchmarks").glob("[!_]*.py")
        if '__name__ == "__main__"' in path.read_text()
    }
    assert set(re.findall(r"python benchmarks/(\w+\.py)", page)) == scripts
    # The command that runs all of them reads the page.
    command = [sys.executable, "-m", "benchmarks", "--gpu", "--list"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"benchmarks/(\w+\.py)", listed)) == scripts


def test_every_benchmark_can_be_imported():
    """What it measures is still there."""
    names = sorted(path.stem for path in (ROOT / "benchmarks").glob("[!_]*.py"))
    code = f"import importlib; [importlib.import_module(name) for name in {names!r}]"
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, cwd=ROOT / "benchmarks", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_chart_of_the_benchmarks_shows_the_figures_of_the_page(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from chart import PICTURE, ratios

    picture = PICTURE.read_text()
    shown = [f"{value:g}" for value in ratios().values()]
    found = iter(re.findall(r">([\d.]+)</text>", picture))
    assert all(value in found for value in shown), "run python benchmarks/chart.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text()
    assert re.findall(r"(?<!!)\[\s*\]\([^)]*\)", text) == []  # which only Sphinx gives a text
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [target for target in targets if not (page.parent / target).exists()] == []
