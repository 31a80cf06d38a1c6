"""What the distribution says of itself and what is in it."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from configparser import ConfigParser
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import sklearn_modern
from sklearn_modern.neural_network import MLPClassifier

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
# What users install.
USED = [PROJECT["dependencies"], *(EXTRAS[e] for e in ("report", "catboost", "search", "dask"))]


def pins(name):
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    requirements = [Requirement(line) for line in lines if line]
    assert all(str(r.specifier).startswith("==") for r in requirements)
    return {canonicalize_name(r.name): Version(str(r.specifier)[2:]) for r in requirements}


def requirements(*groups):
    every = [Requirement(line) for group in groups for line in group]
    return {canonicalize_name(r.name): r for r in every if r.name != PROJECT["name"]}


def test_version_stands_in_one_place():
    assert metadata.version("sklearn-modern") == sklearn_modern.__version__
    assert "version" in PROJECT["dynamic"]
    folders = ["sklearn_modern", "tests", "docs", "examples", "benchmarks"]
    texts = [ROOT / name for name in ("pyproject.toml", "setup.cfg", "README.md")]
    for folder in folders:
        texts += [p for p in (ROOT / folder).rglob("*") if p.suffix in {".py", ".md", ".rst"}]
    here = [
        path.relative_to(ROOT) for path in texts if sklearn_modern.__version__ in path.read_text()
    ]
    assert here == [Path("sklearn_modern/__init__.py")]


def test_metadata():
    declared = metadata.metadata("sklearn-modern")
    assert declared["License-Expression"] == "BSD-3-Clause"
    assert declared["Requires-Python"] == ">=3.11"
    assert set(declared.get_all("Provides-Extra")) == {
        "report",
        "catboost",
        "search",
        "dask",
        "test",
        "docs",
        "dev",
    }


def test_setup_cfg_holds_only_what_pyproject_does_not():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert set(setup.sections()) == {"options", "options.packages.find", "options.package_data"}
    assert set(setup["options"]) == {"packages"}
    assert set(PYPROJECT["tool"]["setuptools"]) == {"dynamic"}


def test_every_dependency_is_pinned_to_a_tested_version():
    everything = requirements(PROJECT["dependencies"], *EXTRAS.values())
    assert set(everything) <= set(pins("constraints.txt"))
    installed_by_tests = requirements(*USED, EXTRAS["test"])
    assert set(installed_by_tests) <= set(pins("constraints-min.txt"))


def test_lower_bounds_are_the_oldest_tested_versions():
    oldest = pins("constraints-min.txt")
    users = requirements(*USED)
    bounds = {name: Version(str(r.specifier).removeprefix(">=")) for name, r in users.items()}
    assert bounds.pop("torch") <= oldest["torch"]
    assert bounds == {name: oldest[name] for name in bounds}


def test_what_is_imported_is_declared_and_every_extra_serves_code():
    modules = set()
    for path in (ROOT / "sklearn_modern").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules.add(node.module.partition(".")[0])
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_optional":
                modules.add(node.args[0].value.partition(".")[0])
    modules -= {*sys.stdlib_module_names, "sklearn_modern"}
    distributions = metadata.packages_distributions()
    used = {canonicalize_name(distributions[module][0]) for module in modules}
    users = requirements(*USED)
    assert used <= set(users)
    assert set(requirements(*USED[1:])) <= used


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names of the files in a wheel that is built from a copy of the sources."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "setup.cfg", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("sklearn_modern", "tests", "docs", "examples", "benchmarks"):
        ignore = shutil.ignore_patterns("__pycache__", "_build", "gallery", "generated")
        shutil.copytree(ROOT / name, source / name, ignore=ignore)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = (source / "dist").glob("*.whl")
    return set(zipfile.ZipFile(built).namelist())


def test_wheel_holds_the_package_and_nothing_else(wheel):
    tree = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "sklearn_modern").rglob("*")
        if path.suffix == ".py" or path.name == "py.typed"
    }
    assert "sklearn_modern/py.typed" in tree
    assert {name for name in wheel if ".dist-info/" not in name} == tree
    assert any(re.fullmatch(r".*\.dist-info/licenses/LICENSE", name) for name in wheel)


def test_a_type_checker_sees_every_parameter(tmp_path):
    script = tmp_path / "user.py"
    script.write_text(
        "from sklearn_modern.neural_network import MLPClassifier\n"
        "reveal_type(MLPClassifier)\n"
        "MLPClassifier((8,), learning_rate_init='fast')\n"
    )
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml")]
    command += ["--cache-dir", str(tmp_path), "--follow-imports", "silent", str(script)]
    environment = os.environ | {"MYPYPATH": str(ROOT)}
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    revealed, error, _ = run.stdout.splitlines()
    assert set(MLPClassifier().get_params()) <= set(re.findall(r"(\w+): ", revealed))
    assert error.startswith(f'{script}:3: error: Argument "learning_rate_init"')
